"""Columns of intervals as one round of work sees them: each read once, as far as asked for, and what was written.

What changed in a round is in hand and need not be read again: on a server every column read is a question of its own,
and asking for what has just been written makes it wait for that.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analytics.calendar import stands
from analytics.ledger.stored import between
from submeter.stores.port import Column, Store
from submeter.words import Intervals

BEGIN_S, END_S = 0, 2**32
"""all of time: 1970 to 2106"""

Seconds = NDArray[np.int64]


class Columns:
    """``changed`` holds the rows that were written in this round, by column."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.changed: dict[Column, Intervals] = {}
        self._kept: dict[Column, tuple[int, int, Intervals]] = {}

    def read(
        self, columns: Sequence[Column], first_s: int, end_s: int, starts: Seconds | None = None
    ) -> list[Intervals]:
        """Rows in [first_s, end_s) epoch seconds; where ``starts`` are given, those at least."""
        self._fetch([c for c in columns if not self._in_hand(c, starts)], first_s, end_s)
        return [
            self.changed[column] if self._in_hand(column, starts) else between(self._kept[column][2], first_s, end_s)
            for column in columns
        ]

    def all(self, column: Column) -> Intervals:
        return self.read([column], BEGIN_S, END_S)[0]

    def put(self, column: Column, changed: Intervals) -> None:
        """Write what changed, if anything did."""
        if len(changed):
            self._store.write_intervals(column, changed)
            self.changed[column] = changed
            self._kept.pop(column, None)

    def _fetch(self, columns: Sequence[Column], first_s: int, end_s: int) -> None:
        away = [c for c in columns if not self._covers(c, first_s, end_s)]
        if away:
            found = self._store.read_intervals(away, np.datetime64(first_s, "s"), np.datetime64(end_s, "s"))
            self._kept.update({c: (first_s, end_s, rows) for c, rows in zip(away, found, strict=True)})

    def _covers(self, column: Column, first_s: int, end_s: int) -> bool:
        kept = self._kept.get(column)
        return kept is not None and kept[0] <= first_s and end_s <= kept[1]

    def _in_hand(self, column: Column, starts: Seconds | None) -> bool:
        rows = self.changed.get(column)
        return starts is not None and rows is not None and bool(stands(epoch(rows), starts).all())


def epoch(rows: Intervals) -> Seconds:
    """Starts in epoch seconds."""
    return rows.start.astype("datetime64[s]").astype(np.int64)
