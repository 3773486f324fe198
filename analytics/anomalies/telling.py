"""From episodes to findings: ids that last, money, open or closed; what was told before is followed or withdrawn.

Strategy: a finding is the same as one told before if meter and kind agree and the spans overlap; it keeps that
one's id and the time at which it was first told. Ids carry the local day of the beginning; a second finding of the
same meter, kind and day gets a number behind it. What was told and is found no more is withdrawn, with its time, and
stays. What was told live may be found to be another kind of the same family: begin, end, kind and energy are then those
of looking back, ``first_kind`` says what it was told as. Live's word stands alone as long as live sees the fault go on,
and until looking back has seen enough of what came after (:data:`ENOUGH_MS`); what it does not confirm by then is
withdrawn.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
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
HOUR_MS: Final = 3_600_000
GRACE_MS: Final = 48 * HOUR_MS
"""Live knows a beginning to the day; a fault told live is the one that looking back finds within so long."""
SUDDEN_KINDS: Final = (
    "stuck", "frozen", "missing", "lost_submeter", "gap_catchup", "gross_error", "spike", "scale10",
)  # fmt: skip
ENOUGH_MS: Final[Mapping[str, int]] = {"sudden": 48 * HOUR_MS, "lasting": 10 * 24 * HOUR_MS, "peak": 0}
"""After live has seen it last, looking back has that long to find it. In a simulated district the studies of the days
after found steps of the base load within seven days of their beginning, loads left on and broken timetables within
five."""
DEMAND: Final = "demand"
"""The medium of a price per kW of a month's highest demand (two-part tariffs)."""


def findings_of(episodes: Sequence[Episode], hours: Hours, portfolio: Portfolio, now_ms: int) -> list[Finding]:
    """Findings as if nothing had been told before."""
    alive = max(hours.last.values(), default=0)
    return [_finding(e, hours, portfolio, alive, now_ms) for e in episodes]


def followed(
    new: Sequence[Finding], told: Sequence[Finding], now_ms: int, since_ms: int, seen_ms: int | None = None
) -> list[Finding]:
    """New findings under the ids of those that were told before, and withdrawn ones; older than ``since_ms`` (which
    the study cannot see) nothing changes. ``seen_ms``: the end of the newest hour that was looked at, now by default.
    Returns what is to be stored."""
    left = [f for f in told if f.state is not FindingState.WITHDRAWN and f.end_ms > since_ms]
    matches = [_taken(left, finding, _same) for finding in new]
    matches = [m or _taken(left, finding, _told_as) for m, finding in zip(matches, new, strict=True)]
    taken = {f.id for f in told if f.state is not FindingState.WITHDRAWN}
    before = {f.id: f for f in told}
    out: list[Finding] = []
    for finding, match in zip(new, matches, strict=True):
        name = match.id if match is not None else free_name(finding.id, taken)
        taken.add(name)
        out.append(_as_before(finding, name, before.get(name), now_ms))
    seen = now_ms if seen_ms is None else seen_ms
    return out + [_withdrawn(f, now_ms) for f in left if f.confirmed or seen_enough(f, seen)]


def _taken(left: list[Finding], new: Finding, fits: Callable[[Finding, Finding], bool]) -> Finding | None:
    """The first that fits, taken out of those that are left."""
    match = next((f for f in left if fits(f, new)), None)
    if match is not None:
        left.remove(match)
    return match


def _as_before(finding: Finding, name: str, known: Finding | None, now_ms: int) -> Finding:
    if known is None:
        return structs.replace(finding, id=name, first_told_ms=now_ms)
    return structs.replace(finding, id=name, first_told_ms=known.first_told_ms, first_kind=known.first_kind)


def seen_enough(finding: Finding, seen_ms: int) -> bool:
    """Whether looking back up to ``seen_ms`` would have found what live told."""
    return seen_ms >= finding.last_seen_ms + ENOUGH_MS[of_family(finding.kind)]


def looked_back(building: str) -> str:
    """The cursor that says up to when (epoch ms) a building's studies have looked."""
    return f"looked back {building}"


