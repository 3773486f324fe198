"""Local months, days, hours and quarters of a zone as boundaries in UTC, and what its clock shows, through clock
changes and odd offsets.

A day begins at local midnight; where a clock change skips midnight, at the change. A month begins with its first day.
Hours and quarters are counted from the day's beginning, so that they cut no day: a day is always a whole number of
stored intervals, whether it has 23, 24 or 25 hours, and in a zone of +05:45 an hour begins at a quarter past the UTC
hour.
"""

from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from submeter.words import Resolution

Seconds = NDArray[np.int64]
Times = NDArray[np.datetime64]
Time = TypeVar("Time", np.int64, np.datetime64)

DAY_S = 86_400

_FIRST_YEAR, _LAST_YEAR = 1990, 2060
_EPOCH = date(1970, 1, 1).toordinal()


def midnights(zone: str) -> Seconds:
    """Epoch seconds of every local midnight from 1990 to 2060, ascending."""
    return _calendar(zone)[0]


def dates(zone: str) -> NDArray[np.int64]:
    """The local date that each of :func:`midnights` begins, as days since 1970."""
    return _calendar(zone)[1]


@lru_cache(maxsize=64)
def _calendar(zone: str) -> tuple[Seconds, NDArray[np.int64]]:
    """Midnights, and the date (days since 1970) that each begins."""
    first, last = (date(year, 1, 1).toordinal() - _EPOCH for year in (_FIRST_YEAR, _LAST_YEAR))
    days = np.arange(first, last + 1)
    begins, rows = np.unique(_midnights(days, ZoneInfo(zone)), return_index=True)  # across the date line a day is none
    return begins, days[rows]


def _midnights(days: NDArray[np.int64], place: ZoneInfo) -> Seconds:
    """Each is asked for only in weeks whose ends have different offsets; no zone has changed its clock and changed it
    back within a week (asked for each day of all 599 zones of tzdata 2025b, the same)."""
    week = np.append(np.arange(0, len(days) - 1, 7), len(days) - 1)
    ahead = np.array([day * DAY_S - _midnight_of(day, place) for day in days[week].tolist()])
    offset = np.repeat(ahead[:-1], np.diff(week))
    found: Seconds = days * DAY_S - np.append(offset, ahead[-1])
    for row in np.flatnonzero(np.repeat(np.diff(ahead) != 0, np.diff(week))).tolist():
        found[row] = _midnight_of(int(days[row]), place)
    return found


def _midnight_of(day: int, place: ZoneInfo) -> int:
    return _midnight(date.fromordinal(day + _EPOCH), place)


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


def stands(sorted_times: NDArray[Time], times: NDArray[Time]) -> NDArray[np.bool_]:
    """Which of ``times`` are among ``sorted_times`` (ascending): what ``np.isin`` says, for less."""
    if not len(sorted_times):
        return np.zeros(len(times), bool)
    found = sorted_times.take(np.searchsorted(sorted_times, times), mode="clip")
    return np.asarray(found == times)


def hour_type(zone: str, starts_s: Seconds) -> NDArray[np.intp]:
    """A number for (day type, hour of the local day): 0–23 Monday to Friday, 24–47 Saturday, 48–71 Sunday.

    The 25th hour of an autumn day counts as its 24th.
    """
    days = day_of(zone, starts_s)
    begins, on = _calendar(zone)
    weekday = (on[days] + 3) % 7  # 1970-01-01 was a Thursday
    hour = np.minimum((starts_s - begins[days]) // 3600, 23)
    return np.asarray(np.where(weekday < 5, 0, weekday - 4) * 24 + hour, np.intp)
