"""The term: weeks in which a portfolio is used less than its weather and weekdays say, without a school calendar.

Strategy: schools, kindergartens and offices of one place close in the same weeks. The daily energy of each meter on
plain working days goes through a rigid robust model (weekday, heat, cold: too stiff to learn a holiday as weather);
what is left, as a share of the meter's mean, is averaged by week, and the first singular vector over all meters is the
pattern that they share. Only its dips are kept. In another year a dip lies in the week of the same ISO number, but
those around a moving feast move with it: Easter where it is kept, the Spring Festival in China. The regression finds
how far each meter follows, for each hour of the day.

Learnt from the training period alone, of the meters of one place. A second vector, or a meter's own pattern, gained
nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.design import Grid
from analytics.outdoor import filled, memory
from analytics.quality import WHOLE_DAY_H
from analytics.weekdays import day_types

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LEAST_METERS: Final = 5
"""Fewer have nothing in common that could be told from chance."""
LEAST_WEEKS: Final = 40
"""A pattern of the year needs nearly a year."""
FILTER_H: Final = 48.0
KNOTS_C: Final = (5.0, 15.0)
"""The rigid model's heat: a line below each."""
ROUNDS: Final = 8
MOST: Final = 0.5
"""A week's residual counts up to this share of the mean, so that no single meter makes the pattern."""
LEAST_DAYS: Final = 2
"""plain working days of a week"""
BEFORE_WEEKS: Final = 2
AFTER_WEEKS: Final = 1
"""Weeks around the feast's that move with it."""
EASTERS: Final = range(2015, 2019)
LOUDEST: Final = 2.0
"""No meter speaks more than so many times as loud as the middle one."""


@dataclass(frozen=True, slots=True)
class Term:
    """Dips between -1 (deepest) and 0 by the Monday (days since 1970) of each week that was learnt from, ascending: of
    two years the later one speaks for those to come."""

    monday: tuple[int, ...]
    dip: tuple[float, ...]
    country: str

    def on(self, days: Ints) -> Floats:
        """The dip of each local day (days since 1970), 0 where nothing is known of its week."""
        there = dict(zip(self.monday, self.dip, strict=True))
        moving = {r: d for m, d in there.items() if (r := _from_feast(m, self.country)) is not None}
        fixed = {_week(m): d for m, d in there.items() if _from_feast(m, self.country) is None}
        mondays, at = np.unique(_monday(days), return_inverse=True)
        return np.array([self._dip(int(m), there, moving, fixed) for m in mondays])[at]

    def _dip(self, monday: int, there: dict[int, float], moving: dict[int, float], fixed: dict[int, float]) -> float:
        if monday in there:
            return there[monday]
        feast = _from_feast(monday, self.country)
        if feast is not None and feast in moving:
            return moving[feast]
        week = _week(monday)
        if week in fixed:
            return fixed[week]
        return max((fixed[w] for w in (week - 1, week + 1) if w in fixed), default=0.0)


def learn_term(on: Grid, energy_kwh: Sequence[Floats], outdoor_c: Sequence[Floats | None], country: str) -> Term | None:
    """The pattern shared by meters whose hourly energies (n each, NaN = leave out) lie on one grid; None where there
    are too few meters or too little of a year."""
    plain = plain_days(on)
    columns = _rigid_columns(on, outdoor_c)
    daily = np.stack([daily_mean(on, e) for e in energy_kwh])
    known = np.isfinite(daily) & plain
    used = (known.sum(axis=1) >= 5 * LEAST_DAYS * LEAST_METERS) & (np.nansum(daily, axis=1) > 0)
    if used.sum() < LEAST_METERS:
        return None
    residual, mean = _rigid_residual(columns[used], daily[used], known[used])
    mondays, weekly = _by_week(on.days, residual / mean[:, None], known[used])
    if len(mondays) < LEAST_WEEKS:
        return None
    dip = dips(weekly)
    deepest = float(-dip.min())
    if deepest <= 0:
        return None
    return Term(tuple(int(m) for m in mondays), tuple((dip / deepest).tolist()), country)


def dips(weekly: Floats) -> Floats:
    """First singular vector of residuals (k, weeks; NaN counts as usual), cut to what lies below its median."""
    with np.errstate(all="ignore"):
        middle = np.nanmedian(weekly, axis=1, keepdims=True)
    shares = np.clip(np.nan_to_num(weekly - middle), -MOST, MOST)
    loud = np.linalg.norm(shares, axis=1)
    shares *= np.minimum(1.0, LOUDEST * float(np.median(loud)) / np.maximum(loud, 1e-12))[:, None]
    left, _, right = np.linalg.svd(shares, full_matrices=False)
    shared = right[0] * (1.0 if left[:, 0].sum() >= 0 else -1.0)
    return np.asarray(np.minimum(shared - np.median(shared), 0.0), float)


def plain_days(on: Grid) -> Bools:
    """Working days of the usual sort (of :class:`~analytics.design.Grid`.days)."""
    t, year_day = on.types, on.year_day
    return np.asarray(t.working & ~t.bridge & ~t.swapped & (year_day > 1) & (year_day < 355), bool)