def of_family(kind: str) -> str:
    """Faults of hours and faults of days: what live tells as one of a family may turn out to be another of it."""
    return "sudden" if kind in SUDDEN_KINDS else "peak" if kind == "peak_demand" else "lasting"


def about(one: Finding, other: Finding, grace_ms: int = 0) -> bool:
    """Whether they are about the same time."""
    return one.start_ms < other.end_ms + grace_ms and other.start_ms < one.end_ms + grace_ms


def free_name(name: str, taken: Collection[str]) -> str:
    """The id itself, or the first number behind it that is free."""
    numbered = (name, *(f"{name}~{n}" for n in range(2, len(taken) + 3)))
    return next(each for each in numbered if each not in taken)


def _finding(episode: Episode, hours: Hours, portfolio: Portfolio, alive: int, now_ms: int) -> Finding:
    point = portfolio.points[episode.point]
    begin_ms = int(hours.start_ms[episode.begin])
    end_ms = int(hours.start_ms[min(episode.end, len(hours)) - 1]) + 3_600_000
    last = _local_day(hours, min(episode.end, len(hours)) - 1)
    kwh, evidence = said(episode, point)
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
        kwh=kwh,
        yuan_month=monthly_yuan(episode, point, portfolio, last, (episode.end - episode.begin) / 24),
        evidence=evidence,
        first_told_ms=now_ms,
        last_seen_ms=now_ms,
    )


def _in_kwh(point: Point) -> bool:
    return point.medium not in (Medium.WATER, Medium.GAS)


def said(episode: Episode, point: Point) -> tuple[float | None, dict[str, float | str]]:
    """kWh at stake (None of water and gas) and the evidence of an episode."""
    return (episode.amount if _in_kwh(point) else None), _evidence(episode, point)


def _evidence(episode: Episode, point: Point) -> dict[str, float | str]:
    """Rounded; in cubic metres for water and gas."""
    out: dict[str, float | str] = {k: float(f"{v:.6g}") for k, v in episode.evidence.items()}
    if _in_kwh(point):
        return out
    if episode.amount is not None:
        out["amount_m3"] = float(f"{episode.amount:.6g}")
    return {k.replace("_kwh", "_m3") if k.endswith("_kwh") else k.replace("_kw", "_m3h"): v for k, v in out.items()}


def monthly_yuan(
    episode: Episode, point: Point, portfolio: Portfolio, day: NDArray[np.int64], days: float
) -> float | None:
    """What a month of it costs at the prices of a local ``day`` (an array of one), after so many days; only a fault of
    the load costs anything. Days off come seldom: what they took is a month's. A peak costs what the season's other
    days do not reach, where there is a price of demand."""
    if episode.kind not in LOAD_KINDS or episode.amount is None:
        return None
    price = partial(rates, portfolio.prices, portfolio.buildings[point.building].price, day=day)
    if episode.kind == "peak_demand":
        told = episode.evidence
        usual = told.get("contract_kw", told.get("top_kw", np.nan))
        monthly = (told.get("peak_kw", np.nan) - usual) * float(price(DEMAND)[0])
    else:
        least = DAYS_A_MONTH if episode.kind == "holiday_on" else 1
        monthly = episode.amount / max(days, least) * DAYS_A_MONTH * float(price(point.medium)[0])
    return monthly if np.isfinite(monthly) else None


def _local_day(hours: Hours, row: int) -> NDArray[np.int64]:
    """The local day since 1970 that a row's hour lies in, as an array of one."""
    return local_seconds(hours.start[row : row + 1], hours.building.zone) // DAY_S


def _same(told: Finding, new: Finding) -> bool:
    return told.point == new.point and told.kind == new.kind and about(told, new)


def _told_as(told: Finding, new: Finding) -> bool:
    """Whether live told of it, perhaps as another kind."""
    alike = told.point == new.point and of_family(told.kind) == of_family(new.kind)
    return bool(told.first_kind) and alike and about(told, new, GRACE_MS)


def _withdrawn(finding: Finding, now_ms: int) -> Finding:
    return structs.replace(finding, state=FindingState.WITHDRAWN, withdrawn_ms=now_ms)
