"""From readings in a store to intervals in the ledger, and how each is known. Expected values by hand, in kWh."""

from itertools import pairwise

import numpy as np
import pytest

from analytics.calendar import edges
from analytics.ledger import settle_point, show_day
from analytics.ledger.settle import settle
from analytics.ledger.unroll import Track
from submeter.stores.memory import MemoryStore
from submeter.words import Correction, Flag, Known, Method, Resolution
from tests.analytics.ledger.small_cases import (
    DAY_MS,
    HOUR_MS,
    METER,
    QUARTER_MS,
    analyst,
    device,
    ms,
    portfolio,
    rows,
    settled,
    table,
    write,
)

Q, H, D = Resolution.QUARTER, Resolution.HOUR, Resolution.DAY
MEASURED, ESTIMATED, MISSING = int(Known.MEASURED), int(Known.ESTIMATED), int(Known.MISSING)
REGISTER, LINEAR, PROFILE = int(Method.REGISTER), int(Method.LINEAR), int(Method.PROFILE)
NO_READING, NO_CLOSING = int(Method.NO_READING), int(Method.NO_CLOSING)
MIDNIGHT = ms("2025-03-02T16:00")
"""local midnight in Shanghai, a Monday begins"""


def quarters(n: int, kwh: float = 1.0, start: int = MIDNIGHT, shown: float = 1000.0) -> list[tuple[int, float]]:
    return [(start + i * QUARTER_MS, shown + i * kwh) for i in range(n)]


def hourly(n: int, kwh: float = 4.0, start: int = MIDNIGHT, shown: float = 1000.0) -> list[tuple[int, float]]:
    return [(start + i * HOUR_MS, shown + i * kwh) for i in range(n)]


def test_a_day_of_quarters_is_measured_at_every_resolution() -> None:
    store = settled(quarters(97))
    assert set(table(store, Q).values()) == {(1.0, MEASURED, REGISTER), (0.0, MISSING, NO_READING)}
    assert table(store, H)["2025-03-02T16:00"] == (4.0, MEASURED, REGISTER)
    assert table(store, D)["2025-03-02T16:00"] == (96.0, MEASURED, REGISTER)


def test_the_open_end_is_missing_and_pending() -> None:
    store = settled(quarters(6))
    last = rows(store, H)
    assert table(store, H) == {
        "2025-03-02T16:00": (4.0, MEASURED, REGISTER),
        "2025-03-02T17:00": (0.0, MISSING, NO_READING),
    }
    assert last.flags.tolist() == [0, Flag.PENDING]


def test_hourly_readings_give_hours_and_days_and_no_quarters() -> None:
    store = settled(hourly(25))
    assert len(rows(store, Q)) == 0
    assert table(store, D)["2025-03-02T16:00"] == (96.0, MEASURED, REGISTER)


def test_an_hour_between_two_good_readings_is_measured_though_its_quarters_are_estimated() -> None:
    shown = [r for r in quarters(97) if r[0] % HOUR_MS == 0 or r[0] > MIDNIGHT + 4 * HOUR_MS]
    store = settled(shown)
    assert table(store, Q)["2025-03-02T16:15"] == (1.0, ESTIMATED, LINEAR)
    assert table(store, H)["2025-03-02T16:00"] == (4.0, MEASURED, REGISTER)


@pytest.mark.parametrize(("late_s", "known"), [(0, MEASURED), (30, MEASURED), (31, ESTIMATED)])
def test_a_boundary_within_thirty_seconds_of_a_reading_is_exact_for_quarters(late_s: int, known: int) -> None:
    store = settled([(t + late_s * 1000, kwh) for t, kwh in quarters(97)])
    assert table(store, Q)["2025-03-02T18:00"][1] == known
    assert table(store, H)["2025-03-02T18:00"][1] == MEASURED


def test_live_polls_every_minute_at_odd_times_measure_every_quarter() -> None:
    store = settled([(MIDNIGHT + 17_000 + i * 60_000, 1000 + i / 60) for i in range(121)])
    found = rows(store, Q)
    assert found.known[1:-1].tolist() == [MEASURED] * (len(found) - 2)
    assert found.micro[1] == pytest.approx(250_000, abs=2)


