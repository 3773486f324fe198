"""The check finds every way in which a stored number can be wrong, and finds nothing where all is as it should be."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.audit.check import Checked, Rule, absent, check_point, unsettled
from analytics.jobs import JOB
from submeter.stores import Column, Store
from submeter.stores.embedded import EmbeddedStore
from submeter.stores.memory import MemoryStore
from submeter.words import Correction, Flag, Intervals, Known, Method, Portfolio, Resolution
from tests.analytics.ledger.small_cases import DAY_MS, HOUR_MS, METER, analyst, device, ms, portfolio, rows, write
from tests.analytics.ledger.test_frozen import PASTS, RAW_DAYS, Office

BEGIN = ms("2025-02-26T16:00")  # midnight of the 27th in Shanghai
EXCHANGED = BEGIN + 8 * DAY_MS + 10 * HOUR_MS
DEVICES = (
    device("s1", digits=6, ct="400/5", until="2025-03-07T10:00", closing=60.75),
    device("s2", digits=6, ct="1000/5", since="2025-03-07T10:00", opening=5.25),
)


def eventful() -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """Half-hourly registers of two devices, one after another: the first rolls over at 10,000, shows a 0 once and is
    silent for a day."""
    one = []
    for step in range(8 * 48 + 20):
        at, shown = BEGIN + step * HOUR_MS // 2, (9950 + 0.25 * step) % 10_000
        if step == 40:
            shown = 0.0
        if not 100 <= step < 150:
            one.append((at, shown))
    other = [(EXCHANGED + step * HOUR_MS // 2, 5.25 + 0.25 * step) for step in range(1, 6 * 48)]
    return one, other


def fill(store: Store, where: Portfolio) -> None:
    one, other = eventful()
    write(store, one, "s1")
    write(store, other, "s2")
    analyst(store, where).step()


WHERE = portfolio(*DEVICES)


@pytest.fixture(params=["memory", "embedded"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    made: Store = MemoryStore() if request.param == "memory" else EmbeddedStore(tmp_path / "store.db")
    fill(made, WHERE)
    return made


def check(store: Store, where: Portfolio = WHERE) -> Checked:
    return check_point(store, where, METER, unsettled(store).get(METER))


def rules(checked: Checked) -> set[Rule]:
    return {violation.rule for violation in checked.violations}


def test_a_ledger_through_rollover_glitch_gap_and_exchange_adds_up(store: Store) -> None:
    checked = check(store)
    assert checked.violations == []
    hours = rows(store, Resolution.HOUR)
    assert np.bitwise_or.reduce(hours.flags) & Flag.ROLLOVER
    assert np.bitwise_or.reduce(hours.flags) & Flag.EXCHANGE
    assert checked.bracketed > 0.8 * checked.rows, "most rows stand between two quiet readings"


def quiet(store: Store, resolution: Resolution, quantity: str = "energy_import") -> Intervals:
    """A row of the seventh day, far from everything that happens."""
    every = rows(store, resolution, quantity)
    row = int(np.searchsorted(every.start, np.datetime64(BEGIN + 6 * DAY_MS, "ms")))
    return every.take(slice(row, row + 1))


Edit = Callable[[Intervals], Intervals]


def more(by: int) -> Edit:
    return lambda row: replace(row, micro=row.micro + by)


HOUR, DAY = Resolution.HOUR, Resolution.DAY


def moved(by: np.timedelta64) -> Edit:
    return lambda row: replace(row, start=row.start + by)


def as_known(known: Known) -> Edit:
    return lambda row: replace(row, known=row.known * 0 + known)


def gone(row: Intervals) -> Intervals:
    return Intervals.of(row.start, row.micro * 0, Known.MISSING, Method.NO_READING)


MONTH_LATER = np.timedelta64(30, "D")
CORRUPTED: dict[str, tuple[Resolution, str, Edit, set[Rule]]] = {
    "an hour has a micro-unit too much": (HOUR, "energy_import", more(1), {Rule.SUMS, Rule.SETTLED, Rule.COUNTS}),
    "a day has two micro-units too little": (
        DAY, "energy_import", more(-2), {Rule.SUMS, Rule.SETTLED, Rule.PRICED, Rule.COUNTS},
    ),
    "a day is called missing": (DAY, "energy_import", gone, {Rule.SUMS, Rule.SETTLED, Rule.PRICED}),
    "what was measured is called an estimate": (HOUR, "energy_import", as_known(Known.ESTIMATED), {Rule.SETTLED}),
    "a number stands beside missing": (HOUR, "energy_import", as_known(Known.MISSING), {Rule.MEANING, Rule.SETTLED}),
    "known is no word of the glossary": (
        HOUR, "energy_import", lambda row: replace(row, known=row.known + 5), {Rule.MEANING, Rule.SETTLED},
    ),
    "energy is negative": (HOUR, "energy_import", more(-10**9), {Rule.MEANING, Rule.SUMS, Rule.SETTLED, Rule.COUNTS}),
    "a flag is made up": (
        HOUR, "energy_import", lambda row: replace(row, flags=row.flags | Flag.SUSPECT), {Rule.SETTLED},
    ),
    "a row begins between boundaries": (HOUR, "energy_import", moved(np.timedelta64(60, "s")), {Rule.MEANING}),
    "a row stands before the first reading": (HOUR, "energy_import", moved(-MONTH_LATER), {Rule.LIFE}),
    "a row stands after the last reading": (DAY, "energy_import", moved(MONTH_LATER), {Rule.LIFE, Rule.PRICED}),
    "a day's cost is two micro-yuan off": (DAY, "cost", more(2), {Rule.PRICED}),
    "a day's carbon is called missing": (DAY, "carbon", as_known(Known.MISSING), {Rule.PRICED}),
    "there is a cost of a day without energy": (DAY, "cost", moved(MONTH_LATER), {Rule.PRICED}),
}  # fmt: skip


@pytest.mark.parametrize("case", CORRUPTED)
def test_one_wrong_row_is_found(store: Store, case: str) -> None:
    resolution, quantity, edit, expected = CORRUPTED[case]
    column = Column(METER, quantity, resolution)
    wrong = edit(quiet(store, resolution, quantity))
    store.write_intervals(column, wrong)
    found = check(store)
    assert expected <= rules(found), found.violations
    assert all(v.column.point == METER for v in found.violations)


def test_the_registers_alone_name_what_they_counted(store: Store) -> None:
    hour = quiet(store, Resolution.HOUR)
    store.write_intervals(Column(METER, "energy_import", Resolution.HOUR), more(20_000_000)(hour))
    (told,) = [v for v in check(store).violations if v.rule == Rule.COUNTS]
    assert told.start == hour.start[0]
    assert (told.stored, told.should) == ("60.000000", "40.000000, which the register counted")
    assert "submeter settle b/m" in told.do


def test_a_missing_row_is_found(tmp_path: Path) -> None:
    """By SQL, as no port deletes rows: the block that holds a month of hours is gone."""
    store = EmbeddedStore(tmp_path / "store.db")
    fill(store, WHERE)
    with store._database.transaction() as connection:
        connection.execute("DELETE FROM intervals WHERE col = (SELECT id FROM columns WHERE resolution = '1h')")
    found = check(store)
    assert rules(found) == {Rule.SETTLED}
    assert {(v.stored, v.column.resolution) for v in found.violations} == {("no row", Resolution.HOUR)}
    store.close()


def test_a_changed_reading_that_nobody_told_the_ledger_of_is_found(tmp_path: Path) -> None:
    store = MemoryStore()
    one, other = eventful()
    write(store, one[:60] + one[61:], "s1")
    write(store, other, "s2")
    analyst(store, WHERE).step()
    changes = store.changes(0)
    write(store, [(one[60][0], one[60][1] + 0.1)], "s1")
    assert check(store).violations == [], "it waits in the feed"
    assert check(store).waiting > 0
    store.set_cursor(JOB, changes[-1].seq + 1)
    assert Rule.SETTLED in rules(check(store))


def test_a_correction_is_part_of_what_should_be(store: Store) -> None:
    store.put(
        Correction(
            id="c1", building="b", point=METER, kind="reject", start_ms=BEGIN + 60 * HOUR_MS,
            end_ms=BEGIN + 84 * HOUR_MS, author="a", reason="r", told_ms=0,
        )
    )  # fmt: skip
    assert Rule.SETTLED in rules(check(store)), "it was put into the store, and nobody settled it"
    store.touch([(METER, BEGIN + 60 * HOUR_MS, BEGIN + 84 * HOUR_MS)])
    analyst(store, WHERE).step()
    assert check(store).violations == []


def test_a_column_of_a_meter_that_is_no_more_is_told(store: Store) -> None:
    assert absent(store, WHERE) == []
    lost = Column("b/old", "energy_import", Resolution.DAY)
    store.write_intervals(lost, rows(store, Resolution.DAY))
    (told,) = absent(store, WHERE)
    assert told.column == lost
    assert "until" in told.do


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 36), st.sampled_from(["plain", "plain", "plain", "zero", "reset", "jump", "far", "down"])
        ),
        min_size=3,
        max_size=60,
    ),
    st.sampled_from([0.0, 100.0]),
)
def test_the_second_count_agrees_with_settlement_whatever_the_register_did(
    steps: list[tuple[int, str]], rating: float
) -> None:
    where = portfolio(device("s1", digits=5, resolution=0.1), rating=rating)
    at, shown, readings = BEGIN, 9900.0, {}
    for hours, event in steps:
        at += hours * HOUR_MS if event != "far" else hours * 5 * HOUR_MS
        shown = 0.0 if event == "reset" else shown + hours * (900 if event == "jump" else 7)
        shown -= hours * 10 if event == "down" else 0
        readings[at] = 0.0 if event == "zero" else round(shown % 10_000, 1)
    store = MemoryStore()
    write(store, readings.items())
    analyst(store, where).step()
    assert check(store, where).violations == []


@pytest.mark.parametrize("past", PASTS)
def test_what_is_frozen_is_held_against_sums_and_prices_only(past: str) -> None:
    where, store = portfolio(), MemoryStore()
    write(store, PASTS[past])
    office = Office(store, RAW_DAYS, where)
    office.work()
    assert check(store, where).violations == []
    column = Column(METER, "energy_import", Resolution.HOUR)
    hour = rows(store, Resolution.HOUR).take(slice(30, 31))
    store.write_intervals(column, more(1)(hour))
    assert rules(check(store, where)) == {Rule.SUMS}
