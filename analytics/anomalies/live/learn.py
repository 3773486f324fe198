"""What live looking knows of each meter, learnt anew every week from the window of its past.

Strategy: the same models as looking back (:mod:`analytics.anomalies.bank`), fitted on at most a year of hours that are
over; the cost is bounded by that window. Between two fits everything is applied forwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.anomalies.bank.noise import QUARTER_DAYS, noises, persistence
from analytics.anomalies.bank.record import FLOOR, Bools, Floats, blocked, loading, medians_of_others, spread
from analytics.anomalies.bank.templates import scale_of
from analytics.anomalies.live.days import LONGEST, Habits
from analytics.anomalies.live.rules import Rates, learn_rates
from analytics.baseline import SHARED_SHARE, regress, robust
from analytics.calendar import Times
from analytics.design import Design, design
from analytics.weekdays import Place

LEAST_PEERS: Final = 5
LEAST_KNOWN_H: Final = 7 * 24
PASSES: Final = 4
HALF_LIFE_DAYS: Final = 120.0
MOST_SPREADS: Final = 6.0
YEAR_DAYS: Final = 365


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """``coefficients`` (meters, 24, columns), one array a weather · ``floor`` (meters) kWh."""

    coefficients: tuple[Floats, ...]
    floor: Floats
    rates: Rates
    habits: Habits


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The past (meters, n) kWh, NaN = unknown; ``spoilt`` hours tell nothing; ``outdoor_c`` one array (n) a weather,
    None for none; ``stations`` (meters) the weather of each meter; begins with a day."""

    start: Times
    energy: Floats
    spoilt: Bools
    outdoor_c: tuple[Floats | None, ...]
    stations: tuple[int, ...]


def rows_of(stations: Sequence[int], station: int) -> list[int]:
    """Meters of one weather."""
    return [k for k, s in enumerate(stations) if s == station]


def learn(window: Window, place: Place) -> tuple[Learnt, Floats]:
    """Everything, and what was usual in the window (meters, n)."""
    energy = _usable(window)
    floor = np.array([FLOOR * max(float(np.nanmean(row)) if np.isfinite(row).any() else 1e-9, 1e-9) for row in energy])
    logs = np.log(np.maximum(energy, 0) + floor[:, None])
    usual, coefficients = np.empty_like(logs), []
    for station, outdoor in enumerate(window.outdoor_c):
        rows = rows_of(window.stations, station)
        on = design(window.start, zone=place.zone, country=place.country, subdivision=place.subdivision,
                    outdoor_c=outdoor)  # fmt: skip
        found = _fitted(on, logs[rows])
        coefficients.append(found)
        usual[rows] = on.times(found)
    working, days = on.working[12::24], len(window.start) // 24
    expected = np.maximum(np.exp(usual) - floor[:, None], 0.2 * floor[:, None])
    shown = np.log(np.maximum(window.energy, 0) + floor[:, None]) - usual
    rates = learn_rates(window.energy, expected, shown, window.spoilt)
    return Learnt(tuple(coefficients), floor, rates, _habits(energy, usual, logs, working[:days])), usual


def _usable(window: Window) -> Floats:
    """The window's energy without what is spoilt; a meter that would be left without any keeps it, for that is its way
    (a pump that is off all winter), and one of which nothing is known stands at zero."""
    energy = np.where(window.spoilt, np.nan, window.energy)
    few = np.isfinite(energy).sum(axis=1) < LEAST_KNOWN_H
    energy[few] = window.energy[few]
    energy[~np.isfinite(energy).any(axis=1)] = 0.0
    return energy


def _fitted(on: Design, logs: Floats) -> Floats:
    """Coefficients (24, meters, columns)."""
    whole = np.isfinite(logs).mean(axis=1) > SHARED_SHARE
    out = np.empty((24, len(logs), on.width))
    if whole.any():
        out[:, whole] = robust(on, on.solver(HALF_LIFE_DAYS), logs[whole], passes=PASSES)[0]
    for row in np.flatnonzero(~whole):
        out[:, row] = regress(on, logs[row])[0] if np.isfinite(logs[row]).any() else 0.0
    return out


def _habits(energy: Floats, usual: Floats, logs: Floats, working: Bools) -> Habits:
    days, residual = len(working), logs - usual
    wide = np.array([max(spread(row), 1e-3) for row in residual])
    most = (MOST_SPREADS * wide)[:, None]
    cells = blocked(np.clip(residual, -most, most), 0, days)
    along, scale = _shared(cells)
    common = _common(cells, scale)
    cells = cells - along[:, None] * common * scale[:, None, None]
    of_year = np.arange(days) % YEAR_DAYS
    found = noises(cells, working, of_year)
    next_ = of_year // QUARTER_DAYS == 0  # the season to come, a year ago
    weight = np.zeros((len(cells), 2, cells.shape[2]))
    for kind in (0, 1):
        rows = (working == bool(kind)) & next_
        rows = rows if rows.any() else np.ones(days, bool)
        weight[:, kind] = [n.weight[rows].max(axis=0) for n in found]
    sizes = [scale_of(row, np.ones(len(row), bool)) for row in energy]
    of_day = usual[:, : 24 * days].reshape(len(usual), days, 24)
    swing = (of_day - of_day.mean(axis=2, keepdims=True)).std(axis=(1, 2)) / wide
    return Habits(
        np.array([n.follow for n in found]), weight, np.array([n.root for n in found], float),
        np.array([persistence(n.level, tuple(range(1, LONGEST + 1))) for n in found]),
        np.array([s.mean for s in sizes]), np.array([s.span for s in sizes]), wide, along, scale, swing,
    )  # fmt: skip


def _shared(cells: Floats) -> tuple[Floats, Floats]:
    """How far each meter goes along with the others (meters, blocks), and its scale (meters)."""
    scale = np.array([max(spread(c), 1e-6) for c in cells])
    if len(cells) <= LEAST_PEERS:
        return np.zeros((len(cells), cells.shape[2])), scale
    common = _common(cells, scale)
    return np.array([loading(c / s, m) for c, s, m in zip(cells, scale, common, strict=True)]), scale


def _common(cells: Floats, scale: Floats) -> Floats:
    """What the others show at the same time, in spreads (meters, days, blocks); few meters show nothing."""
    if len(cells) <= LEAST_PEERS:
        return np.zeros_like(cells)
    return medians_of_others(cells / scale[:, None, None])


def common_of_day(habits: Habits, cells: Floats) -> Floats:
    """What of a day's cells (meters, blocks) is expected because the others show it."""
    return habits.along * _common(cells[:, None], habits.scale)[:, 0] * habits.scale[:, None]
