"""The live watch as a job: a stored record tells what it told as it happened, in any slices and over any kill."""

from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from analytics.anomalies.telling import looked_back
from analytics.jobs import Analyst, lookout
from analytics.jobs.coming import HOUR, WAIT_H, Coming
from analytics.jobs.feed import IDLE_S
from analytics.jobs.lookout import HISTORY_H, Lookout, Step
from submeter.clock import HandClock
from submeter.settings.settings import AlarmSettings, AnalyticsSettings
from submeter.stores.memory import MemoryStore
from submeter.stores.port import Column
from submeter.words import (
    Block,
    Building,
    Device,
    Finding,
    FindingState,
    Intervals,
    Known,
    Measure,
    Point,
    Portfolio,
    Price,
    Quiet,
    Readings,
    Resolution,
    Series,
    StoreAway,
    Watch,
    Watched,
)

START = np.datetime64("2025-01-05T16:00", "s")  # a Monday's midnight in Shanghai
DAY = 24
N = HISTORY_H + 35 * DAY
FAULT = HISTORY_H + 10 * DAY
POINTS = ("B/fan", "B/light", "B/pump")
PORTFOLIO = Portfolio(
    tenant="t",
    buildings={"B": Building(id="B", name="B", zone="Asia/Shanghai", area_m2=1, type="office", price="p")},
    points={p: Point(id=p, name=p) for p in POINTS},
    devices={p: (Device(point=p, serial="1"),) for p in POINTS},
    stations={}, gateways={}, measures={},
    prices=(Price(name="p", medium="electricity", since="2020-01-01", yuan_per_unit=0.5),),
)  # fmt: skip


def loads() -> dict[str, np.ndarray]:
    """Three loads of fourteen weeks; in the last five a fan stands still, and a pump runs higher from a Thursday on."""
    rng = np.random.default_rng(5)
    hour, day = np.arange(N) % 24, np.arange(N) // 24
    busy = (hour >= 7) & (hour < 19) & (day % 7 < 5)
    usual = np.stack([5 + 20 * busy, 8 + 30 * busy, 20.0 + 6 * busy])
    energy = np.round(usual * np.exp(rng.normal(0, 0.04, usual.shape)), 3)
    energy[0, HISTORY_H + 4 * DAY + 9 : HISTORY_H + 4 * DAY + 16] = 0.0
    energy[2, FAULT:] += 11.0
    return dict(zip(POINTS, energy, strict=True))


def keep(store: MemoryStore, energy: dict[str, np.ndarray], first: int, last: int) -> None:
    """Hours [first, last) as the ledger keeps them, and the reading that closes them."""
    start = START + np.arange(first, last) * HOUR
    for point, values in energy.items():
        part = values[first:last]
        known = np.where(np.isnan(part), Known.MISSING, Known.MEASURED)
        micro = np.round(np.nan_to_num(part) * 1e6).astype(np.int64)
        store.write_intervals(Column(point, "energy_import", Resolution.HOUR), Intervals.of(start, micro, known=known))
        times = (START + np.flatnonzero(np.isfinite(values[:last]))[[0, -1]] * HOUR).astype(np.int64) * 1000
        readings = Readings.of(np.unique(times + 3_600_000), np.arange(len(np.unique(times))))
        store.write_readings([Block(Series(point, "1", "energy_import"), readings)])


def now_s(row: int) -> int:
    return int((START + row * HOUR).astype(np.int64)) + 60


def watch(look: Lookout, row: int, portfolio: Portfolio = PORTFOLIO, *, patient: bool = False) -> list[Step]:
    """All that is to be done when ``row`` hours are over."""
    look.note("B")
    steps = []
    while step := look.step(portfolio, now_s(row), patient=patient) or look.step(
        portfolio, now_s(row), patient=patient, behind=True
    ):
        steps.append(step)
    return steps


def told(store: MemoryStore) -> list[tuple[Any, ...]]:
    return sorted(
        (f.first_told_ms, f.point, f.kind, f.start_ms, f.first_kind, f.confirmed) for f in store.entries(Finding)
    )


def told_of(energy: dict[str, np.ndarray], cuts: list[int], portfolio: Portfolio = PORTFOLIO) -> MemoryStore:
    """The record kept in slices that end at these rows, each looked at."""
    store = MemoryStore()
    look = Lookout(store, AlarmSettings())
    for first, last in zip([0, *cuts], cuts, strict=False):
        keep(store, energy, first, last)
        watch(look, last, portfolio)
    return store


@cache
def at_once() -> MemoryStore:
    return told_of(loads(), [N])


