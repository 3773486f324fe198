"""Faults of operation put into real buildings, one at a time: ``operation SITE [CASES [SEED]]``.

Strategy: the year is the one that the site judges by (its last, where it names none), as it was measured. Whole
buildings are asked, with their meter tree. First as they are: what is told then is true or false, nobody knows, and is
held against the alarm budget. Then with one fault each. A *holiday*: some days off in a row take the hours of working
days near them, as this meter really had them. A *peak*: one or two hours from a working day's highest on are 1.6 times
what they were, where that makes them the season's highest. *Heating against cooling*, where a building has both: on
some days of the season of the one, half as much again of it is delivered and taken away by the other. What a meter
shows more, those above it show, too.

The plain rule is a robust z-score of the hour of the week (median and MAD over the year), hours above a threshold being
one episode where less than half a day lies between them. Its threshold is each meter's own, such that it tells one
episode of the untouched year: that is within the alarm budget, and more than we tell.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.anomalies.episode import Episode, bridged, runs
from analytics.anomalies.operation import with_operation
from analytics.anomalies.thermal import against, heat_and_cold
from analytics.baseline import evaluate, refusal, regress
from analytics.design import Design, design
from analytics.weekdays import DayTypes, day_types
from benchmarks.result import Result
from benchmarks.site import Site, read_site
from submeter.words import Building, Medium, Point

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Random = np.random.Generator

KINDS: Final = ("holiday_on", "peak_demand", "heating_cooling")
ITEMS: Final = {"heating": "01B1F", "cooling": "01B1C"}
"""Quantities of a site that name a plant."""
LIMIT: Final = 0.1
"""episodes a meter-month of the untouched year"""
MONTH_H: Final = 730.5
PEAK: Final = 1.6
SETS: Final = 1.2
SEASON_H: Final = 30 * 24
"""A peak is one where it is the season's highest hour by a fifth."""
NEAR_H: Final = 12
THRESHOLDS: Final = np.geomspace(1.5, 400, 60)


class Fit(NamedTuple):
    """``coefficients`` (24, columns) of a meter's model and what it expects (n) kWh."""

    coefficients: Floats
    expected: Floats


@dataclass(frozen=True, slots=True, eq=False)
class House:
    """A building of a site: its points, their hours (n), and each one's design."""

    building: Building
    points: Mapping[str, Point]
    energy: Mapping[str, Floats]
    designs: Mapping[str, Design]
    types: DayTypes
    levels: dict[str, float] = field(default_factory=dict)
    """thresholds of the plain rule, as far as they were asked for"""

    def level(self, point: str) -> float:
        if point not in self.levels:
            self.levels[point] = own_threshold(self.energy[point], self.designs[point])
        return self.levels[point]

    def told(self, energy: Mapping[str, Floats], fits: Mapping[str, Fit]) -> list[Episode]:
        """What the product says of the building, in a year in which it knows of nothing else."""
        found, expected = ({p: fit[k] for p, fit in fits.items()} for k in (0, 1))
        on = self.designs.__getitem__
        pair = against(self.points, energy, on)
        return with_operation(self.building, self.points, energy, found, expected, on, [], pair)


class Fault(NamedTuple):
    kind: str
    point: str
    begin: int
    end: int
    more: Mapping[str, Floats]
    """(n) kWh that each meter shows more"""


class Asked(NamedTuple):
    """``ours`` and ``plain``: whether a case was found; ``told``: episodes of the kind in our answer that were not told
    of the untouched year, ``right``: those that are the fault."""

    fault: Fault
    ours: bool
    told: int
    right: int
    plain: bool


def run(site: str, cases: str = "150", seed: str = "1") -> Result:
    """``cases`` faults of each kind in the buildings of a site folder."""
    houses = list(houses_of(read_site(Path(site))))
    fits = [fitted(house, house.energy) for house in houses]
    begun = time.process_time()
    before = [house.told(house.energy, of) for house, of in zip(houses, fits, strict=True)]
    spent = time.process_time() - begun
    meters = [house.energy[p] for house, of in zip(houses, fits, strict=True) for p in of]
    months = sum(float(np.isfinite(e).sum()) for e in meters) / MONTH_H
    result = Result()
    result.limited("told of the year as it is", sum(map(len, before)) / months, "episodes per meter-month", LIMIT)
    result.notes += [f"as it is, {k}: {sum(e.kind == k for b in before for e in b)} in {months:.0f} meter-months"
                     for k in KINDS]  # fmt: skip
    for kind in KINDS:
        random = np.random.default_rng([int(seed), *kind.encode()])
        add(result, kind, list(asked(houses, fits, before, kind, int(cases), random)))
    result.limited("CPU", spent / max(months / 12, 1e-9) * 1000, "ms per meter-year", 5)
    return result


