"""A building's true energy, meter by meter, quarter-hour by quarter-hour: loads, noise, retrofits and load faults.

Strategy: the load of every end use is computed once for the building; each meter takes its part with noise of its own,
changed by what acts on it (a retrofit, lights left on …); parents are sums of what hangs below them plus what nobody
meters. Energy is in kWh (or m³) in the quarter-hour, as it truly flows: no meter, no ratio, no register yet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from firmware_sim.calendar import Grid, make_grid, presence
from firmware_sim.loads import Drive, EndUse, Row, load, make_drive
from firmware_sim.seeds import normals, stream
from firmware_sim.tree import Share, shares
from firmware_sim.weather import Weather
from submeter.words import Building, Medium, Point, lineage

LINE_LOSS: float = 0.008
"""Of what flows through a parent: cables and joints between it and its children."""


class Effect(Protocol):
    """Something that changes loads at ``point`` and so all meters above it."""

    @property
    def point(self) -> str: ...

    def redrive(self, use: EndUse, drive: Drive, grid: Grid) -> Drive:
        """The drive as this end use feels it (schedules, people)."""
        ...

    def reload(self, use: EndUse, power: Row, grid: Grid) -> Row:
        """The power after the effect."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Flows:
    """``energy[point]``: kWh (or m³) per quarter-hour of ``grid``; ``untouched`` the same without any effect, for the
    points that one reaches."""

    grid: Grid
    energy: dict[str, Row]
    untouched: dict[str, Row]


def simulate(
    building: Building, points: Sequence[Point], weather: Weather, effects: Sequence[Effect], seed: int
) -> Flows:
    """The flows of one building over the weather's span."""
    grid = make_grid(weather.first, len(weather.outdoor_c), building.zone)
    drive = make_drive(weather, presence(grid, building.type, building.country, building.subdivision), grid.quarter)
    index = {p.id: p for p in points}
    own: dict[str, Row] = {p.id: np.zeros(grid.count) for p in points}
    own_untouched: dict[str, Row] = {}
    plain: dict[EndUse, Row] = {}
    for share in shares(building, list(points), seed):
        if share.use not in plain:
            plain[share.use] = load(share.use, drive)
        power = plain[share.use]
        acting = [e for e in effects if e.point in lineage(index, share.point)]
        scale = _scale(building, index[share.point], share) * _scatter(grid, share, seed)
        if acting:
            own_untouched.setdefault(share.point, own[share.point].copy())
            own_untouched[share.point] += power * scale
            power = _affected(share.use, drive, grid, acting)
        elif share.point in own_untouched:
            own_untouched[share.point] += power * scale
        own[share.point] += power * scale
    energy = _rise(index, own)
    touched = {p for origin in own_untouched for p in lineage(index, origin)}
    before = _rise(index, {**own, **own_untouched}) if touched else {}
    return Flows(grid, energy, {p: before[p] for p in touched})


def _affected(use: EndUse, drive: Drive, grid: Grid, acting: list[Effect]) -> Row:
    for effect in acting:
        drive = effect.redrive(use, drive, grid)
    power = load(use, drive)
    for effect in acting:
        power = effect.reload(use, power, grid)
    return power


def _scale(building: Building, point: Point, share: Share) -> float:
    """From W/m² to kWh a quarter-hour (from m³/h per 1000 m² to m³)."""
    assert point.medium != Medium.WEATHER
    return share.part * building.area_m2 / 1000 / 4


def _scatter(grid: Grid, share: Share, seed: int) -> Row:
    """What no model explains: noise from quarter to quarter, days that are fuller or emptier (2 % of the load's own,
    1.5 % of the whole building), use that changes over weeks (2.5 %), and a level of the load's own (±10 %)."""
    name = f"{share.point}/{share.use.code}"
    noise = 1 + share.use.noise * normals(seed, f"noise/{name}", grid.first, grid.count)
    first, count = grid.first_day.toordinal(), int(grid.day[-1]) + 1
    days = 1 + 0.02 * normals(seed, f"days/{name}", first, count)
    days += 0.015 * normals(seed, f"days/{share.point.partition('/')[0]}", first, count)
    days += 0.025 * _weekly(seed, f"weeks/{name}", first, count)
    level = stream(seed, "level", name).uniform(0.9, 1.1)
    return np.maximum(noise * days[grid.day], 0.05).astype(np.float64) * level


def _weekly(seed: int, name: str, first: int, count: int) -> NDArray[np.float32]:
    """One value a week, straight lines between, for ``count`` days from ordinal day ``first`` on."""
    week = first // 7
    values = normals(seed, name, week, count // 7 + 3)
    return np.interp(np.arange(first, first + count) / 7 - week, np.arange(len(values)), values).astype(np.float32)


def _rise(points: Mapping[str, Point], own: Mapping[str, Row]) -> dict[str, Row]:
    """Own loads plus everything below, a little lost on the way."""
    total = {p: own[p].copy() for p in points}
    for point in sorted(points, key=lambda p: len(lineage(points, p)), reverse=True):
        parent = points[point].parent
        if parent in total:
            total[parent] += (1 + LINE_LOSS) * total[point]
    return total
