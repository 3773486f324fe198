"""Totals and virtual meters against the slow obvious sum, in any order of changes; completeness by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.ledger import Settled
from analytics.tree.totals import rebuild_totals, renew_totals, settle_totals
from submeter.stores.memory import MemoryStore
from submeter.stores.port import Column
from submeter.words import Flag, Known, Method, Point, Portfolio, Resolution
from submeter.words.tree import building_sums, roots, slices, virtual_sums
from tests.analytics.tree.trees import (
    OSLO,
    SHANGHAI,
    Ledger,
    Row,
    midnight_s,
    own,
    portfolio_of,
    rows_of,
    stored,
    trees,
    with_virtuals,
)

DAY, HOUR, MONTH = Resolution.DAY, Resolution.HOUR, Resolution.MONTH
FIRST = midnight_s("2026-01-30", SHANGHAI)
LIMIT = 0.9


def change(store: MemoryStore, portfolio: Portfolio, rows: Ledger, limit: float = LIMIT) -> None:
    """Write rows as the ledger does, and the totals in the same transaction."""
    columns: dict[str, dict[Resolution, dict[int, Row]]] = {}
    for (point, resolution, start), row in rows.items():
        columns.setdefault(point, {}).setdefault(resolution, {})[start] = row
    settled = [Settled(p, "energy_import", {r: rows_of(of) for r, of in found.items()}) for p, found in columns.items()]
    with store.writing():
        for each in settled:
            for resolution, changed in each.changed.items():
                store.write_intervals(Column(each.point, each.quantity, resolution), changed)
        settle_totals(store, portfolio, settled, limit)


def everything(store: MemoryStore) -> dict[Column, list[tuple[object, ...]]]:
    """All rows without their revision."""
    found = {}
    for column in store.columns():
        (rows,) = store.read_intervals([column], np.datetime64(0, "s"), np.datetime64(2**32, "s"))
        fields = (rows.start, rows.micro, rows.known, rows.method, rows.flags)
        found[column] = list(zip(*(f.tolist() for f in fields), strict=True))
    return found


ROWS = st.builds(Row, st.integers(-5_000, 10**12), st.sampled_from([0, 1, 2, 2, 2]), st.sampled_from([0, 0, 1, 4]))


@st.composite
def histories(draw: st.DrawFn) -> tuple[Portfolio, list[Ledger]]:
    """A building, and changes of its meters' hours and days over five days and two months, some of them twice."""
    portfolio = portfolio_of(draw(trees()))
    meters = [p.id for p in portfolio.points.values() if not p.formula]
    places = [(DAY, FIRST + n * 86_400) for n in range(5)] + [(HOUR, FIRST + n * 3600) for n in range(3)]
    keys = st.tuples(st.sampled_from(meters), st.sampled_from(places))
    changes = draw(st.lists(st.dictionaries(keys, ROWS, min_size=1, max_size=12), min_size=1, max_size=6))
    return portfolio, [{(p, r, s): row for (p, (r, s)), row in each.items()} for each in changes]


@settings(deadline=None, max_examples=50)
@given(histories())
def test_totals_are_the_slow_obvious_sum_over_the_tree_after_any_order_of_changes(history):
    """Where every meter is known; the sums of slices and the total agree to the last count, and so do virtual meters
    wherever any member has a row."""
    portfolio, changes = history
    store, ledger = MemoryStore(), {}
    for each in changes:
        change(store, portfolio, each)
        ledger |= each
    ledger = with_virtuals(portfolio, ledger)
    for virtual in virtual_sums(portfolio):
        for resolution in (DAY, HOUR):
            expected = {s: (row.micro, row.known) for (p, r, s), row in ledger.items()
                        if (p, r) == (virtual.point, resolution)}  # fmt: skip
            assert stored(store, virtual.point, "energy_import", resolution) == expected
    tops = [p.id for p in roots(portfolio, "B")]
    for resolution, start in {(r, s) for _, r, s in ledger}:
        rows = [ledger.get((p, resolution, start), Row(0, 0)) for p in tops]
        if rows and all(row.known for row in rows):
            found = stored(store, "B/=electricity", "energy_import", resolution)
            assert found[start] == (sum(row.micro for row in rows), min(row.known for row in rows))
        parts = _parts(portfolio, ledger, tops, resolution, start)
        for key, micro in parts.items():
            if micro is not None:
                point = {"": "B/=unmetered"}.get(key, f"B/={key:0<5}")
                assert stored(store, point, "energy_import", resolution)[start][0] == micro


