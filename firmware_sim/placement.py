"""Where and when faults happen: a scenario's counts drawn onto a portfolio's meters, in time relative to *now*.

Strategy: kinds in a fixed order, each fault from a stream of its own; a place is drawn until it is free. A meter has at
most one fault, nor have the meters above and below it; measured retrofits are left alone. So each truth has one name.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from itertools import pairwise
from math import ceil
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from firmware_sim.calendar import QUARTER_MS, DayKind, day_kind
from firmware_sim.faults import FOREVER, Fault
from firmware_sim.scenario import KINDS, FaultSettings, Scenario
from firmware_sim.seeds import stream
from firmware_sim.tree import below
from submeter.words import Building, Medium, Point, Portfolio, lineage

DAY_MS: Final = 86_400_000
CLOSING_TYPES: Final = ("office", "school", "mall", "gym", "other")
"""Building types with hours in which lights and plant should be off."""

ITEMS: Final[dict[str, tuple[str, ...]]] = {
    "stuck": ("01A", "01B2", "01C", "01D"),
    "missing": ("01A", "01B", "01C", "01D", "02", "03"),
    "spike": ("01A", "01B", "01C", "01D"),
    "drift": ("01A", "01B2", "01C", "01D"),
    "night_on": ("01A10", "01A00"),
    "schedule": ("01B20", "01B00"),
    "base_step": ("01A1", "01D1", "01D3", "01D2", "01C2"),
    "phase_loss": ("01A", "01B2", "01C", "01D"),
    "reversed_ct": ("01A", "01B2", "01C", "01D"),
    "lost_submeter": ("01A", "01B2", "01C", "01D"),
    "holiday_on": ("01A10", "01B20"),
    "peak_demand": ("01B10",),
    "time_shift": ("02", "03"),
    "heating_cooling": ("04",),
}
"""Beginnings of the MOHURD codes of the meters on which a kind is placed."""
WEEKEND_TYPES: Final = ("office", "other")
"""Building types with days off."""
COOLING_MONTHS: Final = range(5, 10)
PEAK_HOURS: Final = range(10, 15)
TRIES: Final = 200
ORDER: Final = ("schedule", "night_on", "lost_submeter", "base_step", "drift")


def place(portfolio: Portfolio, scenario: Scenario, start_ms: int, now_ms: int) -> tuple[Fault, ...]:
    """All faults of a world; same arguments, same faults. A kind whose places are used up gets fewer."""
    taken = _retrofitted(portfolio)
    faults: list[Fault] = []
    for kind in (*ORDER, *(k for k in KINDS if k not in ORDER)):
        settings = scenario.faults.get(kind)
        for i in range(settings.count if settings else 0):
            assert settings is not None
            fault = _draw(portfolio, scenario.seed, kind, i, settings, taken, start_ms, now_ms)
            if fault is not None:
                faults.append(fault)
                taken |= related(portfolio.points, fault.point)
                taken |= related(portfolio.points, fault.partner) if fault.partner else set()
    return tuple(faults)


def related(points: Mapping[str, Point], point: str) -> set[str]:
    """A meter with those above it (but not the building's main meter) and below it."""
    return {p for p in lineage(points, point) if points[p].parent or p == point} | below(points, point)


def _retrofitted(portfolio: Portfolio) -> set[str]:
    points = [p for m in portfolio.measures.values() for p in m.points if p in portfolio.points]
    return set().union(*(related(portfolio.points, p) for p in points)) if points else set()


def _draw(
    portfolio: Portfolio, seed: int, kind: str, number: int, settings: FaultSettings, taken: set[str],
    start_ms: int, now_ms: int,
) -> Fault | None:  # fmt: skip
    rng = stream(seed, "fault", kind, number)
    places = [p for p in candidates(portfolio, kind) if p.id not in taken]
    if not places:
        return None
    point = places[int(rng.integers(len(places)))]
    still_open = number < ceil(settings.open * settings.count - 1e-9)
    begin, end = _when_of(rng, kind, portfolio.buildings[point.building], settings, still_open, start_ms, now_ms)
    size = _size(rng, kind, number, settings)
    if kind == "spike" and not size:
        end = begin + QUARTER_MS
    spells = _spells(rng, begin, min(end, now_ms + 400 * DAY_MS)) if kind == "phase_loss" else ()
    partner = _cold_of(portfolio, point.building) if kind == "heating_cooling" else ""
    return Fault(kind, point.id, begin, end, size, spells, partner)


def candidates(portfolio: Portfolio, kind: str) -> list[Point]:
    """Meters on which a kind makes sense, main meters excepted."""
    found = [p for p in portfolio.points.values() if p.item.startswith(ITEMS[kind]) and _fits(portfolio, kind, p)]
    return [p for p in found if portfolio.devices.get(p.id)]


def _fits(portfolio: Portfolio, kind: str, point: Point) -> bool:
    building = portfolio.buildings.get(point.building)
    is_leaf = not portfolio.children_of(point.id)
    if building is None or (point.medium == Medium.ELECTRICITY and point.is_main):
        return False
    if kind == "heating_cooling":
        return bool(_cold_of(portfolio, point.building))
    if kind == "holiday_on":
        return is_leaf and building.type in WEEKEND_TYPES
    if kind in ("night_on", "schedule"):
        return building.type in CLOSING_TYPES and (is_leaf or kind == "schedule")
    return is_leaf


def _cold_of(portfolio: Portfolio, building: str) -> str:
    """The building's meter of cold, '' without."""
    mine = (p.id for p in portfolio.points_of(building) if p.medium == Medium.COLD and portfolio.devices.get(p.id))
    return next(mine, "")


def _when_of(
    rng: np.random.Generator, kind: str, building: Building, settings: FaultSettings, still_open: bool,
    start_ms: int, now_ms: int,
) -> tuple[int, int]:  # fmt: skip
    """A span of a kind; where the calendar has a say in it, one that fits."""
    begin, end = _when(rng, settings, still_open, start_ms, now_ms)
    if kind == "holiday_on":
        breaks = _breaks(building, start_ms + (now_ms - start_ms) // 5, now_ms - 2 * DAY_MS)
        return breaks[int(rng.integers(len(breaks)))] if breaks else (begin, end)
    for _ in range(0 if still_open else TRIES):
        if _fits_the_calendar(kind, building, begin):
            break
        begin, end = _when(rng, settings, still_open, start_ms, now_ms)
    return begin, end


def _fits_the_calendar(kind: str, building: Building, begin_ms: int) -> bool:
    local = datetime.fromtimestamp(begin_ms / 1000, ZoneInfo(building.zone))
    if kind == "peak_demand":
        worked = day_kind(local.date(), building.country, building.subdivision) is DayKind.WORKING
        return worked and local.hour in PEAK_HOURS
    return kind != "heating_cooling" or local.month in COOLING_MONTHS


def _breaks(building: Building, start_ms: int, end_ms: int) -> list[tuple[int, int]]:
    """Two or more days off in a row that lie between two instants, from local midnight to local midnight."""
    zone = ZoneInfo(building.zone)
    first, last = (datetime.fromtimestamp(ms / 1000, zone) for ms in (start_ms, end_ms))
    days = [first.date() + timedelta(days=1 + i) for i in range((last - first).days)]
    off = [day_kind(d, building.country, building.subdivision) is not DayKind.WORKING for d in days]
    edges = [i for i in range(1, len(days)) if off[i] != off[i - 1]]
    spans = [(days[a], days[b]) for a, b in pairwise(edges) if off[a] and b - a > 1]
    return [(_midnight_ms(a, zone), _midnight_ms(b, zone)) for a, b in spans]


def _midnight_ms(day: date, zone: ZoneInfo) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)


def _when(
    rng: np.random.Generator, settings: FaultSettings, still_open: bool, start_ms: int, now_ms: int
) -> tuple[int, int]:
    """A span on quarter-hours. Closed ones keep away from the first fifth of the past, in which nobody knows yet what
    is normal, and from the last two days."""
    past = now_ms - start_ms
    longest = 0.5 * past
    length = min(float(rng.uniform(*settings.days)) * DAY_MS, longest)
    if still_open:
        return _quarter(now_ms - length), FOREVER
    last = now_ms - 2 * DAY_MS - length
    first = min(start_ms + 0.2 * past, last)
    begin = float(rng.uniform(first, last))
    return _quarter(begin), max(_quarter(begin + length), _quarter(begin) + QUARTER_MS)


def _quarter(time_ms: float) -> int:
    return int(time_ms // QUARTER_MS) * QUARTER_MS


def _size(rng: np.random.Generator, kind: str, number: int, settings: FaultSettings) -> float:
    size = float(rng.uniform(*settings.size))
    match kind:
        case "stuck":
            return float(number % 2)
        case "spike":
            return 0.0 if number % 3 == 2 else size
        case "drift":
            return size if number % 2 == 0 else -size
        case "schedule":
            return size if number % 3 != 2 else -float(rng.integers(4, 7))
        case "time_shift":
            return float(rng.integers(3, 8)) if number % 2 == 0 else -float(rng.integers(3, 8))
        case "phase_loss":
            return 2 / 3
        case "reversed_ct":
            return 1 / 3 if number % 3 != 1 else -1 / 3
    return size


def _spells(rng: np.random.Generator, begin: int, end: int) -> tuple[tuple[int, int], ...]:
    """On for half a day to four days, off for some hours to a day and a half; it begins lost."""
    spells, at = [], float(begin)
    while at < end:
        stop = min(at + float(rng.uniform(0.5, 4)) * DAY_MS, float(end))
        spells.append((_quarter(at), _quarter(stop)))
        at = stop + float(rng.uniform(0.2, 1.5)) * DAY_MS
    return tuple((a, b) for a, b in spells if b > a)