def test_faults_of_a_stored_record_are_told_with_the_hour_in_which_they_would_have_been() -> None:
    stuck, step = told(at_once())
    hour = int(START.astype(np.int64)) * 1000 + np.arange(N) * 3_600_000
    assert stuck[1:3] == ("B/fan", "stuck")
    assert hour[HISTORY_H + 4 * DAY + 9] < stuck[0] <= hour[HISTORY_H + 4 * DAY + 9 + 12]
    assert step[1:3] == ("B/pump", "base_step")
    assert hour[FAULT] < step[0] <= hour[FAULT + 120]
    assert abs(step[3] - hour[FAULT]) <= 48 * 3_600_000


def test_a_finding_says_in_numbers_what_speaks_for_it_and_what_it_costs() -> None:
    step = next(f for f in at_once().entries(Finding) if f.kind == "base_step")
    assert step.kwh is not None
    assert step.evidence["step_kw"] == pytest.approx(11.0, rel=0.15)
    assert step.kwh == pytest.approx(
        float(step.evidence["actual_kwh"]) - float(step.evidence["expected_kwh"]), rel=1e-4
    )
    days = (step.first_told_ms - step.start_ms) / 86_400_000
    assert step.yuan_month == pytest.approx(step.kwh / max(days, 1) * 30.44 * 0.5)
    assert (step.first_kind, step.confirmed) == ("base_step", False)


def test_a_fault_that_goes_on_is_seen_again_every_day_and_one_that_is_over_is_not() -> None:
    energy = loads()
    energy["B/pump"][FAULT + 6 * DAY :] -= 11.0
    rows = [FAULT + day * DAY for day in range(4, 25)]
    store, seen = MemoryStore(), {}
    look = Lookout(store, AlarmSettings())
    for first, last in zip([0, *rows], rows, strict=False):
        keep(store, energy, first, last)
        watch(look, last)
        (step,) = (f for f in store.entries(Finding) if f.kind == "base_step")
        seen[last] = step.last_seen_ms
    assert all(seen[row] >= now_s(row - DAY) * 1000 - 60_000 for row in rows[:3])
    assert seen[rows[-1]] < now_s(FAULT + 14 * DAY) * 1000


def test_a_past_that_studies_have_looked_at_is_gone_through_without_a_word() -> None:
    store = MemoryStore()
    keep(store, loads(), 0, N)
    store.set_cursor(looked_back("B"), now_s(HISTORY_H + 7 * DAY) * 1000)
    watch(Lookout(store, AlarmSettings()), N)
    assert [each[1] for each in told(store)] == ["B/pump"]  # the fan stood still on the fifth day


@pytest.mark.parametrize("seed", [1, 2])
def test_a_record_that_comes_in_slices_of_any_size_tells_the_same(seed: int) -> None:
    cuts = sorted(np.random.default_rng(seed).choice(np.arange(1, N), 30, replace=False).tolist())
    assert told(told_of(loads(), [*cuts, N])) == told(at_once())


def test_an_hour_at_a_time_tells_the_same_and_each_telling_at_its_hour() -> None:
    store, energy = MemoryStore(), loads()
    look = Lookout(store, AlarmSettings())
    before = FAULT - 1
    keep(store, energy, 0, before)
    watch(look, before)
    for row in range(before, FAULT + 120):
        keep(store, energy, row, row + 1)
        known = {f.id for f in store.entries(Finding)}
        for step in watch(look, row + 1):
            new = [f for f in step.findings if f.id not in known]
            assert all(f.first_told_ms == now_s(row + 1) * 1000 - 60_000 for f in new)
    assert told(store) == told(at_once())
    assert all(f.state is FindingState.OPEN for f in store.entries(Finding) if f.kind == "base_step")


class MortalStore(MemoryStore):
    """Dies at its nth write of an entry; what was put inside of an open transaction is undone."""

    lives = 10**9

    def put(self, *what: Any) -> None:
        self.lives -= 1
        if self.lives < 0:
            raise StoreAway("killed by the test")
        super().put(*what)


def test_a_kill_at_any_write_repeats_no_telling_and_loses_none() -> None:
    rows = [HISTORY_H + 4 * DAY + row for row in (5, 10, 12, 14)] + [FAULT + 24 * day for day in (1, 2, 3, 4, 5)]
    kills = 0
    store, energy = MortalStore(), loads()
    look, first = Lookout(store, AlarmSettings()), 0
    for row in rows:
        keep(store, energy, first, row)
        first = row
        for lives in range(100):
            store.lives = lives
            with suppress(StoreAway):
                watch(look, row)
                break
            kills += 1
            look = Lookout(store, AlarmSettings())
        store.lives = 10**9
    assert kills > len(rows)
    assert told(store) == told(at_once())


