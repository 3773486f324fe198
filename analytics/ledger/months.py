"""Months of the ledger, made of its days: twelve rows that a year's query reads instead of 365, equal to their sum.

A month is the difference of the same cumulative counts at its two boundaries, so its energy is the sum of its days to
the last count, and it can be had from stored days where only a part of the month was settled anew. How it is known is
decided at its own resolution (:mod:`analytics.ledger.settle`): measured when a reading lies within a day of both
boundaries, whatever is missing inside; missing when the register was lost inside; pending until its last day is closed.
:func:`analytics.ledger.settle.settle` at :attr:`Resolution.MONTH` is the same in one go from a whole track; a test
compares.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analytics.calendar import Seconds, midnights, stands
from analytics.ledger.settle import BROKEN, LOST, how_known
from submeter.words import Flag, Intervals, Known, Method

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Months:
    """The rows of ``days`` by month: ``row`` is the first at or after each boundary (epoch s, n + 1 for n months)."""

    days: Intervals
    zone: str
    boundaries: Seconds
    row: NDArray[np.intp]
    begun: Flags
    """which have their first day's row"""
    closed: Flags
    """which have all of their days' rows, none of them pending"""

    @staticmethod
    def of(days: Intervals, zone: str, boundaries: Seconds) -> "Months":
        starts = days.start.astype("datetime64[s]").astype(np.int64)
        row = np.searchsorted(starts, boundaries)
        whole = np.diff(row) == np.diff(np.searchsorted(midnights(zone), boundaries))
        closed = whole & (_sum(days.flags & Flag.PENDING > 0, row) == 0)
        return Months(days, zone, boundaries, row, stands(starts, boundaries[:-1]), closed)

    @property
    def asked(self) -> Flags:
        """The boundaries that matter: those of months that are begun and closed."""
        whole = self.begun & self.closed
        return np.asarray(np.append(whole, False) | np.append(False, whole))

    def settled(self, exact: Flags, profiled: Flags) -> Intervals:
        """Those that are begun. ``exact`` and ``profiled`` tell of each boundary whether a reading is near enough,
        and whether its count lies on a profile. Revision is 0."""
        starts = self.boundaries[:-1].astype("datetime64[s]")
        if not self.closed.any():
            none = np.zeros(len(starts), np.int64)
            return Intervals.of(starts, none, Known.MISSING, Method.NO_READING, Flag.PENDING).take(self.begun)
        known, method = how_known(exact, profiled)
        flags = _union(self.days.flags, self.row)
        broken = flags & BROKEN > 0
        known[broken], method[broken & (method == Method.REGISTER)] = Known.ESTIMATED, Method.LINEAR
        missing = ~self.closed | (_sum(self.days.known == Known.MISSING, self.row) > 0)
        micro = np.where(missing, 0, _sum(self.days.micro, self.row))
        known[missing], method[missing] = Known.MISSING, Method.NO_READING
        for why in LOST:
            method[self.closed & (_sum(self.days.method == why, self.row) > 0)] = why
        flags[~self.closed] = Flag.PENDING
        return Intervals.of(starts, micro, known, method, flags).take(self.begun)


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
