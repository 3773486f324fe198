"""A parent against its children. Expected values by hand, in kWh."""

import numpy as np
import pytest

from analytics.tree.balance import balance, balances
from submeter.stores import Column, Store
from submeter.stores.memory import MemoryStore
from submeter.words import Intervals, Known, Point, Portfolio, Resolution
from tests.analytics.ledger.small_cases import METER, ms, portfolio

START = np.datetime64("2025-03-01T00:00", "s")
HOURS = 30 * 24
NOW = ms("2025-03-31T00:00")


def tree() -> Portfolio:
    children = [Point(id=f"b/{name}", name=name, parent=METER, rating=50.0) for name in ("x", "y")]
    return portfolio(points=children)


def store_with(*columns: tuple[str, float], known: dict[str, list[int]] | None = None) -> Store:
    store = MemoryStore()
    for point, kwh in columns:
        how = np.full(HOURS, Known.MEASURED)
        for row, state in enumerate((known or {}).get(point, [])):
            how[row] = state
        micro = np.where(how > 0, round(kwh * 1e6), 0)
        start = START + np.arange(HOURS) * np.timedelta64(3600, "s")
        store.write_intervals(Column(point, "energy_import", Resolution.HOUR), Intervals.of(start, micro, how))
    return store


def test_a_tree_that_adds_up_is_balanced() -> None:
    store = store_with((METER, 10.0), ("b/x", 6.0), ("b/y", 4.0))
    (found,) = balances(store, tree(), "b", NOW)
    assert (found.id, found.point, found.building) == (METER, METER, "b")
    assert found.main_kwh == pytest.approx(7_200)
    assert found.children_kwh == pytest.approx(7_200)
    assert found.completeness == 1.0
    assert found.end_ms - found.start_ms == HOURS * 3_600_000


def test_the_band_is_what_the_accuracy_classes_allow() -> None:
    found = balance(store_with((METER, 10.0), ("b/x", 6.0), ("b/y", 4.0)), tree(), METER, NOW)
    assert found is not None
    assert found.band_kwh == pytest.approx(7_200 * 0.01 + 7_200 * 0.01)


def test_estimated_hours_widen_the_band() -> None:
    store = store_with((METER, 10.0), ("b/x", 6.0), ("b/y", 4.0), known={"b/x": [Known.ESTIMATED] * 10})
    found = balance(store, tree(), METER, NOW)
    assert found is not None
    assert found.band_kwh == pytest.approx(144 + 0.2 * 60)


def test_hours_that_one_side_does_not_know_are_left_out_on_both() -> None:
    store = store_with((METER, 10.0), ("b/x", 6.0), ("b/y", 4.0), known={"b/y": [Known.MISSING] * 72})
    found = balance(store, tree(), METER, NOW)
    assert found is not None
    assert found.main_kwh == pytest.approx(10 * (HOURS - 72))
    assert found.completeness == pytest.approx(0.9)


def test_a_child_that_never_reported_leaves_nothing_to_compare() -> None:
    assert balance(store_with((METER, 10.0), ("b/x", 6.0)), tree(), METER, NOW) is None


def test_a_parent_without_energy_has_no_balance() -> None:
    assert balances(MemoryStore(), tree(), "b", NOW) == []
