"""Local months, days, hours and quarters of a zone as boundaries in UTC, and what its clock shows, through clock
changes and odd offsets.

A day begins at local midnight; where a clock change skips midnight, at the change. A month begins with its first day.
Hours and quarters are counted from
the day's beginning, so that they cut no day: a day is always a whole number of stored intervals, whether it has 23, 24
or 25 hours, and in a zone of +05:45 an hour begins at a quarter past the UTC hour.
"""

from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from submeter.words import Resolution

Seconds = NDArray[np.int64]
Times = NDArray[np.datetime64]

DAY_S = 86_400

_FIRST_YEAR, _LAST_YEAR = 1990, 2060


def midnights(zone: str) -> Seconds:
    """Epoch seconds of every local midnight from 1990 to 2060, ascending."""
    return _calendar(zone)[0]


def dates(zone: str) -> NDArray[np.int64]:
    """The local date that each of :func:`midnights` begins, as days since 1970."""
    return _calendar(zone)[1]


@lru_cache(maxsize=64)
def _calendar(zone: str) -> tuple[Seconds, NDArray[np.int64]]:
    """Midnights, and the date (days since 1970) that each begins."""
    place = ZoneInfo(zone)
    days = range(date(_FIRST_YEAR, 1, 1).toordinal(), date(_LAST_YEAR, 1, 1).toordinal() + 1)
    starts = np.array([_midnight(date.fromordinal(day), place) for day in days], np.int64)
    begins, rows = np.unique(starts, return_index=True)  # a zone that changed sides of the date line skipped a day
    return begins, np.array(days, np.int64)[rows] - date(1970, 1, 1).toordinal()


@lru_cache(maxsize=64)
def months(zone: str) -> Seconds:
    """Epoch seconds at which every local month from January 1990 to January 2060 begins, ascending; each is one of
    :func:`midnights`."""
    place = ZoneInfo(zone)
    firsts = [date(year, month, 1) for year in range(_FIRST_YEAR, _LAST_YEAR) for month in range(1, 13)]
    return np.array([_midnight(day, place) for day in (*firsts, date(_LAST_YEAR, 1, 1))], np.int64)


def _midnight(day: date, place: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=place).timestamp())


def local_date_s(day: str, zone: str) -> int:
    """Epoch seconds at which a local ISO date begins."""
    return _midnight(date.fromisoformat(day), ZoneInfo(zone))


def instant_ms(text: str, zone: str) -> int:
    """Epoch milliseconds of an ISO date (its local midnight) or of an ISO instant, local unless it has an offset."""
    when = datetime.fromisoformat(text)
    return round((when if when.tzinfo else when.replace(tzinfo=ZoneInfo(zone))).timestamp() * 1000)


def local_seconds(start: Times, zone: str) -> NDArray[np.int64]:
    """Seconds since 1970 on the local wall clock, for instants in UTC (any order)."""
    utc = start.astype("datetime64[s]").astype(np.int64)
    return utc + utc_offsets(utc, zone)


def utc_offsets(utc_s: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
    """Offset of the zone in seconds at each instant; looked up once per UTC day, once per hour on days of change."""
    days, inverse = np.unique(utc_s // DAY_S, return_inverse=True)
    first = np.array([_offset(int(d) * DAY_S, zone) for d in days], np.int64)
    last = np.array([_offset(int(d + 1) * DAY_S - 1, zone) for d in days], np.int64)
    offsets = first[inverse]
    for row in np.flatnonzero((first != last)[inverse]):
        offsets[row] = _offset(int(utc_s[row]), zone)
    return offsets


@lru_cache(maxsize=65_536)
def _offset(utc_s: int, zone: str) -> int:
    shift = datetime.fromtimestamp(utc_s, ZoneInfo(zone)).utcoffset()
    return int((shift or timedelta()).total_seconds())


def edges(zone: str, resolution: Resolution, start_s: int, end_s: int) -> Seconds:
    """Boundaries of the intervals of every local day (for months: every local month) that [start_s, end_s) touches:
    whole days, or months, first to last.

    n + 1 epoch seconds for n intervals, ascending; ``end_s`` ≤ ``start_s`` gives the day, or month, of ``start_s``.
    """
    every = months(zone) if resolution is Resolution.MONTH else midnights(zone)
    first = int(np.searchsorted(every, start_s, "right")) - 1
    last = int(np.searchsorted(every, max(end_s, start_s + 1), "left"))
    return every[first : last + 1] if resolution is Resolution.MONTH else _edges(zone, resolution, first, last)


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
    begins, on = _calendar(zone)
    weekday = (on[days] + 3) % 7  # 1970-01-01 was a Thursday
    hour = np.minimum((starts_s - begins[days]) // 3600, 23)
    return np.asarray(np.where(weekday < 5, 0, weekday - 4) * 24 + hour, np.intp)