def test_a_gap_of_two_hours_is_spread_evenly_and_adds_up() -> None:
    shown = [r for r in quarters(97) if not MIDNIGHT < r[0] < MIDNIGHT + 2 * HOUR_MS]
    shown = [(t, kwh + (7 if t >= MIDNIGHT + 2 * HOUR_MS else 0)) for t, kwh in shown]
    store = settled(shown)
    gap = [table(store, Q)[f"2025-03-02T{h}:{m:02}"] for h in (16, 17) for m in (0, 15, 30, 45)]
    assert {known for _, known, _ in gap} == {ESTIMATED}
    assert {method for *_, method in gap} == {LINEAR}
    assert sum(kwh for kwh, *_ in gap) == pytest.approx(15, abs=1e-6)
    assert table(store, D)["2025-03-02T16:00"] == (103.0, MEASURED, REGISTER)


def weekly(hours: int, start: int = MIDNIGHT) -> list[tuple[int, float]]:
    """A register with 9 kWh an hour from 8 to 18 local time, else 1."""
    shown, readings = 1000.0, []
    for i in range(hours + 1):
        readings.append((start + i * HOUR_MS, shown))
        shown += 9 if 8 <= i % 24 < 18 else 1
    return readings


def test_a_long_gap_follows_the_meters_own_profile_and_adds_up() -> None:
    begin, end = MIDNIGHT + 7 * DAY_MS, MIDNIGHT + 8 * DAY_MS
    store = settled([r for r in weekly(10 * 24) if not begin < r[0] < end])
    gap = [v for k, v in table(store, H).items() if "2025-03-09T16:00" <= k < "2025-03-10T16:00"]
    assert [round(kwh) for kwh, *_ in gap] == [1] * 8 + [9] * 10 + [1] * 6
    assert {(known, method) for _, known, method in gap} == {(ESTIMATED, PROFILE)}
    assert table(store, D)["2025-03-09T16:00"] == (104.0, MEASURED, REGISTER)


def test_a_profile_is_scaled_to_what_the_register_counted() -> None:
    begin, end = MIDNIGHT + 7 * DAY_MS, MIDNIGHT + 8 * DAY_MS
    shown = [(t, kwh + (104 if t >= end else 0)) for t, kwh in weekly(10 * 24) if not begin < t < end]
    gap = [v for k, v in table(settled(shown), H).items() if "2025-03-09T16:00" <= k < "2025-03-10T16:00"]
    assert [round(kwh) for kwh, *_ in gap] == [2] * 8 + [18] * 10 + [2] * 6
    assert round(sum(kwh for kwh, *_ in gap), 6) == 208


def test_zero_and_missing_are_never_the_same() -> None:
    store = settled(quarters(6, kwh=0.0))
    assert table(store, Q)["2025-03-02T16:00"] == (0.0, MEASURED, REGISTER)
    assert table(store, Q)["2025-03-02T17:15"] == (0.0, MISSING, NO_READING)


def test_nothing_is_said_before_the_first_reading() -> None:
    store = settled(quarters(97, start=MIDNIGHT + 20 * 60_000))
    assert str(rows(store, Q).start[0])[:16] == "2025-03-02T16:30"
    assert str(rows(store, D).start[0])[:16] == "2025-03-03T16:00"


def test_energy_that_the_register_kept_is_suspect_at_every_resolution() -> None:
    shown = [(t, kwh + (5_000 if t >= MIDNIGHT + 5 * HOUR_MS else 0)) for t, kwh in quarters(97)]
    store = settled(shown)
    for resolution, kwh in ((Q, 5_001.0), (H, 5_004.0), (D, 5_096.0)):
        found = rows(store, resolution)
        suspect = found.take(found.flags & Flag.SUSPECT > 0)
        assert (suspect.micro / 1e6).tolist() == [kwh]
        assert suspect.known.tolist() == [MEASURED]


def test_an_unrated_meter_knows_what_is_implausible_from_its_own_history() -> None:
    shown, readings = 0.0, []
    for i in range(60 * 24 + 1):
        readings.append((MIDNIGHT + i * HOUR_MS, shown))
        shown += 3_000 if i == 30 * 24 + 3 else 9 if 8 <= i % 24 < 18 else 1
    store = settled(readings, portfolio(rating=0.0))
    hours = rows(store, H)
    assert np.flatnonzero(hours.flags & Flag.SUSPECT).tolist() == [30 * 24 + 3]
    days = rows(store, D)
    assert np.flatnonzero(days.flags & Flag.SUSPECT).tolist() == [30]


def test_a_glitch_is_dropped_and_its_neighbours_stay_measured() -> None:
    shown = quarters(97)
    shown[10] = (shown[10][0], 0.0)
    store = settled(shown)
    assert table(store, D)["2025-03-02T16:00"] == (96.0, MEASURED, REGISTER)
    assert table(store, Q)["2025-03-02T18:15"] == (1.0, ESTIMATED, LINEAR)


