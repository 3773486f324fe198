"""Sums of intervals: virtual meters, which need all of their members, and totals, which say how complete they are.

Whole micro-units are added and subtracted, so that sums agree to the last count at every resolution. A member that does
not hang yet, or no longer, is not expected and adds nothing.

Completeness
------------
A total lacks the energy that is expected of its missing members; its completeness is one less the share of that in what
is expected of the whole. So a main meter that is missing is not one of twenty, and in a difference (main less
sub-meters) a missing sub-meter weighs as much as it would distort what is left. Expected is what a member usually takes
(:data:`Weights`), whatever the season: it weighs, it is never added. A total below the limit is withheld: missing, by
method INCOMPLETE. One above it is the sum of what is known, flagged INCOMPLETE and not scaled up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from submeter.words import MICRO, Flag, Intervals, Known, Method

Seconds = NDArray[np.int64]
Floats = NDArray[np.float64]
Weights = Callable[[NDArray[np.intp]], Floats]
"""Micro-units a day that each member usually takes, [members, rows], at some of the starts; NaN where nobody knows."""


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """Members' rows on common starts (epoch s): arrays of [members, starts], as in :class:`Intervals`.

    ``expected``: the member hangs in any part of the interval. ``share``: how complete it is itself, ``guessed``: the
    share of its energy that is estimated, both 0 … 1.
    """

    start: Seconds
    micro: NDArray[np.int64]
    known: NDArray[np.uint8]
    method: NDArray[np.uint8]
    flags: NDArray[np.uint16]
    expected: NDArray[np.bool_]
    share: Floats
    guessed: Floats

    @property
    def holes(self) -> NDArray[np.bool_]:
        return np.asarray(self.expected & (self.share < 1))

    @property
    def counted(self) -> NDArray[np.bool_]:
        return np.asarray(self.expected & (self.known > 0))


@dataclass(frozen=True, slots=True, eq=False)
class Total:
    """A total's rows, and beside each its completeness and estimated share as rows of their own (1e-6 of the whole)."""

    rows: Intervals
    completeness: Intervals
    estimated: Intervals


def lay(
    start: Seconds,
    end: Seconds,
    columns: Sequence[Intervals],
    lives: Sequence[tuple[int, int]],
    shares: Sequence[Intervals] | None = None,
    guessed: Sequence[Intervals] | None = None,
) -> Laid:
    """Columns side by side. ``shares`` and ``guessed`` are those of members that are totals themselves."""
    shape = (len(columns), len(start))
    laid = Laid(
        start, np.zeros(shape, np.int64), np.zeros(shape, np.uint8), np.full(shape, Method.NO_READING, np.uint8),
        np.zeros(shape, np.uint16), np.zeros(shape, bool), np.zeros(shape), np.zeros(shape),
    )  # fmt: skip
    for n, rows in enumerate(columns):
        to, of = _places(start, rows)
        laid.micro[n, to], laid.known[n, to] = rows.micro[of], rows.known[of]
        laid.method[n, to], laid.flags[n, to] = rows.method[of], rows.flags[of]
        laid.expected[n] = (end > lives[n][0]) & (start < lives[n][1])
    laid.share[:], laid.guessed[:] = laid.known > 0, laid.known == Known.ESTIMATED
    for into, told in ((laid.share, shares), (laid.guessed, guessed)):
        for n, rows in enumerate(told or ()):
            to, of = _places(start, rows)
            into[n, to] = np.where(laid.known[n, to] > 0, rows.micro[of] / MICRO, 0.0)
    return laid


