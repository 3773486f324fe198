"""From a live telling to a finding: its name in the product, what it says in numbers, and whether it is new at all.

Strategy: one cause is told once. What somebody was told already (by looking back, by an earlier life, of the meter
above or below) is not told again; a past that is gone through later only makes it known that it would have been told
sooner.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import structs

from analytics.anomalies.alone import KIND_OF
from analytics.anomalies.budget import quiet_days, took_nothing
from analytics.anomalies.episode import LOAD_KINDS, Episode
from analytics.anomalies.live.verdicts import Telling
from analytics.anomalies.telling import GRACE_MS, HOUR_MS, about, free_name, monthly_yuan, of_family, said, seen_enough
from analytics.calendar import DAY_S, instant_ms, local_seconds
from submeter.words import Building, Finding, FindingState, Point, Portfolio, lineage

LIVE_KIND: Final[Mapping[str, str]] = {**KIND_OF, "dropout": "stuck", "spike": "gross_error"}
"""What live kinds are called in findings. A register that stands still shows zeros (dropout); an hour beyond all that
was is either taken back (then looking back withdraws it) or a count that cannot be."""
ALONE: Final = ("time_shift", "frozen")
"""Told live of meters without relatives only: a sub-meter's load may run by a timetable of its own or stand by at one
value; and where a register is read, one that no longer counts shows zeros. Looking back asks the relatives
(:mod:`analytics.anomalies.kin`)."""
TOGETHER_MS: Final = 72 * HOUR_MS
"""Faults of meters above and below each other that begin so close have one cause."""
SETTLES_MS: Final = 90 * 24 * HOUR_MS
"""So long after works a meter's level is its new own: live has learnt it by then."""


def finding_of(told: Telling, portfolio: Portfolio, newest_ms: int) -> Finding:
    """As if nothing had been told before. ``newest_ms``: end of the building's newest hour; what was told so long
    before that looking back has seen enough is no news, and closed."""
    point = portfolio.points[told.meter]
    building = portfolio.buildings[point.building]
    kind = LIVE_KIND[told.kind]
    start_ms, told_ms = _ms(told.begin), _ms(told.told)
    day = local_seconds(np.array([told.begin, told.told], "datetime64[s]"), building.zone) // DAY_S
    episode = Episode(told.meter, kind, 0, 0, told.confidence, _amount(told, kind), _facts(told, kind))
    days = (told_ms - start_ms) / (24 * HOUR_MS)
    kwh, evidence = said(episode, point)
    found = Finding(
        id=f"{told.meter}@{kind}@{day[0].astype('datetime64[D]')}", building=building.id, point=told.meter, kind=kind,
        start_ms=start_ms, end_ms=told_ms, state=FindingState.OPEN, confidence=round(told.confidence, 3), kwh=kwh,
        yuan_month=monthly_yuan(episode, point, portfolio, day[1:], days), evidence=evidence, first_told_ms=told_ms,
        last_seen_ms=told_ms, first_kind=kind, confirmed=False,
    )  # fmt: skip
    return structs.replace(found, state=FindingState.CLOSED) if seen_enough(found, newest_ms) else found


def news(new: Finding, told: Collection[Finding], portfolio: Portfolio, looked_ms: int = 0) -> Finding | None:
    """What is to be stored of a live finding beside those ``told`` of the building; None: nothing. Studies have looked
    up to ``looked_ms``: of a past that is gone through afterwards, what they did not find is not told any more."""
    if _expected(new, portfolio) or _took_nothing(new):
        return None
    for old in told:
        if old.point == new.point and of_family(old.kind) == of_family(new.kind) and about(old, new, GRACE_MS):
            if old.state is FindingState.WITHDRAWN or old.first_told_ms <= new.first_told_ms:
                return None
            return structs.replace(old, first_told_ms=new.first_told_ms, first_kind=new.kind)
    if seen_enough(new, looked_ms) or any(_same_cause(new, old, portfolio) for old in told):
        return None
    return structs.replace(new, id=free_name(new.id, {f.id for f in told}))


