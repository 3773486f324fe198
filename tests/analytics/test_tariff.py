"""Money and carbon of daily energy from dated rows. Expected values by hand."""

from dataclasses import replace

import numpy as np
from msgspec import structs

from analytics.tariff import priced, rates, revalued
from submeter.stores import Column
from submeter.stores.memory import MemoryStore
from submeter.words import Flag, Intervals, Known, Method, Price, Resolution
from tests.analytics.ledger.small_cases import METER, portfolio

ROWS = (
    Price(name="p", medium="electricity", since="2025-04-01", yuan_per_unit=0.75),
    Price(name="p", medium="electricity", since="2025-03-01", yuan_per_unit=0.5),
)


def days(*starts: str) -> Intervals:
    """10 kWh on each day that begins at these instants (UTC)."""
    return Intervals.of(np.array(starts, "datetime64[s]"), np.full(len(starts), 10_000_000))


def cost(*starts: str) -> Intervals | None:
    """Of those days at the rows' prices, in Shanghai."""
    where = portfolio()
    where = replace(where, prices=tuple(structs.replace(row, name="city") for row in ROWS))
    return priced(where, where.points[METER], days(*starts)).get(Column(METER, "cost", Resolution.DAY))


def test_a_day_takes_the_newest_row_that_began_on_it_or_before() -> None:
    found = cost("2025-03-30T16:00", "2025-03-31T16:00")
    assert found is not None
    assert (found.micro / 1e6).tolist() == [5.0, 7.5]


def test_a_day_before_the_first_row_has_no_cost() -> None:
    found = cost("2025-02-27T16:00", "2025-02-28T16:00")
    assert found is not None
    assert found.start.tolist() == days("2025-02-28T16:00").start.tolist()
    assert cost("2025-02-27T16:00") is None


def test_a_rate_holds_on_local_days_from_its_own_until_the_next_whatever_the_order_of_the_rows() -> None:
    day = np.array(["2025-02-28", "2025-03-01", "2025-03-31", "2025-04-01"], "datetime64[D]").astype(np.int64)
    np.testing.assert_array_equal(rates(ROWS, "p", "electricity", day), [np.nan, 0.5, 0.5, 0.75])
    np.testing.assert_array_equal(rates(ROWS[::-1], "p", "electricity", day), [np.nan, 0.5, 0.5, 0.75])


def test_a_row_without_a_date_holds_always_and_without_rows_nothing_does() -> None:
    always = (Price(name="p", medium="electricity", since="", yuan_per_unit=2.0),)
    assert rates(always, "p", "electricity", np.array([-9000, 20_000])).tolist() == [2.0, 2.0]
    assert np.isnan(rates(ROWS, "other", "electricity", np.array([20_000]))).all()
    assert np.isnan(rates(ROWS, "p", "water", np.array([20_000]))).all()


def test_cost_is_known_as_its_energy_is_known() -> None:
    start = np.array(["2025-03-04T16:00", "2025-03-05T16:00"], "datetime64[s]")
    energy = Intervals.of(
        start,
        np.array([10_000_000, 0]),
        [Known.ESTIMATED, Known.MISSING],
        [Method.LINEAR, Method.NO_READING],
        [Flag.SUSPECT, Flag.PENDING],
        [3, 1],
    )
    where = portfolio()
    found = priced(where, where.points[METER], energy)
    cost = found[Column(METER, "cost", Resolution.DAY)]
    assert cost.micro.tolist() == [10_000_000, 0]
    assert cost.known.tolist() == [Known.ESTIMATED, Known.MISSING]
    assert cost.flags.tolist() == [Flag.SUSPECT, Flag.PENDING]
    assert found[Column(METER, "carbon", Resolution.DAY)].micro.tolist() == [2_500_000, 0]


def test_energy_that_is_given_away_costs_nothing_and_what_was_told_of_it_before_is_missing() -> None:
    where, day, store = portfolio(), days("2025-03-04T16:00"), MemoryStore()
    solar = structs.replace(where.points[METER], quantity="energy_export")
    assert priced(where, solar, day) == {}
    for column, worth in priced(where, where.points[METER], day).items():
        store.write_intervals(column, worth)
    for rows in revalued(store, where, solar, day).values():
        assert (rows.micro.tolist(), rows.known.tolist(), rows.revision.tolist()) == ([0], [Known.MISSING], [1])


def test_another_medium_has_another_price() -> None:
    where = portfolio()
    gas = type(where.points[METER])(id="b/gas", name="gas", medium="gas", quantity="volume")  # type: ignore[arg-type]
    assert priced(where, gas, days("2025-03-04T16:00")) == {}
