"""What InfluxDB 1 and 2 have in common, over two thin transports: readings and intervals there, entries beside it.

Entries, change feed and cursors need transactions and live in an embedded store (``state``). Findings, savings,
gateways and quarantine counts are mirrored into InfluxDB so that Grafana can show them.

InfluxDB overwrites a point of the same identity without a word. So each series has a high-water mark: only a reading at
or below it may be there already, and only those are read back and compared. A mark is raised before the write, and what
another process or an earlier life has written is asked once for each store opened, so that a mark is never too low.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from submeter.stores import influxql, line
from submeter.stores.batch import LINES, write_lines
from submeter.stores.embedded import EmbeddedStore
from submeter.stores.exchange import Answer
from submeter.stores.merging import check_starts, judge
from submeter.stores.port import ALWAYS_MS, Column, E, seconds
from submeter.words import (
    Block,
    Change,
    Entry,
    Finding,
    GatewayStatus,
    Intervals,
    Quarantined,
    Readings,
    Resolution,
    Saving,
    Series,
    StoreAway,
    Written,
)

_NEVER_MS = ALWAYS_MS[0]
STATEMENTS = 50
"""in one request: its address stays well below the megabyte that the server takes"""
ROWS = 20_000
"""that are asked for in one request of several statements"""
_FIELDS = ("value", "known", "method", "flags", "revision")


class Transport(Protocol):
    """The way to one database of one server."""

    durable: str

    def write(self, body: bytes, precision: str) -> Answer:
        """Gzipped lines. Raises :class:`StoreAway` when no answer comes; a refusal is an answer."""
        ...

    def query(self, statement: str, epoch: str, accept: str) -> bytes:
        """The answer's body. Raises :class:`StoreAway` also for an error inside of it."""
        ...

    def close(self) -> None: ...


