"""What the ledger's tests build on: one building with a few meters, and ways to write registers down."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from analytics.jobs import Analyst
from submeter.clock import HandClock
from submeter.settings.settings import AnalyticsSettings
from submeter.stores import Column, Store
from submeter.stores.memory import MemoryStore
from submeter.words import (
    MICRO,
    Block,
    Building,
    CarbonFactor,
    Device,
    Intervals,
    Point,
    Portfolio,
    Price,
    Readings,
    Resolution,
    Series,
)
from submeter.words.tree import is_total

HOUR_MS = 3_600_000
QUARTER_MS = 900_000
DAY_MS = 24 * HOUR_MS
METER = "b/m"


def ms(text: str) -> int:
    """Epoch milliseconds of an ISO instant, UTC unless it says otherwise."""
    instant = datetime.fromisoformat(text)
    return round(datetime.fromisoformat(text if instant.tzinfo else text + "+00:00").timestamp() * 1000)


def portfolio(
    *devices: Device, zone: str = "Asia/Shanghai", rating: float = 100.0, points: Sequence[Point] = ()
) -> Portfolio:
    """One building ``b`` with the meter ``b/m`` (and more points, each with a device of its own)."""
    mine = devices or (device(),)
    extra = {p.id: (Device(point=p.id, serial=f"s-{p.local}"),) for p in points}
    meter = Point(id=METER, name="m", rating=rating)
    return Portfolio(
        tenant="t",
        buildings={
            "b": Building(id="b", name="b", type="office", zone=zone, area_m2=1000.0, price="city", carbon="city")
        },
        points={METER: meter, **{p.id: p for p in points}},
        devices={METER: mine, **extra},
        stations={},
        gateways={},
        measures={},
        prices=(
            Price(name="city", medium="electricity", since="2020-01-01", yuan_per_unit=0.5),
            Price(name="city", medium="electricity", since="2025-03-02", yuan_per_unit=1.0),
        ),
        carbon=(CarbonFactor(name="city", medium="electricity", since="2025-03-01", kg_per_unit=0.25),),
    )


def device(serial: str = "s1", **more: Any) -> Device:
    return Device(point=METER, serial=serial, **more)


def write(store: Store, readings: Iterable[tuple[int, float]], serial: str = "s1", point: str = METER) -> None:
    """Keep (epoch ms, kWh as shown) and touch the span, as intake does."""
    rows = sorted(readings)
    series = Series(point, serial, "energy_import")
    micro = [round(kwh * MICRO) for _, kwh in rows]
    store.write_readings([Block(series, Readings.of([t for t, _ in rows], micro))])
    store.touch([(point, rows[0][0], rows[-1][0] + 1)])


def analyst(store: Store, where: Portfolio, clock: HandClock | None = None) -> Analyst:
    return Analyst(store, lambda: where, AnalyticsSettings(), clock or HandClock(), study=lambda *_: None)


def settled(readings: Iterable[tuple[int, float]], where: Portfolio | None = None) -> Store:
    """A store in which the readings of ``b/m`` were settled by the feed job."""
    store = MemoryStore()
    write(store, readings)
    analyst(store, where or portfolio()).step()
    return store


def rows(store: Store, resolution: Resolution, quantity: str = "energy_import", point: str = METER) -> Intervals:
    """Everything stored of a column."""
    (found,) = store.read_intervals(
        [Column(point, quantity, resolution)], np.datetime64("1990-01-01", "s"), np.datetime64("2060-01-01", "s")
    )
    return found


def table(store: Store, resolution: Resolution, quantity: str = "energy_import") -> dict[str, tuple[float, int, int]]:
    """start (ISO, UTC) → (kWh, known, method)."""
    found = rows(store, resolution, quantity)
    return {
        str(found.start[i])[:16]: (found.micro[i] / MICRO, int(found.known[i]), int(found.method[i]))
        for i in range(len(found))
    }


def content(store: Store) -> dict[Column, list[tuple[int, ...]]]:
    """Every column of a meter, everything but the revision; totals have their own tests."""
    return {column: _content(store, column) for column in store.columns() if not is_total(column.point)}


def _content(store: Store, column: Column) -> list[tuple[int, ...]]:
    found = rows(store, column.resolution, column.quantity, column.point)
    fields = (found.start.astype(np.int64), found.micro, found.known, found.method, found.flags)
    return list(zip(*(field.tolist() for field in fields), strict=True))
