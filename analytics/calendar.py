"""Local days, hours and quarters of a zone as boundaries in UTC, through clock changes and odd offsets.

A day begins at local midnight; where a clock change skips midnight, at the change. Hours and quarters are counted from
the day's beginning, so that they cut no day: a day is always a whole number of stored intervals, whether it has 23, 24
or 25 hours, and in a zone of +05:45 an hour begins at a quarter past the UTC hour.
"""

from datetime import date, datetime
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from submeter.words import Resolution

Seconds = NDArray[np.int64]

_FIRST_YEAR, _LAST_YEAR = 1990, 2060


@lru_cache(maxsize=64)
def midnights(zone: str) -> Seconds:
    """Epoch seconds of every local midnight from 1990 to 2060, ascending."""
    place = ZoneInfo(zone)
    first, last = date(_FIRST_YEAR, 1, 1).toordinal(), date(_LAST_YEAR, 1, 1).toordinal()
    starts = [_midnight(date.fromordinal(day), place) for day in range(first, last + 1)]
    return np.unique(np.array(starts, np.int64))


def _midnight(day: date, place: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=place).timestamp())


def local_date_s(day: str, zone: str) -> int:
    """Epoch seconds at which a local ISO date begins."""
    return _midnight(date.fromisoformat(day), ZoneInfo(zone))


def edges(zone: str, resolution: Resolution, start_s: int, end_s: int) -> Seconds:
    """Boundaries of the intervals of every local day that [start_s, end_s) touches: whole days, first to last.

    n + 1 epoch seconds for n intervals, ascending; ``end_s`` ≤ ``start_s`` gives the day of ``start_s``.
    """
    every = midnights(zone)
    first = int(np.searchsorted(every, start_s, "right")) - 1
    last = int(np.searchsorted(every, max(end_s, start_s + 1), "left"))
    return _edges(zone, resolution, first, last)


@lru_cache(maxsize=256)
def _edges(zone: str, resolution: Resolution, first: int, last: int) -> Seconds:
    days = midnights(zone)[first : last + 1]
    if resolution is Resolution.DAY:
        return days
    inner = [np.arange(begin, end, resolution.seconds) for begin, end in pairwise(days.tolist())]
    return np.concatenate([*inner, days[-1:]])


def day_of(zone: str, instants_s: Seconds) -> NDArray[np.intp]:
    """Position in :func:`midnights` of the local day that each instant lies in."""
    return np.searchsorted(midnights(zone), instants_s, "right") - 1


def hour_type(zone: str, starts_s: Seconds) -> NDArray[np.intp]:
    """A number for (day type, hour of the local day): 0–23 Monday to Friday, 24–47 Saturday, 48–71 Sunday.

    The 25th hour of an autumn day counts as its 24th.
    """
    days = day_of(zone, starts_s)
    begins = midnights(zone)[days]
    noon = begins + 12 * 3600  # far enough from midnight that no offset matters for the date
    offset = _rounded_offset(begins)
    weekday = ((noon + offset) // 86_400 + 3) % 7  # 1970-01-01 was a Thursday
    hour = np.minimum((starts_s - begins) // 3600, 23)
    return np.where(weekday < 5, 0, weekday - 4) * 24 + hour


def _rounded_offset(begins: Seconds) -> Seconds:
    """The zone's offset from UTC at each midnight, from the instant itself: midnight is 00:00 local (± a clock change)."""
    into = begins % 86_400
    return np.where(into < 12 * 3600, -into, 86_400 - into)