def test_a_new_life_stands_where_the_old_one_stood_though_the_ledger_was_settled_anew() -> None:
    store, energy = MemoryStore(), loads()
    keep(store, energy, 0, FAULT + 60)
    look = Lookout(store, AlarmSettings())
    watch(look, FAULT + 60)
    corrected = energy | {"B/pump": energy["B/pump"] - np.where(np.arange(N) >= FAULT, 11.0, 0.0)}
    keep(store, corrected, FAULT, FAULT + 60)
    look = Lookout(store, AlarmSettings())
    keep(store, energy, FAULT + 60, N)
    watch(look, N)
    assert told(store) == told(at_once())


def test_nothing_is_written_but_the_hours_seen_between_two_fits() -> None:
    store = at_once()
    (state,), (seen,) = store.entries(Watch), store.entries(Watched)
    assert seen.since_s == state.until_s
    assert seen.until_s == now_s(N) - 60
    assert len(seen.hours) < len(state.state) / 5


# ── hours that are late ───────────────────────────────────────────────────────────────────────────────────────────────


def coming(there: list[list[int]], weathered: list[int] | None = None, *, later: bool = False) -> Coming:
    known = np.array(there, bool)
    n = known.shape[1]
    weather = np.array(weathered if weathered else [1] * n, bool)
    return Coming(START + np.arange(n) * HOUR, np.where(known, 1.0, np.nan), known, np.zeros(n), weather, later)


def test_an_hour_waits_for_its_meters_until_another_is_known_further_on() -> None:
    assert coming([[1, 1, 1, 0], [1, 1, 1, 0]]).ripe(patient=False) == 3
    assert coming([[1, 1, 1, 0], [1, 1, 0, 0]]).ripe(patient=False) == 2
    assert coming([[1, 1, 1, 1, 0], [1, 0, 0, 0, 0]]).ripe(patient=False) == 4 - WAIT_H
    assert coming([[1, 1, 1, 1, 0], [1, 0, 0, 0, 0]]).ripe(patient=True) == 1


def test_a_building_that_is_silent_as_a_whole_stands_still() -> None:
    assert coming([[0, 0, 0, 0], [0, 0, 0, 0]]).ripe(patient=False) == 0
    assert coming([[0, 0, 0, 0], [0, 0, 0, 0]], later=True).ripe(patient=False) == 4
    assert coming([[0, 0, 0, 0], [0, 0, 0, 0]], later=True).ripe(patient=True) == 0


def test_an_hour_waits_for_its_weather_too() -> None:
    assert coming([[1, 1, 1, 0]], [1, 1, 0, 0]).ripe(patient=False) == 2
    assert coming([[1, 1, 1, 1, 1]], [1, 0, 0, 0, 0]).ripe(patient=False) == 5 - WAIT_H


def test_what_comes_after_the_wait_is_missing_for_live() -> None:
    energy = loads()
    late = {p: e.copy() for p, e in energy.items()}
    rows = slice(HISTORY_H + 4 * DAY + 6, HISTORY_H + 4 * DAY + 20)
    late["B/fan"][rows] = np.nan
    store = told_of(late, [HISTORY_H + 5 * DAY])
    keep(store, energy, rows.start, N)
    watch(Lookout(store, AlarmSettings()), N)
    assert [kind for _, _, kind, *_ in told(store)] == ["base_step"]


def test_a_silence_longer_than_what_is_read_at_once_is_passed_over() -> None:
    energy = loads()
    gone = slice(HISTORY_H + 3 * DAY, HISTORY_H + 6 * DAY)
    silent = {p: np.where((np.arange(N) >= gone.start) & (np.arange(N) < gone.stop), np.nan, e)
              for p, e in energy.items()}  # fmt: skip
    assert [kind for _, _, kind, *_ in told(told_of(silent, [gone.start, gone.stop, gone.stop + 1, N]))] == [
        "base_step"
    ]


def test_while_the_past_is_still_read_no_watch_begins_and_no_meter_is_given_up() -> None:
    store, energy = MemoryStore(), loads()
    keep(store, energy, 0, N)
    look = Lookout(store, AlarmSettings())
    watch(look, N, patient=True)
    assert store.entries(Watch) == []
    watch(look, N)
    assert told(store) == told(at_once())


# ── what is watched, and what is told of it ───────────────────────────────────────────────────────────────────────────


