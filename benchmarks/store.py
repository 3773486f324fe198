"""Stores alone: rows per second in and out, and room on the disk; beside plain SQLite rows, or InfluxDB's raw write.

The readings are those of a simulated district, in packs as they come over the wire, a few of them in one transaction;
the intervals are their quarters, ten days of a column at a time, as the ledger writes them.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.influx import prepare_raw, recorded_store, write_raw
from benchmarks.pipeline import demo_world
from benchmarks.processes import size_mb
from benchmarks.result import Result
from benchmarks.rows import RowTables
from benchmarks.servers import NotHere, store_place
from firmware_sim.world import World
from submeter.stores import Column, Store, open_store
from submeter.stores.port import ALWAYS_MS
from submeter.words import Block, Intervals, Resolution

ALWAYS = np.datetime64("1990-01-01", "s"), np.datetime64("2060-01-01", "s")
PACKS = 4
"""packs in one transaction"""
TEN_DAYS = 960
"""quarters that are written at once"""
KINDS = ("embedded", "influx1", "influx2")

Packs = list[list[Block]]


@dataclass(frozen=True)
class Load:
    """What is written: readings in packs, intervals by column."""

    packs: Packs
    intervals: dict[Column, Intervals]

    @property
    def readings(self) -> int:
        return sum(len(block.readings) for pack in self.packs for block in pack)

    @property
    def rows(self) -> int:
        return sum(len(each) for each in self.intervals.values())


def run(buildings: str = "4", days: str = "90", *kinds: str) -> Result:
    """``buildings`` of the demo over ``days``, into each kind of store (embedded, influx1, influx2)."""
    result = Result()
    load = make_load(demo_world(1, buildings=int(buildings), days=int(days))[1])
    result.notes.append(f"{load.readings:,} readings, {load.rows:,} intervals, {len(load.packs)} packs")
    for kind in kinds or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            try:
                if kind == "embedded":
                    _embedded(result, load, Path(folder))
                else:
                    _influx(result, load, kind, Path(folder))
            except NotHere as absent:
                result.notes.append(f"{kind} is left out: {absent}")
    return result


def make_load(world: World) -> Load:
    packs = [
        pack
        for source in world.sources()
        for pack in source.history(max(world.start_ms, source.history_start_ms()), world.now_ms)
    ]
    parts: dict[Column, list[Block]] = {}
    for block in (block for pack in packs for block in pack):
        parts.setdefault(Column(block.series.point, block.series.quantity, Resolution.QUARTER), []).append(block)
    return Load(packs, {column: _quarters(blocks) for column, blocks in parts.items()})


def _quarters(blocks: Sequence[Block]) -> Intervals:
    times = np.concatenate([b.readings.times for b in blocks])
    micro = np.concatenate([b.readings.micro for b in blocks])
    order = np.unique(times, return_index=True)[1]
    return Intervals.of(times[order][:-1].astype("datetime64[s]"), np.diff(micro[order]))


def _transactions(packs: Packs) -> Iterator[list[Block]]:
    for first in range(0, len(packs), PACKS):
        yield [block for pack in packs[first : first + PACKS] for block in pack]


def _pieces(intervals: dict[Column, Intervals]) -> Iterator[tuple[Column, Intervals]]:
    for column, rows in intervals.items():
        for first in range(0, len(rows), TEN_DAYS):
            yield column, rows.take(slice(first, first + TEN_DAYS))


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _write_readings(store: Store, packs: Packs) -> None:
    for blocks in _transactions(packs):
        store.write_readings(blocks)


def _write_intervals(store: Store, intervals: dict[Column, Intervals]) -> None:
    for column, rows in _pieces(intervals):
        store.write_intervals(column, rows)


def _write_rows(peer: RowTables, packs: Packs) -> None:
    for blocks in _transactions(packs):
        peer.write_readings(blocks)


def _write_interval_rows(peer: RowTables, intervals: dict[Column, Intervals]) -> None:
    for column, rows in _pieces(intervals):
        peer.write_intervals(column, rows)


def _read_readings(store: Store) -> int:
    return sum(len(store.read_readings(series, *ALWAYS_MS)) for series in store.series())


def _read_intervals(store: Store, columns: Sequence[Column]) -> int:
    return sum(len(rows) for rows in store.read_intervals(columns, *ALWAYS))


def _compare(result: Result, name: str, rows: int, own_s: float, peer_s: float, against: str, target: str = "") -> None:
    """Rows per second, by the peer's."""
    result.add(name, rows / own_s, "rows/s", ratio=peer_s / own_s, against=against, target=target)