def add(result: Result, kind: str, cases: list[Asked]) -> None:
    if not cases:
        result.notes.append(f"{kind}: no building of the site can have it")
        return
    ours, plain = (float(np.mean([getattr(c, who) for c in cases])) for who in ("ours", "plain"))
    result.add(f"{kind}: found", ours, f"of {len(cases)}", ratio=ours / max(plain, 1e-9),
               against=f"hour-of-week z-score ({plain:.2f})")  # fmt: skip
    told, right = sum(c.told for c in cases), sum(c.right for c in cases)
    result.add(f"{kind}: of what is told anew, the fault put in", right / max(told, 1), f"of {told}")


def houses_of(site: Site) -> Iterator[House]:
    """The buildings of a site in the year that is asked about."""
    last = site.test or int(str(site.start[-1].astype("datetime64[Y]")))
    year = site.between(last, last) if site.test else site
    meters = [m for m in year.meters.values() if m.role in ("main", "sub")]
    for name in dict.fromkeys(m.building for m in meters):
        mine = [m for m in meters if m.building == name and not refusal(year.energy[m.name])]
        if not mine:
            continue
        ids = {m.name: f"{name}/{m.name}" for m in mine}
        points = {
            ids[m.name]: Point(id=ids[m.name], name=m.name, medium=Medium(m.medium), parent=ids.get(m.parent, ""),
                               item=ITEMS.get(m.quantity, "01000"))
            for m in mine
        }  # fmt: skip
        designs = {ids[m.name]: _design(year, m.name) for m in mine}
        on = next(iter(designs.values()))
        building = Building(id=name, name=name, type="other", zone=year.zone, country=year.country, area_m2=0)
        energy = {ids[m.name]: year.energy[m.name] for m in mine}
        yield House(building, points, energy, designs, day_types(on.day, year.country))


def _design(site: Site, meter: str) -> Design:
    return design(site.start, zone=site.zone, country=site.country, outdoor_c=site.outdoor_of(meter))


def fitted(house: House, energy: Mapping[str, Floats], points: Mapping[str, object] | None = None) -> dict[str, Fit]:
    """The models of all meters, or of some."""
    found = {p: regress(house.designs[p], energy[p])[0] for p in points or energy}
    return {p: Fit(coefficients, evaluate(house.designs[p], coefficients)) for p, coefficients in found.items()}


# faults
def asked(
    houses: list[House], fits: list[dict[str, Fit]], before: list[list[Episode]], kind: str, cases: int, random: Random
) -> Iterator[Asked]:
    """One fault of a kind after another, each in a building drawn anew."""
    draw = {"holiday_on": _holiday, "peak_demand": _peak, "heating_cooling": _against}[kind]
    for _ in range(20 * cases):
        if cases <= 0:
            return
        row = int(random.integers(len(houses)))
        fault = draw(houses[row], random)
        if fault is not None:
            cases -= 1
            yield _asked(houses[row], fits[row], before[row], fault)


def _asked(house: House, fits: dict[str, Fit], known: list[Episode], fault: Fault) -> Asked:
    energy = {**house.energy, **{p: house.energy[p] + more for p, more in fault.more.items()}}
    mine = [e for e in house.told(energy, fits | fitted(house, energy, fault.more)) if e.kind == fault.kind]
    right = [e for e in mine if e.point in _family(house, fault) and _meets(e.begin, e.end, fault)]
    fresh = [e for e in mine if e in right or not _told_before(e, known)]
    spans = [s for p in fault.more for s in plain_episodes(energy[p], house.designs[p], house.level(p))]
    return Asked(fault, bool(right), len(fresh), len(right), any(_meets(a, b, fault) for a, b in spans))


def _told_before(episode: Episode, known: list[Episode]) -> bool:
    same = (e for e in known if (e.point, e.kind) == (episode.point, episode.kind))
    return any(e.begin < episode.end and episode.begin < e.end for e in same)


def _family(house: House, fault: Fault) -> set[str]:
    """Where the fault may be told: the meters that show it, and siblings told of their parent."""
    return {*fault.more, *(house.points[p].parent for p in fault.more)}


def _meets(begin: int, end: int, fault: Fault) -> bool:
    return begin < fault.end + NEAR_H and end > fault.begin - NEAR_H


def _shown(house: House, point: str, more: Floats) -> dict[str, Floats]:
    """The meter and those above it."""
    out = {}
    while point in house.points:
        out[point] = more
        point = house.points[point].parent
    return out