def test_a_meter_that_is_added_is_watched_when_it_has_hours_enough_and_one_that_is_gone_is_not() -> None:
    energy = loads()
    rows = np.arange(N)
    energy["B/light"] = np.where(rows < HISTORY_H - 200, energy["B/light"], np.nan)
    energy["B/pump"] = np.where(rows >= HISTORY_H - 7 * DAY, energy["B/pump"], np.nan)
    store = told_of(energy, [HISTORY_H + DAY])
    look = Lookout(store, AlarmSettings())
    assert watched(look, store) == {"B/fan", "B/light"}
    keep(store, energy, HISTORY_H + DAY, N)
    watch(look, N)
    assert watched(look, store) >= {"B/fan", "B/pump"}


def watched(look: Lookout, store: MemoryStore) -> set[str]:
    kept = look._awake("B")
    assert kept is not None
    return set(kept.state.names)


def test_a_building_without_eight_weeks_has_no_watch_yet() -> None:
    store = told_of(loads(), [HISTORY_H - 2])
    assert store.entries(Watch) == []


def with_portfolio(**changes: Any) -> Portfolio:
    return replace(PORTFOLIO, **changes)


def test_no_fault_of_operation_is_told_on_quiet_days() -> None:
    quiet = Quiet(building="B", first="2025-03-10", last="2025-04-30", reason="a fair")
    assert [kind for _, _, kind, *_ in told(told_of(loads(), [N], with_portfolio(quiet=(quiet,))))] == ["stuck"]


def test_a_level_after_works_is_no_fault() -> None:
    works = Measure(id="m", building="B", name="new pump", points=("B/pump",), start="2025-03-12")
    assert [kind for _, _, kind, *_ in told(told_of(loads(), [N], with_portfolio(measures={"m": works})))] == ["stuck"]


def test_what_shows_in_a_meter_and_in_the_one_above_it_is_told_once() -> None:
    energy = loads()
    energy["B/main"] = energy["B/pump"] + 1.0
    points = {p: Point(id=p, name=p, parent="B/main" if p == "B/pump" else "") for p in (*POINTS, "B/main")}
    devices = {p: (Device(point=p, serial="1"),) for p in points}
    found = told(told_of(energy, [N], with_portfolio(points=points, devices=devices)))
    assert len([point for _, point, kind, *_ in found if kind == "base_step"]) == 1


def test_buildings_that_wait_sleep_and_wake_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookout, "AWAKE", 0)
    assert told(told_of(loads(), [FAULT + 30, FAULT + 70, N])) == told(at_once())


# ── with the ledger before it ─────────────────────────────────────────────────────────────────────────────────────────


class MortalFeed(MortalStore):
    """Dies at its nth write of any sort. What was written to columns stays, as on a server without transactions."""

    def write_intervals(self, *what: Any) -> None:
        self.lives -= 1
        if self.lives < 0:
            raise StoreAway("killed by the test")
        super().write_intervals(*what)

    def set_cursor(self, *what: Any) -> None:
        self.lives -= 1
        if self.lives < 0:
            raise StoreAway("killed by the test")
        super().set_cursor(*what)


def count(store: MemoryStore, energy: dict[str, np.ndarray], first: int, last: int) -> None:
    """Hourly readings of the registers from row ``first`` to ``last``, touched as intake does."""
    times = (START + np.arange(first, last + 1) * HOUR).astype(np.int64) * 1000
    for point, values in energy.items():
        shown = np.r_[0.0, np.cumsum(values)][first : last + 1]
        series = Series(point, "1", "energy_import")
        store.write_readings([Block(series, Readings.of(times, np.round(shown * 1e6).astype(np.int64)))])
        store.touch([(point, int(times[0]), int(times[-1]) + 1)])


def job(store: MemoryStore, row: int) -> Analyst:
    clock = HandClock(now_s(row) * 1000)
    return Analyst(store, lambda: PORTFOLIO, AnalyticsSettings(), clock, study=lambda *_: None,
                   lookout=Lookout(store, AlarmSettings()))  # fmt: skip


def work(store: MemoryStore, row: int) -> None:
    analyst = job(store, row)
    while analyst.step() < IDLE_S:
        pass


def test_a_feed_that_is_killed_anywhere_tells_each_fault_once() -> None:
    energy, fault = loads(), HISTORY_H + 4 * DAY + 9
    rows, kills = [fault, fault + 1, fault + 3, fault + 6, fault + 20], 0
    store, first = MortalFeed(), 0
    for row in rows:
        count(store, energy, first, row)
        first = row
        for lives in range(1000):
            store.lives = lives
            with suppress(StoreAway):
                work(store, row)
                break
            kills += 1
        store.lives = 10**9
    assert kills > 5 * len(rows)
    assert told(store) == told(at_once())[:1]
