"""Queries against obvious twins and hand-made cases: grids, splits of the tree, words, totals, up to when."""

import dataclasses
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.tree.totals import rebuild_totals
from dashboards.queries import asof
from dashboards.queries.days import day_of
from dashboards.queries.district import _together, district
from dashboards.queries.grid import lay
from dashboards.queries.meters import state_of
from dashboards.queries.month import intensity, month
from dashboards.queries.reader import Reader
from dashboards.queries.savings import verdict
from dashboards.queries.span import day_edges, hour_edges, midnight, to_ms
from dashboards.queries.split import split
from dashboards.queries.today import today, word
from dashboards.queries.total import Total, total
from dashboards.web import shapes
from submeter.clock import HandClock
from submeter.settings import Settings
from submeter.stores.memory import MemoryStore
from submeter.stores.port import Column
from submeter.words import Flag, GatewayStatus, Intervals, Known, Method, Resolution, Saving

ZONE = "Asia/Shanghai"


def column(starts: np.ndarray, kwh: list[float | None], known: list[int] | None = None) -> Intervals:
    how = known or [0 if v is None else 2 for v in kwh]
    return Intervals.of(starts, np.array([round((v or 0.0) * 1e6) for v in kwh]), how)


# grids
@given(st.sets(st.integers(0, 40)), st.integers(0, 20), st.integers(1, 20))
def test_a_grid_places_each_row_on_its_interval_and_leaves_out_the_rest(hours, first, length):
    """The twin looks every interval up in a dictionary."""
    origin = np.datetime64("2026-01-01T00:00:00", "s")
    starts = np.array([origin + np.timedelta64(h, "h") for h in sorted(hours)], "datetime64[s]")
    rows = Intervals.of(starts, np.array([h * 1_000_000 for h in sorted(hours)], np.int64))
    edges = hour_edges(origin + np.timedelta64(first, "h"), origin + np.timedelta64(first + length, "h"))
    grid = lay([rows], edges)
    twin = [float(first + n) if first + n in hours else None for n in range(length)]
    assert [None if np.isnan(v) else v for v in grid.value[0]] == twin
    assert grid.present[0].tolist() == [v is not None for v in twin]


def test_rows_of_another_length_are_left_out_rather_than_moved():
    origin = np.datetime64("2026-01-01T00:00:00", "s")
    rows = Intervals.of(np.array([origin + np.timedelta64(900, "s")]), np.array([5_000_000]))
    assert not lay([rows], hour_edges(origin, origin + np.timedelta64(2, "h"))).present.any()


# local time
def test_a_local_day_is_as_long_as_it_is():
    oslo = day_edges(date(2026, 3, 28), 3, "Europe/Oslo")
    assert np.diff(oslo).astype(int).tolist() == [24 * 3600, 23 * 3600, 24 * 3600]
    assert str(midnight(date(2026, 11, 20), ZONE)) == "2026-11-19T16:00:00"


# splits
def test_what_sub_items_leave_is_not_metered_and_a_missing_one_is_in_it_for_that_time():
    starts = np.array([np.datetime64("2026-01-01T00:00:00", "s") + np.timedelta64(h, "h") for h in range(4)])
    grid = lay(
        [
            column(starts, [10.0, 10.0, None, 10.0]),
            column(starts, [3.0, None, 3.0, 8.0]),
            column(starts, [4.0, 4.0, 4.0, 5.0], [2, 1, 2, 2]),
        ],
        np.append(starts, starts[-1] + np.timedelta64(1, "h")),
    )
    parts = split(grid, ["=", "01A", "01B"], divided=True)
    np.testing.assert_allclose(parts.items["01A"], [3, 0, np.nan, 8])
    np.testing.assert_allclose(parts.items["01B"], [4, 4, np.nan, 5])
    np.testing.assert_allclose(parts.items[""], [3, 6, np.nan, 0])
    assert parts.estimated["01B"].tolist() == [False, True, False, False]
    assert parts.excess.tolist() == [0, 0, 0, 3], "the last hour's sub-items count 13 where the total is 10"


