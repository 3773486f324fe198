"""The fake that ships: a store in this process's memory, as plain as it can be, under the same contract as the others.

It is also the obvious twin of the embedded one. Nothing survives the process, and it says so.
"""

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from submeter.stores.merging import check_starts
from submeter.stores.port import Column, E, seconds
from submeter.words import Block, Change, Entry, Intervals, Readings, Series, Written

Row = tuple[int, int, int, int, int]
"""micro, known, method, flags, revision"""


class MemoryStore:
    durable = "kept in this process's memory; gone when it ends"

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._readings: dict[Series, dict[int, int]] = {}
        self._sorted: dict[Series, Readings] = {}
        self._intervals: dict[Column, dict[int, Row]] = {}
        self._feed: list[Change] = []
        self._forgotten = 0
        self._entries: dict[type[Entry], dict[str, Entry]] = defaultdict(dict)
        self._cursors: dict[str, int] = {}

    @contextmanager
    def writing(self) -> Iterator[None]:
        with self._lock:
            entries, cursors = {kind: dict(of_kind) for kind, of_kind in self._entries.items()}, dict(self._cursors)
            told = self._forgotten + len(self._feed)
            try:
                yield
            except BaseException:
                self._entries, self._cursors = defaultdict(dict, entries), cursors
                del self._feed[max(0, told - self._forgotten) :]
                raise

    # readings
    def write_readings(self, blocks: Sequence[Block]) -> list[Written]:
        with self._lock:
            return [self._write_block(block) for block in blocks]

    def _write_block(self, block: Block) -> Written:
        kept = self._readings.setdefault(block.series, {})
        before, again, conflicts = len(kept), 0, []
        times = block.readings.times.astype("datetime64[ms]").astype(np.int64)
        for row, (time_ms, micro) in enumerate(zip(times.tolist(), block.readings.micro.tolist(), strict=True)):
            if time_ms not in kept:
                kept[time_ms] = micro
            elif kept[time_ms] == micro:
                again += 1
            else:
                conflicts.append(row)
        self._sorted.pop(block.series, None)
        return Written(len(kept) - before, again, np.array(conflicts, np.intp))

    def _all(self, series: Series) -> Readings:
        with self._lock:
            if series not in self._sorted:
                rows = sorted(self._readings.get(series, {}).items())
                self._sorted[series] = Readings.of([t for t, _ in rows], [v for _, v in rows])
            return self._sorted[series]

    def read_readings(self, series: Series, start_ms: int, end_ms: int) -> Readings:
        every = self._all(series)
        first, last = np.searchsorted(every.times.view(np.int64), (start_ms, end_ms))
        return Readings(every.times[first:last].copy(), every.micro[first:last].copy())

    def last_reading(self, series: Series) -> tuple[int, int] | None:
        return self._pair(series, len(self._all(series)) - 1)

    def before(self, series: Series, time_ms: int) -> tuple[int, int] | None:
        return self._pair(series, int(np.searchsorted(self._all(series).times.view(np.int64), time_ms)) - 1)

    def after(self, series: Series, time_ms: int) -> tuple[int, int] | None:
        return self._pair(series, int(np.searchsorted(self._all(series).times.view(np.int64), time_ms)))

    def _pair(self, series: Series, row: int) -> tuple[int, int] | None:
        every = self._all(series)
        return (int(every.times.view(np.int64)[row]), int(every.micro[row])) if 0 <= row < len(every) else None

    def series(self) -> list[Series]:
        with self._lock:
            return sorted(series for series, kept in self._readings.items() if kept)

    def expire(self, series: Series, before_ms: int) -> None:
        with self._lock:
            kept = self._readings.get(series, {})
            self._readings[series] = {time_ms: micro for time_ms, micro in kept.items() if time_ms >= before_ms}
            self._sorted.pop(series, None)

    # change feed
    def touch(self, spans: Iterable[tuple[str, int, int]]) -> None:
        with self._lock:
            for point, start_ms, end_ms in spans:
                self._feed.append(Change(self._forgotten + len(self._feed) + 1, point, start_ms, end_ms))

    def changes(self, since: int, limit: int = 10_000) -> list[Change]:
        with self._lock:
            begin = max(0, since - self._forgotten)
            return self._feed[begin : begin + limit]

    def forget_changes(self, until: int) -> None:
        with self._lock:
            gone = min(max(0, until - self._forgotten), len(self._feed))
            del self._feed[:gone]
            self._forgotten += gone

    # intervals
    def write_intervals(self, column: Column, intervals: Intervals) -> None:
        check_starts(intervals)
        with self._lock:
            kept = self._intervals.setdefault(column, {})
            starts = intervals.start.astype("datetime64[s]").astype(np.int64).tolist()
            fields = (intervals.micro, intervals.known, intervals.method, intervals.flags, intervals.revision)
            kept.update(zip(starts, zip(*(field.tolist() for field in fields), strict=True), strict=True))

    def read_intervals(self, columns: Sequence[Column], start: np.datetime64, end: np.datetime64) -> list[Intervals]:
        first, last = seconds(start, end)
        with self._lock:
            return [_table(self._intervals.get(column, {}), first, last) for column in columns]

    def columns(self) -> list[Column]:
        with self._lock:
            return sorted(column for column, kept in self._intervals.items() if kept)

    # entries
    def put(self, *entries: Entry) -> None:
        with self._lock:
            for entry in entries:
                self._entries[type(entry)][entry.id] = entry

    def entries(self, kind: type[E], building: str | None = None) -> list[E]:
        with self._lock:
            every = sorted(self._entries.get(kind, {}).items())
        return [e for _, e in every if isinstance(e, kind) and building in (None, e.building)]

    def drop(self, kind: type[Entry], ids: Iterable[str]) -> None:
        with self._lock:
            for one in ids:
                self._entries[kind].pop(one, None)

    # job cursors
    def cursor(self, job: str) -> int:
        return self._cursors.get(job, 0)

    def set_cursor(self, job: str, seq: int) -> None:
        with self._lock:
            self._cursors[job] = seq

    def close(self) -> None:
        """Nothing to close; what was kept stays readable as long as somebody holds this."""


def _table(kept: dict[int, Row], first: int, last: int) -> Intervals:
    rows = [(start, *kept[start]) for start in sorted(kept) if first <= start < last]
    if not rows:
        return Intervals.empty()
    start, micro, known, method, flags, revision = zip(*rows, strict=True)
    return Intervals.of(
        np.array(start, np.int64).view("datetime64[s]"), np.array(micro), known, method, flags, revision
    )
