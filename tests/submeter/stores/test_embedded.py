"""The embedded store's own promises: several processes at once, a killed writer, a file that is not ours."""

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from submeter.stores import ALWAYS_MS, Column
from submeter.stores.embedded import EmbeddedStore
from submeter.stores.memory import MemoryStore
from submeter.words import Block, ConfigError, Intervals, Readings, Resolution, Series, StoreAway, Written

ROOT = Path(__file__).resolve().parents[3]
MAIN = Series("b/main", "SN1", "energy_import")
PACK = 96

WRITER = f"""
import sys
import numpy as np
from submeter.stores.embedded import EmbeddedStore
from submeter.words import Block, Readings, Series
store = EmbeddedStore(sys.argv[1])
for n in range(int(sys.argv[2])):
    times = np.arange(n * {PACK}, (n + 1) * {PACK}) * 900_000
    store.write_readings([Block(Series("b/main", "SN1", "energy_import"), Readings.of(times, times))])
    print(n, flush=True)
"""
SETTLER = """
import sys
import numpy as np
from submeter.stores import Column
from submeter.stores.embedded import EmbeddedStore
from submeter.words import Intervals, Resolution
store = EmbeddedStore(sys.argv[1])
for n in range(int(sys.argv[2])):
    start = (np.arange(n * 24, (n + 1) * 24) * 3600).view("datetime64[s]")
    with store.writing():
        store.write_intervals(Column("b/main", "energy_import", Resolution.HOUR), Intervals.of(start, np.arange(24)))
        store.set_cursor("ledger", n + 1)
    print(n, flush=True)
"""


