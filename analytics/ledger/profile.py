"""What a meter probably counted in each piece of a gap, told from its own days before, those like the gap's above all.

A *window* is the table of the days before the gap, one row a local day, one column an hour of it. Typical energy of an
hour is the mean of its column; a row weighs more the younger it is, far more if it is a day of the same type (worked,
Saturday, Sunday or public holiday; a swapped working day is worked), and more again if it is the same weekday. For a
gap that ends within a day and a half, a row weighs more the nearer it comes to what the register counted in the gap:
an unusual day is best told from others like it. What the register counted beyond the typical sum, or short of it, goes
where hours differ most from day to day, in proportion to their standard deviation: the best linear estimate under a
known sum for deviations that go together.

Means, not medians: a sum has to be met, and a median forgets the peaks that make it. Gross errors are cut to three
times a high quantile first. ``python -m benchmarks gaps`` compares all this with the truth; the constants were chosen
on half of its buildings. Tried and dropped: medians (half a percentage point to five worse), windows of eight weeks (no
better, and a late reading re-settles twice as much), the deviation of the hours before the gap carried on into it (0 to
0.4 points better), a full covariance of all hours (0.3 points better on gaps of some days, and cubic).
"""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.calendar import DAY_S, dates, day_of, local_seconds, midnights
from analytics.weekdays import Place, day_types

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

AGE_DAYS: Final = 14.0
"""a day's weight falls to 1/e in so many days"""
SAME_WEEKDAY: Final = 3.0
OTHER_TYPE: Final = 0.02
ALIKE: Final = 0.2
"""standard deviation of the logarithm of (energy in a day's same hours ÷ counted in the gap)"""
UNLIKE: Final = 0.02
"""the weight of a day that is quite unlike"""
LIKENESS_H: Final = 36
"""gaps longer than this say nothing of their single days"""
HIGH_QUANTILE: Final = 0.97
GROSS: Final = 3.0
COMMON: Final = 0.3
"""share of the variance that is taken to go with the square of typical energy, since few days tell little of it"""
LEAST: Final = 0.02
"""standard deviation ÷ mean of an hour that was always the same; far above what rounding leaves of it"""
_ROUNDS: Final = 8


class Slots(NamedTuple):
    """Hours of local days: day (position in :func:`~analytics.calendar.midnights`) and hour of the wall clock, 0–23."""

    day: Rows
    hour: Rows

    @staticmethod
    def of(zone: str, starts_s: NDArray[np.int64]) -> "Slots":
        day, begins = day_of(zone, starts_s), midnights(zone)
        hour = (starts_s - begins[day]) // 3600
        changed = begins[day + 1] - begins[day] != DAY_S
        if changed.any():
            hour[changed] = local_seconds(starts_s[changed].astype("datetime64[s]"), zone) % DAY_S // 3600
        return Slots(day, hour.astype(np.intp))


def estimate(
    place: Place, starts_s: NDArray[np.int64], energy: Floats, cuts_s: Floats, counted: float
) -> Floats | None:
    """Energy of the pieces between ``cuts_s`` (n + 1 epoch seconds, none across a local hour); its sum is ``counted``.

    ``starts_s``, ``energy``: the known hours of the window, all before the gap. None where nothing can be typical of
    the gap's hours: all of the window's are zero there.
    """
    pieces = Slots.of(place.zone, cuts_s[:-1].astype(np.int64))
    length = np.diff(cuts_s) / 3600
    known = Slots.of(place.zone, starts_s)
    table = _table(known, _cut(energy), int(pieces.day[0]))
    mean, spread = _typical(place, table, pieces, _likeness(table, pieces, length, counted))
    return _met(mean * length, spread * length, counted)


def _cut(energy: Floats) -> Floats:
    """Without what is gross."""
    positive = energy[energy > 0]
    if not len(positive):
        return energy
    rank = int(HIGH_QUANTILE * (len(positive) - 1))
    return np.minimum(energy, GROSS * float(np.partition(positive, rank)[rank]))


