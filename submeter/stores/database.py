"""One SQLite file that several processes have open: one connection that writes, a pool of those that read.

WAL lets readers in while somebody writes; BEGIN IMMEDIATE queues the writers; ``synchronous=FULL`` makes a commit
survive a power cut. SQLite's errors become ours here and nowhere else.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from submeter.words import ConfigError, StoreAway

APPLICATION_ID = 0x53554D45
"""'SUME' in SQLite's header: a file with another one is not ours"""


class Database:
    """``schema`` is run once, when the file is new; ``version`` is kept in the file, and a newer one is refused.

    Raises :class:`StoreAway` when the file cannot be opened, :class:`ConfigError` when it is not ours.
    """

    def __init__(self, path: str | Path, schema: str, version: int, patience_s: float) -> None:
        self.path = Path(path)
        self._patience_s = patience_s
        self._lock = threading.RLock()
        self._depth = 0
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        with self._translated():
            self._writer = self._connect()
            try:
                self._prepare(schema, version)
            except BaseException:
                self._writer.close()
                raise

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Durable when the outermost one is left, undone when that is left by an error."""
        with self._lock, self._translated():
            if self._depth == 0:
                self._writer.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield self._writer
                if self._depth == 1:
                    self._writer.execute("COMMIT")
            except BaseException:
                if self._depth == 1 and self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the file throughout; inside this thread's transaction, that one's."""
        if self._depth and self._lock.acquire(blocking=False):
            try:
                if self._depth:
                    with self._translated():
                        yield self._writer
                    return
            finally:
                self._lock.release()
        with self._translated():
            connection = self._borrow()
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                with suppress(sqlite3.Error):
                    connection.execute("COMMIT")
                self._give_back(connection)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().close()
            self._writer.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=self._patience_s, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-16000")
        return connection

    def _borrow(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreAway(f"{self.path}: this store was closed")
        try:
            return self._idle.pop()
        except IndexError:
            connection = self._connect()
            connection.execute("PRAGMA query_only=ON")
            return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if self._closed:
            connection.close()
        else:
            self._idle.append(connection)

    def _prepare(self, schema: str, version: int) -> None:
        """Make a new file ours, check an old one."""
        if self._is_empty():
            self._switch_to_wal()
            with self.transaction() as connection:
                if self._is_empty():  # nobody was faster
                    for statement in schema.split(";"):
                        connection.execute(statement)
                    connection.execute("INSERT INTO meta (key, value) VALUES ('version', ?)", (version,))
                    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        if self._pragma("application_id") != APPLICATION_ID:
            raise ConfigError(f"{self.path}: is another program's database; name another file for the store")
        (found,) = self._writer.execute("SELECT value FROM meta WHERE key='version'").fetchone()
        if found > version:
            raise ConfigError(
                f"{self.path}: has format version {found}, this program knows up to {version}: install a newer submeter"
            )

    def _is_empty(self) -> bool:
        return not self._writer.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()

    def _pragma(self, name: str) -> object:
        return self._writer.execute(f"PRAGMA {name}").fetchone()[0]

    def _switch_to_wal(self) -> None:
        """The switch does not queue behind others as statements do, so we try until they have done it or let us."""
        until = time.monotonic() + self._patience_s
        while True:
            try:
                self._writer.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as fault:
            raise StoreAway(f"{self.path}: {fault}; {_remedy(str(fault))}") from fault
        except sqlite3.ProgrammingError as fault:
            if not self._closed:
                raise
            raise StoreAway(f"{self.path}: this store was closed") from fault
        except sqlite3.DatabaseError as fault:
            if "not a database" in str(fault):
                raise ConfigError(f"{self.path}: is no submeter store; name another file") from fault
            if isinstance(fault, sqlite3.IntegrityError | sqlite3.InternalError):
                raise
            raise StoreAway(f"{self.path}: {fault}; check the disk and restore a copy of the file") from fault


_REMEDIES = {
    "locked": "another process has been writing for long; find and stop it",
    "full": "make room on its disk",
    "unable to open": "check that the folder exists and that this user may write in it",
    "readonly": "let this user write the file and its folder",
    "no such table": "the file is damaged; restore a copy of it",
    "disk i/o": "check the disk",
}


def _remedy(message: str) -> str:
    return next((remedy for part, remedy in _REMEDIES.items() if part in message.lower()), "check the file")
