"""Lessons: what is learnt before an instant, that nothing later is in it, and to whom it is lent."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from analytics.calendar import instant_ms
from analytics.cohort import fit_cohort, fit_members, predict_cohort
from analytics.design import design
from analytics.lesson import Taught, edges, kind_of, learn, learn_year, shows_use, taught
from analytics.savings import STATED
from analytics.term import Term
from analytics.weekdays import Place
from benchmarks.site import read_site
from submeter.words import Lesson
from tests.analytics.small_portfolio import LATER, NOW, OUTDOOR, PLACE, START, closed, members

NEW_YEAR = instant_ms("2019-01-01", PLACE.zone)
KIND = "main/electricity/01000"


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    return learn(START, PLACE, members(), NEW_YEAR)


@pytest.mark.parametrize("later", [np.nan, 1e6], ids=["taken away", "wild"])
def test_a_lesson_is_the_same_whatever_came_after_it(lesson: Lesson, later: float) -> None:
    others = [replace(m, energy_kwh=np.where(LATER, later, m.energy_kwh)) for m in members()]
    assert learn(START, PLACE, others, NEW_YEAR) == lesson


def test_a_lesson_is_the_same_whether_or_not_hours_after_it_are_there(lesson: Lesson) -> None:
    short = [replace(m, energy_kwh=m.energy_kwh[:9000], outdoor_c=OUTDOOR[:9000]) for m in members()]
    assert learn(START[:9000], PLACE, short, NEW_YEAR) == lesson


def test_a_lesson_holds_the_summers_break_and_the_usual_meter(lesson: Lesson) -> None:
    deep = np.array(lesson.monday)[np.array(lesson.dip) < -0.8]
    assert len(deep) >= 2
    assert all(17720 - 7 < monday < 17734 for monday in deep)
    (usual,) = lesson.usual
    assert (usual.kind, usual.meters, len(usual.coefficients)) == (KIND, 6, 24 * usual.width)
    assert (lesson.id, lesson.meters, lesson.error_log) == ("Europe/Oslo NO @2019-01-01", 6, [])


def test_members_fitted_with_a_lesson_are_those_of_a_cohort_fitted_at_once(lesson: Lesson) -> None:
    cohort, models = fit_cohort(START, PLACE, members(), ~LATER)
    known = taught([lesson], NEW_YEAR).cohort(START, PLACE, ~LATER)
    assert fit_members(known, members()) == models
    told, again = (predict_cohort(c, members(), models, LATER)[1] for c in (cohort, known))
    np.testing.assert_array_equal(np.stack(told), np.stack(again))


def test_the_years_tables_may_be_used_again(lesson: Lesson) -> None:
    again, year = learn_year(START, PLACE, members(), NEW_YEAR)
    assert again == lesson
    there = [replace(m, energy_kwh=m.energy_kwh[:8760], outdoor_c=OUTDOOR[:8760]) for m in members()]
    assert fit_members(year, there) == fit_members(taught([lesson], NEW_YEAR).cohort(START, PLACE, ~LATER), members())


def test_a_single_building_learns_from_a_lesson_what_it_could_not_know_alone(lesson: Lesson) -> None:
    """Its own break was not read; others closed then, and so will it."""
    single = members(1)[0]
    single = replace(single, energy_kwh=np.where(closed() & ~LATER, np.nan, single.energy_kwh))
    errors = []
    for known in (Taught(), taught([lesson], NEW_YEAR)):
        cohort = known.cohort(START, PLACE, ~LATER)
        (model,) = fit_members(cohort, [single])
        told = predict_cohort(cohort, [single], [model], LATER)[1][0]
        late = closed()[LATER]
        errors.append(told[late].sum() / single.energy_kwh[LATER][late].sum() - 1)
    assert errors[0] > 0.5
    assert abs(errors[1]) < 0.6 * errors[0]


def test_two_years_without_a_measure_are_a_placebo_and_one_with_is_none() -> None:
    later = learn(START, PLACE, members(), NOW)
    assert len(later.error_log) == len(later.weekly) == 6
    assert np.abs(later.error_log).max() < 0.05
    drift = taught([later], NOW).drift
    assert drift.years == 6
    assert drift.a_year < STATED.a_year
    changed = learn(START, PLACE, members(), NOW, {"B0/main": [NEW_YEAR], "B1/main": [NOW + 1]})
    np.testing.assert_allclose(changed.error_log, later.error_log[1:], atol=1e-3)  # five now teach the usual meter
    assert taught([structs.replace(changed, error_log=[], weekly=[])], NOW).drift == STATED


def test_few_meters_or_little_of_a_year_teach_nothing() -> None:
    empty = learn(START, PLACE, members(2), NEW_YEAR)
    assert (empty.monday, empty.usual, empty.error_log, empty.meters) == ([], [], [], 2)
    assert taught([empty], NEW_YEAR).term is None
    april = learn(START, PLACE, members(), instant_ms("2018-03-01", PLACE.zone))
    assert (april.monday, april.usual, april.meters) == ([], [], 0)


def test_only_lessons_that_end_before_are_lent_and_the_last_of_them_speaks(lesson: Lesson) -> None:
    later = learn(START, PLACE, members(), NOW)
    assert taught([later, lesson], NEW_YEAR - 1).term is None
    assert taught([later, lesson], NEW_YEAR).term == Term(tuple(lesson.monday), tuple(lesson.dip), "NO")
    both = taught([later, lesson], NOW)
    assert both.drift.years == 6
    assert both.term is not None
    dips = dict(zip(both.term.monday, both.term.dip, strict=True))
    assert dips == dict(zip(lesson.monday, lesson.dip, strict=True)) | dict(zip(later.monday, later.dip, strict=True))
    assert list(both.term.monday) == sorted(dips)


def test_a_lesson_of_another_model_is_not_lent(lesson: Lesson) -> None:
    assert taught([structs.replace(lesson, model="hourly-ridge/1")], NOW).usual == {}


def test_levels_of_measures_are_not_drawn_towards_the_usual_meter(lesson: Lesson) -> None:
    known = taught([lesson], NEW_YEAR)
    assert known.term is not None
    plain = known.cohort(START, PLACE, ~LATER).design(OUTDOOR)
    days = np.unique(plain.day)
    on = design(
        START, zone=PLACE.zone, country="NO", outdoor_c=OUTDOOR, changes_ms=[NEW_YEAR], term=known.term.on(days)
    )
    toward = known.toward(on, KIND)
    assert toward is not None
    np.testing.assert_array_equal(toward[:, : plain.width], known.toward(plain, KIND))
    assert on.width == plain.width + 4
    assert not toward[:, plain.width :].any()
    assert known.toward(on, "sub/electricity/01A10") is None


def test_years_end_on_local_dates_through_leap_days() -> None:
    start = np.arange("2019-01-01", "2021-06-01", dtype="datetime64[h]").astype("datetime64[s]")
    edge = edges(start, "UTC", instant_ms("2021-01-01", "UTC"))
    assert np.diff(edge).tolist() == [-366 * 24, -365 * 24, 0, 0]


def test_heat_and_machines_do_not_show_when_a_building_is_closed() -> None:
    assert [shows_use(r, m) for r, m in (("main", "electricity"), ("main", "heat"), ("sub", "electricity"))] == [
        True, False, False,
    ]  # fmt: skip
    assert kind_of("main", "heat", "02000") == "main/heat/02000"


def test_on_real_schools_the_lesson_helps_and_years_without_change_teach_the_drift(sites: Path) -> None:
    site = read_site(sites / "drammen").between(2018, 2019)
    place, train = Place(site.zone, site.country), site.of_year(2018)
    mains = [m for m in site.meters.values() if m.role == "main" and m.medium == "electricity"][::3]
    some = [replace(members(1)[0], point=m.name, kind=KIND, energy_kwh=site.energy[m.name],
                    outdoor_c=site.outdoor_of(m.name)) for m in mains]  # fmt: skip
    until = instant_ms("2019-01-01", site.zone)
    errors = []
    for known in (Taught(), taught([learn(site.start, place, some, until)], until)):
        cohort = known.cohort(site.start, place, train)
        told = predict_cohort(cohort, some, fit_members(cohort, some), ~train)[1]
        errors.append([daily_error(m.energy_kwh[~train], e) for m, e in zip(some, told, strict=True)])
    alone, lent = np.nanmedian(errors, axis=1)
    assert lent < 0.97 * alone
    assert taught([learn(site.start, place, some, instant_ms("2020-01-01", site.zone))], 2**53).drift.years >= 12


def daily_error(actual: np.ndarray, expected: np.ndarray) -> float:
    """CV(RMSE) of 364 days."""
    known = np.isfinite(actual) & np.isfinite(expected)
    a, e = (np.where(known, x, 0.0)[: 364 * 24].reshape(364, 24).sum(axis=1) for x in (actual, expected))
    return float(np.sqrt(((a - e) ** 2).mean()) / a.mean()) if a.mean() > 0 else np.nan