HOURS = st.lists(st.tuples(st.floats(0, 100), st.floats(-100, 100), st.floats(0, 100)), min_size=1, max_size=8)


@given(hours=HOURS)
def test_slices_less_excess_always_add_up_to_the_total(hours):
    starts = np.datetime64("2026-01-01T00:00:00", "s") + np.arange(len(hours) + 1) * np.timedelta64(3600, "s")
    grid = lay([column(starts[:-1], [h[n] for h in hours]) for n in range(3)], starts)
    parts = split(grid, ["=", "01A", "01B"], divided=True)
    np.testing.assert_allclose(sum(parts.items.values()) - parts.excess, parts.total, atol=1e-5)


# spans
def test_a_span_is_read_by_days_and_by_hours_where_a_day_is_not_known(small_world):
    """Thirty days to two o'clock today: 29 days and 14 hours; one day of them is lost, of which 23 hours are known."""
    world = small_world(60)
    day = midnight(date(2026, 11, 10), ZONE)
    lost = Intervals.of(np.array([day]), np.array([0]), Known.MISSING, Method.NO_CLOSING)
    world.store.write_intervals(Column("tower/main", "energy_import", Resolution.DAY), lost)
    world.store.write_intervals(Column("tower/main", "energy_import", Resolution.HOUR), lost)
    rebuild_totals(world.store, world.portfolio, 0.9)
    end = midnight(date(2026, 11, 20), ZONE) + np.timedelta64(14, "h")
    shown = month(world.reader, "tower", end).energy
    assert shown.completeness == pytest.approx((29 * 24 + 14 - 1) / (29 * 24 + 14))
    working = sum((date(2026, 10, 22) + timedelta(n)).weekday() < 5 for n in range(29))
    assert shown.value == pytest.approx(29 * 480 + working * 400 - 20 + 14 * 20 + 6 * 40)
    assert sum(s.kwh for s in month(world.reader, "tower", end).shares) == pytest.approx(shown.value)


def test_a_district_lacks_what_is_expected_of_the_missing_not_one_of_so_many():
    shown = _together([Total(950.0, "kWh", 0.95, 0.0, False, expected=1000.0),
                       Total(None, "kWh", 0.5, 0.0, True, expected=50.0)], "kWh", 0.9)  # fmt: skip
    assert shown.completeness == pytest.approx(0.95 * 1000 / 1050)
    assert shown.value == 950.0


# words
def expect(word_of: str, actual: list[float], low: list[float], high: list[float]) -> None:
    assert word(np.array(actual), np.array(low), np.array(high)) == word_of


def test_the_word_follows_the_day_and_the_last_two_hours():
    expect("unknown", [], [], [])
    expect("normal", [10, 10], [8, 8], [12, 12])
    expect("high", [10, 15], [8, 8], [12, 12])
    expect("low", [10, 2], [8, 8], [12, 12])
    expect("normal", [5, 13, 8], [4, 4, 4], [12, 12, 12])
    expect("high", [5, 5, 13, 13], [4, 4, 4, 4], [12, 12, 12, 12])
    expect("low", [10, 10, 3, 3], [4, 4, 4, 4], [12, 12, 12, 12])
    expect("high", [13.0], [4], [12])


# totals
def test_a_total_says_how_complete_it_is_and_how_much_is_estimated():
    value = np.array([1.0, 2.0, np.nan, 4.0, 8.0])
    known = np.array([2, 1, 0, 2, 2], np.uint8)
    over = np.array([True, True, True, True, False])
    shown = total(value, known, over, limit=0.7)
    assert (shown.value, shown.completeness, shown.withheld) == (7.0, 0.75, False)
    assert shown.estimated == pytest.approx(1 / 3)
    assert total(value, known, over, limit=0.8).value is None
    nothing = total(value, known, np.zeros(5, bool), limit=0.8)
    assert (nothing.value, nothing.completeness, nothing.withheld) == (None, None, False)


