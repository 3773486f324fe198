"""What a meter's energy may depend on, hour by hour: calendar, outdoor temperature with the building's memory,
measures.

Strategy: one table of columns for all meters of a building, as they share calendar and weather. Each hour of the day
has a regression of its own (:mod:`analytics.baseline`), so no column speaks of the hour. Temperature goes through
first-order filters of 12 h and 72 h, the building's thermal mass, and enters as hinges, once for working days and
once for the others (time-of-week and temperature model after Mathieu et al., "Quantifying changes in building
electricity use, with application to demand response", IEEE Trans. Smart Grid 2 (2011) 507; the filters are this
project's addition).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from analytics.calendar import DAY_S, Times, local_seconds
from analytics.weekdays import day_types

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FILTERS_H: Final = (12.0, 72.0)
KNOTS_C: Final = ((0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0), (5.0, 15.0, 20.0, 25.0))
"""Hinges of each filtered temperature; below the first knot the line goes on."""
GAP_H: Final = 6
"""A gap in the weather up to this long is bridged by a straight line; a longer one by the climate of its season."""
SEASON_DAYS: Final = 15
"""on each side of a day of the year"""
YEAR_DAYS: Final = 366
RIDGE: Final = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Solver:
    """``gain`` (24, columns, rows) takes energies by hour of the day to coefficients; ``freedom`` is the effective
    number of parameters (trace of the hat matrix); ``weight`` (24, rows)."""

    gain: Floats
    freedom: int
    weight: Floats


@dataclass(frozen=True, eq=False)
class Design:
    """Rows are hours. ``start`` datetime64[s] UTC ascending · ``hour`` 0…23 and ``day`` (since 1970) on the local
    clock · ``working`` and ``long_break`` bool (see :class:`~analytics.weekdays.DayTypes`) · ``x`` (rows, columns),
    first column 1 · ``weather`` whether temperature is in it · ``changes_ms`` instants after which a level of its
    own is allowed (measures)."""

    start: Times
    hour: Ints
    day: Ints
    working: NDArray[np.bool_]
    long_break: NDArray[np.bool_]
    x: Floats
    weather: bool
    changes_ms: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.start)

    @cached_property
    def by_hour(self) -> Ints:
        """(24, most rows of one hour): positions of each hour's rows, padded with -1."""
        order = np.argsort(self.hour, kind="stable")
        counts = np.bincount(self.hour, minlength=24)
        table = np.full((24, max(int(counts.max(initial=0)), 1)), -1)
        for hour, rows in enumerate(np.split(order, np.cumsum(counts)[:-1])):
            table[hour, : len(rows)] = rows
        return table

    @cached_property
    def blocks(self) -> Floats:
        """(24, most rows of one hour, columns): ``x`` sorted by hour of the day, zeros where padded."""
        return np.where((self.by_hour >= 0)[..., None], self.x[self.by_hour], 0.0)

    @cached_property
    def even(self) -> "Solver":
        """The factorisation for hours that all weigh alike: shared by every meter of which nearly all hours are
        known."""
        return factorise(self, np.ones(len(self)))

    def rows(self, mask: NDArray[np.bool_]) -> "Design":
        """The same columns for some of the hours."""
        return Design(
            self.start[mask], self.hour[mask], self.day[mask], self.working[mask], self.long_break[mask], self.x[mask],
            self.weather, self.changes_ms,
        )  # fmt: skip


def factorise(on: Design, weight: Floats) -> Solver:
    """Ridge regression of each hour of the day with these weights (n); the constant is not shrunk."""
    w = np.where(on.by_hour >= 0, weight[on.by_hour], 0.0)
    weighted = np.ascontiguousarray((on.blocks * w[..., None]).transpose(0, 2, 1))  # else matmul leaves BLAS aside
    gram = weighted @ on.blocks
    penalty = RIDGE * np.eye(on.x.shape[1])
    penalty[0, 0] = 1e-6
    inverse = np.linalg.inv(gram + penalty)
    return Solver(inverse @ weighted, round(float(np.einsum("hij,hji->", inverse, gram))), w)