def test_ct_ratio_multiplies_exactly() -> None:
    store = settled(quarters(97), portfolio(device(ct="400/5"), rating=8_000))
    assert table(store, D)["2025-03-02T16:00"] == (96.0 * 80, MEASURED, REGISTER)


def test_an_exchange_with_closing_and_opening_reading_loses_nothing() -> None:
    noon = MIDNIGHT + 12 * HOUR_MS
    where = portfolio(
        device("old", until="2025-03-03T12:05:00", closing=1048.3),
        device("new", since="2025-03-03T12:05:00", opening=0.1),
    )
    store = MemoryStore()
    write(store, quarters(49), "old")
    write(store, quarters(48, start=noon + QUARTER_MS, shown=0.8), "new")
    analyst(store, where).step()
    assert table(store, Q)["2025-03-03T04:00"] == (1.0, ESTIMATED, LINEAR)
    assert table(store, D)["2025-03-02T16:00"] == (96.0, ESTIMATED, LINEAR)
    assert rows(store, D).flags[0] == Flag.EXCHANGE


def test_a_changed_current_transformer_counts_from_its_date_on() -> None:
    where = portfolio(
        device(ct="100/5", until="2025-03-03T12:00:00"), device(ct="200/5", since="2025-03-03T12:00:00"), rating=8_000
    )
    store = settled(quarters(97), where)
    assert table(store, H)["2025-03-03T03:00"][:2] == (80.0, ESTIMATED)
    assert table(store, H)["2025-03-03T04:00"][:2] == (160.0, MEASURED)
    assert table(store, D)["2025-03-02T16:00"][0] == 48 * 20 + 48 * 40


@pytest.mark.parametrize("at_once", [True, False])
def test_a_register_that_counts_down_is_missing_and_says_why(at_once: bool) -> None:
    rises, falls = quarters(96), [(MIDNIGHT + (96 + i) * QUARTER_MS, 1095.0 - i / 4) for i in range(3 * 96)]
    store, job = MemoryStore(), None
    every = [*rises, *falls, *quarters(96, start=MIDNIGHT + 4 * DAY_MS, shown=1024.0)]
    job = analyst(store, portfolio())
    for first in range(0, len(every), len(every) if at_once else 50):
        write(store, every[first : first + (len(every) if at_once else 50)])
        job.step()
    days, refuted = table(store, D), int(Method.REFUTED)
    assert [days[f"2025-03-0{day}T16:00"] for day in (3, 4)] == [(0.0, MISSING, refuted)] * 2
    assert days["2025-03-06T16:00"][1] == MISSING, "the last day has no closing reading yet"
    hours = table(store, H)
    assert all(
        hours[f"2025-03-{day:02}T{hour:02}:00"] == (0.0, MISSING, refuted) for day in (4, 5) for hour in range(24)
    )
    assert hours["2025-03-07T10:00"] == (4.0, MEASURED, REGISTER)


def test_an_exchange_without_closing_reading_is_missing_where_nothing_is_known() -> None:
    where = portfolio(device("old", until="2025-03-03T12:00:00"), device("new", since="2025-03-03T16:00:00"))
    store = MemoryStore()
    write(store, quarters(48), "old")
    write(store, quarters(40, start=MIDNIGHT + 16 * HOUR_MS, shown=0.0), "new")
    analyst(store, where).step()
    assert table(store, H)["2025-03-03T05:00"] == (0.0, MISSING, NO_CLOSING)
    assert table(store, D)["2025-03-02T16:00"] == (0.0, MISSING, NO_CLOSING)
    assert table(store, H)["2025-03-03T08:00"] == (4.0, MEASURED, REGISTER)


def test_a_meter_that_was_taken_away_has_no_intervals_afterwards() -> None:
    store = MemoryStore()
    write(store, quarters(97))
    analyst(store, portfolio(device(until="2025-03-03T12:00:00"))).step()
    assert str(rows(store, Q).start[-1])[:16] == "2025-03-03T03:45"


@pytest.mark.parametrize(("day", "hours"), [("2025-03-30", 23), ("2025-10-26", 25)], ids=["spring", "autumn"])
def test_days_of_a_clock_change_hold_all_their_hours(day: str, hours: int) -> None:
    where = portfolio(zone="Europe/Oslo")
    start = ms(day + "T00:00") - 2 * DAY_MS
    store = settled(hourly(5 * 24, start=start - start % HOUR_MS), where)
    found = [row for row in show_day(store, where, METER, day) if row.resolution is D]
    assert [(row.value, row.known) for row in found] == [(4.0 * hours, Known.MEASURED)]
    assert len([row for row in show_day(store, where, METER, day) if row.resolution is H]) == hours


