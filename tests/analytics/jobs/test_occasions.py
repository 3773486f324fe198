"""Records that are longer than a study looks back, or ended longer ago, are studied year by year."""

from analytics.jobs import Analyst
from analytics.jobs.occasions import occasions
from submeter.clock import HandClock
from submeter.settings.settings import AnalyticsSettings
from submeter.stores.memory import MemoryStore
from tests.analytics.ledger.small_cases import METER, ms, portfolio, write

NOW = ms("2026-11-22T00:00")


def recorded(begin: str, end: str) -> MemoryStore:
    store = MemoryStore()
    write(store, [(ms(begin), 0.0), (ms(end), 1000.0)])
    return store


def of(store: MemoryStore, since_ms: int = 0, now_ms: int = NOW) -> list[int]:
    return occasions(store, portfolio(), "b", now_ms, since_ms).at_ms


def test_a_building_of_two_years_is_studied_now() -> None:
    assert of(recorded("2024-11-20T00:00", "2026-11-21T23:00")) == [NOW]


def test_a_building_without_readings_is_studied_now() -> None:
    assert of(MemoryStore()) == [NOW]


def test_a_record_that_ended_long_ago_is_studied_at_the_end_of_each_of_its_years() -> None:
    found = of(recorded("2015-01-01T00:00", "2017-12-31T23:00"))
    assert found == [ms("2016-01-01T23:00") + 1, ms("2016-12-31T23:00") + 1, ms("2017-12-31T23:00") + 1, NOW]


def test_a_long_record_that_goes_on_is_studied_each_year_before_now() -> None:
    found = of(recorded("2023-11-22T00:00", "2026-11-21T23:59:59.999"))
    assert found == [ms("2024-11-22T00:00"), ms("2025-11-22T00:00"), NOW]


def test_years_that_were_studied_are_not_studied_again_and_new_ones_are() -> None:
    store = recorded("2015-01-01T00:00", "2017-12-31T23:00")
    assert of(store, since_ms=ms("2017-12-31T23:00") + 1) == [NOW]
    assert of(store, since_ms=ms("2016-06-01T00:00")) == [ms("2016-12-31T23:00") + 1, ms("2017-12-31T23:00") + 1, NOW]


def test_the_feed_job_studies_the_years_once_and_remembers_it() -> None:
    store, asked = recorded("2015-01-01T00:00", "2017-12-31T23:00"), []
    where = portfolio()
    job = Analyst(
        store,
        lambda: where,
        AnalyticsSettings(),
        HandClock(NOW),
        study=lambda *given: asked.append((given[2], given[3])),
    )
    job.run_once()
    job.run_once()
    assert [at for _, at in asked] == [*of(store), NOW]
    assert {building for building, _ in asked} == {METER.partition("/")[0]}


def test_years_are_studied_when_all_is_settled_and_again_where_an_older_reading_came() -> None:
    store, asked = recorded("2015-01-01T00:00", "2017-12-31T23:00"), []
    where = portfolio()
    job = Analyst(
        store, lambda: where, AnalyticsSettings(), HandClock(NOW), study=lambda *given: asked.append(given[3])
    )
    job.run_once()
    del asked[:]
    write(store, [(ms("2016-06-01T00:00"), 480.0)])
    job.run_once()
    assert asked == of(store), "it moves the hours of the whole gap, from 2015 on"
