"""What a meter's energy may depend on, hour by hour: calendar, outdoor temperature with the building's memory,
a term that a portfolio shares, measures.

Strategy: one table of columns for all meters of a building, as they share calendar and weather. Each hour of the day
has a regression of its own (:mod:`analytics.baseline`), so no column speaks of the hour, and the table is kept by hour
of the day and day: ``blocks``. Temperature goes through first-order filters of 1, 6, 30 and 120 h, from the air to the
building's thermal mass, and enters as hinges: once for all days, once more for how working days differ from others, so
that the ridge pulls the two together where days off are few (time-of-week and temperature model after Mathieu et al.,
"Quantifying changes in building electricity use, with application to demand response", IEEE Trans. Smart Grid 2
(2011) 507; filters and shrinkage are this project's addition).

Chosen by rolling origin inside Drammen's 2018 and from 2020/21 to 2021/22, never on the year that is judged. There the
filters gained 1.5 % of CV(RMSE) over 12 h and 72 h, the common response 1 %. No gain: energy on a log scale, annual
harmonics beside temperature, monthly level steps, every hinge of its own for working days.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotri

from analytics.calendar import DAY_S, Times, local_seconds
from analytics.outdoor import MILD_C, filled, knows_weather, memory, weather_felt
from analytics.weekdays import DayTypes, day_types

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

KNOTS_C: Final = ((0.0, 10.0, 18.0), (6.0, 12.0, 18.0), (6.0, 14.0), (10.0,))
"""Hinges of each filtered temperature; below the first knot the line goes on."""
_LAST: Final = tuple((k, knots[-1]) for k, knots in enumerate(KNOTS_C))
"""The last hinge of each filter, as its line, may act differently on working days: a building that is not cooled on
Sundays is not taken for one that needs less then (forecasts of days off in pretended offices off by 7 % at the median
and by 34 % in one of ten became 6 % and 18 %; no change in Drammen). The other hinges gain none."""
_REST: Final = tuple((k, c) for k, knots in enumerate(KNOTS_C) for c in knots[:-1])
HINGES: Final = tuple((k, (c - MILD_C) / 10) for k, c in _LAST + _REST)
SLOW_H: Final = 72.0
"""Memory of the temperature with which a measure's effect may change."""
FEW_METERS: Final = 4
RIDGE: Final = 2.0
FREE: Final = 1e-6
"""Penalty of the constant, which is not to be shrunk."""


@dataclass(frozen=True, slots=True, eq=False)
class Solver:
    """A ridge regression of each hour of the day, factorised. ``inverse`` (24, columns, columns) of the Gram matrix ·
    ``blocks`` (24, columns, slots) and ``weight`` (24, 1, slots) that it was made of · ``penalty`` (columns) ·
    ``freedom`` is the effective number of parameters (trace of the hat matrix)."""

    inverse: Floats
    blocks: Floats
    weight: Floats
    penalty: Floats
    freedom: int

    def solve(self, values: Floats, pull: Floats | None = None) -> Floats:
        """Coefficients (24, k, columns) of ``values`` (24, k, slots), shrunk to zero; or, with ``pull`` = penalty · c
        (24, k, columns), to c."""
        right = (values * self.weight) @ self.blocks.transpose(0, 2, 1)
        if pull is not None:
            right += pull
        return np.asarray(right @ self.inverse, float)

    def hours(self, at: slice) -> "Solver":
        """The same for some hours of the day."""
        return Solver(self.inverse[at], self.blocks[at], self.weight[at], self.penalty, self.freedom)


@dataclass(frozen=True, eq=False)
class Grid:
    """Hours on a local calendar, without weather. ``start`` (n) datetime64[s] UTC ascending, every hour · ``hour``
    0…23 and ``day`` (since 1970) on the local clock · ``by_hour`` (24, slots): rows by hour of the day, -1 where there
    is none · ``slot`` (slots) position in ``days`` · ``types`` of the ``days`` · ``columns`` (days, c)."""

    start: Times
    hour: Ints
    day: Ints
    by_hour: Ints
    slot: Ints
    days: Ints
    types: DayTypes
    columns: Floats

    @property
    def year_day(self) -> Ints:
        """Day of the year from 0 of each of ``days``."""
        date = self.days.astype("datetime64[D]")
        return self.days - date.astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)