def test_in_kathmandu_hours_begin_at_a_quarter_past_and_add_up_to_the_day() -> None:
    where = portfolio(zone="Asia/Kathmandu")
    store = settled(quarters(3 * 96, start=ms("2025-03-01T18:15")), where)
    shown = show_day(store, where, METER, "2025-03-03")
    assert [row.value for row in shown if row.resolution is D] == [96.0]
    assert [row.value for row in shown if row.resolution is H] == [4.0] * 24
    assert str(shown[0].start)[:16] == "2025-03-02T18:15"


def test_a_rejected_span_is_taken_out_and_a_told_reading_comes_in() -> None:
    store = MemoryStore()
    write(store, [(t, kwh + (50 if i == 8 else 0)) for i, (t, kwh) in enumerate(quarters(97))])
    at = MIDNIGHT + 8 * QUARTER_MS
    who = {"building": "b", "point": METER, "author": "li", "reason": "read by hand", "told_ms": 0}
    store.put(
        Correction(id="1", kind="reject", start_ms=at, end_ms=at + 1, **who),  # type: ignore[arg-type]
        Correction(id="2", kind="reading", start_ms=at, end_ms=at + 1, micro=1_008_000_000, **who),  # type: ignore[arg-type]
    )
    settle_point(store, portfolio(), METER)
    assert table(store, Q)["2025-03-02T18:00"] == (1.0, MEASURED, REGISTER)


def test_settling_again_writes_nothing() -> None:
    store = settled(quarters(200))
    again = settle_point(store, portfolio(), METER)
    assert all(len(changed) == 0 for changed in again.changed.values())
    assert again.settled > 200


def test_a_revision_rises_only_where_something_changed() -> None:
    store = settled([r for r in quarters(97) if r[0] != MIDNIGHT + 8 * QUARTER_MS])
    write(store, [quarters(97)[8]])
    analyst(store, portfolio()).step()
    found = rows(store, Q)
    assert np.flatnonzero(found.revision).tolist() == [7, 8]
    assert rows(store, H).revision.tolist()[:4] == [0, 1, 1, 0]


def test_show_day_of_an_unknown_point_says_what_to_do() -> None:
    with pytest.raises(KeyError, match="config check"):
        show_day(MemoryStore(), portfolio(), "b/nobody", "2025-03-03")


def slow_twin(times: list[int], counts: list[int], begin: int, end: int) -> float:
    """Energy between two instants of a polyline, by walking over its pieces."""
    total = 0.0
    for (t0, c0), (t1, c1) in pairwise(zip(times, counts, strict=True)):
        low, high = max(t0, begin), min(t1, end)
        if low < high:
            total += (c1 - c0) * (high - low) / (t1 - t0)
    return total


def test_settle_agrees_with_its_slow_twin_at_every_resolution() -> None:
    random = np.random.default_rng(5)
    times = MIDNIGHT + np.unique(random.integers(0, 4 * DAY_MS, 500))
    counts = np.concatenate([[0], np.cumsum(random.integers(0, 10**6, len(times) - 1))])
    n = len(times) - 1
    track = Track(times, counts, np.zeros(n, np.uint16), np.zeros(n, bool))
    for resolution in Resolution:
        grid = edges("Asia/Shanghai", resolution, int(times[0]) // 1000, int(times[-1]) // 1000)
        found = settle(track, grid, resolution)
        ends = grid[np.searchsorted(grid, found.start.astype(np.int64)) + 1]
        for row in np.flatnonzero(found.known):
            begin, end = int(found.start[row].astype(np.int64)) * 1000, int(ends[row]) * 1000
            assert found.micro[row] == pytest.approx(slow_twin(times.tolist(), counts.tolist(), begin, end), abs=2)


def test_a_change_said_to_reach_back_to_1970_is_settled_from_the_first_reading_on() -> None:
    for where in (portfolio(rating=50.0), portfolio(rating=0.0)):
        whole, touched = settled(hourly(49), where), MemoryStore()
        write(touched, hourly(49))
        touched.touch([(METER, 0, MIDNIGHT + 49 * HOUR_MS)])
        analyst(touched, where).run_once()
        assert table(touched, H) == table(whole, H)
        assert table(touched, D) == table(whole, D)