def design(
    start: Times,
    *,
    zone: str,
    country: str,
    subdivision: str = "",
    outdoor_c: Floats | None = None,
    changes_ms: Sequence[int] = (),
) -> Design:
    """The table for hours ``start`` (datetime64[s] UTC, whole hours, ascending, without gaps).

    ``outdoor_c`` is the air temperature of each hour in °C, NaN where unknown, None for a building without weather; it
    needs some days before the first hour of interest for the filters to settle.
    """
    local_s = local_seconds(start, zone)
    day = local_s // DAY_S
    types = day_types(day, country, subdivision)
    year_day = day - np.asarray(day).astype("datetime64[D]").astype("datetime64[Y]").astype("datetime64[D]").astype(int)
    work = types.working.astype(float)
    plain = work * ~types.swapped
    named = [plain * (types.weekday == d) for d in range(5)]
    off = (1 - work) * ~types.holiday
    named += [off * (types.weekday == 5), off * (types.weekday == 6), types.holiday, types.swapped, types.bridge]
    named += [types.long_break, ((year_day >= 355) | (year_day <= 1))]
    calendar = np.column_stack([np.ones(len(start)), work, *named]).astype(float)
    outdoor = None if outdoor_c is None or np.isfinite(outdoor_c).sum() < 48 else filled(outdoor_c, year_day)
    climate = _season(year_day) if outdoor is None else _hinges(outdoor)
    x = np.hstack([calendar, climate * work[:, None], climate * (1 - work)[:, None]])
    slow = None if outdoor is None else memory(outdoor, FILTERS_H[1])
    x = np.hstack([x, *[_change(start, ms, work, slow) for ms in changes_ms]])
    return Design(
        start,
        (local_s % DAY_S) // 3600,
        day,
        types.working,
        types.long_break,
        x,
        outdoor is not None,
        tuple(changes_ms),
    )


def memory(outdoor_c: Floats, hours: float) -> Floats:
    """First-order low-pass with time constant ``hours``: what walls and air have kept of the past (no NaN)."""
    keep = np.exp(-1.0 / hours)
    out, _ = lfilter([1 - keep], [1, -keep], outdoor_c, zi=[outdoor_c[0] * keep])
    return np.asarray(out, float)


def filled(outdoor_c: Floats, year_day: Ints) -> Floats:
    """Temperatures without NaN: short gaps by a straight line, long ones by this season's usual hour (± 15 days)."""
    known = np.isfinite(outdoor_c)
    if known.all():
        return outdoor_c
    at = np.arange(len(outdoor_c))
    line = np.interp(at, at[known], outdoor_c[known])
    apart = np.diff(np.r_[-1, at[known], len(at)])
    width = np.repeat(apart, apart)[: len(at)] - 1
    return np.where(known, outdoor_c, np.where(width > GAP_H, _usual(outdoor_c, known, year_day, line), line))


def _usual(outdoor_c: Floats, known: NDArray[np.bool_], year_day: Ints, otherwise: Floats) -> Floats:
    """For every hour the mean of the same hour on days of its season, ``otherwise`` where none of them is known."""
    cell = np.arange(len(outdoor_c)) % 24 * YEAR_DAYS + year_day
    count = np.bincount(cell[known], minlength=24 * YEAR_DAYS).reshape(24, YEAR_DAYS)
    total = np.bincount(cell[known], outdoor_c[known], 24 * YEAR_DAYS).reshape(24, YEAR_DAYS)
    apart = np.abs(np.subtract.outer(np.arange(YEAR_DAYS), np.arange(YEAR_DAYS)))
    season = (np.minimum(apart, 365 - apart) <= SEASON_DAYS).astype(float)
    near, mean = count @ season, total @ season / np.maximum(count @ season, 1)
    return np.where(near.ravel()[cell] > 0, mean.ravel()[cell], otherwise)


def _hinges(outdoor_c: Floats) -> Floats:
    """Columns in units of 10 K, so that one ridge fits all."""
    columns = []
    for hours, knots in zip(FILTERS_H, KNOTS_C, strict=True):
        t = np.clip(memory(outdoor_c, hours), -30, 45)
        columns += [(t - 15) / 10, *[np.maximum(t - k, 0) / 10 for k in knots]]
    return np.column_stack(columns)


def _season(year_day: Ints) -> Floats:
    """Without weather the year's turn stands in for it."""
    angle = 2 * np.pi * year_day / 365.25
    return np.column_stack([np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)])


def _change(start: Times, change_ms: int, work: Floats, slow_c: Floats | None) -> Floats:
    """A level of its own from an instant on: at all times, on working days, with heat and with cold."""
    after = (start.astype("datetime64[s]").astype(np.int64) * 1000 >= change_ms).astype(float)
    warm = np.zeros(len(start)) if slow_c is None else np.maximum(slow_c - 20, 0) / 10
    cold = np.zeros(len(start)) if slow_c is None else np.maximum(12 - slow_c, 0) / 10
    return np.column_stack([after, after * work, after * warm, after * cold])