def _places(start: Seconds, rows: Intervals) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where rows lie among the starts, and which of them do."""
    of = rows.start.astype("datetime64[s]").astype(np.int64)
    if not len(start) or not len(of):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    at = np.minimum(np.searchsorted(start, of), len(start) - 1)
    there = np.flatnonzero(start[at] == of)
    return at[there], there


def virtual(laid: Laid, signs: Sequence[int]) -> Intervals:
    """A sum that needs all its members: missing, and for the same reason, where one of them is; else as well known as
    the worst of them."""
    counted = laid.counted
    missing = (laid.expected & ~counted).any(axis=0) | ~counted.any(axis=0)
    known = np.where(missing, Known.MISSING, _worst(laid)).astype(np.uint8)
    micro = np.where(missing, 0, _sum(laid, signs))
    method = np.where(missing, _why(laid), Method.SUM).astype(np.uint8)
    return Intervals(_times(laid.start), micro, known, method, _flags(laid), np.zeros(len(laid.start), np.uint32))


def total(laid: Laid, signs: Sequence[int], weights: Weights, limit: float) -> Total:
    """A sum of what is known, withheld where less than ``limit`` of what is expected is."""
    some = laid.counted.any(axis=0)
    lacking = laid.holes.any(axis=0)
    complete = np.rint(completeness(laid, signs, weights) * MICRO).astype(np.int64)
    shown = some & (complete >= round(limit * MICRO))
    known = np.where(shown, _worst(laid), Known.MISSING).astype(np.uint8)
    method = np.where(shown, Method.SUM, np.where(some, Method.INCOMPLETE, _why(laid))).astype(np.uint8)
    flags = (_flags(laid) | np.where(lacking & some, Flag.INCOMPLETE, 0)).astype(np.uint16)
    rows = Intervals(_times(laid.start), np.where(shown, _sum(laid, signs), 0), known, method, flags,
                     np.zeros(len(laid.start), np.uint32))  # fmt: skip
    open_end = ~shown & (flags & Flag.PENDING > 0)
    return Total(rows, _told(rows, complete, ~open_end), _told(rows, _estimated(laid), shown))


def completeness(laid: Laid, signs: Sequence[int], weights: Weights) -> Floats:
    """Share of the expected energy that is known, [starts]: 1 without holes, 0 where nothing is known or expected."""
    some = laid.counted.any(axis=0)
    found = np.where(some, 1.0, 0.0)
    rows = np.flatnonzero(some & laid.holes.any(axis=0))
    if not len(rows):
        return found
    usual = np.where(laid.expected[:, rows], _filled(weights(rows)), 0.0)
    whole = np.asarray(signs, np.float64) @ usual
    lost = (usual * (1.0 - laid.share[:, rows])).sum(axis=0)
    found[rows] = np.where(whole > 0, np.clip(1.0 - lost / np.where(whole > 0, whole, 1.0), 0.0, 1.0), 0.0)
    return found


def _filled(usual: Floats) -> Floats:
    """A member of whose habits nothing is known weighs as the mean of the others; all alike where none is."""
    known = ~np.isnan(usual)
    count = known.sum(axis=0)
    mean = np.where(count > 0, np.where(known, usual, 0.0).sum(axis=0) / np.maximum(count, 1), 1.0)
    return np.where(known, usual, mean)


def _sum(laid: Laid, signs: Sequence[int]) -> NDArray[np.int64]:
    counted: NDArray[np.int64] = np.where(laid.counted, laid.micro, 0)
    found: NDArray[np.int64] = np.asarray(signs, np.int64) @ counted
    return found


def _worst(laid: Laid) -> NDArray[np.uint8]:
    worst: NDArray[np.uint8] = np.where(laid.counted, laid.known, Known.MEASURED).min(axis=0, initial=Known.MEASURED)
    return worst


def _why(laid: Laid) -> NDArray[np.uint8]:
    """The reason of the first expected member that is missing."""
    missing = laid.expected & (laid.known == Known.MISSING)
    first = missing.argmax(axis=0)
    reason = laid.method[first, np.arange(len(laid.start))]
    return np.where(missing.any(axis=0), reason, Method.NO_READING).astype(np.uint8)


def _flags(laid: Laid) -> NDArray[np.uint16]:
    flags: NDArray[np.uint16] = np.bitwise_or.reduce(np.where(laid.expected, laid.flags, 0).astype(np.uint16), axis=0)
    return flags


def _estimated(laid: Laid) -> NDArray[np.int64]:
    energy = np.where(laid.counted, np.abs(laid.micro), 0).astype(np.float64)
    whole = energy.sum(axis=0)
    share = (energy * laid.guessed).sum(axis=0) / np.where(whole > 0, whole, 1.0)
    return np.asarray(np.rint(MICRO * share), np.int64)


def _told(rows: Intervals, share: NDArray[np.int64], there: NDArray[np.bool_]) -> Intervals:
    known = np.where(there, Known.MEASURED, Known.MISSING)
    method = np.where(there, Method.SUM, rows.method)
    pending = np.where(there, 0, rows.flags & Flag.PENDING)
    return Intervals.of(rows.start, np.where(there, share, 0), known, method, pending)


def _times(start: Seconds) -> NDArray[np.datetime64]:
    return start.astype("datetime64[s]")
