"""Findings against the hidden truth: which kinds were found, how many alarms were false, how far the energy was off.

Strategy: a finding *meets* an episode when place and time fit: the same point, or, for a fault of a load, any meter
above or below it; and the spans overlap, with a day's grace at both ends because findings are told by the day. It is
*right* if the kind fits too, else *misnamed*. What meets nothing is false. Withdrawn findings do not count.
"""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Final

import msgspec
from rich.table import Table

from firmware_sim.faults import LOAD_KINDS
from firmware_sim.truth import Episode, Truth
from submeter.words import Finding, FindingState, Point, Saving, lineage

GRACE_MS: Final = 86_400_000


class KindScore(msgspec.Struct, frozen=True, kw_only=True):
    """``kwh_error`` is the median of |told − true| ÷ |true| over found episodes with energy at stake."""

    kind: str
    episodes: int
    found: int
    misnamed: int
    kwh_error: float | None


class SavingScore(msgspec.Struct, frozen=True, kw_only=True):
    measure: str
    true_kwh: float
    told_kwh: float | None
    low_kwh: float | None
    high_kwh: float | None
    inside: bool


class FalseAlarm(msgspec.Struct, frozen=True, kw_only=True):
    point: str
    kind: str
    start_ms: int
    end_ms: int


class Score(msgspec.Struct, frozen=True, kw_only=True):
    kinds: list[KindScore]
    kinds_found: int
    """of which at least one episode was found and rightly named"""
    kinds_there: int
    right: int
    misnamed: int
    false: int
    meter_months: float
    false_per_meter_month: float
    kwh_error: float | None
    false_alarms: list[FalseAlarm]
    savings: list[SavingScore]


def score(
    findings: Iterable[Finding], truth: Truth, meter_months: float, points: Mapping[str, Point] | None = None,
    savings: Sequence[Saving] = (),
) -> Score:  # fmt: skip
    """Compare. ``points`` (the portfolio's) let a load's fault be found on the meters above and below it."""
    told = [f for f in findings if f.state != FindingState.WITHDRAWN]
    tree = dict(points or {})
    meets = [(f, [e for e in truth.faults if meet(f, e, truth.now_ms, tree)]) for f in told]
    false = [f for f, episodes in meets if not episodes]
    right = [f for f, episodes in meets if any(e.kind == f.kind for e in episodes)]
    names = sorted({e.kind for e in truth.faults})
    kinds = [_kind_score(kind, truth, told, tree) for kind in names]
    errors = [error for e in truth.faults if (error := _kwh_error(e, told, truth.now_ms, tree)) is not None]
    return Score(
        kinds=kinds,
        kinds_found=sum(k.found > 0 for k in kinds),
        kinds_there=len(kinds),
        right=len(right),
        misnamed=len(told) - len(false) - len(right),
        false=len(false),
        meter_months=round(meter_months, 2),
        false_per_meter_month=round(len(false) / meter_months, 4) if meter_months else 0.0,
        kwh_error=_median(errors),
        false_alarms=[FalseAlarm(point=f.point, kind=f.kind, start_ms=f.start_ms, end_ms=f.end_ms) for f in false],
        savings=[_saving(truth, r.measure, r.kwh, savings) for r in truth.retrofits],
    )


def meet(finding: Finding, episode: Episode, now_ms: int, points: Mapping[str, Point]) -> bool:
    """Whether place and time fit."""
    end = now_ms if episode.end_ms is None else episode.end_ms
    if finding.end_ms < episode.start_ms - GRACE_MS or finding.start_ms > end + GRACE_MS:
        return False
    if finding.point == episode.point:
        return True
    if episode.kind not in LOAD_KINDS:
        return False
    return finding.point in lineage(points, episode.point) or episode.point in lineage(points, finding.point)


def _kind_score(kind: str, truth: Truth, told: list[Finding], points: Mapping[str, Point]) -> KindScore:
    episodes = [e for e in truth.faults if e.kind == kind]
    met = [[f.kind for f in told if meet(f, e, truth.now_ms, points)] for e in episodes]
    errors = [error for e in episodes if (error := _kwh_error(e, told, truth.now_ms, points)) is not None]
    return KindScore(
        kind=kind,
        episodes=len(episodes),
        found=sum(kind in kinds for kinds in met),
        misnamed=sum(bool(kinds) and kind not in kinds for kinds in met),
        kwh_error=_median(errors),
    )


def _kwh_error(episode: Episode, told: list[Finding], now_ms: int, points: Mapping[str, Point]) -> float | None:
    """Relative error of the energy told, at the episode's own point if it was told there; None = nothing to compare."""
    found = [f for f in told if f.kind == episode.kind and f.kwh is not None and meet(f, episode, now_ms, points)]
    if not found or abs(episode.kwh) < 1:
        return None
    by_point: dict[str, float] = {}
    for finding in found:
        by_point[finding.point] = by_point.get(finding.point, 0.0) + abs(finding.kwh or 0.0)
    told_kwh = by_point.get(episode.point, max(by_point.values()))
    return abs(told_kwh - abs(episode.kwh)) / abs(episode.kwh)


def _saving(truth: Truth, measure: str, kwh: float, savings: Sequence[Saving]) -> SavingScore:
    told = next((s for s in savings if s.measure == measure and not s.refused), None)
    if told is None:
        return SavingScore(measure=measure, true_kwh=kwh, told_kwh=None, low_kwh=None, high_kwh=None, inside=False)
    return SavingScore(
        measure=measure,
        true_kwh=kwh,
        told_kwh=told.avoided_kwh,
        low_kwh=told.low_kwh,
        high_kwh=told.high_kwh,
        inside=told.low_kwh <= kwh <= told.high_kwh,
    )


def _median(values: list[float]) -> float | None:
    return round(median(values), 4) if values else None


def to_table(result: Score) -> Table:
    """For a terminal."""
    found, false = f"{result.kinds_found} of {result.kinds_there}", f"{result.false_per_meter_month:.3f}"
    title = f"{found} kinds found, {false} false a meter-month"
    table = Table("kind", "episodes", "found", "misnamed", "energy off", title=title)
    for kind in result.kinds:
        error = "–" if kind.kwh_error is None else f"{kind.kwh_error:.0%}"
        table.add_row(kind.kind, str(kind.episodes), str(kind.found), str(kind.misnamed), error)
    for saving in result.savings:
        told = (
            "not told"
            if saving.told_kwh is None
            else f"{saving.told_kwh:,.0f} ({saving.low_kwh:,.0f} … {saving.high_kwh:,.0f})"
        )
        mark = "in the band" if saving.inside else "outside"
        table.add_row(f"saving {saving.measure}", "", "", "", f"true {saving.true_kwh:,.0f}, told {told}: {mark}")
    return table