def _expected(new: Finding, portfolio: Portfolio) -> bool:
    """Whether somebody has written down why a load is unlike itself (quiet days, works), or it is a kind that this
    meter may well show by itself."""
    building = portfolio.buildings[portfolio.points[new.point].building]
    if new.kind in LOAD_KINDS and _mostly_quiet(new, portfolio, building):
        return True
    if new.kind in ALONE and _has_relatives(portfolio, new.point):
        return True
    if of_family(new.kind) == "sudden":
        return False
    works = [
        instant_ms(measure.works_start or measure.start, building.zone)
        for measure in portfolio.measures.values()
        if any(p == new.point or related(portfolio.points, p, new.point) for p in measure.points)
    ]
    return any(ms - GRACE_MS <= new.start_ms <= ms + SETTLES_MS for ms in works)


def _took_nothing(new: Finding) -> bool:
    """Of a load left on; in cubic metres for water and gas."""
    usual = new.evidence.get("expected_m3", new.evidence.get("expected_kwh", 0.0))
    amount = new.evidence.get("amount_m3", new.kwh)
    return took_nothing(new.kind, None if amount is None else float(amount), float(usual))


def _mostly_quiet(new: Finding, portfolio: Portfolio, building: Building) -> bool:
    hours = np.arange(new.start_ms // 1000, max(new.end_ms, new.start_ms + 1) // 1000, 3600).astype("datetime64[s]")
    if not len(hours) or not portfolio.quiet:
        return False
    quiet = quiet_days(portfolio.quiet, building.id, new.point, local_seconds(hours, building.zone) // DAY_S)
    return bool(quiet.mean() > 0.5)


def _same_cause(new: Finding, old: Finding, portfolio: Portfolio) -> bool:
    """Whether something lasting was told of a meter above or below, that begins with this."""
    if old.state is FindingState.WITHDRAWN or of_family(new.kind) == "sudden" or of_family(old.kind) == "sudden":
        return False
    return related(portfolio.points, old.point, new.point) and abs(old.start_ms - new.start_ms) <= TOGETHER_MS


def _has_relatives(portfolio: Portfolio, point: str) -> bool:
    return portfolio.points[point].parent in portfolio.points or bool(portfolio.children_of(point))


def related(points: Mapping[str, Point], one: str, other: str) -> bool:
    """Whether one of two meters lies above the other."""
    return one != other and (one in lineage(points, other) or other in lineage(points, one))


def _amount(told: Telling, kind: str) -> float:
    """Energy at stake; a clock that is off loses none."""
    return 0.0 if kind == "time_shift" else told.actual_kwh - told.expected_kwh


def _facts(told: Telling, kind: str) -> dict[str, float]:
    actual, usual, hours = told.actual_kwh, told.expected_kwh, float(told.hours)
    span_h = (_ms(told.told) - _ms(told.begin)) / HOUR_MS
    both = {"actual_kwh": actual, "expected_kwh": usual}
    own: dict[str, float] = {"hours": hours}
    if kind == "stuck":
        return own | {"expected_kwh": usual, "caught_up": 0.0}
    if kind == "night_on":
        own = {"nights": float(np.ceil(span_h / 24))}
    if kind == "base_step" and hours:
        own = {"step_kw": (actual - usual) / hours} | _over(actual - usual, usual, "share")
    if kind == "phase_loss":
        own = _over(actual, usual, "share")
    if kind == "scale10":
        own |= _over(actual, usual, "times")
    return own | both


def _over(part: float, whole: float, name: str) -> dict[str, float]:
    return {name: part / whole} if whole > 0 else {}


def _ms(instant: np.datetime64) -> int:
    return int(instant.astype("datetime64[s]").astype(np.int64)) * 1000


def seen_again(told: Collection[Finding], meters: Collection[str], now_ms: int) -> list[Finding]:
    """Lasting faults that live alone speaks of and that go on: seen up to ``now_ms``, told once a day."""
    return [
        structs.replace(f, last_seen_ms=now_ms, end_ms=now_ms, state=FindingState.OPEN)
        for f in told
        if not f.confirmed and f.state is not FindingState.WITHDRAWN and of_family(f.kind) == "lasting"
        and f.point in meters and f.last_seen_ms <= now_ms - DAY_S * 1000
    ]  # fmt: skip


def as_told(
    new: Sequence[Finding], told: Collection[Finding], portfolio: Portfolio, looked_ms: int = 0
) -> list[Finding]:
    """What is to be stored of new live findings, each beside those before it."""
    known = {f.id: f for f in told}
    out: dict[str, Finding] = {}
    for each in new:
        found = news(each, known.values(), portfolio, looked_ms)
        if found is not None:
            known[found.id] = out[found.id] = found
    return list(out.values())