def test_suspect_energy_is_summed_and_told_apart():
    value, known = np.array([1.0, 100.0]), np.array([2, 2], np.uint8)
    shown = total(value, known, np.ones(2, bool), limit=0.9, suspect=np.array([False, True]))
    assert (shown.value, shown.suspect) == (101.0, 100.0)


# up to when
def reader_with(world, days: list[date], now: date, filling: float | None = None) -> Reader:
    """A store in which the tower's main meter knows just these days."""
    store = MemoryStore()
    starts = np.array([midnight(d, ZONE) for d in sorted(days)], "datetime64[s]")
    store.write_intervals(
        Column("tower/main", "energy_import", Resolution.DAY), Intervals.of(starts, np.full(len(days), 1_000_000))
    )
    rebuild_totals(store, world.portfolio, 0.9)
    store.put(GatewayStatus(id="gw1", told_ms=0, waiting=0, oldest_ms=0, polls=0, errors=0, backfill=filling))
    clock = HandClock(to_ms(midnight(now, ZONE)) + 5 * 3_600_000)
    return Reader(store, lambda: world.portfolio, clock, Settings())


def run_of(first: date, days: int) -> list[date]:
    return [first + timedelta(n) for n in range(days)]


def test_a_live_building_is_shown_up_to_now(world):
    shown = asof.as_of(reader_with(world, run_of(date(2026, 10, 1), 51), date(2026, 11, 20)), "tower")
    assert (shown.fresh, shown.days_known) == (True, 51)
    assert shown.end_ms == to_ms(midnight(date(2026, 11, 20), ZONE)) + 5 * 3_600_000


def test_a_past_that_was_replayed_is_shown_to_its_end_even_years_later(world):
    shown = asof.as_of(reader_with(world, run_of(date(2017, 1, 1), 40), date(2026, 11, 20)), "tower")
    assert not shown.fresh
    assert shown.end_ms == to_ms(midnight(date(2017, 2, 10), ZONE))


def test_while_the_past_is_being_read_the_newest_full_month_is_shown(world):
    """Live readings of today stand alone at the end; the back-fill has come to the end of January."""
    days = [*run_of(date(2026, 1, 1), 31), date(2026, 11, 20)]
    shown = asof.as_of(reader_with(world, days, date(2026, 11, 20), filling=0.1), "tower")
    assert not shown.fresh
    assert shown.end_ms == to_ms(midnight(date(2026, 2, 1), ZONE))


def test_the_district_is_shown_to_now_as_soon_as_any_building_is_live(world):
    reader = reader_with(world, run_of(date(2026, 10, 1), 51), date(2026, 11, 20))
    assert asof.district_as_of(reader).fresh
    assert district(reader).without == ["hotel", "school"], "the tower is known by its days"


# small judgements
def test_a_meter_is_late_after_two_hours_and_silent_after_a_day():
    hour = 3_600_000
    assert [state_of(100 * hour, t) for t in (99 * hour, 98 * hour, 97 * hour, 76 * hour, 75 * hour)] == [
        "ok", "ok", "late", "late", "silent",
    ]  # fmt: skip
    assert state_of(0, None) == "never"


def saving(low: float, high: float, **more: object) -> Saving:
    fields: dict[str, object] = {
        "id": "m", "measure": "m", "start_ms": 0, "end_ms": 1, "actual_kwh": 1.0, "expected_kwh": 1.0,
        "avoided_kwh": 0.0, "low_kwh": low, "high_kwh": high, "confidence": 0.9, "completeness": 1.0,
        "cvrmse": 0.1, "nmbe": 0.0,
    }  # fmt: skip
    return Saving(**{**fields, **more})  # type: ignore[arg-type]  # a table of fields


def test_a_verdict_needs_a_band_without_zero_and_a_whole_period():
    assert verdict(saving(1, 5), 0.9) == "saved"
    assert verdict(saving(-1, 5), 0.9) == "unclear"
    assert verdict(saving(-5, -1), 0.9) == "more"
    assert verdict(saving(1, 5, completeness=0.89), 0.9) == "waiting"
    assert verdict(saving(1, 5, refused="too little data"), 0.9) == "refused"
    assert verdict(None, 0.9) == "waiting"


