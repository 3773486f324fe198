"""The outbox: the only durable queue between meter and store, one SQLite file (WAL, ``synchronous=FULL``).

A pack leaves it when a receipt names all three: the random id of this file, the AUTOINCREMENT number of the row, the
CRC-32 of the payload. It also issues identities: the last time of each series is kept in the same file and moves in the
same transaction as the pack, so times rise strictly per series for ever; a reading whose time does not is dropped and
counted. How often a row was sent is *not* kept: after a restart all that has no receipt is sent again anyway, and a
commit for each sending would cost more than the sending.

When the packs outgrow ``limit_bytes``, the oldest are merged and thinned, a level at a time, until they fit again
(:mod:`collector.gateway.thin` says which readings stay):

1. of gauges, one reading an hour stays (weather cannot be read again);
2. registers are thinned to quarter-hour boundaries;
3. registers are thinned to hours, and gauges go.

At no level is a unit of energy lost: a register's differences telescope over what was thinned. If all is at level 3 and
it still does not fit, new gauges are refused, and registers are let in and thinned: for them alone the bound is soft.
All that was thinned, refused or dropped is counted in :attr:`Outbox.counts`.
"""

import fcntl
import secrets
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, NamedTuple

import msgspec
import numpy as np

from collector.gateway.thin import LEVELS, is_register, thin
from submeter.wire import senml
from submeter.wire.receipt import Correlation
from submeter.words import Block, ConfigError, Readings, Series, StoreAway