def _embedded(result: Result, load: Load, folder: Path) -> None:
    own, plain = folder / "store.db", folder / "plain.db"
    store, peer = open_store(f"embedded:{own}"), RowTables(plain)
    against = "plain SQLite rows"
    series, columns = sorted({b.series for pack in load.packs for b in pack}), list(load.intervals)
    _compare(
        result, "embedded: readings written", load.readings, seconds(lambda: _write_readings(store, load.packs)),
        seconds(lambda: _write_rows(peer, load.packs)), against,
    )  # fmt: skip
    _compare(
        result, "embedded: readings into NumPy", load.readings, seconds(lambda: _read_readings(store)),
        seconds(lambda: [peer.read_readings(each) for each in series]), against,
    )  # fmt: skip
    _sizes(result, store, peer, own, plain, "readings", load.readings)
    store, peer = open_store(f"embedded:{folder / 'store2.db'}"), RowTables(folder / "plain2.db")
    _compare(
        result, "embedded: intervals written", load.rows, seconds(lambda: _write_intervals(store, load.intervals)),
        seconds(lambda: _write_interval_rows(peer, load.intervals)), against,
    )  # fmt: skip
    _compare(
        result, "embedded: intervals into NumPy", load.rows, seconds(lambda: _read_intervals(store, columns)),
        seconds(lambda: [peer.read_intervals(each) for each in columns]), against,
    )  # fmt: skip
    _sizes(result, store, peer, folder / "store2.db", folder / "plain2.db", "intervals", load.rows)


def _sizes(result: Result, store: Store, peer: RowTables, own: Path, plain: Path, what: str, rows: int) -> None:
    """Closes both: the log that SQLite keeps beside the file is worked in and gone then."""
    store.close()
    peer.close()
    result.add(
        f"embedded: size per million {what}", size_mb(own) * 1e6 / rows, "MB", ratio=size_mb(own) / size_mb(plain),
        against="plain SQLite rows",
    )  # fmt: skip


def _influx(result: Result, load: Load, kind: str, folder: Path) -> None:
    """What the raw write sends are the store's own batches, so it has nothing to compute."""
    with store_place(kind, folder / "store") as place:
        store, recorder = recorded_store(place)
        own_s = seconds(lambda: _write_readings(store, load.packs))
        read_s = seconds(lambda: _read_readings(store))
        rows_s = seconds(lambda: _write_intervals(store, load.intervals))
        back_s = seconds(lambda: _read_intervals(store, list(load.intervals)))
        store.close()
    raw_s = best_raw_s(kind, folder, recorder.bodies)
    peer = RowTables(folder / "plain.db")
    _write_rows(peer, load.packs)
    series = sorted({b.series for pack in load.packs for b in pack})
    plain_s = seconds(lambda: [peer.read_readings(each) for each in series])
    peer.close()
    _compare(result, f"{kind}: readings written", load.readings, own_s, raw_s, "raw write of the same batches", "≥ 0.5")
    _compare(result, f"{kind}: readings into NumPy", load.readings, read_s, plain_s, "plain SQLite rows")
    _compare(result, f"{kind}: intervals written", load.rows, rows_s, raw_s * load.rows / load.readings,
             "raw write of readings, by the row")  # fmt: skip
    _compare(result, f"{kind}: intervals into NumPy", load.rows, back_s, plain_s * load.rows / load.readings,
             "plain SQLite readings, by the row")  # fmt: skip


def best_raw_s(kind: str, folder: Path, bodies: Sequence[bytes]) -> float:
    """Seconds of the raw write into an empty server, over one connection or two, whichever is faster."""
    found = []
    for connections in (1, 2):
        with store_place(kind, folder / f"raw{connections}") as place:
            prepare_raw(place)
            found.append(write_raw(place, bodies, connections))
    return min(found)