def _holiday(house: House, random: Random) -> Fault | None:
    """Days off in a row, half of them with a public holiday, with the hours of working days near them."""
    point = str(random.choice(sorted(house.points)))
    on, energy = house.designs[point], house.energy[point]
    day = on.day - int(on.day[0])
    off = np.bincount(day, ~house.types.working) > 0
    special = np.bincount(day, house.types.holiday) > 0
    spans = [(a, b) for a, b in runs(off) if a > 7 and b < len(off) - 7 and b - a > 1 - special[a:b].any()]
    spans = [s for s in spans if special[slice(*s)].any()] if random.random() < 0.5 else spans
    if not spans:
        return None
    a, b = spans[int(random.integers(len(spans)))]
    rows = np.flatnonzero((day >= a) & (day < b))
    more = np.zeros(len(energy))
    for row in rows:
        near = [row + 24 * k for k in (-7, 7, -6, 6, -5, 5, -4, 4, -3, 3) if 0 <= row + 24 * k < len(energy)]
        worked = [r for r in near if house.types.working[r] and np.isfinite(energy[r])]
        if not worked or not np.isfinite(energy[row]):
            return None
        more[row] = energy[worked[0]] - energy[row]
    if more.sum() < 0.3 * energy[rows].sum() or energy[rows].sum() <= 0:
        return None  # this meter knows no days off
    return Fault("holiday_on", point, int(rows[0]), int(rows[-1]) + 1, _shown(house, point, more))


def _peak(house: House, random: Random) -> Fault | None:
    """One or two hours from a working day's highest on, of a main meter of electricity."""
    mains = [p.id for p in house.points.values() if p.parent not in house.points and p.medium == Medium.ELECTRICITY]
    if not mains:
        return None
    point = str(random.choice(sorted(mains)))
    on, energy = house.designs[point], house.energy[point]
    day = on.day - int(on.day[0])
    at = int(random.integers(7, int(day[-1]) - 7))
    rows = np.flatnonzero((day == at) & house.types.working)
    if not len(rows) or not np.isfinite(energy[rows]).all() or energy[rows].max() <= 0:
        return None
    begin = int(rows[np.argmax(energy[rows])])
    end = begin + int(random.integers(1, 3))
    season = energy[max(begin - SEASON_H, 0) : begin + SEASON_H]
    if PEAK * energy[begin] < SETS * float(np.nanmax(season)):
        return None  # nobody would call it the month's demand
    more = np.zeros(len(energy))
    more[begin:end] = (PEAK - 1) * np.nan_to_num(energy[begin:end])
    return Fault("peak_demand", point, begin, end, {point: more})


def _against(house: House, random: Random) -> Fault | None:
    """Three days to three weeks in the season of heat or cold."""
    heats, colds = heat_and_cold(house.points.values())
    if not heats or not colds:
        return None
    one, other = (heats[0], colds[0]) if random.random() < 0.5 else (colds[0], heats[0])
    energy = house.energy[one]
    n = int(random.integers(72, 504))
    begin = int(random.integers(0, len(energy) - n))
    more = np.zeros(len(energy))
    more[begin : begin + n] = 0.5 * np.nan_to_num(energy[begin : begin + n])
    if more.sum() < 0.25 * np.nanmean(energy) * n:
        return None  # out of season
    unit = float(np.nanmax(house.energy[other]) / np.nanmax(energy))  # a plant takes as much for the other's kWh
    shown = _shown(house, one, more) | _shown(house, other, more * unit)
    both = dict.fromkeys(set(_shown(house, one, more)) & set(_shown(house, other, more)), more * (1 + unit))
    return Fault("heating_cooling", one, begin, begin + n, shown | both)


# the plain rule
def plain_episodes(energy: Floats, on: Design, level: float) -> list[tuple[int, int]]:
    """Episodes of hours above the threshold."""
    return _joined(plain_score(energy, on), level)


def _joined(score: Floats, level: float) -> list[tuple[int, int]]:
    return runs(bridged(np.asarray(score >= level, bool), NEAR_H))


def plain_score(energy: Floats, on: Design) -> Floats:
    """Robust z of each hour (n) among the same hours of the week, 0 where unknown."""
    cell = (on.day + 3) % 7 * 24 + on.hour
    score = np.zeros(len(energy))
    for of in range(7 * 24):
        rows = np.flatnonzero((cell == of) & np.isfinite(energy))
        middle = np.median(energy[rows]) if len(rows) else 0.0
        scale = 1.4826 * np.median(np.abs(energy[rows] - middle)) if len(rows) else 0.0
        score[rows] = (energy[rows] - middle) / max(scale, 0.02 * float(np.nanmean(energy)) + 1e-9)
    return score


def own_threshold(energy: Floats, on: Design) -> float:
    """The lowest threshold at which the plain rule tells at most one episode of these hours."""
    score = plain_score(energy, on)
    return next((float(t) for t in THRESHOLDS if len(_joined(score, float(t))) <= 1), float(THRESHOLDS[-1]))
