"""Settlement: register readings/s in NumPy, the whole job into the embedded store, a live poll, one late reading.

Meters are read every quarter-hour (in NumPy also every minute) from registers that rise with the hour of the day. *In
NumPy* is from arrays of readings to rows at all four resolutions, without a store; in one of the cases every hundredth
reading is a 0. The job works off the change feed of an embedded store on disk, thirty days of all meters at a time
(less than a back-fill brings in the seconds for which the job gathers), until what it settled, with the totals of
buildings and district, is durable; so do the live poll and the late reading.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.calendar import edges
from analytics.jobs import Analyst
from analytics.ledger.meter import Meter, meter_of
from analytics.ledger.settle import settle_all
from analytics.ledger.unroll import unroll
from benchmarks.result import Result
from benchmarks.slow_ledger import walk
from submeter.clock import HandClock
from submeter.settings.settings import AnalyticsSettings
from submeter.stores import Column, Store
from submeter.stores.embedded import EmbeddedStore
from submeter.words import Block, Building, Device, Intervals, Point, Portfolio, Readings, Resolution, Series

QUARTER_MS: Final = 900_000
MINUTE_MS: Final = 60_000
DAY_QUARTERS: Final = 96
SLICE: Final = 30 * DAY_QUARTERS
BEGIN_MS: Final = 1_735_660_800_000
"""2025-01-01 00:00 in Shanghai"""
ZONE: Final = "Asia/Shanghai"
METERS: Final = 187
BUILDING_METERS: Final = 33
"""12,000 meters in 366 buildings"""
POLL_S: Final = 60.0
RATE: Final = 1e6
"""register readings/s per core, the limit in NumPy"""
LATE_MS: Final = 50.0
TRIES: Final = 5
"""the best, or the median, of so many"""


def run(meters: str = "40", days: str = "60", live: str = str(METERS), year: str = "365") -> Result:
    """``meters`` over ``days`` in bulk; one poll of ``live`` meters; a late reading in ``year`` days of one meter."""
    result = Result()
    _in_numpy(result, int(year))
    with tempfile.TemporaryDirectory() as folder:
        _bulk(result, EmbeddedStore(Path(folder) / "bulk.db"), int(meters), int(days))
        _live(result, EmbeddedStore(Path(folder) / "live.db"), int(live))
        for rating, words in ((100.0, ""), (0.0, ", no rating known")):
            _late(result, EmbeddedStore(Path(folder) / f"late{rating}.db"), int(year), rating, words)
    return result


def point_of(meter: int) -> str:
    return f"b{meter // BUILDING_METERS}/m{meter}"


def district_of(meters: int, rating: float = 100.0) -> Portfolio:
    points = {point_of(i): Point(id=point_of(i), name=f"m{i}", rating=rating) for i in range(meters)}
    buildings = {
        p.building: Building(id=p.building, name="b", type="office", zone=ZONE, area_m2=1000.0) for p in points.values()
    }
    return Portfolio(
        tenant="demo",
        buildings=buildings,
        points=points,
        devices={point: (Device(point=point, serial=point),) for point in points},
        stations={}, gateways={}, measures={},
    )  # fmt: skip


def register(meter: int, readings: int, step_ms: int = QUARTER_MS) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(times in ms, micro-kWh) of a meter that shows 0.01 kWh."""
    random = np.random.default_rng(meter)
    times = BEGIN_MS + step_ms * np.arange(readings, dtype=np.int64)
    hour = np.arange(readings) * step_ms // 3_600_000 % 24
    kwh = (2 + 5 * ((hour > 7) & (hour < 19))) * random.uniform(0.8, 1.2, readings) * (step_ms / QUARTER_MS)
    shown = np.round(np.cumsum(kwh) * 100).astype(np.int64) * 10_000
    return times, shown