def test_days_know_holidays_swapped_saturdays_and_countries_without_a_calendar():
    assert day_of(date(2026, 10, 1), "CN").kind == "holiday"
    assert day_of(date(2026, 10, 10), "CN").kind == "work"
    assert day_of(date(2026, 11, 14), "CN", "SH").kind == "rest"
    assert [day_of(date(2026, 10, d), "XX").kind for d in (1, 3)] == ["work", "rest"]


def test_results_are_kept_for_a_while_and_made_anew_after(world):
    clock = HandClock(0)
    reader = Reader(MemoryStore(), lambda: world.portfolio, clock, Settings())
    made: list[int] = []

    def make() -> int:
        made.append(1)
        return len(made)

    assert [reader.kept("k", make, 5.0), reader.kept("k", make, 5.0)] == [1, 1]
    clock.advance(5.1)
    assert reader.kept("k", make, 5.0) == 2


def test_flags_mark_suspect_rows_in_a_grid():
    starts = np.array([np.datetime64("2026-01-01T00:00:00", "s")])
    rows = Intervals.of(starts, np.array([1]), Known.ESTIMATED, 2, Flag.SUSPECT | Flag.PENDING)
    grid = lay([rows], np.append(starts, starts + np.timedelta64(1, "h")))
    assert (grid.suspect.tolist(), grid.estimated.tolist()) == ([[True]], [[True]])


def test_a_bar_is_as_wide_as_its_shares_and_a_line_breaks_where_nothing_is_known(world):
    pieces = shapes.bar(month(world.reader, "tower").shares)
    assert [(p.item, p.x, p.width) for p in pieces] == [
        ("01A", 0, 300), ("01B", 300, 400), ("01C", 700, 150), ("01D", 850, 50), ("none", 900, 100),
    ]  # fmt: skip
    day = dataclasses.replace(today(world.reader, "tower"), actual=[1.0, None, 1.0, 0.0], high=[2.0] * 4, low=[1.0] * 4)
    assert shapes.spark(day).line.count("M") == 2
    assert shapes.spark(day).band.endswith("Z")


def test_a_year_tells_how_much_of_it_is_suspect_by_the_hour(small_world):
    """One suspect hour of 1000 kWh on 10 July; its day is flagged too, and is not suspect as a whole."""
    world = small_world(400)
    day = midnight(date(2026, 7, 10), ZONE)
    hour = np.array([day + np.timedelta64(12, "h")])
    for starts, kwh, resolution in ((hour, 1000, Resolution.HOUR), (np.array([day]), 1880, Resolution.DAY)):
        rows = Intervals.of(starts, np.array([kwh * 1_000_000]), flags=Flag.SUSPECT)
        world.store.write_intervals(Column("tower/main", "energy_import", resolution), rows)
    rebuild_totals(world.store, world.portfolio, 0.9)
    shown = intensity(world.reader, "tower")
    assert shown is not None
    assert shown.suspect == pytest.approx(1000 / 10_000)


def test_while_one_building_is_live_and_the_rest_is_being_read_the_fullest_month_is_shown(world):
    """The school is live with a whole year; the other two have come to the end of March."""
    reader = reader_with(world, run_of(date(2026, 1, 1), 90), date(2026, 11, 20), filling=0.4)
    store = reader._store
    for point, days in (("hotel/main", 90), ("school/01a", 324), ("school/01b", 324), ("school/01c", 324)):
        starts = np.array([midnight(d, ZONE) for d in run_of(date(2026, 1, 1), days)], "datetime64[s]")
        column = Column(point, "energy_import", Resolution.DAY)
        store.write_intervals(column, Intervals.of(starts, np.full(days, 1_000_000)))
    rebuild_totals(store, world.portfolio, 0.9)
    shown = asof.district_as_of(reader)
    assert shown.end_ms == to_ms(midnight(date(2026, 4, 1), ZONE))
    assert not shown.fresh
