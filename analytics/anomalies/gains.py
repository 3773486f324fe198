"""Faults of a meter's gain, told from changes of the load by the meter tree: lost phase, reversed CT, drift.

Strategy: what a parent counts beyond its children is small and regular. When a child counts only the share g of what
flows, the balance rises by (1 − g)/g of what that child counts; when the parent does, it falls by (1 − g) of its
children's sum. So each meter of a family is a template for the balance's residual, and proposes the segment in which it
explains it best; of those that explain it nearly as well as the best, :mod:`analytics.tree.blame` says which it was. A
load that changes leaves the balance alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.anomalies.episode import Bools, Episode
from analytics.anomalies.scan import (
    PROPOSED,
    Project,
    Segment,
    best_segment,
    daily,
    hour_ends,
    unabsorbed_segment,
)  # fmt: skip
from analytics.quality import Floats
from analytics.tree import blame

Ints = NDArray[np.int64]

THRESHOLD: Final = 9.0
SURE: Final = 5.0
MOST_EPISODES: Final = 6
LEAST_GAIN: Final = 0.04
"""Smaller deviations are left to the accuracy class."""
LEAST_DRIFT_DAYS: Final = 21
PHASE: Final = (0.36, 0.8)
"""(1 − g)/g of a lost phase is 1/2, of two lost phases or one reversed transformer 2."""
REVERSED: Final = (0.8, 4.0)
NEAR: Final = 0.7
"""Members that explain the balance nearly as well as the best are told apart by all that speaks for each."""


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """A parent's balance: ``residual`` = parent − Σ children − what is usual (NaN where a member is unknown),
    ``energy`` and ``expected`` of each member, ``day`` (0 first) of each hour."""

    parent: str
    residual: Floats
    energy: Mapping[str, Floats]
    expected: Mapping[str, Floats]
    day: Ints
    project: Project
    fitted: Bools
    kind: Ints

    @property
    def children(self) -> list[str]:
        return [p for p in self.energy if p != self.parent]

    def template(self, point: str) -> Floats:
        shape = day_shaped(self.energy[point], self.expected[point], self.day)
        return -shape if point == self.parent else shape

    @property
    def sigma(self) -> float:
        """Robust scale of the balance, never below 0.3 % of the parent's mean."""
        known = self.residual[np.isfinite(self.residual)]
        scale = 1.4826 * float(np.median(np.abs(known))) if len(known) else 0.0
        return max(scale, 0.003 * float(np.nanmean(self.energy[self.parent])), 1e-6)


def day_shaped(energy: Floats, expected: Floats, day: Ints) -> Floats:
    """Each day's energy in the shape that is expected of it; NaN where the hour is unknown.

    A coarse register's steps are in the balance too, so its own hours would seem to explain them; a day's sum does
    not.
    """
    known = np.isfinite(energy)
    counted = np.bincount(day[known], energy[known], int(day[-1]) + 1)
    usual = np.bincount(day[known], expected[known], int(day[-1]) + 1)
    ratio = np.divide(counted, usual, out=np.zeros_like(counted), where=usual > 0)
    return np.where(known, expected * ratio[day], np.nan)


def gain_faults(family: Family) -> list[Episode]:
    """Episodes of this family's meters, strongest first."""
    residual, out = family.residual.copy(), []
    for _ in range(MOST_EPISODES):
        now = replace(family, residual=residual)
        blamed = _blame(now)
        if blamed is None:
            break
        episode = _named(replace(family, residual=blamed.residual), blamed.point, blamed.segment)
        residual[(family.day >= blamed.segment.begin) & (family.day < blamed.segment.end)] = np.nan
        if episode is not None:
            residual[episode.begin : episode.end] = np.nan
            out.append(episode)
    return _joined(out)


@dataclass(frozen=True, slots=True, eq=False)
class _Blame:
    """A member, the segment in which it is at fault, and the residual without what the fit had learned of it."""

    point: str
    segment: Segment
    residual: Floats


