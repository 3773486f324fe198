"""The first screen and the year of a whole district, drawn from the ledger's totals in the embedded store.

A district as the demo's, but with as many buildings as the programme has, whose meters' days of a year and hours of the
last weeks are stored as the ledger stores them; all of its totals are summed from them. Then pages are asked for over
the web application itself, with nothing kept, again at once, and again when what is kept has grown old. The peer reads
the meters of the same thirty days, hour by hour, and does nothing with them.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from analytics.calendar import edges
from analytics.tree.totals import rebuild_totals
from benchmarks.result import Result
from dashboards.queries.month import intensity
from dashboards.queries.reader import Reader
from dashboards.web import create_app
from firmware_sim.district import district
from submeter.clock import HandClock
from submeter.settings import Settings
from submeter.stores import Column, Store
from submeter.stores.embedded import EmbeddedStore
from submeter.words import Intervals, Portfolio, Resolution

ZONE: Final = "Asia/Shanghai"
NOW_S: Final = 1_795_233_600
"""2026-11-21 12:00 in Shanghai"""
YEAR_S: Final = 366 * 86_400
WEEKS_S: Final = 33 * 86_400
WARM_S: Final = 1.0
LIMIT: Final = 0.9


class CountingStore:
    """A store that counts the rows and columns of intervals that are read through it, by resolution."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.rows: Counter[Resolution] = Counter()
        self.columns: Counter[Resolution] = Counter()

    def read_intervals(self, columns: Sequence[Column], start: np.datetime64, end: np.datetime64) -> list[Intervals]:
        found = self._store.read_intervals(columns, start, end)
        for column, rows in zip(columns, found, strict=True):
            self.rows[column.resolution] += len(rows)
            self.columns[column.resolution] += 1
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def forget(self) -> None:
        self.rows.clear()
        self.columns.clear()


def run(buildings: str = "366") -> Result:
    """``buildings`` of the demo, a year of days."""
    result = Result()
    portfolio = district(1, int(buildings))
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddedStore(Path(folder) / "store.db")
        fill(store, portfolio)
        begun = time.process_time()
        rebuild_totals(store, portfolio, LIMIT)
        spent = time.process_time() - begun
        result.add("all totals of a year summed anew, CPU", spent / len(portfolio.buildings) * 1000, "ms a building",
                   ratio=spent / len(portfolio.buildings), against="a second a building")  # fmt: skip
        _year(result, store, portfolio)
        _pages(result, store, portfolio)
        store.close()
    return result


def fill(store: Store, portfolio: Portfolio) -> None:
    """Days of a year and hours of the last weeks of every meter."""
    days = edges(ZONE, Resolution.DAY, NOW_S - YEAR_S, NOW_S - 86_400)[:-1]
    hours = np.arange(days[-1] + 86_400 - WEEKS_S, NOW_S - 3600, 3600)
    for building in portfolio.buildings:
        with store.writing():
            for point in portfolio.points_of(building):
                for resolution, starts in ((Resolution.DAY, days), (Resolution.HOUR, hours)):
                    rows = _rows(starts, resolution, 10.0 if point.is_main else 1.0)
                    store.write_intervals(Column(point.id, point.quantity, resolution), rows)


def _rows(starts: NDArray[np.int64], resolution: Resolution, kw: float) -> Intervals:
    random = np.random.default_rng(len(starts))
    kwh = kw * resolution.seconds / 3600 * random.uniform(0.8, 1.2, len(starts))
    return Intervals.of(starts.astype("datetime64[s]"), np.round(kwh * 100).astype(np.int64) * 10_000)


def _reader(store: object, portfolio: Portfolio, clock: HandClock) -> Reader:
    return Reader(cast(Store, store), lambda: portfolio, clock, Settings())


def _year(result: Result, store: Store, portfolio: Portfolio) -> None:
    """kWh/m² of every building: the year's rows that are read, beside those of its meters."""
    counting = CountingStore(store)
    reader = _reader(counting, portfolio, HandClock(NOW_S * 1000))
    begun = time.process_time()
    for building in portfolio.buildings:
        intensity(reader, building)
    spent = time.process_time() - begun
    assert set(counting.rows) == {Resolution.DAY}, "a year reads no hours"
    rows, meters = (n / len(portfolio.buildings) for n in (counting.rows[Resolution.DAY], len(portfolio.points)))
    result.add("a year of every building: rows read", rows, "rows a building", target="≤ 366",
               ratio=rows / (8760 * meters), against="its meters' hours")  # fmt: skip
    result.limited("a year of every building", spent, "s CPU", WARM_S)


def _pages(result: Result, store: Store, portfolio: Portfolio) -> None:
    counting, clock = CountingStore(store), HandClock(NOW_S * 1000)
    app = create_app(cast(Store, counting), lambda: portfolio, clock, Settings())
    client = TestClient(app, base_url="http://127.0.0.1")
    peer_s = min(_seconds(lambda: _meters(store, portfolio)) for _ in range(2))
    cold_s = _seconds(lambda: _get(client))
    rows = sum(counting.rows.values()) / len(portfolio.buildings)
    result.add("first screen, nothing kept", cold_s, "s CPU", ratio=cold_s / peer_s,
               against="reading its meters' hours of thirty days")  # fmt: skip
    result.add("first screen, nothing kept: rows read", rows, "rows a building")
    result.limited("first screen, warm", min(_seconds(lambda: _get(client)) for _ in range(3)), "s CPU", WARM_S)
    clock.advance(16)
    again_s = _seconds(lambda: _get(client))
    result.add("first screen, what is kept has grown old", again_s, "s CPU", ratio=again_s / cold_s,
               against="nothing kept")  # fmt: skip


def _get(client: TestClient) -> None:
    assert client.get("/").status_code == 200


def _meters(store: Store, portfolio: Portfolio) -> None:
    end = np.datetime64(NOW_S, "s")
    for columns in _hours(portfolio):
        store.read_intervals(columns, end - np.timedelta64(30 * 86_400, "s"), end)


def _hours(portfolio: Portfolio) -> Iterator[list[Column]]:
    for building in portfolio.buildings:
        yield [Column(p.id, p.quantity, Resolution.HOUR) for p in portfolio.points_of(building)]


def _seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun
