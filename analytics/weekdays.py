"""Day types: which day is worked, which is a public holiday, a bridge or a swapped working day.

Strategy: everything is an array over days; the calendar of a country comes from the ``holidays`` package, which knows
China's swapped working days (调休) where the State Council has published them. Christmas Eve and New Year's Eve count
as holidays where Christmas is one. Calendars are cached, because every
meter of a building asks for the same ones. What the local clock shows is told by :mod:`analytics.calendar`.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

import holidays
import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]

CHRISTMAS = (12, 25)
EVES = (24, 31)
"""Where Christmas Day is a public holiday these days of December are as good as one, whatever the law says: taken for
working days they were expected up to 0.7 of a mean day too high (Norwegian public buildings of 2018)."""
LONG_BREAK_DAYS = 5
"""That many days without work in a row are a break (Spring Festival, National Day, Christmas), not a weekend."""


class Place(NamedTuple):
    """Whose days: an IANA zone, and the calendar of public holidays ('' = weekends alone)."""

    zone: str
    country: str = ""
    subdivision: str = ""


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
    off = {d for d in known if d not in worked}
    off |= {date(d.year, 12, eve) for d in off if (d.month, d.day) == CHRISTMAS for eve in EVES}
    return frozenset((d - epoch).days for d in off), frozenset((d - epoch).days for d in worked)


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