def _blame(family: Family) -> _Blame | None:
    """Of the members whose templates explain the residual well, the one that most speaks for, if any does."""
    sigma = np.full(len(family.residual), family.sigma)
    proposed = [first for point in family.energy if (first := _proposed(family, point, sigma)) is not None]
    suspects = [each for each in proposed if abs(each.segment.sure_z) >= SURE]
    top = max((abs(s.segment.z) for s in suspects), default=0.0)
    if top < THRESHOLD:
        return None
    near = [_most_likely(family, s) for s in suspects if abs(s.segment.z) >= NEAR * top]
    said, point, by = max(near, key=lambda each: each[0])
    blamed = by if by.point == point else _looked_at(family, point, sigma, by.segment)
    if said == -np.inf or abs(blamed.segment.z) < THRESHOLD:
        return None
    return None if _is_load(replace(family, residual=blamed.residual), blamed.segment, sigma) else blamed


def _proposed(family: Family, point: str, sigma: Floats) -> _Blame | None:
    """The segment that a member's template explains best."""
    first = best_segment(*daily(family.template(point), family.residual, sigma, family.day))
    return None if first is None or abs(first.z) < PROPOSED else _looked_at(family, point, sigma, first)


def _looked_at(family: Family, point: str, sigma: Floats, first: Segment) -> _Blame:
    segment, whole = unabsorbed_segment(
        family.template(point), family.residual, sigma, family.day, family.project, family.fitted, first
    )
    return _Blame(point, segment, whole)


def _most_likely(family: Family, by: _Blame) -> tuple[float, str, _Blame]:
    """Who is at fault in a segment that somebody's template proposed (:mod:`analytics.tree.blame`): how much speaks for
    it, who, and the proposal."""
    members = [*family.children, family.parent]
    first, last = _rows(family.day, by.segment)
    learnt = np.ones(len(family.day), bool)
    learnt[first:last] = False
    shown, expected = (np.column_stack([of[m] for m in members]) for of in (family.energy, family.expected))
    of = blame.Family(shown, expected, by.residual, family.kind, learnt, parent=True)
    total = blame.suspicion(blame.usual(of), of, slice(first, last)).total
    return float(total.max()), members[int(np.argmax(total))], by


def _is_load(family: Family, segment: Segment, sigma: Floats) -> bool:
    """Whether a constant new load between the parent and its children explains the segment better."""
    cross, power = daily(np.ones(len(family.residual)), family.residual, sigma, family.day)
    inside = slice(segment.begin, segment.end)
    return float(cross[inside].sum() ** 2 / max(power[inside].sum(), 1e-9)) > 1.2 * _explained(family, segment, sigma)


def _explained(family: Family, segment: Segment, sigma: Floats) -> float:
    best = 0.0
    for point in family.energy:
        cross, power = daily(family.template(point), family.residual, sigma, family.day)
        inside = slice(segment.begin, segment.end)
        best = max(best, float(cross[inside].sum() ** 2 / max(power[inside].sum(), 1e-9)))
    return best


def _named(family: Family, point: str, segment: Segment) -> Episode | None:
    """Kind, ends and energy of a gain fault, None where its size is that of no fault."""
    template = family.template(point)
    cross, power = daily(template, family.residual, np.ones(len(template)), family.day)
    inside = slice(segment.begin, segment.end)
    lost = _typical(cross[inside], power[inside])
    if point == family.parent:
        lost = lost / max(1 - lost, 0.05)
    days = segment.end - segment.begin
    if PHASE[0] <= lost < PHASE[1]:
        kind = "phase_loss"
    elif REVERSED[0] <= lost < REVERSED[1]:
        kind = "reversed_ct"
    elif days >= LEAST_DRIFT_DAYS and abs(segment.amplitude) >= LEAST_GAIN:
        return _drift(family, point, segment, cross, power)
    else:
        return None
    first, last = _rows(family.day, segment)
    begin, end = hour_ends(template, family.residual, segment.amplitude, first, last)
    return _episode(family, point, kind, begin, end, abs(segment.z), {})


def _typical(cross: Floats, power: Floats) -> float:
    """The gain error on days on which there is one: the weighted median of the daily errors above half the greatest
    part (a phase may be lost in spells)."""
    error = np.divide(cross, power, out=np.zeros_like(cross), where=power > 0)
    order = np.argsort(-np.abs(error))
    weight = np.cumsum(power[order])
    if not len(weight) or weight[-1] <= 0:
        return 0.0
    strong = float(np.abs(error[order][np.searchsorted(weight, 0.15 * weight[-1])]))
    on = np.abs(error) > 0.5 * strong
    return float(np.average(error[on], weights=power[on] + 1e-12)) if on.any() else 0.0


