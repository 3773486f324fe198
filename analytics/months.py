"""Months of the ledger, made of its days: twelve rows that a year's query reads instead of 365, equal to their sum.

A month is the difference of the same cumulative counts at its two boundaries, so its energy is the sum of its days to
the last count, and it can be had from stored days where only a part of the month was settled anew. How it is known is
decided at its own resolution (:mod:`analytics.settle`): measured when a reading lies within a day of both boundaries,
whatever is missing inside; missing when the register was lost inside; pending until its last day is closed.
:func:`analytics.settle.settle` at :attr:`Resolution.MONTH` is the same in one go from a whole track; a test compares.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analytics.calendar import Seconds, midnights, stands
from analytics.settle import BROKEN, how_known
from submeter.words import Flag, Intervals, Known, Method

Flags = NDArray[np.bool_]


def monthly(days: Intervals, zone: str, boundaries: Seconds, exact: Flags, profiled: Flags) -> Intervals:
    """Months between successive boundaries (epoch s, n + 1) from their days' rows; those whose first day has no row
    are left out.

    ``exact`` and ``profiled`` tell of each boundary whether a reading is near enough, and whether its count lies on a
    profile. Revision is 0.
    """
    row, begun, closed = _rows(days, zone, boundaries)
    known, method = how_known(exact, profiled)
    flags = _union(days.flags, row)
    broken = flags & BROKEN > 0
    known[broken], method[broken & (method == Method.REGISTER)] = Known.ESTIMATED, Method.LINEAR
    lost = closed & (_sum(days.method == Method.NO_CLOSING, row) > 0)
    missing = ~closed | (_sum(days.known == Known.MISSING, row) > 0)
    micro = np.where(missing, 0, _sum(days.micro, row))
    known[missing], method[missing] = Known.MISSING, np.where(lost, Method.NO_CLOSING, Method.NO_READING)[missing]
    flags[~closed] = Flag.PENDING
    return Intervals.of(boundaries[:-1].astype("datetime64[s]"), micro, known, method, flags).take(begun)


def asked(days: Intervals, zone: str, boundaries: Seconds) -> Flags:
    """The boundaries that matter: those of months whose days are all there, and over."""
    _, begun, closed = _rows(days, zone, boundaries)
    whole = begun & closed
    return np.asarray(np.append(whole, False) | np.append(False, whole))


def _rows(days: Intervals, zone: str, boundaries: Seconds) -> tuple[NDArray[np.intp], Flags, Flags]:
    """The first day's row at or after each boundary; which months have their first day's row; which have all of
    their days', none of them pending."""
    starts = days.start.astype("datetime64[s]").astype(np.int64)
    row = np.searchsorted(starts, boundaries)
    whole = np.diff(row) == np.diff(np.searchsorted(midnights(zone), boundaries))
    return row, stands(starts, boundaries[:-1]), whole & (_sum(days.flags & Flag.PENDING > 0, row) == 0)


def near_measured(days: Intervals, zone: str, boundaries: Seconds) -> Flags:
    """At which boundaries a measured day begins or ends: a reading lies within 48 minutes of them."""
    measured = days.start[days.known == Known.MEASURED].astype("datetime64[s]").astype(np.int64)
    every = midnights(zone)
    eves = every[np.searchsorted(every, boundaries) - 1]
    return np.asarray(stands(measured, boundaries) | stands(measured, eves))


def _sum(values: NDArray[np.generic], row: NDArray[np.intp]) -> NDArray[np.int64]:
    return np.diff(np.concatenate([[0], np.cumsum(values, dtype=np.int64)])[row])


def _union(flags: NDArray[np.uint16], row: NDArray[np.intp]) -> NDArray[np.uint16]:
    return np.array([np.bitwise_or.reduce(flags[begin:end]) for begin, end in pairwise(row)], np.uint16)
