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


def daily_limits(hours: Intervals, zone: str) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Days (positions in :func:`~analytics.calendar.midnights`, ascending, those with a measured hour) and the
    highest plausible hour of each, in micro-units; inf where fewer than 14 days are known."""
    known = np.flatnonzero(hours.known == Known.MEASURED)
    if not len(known):
        return np.empty(0, np.intp), np.empty(0)
    days, first = np.unique(day_of(zone, _seconds(hours)[known]), return_index=True)
    highest = np.maximum.reduceat(hours.micro[known], first).astype(np.float64)
    lows = np.searchsorted(days, days - REACH_DAYS)
    highs = np.searchsorted(days, days + REACH_DAYS, "right")
    limits = [
        _quantile(highest[low:high]) if high - low >= ENOUGH_DAYS else np.inf
        for low, high in zip(lows.tolist(), highs.tolist(), strict=True)
    ]
    return days, np.array(limits)


def _quantile(values: NDArray[np.float64]) -> float:
    positive = values[values > 0]
    return FACTOR * float(np.quantile(positive, QUANTILE)) if len(positive) >= ENOUGH_DAYS else np.inf


def suspect_hours(hours: Intervals, zone: str) -> NDArray[np.bool_]:
    """Which hours hold more than this meter's history makes plausible."""
    days, limits = daily_limits(hours, zone)
    if not len(days):
        return np.zeros(len(hours), bool)
    row = np.clip(np.searchsorted(days, day_of(zone, _seconds(hours))), 0, len(days) - 1)
    return np.asarray((hours.known > 0) & (hours.micro > limits[row]))


def _seconds(hours: Intervals) -> NDArray[np.int64]:
    return hours.start.astype("datetime64[s]").astype(np.int64)
