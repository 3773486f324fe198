"""The default store: one SQLite file, in which a day of a series is one row of packed columns.

Why SQLite: several processes have it open at once (one writes readings, another intervals, viewers read), which
DuckDB's file lock forbids. Why a day a row: a row for each reading costs many times the room and the time; a packed
day is written in one go by a back-fill, merged in microseconds by a live poll, and read straight into NumPy.
Intervals lie in blocks likewise. :mod:`~submeter.stores.packing` is the stored form,
:mod:`~submeter.stores.merging` says what stays.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from submeter.stores.database import Database
from submeter.stores.merging import Ints, check_starts, follows, insert, judge, replace
from submeter.stores.packing import Shape, pack, unpack
from submeter.stores.port import ALWAYS_MS, Column, E, seconds
from submeter.words import Block, Change, Entry, Intervals, Readings, Resolution, Series, Written

FORMAT = 1
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE series (id INTEGER PRIMARY KEY, point TEXT NOT NULL, device TEXT NOT NULL, quantity TEXT NOT NULL,
    UNIQUE (point, device, quantity));
CREATE TABLE readings (series INTEGER, day INTEGER, data BLOB NOT NULL, PRIMARY KEY (series, day)) WITHOUT ROWID;
CREATE TABLE columns (id INTEGER PRIMARY KEY, point TEXT NOT NULL, quantity TEXT NOT NULL, resolution TEXT NOT NULL,
    UNIQUE (point, quantity, resolution));
CREATE TABLE intervals (col INTEGER, block INTEGER, data BLOB NOT NULL, PRIMARY KEY (col, block)) WITHOUT ROWID;
CREATE TABLE feed (seq INTEGER PRIMARY KEY AUTOINCREMENT, point TEXT NOT NULL, start INTEGER, end INTEGER);
CREATE TABLE entries (kind TEXT, id TEXT, building TEXT NOT NULL, json BLOB NOT NULL, PRIMARY KEY (kind, id));
CREATE INDEX entries_of ON entries (kind, building);
CREATE TABLE cursors (job TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID"""

DAY_MS = 86_400_000
_READING_SHAPES = (Shape.RISING, Shape.RISING)
_INTERVAL_SHAPES = (Shape.RISING, Shape.LEVEL, Shape.LEVEL, Shape.LEVEL, Shape.LEVEL, Shape.LEVEL)
_BLOCK_S = {
    Resolution.QUARTER: 8 * 86400,
    Resolution.HOUR: 32 * 86400,
    Resolution.DAY: 512 * 86400,
    Resolution.MONTH: 16_384 * 86400,
}
"""span of a block of intervals: about 500 to 800 rows, so that a rewrite of one costs little"""