def start(script: str, path: Path, times: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, str(path), str(times)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.service
def test_one_process_writes_readings_another_intervals_and_a_third_reads_both_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    writer, settler = start(WRITER, path, 150), start(SETTLER, path, 150)
    store = EmbeddedStore(path)
    seen_readings, seen_rows = [0], [0]
    while writer.poll() is None or settler.poll() is None:
        found = store.read_readings(MAIN, *ALWAYS_MS)
        assert np.array_equal(found.micro, np.arange(len(found)) * 900_000)
        seen_readings.append(len(found))
        (rows,) = store.read_intervals(
            [Column("b/main", "energy_import", Resolution.HOUR)], np.datetime64(0, "s"), np.datetime64(10**9, "s")
        )
        assert store.cursor("ledger") * 24 >= len(rows)
        seen_rows.append(len(rows))
    writer.communicate()
    settler.communicate()

    assert (writer.returncode, settler.returncode) == (0, 0)
    assert seen_readings == sorted(seen_readings)
    assert all(count % PACK == 0 for count in seen_readings)
    assert all(count % 24 == 0 for count in seen_rows)
    assert len(set(seen_readings)) > 3
    assert len(store.read_readings(MAIN, *ALWAYS_MS)) == 150 * PACK
    assert store.cursor("ledger") == 150
    store.close()


@pytest.mark.service
def test_a_killed_writer_leaves_all_that_it_had_confirmed_and_nothing_by_halves(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    writer = start(WRITER, path, 100_000)
    assert writer.stdout is not None
    for _ in range(20):
        confirmed = int(writer.stdout.readline())
    os.kill(writer.pid, signal.SIGKILL)
    rest, _ = writer.communicate()
    confirmed = max([confirmed, *(int(n) for n in rest.split() if n.isdigit())])

    store = EmbeddedStore(path)
    found = store.read_readings(MAIN, *ALWAYS_MS)
    store.close()

    assert len(found) >= (confirmed + 1) * PACK
    assert len(found) % PACK == 0
    assert np.array_equal(found.micro, np.arange(len(found)) * 900_000)


@pytest.mark.service
def test_many_processes_may_create_the_file_at_once(tmp_path: Path) -> None:
    makers = [start(SETTLER, tmp_path / "store.db", 1) for _ in range(4)]
    for maker in makers:
        maker.communicate()

    assert [maker.returncode for maker in makers] == [0, 0, 0, 0]


FULL = """
import resource, signal, sys
import numpy as np
from submeter.stores.embedded import EmbeddedStore
from submeter.words import Block, Readings, Series, StoreAway
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = EmbeddedStore(sys.argv[1])
noise = np.random.default_rng(1).integers(0, 2**60, 200_000)
block = Block(Series("b/main", "SN1", "energy_import"), Readings.of(np.arange(200_000), noise))
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
try:
    store.write_readings([block])
except StoreAway as fault:
    print(fault)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(store.write_readings([block])[0].stored)
"""


@pytest.mark.service
def test_a_file_that_cannot_grow_is_away_until_it_can(tmp_path: Path) -> None:
    told, _ = start(FULL, tmp_path / "store.db", 0).communicate()

    fault, stored = told.splitlines()
    assert "disk" in fault
    assert stored == "200000"


def test_a_writer_that_waits_too_long_for_another_says_so(tmp_path: Path) -> None:
    holder, waiter = EmbeddedStore(tmp_path / "s.db"), EmbeddedStore(tmp_path / "s.db", patience_s=0.01)

    with holder.writing(), pytest.raises(StoreAway, match="another process has been writing for long"):
        waiter.set_cursor("ledger", 1)

    waiter.set_cursor("ledger", 2)
    assert holder.cursor("ledger") == 2


def test_a_folder_that_is_not_there_is_a_store_that_is_away(tmp_path: Path) -> None:
    with pytest.raises(StoreAway, match="check that the folder exists"):
        EmbeddedStore(tmp_path / "none" / "store.db")


def test_a_closed_store_is_away(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "store.db")
    store.close()

    with pytest.raises(StoreAway, match="closed"):
        store.cursor("ledger")
    with pytest.raises(StoreAway, match="closed"):
        store.set_cursor("ledger", 1)


def test_a_newer_format_is_refused_with_a_remedy(tmp_path: Path) -> None:
    EmbeddedStore(tmp_path / "store.db").close()
    with sqlite3.connect(tmp_path / "store.db") as other:
        other.execute("UPDATE meta SET value = 2 WHERE key = 'version'")
    other.close()

    with pytest.raises(ConfigError, match="has format version 2, this program knows up to 1: install a newer submeter"):
        EmbeddedStore(tmp_path / "store.db")


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE accounts (name)")
    other.close()
    before = (tmp_path / "other.db").read_bytes()

    with pytest.raises(ConfigError, match="another program's database"):
        EmbeddedStore(tmp_path / "other.db")
    assert (tmp_path / "other.db").read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("kWh and more " * 1000)

    with pytest.raises(ConfigError, match="no submeter store"):
        EmbeddedStore(tmp_path / "notes.txt")


def test_threads_read_while_one_writes(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "store.db")
    done, faults = threading.Event(), []

    def look() -> None:
        while not done.is_set():
            found = store.read_readings(MAIN, *ALWAYS_MS)
            if len(found) % PACK or not np.array_equal(found.micro, np.arange(len(found))):
                faults.append(len(found))

    viewers = [threading.Thread(target=look) for _ in range(4)]
    for viewer in viewers:
        viewer.start()
    for n in range(30):
        with store.writing():
            rows = np.arange(n * PACK, (n + 1) * PACK)
            store.write_readings([Block(MAIN, Readings.of(rows[:50] * 900_000, rows[:50]))])
            store.write_readings([Block(MAIN, Readings.of(rows[50:] * 900_000, rows[50:]))])
    done.set()
    for viewer in viewers:
        viewer.join()

    assert faults == []
    store.close()


# ── the obvious twin ──────────────────────────────────────────────────────────────────────────────────────────────────

HOUR_MS = 3_600_000
times = st.one_of(
    st.integers(-5, 60).map(lambda n: n * HOUR_MS),
    st.integers(-(2**45), 2**45),
)
values = st.one_of(st.integers(0, 20).map(lambda n: n * 10_000), st.integers(-(2**63), 2**63 - 1))
series = st.sampled_from([MAIN, MAIN._replace(device="SN2"), Series("b/water", "W", "volume")])
blocks = st.builds(
    lambda s, rows: Block(s, Readings.of([t for t, _ in rows], [v for _, v in rows])),
    series,
    st.lists(st.tuples(times, values), max_size=12),
)
columns = st.builds(Column, st.just("b/main"), st.sampled_from(["energy_import", "cost"]), st.sampled_from(Resolution))
interval_rows = st.dictionaries(
    st.integers(-20, 3000).map(lambda n: n * 900),
    st.tuples(
        st.integers(-(2**62), 2**62),
        st.integers(0, 2),
        st.integers(0, 32),
        st.integers(0, 31),
        st.integers(0, 2**32 - 1),
    ),
    max_size=12,
)


def intervals_of(rows: dict[int, tuple[int, int, int, int, int]]) -> Intervals:
    if not rows:
        return Intervals.empty()
    starts = sorted(rows)
    fields = zip(*(rows[start] for start in starts), strict=True)
    return Intervals.of(np.array(starts).view("datetime64[s]"), *(np.array(field) for field in fields))


def plain(answers: list[Written]) -> list[tuple[int, int, list[int]]]:
    return [(a.stored, a.again, a.conflicts.tolist()) for a in answers]


def table(one: Intervals) -> list[list[int]]:
    fields = (one.start.astype(np.int64), one.micro, one.known, one.method, one.flags, one.revision)
    return [field.tolist() for field in fields]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    calls=st.lists(st.lists(blocks, max_size=4), max_size=5),
    settled=st.lists(st.tuples(columns, interval_rows), max_size=6),
    span=st.tuples(times, times),
)
def test_it_agrees_with_its_obvious_twin(
    calls: list[list[Block]],
    settled: list[tuple[Column, dict[int, tuple[int, int, int, int, int]]]],
    span: tuple[int, int],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        embedded, memory = EmbeddedStore(Path(folder) / "s.db"), MemoryStore()
        for call in calls:
            assert plain(embedded.write_readings(call)) == plain(memory.write_readings(call))
        for column, rows in settled:
            embedded.write_intervals(column, intervals_of(rows))
            memory.write_intervals(column, intervals_of(rows))

        start, end = min(span), max(span)
        assert embedded.series() == memory.series()
        for one in memory.series():
            ours, twins = embedded.read_readings(one, start, end), memory.read_readings(one, start, end)
            assert (ours.times.tolist(), ours.micro.tolist()) == (twins.times.tolist(), twins.micro.tolist())
            assert embedded.before(one, start) == memory.before(one, start)
            assert embedded.after(one, start) == memory.after(one, start)
            assert embedded.last_reading(one) == memory.last_reading(one)
        assert embedded.columns() == memory.columns()
        bounds = np.datetime64(-9000, "s"), np.datetime64(2_000_000, "s")
        for ours_i, twins_i in zip(
            embedded.read_intervals(memory.columns(), *bounds),
            memory.read_intervals(memory.columns(), *bounds),
            strict=True,
        ):
            assert table(ours_i) == table(twins_i)
        embedded.close()