@dataclass(frozen=True, eq=False)
class Design:
    """Rows are hours. ``start``, ``hour``, ``day``, ``by_hour`` as in :class:`Grid` · ``working`` and ``long_break``
    bool (see :class:`~analytics.weekdays.DayTypes`) · ``daily`` (slots, d) what the day is, first column 1 · ``side``
    (slots) +½ on working days, −½ on others · ``felt`` (f, 24, slots) what the weather is: filtered temperatures, or
    the year's turn · ``hinges`` of it, (which, knot) · ``extra`` (24, slots, e) levels after ``changes_ms``, instants
    of measures · ``weather`` whether temperature is in it.

    The columns are those of ``daily``, ``felt``, ``hinges`` and ``extra``; before the last, times ``side``, the first
    ``differ`` of ``felt`` and ``hinges``, which may act differently on working days."""

    start: Times
    hour: Ints
    day: Ints
    working: Bools
    long_break: Bools
    by_hour: Ints
    daily: Floats
    side: Floats
    felt: Floats
    hinges: tuple[tuple[int, float], ...]
    differ: int
    extra: Floats
    weather: bool
    changes_ms: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.start)

    @property
    def width(self) -> int:
        """How many columns there are."""
        return int(self.daily.shape[1] + len(self.felt) + len(self.hinges) + self.differ + self.extra.shape[2])

    @cached_property
    def blocks(self) -> Floats:
        """The table by hour of the day (24, columns, slots), zeros where there is no row."""
        d, f = self.daily.shape[1], len(self.felt)
        hinged = d + f + len(self.hinges)
        out = np.empty((24, self.width, len(self.side)))
        out[:, :d] = self.daily.T
        out[:, d : d + f] = self.felt.transpose(1, 0, 2)
        for j, (which, knot) in enumerate(self.hinges):
            np.subtract(self.felt[which], knot, out=out[:, d + f + j])
        np.maximum(out[:, d + f : hinged], 0.0, out=out[:, d + f : hinged])
        np.multiply(out[:, d : d + self.differ], self.side, out=out[:, hinged : hinged + self.differ])
        out[:, hinged + self.differ :] = self.extra.transpose(0, 2, 1)
        hour, slot = np.nonzero(self.by_hour < 0)
        out[hour, :, slot] = 0.0
        return out

    @property
    def x(self) -> Floats:
        """The table by row (n, columns)."""
        return self.by_row(self.blocks).T

    def times(self, coefficients: Floats) -> Floats:
        """The table times coefficients (24, k, columns): (k, n)."""
        if coefficients.shape[1] > FEW_METERS or "blocks" in self.__dict__:
            return self.by_row(coefficients @ self.blocks)
        return self.by_row(self._without_blocks(coefficients))

    def _without_blocks(self, coefficients: Floats) -> Floats:
        """The same (24, k, slots) for few meters, to whom the table is not worth its making."""
        d, f = self.daily.shape[1], len(self.felt)
        beyond = d + f + len(self.hinges)
        value = coefficients[..., :d] @ self.daily.T
        if self.extra.shape[2]:
            value += coefficients[..., beyond + self.differ :] @ self.extra.transpose(0, 2, 1)
        columns = [(which, None) for which in range(f)] + list(self.hinges)
        for j, (which, knot) in enumerate(columns):
            slope = coefficients[..., d + j, None]
            if j < self.differ:
                slope = slope + coefficients[..., beyond + j, None] * self.side
            felt = self.felt[which] if knot is None else np.maximum(self.felt[which] - knot, 0.0)
            value += slope * felt[:, None]
        return np.asarray(value, float)

    def by_row(self, value: Floats) -> Floats:
        """(24, k, slots) as (k, n)."""
        flat = value.transpose(1, 0, 2).reshape(value.shape[1], -1)
        return np.asarray(flat.take(self._place, axis=1), float)

    @cached_property
    def _place(self) -> Ints:
        """Of each row, hour · slots + slot."""
        there = np.flatnonzero(self.by_hour >= 0)
        out = np.empty(len(self), np.int64)
        out[self.by_hour.ravel()[there]] = there
        return out

    @cached_property
    def even(self) -> Solver:
        """The factorisation for hours that all weigh alike: shared by every meter of which nearly all hours are
        known."""
        return factorise(self, np.ones(len(self)))

    @cached_property
    def _recent(self) -> dict[float, Solver]:
        return {}

    def solver(self, half_life_days: float | None) -> Solver:
        """The factorisation for weights that halve with every ``half_life_days`` before the last hour, None = even."""
        if half_life_days is None:
            return self.even
        if half_life_days not in self._recent:
            known = np.ones(len(self), bool)
            self._recent[half_life_days] = factorise(self, recency(self.day, known, half_life_days))
        return self._recent[half_life_days]

    def rows(self, mask: Bools) -> "Design":
        """The same columns for some of the hours (n)."""
        there = (self.by_hour >= 0) & mask[self.by_hour]
        kept = np.flatnonzero(there.any(axis=0))
        take = slice(kept[0], kept[-1] + 1) if len(kept) and np.ptp(kept) + 1 == len(kept) else kept
        place = np.cumsum(mask) - 1
        return replace(
            self, start=self.start[mask], hour=self.hour[mask], day=self.day[mask], working=self.working[mask],
            long_break=self.long_break[mask], by_hour=np.where(there, place[self.by_hour], -1)[:, take],
            daily=self.daily[take], side=self.side[take], felt=self.felt[..., take], extra=self.extra[:, take],
        )  # fmt: skip

    def under(self, felt: Floats) -> "Design":
        """The same hours in other weather: ``felt`` (f, n) as :func:`weather_felt` gives it for these rows."""
        on = replace(self, felt=felt.take(self.by_hour, axis=1))
        on.__dict__["_place"] = self._place  # the same rows: not to be looked for in every weather
        return on