class EmbeddedStore:
    """A :class:`~submeter.stores.port.Store`; open as many as you like on one file, from threads and processes."""

    durable = "one SQLite transaction in WAL mode with synchronous=FULL: it is on the disk, and survives a power cut"

    def __init__(self, path: str | Path, patience_s: float = 20.0) -> None:
        """``patience_s`` is how long to queue behind another process's transaction before the store counts as away."""
        self._database = Database(path, _SCHEMA, FORMAT, patience_s)

    @contextmanager
    def writing(self) -> Iterator[None]:
        with self._database.transaction():
            yield

    # readings
    def write_readings(self, blocks: Sequence[Block]) -> list[Written]:
        with self._database.transaction() as connection:
            days = _Days(connection)
            answers = [_write_block(days, _series_id(connection, block.series), block) for block in blocks]
            days.write()
        return answers

    def read_readings(self, series: Series, start_ms: int, end_ms: int) -> Readings:
        with self._database.snapshot() as connection:
            rows = connection.execute(
                f"SELECT data FROM readings WHERE series = {_SERIES_ID} AND day BETWEEN ? AND ? ORDER BY day",
                (*series, start_ms // DAY_MS, (end_ms - 1) // DAY_MS),
            ).fetchall()
        days = [unpack(data, _READING_SHAPES) for (data,) in rows]
        if not days:
            return Readings.empty()
        times, micro = (np.concatenate(parts) for parts in zip(*days, strict=True))
        first, last = np.searchsorted(times, (start_ms, end_ms))
        return Readings.of(times[first:last], micro[first:last])

    def last_reading(self, series: Series) -> tuple[int, int] | None:
        return self.before(series, ALWAYS_MS[1])

    def before(self, series: Series, time_ms: int) -> tuple[int, int] | None:
        for times, micro in self._days(series, "day <= ? ORDER BY day DESC", time_ms):
            row = int(np.searchsorted(times, time_ms)) - 1
            if row >= 0:
                return int(times[row]), int(micro[row])
        return None

    def after(self, series: Series, time_ms: int) -> tuple[int, int] | None:
        for times, micro in self._days(series, "day >= ? ORDER BY day", time_ms):
            row = int(np.searchsorted(times, time_ms))
            if row < len(times):
                return int(times[row]), int(micro[row])
        return None

    def _days(self, series: Series, which: str, time_ms: int) -> Iterator[list[Ints]]:
        """The day of ``time_ms`` and the next one that holds readings."""
        with self._database.snapshot() as connection:
            rows = connection.execute(
                f"SELECT data FROM readings WHERE series = {_SERIES_ID} AND {which} LIMIT 2",
                (*series, time_ms // DAY_MS),
            ).fetchall()
        return (unpack(data, _READING_SHAPES) for (data,) in rows)

    def series(self) -> list[Series]:
        with self._database.snapshot() as connection:
            rows = connection.execute(
                "SELECT point, device, quantity FROM series"
                " WHERE EXISTS (SELECT 1 FROM readings WHERE readings.series = series.id)"
            ).fetchall()
        return sorted(Series(*row) for row in rows)

    def expire(self, series: Series, before_ms: int) -> None:
        day = before_ms // DAY_MS
        with self._database.transaction() as connection:
            connection.execute(f"DELETE FROM readings WHERE series = {_SERIES_ID} AND day < ?", (*series, day))
            where = f"WHERE series = {_SERIES_ID} AND day = ?"
            row = connection.execute(f"SELECT data FROM readings {where}", (*series, day)).fetchone()
            if row is None:
                return
            times, micro = unpack(row[0], _READING_SHAPES)
            first = int(np.searchsorted(times, before_ms))
            if first == len(times):
                connection.execute(f"DELETE FROM readings {where}", (*series, day))
            elif first:
                data = pack([times[first:], micro[first:]], _READING_SHAPES)
                connection.execute(f"UPDATE readings SET data = ? {where}", (data, *series, day))

    # change feed
    def touch(self, spans: Iterable[tuple[str, int, int]]) -> None:
        merged: dict[str, tuple[int, int]] = {}
        for point, start_ms, end_ms in spans:
            start, end = merged.get(point, (start_ms, end_ms))
            merged[point] = (min(start, start_ms), max(end, end_ms))
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT INTO feed (point, start, end) VALUES (?, ?, ?)",
                [(point, *span) for point, span in merged.items()],
            )

    def changes(self, since: int, limit: int = 10_000) -> list[Change]:
        with self._database.snapshot() as connection:
            rows = connection.execute(
                "SELECT seq, point, start, end FROM feed WHERE seq > ? ORDER BY seq LIMIT ?", (since, limit)
            ).fetchall()
        return [Change(*row) for row in rows]

    def forget_changes(self, until: int) -> None:
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM feed WHERE seq <= ?", (until,))

    # intervals
    def write_intervals(self, column: Column, intervals: Intervals) -> None:
        check_starts(intervals)
        if not len(intervals):
            return
        with self._database.transaction() as connection:
            key = _column_id(connection, column)
            span = _BLOCK_S[column.resolution]
            rows = [
                (key, block, _pack_intervals(_merged(connection, key, block, part)))
                for block, part in _by_block(intervals, span)
            ]
            connection.executemany("INSERT OR REPLACE INTO intervals (col, block, data) VALUES (?, ?, ?)", rows)

    def read_intervals(self, columns: Sequence[Column], start: np.datetime64, end: np.datetime64) -> list[Intervals]:
        first, last = seconds(start, end)
        with self._database.snapshot() as connection:
            found = [self._blocks(connection, column, first, last) for column in columns]
        return [_cut(parts, first, last) for parts in found]

    def _blocks(self, connection: sqlite3.Connection, column: Column, first: int, last: int) -> list[bytes]:
        span = _BLOCK_S[column.resolution]
        rows = connection.execute(
            f"SELECT data FROM intervals WHERE col = {_COLUMN_ID} AND block BETWEEN ? AND ? ORDER BY block",
            (*column, first // span, (last - 1) // span),
        )
        return [data for (data,) in rows]

    def columns(self) -> list[Column]:
        with self._database.snapshot() as connection:
            rows = connection.execute("SELECT point, quantity, resolution FROM columns").fetchall()
        return sorted(Column(point, quantity, Resolution(resolution)) for point, quantity, resolution in rows)

    # entries
    def put(self, *entries: Entry) -> None:
        rows = [(type(e).__name__, e.id, e.building, msgspec.json.encode(e)) for e in entries]
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO entries (kind, id, building, json) VALUES (?, ?, ?, ?)", rows
            )

    def entries(self, kind: type[E], building: str | None = None) -> list[E]:
        where, values = ("", ()) if building is None else (" AND building = ?", (building,))
        with self._database.snapshot() as connection:
            rows = connection.execute(
                f"SELECT json FROM entries WHERE kind = ?{where} ORDER BY id", (kind.__name__, *values)
            ).fetchall()
        decoder = msgspec.json.Decoder(kind)
        return [decoder.decode(json) for (json,) in rows]

    def drop(self, kind: type[Entry], ids: Iterable[str]) -> None:
        with self._database.transaction() as connection:
            connection.executemany(
                "DELETE FROM entries WHERE kind = ? AND id = ?", [(kind.__name__, one) for one in ids]
            )

    # job cursors
    def cursor(self, job: str) -> int:
        with self._database.snapshot() as connection:
            row = connection.execute("SELECT seq FROM cursors WHERE job = ?", (job,)).fetchone()
        return int(row[0]) if row else 0

    def set_cursor(self, job: str, seq: int) -> None:
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO cursors (job, seq) VALUES (?, ?)", (job, seq))

    def close(self) -> None:
        self._database.close()


_SERIES_ID = "(SELECT id FROM series WHERE point = ? AND device = ? AND quantity = ?)"
_COLUMN_ID = "(SELECT id FROM columns WHERE point = ? AND quantity = ? AND resolution = ?)"


def _series_id(connection: sqlite3.Connection, series: Series) -> int:
    """Looked up each time: a remembered id may have been undone with the transaction that made it."""
    (known,) = connection.execute(f"SELECT {_SERIES_ID}", series).fetchone()
    if known is None:
        statement = "INSERT INTO series (point, device, quantity) VALUES (?, ?, ?) RETURNING id"
        (known,) = connection.execute(statement, series).fetchone()
    return int(known)


def _column_id(connection: sqlite3.Connection, column: Column) -> int:
    (known,) = connection.execute(f"SELECT {_COLUMN_ID}", column).fetchone()
    if known is None:
        statement = "INSERT INTO columns (point, quantity, resolution) VALUES (?, ?, ?) RETURNING id"
        (known,) = connection.execute(statement, column).fetchone()
    return int(known)


class _Days:
    """The days that one call touches: read when first asked for, written all at once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._days: dict[tuple[int, int], list[Ints]] = {}
        self._changed: set[tuple[int, int]] = set()

    def merge(self, key: tuple[int, int], times: Ints, values: Ints) -> tuple[int, int, NDArray[np.intp]]:
        """(new, again, rows in conflict)."""
        kept = self._days.get(key) or self._read(key)
        if follows(kept[0], times):
            self._days[key] = [np.concatenate((kept[0], times)), np.concatenate((kept[1], values))]
            self._changed.add(key)
            return len(times), 0, np.empty(0, np.intp)
        verdict = judge(kept[0], kept[1], times, values)
        new, again = int(verdict.new.sum()), int(verdict.again.sum())
        if new:
            kept = list(insert(kept[0], kept[1], times[verdict.new], values[verdict.new]))
            self._changed.add(key)
        self._days[key] = kept
        return new, again, np.flatnonzero(verdict.conflict)

    def _read(self, key: tuple[int, int]) -> list[Ints]:
        row = self._connection.execute("SELECT data FROM readings WHERE series = ? AND day = ?", key).fetchone()
        return unpack(row[0], _READING_SHAPES) if row else [np.empty(0, np.int64), np.empty(0, np.int64)]

    def write(self) -> None:
        self._connection.executemany(
            "INSERT OR REPLACE INTO readings (series, day, data) VALUES (?, ?, ?)",
            [(*key, pack(self._days[key], _READING_SHAPES)) for key in sorted(self._changed)],
        )


def _write_block(days: _Days, series: int, block: Block) -> Written:
    times = block.readings.times.astype("datetime64[ms]").astype(np.int64)
    micro = block.readings.micro
    stored, again, conflicts = 0, 0, []
    for day, rows in _by(times // DAY_MS):
        new, same, other = days.merge((series, day), times[rows], micro[rows])
        stored, again = stored + new, again + same
        conflicts.append(rows[other])
    return Written(stored, again, np.sort(np.concatenate(conflicts)) if conflicts else np.empty(0, np.intp))


def _by(keys: Ints) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Each key with the rows that have it, in their order."""
    if not len(keys):
        return
    if (keys == keys[0]).all():
        yield int(keys[0]), np.arange(len(keys))
        return
    order = np.argsort(keys, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(keys[order])) + 1):
        yield int(keys[rows[0]]), rows


