"""Totals and virtual meters that are not the sum of their members are found, in whatever zone the members stand."""

from dataclasses import replace

import numpy as np
import pytest

from analytics.audit.check import Rule
from analytics.audit.totals import check_sum, sums_of
from submeter.stores import Column, Store
from submeter.stores.memory import MemoryStore
from submeter.words import Known, Point, Portfolio, Resolution
from tests.analytics.ledger.small_cases import HOUR_MS, METER, analyst, device, ms, portfolio, rows, write

BEGIN = ms("2025-02-26T16:00")
PARTS = ("b/left", "b/right")
WHERE = portfolio(
    device("s1"),
    points=[
        *(Point(id=each, name=each, parent=METER, item="01A00", rating=100.0) for each in PARTS),
    ],
)
WITH_VIRTUAL = replace(
    WHERE, points={**WHERE.points, "b/rest": Point(id="b/rest", name="rest", formula=f"{METER} - b/left - b/right")}
)


@pytest.fixture
def store() -> Store:
    made = MemoryStore()
    for point, serial, rate in ((METER, "s1", 10.0), ("b/left", "s-left", 4.0), ("b/right", "s-right", 3.0)):
        times = [BEGIN + h * HOUR_MS for h in range(5 * 24) if not (point == "b/left" and h > 60)]
        write(made, [(t, 1.0 + rate * (t - BEGIN) / HOUR_MS) for t in times], serial, point)
    analyst(made, WITH_VIRTUAL).step()
    return made


def found(store: Store, where: Portfolio = WITH_VIRTUAL) -> dict[str, set[Resolution]]:
    told: dict[str, set[Resolution]] = {}
    for each in sums_of(where):
        for violation in check_sum(store, each):
            assert violation.rule == Rule.TOTALS
            told.setdefault(violation.column.point, set()).add(violation.column.resolution)
    return told


def test_totals_that_the_feed_job_made_are_sums(store: Store) -> None:
    names = {column.point for column in store.columns()}
    assert {"b/rest", "b/=electricity", "b/=01A00", "=/=electricity"} <= names
    assert found(store) == {}
    rest = rows(store, Resolution.HOUR, point="b/rest")
    assert rest.micro[10] == 3_000_000
    assert rest.known[80] == Known.MISSING, "its member was no longer read"


@pytest.mark.parametrize(
    ("point", "resolution"),
    [
        ("b/rest", Resolution.HOUR),
        ("b/=electricity", Resolution.DAY),
        ("b/=01A00", Resolution.HOUR),
        ("=/=electricity", Resolution.DAY),
    ],
)
def test_a_total_with_a_micro_unit_too_much_is_found(store: Store, point: str, resolution: Resolution) -> None:
    column = Column(point, "energy_import", resolution)
    row = rows(store, resolution, point=point).take(slice(1, 2))
    store.write_intervals(column, replace(row, micro=row.micro + 1))
    assert found(store)[point] == {resolution}


def test_a_member_that_changed_behind_a_totals_back_is_found(store: Store) -> None:
    day = rows(store, Resolution.DAY).take(slice(1, 2))
    store.write_intervals(Column(METER, "energy_import", Resolution.DAY), replace(day, micro=day.micro + 5))
    assert "b/=electricity" in found(store)


def test_a_virtual_meter_is_not_known_where_a_member_is_missing(store: Store) -> None:
    column = Column("b/rest", "energy_import", Resolution.HOUR)
    every = rows(store, Resolution.HOUR, point="b/rest")
    (row,) = [
        every.take(slice(i, i + 1))
        for i in range(len(every))
        if every.start[i] == np.datetime64(BEGIN + 80 * HOUR_MS, "ms")
    ]
    store.write_intervals(column, replace(row, micro=row.micro + 3_000_000, known=row.known * 0 + Known.MEASURED))
    assert found(store) == {"b/rest": {Resolution.HOUR}}