def recency(day: Ints, known: Bools, half_life_days: float) -> Floats:
    """Weights that halve with every ``half_life_days`` before the last known day, mean 1 over the known hours."""
    weight = np.exp2(np.minimum(day - int(day[known][-1]), 0) / half_life_days)
    return np.asarray(weight / float(weight[known].mean()), float)


def factorise(on: Design, weight: Floats) -> Solver:
    """Ridge regression of each hour of the day with these weights (n); the constant is not shrunk."""
    w = np.where(on.by_hour >= 0, weight[on.by_hour], 0.0)
    penalty = np.full(on.width, RIDGE)
    penalty[0] = FREE
    lower = np.empty((24, on.width, on.width))
    d, of_days, before = on.daily.shape[1], np.empty(0), np.empty(0)
    for block, heavy, out in zip(on.blocks, w, lower, strict=True):  # an hour at a time stays in the cache
        if not np.array_equal(heavy, before):  # what the day is, is the same at nearly every hour
            before, of_days = heavy, (block[:d] * heavy) @ block[:d].T
        gram = np.empty((on.width, on.width))
        gram[:d, :d] = of_days
        np.matmul(block[d:] * heavy, block.T, out=gram[d:])  # no more than the lower half is looked at
        gram.flat[:: on.width + 1] += penalty
        factor, _ = dpotrf(gram.T, lower=0, overwrite_a=1)
        out[:] = dpotri(factor, lower=0, overwrite_c=1)[0].T  # half the time of the general inverse
    variance = np.diagonal(lower, axis1=1, axis2=2)
    freedom = 24 * on.width - float((variance @ penalty).sum())
    inverse = lower + lower.transpose(0, 2, 1)
    inverse[:, range(on.width), range(on.width)] /= 2
    return Solver(inverse, on.blocks, w[:, None], penalty, round(freedom))


