"""Lessons that are due: which, learnt of whom, when again, and that a kill between two of them does no harm."""

from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs

from analytics.calendar import instant_ms
from analytics.cohort import MOST_TEACHERS
from analytics.hours import HISTORY_DAYS
from analytics.lesson import learn
from analytics.teachers import changes_of, learn_due, lessons_of, quarters, teachers_of
from analytics.weekdays import Place
from submeter.stores.memory import MemoryStore
from submeter.words import Building, Entry, Lesson, Measure, Point, Portfolio, StoreAway
from tests.analytics.small_portfolio import (
    NOW,
    PLACE,
    START,
    energies,
    fill,
    members,
    school,
    town,
    without_measures,
    write_energy,
)

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def taught() -> MemoryStore:
    store = fill(MemoryStore(), energies())
    assert learn_due(store, town(), PLACE, NOW) == 8
    return store


def test_a_study_needs_the_lessons_that_end_with_the_quarters_of_its_two_years(taught: MemoryStore) -> None:
    ends = [f"{year}-{month}-01" for year in (2018, 2019, 2020) for month in ("01", "04", "07", "10")][
        1:9
    ]  # two years to the day: New Year of 2018 is not within
    assert [each.id for each in lessons_of(taught, PLACE, NOW)] == [f"Europe/Oslo NO @{day}" for day in ends]
    assert quarters("Asia/Shanghai", NOW)[-1] == instant_ms("2020-01-01", "Asia/Shanghai")
    assert all(NOW - HISTORY_DAYS * DAY_MS < end <= NOW for end in quarters("Asia/Shanghai", NOW))


def test_lessons_from_the_ledger_are_those_from_arrays(taught: MemoryStore) -> None:
    end = instant_ms("2019-01-01", PLACE.zone)
    kept = next(each for each in taught.entries(Lesson) if each.until_ms == end)
    exact = learn(START, PLACE, members(), end, {"B0/main": [end]})
    assert kept.monday == exact.monday
    np.testing.assert_allclose(kept.dip, exact.dip, atol=1e-6)
    np.testing.assert_allclose(kept.usual[0].coefficients, exact.usual[0].coefficients, atol=1e-5)
    assert kept.days == 6 * 365


def test_the_year_of_a_measure_teaches_no_drift(taught: MemoryStore) -> None:
    last = max(taught.entries(Lesson), key=lambda each: each.until_ms)
    assert len(last.error_log) == 5
    store = fill(MemoryStore(), energies())
    learn_due(store, without_measures(town()), PLACE, NOW)
    assert len(max(store.entries(Lesson), key=lambda each: each.until_ms).error_log) == 6


def test_lessons_are_learnt_once_and_looked_at_once_a_day(taught: MemoryStore) -> None:
    before = taught.entries(Lesson)
    assert [learn_due(taught, town(), PLACE, NOW + wait) for wait in (0, DAY_MS - 1, DAY_MS)] == [0, 0, 0]
    assert taught.entries(Lesson) == before


def test_what_has_grown_by_more_than_a_hundredth_is_learnt_anew() -> None:
    energy = energies()
    late = energy.pop("B5/main")
    store = fill(MemoryStore(), energy)
    learn_due(store, town(), PLACE, NOW)
    assert [u.meters for u in store.entries(Lesson)[-1].usual] == [5]
    write_energy(store, "B5/main", late)
    assert learn_due(store, town(), PLACE, NOW + 1000) == 0
    assert learn_due(store, town(), PLACE, NOW + 1000, every_ms=0) == 8
    assert [u.meters for u in store.entries(Lesson)[-1].usual] == [6]


def test_a_corrected_day_is_no_other_lesson(taught: MemoryStore) -> None:
    store = fill(MemoryStore(), energies())
    store.put(*taught.entries(Lesson))
    before = store.entries(Lesson)
    energy = school(3)
    energy[5000:5024] *= 1.5
    energy[6000:6024] = np.nan
    write_energy(store, "B3/main", energy)
    assert learn_due(store, town(), PLACE, NOW + DAY_MS) == 0
    assert store.entries(Lesson) == before


