"""What becomes of columns when rows come for the same times: readings stay as first told, intervals are replaced."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from submeter.words import Bug, Intervals

Ints = NDArray[np.int64]


class Verdict(NamedTuple):
    """For each arriving row (shape of the arrivals, bool): is it new, or told again, or contradicting what is kept."""

    new: NDArray[np.bool_]
    again: NDArray[np.bool_]
    conflict: NDArray[np.bool_]


def judge(kept_times: Ints, kept_values: Ints, times: Ints, values: Ints) -> Verdict:
    """Compare arriving readings (any order, also with repeats) with the kept ones (ascending, unique).

    The first told stays: a row whose time is kept, or came earlier in the same arrival, is *again* or a *conflict*.
    """
    if follows(kept_times, times):
        none = np.zeros(len(times), np.bool_)
        return Verdict(~none, none, none)
    kept, winners = _look_up(kept_times, kept_values, times)
    _, first, inverse = np.unique(times, return_index=True, return_inverse=True)
    earliest = first[inverse]
    new = ~kept & (earliest == np.arange(len(times)))
    same = np.where(kept, winners, values[earliest]) == values
    return Verdict(new, same & ~new, ~same)


def follows(kept_times: Ints, times: Ints) -> bool:
    """Whether all of these come after what is kept, ascending: then each is new and its place is at the end."""
    return _ascends(times) and not (len(times) and len(kept_times) and times[0] <= kept_times[-1])


def insert(kept_times: Ints, kept_values: Ints, times: Ints, values: Ints) -> tuple[Ints, Ints]:
    """Both together in order of time; the arriving times must be new and unique."""
    together_times, together_values = np.concatenate((kept_times, times)), np.concatenate((kept_values, values))
    if _ascends(together_times):
        return together_times, together_values
    order = np.argsort(together_times, kind="stable")
    return together_times[order], together_values[order]


def replace(kept: Intervals, arriving: Intervals) -> Intervals:
    """Rows of ``arriving`` in the place of kept rows with the same start, the other kept rows between them."""
    if not len(kept):
        return arriving
    if arriving.start[0] > kept.start[-1]:
        return _join(kept, arriving)
    at = np.searchsorted(arriving.start, kept.start)
    others = kept.take(arriving.start.take(at, mode="clip") != kept.start)
    together = _join(others, arriving)
    return together.take(np.argsort(together.start, kind="stable"))


def check_starts(intervals: Intervals) -> None:
    """Raises :class:`Bug` when starts do not ascend: the writer broke the promise of :class:`Intervals`."""
    if not _ascends(intervals.start.view(np.int64)):
        raise Bug("intervals to be written do not ascend in start, or repeat one")


def _ascends(times: Ints) -> bool:
    return bool((times[1:] > times[:-1]).all())


def _look_up(kept_times: Ints, kept_values: Ints, times: Ints) -> tuple[NDArray[np.bool_], Ints]:
    """Whether each time is kept, and the value kept there (0 where it is not)."""
    if not len(kept_times):
        return np.zeros(len(times), np.bool_), np.zeros(len(times), np.int64)
    at = np.minimum(np.searchsorted(kept_times, times), len(kept_times) - 1)
    found = kept_times[at] == times
    return found, np.where(found, kept_values[at], 0)


def _join(left: Intervals, right: Intervals) -> Intervals:
    return Intervals(
        np.concatenate((left.start, right.start)),
        np.concatenate((left.micro, right.micro)),
        np.concatenate((left.known, right.known)),
        np.concatenate((left.method, right.method)),
        np.concatenate((left.flags, right.flags)),
        np.concatenate((left.revision, right.revision)),
    )
