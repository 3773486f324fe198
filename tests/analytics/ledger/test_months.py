"""Months of the ledger: from days, whole, and bit for bit what settling everything again gives. By hand, in kWh."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.calendar import edges
from analytics.ledger import settle_point
from analytics.ledger.months import Months, near_measured
from analytics.ledger.settle import settle
from analytics.ledger.unroll import Track
from submeter.stores.memory import MemoryStore
from submeter.words import Flag, Known, Method, Portfolio, Resolution
from tests.analytics.ledger.small_cases import (
    DAY_MS,
    HOUR_MS,
    METER,
    analyst,
    content,
    device,
    ms,
    portfolio,
    rows,
    settled,
    table,
    write,
)

D, M = Resolution.DAY, Resolution.MONTH
NEW_YEAR = ms("2024-12-31T16:00")
"""local midnight in Shanghai"""
MEASURED, ESTIMATED, MISSING = int(Known.MEASURED), int(Known.ESTIMATED), int(Known.MISSING)
REGISTER, LINEAR, PROFILE = int(Method.REGISTER), int(Method.LINEAR), int(Method.PROFILE)
NO_READING, NO_CLOSING = int(Method.NO_READING), int(Method.NO_CLOSING)


def hourly(days: float, start: int = NEW_YEAR, shown: float = 1000.0) -> list[tuple[int, float]]:
    """One kWh an hour."""
    return [(start + i * HOUR_MS, shown + i) for i in range(int(days * 24) + 1)]


def without(readings: list[tuple[int, float]], first: str, last: str) -> list[tuple[int, float]]:
    """Between two instants in UTC nothing was read."""
    return [r for r in readings if not ms(first) < r[0] < ms(last)]


def test_months_are_those_of_the_building_and_the_last_is_pending() -> None:
    store = settled(hourly(31 + 28 + 5))
    assert table(store, M) == {
        "2024-12-31T16:00": (31 * 24.0, MEASURED, REGISTER),
        "2025-01-31T16:00": (28 * 24.0, MEASURED, REGISTER),
        "2025-02-28T16:00": (0.0, MISSING, NO_READING),
    }
    assert rows(store, M).flags.tolist() == [0, 0, Flag.PENDING]


@pytest.mark.parametrize(("month", "hours"), [("2025-03", 31 * 24 - 1), ("2025-10", 31 * 24 + 1)])
def test_months_of_a_clock_change_hold_all_their_hours(month: str, hours: int) -> None:
    start = ms(f"{month}-01T00:00") - 2 * DAY_MS
    store = settled(hourly(40, start), portfolio(zone="Europe/Oslo"))
    assert [value for value, known, _ in table(store, M).values() if known] == [hours]


def test_a_month_that_began_before_the_first_reading_is_left_out() -> None:
    store = settled(hourly(62, NEW_YEAR + DAY_MS))
    assert list(table(store, M)) == ["2025-01-31T16:00", "2025-02-28T16:00"]


def test_a_gap_inside_leaves_a_month_measured() -> None:
    store = settled(without(hourly(40), "2025-01-10T00:00", "2025-01-20T00:00"))
    assert table(store, D)["2025-01-12T16:00"][1] == ESTIMATED
    assert table(store, M)["2024-12-31T16:00"] == (31 * 24.0, MEASURED, REGISTER)


@pytest.mark.parametrize(("hours", "known", "method"), [(24, MEASURED, REGISTER), (25, ESTIMATED, PROFILE)])
def test_a_month_is_measured_when_a_reading_lies_within_a_day_of_its_end(hours: int, known: int, method: int) -> None:
    end = ms("2025-01-31T16:00")
    kept = [r for r in hourly(40) if not end - hours * HOUR_MS < r[0] < end + hours * HOUR_MS]
    kwh, *how = table(settled(kept), M)["2024-12-31T16:00"]
    assert (round(kwh, 3), how) == (31 * 24.0, [known, method])


def test_a_month_in_which_the_register_was_lost_is_missing() -> None:
    where = portfolio(device("old", until="2025-01-10T12:00:00"), device("new", since="2025-01-11T12:00:00"))
    store = MemoryStore()
    write(store, [r for r in hourly(64) if r[0] < ms("2025-01-10T04:00")], "old")
    write(store, hourly(40, ms("2025-01-11T04:00"), 0.0), "new")
    analyst(store, where).step()
    assert table(store, M)["2024-12-31T16:00"] == (0.0, MISSING, NO_CLOSING)


def test_a_reading_that_comes_late_in_the_middle_of_a_month_moves_nothing_but_its_own_days() -> None:
    store = MemoryStore()
    write(store, without(hourly(70), "2025-01-14T16:00", "2025-01-15T16:00"))
    job = analyst(store, portfolio())
    job.step()
    write(store, [r for r in hourly(70) if ms("2025-01-14T16:00") < r[0] < ms("2025-01-15T16:00")])
    job.step()
    assert rows(store, M).revision.tolist() == [0, 0, 0]


def test_a_short_break_of_the_register_leaves_its_month_estimated_and_the_sum_of_its_days() -> None:
    step = ms("2025-01-15T00:00")
    store = settled([(t, kwh - (1300 if t > step else 0)) for t, kwh in hourly(40)])
    month = rows(store, M)
    assert (month.known[0], month.method[0], month.flags[0]) == (ESTIMATED, LINEAR, Flag.RESET)
    assert month.micro[0] == rows(store, D).micro[:31].sum()


@st.composite
def long_histories(draw: st.DrawFn) -> tuple[list[tuple[str, int, float]], Portfolio]:
    """A hundred days of three- or twelve-hourly readings with gaps, a reset, glitches and an exchange."""
    step = draw(st.sampled_from([3, 12])) * HOUR_MS
    n = 100 * DAY_MS // step
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    used = random.integers(0, 1000, n) / 100
    shown = np.cumsum(used) + 100.0
    for reset in draw(st.lists(st.integers(1, n - 1), max_size=1)):
        shown[reset:] -= shown[reset]
    for glitch in draw(st.lists(st.integers(0, n - 1), max_size=3)):
        shown[glitch] = 0.0
    times = NEW_YEAR + np.arange(n) * step + draw(st.sampled_from([0, 7_000, 5 * HOUR_MS]))
    keep = np.ones(n, bool)
    gap = st.tuples(st.integers(0, n - 1), st.integers(1, 12 * DAY_MS // step))
    for begin, length in draw(st.lists(gap, max_size=4)):
        keep[begin : begin + length] = False
    exchange = draw(st.sampled_from([0, ms("2025-01-31T16:00"), ms("2025-02-10T03:00")]))
    at = str(np.datetime64(exchange, "ms")) + "+00:00"
    told: dict[str, Any] = {"closing": float(np.floor(shown.max()) + 100)} if draw(st.booleans()) else {}
    rating = draw(st.sampled_from([60.0, 60.0, 0.0]))
    two = (device("s1", until=at, **told), device("s2", since=at, opening=0.0))
    where = portfolio(*(two if exchange else (device(),)), rating=rating)
    readings = [
        ("s2" if exchange and t >= exchange else "s1", t, round(kwh, 2))
        for t, kwh in zip(times[keep].tolist(), shown[keep].tolist(), strict=True)
    ]
    return readings, where


def _deliver(store: MemoryStore, readings: list[tuple[str, int, float]]) -> None:
    for serial in ("s1", "s2"):
        if of_device := [(t, kwh) for s, t, kwh in readings if s == serial]:
            write(store, of_device, serial)


@settings(max_examples=40, deadline=None)
@given(history=long_histories(), data=st.data())
def test_months_settled_piece_by_piece_are_those_of_a_whole_settlement(
    history: tuple[list[tuple[str, int, float]], Portfolio], data: st.DataObject
) -> None:
    readings, where = history
    pieces = data.draw(st.integers(1, 5))
    of = np.array(data.draw(st.lists(st.integers(0, pieces - 1), min_size=25, max_size=25)))
    lot = np.repeat(of, len(readings) // 25 + 1)[: len(readings)]
    store, whole = MemoryStore(), MemoryStore()
    job = analyst(store, where)
    for piece in range(pieces):
        _deliver(store, [r for r, mine in zip(readings, lot == piece, strict=True) if mine])
        job.step()
    _deliver(whole, readings)
    settle_point(whole, where, METER)
    assert content(store) == content(whole)
    days, months = rows(whole, D), rows(whole, M)
    bounds = np.append(months.start, np.datetime64("2100", "s"))
    for row in np.flatnonzero(months.known):
        inside = (days.start >= bounds[row]) & (days.start < bounds[row + 1])
        assert days.known[inside].all()
        assert days.micro[inside].sum() == months.micro[row]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 300), marks=st.integers(0, 4))
def test_months_made_of_days_are_the_months_of_the_track(seed: int, n: int, marks: int) -> None:
    random = np.random.default_rng(seed)
    times = NEW_YEAR + np.unique(random.integers(0, 200 * DAY_MS, n))
    counts = np.concatenate([[0], np.cumsum(random.integers(0, 10**6, len(times) - 1))])
    links = max(len(times) - 1, 0)
    flags, lost = np.zeros(links, np.uint16), np.zeros(links, np.uint8)
    for row in random.integers(0, links, marks).tolist() if links else []:
        flags[row] = random.choice([Flag.SUSPECT, Flag.ROLLOVER, Flag.RESET, Flag.EXCHANGE])
        lost[row] = random.choice([0, Method.NO_CLOSING, Method.REFUTED])
    track = Track(times, counts, flags, lost)
    zone = str(random.choice(["Asia/Shanghai", "Europe/Oslo", "Asia/Kathmandu"]))
    span = int(times[0]) // 1000, int(times[-1]) // 1000 + 1
    grid, days = edges(zone, M, *span), edges(zone, D, *edges(zone, M, *span)[[0, -1]].tolist())
    whole = settle(track, grid, M)
    of_days = settle(track, days, D)
    nearest = np.abs(times[:, None] - grid[None, :] * 1000).min(axis=0)
    found = Months.of(of_days, zone, grid).settled(nearest <= DAY_MS, np.zeros(len(grid), bool))
    for field in ("start", "micro", "known", "method", "flags"):
        assert getattr(found, field).tolist() == getattr(whole, field).tolist(), field
    assert (nearest[near_measured(of_days, zone, grid)] <= 48 * 60_000).all()
