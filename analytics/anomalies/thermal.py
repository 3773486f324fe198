"""Heating against cooling: heat and cold delivered in one building in the same hours.

Strategy: the smaller of the two in an hour is what the one undid of the other. Hot water, reheating, server rooms have
some of it always, so what is usual in this weather and on this calendar is fitted to the smaller of the two like any
load, and days are told that go far beyond it: beyond a share of a day in use, and beyond the days of this building. It
is looked for before either meter is looked at alone, since heat in summer would pass for a step or a clock that is off.

All functions are pure, over hours; NaN = not known, and tells nothing. Thresholds were set on one office (2011) with
heat and cold added to its own.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from analytics.anomalies.episode import Episode, bridged, runs
from analytics.baseline import evaluate, refusal, regress
from analytics.design import Design, Floats, Ints
from submeter.words import Medium, Point

KNOWN_H: Final = 18
"""A day with fewer known hours is not looked at."""
OVERLAP: Final = 0.3
"""Least overlap of a day beyond the usual, as a share of the smaller one's mean day in use."""
OVERLAP_HABIT: Final = 3.0
USUAL_DAYS: Final = 0.8
"""… and as a multiple of what this share of the building's days stays below."""
IN_USE: Final = 0.05
"""Of the highest days: below, heat or cold is off."""
OVERLAP_DAYS: Final = 2
OVERLAP_GAP: Final = 3
"""Days that an episode has at least, and that may lie between two of one episode."""
PAIR_DAYS: Final = 60
"""Both must be in use on some days, and known on at least so many."""
COLD_ITEMS: Final = ("01B1A", "01B1B", "01B1C", "01B1D")
HEAT_ITEMS: Final = ("01B1E", "01B1F")
"""Chillers, towers and their pumps; heating pumps and electric boilers. Public copies of the code swap letters within
the two groups, never between them (MOHURD guide, and a regional variant)."""


class Against(NamedTuple):
    """The meters of heat and cold of a building, and when they worked against each other."""

    meters: frozenset[str] = frozenset()
    told: tuple[Episode, ...] = ()


def against(points: Mapping[str, Point], energy: Mapping[str, Floats], designs: Callable[[str], Design]) -> Against:
    """Look at a building: ``energy`` (n) kWh of each point. It is told of the first meter of heat."""
    heats, colds = heat_and_cold(points.values())
    if not heats or not colds:
        return Against()
    heat, cold = (np.asarray(np.sum([energy[p] for p in mine], axis=0), float) for mine in (heats, colds))
    told = heating_against_cooling(heats[0], heat, cold, designs(heats[0]))
    return Against(frozenset({*heats, *colds}), tuple(told))


def heat_and_cold(points: Iterable[Point]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Meters of what heats and of what cools a building, none below another of the list: by medium where it has both,
    else by item of electricity (which is in proportion to heat and cold, and so is what overlaps)."""
    mine = list(points)
    heats = [p for p in mine if p.medium == Medium.HEAT] or _of_items(mine, HEAT_ITEMS)
    colds = [p for p in mine if p.medium == Medium.COLD] or _of_items(mine, COLD_ITEMS)
    return _highest(heats), _highest(colds)


def _of_items(points: Sequence[Point], items: tuple[str, ...]) -> list[Point]:
    return [p for p in points if p.medium == Medium.ELECTRICITY and p.item in items]


def _highest(points: Sequence[Point]) -> tuple[str, ...]:
    names = {p.id for p in points}
    return tuple(sorted(p.id for p in points if p.parent not in names and not p.formula))


def overlap(heat: Floats, cold: Floats, on: Design) -> tuple[Floats, Floats]:
    """The smaller of heat and cold in each hour (n) kWh, NaN where one is not known; and what is usual in the weather
    and on the calendar of the hour."""
    smaller = np.minimum(heat, cold)
    if refusal(smaller):  # too few hours, or never both
        return smaller, np.zeros(len(smaller))
    return smaller, evaluate(on, regress(on, smaller)[0])


def heating_against_cooling(point: str, heat: Floats, cold: Floats, on: Design) -> list[Episode]:
    """Days on which heat and cold were delivered in the same hours far more than is usual; told of ``point``."""
    day = on.day - int(on.day[0])
    days = int(day[-1]) + 1
    both = np.isfinite(heat) & np.isfinite(cold)
    smaller, usual = overlap(heat, cold, on)
    hours = np.bincount(day, both, days)

    def a_day(values: Floats) -> Floats:
        return np.bincount(day, np.where(both, values, 0.0), days).astype(float)

    unit = min(_day_in_use(a_day(heat)), _day_in_use(a_day(cold)))
    if unit <= 0 or (hours >= KNOWN_H).sum() < PAIR_DAYS:
        return []
    beyond = np.where(hours >= KNOWN_H, a_day(smaller - usual), 0.0)
    bar = max(OVERLAP * unit, OVERLAP_HABIT * float(np.quantile(np.abs(beyond), USUAL_DAYS)))
    high = beyond >= bar
    spans = [(a, b) for a, b in runs(bridged(high, OVERLAP_GAP)) if high[a:b].sum() >= OVERLAP_DAYS]
    return [_undone(point, heat, cold, smaller, usual, np.flatnonzero(both & (day >= a) & (day < b))) for a, b in spans]


def _day_in_use(energy: Floats) -> float:
    """Mean of the days on which it is in use."""
    used = energy > IN_USE * float(np.quantile(energy, 0.98))
    return float(energy[used].mean()) if used.any() else 0.0


def _undone(point: str, heat: Floats, cold: Floats, smaller: Floats, usual: Floats, rows: Ints) -> Episode:
    """From the first to the last hour in which both ran beyond the usual."""
    against = rows[smaller[rows] > usual[rows] + 0.1 * float(smaller[rows].max())]
    begin, end = int(against[0]), int(against[-1]) + 1
    inside = rows[(rows >= begin) & (rows < end)]
    wasted, expected = float(smaller[inside].sum()), float(usual[inside].sum())
    facts = {
        "hours": float(len(against)), "actual_kwh": wasted, "expected_kwh": expected,
        "heat_kwh": float(heat[inside].sum()), "cold_kwh": float(cold[inside].sum()),
    }  # fmt: skip
    return Episode(point, "heating_cooling", begin, end, 0.85, wasted - expected, facts)