def _parts(portfolio: Portfolio, ledger: Ledger, tops: list[str], resolution: Resolution, start: int) -> dict:
    """Each slice as the sum of its meters' own energy, None where any meter of it, or a child, is not known."""
    found: dict[str, int | None] = {}
    waiting = list(tops)
    while waiting:
        point = waiting.pop()
        children = portfolio.children_of(point)
        waiting += children
        item = portfolio.points[point].item
        key = item[:3] if item[2].isalpha() else ("" if children else item[:2])
        mine = own(portfolio, ledger, point, resolution, start)
        before = found.get(key, 0)
        found[key] = None if mine is None or before is None else before + mine
    return {key: micro for key, micro in found.items() if key in slices(portfolio, "B")}


@settings(deadline=None, max_examples=50)
@given(histories())
def test_totals_after_any_changes_are_those_of_a_full_rebuild_and_a_second_rebuild_writes_nothing(history):
    portfolio, changes = history
    store, ledger = MemoryStore(), {}
    for each in changes:
        change(store, portfolio, each)
        ledger |= each
    again = MemoryStore()
    change(again, portfolio, ledger)
    assert everything(store) == everything(again)
    revisions = [rows.revision.tolist() for rows in _all_rows(store)]
    rebuild_totals(store, portfolio, LIMIT)
    assert everything(store) == everything(again)
    assert [rows.revision.tolist() for rows in _all_rows(store)] == revisions


def _all_rows(store: MemoryStore):
    return store.read_intervals(store.columns(), np.datetime64(0, "s"), np.datetime64(2**32, "s"))


@given(trees(most=9))
def test_the_slices_of_a_building_add_up_to_its_roots_whatever_is_nested_in_what(points):
    portfolio = portfolio_of(points)
    signs: dict[str, int] = {}
    for terms in slices(portfolio, "B").values():
        for term in terms:
            signs[term.point] = signs.get(term.point, 0) + term.sign
    assert {p: n for p, n in signs.items() if n} == {p.id: 1 for p in roots(portfolio, "B")}


# by hand: a main meter of 100 kWh a day, with lighting (30), HVAC (50) of which a chiller is 20, and a pump (4)
HAND = [
    Point(id="B/main", name="main"),
    Point(id="B/light", name="light", item="01A00", parent="B/main"),
    Point(id="B/hvac", name="hvac", item="01B00", parent="B/main"),
    Point(id="B/chiller", name="chiller", item="01B10", parent="B/hvac"),
    Point(id="B/pump", name="pump", item="01C00", parent="B/main"),
]
KWH = {"B/main": 100, "B/light": 30, "B/hvac": 50, "B/chiller": 20, "B/pump": 4}


def days(count: int, first: int = FIRST, kwh: dict[str, int] = KWH, without: tuple[str, ...] = ()) -> Ledger:
    """So many days of all these meters, in micro-units; ``without``: missing on all of them."""
    return {
        (p, DAY, first + n * 86_400): Row(v * 10**6, 0 if p in without else 2)
        for p, v in kwh.items()
        for n in range(count)
    }


def last(store: MemoryStore, point: str, quantity: str = "energy_import", resolution: Resolution = DAY):
    """The newest row: micro, known, method, flags, revision."""
    (rows,) = store.read_intervals([Column(point, quantity, resolution)], *(np.datetime64(s, "s") for s in (0, 2**32)))
    return tuple(int(f[-1]) for f in (rows.micro, rows.known, rows.method, rows.flags, rows.revision))


SUM, MEASURED = int(Method.SUM), int(Known.MEASURED)