def _by_block(intervals: Intervals, span: int) -> Iterator[tuple[int, Intervals]]:
    """Each block's number and rows; starts ascend."""
    blocks = intervals.start.astype("datetime64[s]").astype(np.int64) // span
    cuts = [0, *(np.flatnonzero(blocks[1:] != blocks[:-1]) + 1).tolist(), len(blocks)]
    return ((int(blocks[first]), intervals.take(slice(first, stop))) for first, stop in pairwise(cuts))


def _merged(connection: sqlite3.Connection, key: int, block: int, arriving: Intervals) -> Intervals:
    row = connection.execute("SELECT data FROM intervals WHERE col = ? AND block = ?", (key, block)).fetchone()
    return replace(_unpack_intervals(row[0]), arriving) if row else arriving


def _pack_intervals(intervals: Intervals) -> bytes:
    fields = (intervals.micro, intervals.known, intervals.method, intervals.flags, intervals.revision)
    start = intervals.start.astype("datetime64[s]").astype(np.int64)
    return pack([start, *fields], _INTERVAL_SHAPES)


def _unpack_intervals(data: bytes) -> Intervals:
    return _columns_of(unpack(data, _INTERVAL_SHAPES))


def _columns_of(columns: list[Ints]) -> Intervals:
    start, micro, known, method, flags, revision = columns
    return Intervals(
        start.view("datetime64[s]"),
        micro,
        known.astype(np.uint8),
        method.astype(np.uint8),
        flags.astype(np.uint16),
        revision.astype(np.uint32),
    )


def _cut(blocks: list[bytes], first: int, last: int) -> Intervals:
    """The blocks as one column, without what lies outside of [first, last) in seconds."""
    if not blocks:
        return Intervals.empty()
    unpacked = [unpack(block, _INTERVAL_SHAPES) for block in blocks]
    columns = [np.concatenate(parts) for parts in zip(*unpacked, strict=True)]
    low, high = np.searchsorted(columns[0], (first, last))
    return _columns_of([column[low:high] for column in columns])