def daily_mean(on: Grid, energy_kwh: Floats) -> Floats:
    """Mean kW of each day, NaN where fewer than 20 hours are known."""
    at, known = on.day - on.days[0], np.isfinite(energy_kwh)
    count = np.bincount(at, known, len(on.days))
    total = np.bincount(at, np.where(known, energy_kwh, 0.0), len(on.days))
    return np.asarray(np.where(count >= WHOLE_DAY_H, total / np.maximum(count, 1), np.nan), float)


def _rigid_columns(on: Grid, outdoor_c: Sequence[Floats | None]) -> Floats:
    """(k, days, columns): weekday, and heat below each knot; without weather the heat stays zero."""
    at = on.day - on.days[0]
    hours = np.bincount(at)
    made: dict[bytes, Floats] = {}
    out = np.zeros((len(outdoor_c), len(on.days), 5 + len(KNOTS_C)))
    out[:, np.arange(len(on.days)), np.minimum(on.types.weekday, 4)] = 1.0
    for k, outdoor in enumerate(outdoor_c):
        if outdoor is None or not np.isfinite(outdoor).any():
            continue
        key = outdoor.tobytes()
        if key not in made:
            made[key] = np.bincount(at, memory(filled(outdoor, on.year_day[at]), FILTER_H)) / hours
        for j, knot in enumerate(KNOTS_C):
            out[k, :, 5 + j] = np.minimum(made[key] - knot, 0) / 10
    return out


def _rigid_residual(columns: Floats, daily: Floats, known: Bools) -> tuple[Floats, Floats]:
    """Residuals (k, days) of a Huber regression by weights at one scale, and each meter's mean."""
    y = np.where(known, daily, 0.0)
    weight = known.astype(float)
    ridge = 1e-6 * np.eye(columns.shape[2])
    residual = y
    for _ in range(ROUNDS):
        heavy = columns * weight[..., None]
        right = (heavy.transpose(0, 2, 1) @ y[..., None])[..., 0]
        inverse = np.linalg.inv(heavy.transpose(0, 2, 1) @ columns + ridge)
        residual = y - (columns @ (inverse @ right[..., None]))[..., 0]
        scale = 1.4826 * _middle(np.abs(residual), known) + 1e-9
        weight = known * np.minimum(1.0, scale[:, None] / np.maximum(np.abs(residual), 1e-12))
    return residual, np.asarray(y.sum(axis=1) / known.sum(axis=1), float)


def _middle(size: Floats, known: Bools) -> Floats:
    """Median over the known ones of each row; each row has some."""
    ordered = np.sort(np.where(known, size, np.inf), axis=1)
    count = known.sum(axis=1)
    at = np.stack([(count - 1) // 2, count // 2], axis=1)
    return np.asarray(np.take_along_axis(ordered, at, axis=1).mean(axis=1), float)


def _by_week(days: Ints, share: Floats, known: Bools) -> tuple[Ints, Floats]:
    """(mondays, (k, weeks) mean residual): NaN where fewer than two days are known; weeks nobody knows are left out."""
    mondays, at = np.unique(_monday(days), return_inverse=True)
    week = np.eye(len(mondays))[at]
    count = known @ week
    mean = (np.where(known, share, 0.0) @ week) / np.maximum(count, 1)
    kept = known.any(axis=0) @ week >= 1
    return mondays[kept], np.where(count >= LEAST_DAYS, mean, np.nan)[:, kept]


def _monday(days: Ints) -> Ints:
    return np.asarray(days - (days + 3) % 7, np.int64)


@lru_cache(maxsize=4096)
def _week(monday: int) -> int:
    """ISO week number."""
    thursday = np.datetime64(monday + 3, "D")
    new_year = thursday.astype("datetime64[Y]").astype("datetime64[D]")
    return int((thursday - new_year).astype(int) // 7) + 1


@lru_cache(maxsize=4096)
def _from_feast(monday: int, country: str) -> int | None:
    """Weeks from the year's moving feast, None where none is near or the country keeps none."""
    year = int(np.datetime64(monday + 3, "D").astype("datetime64[Y]").astype(int)) + 1970
    feast = _feast(year, country)
    if feast is None:
        return None
    weeks = (monday - (feast - (feast + 3) % 7)) // 7
    return weeks if -BEFORE_WEEKS <= weeks <= AFTER_WEEKS else None


@lru_cache(maxsize=256)
def _feast(year: int, country: str) -> int | None:
    """Easter Sunday where its Monday or Good Friday is a public holiday, else the first day of the long break around
    the lunar new year; days since 1970."""
    if _keeps_easter(country):
        return easter(year)
    first = int(np.datetime64(f"{year}-01-15", "D").astype(int))
    days = np.arange(first, first + 45)
    long = np.flatnonzero(day_types(days, country).long_break)
    return int(days[long[0]]) if len(long) else None


@lru_cache(maxsize=256)
def _keeps_easter(country: str) -> bool:
    """Looked at in four years, since another holiday may meet it in one (Qingming did in 2026)."""
    sundays = [easter(year) for year in EASTERS]
    return all(day_types(np.array([s - 2, s + 1]), country).holiday.any() for s in sundays)


def easter(year: int) -> int:
    """Easter Sunday of the Gregorian calendar as days since 1970 (Meeus, Astronomical Algorithms, chapter 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (b - (b + 8) // 25 + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    j = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * j) // 451
    month, day = divmod(h + j - 7 * m + 114, 31)
    return int(np.datetime64(f"{year}-{month:02d}-{day + 1:02d}", "D").astype(int))