def settled(meter: Meter, times: NDArray[np.int64], micro: NDArray[np.int64]) -> dict[Resolution, Intervals]:
    """From a register's readings to the rows of all resolutions: what *in NumPy* measures."""
    track = unroll(times, micro, meter.segments[0].register)
    ends = edges(meter.zone, Resolution.MONTH, int(times[0]) // 1000, int(times[-1]) // 1000)[[0, -1]].tolist()
    return settle_all(track, {each: edges(meter.zone, each, *ends) for each in Resolution})


def arrive(store: Store, meters: Sequence[int], rows: slice, quarters: int) -> None:
    """Some rows of some meters, as intake writes them."""
    blocks = [
        Block(Series(point_of(i), point_of(i), "energy_import"), Readings.of(times[rows], micro[rows]))
        for i in meters
        for times, micro in (register(i, quarters),)
    ]
    take(store, blocks)


def take(store: Store, blocks: list[Block]) -> None:
    """Readings and what they touched, durable together."""
    with store.writing():
        store.write_readings(blocks)
        store.touch(_touched(blocks))


def _touched(blocks: list[Block]) -> Iterator[tuple[str, int, int]]:
    for block in blocks:
        first, last = block.readings.times[[0, -1]].astype(np.int64).tolist()
        yield block.series.point, first, last + 1


def analyst(store: Store, portfolio: Portfolio) -> Analyst:
    return Analyst(store, lambda: portfolio, AnalyticsSettings(), HandClock(), study=lambda *_: None)


def cpu_s_of(job: Analyst) -> float:
    """CPU seconds of one step."""
    begun = time.process_time()
    job.step()
    return time.process_time() - begun


def _slices(quarters: int) -> Iterator[slice]:
    return (slice(first, min(first + SLICE, quarters)) for first in range(0, quarters, SLICE))


def _in_numpy(result: Result, days: int) -> None:
    meter = meter_of(district_of(1), point_of(0))
    assert meter is not None
    for words, step_ms, zeros in (
        ("15-minute readings", QUARTER_MS, 0), ("1-minute readings", MINUTE_MS, 0),
        ("15-minute readings, every hundredth a 0", QUARTER_MS, 100),
    ):  # fmt: skip
        times, micro = register(0, days * DAY_QUARTERS * QUARTER_MS // step_ms + 1, step_ms)
        if zeros:
            micro[zeros // 2 :: zeros] = 0
        settled(meter, times, micro)  # the calendar is made once
        rate = len(times) / min(_cpu_s(meter, times, micro) for _ in range(TRIES))
        result.add(
            f"settled in NumPy, {words}", rate, "readings/s per core", ratio=rate / RATE,
            against="the limit", target=f"≥ {RATE:,.0f}",
        )  # fmt: skip


def _cpu_s(meter: Meter, times: NDArray[np.int64], micro: NDArray[np.int64]) -> float:
    begun = time.process_time()
    settled(meter, times, micro)
    return time.process_time() - begun


def _bulk(result: Result, store: Store, meters: int, days: int) -> None:
    quarters = days * DAY_QUARTERS
    job, own = analyst(store, district_of(meters)), 0.0
    for rows in _slices(quarters):
        arrive(store, range(meters), rows, quarters)
        own += cpu_s_of(job)
    begun = time.process_time()
    walked = [walk(t.tolist(), m.tolist(), ZoneInfo(ZONE)) for t, m in (register(i, quarters) for i in range(meters))]
    slow = time.process_time() - begun
    readings = meters * quarters
    result.add(
        "settled in bulk, durable", own / readings * 1e6, "CPU µs per reading", ratio=own / slow,
        against="a walk in Python, a reading at a time", target="≤ 3",
    )  # fmt: skip
    (hours,) = store.read_intervals(
        [Column(point_of(0), "energy_import", Resolution.HOUR)], np.datetime64("2000", "s"), np.datetime64("2100", "s")
    )
    hours = hours.take(hours.known > 0)
    off = max(
        abs(amount - walked[0][1][start * 1000])
        for start, amount in zip(hours.start.astype(np.int64).tolist(), hours.micro.tolist(), strict=True)
    )
    result.notes.append(f"the hours of the ledger and of the walk differ by {off / 1e6:.6f} kWh at most")
    store.close()


def _live(result: Result, store: Store, meters: int) -> None:
    """A day is settled; then each meter shows one more quarter."""
    quarters = DAY_QUARTERS + 2
    job = analyst(store, district_of(meters))
    arrive(store, range(meters), slice(0, quarters - 1), quarters)
    job.run_once()
    arrive(store, range(meters), slice(quarters - 1, quarters), quarters)
    spent = cpu_s_of(job)
    result.add(
        f"a live poll of {meters} meters settled", spent * 1000, "CPU ms", ratio=spent / POLL_S,
        against="the minute between two polls",
    )  # fmt: skip
    store.close()


def _late(result: Result, store: Store, days: int, rating: float, words: str) -> None:
    """Single readings from all over the time come last: each from its arrival until the new intervals are durable."""
    quarters = days * DAY_QUARTERS + 1
    job = analyst(store, district_of(1, rating))
    series, everything = Series(point_of(0), point_of(0), "energy_import"), register(0, quarters)
    late = [quarters * part // (TRIES + 1) + 7 for part in range(1, TRIES + 1)]
    for first, last in zip([0, *(row + 1 for row in late)], [*late, quarters], strict=True):
        arrive(store, [0], slice(first, last), quarters)
    job.step()
    spent, cpu = [], []
    for row in late:
        times, micro = (values[row : row + 1] for values in everything)
        begun, cpu_begun = time.perf_counter(), time.process_time()
        take(store, [Block(series, Readings.of(times, micro))])
        job.step()
        spent.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - cpu_begun)
    name = f"one late reading in {days} days{words}"
    result.limited(name, statistics.median(spent) * 1000, "ms until durable", LATE_MS)
    result.limited(f"{name}, its CPU", statistics.median(cpu) * 1000, "CPU ms", LATE_MS)
    store.close()
