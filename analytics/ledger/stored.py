"""A meter's rows as they are stored: read by resolution, joined, and compared with what is settled now.

Only what differs is written, with the next revision; what is no longer settled becomes missing.
"""

from dataclasses import replace

import numpy as np

from analytics.calendar import Seconds, stands
from analytics.ledger.meter import Meter
from submeter.stores.port import Column, Store
from submeter.words import Flag, Intervals, Known, Method, Resolution

Grid = dict[Resolution, Seconds]
"""boundaries (epoch s) by resolution; those of months reach beyond the others'"""


def column_of(meter: Meter, resolution: Resolution) -> Column:
    return Column(meter.point.id, meter.point.quantity, resolution)


def instant(epoch_s: int | np.int64) -> np.datetime64:
    return np.datetime64(int(epoch_s), "s")


def stored_rows(store: Store, meter: Meter, grid: Grid) -> dict[Resolution, Intervals]:
    """The rows between the first and the last boundary of each resolution; days for all of the months."""
    span = {each: grid[Resolution.MONTH if each is Resolution.DAY else each][[0, -1]].tolist() for each in grid}
    found: dict[Resolution, Intervals] = {}
    for ends in {tuple(ends) for ends in span.values()}:
        these = [each for each in grid if tuple(span[each]) == ends]
        rows = store.read_intervals([column_of(meter, each) for each in these], instant(ends[0]), instant(ends[1]))
        found.update(zip(these, rows, strict=True))
    return found


def between(rows: Intervals, first_s: int | np.int64, last_s: int | np.int64) -> Intervals:
    first, last = np.searchsorted(rows.start.astype(np.int64), np.array([first_s, last_s]))
    return rows.take(slice(int(first), int(last)))


def chained(*parts: Intervals) -> Intervals:
    """One after the other."""
    return Intervals(
        np.concatenate([p.start.astype("datetime64[s]") for p in parts]),
        np.concatenate([p.micro for p in parts]),
        np.concatenate([p.known for p in parts]),
        np.concatenate([p.method for p in parts]),
        np.concatenate([p.flags for p in parts]),
        np.concatenate([p.revision for p in parts]),
    )


def revise(stored: Intervals, fresh: Intervals, since_s: int, last_s: int) -> Intervals:
    """The rows of ``fresh`` that are new or differ from ``stored``, with the next revision.

    Rows stored from ``since_s`` on that no longer are become missing (pending after ``last_s``).
    """
    if not len(stored):
        return fresh
    wanted = _completed(stored, fresh, since_s, last_s)
    row = np.searchsorted(stored.start, wanted.start)
    inside = np.minimum(row, len(stored) - 1)
    old = stored.take(inside)
    there = old.start == wanted.start
    same = (old.micro == wanted.micro) & (old.known == wanted.known) & (old.flags == wanted.flags)
    same &= (old.method == wanted.method) & there
    revision = np.where(there, old.revision + 1, 0).astype(np.uint32)
    return replace(wanted, revision=revision).take(~same)


def _completed(stored: Intervals, fresh: Intervals, since_s: int, last_s: int) -> Intervals:
    left = ~stands(fresh.start, stored.start) & (stored.start.astype(np.int64) >= since_s)
    if not left.any():
        return fresh
    gone = stored.take(left)
    pending = np.where(gone.start.astype(np.int64) >= last_s, Flag.PENDING, Flag.NONE)
    struck = Intervals.of(gone.start, np.zeros(len(gone), np.int64), Known.MISSING, Method.NO_READING, pending)
    both = chained(fresh, struck)
    return both.take(np.argsort(both.start, kind="stable"))