class Interrupted(MemoryStore):
    """Away at its nth entry."""

    left = 10**9

    def put(self, *entries: Entry) -> None:
        self.left -= 1
        if self.left < 0:
            raise StoreAway("interrupted by the test")
        super().put(*entries)


def test_learning_that_is_cut_short_goes_on_with_what_is_missing(taught: MemoryStore) -> None:
    kept = 5
    store = Interrupted()
    fill(store, energies())
    store.left = kept
    with pytest.raises(StoreAway):
        learn_due(store, town(), PLACE, NOW)
    assert len(store.entries(Lesson)) == kept
    store.left = 10**9
    assert learn_due(store, town(), PLACE, NOW) == 8 - kept
    assert store.entries(Lesson) == taught.entries(Lesson)


def test_few_buildings_and_other_places_learn_nothing() -> None:
    store = MemoryStore()
    assert learn_due(store, town(4), PLACE, NOW) == 0
    assert learn_due(store, town(), Place("Europe/Oslo", "NO", "03"), NOW) == 0
    assert store.entries(Lesson) == []


def test_a_lesson_of_an_older_model_is_learnt_anew(taught: MemoryStore) -> None:
    store = fill(MemoryStore(), energies())
    store.put(*taught.entries(Lesson))
    lesson = store.entries(Lesson)[0]
    store.put(structs.replace(lesson, model="older"))
    assert learn_due(store, town(), PLACE, NOW) == 1
    assert store.entries(Lesson)[0] == lesson


def test_an_earlier_study_looks_at_earlier_lessons_alone(taught: MemoryStore) -> None:
    then = instant_ms("2019-05-05", PLACE.zone)
    assert max(each.until_ms for each in lessons_of(taught, PLACE, then)) == instant_ms("2019-04-01", PLACE.zone)


def test_a_lesson_waits_a_week_for_late_readings(taught: MemoryStore) -> None:
    end = instant_ms("2019-04-01", PLACE.zone)
    for wait, last in ((6 * DAY_MS, "2019-01-01"), (7 * DAY_MS, "2019-04-01")):
        assert quarters(PLACE.zone, end + wait)[-1] == instant_ms(last, PLACE.zone)
        assert lessons_of(taught, PLACE, end + wait)[-1].until_ms == instant_ms(last, PLACE.zone)


def test_of_a_city_so_many_teach_evenly_picked_and_no_virtual_meter() -> None:
    city = many(200)
    picked = [p.id for p in teachers_of(city, PLACE)]
    mains = [p for p in picked if p.endswith("main")]
    assert len(mains) <= MOST_TEACHERS
    assert len(picked) - len(mains) <= MOST_TEACHERS
    assert {p[:4] for p in mains} >= {"B000", "B100"}
    assert not any(p.endswith("sum") for p in picked)


def many(count: int) -> Portfolio:
    names = [f"B{k:03}" for k in range(count)]
    buildings = {n: Building(id=n, name=n, zone=PLACE.zone, country="NO", area_m2=1, type="school") for n in names}
    points = [Point(id=f"{n}/main", name="") for n in names]
    points += [Point(id=f"{n}/light", name="", item="01A00", parent=f"{n}/main") for n in names]
    points += [Point(id=f"{n}/sum", name="", formula=f"{n}/main - {n}/light") for n in names]
    return Portfolio("t", buildings, {p.id: p for p in points}, {}, {}, {}, {})


def test_a_measure_changes_the_meters_above_it() -> None:
    where = many(1)
    measure = Measure(
        id="m", building="B000", name="", points=("B000/light",), start="2019-03-01", works_start="2019-02-01"
    )
    where = replace(where, measures={"m": measure})
    begun = [instant_ms("2019-02-01", PLACE.zone)]
    assert changes_of(where, "B000/light", PLACE.zone) == begun
    assert changes_of(where, "B000/main", PLACE.zone) == begun