def _drift(family: Family, point: str, segment: Segment, cross: Floats, power: Floats) -> Episode | None:
    """A gain that moves away slowly: where the straight rise begins, and how far it came."""
    error = np.divide(cross, power, out=np.zeros_like(cross), where=power > 0)
    begin, weekly, last = _ramp(error, power, segment)
    first, _ = _rows(family.day, Segment(begin, segment.end, 0.0, 0.0))
    _, end = _rows(family.day, segment)
    share = -last if point == family.parent else 1 / max(1 + last, 0.1) - 1
    evidence = {"share": share, "share_per_week": share / last * weekly if last else 0.0}
    return _episode(family, point, "drift", first, end, abs(segment.z), evidence)


def _ramp(error: Floats, power: Floats, segment: Segment) -> tuple[int, float, float]:
    """(first day, rise a week, value at the end) of the straight rise that fits the daily errors best."""
    best = (np.inf, segment.begin, 0.0, 0.0)
    for begin in range(max(segment.begin - 90, 0), segment.end - 7, 3):
        for length in (45, 60, 80, 100, 120, 150, 180):
            shape = np.clip((np.arange(len(error)) - begin) / length, 0, 1)
            shape[segment.end :] = 0
            rows = slice(max(segment.begin - 90, 0), segment.end)
            w, s, e = power[rows], shape[rows], error[rows]
            height = float((w * s * e).sum() / max((w * s * s).sum(), 1e-12))
            misfit = float((w * (e - height * s) ** 2).sum())
            if misfit < best[0]:
                best = (misfit, begin, height / length * 7, height * float(s[-1]))
    return best[1], best[2], best[3]


def _episode(
    family: Family, point: str, kind: str, begin: int, end: int, z: float, evidence: dict[str, float]
) -> Episode:
    """The evidence is of the hours in which the whole family is known; what is at stake is taken to go on as in
    them."""
    rows = slice(begin, end)
    known = np.isfinite(family.residual[rows])
    seen = float(known.mean()) or 1.0
    uncounted = float(family.residual[rows][known].sum()) * (-1.0 if point == family.parent else 1.0)
    counted = float(family.energy[point][rows][known].sum())
    flowed = counted + uncounted
    facts = {"actual_kwh": counted, "expected_kwh": flowed} | evidence
    if kind != "drift":
        facts["share"] = counted / flowed if flowed > 0 else 0.0
    return Episode(point, kind, begin, end, min(0.6 + z / 100, 0.97), -uncounted / seen, facts)


def _rows(day: Ints, segment: Segment) -> tuple[int, int]:
    return int(np.searchsorted(day, segment.begin)), int(np.searchsorted(day, segment.end))


def _joined(found: list[Episode]) -> list[Episode]:
    """Pieces of one fault of one meter, at most five days apart, as one."""
    out: list[Episode] = []
    for episode in sorted(found, key=lambda e: (e.point, e.kind, e.begin)):
        last = out[-1] if out else None
        if last and (last.point, last.kind) == (episode.point, episode.kind) and episode.begin - last.end <= 120:
            out[-1] = join(last, episode)
        else:
            out.append(episode)
    return out


def join(one: Episode, other: Episode) -> Episode:
    """Two pieces of one episode: energies add, the later piece's other evidence stays."""
    amount = None if one.amount is None or other.amount is None else one.amount + other.amount
    evidence = one.evidence | other.evidence
    for key in ("actual_kwh", "expected_kwh", "hours", "nights"):
        if key in one.evidence and key in other.evidence:
            evidence[key] = one.evidence[key] + other.evidence[key]
    if "share" in evidence and one.kind in ("phase_loss", "reversed_ct") and evidence.get("expected_kwh"):
        evidence["share"] = evidence["actual_kwh"] / evidence["expected_kwh"]
    confidence = max(one.confidence, other.confidence)
    begin, end = min(one.begin, other.begin), max(one.end, other.end)
    return Episode(one.point, one.kind, begin, end, confidence, amount, evidence)