def test_a_nested_meter_of_the_same_sub_item_counts_once_and_the_rest_is_not_metered():
    store = MemoryStore()
    change(store, portfolio_of(HAND), days(1))
    found = {p: last(store, f"B/={p}")[0] // 10**6 for p in ("electricity", "01A00", "01B00", "01C00", "unmetered")}
    assert found == {"electricity": 100, "01A00": 30, "01B00": 50, "01C00": 4, "unmetered": 16}
    assert last(store, "=/=electricity")[:2] == last(store, "=office/=electricity")[:2] == (100 * 10**6, MEASURED)


def test_a_missing_main_meter_is_a_total_of_which_nothing_is_known_not_four_fifths_of_the_meters():
    store = MemoryStore()
    change(store, portfolio_of(HAND), days(60))
    change(store, portfolio_of(HAND), days(1, FIRST + 60 * 86_400, without=("B/main",)))
    assert last(store, "B/=electricity") == (0, 0, int(Method.NO_READING), 0, 0)
    assert last(store, "B/=electricity", "completeness")[0] == 0
    assert last(store, "B/=01B00")[:2] == (50 * 10**6, MEASURED), "sub-items are known all the same"


def test_what_is_left_over_is_withheld_when_a_small_meter_is_missing_that_would_distort_it():
    """16 kWh are not metered; the missing pump's 4 would make 20 of them: a quarter of 16 is lacking."""
    store = MemoryStore()
    change(store, portfolio_of(HAND), days(60))
    change(store, portfolio_of(HAND), days(1, FIRST + 60 * 86_400, without=("B/pump",)))
    assert last(store, "B/=electricity")[:2] == (100 * 10**6, MEASURED)
    assert last(store, "B/=unmetered") == (0, 0, int(Method.INCOMPLETE), int(Flag.INCOMPLETE), 0)
    assert last(store, "B/=unmetered", "completeness")[0] == 750_000


def feeders(missing: str) -> MemoryStore:
    """Two main meters of 95 and 5 kWh a day, one of them missing on the last day."""
    points = [Point(id="B/big", name="big"), Point(id="B/small", name="small")]
    kwh, store = {"B/big": 95, "B/small": 5}, MemoryStore()
    change(store, portfolio_of(points), days(60, kwh=kwh))
    change(store, portfolio_of(points), days(1, FIRST + 60 * 86_400, kwh, (missing,)))
    return store


def test_above_the_limit_a_total_is_the_sum_of_what_is_known_flagged_and_not_scaled_up():
    store = feeders("B/small")
    assert last(store, "B/=electricity") == (95 * 10**6, MEASURED, SUM, int(Flag.INCOMPLETE), 0)
    assert last(store, "B/=electricity", "completeness")[0] == 950_000
    assert last(store, "=/=electricity") == (95 * 10**6, MEASURED, SUM, int(Flag.INCOMPLETE), 0)
    assert last(store, "=/=electricity", "completeness")[0] == 950_000


def test_below_the_limit_a_total_is_withheld_and_says_why():
    store = feeders("B/big")
    assert last(store, "B/=electricity") == (0, 0, int(Method.INCOMPLETE), int(Flag.INCOMPLETE), 0)
    assert last(store, "B/=electricity", "completeness")[:2] == (50_000, MEASURED)
    assert last(store, "=/=electricity")[1:3] == (0, int(Method.INCOMPLETE)), "a withheld building is not in the sum"


def test_when_the_missing_meter_comes_back_the_total_is_whole_and_its_revision_rises_once():
    store = feeders("B/big")
    points = portfolio_of([Point(id="B/big", name="big"), Point(id="B/small", name="small")])
    change(store, points, days(1, FIRST + 60 * 86_400, {"B/big": 90}))
    assert last(store, "B/=electricity") == (95 * 10**6, MEASURED, SUM, 0, 1)
    assert last(store, "B/=electricity", "completeness")[0] == 1_000_000
    change(store, points, days(1, FIRST + 60 * 86_400, {"B/big": 90}))
    assert last(store, "B/=electricity")[4] == 1, "the same again changes nothing"


def test_how_much_of_a_total_is_estimated_stands_beside_it():
    store = MemoryStore()
    points = portfolio_of([Point(id="B/big", name="big"), Point(id="B/small", name="small")])
    rows = {("B/big", DAY, FIRST): Row(75 * 10**6, 2), ("B/small", DAY, FIRST): Row(25 * 10**6, 1)}
    change(store, points, rows)
    assert last(store, "B/=electricity")[:2] == (100 * 10**6, int(Known.ESTIMATED))
    assert last(store, "B/=electricity", "estimated")[0] == 250_000
    assert last(store, "=/=electricity", "estimated")[0] == 250_000


def test_a_meter_is_expected_only_from_its_first_devices_date():
    points = [Point(id="B/old", name="old"), Point(id="B/new", name="new")]
    store, where = MemoryStore(), portfolio_of(points, since={"B/new": "2026-01-31"})
    change(store, where, {("B/old", DAY, FIRST + n * 86_400): Row(7, 2) for n in range(2)})
    assert stored(store, "B/=electricity", "completeness", DAY) == {FIRST: (10**6, 2), FIRST + 86_400: (500_000, 2)}


def test_a_day_of_all_buildings_is_every_buildings_own_day_wherever_it_stands():
    """Most buildings stand in Shanghai, so the district's days are stored at its midnights."""
    points = [Point(id=f"{b}/main", name="main") for b in ("S1", "S2", "O1")]
    where = portfolio_of(points, zones={"O1": OSLO})
    store = MemoryStore()
    at = {"S1/main": SHANGHAI, "S2/main": SHANGHAI, "O1/main": OSLO}
    change(store, where, {(p, DAY, midnight_s("2026-03-29", z)): Row(10, 2) for p, z in at.items()})
    assert stored(store, "=/=electricity", "energy_import", DAY) == {midnight_s("2026-03-29", SHANGHAI): (30, 2)}


def test_another_tree_sums_the_building_anew_and_a_total_that_is_no_more_is_missing():
    store = MemoryStore()
    change(store, portfolio_of(HAND), days(3))
    fewer = portfolio_of([p if p.id != "B/pump" else Point(id="B/pump", name="pump", item="01A10", parent="B/main")
                          for p in HAND])  # fmt: skip
    change(store, fewer, days(1, FIRST + 3 * 86_400))
    assert list(stored(store, "B/=01A00", "energy_import", DAY).values()) == [(34 * 10**6, 2)] * 4
    assert list(stored(store, "B/=01C00", "energy_import", DAY).values()) == [(0, 0)] * 3


def test_another_tree_or_a_store_of_before_comes_right_without_a_reading():
    store = MemoryStore()
    for (point, resolution, start), row in days(2).items():
        store.write_intervals(Column(point, "energy_import", resolution), rows_of({start: row}))
    assert renew_totals(store, portfolio_of(HAND), LIMIT, most=1)
    assert last(store, "B/=01B00")[:2] == (50 * 10**6, MEASURED)
    assert last(store, "=/=electricity")[:2] == (100 * 10**6, MEASURED)
    renew_totals(store, portfolio_of(HAND), LIMIT)
    assert not renew_totals(store, portfolio_of(HAND), LIMIT)
    assert renew_totals(store, portfolio_of(HAND[:-1]), LIMIT)
    assert last(store, "B/=unmetered")[:2] == (20 * 10**6, MEASURED)
    assert last(store, "B/=01C00")[1] == 0, "no such sub-item any more"


def test_a_span_is_summed_anew_after_a_kill_though_no_row_differs():
    """The rows had been written, the totals not."""
    store, where = MemoryStore(), portfolio_of(HAND)
    for (point, resolution, start), row in days(2).items():
        store.write_intervals(Column(point, "energy_import", resolution), rows_of({start: row}))
    settle_totals(store, where, [], LIMIT, [("B/main", FIRST, FIRST + 3600)])
    assert stored(store, "B/=electricity", "energy_import", DAY)[FIRST] == (100 * 10**6, MEASURED)


def test_virtual_meters_are_missing_for_their_members_reason_and_carry_their_flags():
    points = [*HAND, Point(id="B/rest", name="rest", formula="B/main - B/light - B/pump")]
    store, where = MemoryStore(), portfolio_of(points)
    change(store, where, days(1) | {("B/pump", DAY, FIRST): Row(4 * 10**6, 1, int(Flag.SUSPECT))})
    assert last(store, "B/rest") == (66 * 10**6, int(Known.ESTIMATED), SUM, int(Flag.SUSPECT), 0)
    assert not any("rest" in term.point for sum_ in building_sums(where, "B") for term in sum_.terms), "a view"
    change(store, where, {("B/pump", DAY, FIRST): Row(0, 0)})
    assert last(store, "B/rest") == (0, 0, int(Method.NO_READING), 0, 1)


@pytest.mark.parametrize("resolution", [Resolution.QUARTER, HOUR, DAY, MONTH])
def test_a_virtual_meter_has_every_resolution_and_a_building_all_but_quarters(resolution):
    points = [*HAND, Point(id="B/rest", name="rest", formula="B/main - B/light")]
    store = MemoryStore()
    change(store, portfolio_of(points), {(p, resolution, FIRST): Row(v, 2) for p, v in KWH.items()})
    assert stored(store, "B/rest", "energy_import", resolution) == {FIRST: (70, 2)}
    assert bool(stored(store, "B/=electricity", "energy_import", resolution)) == (resolution is not Resolution.QUARTER)
