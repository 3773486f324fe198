"""A building's study with what its place taught: that it helps, that nothing peeks, that it stays as it is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from analytics.baseline import predict
from analytics.calendar import instant_ms
from analytics.desk import Desk
from analytics.hours import Hours
from analytics.study import Material, Results, collect, study_building, work_out
from analytics.teachers import learn_due
from analytics.weekdays import Place
from benchmarks.savings import answer
from benchmarks.site import Site, read_site
from submeter.settings.settings import AnalyticsSettings
from submeter.stores.memory import MemoryStore
from submeter.stores.port import Column
from submeter.words import Building, Intervals, Point, Portfolio, Saving
from tests.analytics.small_portfolio import (
    LATER,
    NOW,
    PLACE,
    START,
    closed,
    energies,
    fill,
    school,
    town,
    without_measures,
    write_energy,
    write_weather,
)  # fmt: skip

SETTINGS = AnalyticsSettings()
NEW_YEAR = instant_ms("2019-01-01", PLACE.zone)


def material(energy: dict[str, np.ndarray]) -> Material:
    store = fill(MemoryStore(), energy)
    learn_due(store, town(), PLACE, NOW)
    found = collect(store, town(), "B0", NOW, SETTINGS)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def whole() -> Material:
    return material(energies())


@pytest.fixture(scope="module")
def results(whole: Material) -> Results:
    return work_out(whole)


def expected_of(results: Results) -> list[float]:
    (saving,) = results.savings
    return saving.expected_daily


def test_a_study_carries_the_lessons_of_its_place_up_to_its_time(whole: Material) -> None:
    assert len(whole.lessons) == 8
    assert all(each.until_ms <= NOW for each in whole.lessons)


def test_a_saving_expects_the_same_whatever_all_meters_used_after_the_works(results: Results) -> None:
    less = {point: np.where(LATER, 0.6, 1.0) * values for point, values in energies().items()}
    without_break = {point: np.where(LATER & closed(), 4.0, 1.0) * values for point, values in energies().items()}
    for other in (less, without_break):
        assert expected_of(work_out(material(other))) == expected_of(results)


def test_a_saving_is_lent_no_lesson_that_ends_after_the_works(whole: Material, results: Results) -> None:
    early = tuple(each for each in whole.lessons if each.until_ms <= NEW_YEAR)
    assert 0 < len(early) < len(whole.lessons)
    assert work_out(replace(whole, lessons=early)).savings == results.savings
    assert work_out(replace(whole, lessons=early[:-1])).savings != results.savings


def test_an_origins_forecast_is_lent_no_later_lesson(whole: Material) -> None:
    desk = Desk(whole.hours, whole.portfolio, whole.lessons)
    origin = whole.hours.row(NEW_YEAR)
    before, after = desk._lent("B0/main", origin - 1), desk._lent("B0/main", origin)
    early = Desk(whole.hours, whole.portfolio, tuple(e for e in whole.lessons if e.until_ms < NEW_YEAR))
    np.testing.assert_array_equal(before[0].x, early.design("B0/main").x)
    assert after[0].width == before[0].width + 2  # the term is known from New Year on


def test_the_saving_says_how_many_unchanged_years_its_band_was_learnt_from(whole: Material, results: Results) -> None:
    taught = tuple(structs.replace(e, error_log=[0.01] * 7, weekly=[0.03] * 7) for e in whole.lessons)
    stated, learnt = results.savings[0], work_out(replace(whole, lessons=taught)).savings[0]
    assert (stated.drift_years, learnt.drift_years) == (0, 7)
    assert stated.lesson == "Europe/Oslo NO @2019-01-01"
    assert work_out(replace(whole, lessons=())).savings[0].lesson == ""
    assert learnt.high_kwh - learnt.low_kwh < stated.high_kwh - stated.low_kwh
    assert learnt.avoided_kwh == stated.avoided_kwh


def test_a_break_that_a_building_shares_is_expected_next_year(whole: Material, results: Results) -> None:
    """Alone, the school is expected to be busy in it."""
    busy_break = np.flatnonzero(closed() & LATER)
    days = np.unique((START[busy_break] + np.timedelta64(3600, "s")).astype("datetime64[D]")).astype(str)

    def share(saving: Saving) -> float:
        rows = [saving.days.index(day) for day in days]
        return sum(saving.expected_daily[r] for r in rows) / sum(saving.actual_daily[r] for r in rows) - 1

    alone = work_out(replace(whole, lessons=())).savings[0]
    assert share(alone) > 0.2
    assert abs(share(results.savings[0])) < 0.5 * share(alone)


def test_a_step_before_the_works_is_the_level_that_they_began_from() -> None:
    """Used more from October on, for good: a finding, but no energy that the works saved or wasted."""
    energy = energies()
    october = instant_ms("2018-10-01", PLACE.zone)
    more = np.where(START.astype(np.int64) * 1000 >= october, 1.5, 1.0)
    results = work_out(material(energy | {"B0/main": energy["B0/main"] * more}))
    assert [(f.kind, f.end_ms) for f in results.findings] == [("base_step", NEW_YEAR)]
    (saving,) = results.savings
    assert saving.low_kwh < 0 < saving.high_kwh
    assert abs(saving.avoided_kwh) < 0.15 * saving.actual_kwh


def test_works_before_the_first_hour_leave_no_baseline(whole: Material) -> None:
    early = town().measures["B0-led"]
    where = replace(whole.portfolio, measures={"B0-led": structs.replace(early, start="2017-01-01")})
    (saving,) = work_out(replace(whole, portfolio=where)).savings
    assert (saving.refused, saving.lesson) == ("few_hours", "")


class Counting(MemoryStore):
    """Counts the rows of expectations that are written."""

    rows = 0

    def write_intervals(self, column: Column, intervals: Intervals) -> None:
        if column.quantity.startswith("expected"):
            self.rows += len(intervals)
        super().write_intervals(column, intervals)


def test_a_night_without_news_rewrites_no_expectation_and_tells_the_same() -> None:
    store = Counting()
    fill(store, energies())
    where = town()
    first = study_building(store, where, "B0", NOW, SETTINGS)
    assert store.rows > 3 * 8760
    store.rows = 0
    energy = school(3)
    energy[5000:5024] *= 1.2
    write_energy(store, "B3/main", energy)
    again = study_building(store, where, "B0", NOW + 86_400_000 - 1, SETTINGS)
    assert store.rows <= 3 * 24  # tomorrow's
    assert [f.id for f in again.findings] == [f.id for f in first.findings]


def test_the_product_foretells_real_schools_as_the_benchmark_says(sites: Path) -> None:
    """From the ledger's words to a saving's expectation, and from arrays: one answer."""
    site = few(read_site(sites / "drammen").between(2018, 2019))
    told = answer(site)
    store, where = stored(site)
    until = instant_ms("2019-01-01", site.zone)
    now_ms = int(site.start[-1].astype(np.int64)) * 1000 + 3_600_000
    assert learn_due(store, where, Place(site.zone, site.country), now_ms) == 7
    for name, expected in list(told.expected.items())[:3]:
        found = collect(store, where, building(name), now_ms, SETTINGS)
        assert found is not None
        ours = foretold(found.hours, Desk(found.hours, where, found.lessons), until)
        np.testing.assert_allclose(ours[: len(expected)], expected, atol=1e-5 * float(np.nanmean(expected)))


def foretold(hours: Hours, desk: Desk, until_ms: int) -> np.ndarray:
    (point,) = hours.points
    model, cohort = desk.baseline([point.id], hours.measured[point.id], hours.start_ms < until_ms, until_ms)
    return predict(model, cohort.design(hours.outdoor_c))[hours.row(until_ms) :]


def building(meter: str) -> str:
    return meter.partition(".")[0]


def few(site: Site) -> Site:
    """Every fifth main of electricity, all under one station."""
    mains = [m for m in site.meters.values() if m.role == "main" and m.medium == "electricity"][::5]
    station = mains[0].station
    meters = {m.name: replace(m, station=station) for m in mains}
    return replace(site, meters=meters, energy={m: site.energy[m] for m in meters},
                   outdoor_c={station: site.outdoor_c[station]})  # fmt: skip


def stored(site: Site) -> tuple[MemoryStore, Portfolio]:
    """A site as the ledger would hold it."""
    store, names = MemoryStore(), {building(m): m for m in site.meters}
    (outdoor,) = site.outdoor_c.values()
    write_weather(store, outdoor, site.start)
    for b, m in names.items():
        write_energy(store, f"{b}/main", site.energy[m], site.start)
    buildings = {
        b: Building(id=b, name=b, zone=site.zone, country=site.country, area_m2=1, type="school", station="S")
        for b in names
    }
    points = {f"{b}/main": Point(id=f"{b}/main", name=m) for b, m in names.items()}
    return store, replace(without_measures(town(1)), buildings=buildings, points=points, devices={})