VERSION: Final = 1
PACK_BYTES: Final = 300_000
"""a pack is cut when it is larger"""
ROW_BYTES: Final = 120
"""what a row costs beside its payload"""
_SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS series (
    point TEXT, device TEXT, quantity TEXT, last_ms INTEGER NOT NULL, PRIMARY KEY (point, device, quantity)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cursors (source TEXT PRIMARY KEY, filled_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS packs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    building TEXT NOT NULL, crc INTEGER NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
    records INTEGER NOT NULL, bytes INTEGER NOT NULL, level INTEGER NOT NULL DEFAULT 0,
    boot TEXT NOT NULL, clock TEXT NOT NULL, payload BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS packs_by_time ON packs (last_ms);
PRAGMA user_version = {VERSION};
"""


class Batch(NamedTuple):
    """Readings of one building that belong together: one poll, or many polls of a back-fill."""

    building: str
    blocks: Sequence[Block]
    boot: str = ""
    clock: str = "synced"


class Waiting(NamedTuple):
    """A row without its payload."""

    row: int
    building: str
    crc: int
    last_ms: int
    records: int
    bytes: int


class Counts(msgspec.Struct):
    """Readings that did not go their way untouched, since the program started."""

    not_rising: int = 0
    """dropped: the source handed a time that was not after the last one of its series"""
    thinned: int = 0
    refused: int = 0
    """gauges that came when nothing was left to thin"""


@dataclass(frozen=True, slots=True)
class _Pack:
    building: str
    payload: bytes
    first_ms: int
    last_ms: int
    records: int
    level: int
    boot: str
    clock: str

    def values(self) -> tuple[object, ...]:
        return (
            self.building, zlib.crc32(self.payload), self.first_ms, self.last_ms, self.records, len(self.payload),
            self.level, self.boot, self.clock, self.payload,
        )  # fmt: skip


_COLUMNS: Final = "building, crc, first_ms, last_ms, records, bytes, level, boot, clock, payload"
_WAITING: Final = "SELECT id, building, crc, last_ms, records, bytes FROM packs"


class Outbox:
    """One per gateway; a second one on the same file is refused, for two would issue an identity twice.

    Raises :class:`ConfigError` for a file that is not an outbox of this version, or is in use. What a full or broken
    disk refuses is a :class:`StoreAway`, at the opening too, and then nothing of that call was kept.
    """

    def __init__(self, path: Path | str, *, limit_bytes: int = 512_000_000) -> None:
        self.path = Path(path)
        self.limit_bytes = limit_bytes
        self.counts = Counts()
        self.full = False
        """all is thinned and it still does not fit: gauges are refused"""
        self._trigger = limit_bytes
        self._lock = _lock(self.path)
        try:
            self._db = _open(self.path)
            self.id = self._identity()
        except sqlite3.OperationalError as fault:  # it may be whole, so nobody is told to move it away
            self._lock.close()
            raise StoreAway(_refused(self.path, fault)) from None
        except sqlite3.DatabaseError as fault:
            self._lock.close()
            raise ConfigError(f"outbox {self.path}: {fault}; move the file away to begin a new one") from None
        except ConfigError:
            self._lock.close()
            raise
        rows = self._db.execute("SELECT point, device, quantity, last_ms FROM series").fetchall()
        self._last: dict[Series, int] = {Series(p, d, q): last for p, d, q, last in rows}
        self._cursors: dict[str, int] = dict(self._db.execute("SELECT source, filled_ms FROM cursors").fetchall())
        self.waiting, self.bytes = self._measure()

    def close(self) -> None:
        self._db.close()
        self._lock.close()

    # what is issued

    @property
    def newest_ms(self) -> int:
        """The latest time ever issued, 0 = none yet."""
        return max(self._last.values(), default=0)

    def last_ms(self, series: Series) -> int | None:
        return self._last.get(series)

    def cursor(self, source: str) -> int | None:
        """Up to where (exclusive) a source's past has been taken, None = never."""
        return self._cursors.get(source)

    def append(self, batches: Iterable[Batch], cursors: Mapping[str, int] | None = None) -> int:
        """Issue the batches' readings and keep them, all in one transaction; returns how many packs it made.

        ``cursors`` says for sources up to where their past has now been taken.
        """
        last: dict[Series, int] = {}
        dropped = refused = 0
        packs: list[_Pack] = []
        for batch in batches:
            welcome = [b for b in batch.blocks if not self.full or is_register(b.series)]
            blocks = [self._rising(block, last) for block in welcome]
            refused += _count(batch.blocks) - _count(welcome)
            dropped += _count(welcome) - _count(blocks)
            packs.extend(_packs(batch._replace(blocks=[b for b in blocks if len(b.readings)]), 0))
        moved = cursors or {}
        with self._transaction():
            self._insert(packs)
            self._db.executemany(
                "INSERT INTO series VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET last_ms = excluded.last_ms",
                [(*series, ms) for series, ms in last.items()],
            )
            self._db.executemany(
                "INSERT INTO cursors VALUES (?, ?) ON CONFLICT DO UPDATE SET filled_ms = excluded.filled_ms",
                list(moved.items()),
            )
        self._last.update(last)
        self._cursors.update(moved)
        self.counts.not_rising += dropped
        self.counts.refused += refused
        self.waiting += len(packs)
        self.bytes += sum(len(p.payload) + ROW_BYTES for p in packs)
        if self.bytes > self._trigger:
            with suppress(StoreAway):  # what was appended is kept; there will be another time to thin
                self._make_room()
        return len(packs)

    def _rising(self, block: Block, issued: dict[Series, int]) -> Block:
        """The readings of a block that come after all before them; moves ``issued``. A copy only if any does not."""
        times = block.readings.times.view(np.int64)
        if not len(times):
            return block
        before = issued.get(block.series, self._last.get(block.series, np.iinfo(np.int64).min))
        highest = np.maximum.accumulate(np.concatenate(([before], times)))
        issued[block.series] = int(highest[-1])
        keep = times > highest[:-1]
        if keep.all():
            return block
        return Block(block.series, Readings(block.readings.times[keep], block.readings.micro[keep]))

    # what is sent

    def oldest(self, limit: int) -> list[Waiting]:
        """The rows that wait longest, without their payloads."""
        return [Waiting(*row) for row in self._db.execute(f"{_WAITING} ORDER BY id LIMIT ?", (limit,))]

    def fresh(self, since_ms: int, limit: int) -> list[Waiting]:
        """Rows whose last reading is at or after ``since_ms``, newest first."""
        sql = f"{_WAITING} WHERE last_ms >= ? ORDER BY last_ms DESC, id DESC LIMIT ?"
        return [Waiting(*row) for row in self._db.execute(sql, (since_ms, limit))]

    def oldest_ms(self) -> int:
        """Time of the first reading of the row that waits longest, 0 = nothing waits."""
        row = self._db.execute("SELECT first_ms FROM packs ORDER BY id LIMIT 1").fetchone()
        return int(row[0]) if row else 0

    def payload(self, row: int) -> bytes | None:
        """The payload of a row, None when it has left."""
        found = self._db.execute("SELECT payload FROM packs WHERE id = ?", (row,)).fetchone()
        return bytes(found[0]) if found else None

    def find(self, named: Correlation) -> Waiting | None:
        """The row that a receipt names in all three, None when it is not ours or has left."""
        if named.outbox != self.id:
            return None
        row = self._db.execute(f"{_WAITING} WHERE id = ? AND crc = ?", (named.row, named.crc)).fetchone()
        return Waiting(*row) if row else None

    def settle(self, gone: Sequence[Waiting]) -> None:
        """Let rows go, in one transaction. Only a receipt that :meth:`find` found a row for is a reason."""
        with self._transaction():
            self._db.executemany("DELETE FROM packs WHERE id = ? AND crc = ?", [(w.row, w.crc) for w in gone])
        self.waiting -= len(gone)
        self.bytes -= sum(w.bytes + ROW_BYTES for w in gone)
        if self.full and self.bytes < self.limit_bytes * 0.8:
            self.full, self._trigger = False, self.limit_bytes

    # what is thinned

    def _make_room(self) -> None:
        """Thin the oldest rows, level by level, until a tenth of the bound is free; else refuse gauges from now on.

        Thinning gains nothing from a single poll, so the next round waits until a tenth more has gathered.
        """
        for level in LEVELS:
            while self.bytes > self.limit_bytes * 0.9 and self._thin_oldest(level):
                pass
        self.full = self.bytes > self.limit_bytes * 0.9
        self._trigger = max(self.limit_bytes, self.bytes * 11 // 10)

    def _thin_oldest(self, level: int) -> bool:
        """Merge and thin the oldest rows of one building that are not yet at ``level``; False when there are none."""
        sql = "SELECT building, boot, clock, id, bytes FROM packs WHERE level < ? ORDER BY id LIMIT 500"
        rows = self._db.execute(sql, (level,)).fetchall()
        if not rows:
            return False
        building, boot, clock = rows[0][:3]
        alike = [row[3:] for row in rows if row[:3] == rows[0][:3]]
        sizes = np.cumsum([size for _, size in alike])
        taken = alike[: max(1, int(np.searchsorted(sizes, PACK_BYTES, "right")))]
        numbers = [row for row, _ in taken]
        blocks, lost = thin(building, [self.payload(row) or b"[]" for row in numbers], level)
        packs = _packs(Batch(building, blocks, boot, clock), level)
        with self._transaction():
            self._db.executemany("DELETE FROM packs WHERE id = ?", [(row,) for row in numbers])
            self._insert(packs, numbers)
        self.counts.thinned += lost
        self.waiting += len(packs) - len(taken)
        self.bytes += sum(len(p.payload) + ROW_BYTES for p in packs) - sum(size + ROW_BYTES for _, size in taken)
        return True

    # the file

    def _insert(self, packs: Sequence[_Pack], rows: Sequence[int] = ()) -> None:
        """New rows; ``rows`` are numbers to use again, so that what is old stays in front (its CRC is another)."""
        numbers: list[int | None] = [*rows[: len(packs)], *[None] * (len(packs) - len(rows))]
        self._db.executemany(
            f"INSERT INTO packs (id, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(number, *pack.values()) for number, pack in zip(numbers, packs, strict=True)],
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as fault:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise StoreAway(_refused(self.path, fault)) from None

    def _identity(self) -> str:
        row = self._db.execute("SELECT value FROM facts WHERE name = 'id'").fetchone()
        if row:
            return str(row[0])
        fresh = secrets.token_hex(6)
        self._db.execute("INSERT INTO facts VALUES ('id', ?)", (fresh,))
        return fresh

    def _measure(self) -> tuple[int, int]:
        count, size = self._db.execute("SELECT COUNT(*), COALESCE(SUM(bytes), 0) FROM packs").fetchone()
        return int(count), int(size) + ROW_BYTES * int(count)


def _refused(path: Path, fault: sqlite3.Error) -> str:
    return f"outbox {path}: {fault}; is the disk full or read-only? What waits in it is safe"


def _lock(path: Path) -> IO[bytes]:
    """A lock that dies with the process."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.with_name(path.name + ".lock").open("wb")
    except OSError as fault:
        raise ConfigError(f"outbox {path}: {fault.strerror}; name a place that can be written") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise ConfigError(
            f"outbox {path} is in use by another gateway; stop it, or give this one a file of its own"
        ) from None
    return file


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version not in (0, VERSION):
        db.close()
        raise ConfigError(
            f"outbox {path} has format {version}, this program writes {VERSION}; empty it with its own version"
        )
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.executescript(_SCHEMA)
    return db


def _count(blocks: Iterable[Block]) -> int:
    return sum(len(block.readings) for block in blocks)


def _packs(batch: Batch, level: int) -> list[_Pack]:
    """The batch as one pack, or as several, cut at instants, where one would be larger than :data:`PACK_BYTES`."""
    if not batch.blocks:
        return []
    payload = senml.encode(batch.blocks, boot=batch.boot, clock=batch.clock)
    first = min(_ms(b.readings.times[0]) for b in batch.blocks)
    last = max(_ms(b.readings.times[-1]) for b in batch.blocks)
    if len(payload) <= PACK_BYTES or first == last:
        return [_Pack(batch.building, payload, first, last, _count(batch.blocks), level, batch.boot, batch.clock)]
    middle = np.datetime64((first + last + 1) // 2, "ms")
    halves = ([_cut(b, None, middle) for b in batch.blocks], [_cut(b, middle, None) for b in batch.blocks])
    return [p for half in halves for p in _packs(batch._replace(blocks=[b for b in half if len(b.readings)]), level)]


def _cut(block: Block, begin: np.datetime64 | None, end: np.datetime64 | None) -> Block:
    times = block.readings.times
    i = 0 if begin is None else int(np.searchsorted(times, begin))
    j = len(times) if end is None else int(np.searchsorted(times, end))
    return Block(block.series, Readings(times[i:j], block.readings.micro[i:j]))


def _ms(time: np.datetime64) -> int:
    return int(time.astype(np.int64))
