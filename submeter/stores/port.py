"""The port that every store fills: readings and intervals as columns, a change feed, and small entries by id.

One contract test suite (``tests/submeter/stores``) holds for all of them. What *durable* means is each store's to say
(:attr:`Store.durable`); it confirms only then. A store that is away raises :class:`~submeter.words.StoreAway`.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from submeter.words import Block, Change, Entry, Intervals, Readings, Resolution, Series, Written

E = TypeVar("E", bound=Entry)

ALWAYS_MS = (-(2**53), 2**53)
"""A span of readings that leaves nothing out."""


class Column(NamedTuple):
    """The key of a column of intervals. ``quantity`` is a register's, or 'cost' (yuan), 'carbon' (kg),
    'expected', 'expected_low', 'expected_high', 'avoided' (kWh), 'repaired' (kWh that most likely flowed while a meter
    was at fault); beside a total (:mod:`submeter.words.tree`) 'completeness' and 'estimated' (shares)."""

    point: str
    quantity: str
    resolution: Resolution


class Store(Protocol):
    """Half-open ranges throughout: start ≤ time < end. Reads see everything written before, by any process."""

    durable: str
    """what this store has done before it confirms, in a sentence"""

    def writing(self) -> AbstractContextManager[None]:
        """All writes inside become durable when the block is left, and none of the entries if it is left by an error.

        Every write method may also be called outside of it, and is then durable when it returns.
        """
        ...

    # readings
    def write_readings(self, blocks: Sequence[Block]) -> list[Written]:
        """Keep readings; one answer for each block, in order. The same reading twice keeps one."""
        ...

    def read_readings(self, series: Series, start_ms: int, end_ms: int) -> Readings: ...

    def last_reading(self, series: Series) -> tuple[int, int] | None:
        """(time in ms, micro) of the newest reading."""
        ...

    def before(self, series: Series, time_ms: int) -> tuple[int, int] | None:
        """(time in ms, micro) of the newest reading strictly before ``time_ms``."""
        ...

    def after(self, series: Series, time_ms: int) -> tuple[int, int] | None:
        """(time in ms, micro) of the oldest reading at or after ``time_ms``."""
        ...

    def series(self) -> list[Series]:
        """Every series that holds readings, sorted."""
        ...

    def expire(self, series: Series, before_ms: int) -> None:
        """Drop the readings of ``series`` strictly before ``before_ms``, for ever; what was settled from them stays.

        A server may drop readings by a retention of its own, too; it must keep them longer than we do.
        """
        ...

    # change feed
    def touch(self, spans: Iterable[tuple[str, int, int]]) -> None:
        """Record (point, start_ms, end_ms): readings arrived there. Spans of one call may be merged by point."""
        ...

    def changes(self, since: int, limit: int = 10_000) -> list[Change]:
        """Entries of the feed with seq > ``since``, in order of arrival."""
        ...

    def forget_changes(self, until: int) -> None:
        """Drop entries of the feed with seq ≤ ``until``: every job has worked them off. Numbers are not given again."""
        ...

    # intervals
    def write_intervals(self, column: Column, intervals: Intervals) -> None:
        """Replace the rows with these starts, each with all its fields; other rows stay."""
        ...

    def read_intervals(self, columns: Sequence[Column], start: np.datetime64, end: np.datetime64) -> list[Intervals]:
        """The stored rows of each column, in order of ``columns``; an unknown column is empty."""
        ...

    def columns(self) -> list[Column]:
        """Every column that holds intervals, sorted."""
        ...

    # entries
    def put(self, *entries: Entry) -> None:
        """Keep each under (its type, its id), replacing what was there."""
        ...

    def entries(self, kind: type[E], building: str | None = None) -> list[E]:
        """All of a type, or one building's, sorted by id."""
        ...

    def drop(self, kind: type[Entry], ids: Iterable[str]) -> None:
        """Forget these. An unknown id is no error."""
        ...

    # job cursors
    def cursor(self, job: str) -> int:
        """Where ``job`` is in the change feed; 0 for a job never heard of."""
        ...

    def set_cursor(self, job: str, seq: int) -> None: ...

    def close(self) -> None: ...


def seconds(start: np.datetime64, end: np.datetime64) -> tuple[int, int]:
    """A span of ``datetime64`` as whole epoch seconds."""
    return int(start.astype("datetime64[s]").astype(np.int64)), int(end.astype("datetime64[s]").astype(np.int64))


Times = NDArray[np.datetime64]
