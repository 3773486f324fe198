"""Settlement: CPU µs per register reading in bulk, beside a plain walk in Python; a live poll; one late reading.

Meters are read every quarter-hour from registers that rise with the hour of the day; the store is the one in memory,
so that settling is what is measured. The bulk comes ten days at a time, as a back-fill brings it.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.jobs import Analyst
from analytics.ledger import settle_point
from benchmarks.result import Result
from benchmarks.slow_ledger import walk
from submeter.clock import HandClock
from submeter.settings.settings import AnalyticsSettings
from submeter.stores import Column, Store
from submeter.stores.memory import MemoryStore
from submeter.words import Block, Building, Device, Point, Portfolio, Readings, Resolution, Series

QUARTER_MS: Final = 900_000
DAY_QUARTERS: Final = 96
SLICE: Final = 10 * DAY_QUARTERS
BEGIN_MS: Final = 1_735_660_800_000
"""2025-01-01 00:00 in Shanghai"""
ZONE: Final = "Asia/Shanghai"
METERS: Final = 187
POLL_S: Final = 60.0


def run(meters: str = "40", days: str = "60", live: str = str(METERS)) -> Result:
    """``meters`` over ``days`` in bulk; then one poll of ``live`` meters."""
    result = Result()
    _bulk(result, int(meters), int(days))
    _live(result, int(live))
    _late(result, int(days))
    return result


def district_of(meters: int) -> Portfolio:
    points = {f"b/m{i}": Point(id=f"b/m{i}", name=f"m{i}", rating=100.0) for i in range(meters)}
    return Portfolio(
        tenant="demo",
        buildings={"b": Building(id="b", name="b", type="office", zone=ZONE, area_m2=1000.0)},
        points=points,
        devices={point: (Device(point=point, serial=point),) for point in points},
        stations={}, gateways={}, measures={},
    )  # fmt: skip


def register(meter: int, quarters: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(times in ms, micro-kWh) of a meter that shows 0.01 kWh."""
    random = np.random.default_rng(meter)
    hour = np.arange(quarters) // 4 % 24
    kwh = (2 + 5 * ((hour > 7) & (hour < 19))) * random.uniform(0.8, 1.2, quarters)
    shown = np.round(np.cumsum(kwh) * 100).astype(np.int64) * 10_000
    return BEGIN_MS + QUARTER_MS * np.arange(quarters, dtype=np.int64), shown


def arrive(store: Store, meters: Sequence[int], rows: slice, quarters: int) -> None:
    """Some rows of some meters, as intake writes them."""
    blocks = [
        Block(Series(f"b/m{i}", f"b/m{i}", "energy_import"), Readings.of(times[rows], micro[rows]))
        for i in meters
        for times, micro in (register(i, quarters),)
    ]
    store.write_readings(blocks)
    store.touch(
        (b.series.point, int(b.readings.times[0].astype(np.int64)), int(b.readings.times[-1].astype(np.int64)) + 1)
        for b in blocks
    )


def analyst(store: Store, portfolio: Portfolio) -> Analyst:
    return Analyst(store, lambda: portfolio, AnalyticsSettings(), HandClock(), study=lambda *_: None)


def cpu_s_of(job: Analyst) -> float:
    """CPU seconds of one step."""
    begun = time.process_time()
    job.step()
    return time.process_time() - begun


def _slices(quarters: int) -> Iterator[slice]:
    return (slice(first, min(first + SLICE, quarters)) for first in range(0, quarters, SLICE))


def _bulk(result: Result, meters: int, days: int) -> None:
    store, quarters = MemoryStore(), days * DAY_QUARTERS + 1
    job, own = analyst(store, district_of(meters)), 0.0
    for rows in _slices(quarters):
        arrive(store, range(meters), rows, quarters)
        own += cpu_s_of(job)
    begun = time.process_time()
    walked = [walk(t.tolist(), m.tolist(), ZoneInfo(ZONE)) for t, m in (register(i, quarters) for i in range(meters))]
    slow = time.process_time() - begun
    readings = meters * quarters
    result.add(
        "settled in bulk", own / readings * 1e6, "CPU µs per reading", ratio=own / slow,
        against="a walk in Python, a reading at a time", target="≤ 5",
    )  # fmt: skip
    (hours,) = store.read_intervals(
        [Column("b/m0", "energy_import", Resolution.HOUR)], np.datetime64("2000", "s"), np.datetime64("2100", "s")
    )
    off = max(
        abs(amount - walked[0][1][start * 1000])
        for start, amount in zip(hours.start.astype(np.int64).tolist(), hours.micro.tolist(), strict=True)
    )
    result.notes.append(f"the hours of the ledger and of the walk differ by {off / 1e6:.6f} kWh at most")


def _live(result: Result, meters: int) -> None:
    """A day is settled; then each meter shows one more quarter."""
    store, quarters = MemoryStore(), DAY_QUARTERS + 2
    job = analyst(store, district_of(meters))
    arrive(store, range(meters), slice(0, quarters - 1), quarters)
    job.step()
    arrive(store, range(meters), slice(quarters - 1, quarters), quarters)
    spent = cpu_s_of(job)
    result.add(
        f"a live poll of {meters} meters settled", spent * 1000, "CPU ms", ratio=spent / POLL_S,
        against="the minute between two polls",
    )  # fmt: skip


def _late(result: Result, days: int) -> None:
    """One reading from the middle comes last."""
    store, quarters, portfolio = MemoryStore(), days * DAY_QUARTERS + 1, district_of(1)
    job, middle = analyst(store, portfolio), quarters // 2
    arrive(store, [0], slice(0, middle), quarters)
    arrive(store, [0], slice(middle + 1, quarters), quarters)
    job.step()
    arrive(store, [0], slice(middle, middle + 1), quarters)
    late = cpu_s_of(job)
    begun = time.process_time()
    settle_point(store, portfolio, "b/m0")
    whole = time.process_time() - begun
    result.add(
        "one late reading settled", late * 1000, "CPU ms", ratio=late / whole,
        against=f"settling the meter's {days} days again",
    )  # fmt: skip
