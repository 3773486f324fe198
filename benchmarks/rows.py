"""The peer of the embedded store: plain SQLite tables, a row for each reading and each interval, equally durable."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from submeter.stores import Column
from submeter.words import Block, Intervals, Series

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE readings (series INTEGER, time INTEGER, micro INTEGER, PRIMARY KEY (series, time)) WITHOUT ROWID;
CREATE TABLE intervals (col INTEGER, start INTEGER, micro INTEGER, known INTEGER, method INTEGER, flags INTEGER,
    revision INTEGER, PRIMARY KEY (col, start)) WITHOUT ROWID;
"""


class RowTables:
    """One file; the same reading twice keeps the first, an interval is replaced."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path)
        self._db.executescript(_SCHEMA)

    def write_readings(self, blocks: Sequence[Block]) -> None:
        with self._db:
            for block in blocks:
                key = self._id("\x1f".join(block.series))
                times, micro = block.readings.times.astype(np.int64).tolist(), block.readings.micro.tolist()
                rows = zip([key] * len(times), times, micro, strict=True)
                self._db.executemany("INSERT OR IGNORE INTO readings VALUES (?, ?, ?)", rows)

    def read_readings(self, series: Series) -> NDArray[np.int64]:
        """Rows of (time in ms, micro)."""
        key = self._id("\x1f".join(series))
        rows = self._db.execute("SELECT time, micro FROM readings WHERE series = ? ORDER BY time", (key,)).fetchall()
        return np.array(rows, np.int64)

    def write_intervals(self, column: Column, rows: Intervals) -> None:
        with self._db:
            key = self._id("\x1f".join(column))
            fields = (rows.start.astype(np.int64), rows.micro, rows.known, rows.method, rows.flags, rows.revision)
            self._db.executemany(
                f"INSERT OR REPLACE INTO intervals VALUES ({key}, ?, ?, ?, ?, ?, ?)",
                zip(*(field.tolist() for field in fields), strict=True),
            )

    def read_intervals(self, column: Column) -> NDArray[np.int64]:
        """Rows of (start in s, micro, known, method, flags, revision)."""
        key = self._id("\x1f".join(column))
        statement = "SELECT start, micro, known, method, flags, revision FROM intervals WHERE col = ? ORDER BY start"
        return np.array(self._db.execute(statement, (key,)).fetchall(), np.int64)

    def _id(self, name: str) -> int:
        found = self._db.execute("SELECT id FROM series WHERE name = ?", (name,)).fetchone()
        if found is None:
            found = self._db.execute("INSERT INTO series (name) VALUES (?) RETURNING id", (name,)).fetchone()
        return int(found[0])

    def close(self) -> None:
        self._db.close()