def _table(known: Slots, energy: Floats, gap_day: int) -> tuple[Floats, Rows]:
    """(rows × 24 with NaN where not known, day of each row) up to the gap's first day."""
    days = np.arange(min(int(known.day[0]), gap_day), gap_day + 1)
    table = np.full((len(days), 24), np.nan)
    table[known.day - days[0], known.hour] = energy
    return table, days


def _likeness(table: tuple[Floats, Rows], gap: Slots, length: Floats, counted: float) -> Floats | None:
    """How near each row comes to the gap in the gap's own hours, which may run on into the rows after it; None for a
    long gap."""
    rows, days = table
    if length.sum() > LIKENESS_H:
        return None
    at = np.arange(len(days))[:, None] + (gap.day - gap.day[0])
    there = np.where(at < len(days), rows[np.minimum(at, len(days) - 1), gap.hour], np.nan)
    known = np.isfinite(there)
    heard = (known * length).sum(1)
    level = np.where(known, there * length, 0.0).sum(1) * length.sum() / np.maximum(heard, 1e-9)
    off = np.log((level + 0.02 * counted) / (1.02 * counted)) / ALIKE
    return np.where(heard > 0.7 * length.sum(), np.exp(-0.5 * off**2), 0.0) + UNLIKE


def _typical(place: Place, table: tuple[Floats, Rows], pieces: Slots, likeness: Floats | None) -> tuple[Floats, Floats]:
    """Weighted mean and standard deviation in each piece's hour."""
    rows, days = table
    asked, row = np.unique(pieces.day, return_inverse=True)
    weights = _weights(place, days, asked)
    if likeness is not None:
        weights *= _moved(likeness, days, asked)
    known = np.isfinite(rows)
    filled = np.where(known, rows, 0.0)
    heard = np.einsum("ad,dh->ah", weights, known.astype(np.float64))
    mean = np.einsum("ad,dh->ah", weights, filled) / np.maximum(heard, 1e-30)
    square = np.einsum("ad,dh->ah", weights, filled**2) / np.maximum(heard, 1e-30)
    level = float(filled.sum() / max(int(known.sum()), 1))
    mean = np.where(heard > 0, mean, level)
    variance = np.where(heard > 0, np.maximum(square - mean**2, 0.0), 0.0)
    common = variance.sum() / max(float((mean**2).sum()), 1e-30)
    spread = np.sqrt((1 - COMMON) * variance + (COMMON * common + LEAST**2) * mean**2)
    return mean[row, pieces.hour], spread[row, pieces.hour]


def _weights(place: Place, days: Rows, asked: Rows) -> Floats:
    """By age, day type and weekday: asked × days."""
    weekday, kind = day_kinds(place)
    same_kind = kind[asked][:, None] == kind[days]
    same_day = same_kind & (weekday[asked][:, None] == weekday[days])
    age = np.exp((days - asked[:, None]) / AGE_DAYS)
    return np.asarray(age * np.where(same_kind, 1.0, OTHER_TYPE) * np.where(same_day, SAME_WEEKDAY, 1.0), np.float64)


def _moved(likeness: Floats, days: Rows, asked: Rows) -> Floats:
    """A row is like the gap's first day; so the row after it is like the second. asked × days."""
    at = np.arange(len(days)) - (asked - days[-1])[:, None]
    return np.where(at >= 0, likeness[np.maximum(at, 0)], UNLIKE)


@lru_cache(maxsize=64)
def day_kinds(place: Place) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Weekday (0 = Monday) and type (0 worked, 1 Saturday, 2 Sunday or public holiday) of all days of the calendar."""
    types = day_types(dates(place.zone), place.country, place.subdivision)
    saturday = (types.weekday == 5) & ~types.holiday
    return types.weekday, np.where(types.working, 0, np.where(saturday, 1, 2))


def _met(expected: Floats, weight: Floats, counted: float) -> Floats | None:
    """With the difference to what was counted laid on in proportion to ``weight``, nothing below zero."""
    for _ in range(_ROUNDS):
        short = counted - expected.sum()
        if weight.sum() <= 0 or abs(short) <= 1e-9 * counted:
            break
        expected = np.maximum(expected + weight * short / weight.sum(), 0.0)
        weight = np.where(expected > 0, weight, 0.0)
    total = float(expected.sum())
    return expected * (counted / total) if total > 0 else None