class InfluxStore:
    """See :class:`~submeter.stores.port.Store`. Exact for values below 2**51 micro-units (2.2 million MWh)."""

    def __init__(self, transport: Transport, state: EmbeddedStore) -> None:
        self._transport, self._state = transport, state
        self.durable = f"{transport.durable}; entries, feed and cursors: {state.durable}"
        self._lock = threading.RLock()
        self._depth = 0
        self._waiting: dict[str, list[str]] = {"ms": [], "s": []}
        self._unsent: set[Column] = set()
        self._marks: dict[Series, int] | None = None

    @contextmanager
    def writing(self) -> Iterator[None]:
        with self._lock, self._state.writing():
            self._depth += 1
            try:
                yield
                if self._depth == 1:
                    self._send_waiting()
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._waiting = {"ms": [], "s": []}
                    self._unsent.clear()

    # readings
    def write_readings(self, blocks: Sequence[Block]) -> list[Written]:
        with self.writing():
            call = _Call(self)
            for block in blocks:
                call.add(block)
            return call.answers()

    def read_readings(self, series: Series, start_ms: int, end_ms: int) -> Readings:
        where = f"{influxql.where(line.series_tags(series))} AND {influxql.between_ms(start_ms, end_ms)}"
        return self._readings(f"SELECT value FROM reading WHERE {where}")

    def last_reading(self, series: Series) -> tuple[int, int] | None:
        return self.before(series, ALWAYS_MS[1])

    def before(self, series: Series, time_ms: int) -> tuple[int, int] | None:
        return self._nearest(series, influxql.between_ms(ALWAYS_MS[0], time_ms), "DESC")

    def after(self, series: Series, time_ms: int) -> tuple[int, int] | None:
        return self._nearest(series, influxql.between_ms(time_ms, ALWAYS_MS[1]), "ASC")

    def _nearest(self, series: Series, span: str, order: str) -> tuple[int, int] | None:
        where = f"{influxql.where(line.series_tags(series))} AND {span} ORDER BY time {order} LIMIT 1"
        found = self._readings(f"SELECT value FROM reading WHERE {where}")
        return (int(found.times.view(np.int64)[0]), int(found.micro[0])) if len(found) else None

    def _readings(self, statement: str) -> Readings:
        times, values = influxql.csv_columns(self._transport.query(statement, "ms", "application/csv"), 2)
        return Readings.of(times.astype(np.int64), _micro(values))

    def series(self) -> list[Series]:
        return sorted(self._newest())

    def _newest(self) -> dict[Series, int]:
        """Every series with its newest time."""
        answer = self._transport.query(
            "SELECT last(value) FROM reading GROUP BY building, device, point, quantity", "ms", "application/json"
        )
        return {
            Series(_point(t.tags), t.tags["device"], t.tags["quantity"]): int(t.values[0][0] or 0)
            for t in influxql.tables(answer)
        }

    def expire(self, series: Series, before_ms: int) -> None:
        where = f"{influxql.where(line.series_tags(series))} AND {influxql.between_ms(ALWAYS_MS[0], before_ms)}"
        self._transport.query(f"DELETE FROM reading WHERE {where}", "ms", "application/json")

    def mark(self, series: Series) -> int:
        """No reading of ``series`` lies above it."""
        if self._marks is None:
            self._marks = self._newest()
        return max(self._marks.get(series, _NEVER_MS), self._state.cursor(_mark_name(series)) or _NEVER_MS)

    def raise_marks(self, newest: Mapping[Series, int]) -> None:
        """Before the write that makes it necessary."""
        for series, time_ms in newest.items():
            if time_ms > self.mark(series):
                assert self._marks is not None
                self._marks[series] = time_ms
                self._state.set_cursor(_mark_name(series), time_ms)

    def write_lines(self, lines: Sequence[str], precision: str) -> list[tuple[int, str]]:
        return write_lines(self._transport.write, lines, precision)

    # intervals
    def write_intervals(self, column: Column, intervals: Intervals) -> None:
        check_starts(intervals)
        with self.writing():
            self._unsent.add(column)
            self._wait(line.interval_lines(column, intervals), "s")

    def read_intervals(self, columns: Sequence[Column], start: np.datetime64, end: np.datetime64) -> list[Intervals]:
        self._send_own(columns)
        first, last = seconds(start, end)
        return [rows for lot in _lots(columns, first, last) for rows in self._intervals(lot, first, last)]

    def _intervals(self, lot: Sequence[Column], first: int, last: int) -> list[Intervals]:
        """One request: a statement for each column."""
        span, names = influxql.between_ms(first * 1000, last * 1000), ", ".join(_FIELDS)
        query = "; ".join(
            f"SELECT {names} FROM interval WHERE {influxql.where(line.column_tags(column))} AND {span}"
            for column in lot
        )
        if len(lot) == 1:
            answer = self._transport.query(query, "s", "application/csv")
            return [_rows(influxql.csv_columns(answer, 1 + len(_FIELDS)))]
        answer = self._transport.query(query, "s", "application/json")
        return [_rows(each) for each in influxql.json_columns(answer, len(lot), 1 + len(_FIELDS))]

    def columns(self) -> list[Column]:
        self._send_own(self._unsent)
        answer = self._transport.query(
            "SELECT last(known) FROM interval GROUP BY building, point, quantity, resolution", "s", "application/json"
        )
        tags = [table.tags for table in influxql.tables(answer)]
        return sorted(Column(_point(t), t["quantity"], Resolution(t["resolution"])) for t in tags)

    def _wait(self, lines: list[str], precision: str) -> None:
        """Small writes of one transaction travel together."""
        self._waiting[precision] += lines
        if len(self._waiting[precision]) >= LINES:
            self._send_waiting()

    def _send_own(self, columns: Iterable[Column]) -> None:
        """A reader inside of its own ``writing()`` sees what it wrote; what it does not ask for can wait."""
        if self._depth and self._lock.acquire(blocking=False):
            try:
                if not self._unsent.isdisjoint(columns):
                    self._send_waiting()
            finally:
                self._lock.release()

    def _send_waiting(self) -> None:
        for precision, lines in self._waiting.items():
            waiting, self._waiting[precision] = lines, []
            for position, words in self.write_lines(waiting, precision):
                raise StoreAway(f"the server refuses {waiting[position]!r}: {words}; see to its schema and retention")
        self._unsent.clear()

    # change feed
    def touch(self, spans: Iterable[tuple[str, int, int]]) -> None:
        self._state.touch(spans)

    def changes(self, since: int, limit: int = 10_000) -> list[Change]:
        return self._state.changes(since, limit)

    def forget_changes(self, until: int) -> None:
        self._state.forget_changes(until)

    # entries
    def put(self, *entries: Entry) -> None:
        with self.writing():
            self._mirror(entries)
            self._state.put(*entries)

    def entries(self, kind: type[E], building: str | None = None) -> list[E]:
        return self._state.entries(kind, building)

    def drop(self, kind: type[Entry], ids: Iterable[str]) -> None:
        dropped = list(ids)
        with self.writing():
            if kind is Finding:
                self._forget_findings(dropped)
            if kind is Saving:
                for saving in self._state.entries(Saving):
                    if saving.id in dropped:
                        self._forget_saving(saving)
            self._state.drop(kind, dropped)

    def _mirror(self, entries: Sequence[Entry]) -> None:
        findings = [e for e in entries if isinstance(e, Finding)]
        if findings:
            kept = {f.id: (f.start_ms, f.kind) for f in self._state.entries(Finding)}
            self._forget_findings([f.id for f in findings if f.id in kept and kept[f.id] != (f.start_ms, f.kind)])
        self._wait([line.finding_line(f) for f in findings], "ms")
        self._wait([line.gateway_line(e) for e in entries if isinstance(e, GatewayStatus)], "ms")
        self._wait(line.quarantine_lines(e for e in entries if isinstance(e, Quarantined)), "ms")
        self._mirror_savings([e for e in entries if isinstance(e, Saving)])

    def _mirror_savings(self, savings: Sequence[Saving]) -> None:
        """A curve that lost a day, or begins elsewhere, is forgotten first: InfluxDB would keep the rest of it."""
        if not savings:
            return
        kept = {s.id: s for s in self._state.entries(Saving)}
        for new in savings:
            old = kept.get(new.id, new)
            if old.start_ms != new.start_ms or not set(old.days) <= set(new.days):
                self._forget_saving(old)
            self._wait(line.saving_lines(new), "ms")

    def _forget_saving(self, saving: Saving) -> None:
        self._send_waiting()
        where = influxql.where({"building": saving.building, "measure": saving.measure})
        for measurement in ("saving", "saving_day"):
            self._transport.query(f"DELETE FROM {measurement} WHERE {where}", "ms", "application/json")

    def _forget_findings(self, ids: Sequence[str]) -> None:
        if ids:
            self._send_waiting()  # or a line that waits would bring back what is forgotten now
        for one in ids:
            self._transport.query(f"DELETE FROM finding WHERE {influxql.where({'id': one})}", "ms", "application/json")

    # job cursors
    def cursor(self, job: str) -> int:
        return self._state.cursor(job)

    def set_cursor(self, job: str, seq: int) -> None:
        self._state.set_cursor(job, seq)

    def close(self) -> None:
        self._transport.close()
        self._state.close()


