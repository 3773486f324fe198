"""From episodes to findings: ids that last, money, open or closed; what was told before is followed or withdrawn.

Strategy: a finding is the same as one told before if meter and kind agree and the spans overlap; it keeps that
one's id and the time at which it was first told. Ids carry the local day of the beginning; a second finding of the
same meter, kind and day gets a number behind it. What was told and is found no more is withdrawn, with its time, and
stays.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from analytics.anomalies.episode import LOAD_KINDS, Episode
from analytics.calendar import DAY_S, local_seconds
from analytics.hours import Hours
from analytics.tariff import rates
from submeter.words import Finding, FindingState, Medium, Point, Portfolio

OPEN_H: Final = 48
"""An episode that lasts to within two days of the building's last hour goes on."""
DAYS_A_MONTH: Final = 30.44
DEMAND: Final = "demand"
"""The medium of a price per kW of a month's highest demand (two-part tariffs)."""


def findings_of(episodes: Sequence[Episode], hours: Hours, portfolio: Portfolio, now_ms: int) -> list[Finding]:
    """Findings as if nothing had been told before."""
    alive = max(hours.last.values(), default=0)
    return [_finding(e, hours, portfolio, alive, now_ms) for e in episodes]


def followed(new: Sequence[Finding], told: Sequence[Finding], now_ms: int, since_ms: int) -> list[Finding]:
    """New findings under the ids of those that were told before, and withdrawn ones; older than ``since_ms`` (which
    the study cannot see) nothing changes. Returns what is to be stored."""
    left = [f for f in told if f.state is not FindingState.WITHDRAWN and f.end_ms > since_ms]
    matches: list[Finding | None] = []
    for finding in new:
        match = next((f for f in left if _same(f, finding)), None)
        matches.append(match)
        if match is not None:
            left.remove(match)
    before = {f.id: f for f in told}
    taken = {f.id for f in told if f.state is not FindingState.WITHDRAWN}
    out: list[Finding] = []
    for finding, match in zip(new, matches, strict=True):
        name = match.id if match is not None else _free(finding.id, taken)
        taken.add(name)
        known = before.get(name)
        out.append(structs.replace(finding, id=name, first_told_ms=known.first_told_ms if known else now_ms))
    return out + [_withdrawn(f, now_ms) for f in left]


def _free(name: str, taken: set[str]) -> str:
    """The id itself, or the first number behind it that is free."""
    numbered = (name, *(f"{name}~{n}" for n in range(2, len(taken) + 3)))
    return next(each for each in numbered if each not in taken)


def _finding(episode: Episode, hours: Hours, portfolio: Portfolio, alive: int, now_ms: int) -> Finding:
    point = portfolio.points[episode.point]
    begin_ms = int(hours.start_ms[episode.begin])
    end_ms = int(hours.start_ms[min(episode.end, len(hours)) - 1]) + 3_600_000
    is_open = episode.end >= alive - OPEN_H and episode.kind != "spike"
    return Finding(
        id=f"{episode.point}@{episode.kind}@{_local_day(hours, episode.begin)[0].astype('datetime64[D]')}",
        building=point.building,
        point=episode.point,
        kind=episode.kind,
        start_ms=begin_ms,
        end_ms=end_ms,
        state=FindingState.OPEN if is_open else FindingState.CLOSED,
        confidence=round(episode.confidence, 3),
        kwh=episode.amount if _in_kwh(point) else None,
        yuan_month=_yuan_month(episode, point, hours, portfolio),
        evidence=_evidence(episode, point),
        first_told_ms=now_ms,
        last_seen_ms=now_ms,
    )


def _in_kwh(point: Point) -> bool:
    return point.medium not in (Medium.WATER, Medium.GAS)


def _evidence(episode: Episode, point: Point) -> dict[str, float | str]:
    """Rounded; in cubic metres for water and gas."""
    out: dict[str, float | str] = {k: float(f"{v:.6g}") for k, v in episode.evidence.items()}
    if _in_kwh(point):
        return out
    if episode.amount is not None:
        out["amount_m3"] = float(f"{episode.amount:.6g}")
    return {k.replace("_kwh", "_m3") if k.endswith("_kwh") else k.replace("_kw", "_m3h"): v for k, v in out.items()}


def _yuan_month(episode: Episode, point: Point, hours: Hours, portfolio: Portfolio) -> float | None:
    """What a month of it costs; only a fault of the load costs anything. Days off come seldom: what they took is a
    month's. A peak costs what the season's other days do not reach, where there is a price of demand."""
    if episode.kind not in LOAD_KINDS or episode.amount is None:
        return None
    day = _local_day(hours, min(episode.end, len(hours)) - 1)
    price = partial(rates, portfolio.prices, hours.building.price, day=day)
    if episode.kind == "peak_demand":
        monthly = (episode.evidence["peak_kw"] - episode.evidence["top_kw"]) * float(price(DEMAND)[0])
    else:
        days = max((episode.end - episode.begin) / 24, DAYS_A_MONTH if episode.kind == "holiday_on" else 1)
        monthly = episode.amount / days * DAYS_A_MONTH * float(price(point.medium)[0])
    return monthly if np.isfinite(monthly) else None


def _local_day(hours: Hours, row: int) -> NDArray[np.int64]:
    """The local day since 1970 that a row's hour lies in, as an array of one."""
    return local_seconds(hours.start[row : row + 1], hours.building.zone) // DAY_S


def _same(told: Finding, new: Finding) -> bool:
    alike = told.point == new.point and told.kind == new.kind
    return alike and told.start_ms < new.end_ms and new.start_ms < told.end_ms


def _withdrawn(finding: Finding, now_ms: int) -> Finding:
    return structs.replace(finding, state=FindingState.WITHDRAWN, withdrawn_ms=now_ms)
