"""Electricity in both directions, water, gas, heat and cold are settled alike, each in its unit. Values by hand."""

from dataclasses import replace

import numpy as np
import pytest

from analytics.ledger import settle_point
from analytics.ledger.meter import MARGIN
from submeter.stores import Column, Store
from submeter.stores.memory import MemoryStore
from submeter.words import (
    QUANTITIES,
    Block,
    Device,
    Flag,
    Kind,
    Known,
    Medium,
    Point,
    Portfolio,
    Readings,
    Resolution,
    Series,
)
from tests.analytics.ledger.small_cases import QUARTER_MS, ms, portfolio

START = ms("2025-01-31T16:00")
"""local midnight in Shanghai; February has 28 days"""
QUARTERS = 28 * 96
MEDIA = [
    ("energy_import", Medium.ELECTRICITY, "kWh"),
    ("energy_export", Medium.ELECTRICITY, "kWh"),
    ("volume", Medium.WATER, "m3"),
    ("volume", Medium.GAS, "m3"),
    ("heat", Medium.HEAT, "kWh"),
    ("cold", Medium.COLD, "kWh"),
]


def place(quantity: str, medium: Medium, rating: float = 8.0, **of_device: object) -> Portfolio:
    point = Point(id="b/x", name="x", medium=medium, quantity=quantity, rating=rating)
    found = Device(point="b/x", serial="s", **of_device)  # type: ignore[arg-type]  # as a table's row gives them
    return replace(portfolio(), points={"b/x": point}, devices={"b/x": (found,)})


def settled(where: Portfolio, micro: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Store:
    """Readings every quarter-hour from the beginning of February on, settled."""
    store, quantity = MemoryStore(), where.points["b/x"].quantity
    times = START + np.arange(len(micro)) * QUARTER_MS
    store.write_readings([Block(Series("b/x", "s", quantity), Readings.of(times, micro))])
    settle_point(store, where, "b/x")
    return store


def first(store: Store, quantity: str, resolution: Resolution) -> tuple[int, int, int]:
    """Micro-units, known and flags of the first interval of a kind."""
    (rows,) = store.read_intervals([Column("b/x", quantity, resolution)], np.datetime64("2000"), np.datetime64("2100"))
    return int(rows.micro[0]), int(rows.known[0]), int(rows.flags[0])


@pytest.mark.parametrize(("quantity", "medium", "unit"), MEDIA, ids=str)
def test_each_medium_is_settled_at_every_resolution(quantity: str, medium: Medium, unit: str) -> None:
    assert (QUANTITIES[quantity].unit, QUANTITIES[quantity].kind) == (unit, Kind.REGISTER)
    store = settled(place(quantity, medium), 123_450_000 + 10_000 * np.arange(QUARTERS + 1))
    found = [first(store, quantity, each) for each in Resolution]
    assert [micro for micro, _, _ in found] == [10_000, 40_000, 960_000, 28 * 960_000]
    assert {(known, flags) for _, known, flags in found} == {(Known.MEASURED, 0)}


def test_every_register_that_can_be_read_is_one_of_these() -> None:
    assert {q.name for q in QUANTITIES.values() if q.kind is Kind.REGISTER} == {name for name, _, _ in MEDIA}


@pytest.mark.parametrize(("quantity", "medium", "unit"), MEDIA, ids=str)
@pytest.mark.parametrize(("times", "flag"), [(0.99, 0), (1.2, Flag.SUSPECT)])
def test_a_rating_is_units_an_hour_whatever_the_medium(
    quantity: str, medium: Medium, unit: str, times: float, flag: int
) -> None:
    """8 kW, or 8 m³/h, with the margin for an hour: what a day and a half later nobody took back."""
    step = round(8.0 * MARGIN * times * 1_000_000 / 4)
    micro = 10_000 * np.arange(200)
    micro[30:] += step
    store = settled(place(quantity, medium), micro)
    (rows,) = store.read_intervals(
        [Column("b/x", quantity, Resolution.QUARTER)], np.datetime64("2000"), np.datetime64("2100")
    )
    assert rows.micro[29] == step + 10_000
    assert rows.flags[29] == flag


def test_a_water_meter_rolls_over_in_its_own_digits_before_the_pulse_ratio() -> None:
    """Three digits of 0.1 m³ behind a ratio of 10: 100 m³ of the register are 1000 m³."""
    where = place("volume", Medium.WATER, rating=500.0, digits=3, resolution=0.1, ct="10")
    shown = (99_600_000 + 100_000 * np.arange(97)) % 100_000_000
    store = settled(where, shown)
    assert first(store, "volume", Resolution.DAY) == (96 * 1_000_000, Known.MEASURED, Flag.ROLLOVER)


def test_the_smallest_steps_of_a_heat_meter_are_kept() -> None:
    store = settled(place("heat", Medium.HEAT, resolution=0.000001, digits=12), 7 * np.arange(97))
    assert first(store, "heat", Resolution.QUARTER)[0] == 7
    assert first(store, "heat", Resolution.DAY)[0] == 7 * 96