class _Call:
    """One ``write_readings``: what is new of each block, written in common batches, answered block by block."""

    def __init__(self, store: InfluxStore) -> None:
        self._store = store
        self._answers: list[Written] = []
        self._lines: list[str] = []
        self._owners: list[tuple[int, NDArray[np.intp]]] = []
        self._newest: dict[Series, int] = {}

    def add(self, block: Block) -> None:
        if block.series in self._newest:
            self._send()
        times, micro = block.readings.times.astype("datetime64[ms]").astype(np.int64), block.readings.micro
        try:
            line.key("reading", line.series_tags(block.series))
        except line.UnsayableError:
            self._answers.append(_written(0, 0, [], np.arange(len(times))))
            return
        kept = self._kept(block.series, times)
        verdict = judge(kept.times.view(np.int64), kept.micro, times, micro)
        new = np.flatnonzero(verdict.new)
        if len(new):
            self._lines += line.reading_lines(block.series, Readings(block.readings.times[new], micro[new]))
            self._owners.append((len(self._answers), new))
            self._newest[block.series] = int(times[new].max())
        self._answers.append(_written(len(new), int(verdict.again.sum()), np.flatnonzero(verdict.conflict), []))

    def _kept(self, series: Series, times: NDArray[np.int64]) -> Readings:
        """What the server holds where these may meet it."""
        mark = self._store.mark(series)
        if not len(times) or times.min() > mark:
            return Readings.empty()
        return self._store.read_readings(series, int(times.min()), min(int(times.max()), mark) + 1)

    def _send(self) -> None:
        self._store.raise_marks(self._newest)
        refused = np.array([position for position, _ in self._store.write_lines(self._lines, "ms")], np.intp)
        first = 0
        for answer, rows in self._owners:
            mine = rows[refused[(refused >= first) & (refused < first + len(rows))] - first]
            first += len(rows)
            if len(mine):
                told = self._answers[answer]
                self._answers[answer] = _written(told.stored - len(mine), told.again, told.conflicts, mine)
        self._lines, self._owners, self._newest = [], [], {}

    def answers(self) -> list[Written]:
        self._send()
        return self._answers


def _written(stored: int, again: int, conflicts: object, refused: object) -> Written:
    return Written(stored, again, np.asarray(conflicts, np.intp), np.asarray(refused, np.intp))


def _lots(columns: Sequence[Column], first: int, last: int) -> Iterator[list[Column]]:
    """Columns to be asked for together, in order; long ones alone, for as CSV many rows are read faster."""
    lot, rows = list[Column](), 0
    for column in columns:
        mine = (last - first) // column.resolution.seconds
        if lot and (len(lot) == STATEMENTS or rows + mine > ROWS):
            yield lot
            lot, rows = [], 0
        lot, rows = [*lot, column], rows + mine
    if lot:
        yield lot


def _rows(columns: list[NDArray[np.float64]]) -> Intervals:
    start, value, *others = columns
    return Intervals.of(start.astype(np.int64).view("datetime64[s]"), _micro(value), *others)


def _micro(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(values * 1e6).astype(np.int64)


def _point(tags: Mapping[str, str]) -> str:
    return f"{tags['building']}/{tags['point']}"


def _mark_name(series: Series) -> str:
    return "mark " + "\x1f".join(series)
