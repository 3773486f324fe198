"""Money and carbon of daily energy from dated rows. Expected values by hand."""

import numpy as np

from analytics.tariff import holding, multiplied, priced
from submeter.stores import Column
from submeter.words import Flag, Intervals, Known, Method, Resolution
from tests.analytics.ledger_cases import METER, portfolio

ROWS = [("2025-03-01", 0.5), ("2025-04-01", 0.75)]


def days(*starts: str) -> Intervals:
    """10 kWh on each day that begins at these instants (UTC)."""
    return Intervals.of(np.array(starts, "datetime64[s]"), np.full(len(starts), 10_000_000))


def test_a_day_takes_the_newest_row_that_began_on_it_or_before() -> None:
    found = multiplied(days("2025-03-30T16:00", "2025-03-31T16:00"), ROWS, "Asia/Shanghai")
    assert (found.micro / 1e6).tolist() == [5.0, 7.5]


def test_a_day_before_the_first_row_has_no_cost() -> None:
    found = multiplied(days("2025-02-27T16:00", "2025-02-28T16:00"), ROWS, "Asia/Shanghai")
    assert found.start.tolist() == days("2025-02-28T16:00").start.tolist()


def test_the_order_of_the_rows_does_not_matter() -> None:
    instants = np.array([1_750_000_000])
    assert holding(instants, ROWS[::-1], "Asia/Shanghai").tolist() == [0.75]


def test_without_rows_nothing_holds() -> None:
    assert np.isnan(holding(np.array([0]), [], "Asia/Shanghai")).all()


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


def test_another_medium_has_another_price() -> None:
    where = portfolio()
    gas = type(where.points[METER])(id="b/gas", name="gas", medium="gas", quantity="volume")  # type: ignore[arg-type]
    assert priced(where, gas, days("2025-03-04T16:00")) == {}
