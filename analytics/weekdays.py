"""Local hours and day types: which day is worked, which is a public holiday, a bridge or a swapped working day.

Strategy: everything is an array over days or hours; the calendar of a country comes from the ``holidays`` package,
which knows China's swapped working days (调休) where the State Council has published them. Calendars and offsets are
cached, because every meter of a building asks for the same ones.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays
import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.datetime64]
Bools = NDArray[np.bool_]

DAY_S = 86_400
LONG_BREAK_DAYS = 5
"""That many days without work in a row are a break (Spring Festival, National Day, Christmas), not a weekend."""


@dataclass(frozen=True, slots=True, eq=False)
class DayTypes:
    """One entry per local day. ``weekday`` is 0 = Monday … 6 = Sunday; a day is ``working`` or not, and may also be a
    public ``holiday``, a ``swapped`` working day on a weekend, a ``bridge`` (the only working day between days off) or
    part of a ``long_break`` of days off."""

    weekday: NDArray[np.int64]
    working: Bools
    holiday: Bools
    swapped: Bools
    bridge: Bools
    long_break: Bools


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


def midnight_ms(day: str, zone: str) -> int:
    """The instant at which a local ISO date begins, in milliseconds since 1970; an ISO instant with an offset as it
    is."""
    when = datetime.fromisoformat(day)
    return round((when if when.tzinfo else when.replace(tzinfo=ZoneInfo(zone))).timestamp() * 1000)


def day_types(days: NDArray[np.int64], country: str, subdivision: str = "") -> DayTypes:
    """Types of local days, given as days since 1970 (any order, repeats allowed).

    A country that the calendar does not know gets weekends alone; the year before and after are looked at, so that
    bridges and breaks across New Year are whole.
    """
    if len(days) == 0:
        none = np.zeros(0, bool)
        return DayTypes(np.zeros(0, np.int64), none, none, none, none, none)
    low, high = int(days.min()) - 14, int(days.max()) + 14
    whole = _span(low, high, country, subdivision)
    at = np.asarray(days, np.int64) - low
    return DayTypes(
        whole.weekday[at], whole.working[at], whole.holiday[at], whole.swapped[at], whole.bridge[at],
        whole.long_break[at],
    )  # fmt: skip


@lru_cache(maxsize=64)
def _span(low: int, high: int, country: str, subdivision: str) -> DayTypes:
    """All days low … high (days since 1970, both included)."""
    days = np.arange(low, high + 1)
    weekday = (days + 3) % 7  # 1970-01-01 was a Thursday
    off, worked = _calendar(country, subdivision, _year(low), _year(high))
    holiday = np.isin(days, list(off))
    swapped = np.isin(days, list(worked))
    working = ((weekday < 5) & ~holiday) | swapped
    return DayTypes(weekday, working, holiday & ~swapped, swapped, _bridges(working), _long(~working))


def _year(day: int) -> int:
    return (date(1970, 1, 1) + timedelta(days=day)).year


@lru_cache(maxsize=64)
def _calendar(country: str, subdivision: str, first: int, last: int) -> tuple[frozenset[int], frozenset[int]]:
    """Public holidays, and weekend days that are worked in exchange, as days since 1970."""
    try:
        known = holidays.country_holidays(country, subdiv=subdivision or None, years=range(first, last + 1))
    except NotImplementedError:
        return frozenset(), frozenset()
    worked: set[date] = getattr(known, "weekend_workdays", set())
    epoch = date(1970, 1, 1)
    return (
        frozenset((d - epoch).days for d in known if d not in worked),
        frozenset((d - epoch).days for d in worked),
    )


def _bridges(working: Bools) -> Bools:
    """Working days with a day off on either side."""
    off = ~working
    return np.asarray(working & np.r_[False, off[:-1]] & np.r_[off[1:], False], bool)


def _long(off: Bools) -> Bools:
    """Days off that belong to a run of at least :data:`LONG_BREAK_DAYS`."""
    edge = np.diff(np.r_[0, off.astype(np.int8), 0])
    begins, ends = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)
    long = np.zeros(len(off), bool)
    for begin, end in zip(begins, ends, strict=True):
        long[begin:end] = end - begin >= LONG_BREAK_DAYS
    return long