def design(
    start: Times,
    *,
    zone: str,
    country: str,
    subdivision: str = "",
    outdoor_c: Floats | None = None,
    changes_ms: Sequence[int] = (),
    term: Floats | None = None,
) -> Design:
    """The table for hours ``start`` (datetime64[s] UTC, whole hours, ascending, without gaps).

    ``outdoor_c`` is the air temperature of each hour in °C, NaN where unknown, None for a building without weather; it
    needs some days before the first hour of interest for the filters to settle. ``term`` (days of :func:`grid`) is the
    portfolio's shared dip of each day (:mod:`analytics.term`).
    """
    on = grid(start, zone, country, subdivision)
    at = on.day - on.days[0]
    working, year_day = on.types.working[at], on.year_day[at]
    weather = knows_weather(outdoor_c)
    felt = weather_felt(outdoor_c, year_day)
    changes = []
    if changes_ms:
        slow = memory(filled(outdoor_c, year_day), SLOW_H) if outdoor_c is not None and weather else None
        changes = [_change(start, ms, working.astype(float), slow) for ms in changes_ms]
    extra = np.hstack(changes) if changes else np.empty((len(start), 0))
    daily = on.columns if term is None else np.hstack([on.columns, _split(term, on.types.working)])
    return Design(
        start, on.hour, on.day, working, on.types.long_break[at], on.by_hour, daily[on.slot],
        np.where(on.types.working[on.slot], 0.5, -0.5), felt.take(on.by_hour, axis=1), HINGES if weather else (),
        len(felt) + (len(_LAST) if weather else 0), extra[on.by_hour], weather, tuple(changes_ms),
    )  # fmt: skip


def grid(start: Times, zone: str, country: str, subdivision: str = "") -> Grid:
    """Hours on a building's calendar; meters of one place and time share it."""
    return _grid(int(start[0].astype("datetime64[s]").astype(np.int64)), len(start), zone, country, subdivision)


@lru_cache(maxsize=16)
def _grid(first_s: int, n: int, zone: str, country: str, subdivision: str) -> Grid:
    start = (first_s + 3600 * np.arange(n)).astype("datetime64[s]")
    local_s = local_seconds(start, zone)
    day, hour = local_s // DAY_S, local_s % DAY_S // 3600
    days = np.arange(day[0], day[-1] + 1)
    by_hour, slot = _slots(day - day[0], hour)
    types = day_types(days, country, subdivision)
    on = Grid(start, hour, day, by_hour, slot, days, types, np.empty((0, 0)))
    return Grid(start, hour, day, by_hour, slot, days, types, _calendar(types, on.year_day))


def _slots(at: Ints, hour: Ints) -> tuple[Ints, Ints]:
    """Rows by hour of the day and slot, -1 where there is none: a slot is a local day, or the second of an hour that
    an autumn day has twice."""
    twice = np.zeros(len(at), bool)
    twice[1:] = (at[1:] == at[:-1]) & (hour[1:] == hour[:-1])
    days_twice = np.unique(at[twice])
    slot = np.sort(np.r_[np.arange(at[-1] + 1), days_twice])
    position = at + np.searchsorted(days_twice, at) + twice
    by_hour = np.full((24, len(slot)), -1)
    by_hour[hour, position] = np.arange(len(at))
    return by_hour, slot


def _calendar(types: DayTypes, year_day: Ints) -> Floats:
    """What a day is, by columns. A holiday is a Sunday with a difference, so that few of them are enough."""
    work = types.working
    plain, off = work & ~types.swapped, ~work & ~types.holiday
    named = [plain & (types.weekday == d) for d in range(5)]
    named += [off & (types.weekday == 5), (off & (types.weekday == 6)) | types.holiday]
    named += [types.holiday, types.swapped, types.bridge, types.long_break]
    year_end = (year_day >= 355) | (year_day <= 1)
    return np.column_stack([np.ones(len(work)), work, *named, year_end & work, year_end & ~work]).astype(float)


def _split(term: Floats, work: Bools) -> Floats:
    return np.column_stack([term * work, term * ~work])


def _change(start: Times, change_ms: int, work: Floats, slow_c: Floats | None) -> Floats:
    """A level of its own from an instant on: at all times, on working days, with heat and with cold."""
    after = (start.astype("datetime64[s]").astype(np.int64) * 1000 >= change_ms).astype(float)
    warm = np.zeros(len(start)) if slow_c is None else np.maximum(slow_c - 20, 0) / 10
    cold = np.zeros(len(start)) if slow_c is None else np.maximum(12 - slow_c, 0) / 10
    return np.column_stack([after, after * work, after * warm, after * cold])
