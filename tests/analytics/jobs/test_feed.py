"""The feed job: whatever arrives in whatever order, and wherever it is killed, the ledger comes out the same."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analytics.jobs import Analyst, merged
from analytics.ledger import settle_point
from submeter.clock import HandClock
from submeter.settings.settings import AnalyticsSettings
from submeter.stores import Store
from submeter.stores.memory import MemoryStore
from submeter.words import Change, Device, GatewayStatus, Known, Method, Point, Portfolio, Resolution, StoreAway
from tests.analytics.ledger.small_cases import (
    DAY_MS,
    HOUR_MS,
    METER,
    QUARTER_MS,
    analyst,
    content,
    device,
    ms,
    portfolio,
    rows,
    table,
    write,
)

START = ms("2025-03-02T16:00")
MODULUS = 1_000.0


@dataclass(frozen=True)
class History:
    """What two devices showed: serial → (epoch ms, kWh)."""

    readings: list[tuple[str, int, float]]
    where: Portfolio


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Nine days of a register with everything that happens to registers."""
    step = draw(st.sampled_from([QUARTER_MS, HOUR_MS]))
    n = 9 * DAY_MS // step
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    used = random.integers(0, 300, n) / 100 * (step / QUARTER_MS)
    for jump in draw(st.lists(st.integers(1, n - 1), max_size=2)):
        used[jump] += 400.0
    shown = np.cumsum(used) + draw(st.sampled_from([0.0, 700.0]))
    for reset in draw(st.lists(st.integers(1, n - 1), max_size=1)):
        shown[reset:] -= shown[reset]
    shown = np.round(shown % MODULUS, 2)
    for glitch, low in draw(st.lists(st.tuples(st.integers(0, n - 1), st.booleans()), max_size=6)):
        shown[glitch] = 0.0 if low else 999.0
    times = START + np.arange(n) * step + draw(st.sampled_from([0, 7_000, 300_000]))
    keep = np.ones(n, bool)
    for begin, length in draw(
        st.lists(st.tuples(st.integers(0, n - 1), st.integers(1, 3 * DAY_MS // step)), max_size=3)
    ):
        keep[begin : begin + length] = False
    exchange = draw(st.sampled_from([0, START + 4 * DAY_MS + 3 * HOUR_MS]))
    readings = [
        ("s2" if exchange and t >= exchange else "s1", t, kwh)
        for t, kwh in zip(times[keep].tolist(), shown[keep].tolist(), strict=True)
    ]
    rating = draw(st.sampled_from([60.0, 60.0, 0.0]))
    return History(readings, _portfolio(exchange, rating, closing=draw(st.booleans())))


def _portfolio(exchange: int, rating: float, *, closing: bool) -> Portfolio:
    registers: dict[str, Any] = {"digits": 5, "resolution": 0.01}
    if not exchange:
        return portfolio(device(**registers), rating=rating)
    at = str(np.datetime64(exchange, "ms")) + "+00:00"
    told: dict[str, Any] = {"closing": 500.0} if closing else {}
    return portfolio(
        device("s1", until=at, **registers, **told), device("s2", since=at, opening=0.0, **registers), rating=rating
    )


def replayed(history: History) -> Store:
    """The ledger of all readings at once."""
    store = MemoryStore()
    _deliver(store, history.readings)
    settle_point(store, history.where, METER)
    return store


def _deliver(store: Store, readings: list[tuple[str, int, float]]) -> None:
    for serial in ("s1", "s2"):
        of_device = [(t, kwh) for s, t, kwh in readings if s == serial]
        if of_device:
            write(store, of_device, serial)


@settings(max_examples=60, deadline=None)
@given(history=histories(), data=st.data())
def test_late_readings_in_any_order_of_arrival_give_the_same_ledger(history: History, data: st.DataObject) -> None:
    pieces = data.draw(st.integers(1, 6))
    of = np.array(data.draw(st.lists(st.integers(0, pieces - 1), min_size=40, max_size=40)))
    lot = np.repeat(of, len(history.readings) // 40 + 1)[: len(history.readings)]
    store = MemoryStore()
    job = analyst(store, history.where)
    for piece in range(pieces):
        _deliver(store, [r for r, mine in zip(history.readings, lot == piece, strict=True) if mine])
        job.step()
    if history.readings:
        assert content(store) == content(replayed(history))


@example(used=[0] * 20, zeros=set(), step_s=60, jump=1).via("a first reading that the second refutes")
@settings(max_examples=25, deadline=None)
@given(
    used=st.lists(st.integers(0, 5), min_size=20, max_size=40),
    zeros=st.sets(st.integers(1, 39), max_size=4),
    step_s=st.sampled_from([60, 240, 600]),
    jump=st.integers(0, 60),
)
def test_live_polls_one_by_one_give_what_all_of_them_give(
    used: list[int], zeros: set[int], step_s: int, jump: int
) -> None:
    shown = 500 + np.cumsum(used) + np.where(np.arange(len(used)) >= jump, 5_000, 0)
    polls = [(START + i * step_s * 1000, 0.0 if i in zeros else float(kwh)) for i, kwh in enumerate(shown)]
    live, whole = MemoryStore(), MemoryStore()
    job = analyst(live, portfolio())
    for poll in polls:
        write(live, [poll])
        job.step()
    write(whole, polls)
    settle_point(whole, portfolio(), METER)
    assert content(live) == content(whole)


@settings(max_examples=40, deadline=None)
@given(history=histories())
def test_known_hours_are_the_sum_of_their_quarters_and_days_of_their_hours(history: History) -> None:
    store = replayed(history)
    quarters, hours, days, months = (rows(store, each) for each in Resolution)
    for fine, coarse in ((quarters, hours), (hours, days), (days, months)):
        starts = fine.start.astype(np.int64)
        spans = np.append(coarse.start.astype(np.int64), 2**53)
        for row in np.flatnonzero(coarse.known):
            inside = (starts >= spans[row]) & (starts < spans[row + 1])
            if inside.any() and row + 1 < len(coarse) and starts[inside][0] == spans[row]:
                assert fine.known[inside].all()
                assert fine.micro[inside].sum() == coarse.micro[row]


@settings(max_examples=30, deadline=None)
@given(history=histories(), cut=st.integers(0, 5))
def test_a_feed_killed_and_resumed_anywhere_gives_the_same_ledger(history: History, cut: int) -> None:
    if not history.readings:
        return
    store = DyingStore()
    thirds = np.array_split(np.arange(len(history.readings)), 3)
    for part in thirds:
        _deliver(store, [history.readings[i] for i in part.tolist()])
        store.lives = cut
        with suppress(StoreAway):
            analyst(store, history.where).step()
        store.lives = 10**6
        analyst(store, history.where).step()
    assert content(store) == content(replayed(history))


class DyingStore(MemoryStore):
    """A memory store that goes away after so many writes of intervals."""

    lives = 10**6

    def write_intervals(self, *what: object) -> None:
        self.lives -= 1
        if self.lives < 0:
            raise StoreAway("killed by the test")
        super().write_intervals(*what)  # type: ignore[arg-type]  # handed on as they came


def quarters(days: float, start: int = START) -> list[tuple[int, float]]:
    return [(start + i * QUARTER_MS, 1000.0 + i) for i in range(int(days * 96) + 1)]


def test_the_same_feed_twice_changes_nothing() -> None:
    store = MemoryStore()
    write(store, quarters(3))
    analyst(store, portfolio()).step()
    before = content(store), [rows(store, each).revision.tolist() for each in Resolution]
    store.set_cursor("ledger", 0)
    analyst(store, portfolio()).step()
    assert (content(store), [rows(store, each).revision.tolist() for each in Resolution]) == before


def test_spans_of_a_point_are_merged_unless_they_lie_far_apart() -> None:
    changes = [
        Change(1, "b/m", 0, 10),
        Change(2, "b/n", 5, 6),
        Change(3, "b/m", 8, 20),
        Change(4, "b/m", 100 * DAY_MS, 101 * DAY_MS),
    ]
    assert merged(changes) == {"b/m": [(0, 20), (100 * DAY_MS, 101 * DAY_MS)], "b/n": [(5, 6)]}


def test_a_late_reading_re_settles_the_gap_it_lies_in_and_leaves_the_rest() -> None:
    store = MemoryStore()
    late = START + 5 * DAY_MS
    write(store, [r for r in quarters(60) if not late < r[0] <= late + DAY_MS])
    job = analyst(store, portfolio())
    job.step()
    assert table(store, Resolution.HOUR)["2025-03-08T04:00"][1:] == (Known.ESTIMATED, Method.PROFILE)
    write(store, [r for r in quarters(60) if late < r[0] <= late + DAY_MS])
    job.step()
    assert table(store, Resolution.HOUR)["2025-03-08T04:00"] == (4.0, Known.MEASURED, Method.REGISTER)
    assert np.flatnonzero(rows(store, Resolution.HOUR).revision).tolist() == list(range(5 * 24, 6 * 24 + 1))


def test_live_polls_are_settled_when_they_cross_a_quarter_and_then_completely() -> None:
    store = CountingStore()
    job = analyst(store, portfolio())
    looks = []
    for minute in range(-12, 61):
        write(store, [(START + minute * 60_000 + 7_000, 1000 + (minute + 12) / 60)])
        job.step()
        looks.append(store.looks)
    settled = np.flatnonzero(np.diff(looks)) + 1 - 12
    assert settled[settled > 0].tolist() == [15, 30, 45, 60], "the first ten are settled one by one"
    assert [known for _, known, _ in table(store, Resolution.QUARTER).values()][:4] == [Known.MEASURED] * 4
    before = content(store)
    settle_point(store, portfolio(), METER)
    assert content(store) == before


class CountingStore(MemoryStore):
    """A memory store that counts how often stored intervals are looked up."""

    looks = 0

    def read_intervals(self, *what: Any) -> Any:
        self.looks += 1
        return super().read_intervals(*what)


def test_daily_cost_and_carbon_follow_the_energy() -> None:
    store = MemoryStore()
    write(store, quarters(1))
    analyst(store, portfolio()).step()
    assert table(store, Resolution.DAY, "cost")["2025-03-02T16:00"][:2] == (96.0, Known.MEASURED)
    assert table(store, Resolution.DAY, "carbon")["2025-03-02T16:00"][:2] == (24.0, Known.MEASURED)


def test_weather_and_unknown_points_are_passed_over() -> None:
    store = MemoryStore()
    store.touch([("station/weather", 0, 1), ("b/unknown", 0, 1)])
    analyst(store, portfolio()).step()
    assert store.columns() == []
    assert store.cursor("ledger") == 2


def test_meters_that_fell_silent_get_missing_hours_once_an_hour() -> None:
    store, clock = MemoryStore(), HandClock(START + DAY_MS)
    write(store, quarters(1))
    job = analyst(store, portfolio(), clock)
    job.step()
    clock.advance(6 * 3600)
    job.step()
    found = rows(store, Resolution.HOUR)
    assert str(found.start[-1])[:16] == "2025-03-03T22:00"
    assert found.known[-7:].tolist() == [Known.MISSING] * 7


class Studies:
    """Notes which buildings were studied; fails for those it is told to."""

    def __init__(self, *failing: str) -> None:
        self.seen: list[str] = []
        self.failing = failing

    def __call__(self, store: Store, where: Portfolio, building: str, now_ms: int, how: AnalyticsSettings) -> None:
        self.seen.append(building)
        if building in self.failing:
            raise StoreAway("the store is away")


def job_with(store: Store, study: Callable[..., None], clock: HandClock) -> Analyst:
    return Analyst(store, portfolio, AnalyticsSettings(), clock, study=study)


def test_a_building_is_studied_when_hours_were_settled_and_then_seldom() -> None:
    store, clock, studies = MemoryStore(), HandClock(START), Studies()
    job = job_with(store, studies, clock)
    for day in range(3):
        write(store, quarters(1, START + day * DAY_MS))
        job.step()
        clock.advance(60)
    assert studies.seen == ["b"]
    clock.advance(300)
    job.step()
    assert studies.seen == ["b", "b"]
    clock.advance(300)
    job.step()
    assert studies.seen == ["b", "b"]


def status(share: float | None, told_ms: int = START + DAY_MS) -> GatewayStatus:
    return GatewayStatus(id="g", told_ms=told_ms, waiting=0, oldest_ms=0, polls=0, errors=0, backfill=share)


def test_during_a_backfill_a_building_with_sixty_days_is_studied_seldom_and_at_its_end_at_once() -> None:
    store, clock, studies = MemoryStore(), HandClock(START), Studies()
    store.put(status(0.1))
    job = job_with(store, studies, clock)
    for days, seen in ((20, 0), (40, 0), (60, 0), (80, 1), (100, 1)):
        write(store, quarters(20, START + (days - 20) * DAY_MS))
        clock.advance(300)
        store.put(status(0.1, told_ms=clock.now_ms()))
        job.step()
        assert len(studies.seen) == seen
    store.put(status(None))
    write(store, quarters(1, START + 100 * DAY_MS))
    job.step()
    job.step()
    assert len(studies.seen) == 2


def test_a_gateway_that_died_in_a_backfill_does_not_hold_studies_up() -> None:
    store, clock, studies = MemoryStore(), HandClock(START), Studies()
    store.put(status(0.1, told_ms=START - 3_600_000))
    write(store, quarters(1))
    job_with(store, studies, clock).step()
    assert studies.seen == ["b"]


def test_a_building_whose_study_fails_is_reported_and_skipped() -> None:
    store, clock, studies = MemoryStore(), HandClock(START), Studies("b")
    write(store, quarters(1))
    job = job_with(store, studies, clock)
    job.step()
    assert job.reports == {"b": "the store is away"}
    studies.failing = ()
    write(store, quarters(1, START + DAY_MS))
    clock.advance(400)
    job.step()
    assert job.reports == {}


def test_run_once_works_off_the_feed_and_studies_every_building() -> None:
    store, studies = MemoryStore(), Studies()
    write(store, quarters(1))
    job_with(store, studies, HandClock(START)).run_once()
    assert studies.seen == ["b"]
    assert len(rows(store, Resolution.DAY)) == 2


def test_a_meter_added_to_the_portfolio_is_settled_without_a_restart() -> None:
    store = MemoryStore()
    now = portfolio()
    job = Analyst(store, lambda: now, AnalyticsSettings(), HandClock(), study=Studies())
    job.step()
    now = portfolio(points=[Point(id="b/new", name="new", rating=100.0)])
    assert isinstance(now.devices["b/new"][0], Device)
    write(store, quarters(1), "s-new", "b/new")
    job.step()
    assert len(rows(store, Resolution.DAY, point="b/new")) == 2
