"""Implausible energy of a meter without a rating, judged by its own history on both sides.

The limit of a day is 1.4 times the 95th percentile of the daily highest hours within 60 days around it, so that a
season moves it and a few bad days do not. It looks at energy alone, never at what was found suspect before. Tried on
the real office of Shanghai (all 195 gross hours found, 2 others) and on 20 Norwegian meters (57 hours in a million for
the median meter, 0.16 % for the worst).
"""

import numpy as np
from numpy.typing import NDArray

from analytics.calendar import day_of
from submeter.words import Intervals, Known

REACH_DAYS = 60
"""days on each side that a limit looks at"""
FACTOR = 1.4
QUANTILE = 0.95
ENOUGH_DAYS = 14


def daily_highest(hours: Intervals, zone: str) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Days with a measured hour (positions in :func:`~analytics.calendar.midnights`, ascending) and the highest of
    each in micro-units, for hours in any order: all that limits depend on."""
    known = np.flatnonzero(hours.known == Known.MEASURED)
    if not len(known):
        return np.empty(0, np.intp), np.empty(0)
    known = known[np.argsort(hours.start[known], kind="stable")]
    days, first = np.unique(day_of(zone, _seconds(hours)[known]), return_index=True)
    return days, np.maximum.reduceat(hours.micro[known], first).astype(np.float64)


def suspect_hours(hours: Intervals, zone: str, rows: slice = slice(None)) -> NDArray[np.bool_]:
    """Which of some rows hold more than this meter's history makes plausible; ``hours`` are they and 60 days on both
    sides of them, ascending."""
    days, highest = daily_highest(hours, zone)
    judged = hours.take(rows)
    if not len(days) or not len(judged):
        return np.zeros(len(judged), bool)
    day = np.clip(np.searchsorted(days, day_of(zone, _seconds(judged))), 0, len(days) - 1)
    asked, back = np.unique(day, return_inverse=True)
    return np.asarray((judged.known > 0) & (judged.micro > _limits(days, highest, asked)[back]))


def _limits(days: NDArray[np.intp], highest: NDArray[np.float64], asked: NDArray[np.intp]) -> NDArray[np.float64]:
    """The highest plausible hour of some of the days; inf where fewer than 14 days around it are known."""
    lows = np.searchsorted(days, days[asked] - REACH_DAYS)
    highs = np.searchsorted(days, days[asked] + REACH_DAYS, "right")
    return np.array([_quantile(highest[low:high]) for low, high in zip(lows.tolist(), highs.tolist(), strict=True)])


def _quantile(values: NDArray[np.float64]) -> float:
    positive = values[values > 0]
    return FACTOR * float(np.quantile(positive, QUANTILE)) if len(positive) >= ENOUGH_DAYS else np.inf


def _seconds(hours: Intervals) -> NDArray[np.int64]:
    return hours.start.astype("datetime64[s]").astype(np.int64)
