"""A year of a city: what settling it costs in time and memory, and what an ordinary night adds.

*In memory*: every meter's register readings are made, settled to quarters, hours, days and months in NumPy, and its
rows compared with what the register counted; processes share the meters, and each keeps one meter at a time. Nothing is
read from, or written to, a store: for 12,000 meters that would be a file of gigabytes, so the store's part is measured
on a *sample* of them (33 are one building), from the change feed of an embedded store on disk until rows and totals are
durable, and told per meter. *The night* is as the product works: one process, one store with all meters, the past of
each settled for ten days (it looks no further back), then one more day of each.
"""

import resource
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from analytics.jobs import JOB, Analyst
from analytics.ledger.meter import meter_of
from benchmarks.ledger import DAY_QUARTERS, RATE, analyst, arrive, district_of, point_of, register, settled
from benchmarks.processes import size_mb
from benchmarks.result import Result
from submeter.stores.embedded import EmbeddedStore
from submeter.words import Bug, Resolution

PAST_DAYS: Final = 10
MONTH_DAYS: Final = 30
AT_A_TIME: Final = 500
"""meters whose readings are made before they are written, so that making them costs little memory"""
NIGHT_S: Final = 3600.0
"""an ordinary night's new day should be settled within this"""


class Told(NamedTuple):
    """What one process did: register readings, CPU seconds of making and of settling them, rows, most memory in MB."""

    readings: int
    made_s: float
    settled_s: float
    rows: int
    memory_mb: float


def run(meters: str = "40", days: str = "60", sample: str = "4", workers: str = "2") -> Result:
    """``meters`` over ``days`` by ``workers`` processes; ``sample`` of them through a store; a night of all of them."""
    result = Result()
    _in_memory(result, int(meters), int(days), int(workers))
    with tempfile.TemporaryDirectory() as folder:
        _stored(result, Path(folder) / "sample.db", int(sample), int(days), int(meters))
        _night(result, Path(folder) / "night.db", int(meters))
    return result


def _in_memory(result: Result, meters: int, days: int, workers: int) -> None:
    spans = [part.tolist() for part in np.array_split(np.arange(meters), workers)]
    begun = time.perf_counter()
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        told = list(pool.map(settle_meters, spans, [days] * workers))
    wall = time.perf_counter() - begun
    readings, spent = sum(t.readings for t in told), sum(t.settled_s for t in told)
    name = f"{meters:,} meters, {days} days, {workers} processes"
    result.add(
        f"{name}: settled in memory", readings / spent, "readings/s per core", ratio=readings / spent / RATE,
        against="the limit", target=f"≥ {RATE:,.0f}",
    )  # fmt: skip
    result.add(f"{name}: from start to end", wall, "s", ratio=wall / (days * 86_400), against="the time settled")
    memory = sum(t.memory_mb for t in told)
    result.add(
        f"{name}: memory", memory, "MB (peak of all)", ratio=memory * 1e6 / (readings * 16), against="the readings"
    )
    result.notes.append(
        f"{readings:,} register readings gave {sum(t.rows for t in told):,} rows, every sum as the register counted;"
        f" making the readings ({sum(t.made_s for t in told):.1f} CPU s) is in the seconds from start to end, and not"
        " in the rate"
    )


def settle_meters(meters: Sequence[int], days: int) -> Told:
    """In a process of its own. Raises :class:`Bug` when a sum is not what the register counted."""
    meter = meter_of(district_of(1), point_of(0))
    assert meter is not None
    made, spent, rows, readings = 0.0, 0.0, 0, days * DAY_QUARTERS + 1
    for each in meters:
        begun = time.process_time()
        times, micro = register(each, readings)
        known = time.process_time()
        found = settled(meter, times, micro)
        spent, made = spent + time.process_time() - known, made + known - begun
        rows += sum(len(of) for of in found.values())
        for resolution in (Resolution.QUARTER, Resolution.HOUR, Resolution.DAY):
            if int(found[resolution].micro.sum()) != int(micro[-1] - micro[0]):
                raise Bug(f"meter {each}: the sum of its {resolution.value} rows is not what its register counted")
    return Told(len(meters) * readings, made, spent, rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)


def _stored(result: Result, path: Path, sample: int, days: int, meters: int) -> None:
    store, quarters = EmbeddedStore(path), days * DAY_QUARTERS + 1
    job, spent = analyst(store, district_of(sample)), 0.0
    for first in range(0, quarters, MONTH_DAYS * DAY_QUARTERS):
        rows = slice(first, min(first + MONTH_DAYS * DAY_QUARTERS, quarters))
        arrive(store, range(sample), rows, quarters)
        begun = time.process_time()
        job.step()
        spent += time.process_time() - begun
    store.close()
    result.add(
        f"sample of {sample} through the store, a month at a time", spent / sample * 1000, "CPU ms per meter",
        ratio=spent / sample / (quarters / RATE), against="the limit in memory",
    )  # fmt: skip
    result.add(f"sample of {sample}: store", size_mb(path) / sample * 1e6 / quarters, "bytes per reading with its rows")
    result.notes.append(
        f"computed from the sample, not measured: {meters:,} such meters would take {spent / sample * meters / 60:,.1f}"
        f" minutes of one core and {size_mb(path) / sample * meters / 1000:,.2f} GB"
    )


def _night(result: Result, path: Path, meters: int) -> None:
    store, quarters = EmbeddedStore(path), (PAST_DAYS + 1) * DAY_QUARTERS + 1
    job = analyst(store, district_of(meters))
    _deliver(store, meters, slice(0, PAST_DAYS * DAY_QUARTERS + 1), quarters)
    _work_off(store, job)
    _deliver(store, meters, slice(PAST_DAYS * DAY_QUARTERS + 1, quarters), quarters)
    wall, cpu = time.perf_counter(), time.process_time()
    _work_off(store, job)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    store.close()
    name = f"a night: one new day of {meters:,} meters"
    result.add(name, cpu, "CPU s", ratio=cpu / NIGHT_S, against="an hour")
    result.add(f"{name}, durable after", wall, "s", ratio=wall / NIGHT_S, against="an hour")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    result.add(f"{name}: memory", peak, "MB (peak)", ratio=peak / 1000, against="1 GB")


def _deliver(store: EmbeddedStore, meters: int, rows: slice, quarters: int) -> None:
    for first in range(0, meters, AT_A_TIME):
        arrive(store, range(first, min(first + AT_A_TIME, meters)), rows, quarters)


def _work_off(store: EmbeddedStore, job: Analyst) -> None:
    while store.changes(store.cursor(JOB), 1):
        job.step()
