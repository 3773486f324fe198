"""What a picture of a year reads: counted at the store, for a district of as many buildings as the programme has."""

from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.rollups import CountingStore
from dashboards.queries.district import district
from dashboards.queries.month import intensity
from dashboards.queries.reader import Reader
from dashboards.queries.span import day_edges, instant, local_day, to_ms
from submeter.clock import HandClock
from submeter.settings import Settings
from submeter.stores.embedded import EmbeddedStore
from submeter.stores.port import Column
from submeter.words import Building, Device, Intervals, Point, Portfolio, Resolution

ZONE = "Asia/Shanghai"
NOW_MS = 1_795_233_600_000
"""2026-11-21 12:00 in Shanghai"""
BUILDINGS = 366


def portfolio_of(buildings: int) -> Portfolio:
    """Each with a main meter and two sub-meters."""
    points = {}
    for n in range(buildings):
        points[f"b{n}/main"] = Point(id=f"b{n}/main", name="main")
        for sub, item in enumerate(("01A00", "01B00")):
            name = f"b{n}/s{sub}"
            points[name] = Point(id=name, name="sub", item=item, parent=f"b{n}/main")
    return Portfolio(
        tenant="t",
        buildings={f"b{n}": Building(id=f"b{n}", name=f"b{n}", type="office", zone=ZONE, area_m2=8760)
                   for n in range(buildings)},
        points=points,
        devices={p: (Device(point=p, serial="S"),) for p in points},
        stations={}, gateways={}, measures={},
    )  # fmt: skip


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CountingStore, Reader]]:
    """A year of days of every building's total."""
    store, portfolio = EmbeddedStore(tmp_path_factory.mktemp("year") / "store.db"), portfolio_of(BUILDINGS)
    edges = day_edges(local_day(instant(NOW_MS - 366 * 86_400_000), ZONE), 366, ZONE)
    days = Intervals.of(edges[:-1], np.full(366, 24_000_000))
    with store.writing():
        for building in portfolio.buildings:
            store.write_intervals(Column(f"{building}/=electricity", "energy_import", Resolution.DAY), days)
    counting = CountingStore(store)
    yield counting, Reader(counting, lambda: portfolio, HandClock(NOW_MS), Settings())  # type: ignore[arg-type]
    store.close()


def test_the_year_of_366_buildings_is_drawn_from_a_day_a_row_and_no_hours(counted):
    counting, reader = counted
    shown = [intensity(reader, building) for building in reader.portfolio.buildings]
    assert [each.value for each in shown if each is not None] == [pytest.approx(364 * 24 / 8760)] * BUILDINGS, (
        "today is not over"
    )
    assert set(counting.rows) == {Resolution.DAY}
    assert counting.rows[Resolution.DAY] <= 366 * BUILDINGS
    assert counting.columns[Resolution.DAY] == BUILDINGS, "its total, whatever the number of its meters"


def test_the_first_screen_reads_totals_and_no_meters(counted):
    """Days, and of the days that are not over or not known hours; never quarters."""
    counting, reader = counted
    asked: set[str] = set()
    read = counting.read_intervals

    def watched(columns, start, end):
        asked.update(column.point for column in columns if not column.quantity.startswith("expected"))
        return read(columns, start, end)

    counting.read_intervals = watched
    counting.forget()
    view = district(reader)
    counting.read_intervals = read
    assert len(view.rows) == BUILDINGS
    assert to_ms(instant(NOW_MS)) >= view.end_ms
    assert Resolution.QUARTER not in counting.rows
    assert sum(counting.rows.values()) <= 800 * BUILDINGS
    assert all("/=" in point for point in asked), "a few columns a building, whatever the number of its meters"
