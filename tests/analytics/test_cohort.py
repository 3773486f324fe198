"""A portfolio fitted at once: what its meters share, and that nothing peeks."""

import numpy as np
import pytest

from analytics.baseline import evaluate, plain, predict, regress, robust
from analytics.cohort import Cohort, Member, fit_cohort, placebo_years, predict_cohort
from analytics.design import design, factorise
from analytics.drift import learn_drift
from analytics.savings import STATED
from analytics.weekdays import Place
from submeter.words import Baseline

PLACE = Place("Europe/Oslo", "NO")
START = np.arange("2017-12-31T23", "2019-12-31T23", dtype="datetime64[h]").astype("datetime64[s]")
N = len(START)
YEAR = START.astype("datetime64[s]").astype(np.int64) + 3600
TRAIN = np.datetime64("2019-01-01", "s").astype(np.int64) > YEAR
TEST = ~TRAIN
RNG = np.random.default_rng(0)
OUTDOOR = (
    6 - 12 * np.cos(2 * np.pi * np.arange(N) / 8766) + np.convolve(RNG.normal(0, 1, N + 99), np.ones(100) / 9, "valid")
)
ON = design(START, zone="Europe/Oslo", country="NO", outdoor_c=OUTDOOR)
BREAK = (ON.day >= 17720) & (ON.day < 17734) | (ON.day >= 17720 + 364) & (ON.day < 17734 + 364)  # two ISO weeks of July


def school(seed: int) -> np.ndarray:
    """Heated, busy on working days, half closed in the summer break."""
    rng = np.random.default_rng(seed)
    busy = ON.working & (ON.hour >= 7) & (ON.hour < 16)
    load = 20 + 2.0 * np.maximum(14 - OUTDOOR, 0) + 30 * busy * np.where(BREAK, 0.2, 1.0)
    return load * rng.normal(1, 0.05, N) * rng.uniform(0.5, 3)


def members(n: int = 6) -> list[Member]:
    return [Member(f"B{k}/main", f"B{k}", "main", school(k), OUTDOOR) for k in range(n)]


@pytest.fixture(scope="module")
def fitted() -> tuple[list[Member], Cohort, list[Baseline], list[np.ndarray]]:
    some = members()
    cohort, models = fit_cohort(START, PLACE, some, TRAIN)
    return some, cohort, models, predict_cohort(cohort, some, models, TEST)[1]


def test_the_next_year_is_foretold_to_its_noise(
    fitted: tuple[list[Member], Cohort, list[Baseline], list[np.ndarray]],
) -> None:
    some, _, models, told = fitted
    assert [m.point for m in models] == [m.point for m in some]
    for member, expected in zip(some, told, strict=True):
        actual = member.energy_kwh[TEST]
        assert np.sqrt(((expected - actual) ** 2).mean()) / actual.mean() < 0.09
        assert abs(expected.sum() / actual.sum() - 1) < 0.02


def test_predictions_are_the_same_when_the_years_after_are_taken_away(
    fitted: tuple[list[Member], Cohort, list[Baseline], list[np.ndarray]],
) -> None:
    some, _, models, told = fitted
    blind = [Member(m.point, m.building, m.kind, np.where(TRAIN, m.energy_kwh, np.nan), m.outdoor_c) for m in some]
    wild = [Member(m.point, m.building, m.kind, np.where(TRAIN, m.energy_kwh, 1e6), m.outdoor_c) for m in some]
    for others in (blind, wild):
        cohort, again = fit_cohort(START, PLACE, others, TRAIN)
        assert again == models
        for one, two in zip(told, predict_cohort(cohort, others, again, TEST)[1], strict=True):
            np.testing.assert_array_equal(one, two)


def test_the_summer_break_is_found_in_all_and_expected_again(
    fitted: tuple[list[Member], Cohort, list[Baseline], list[np.ndarray]],
) -> None:
    some, cohort, _, told = fitted
    assert cohort.term is not None
    deepest = np.array(cohort.term.monday)[np.array(cohort.term.dip) < -0.8]
    assert all(17720 - 7 < monday < 17734 for monday in deepest)
    assert len(deepest) >= 2
    noon = (ON.hour == 10) & ON.working
    closed, before = (noon & BREAK)[TEST], (noon & np.roll(BREAK, -24 * 21))[TEST]
    assert told[0][closed].mean() < 0.75 * told[0][before].mean()
    assert len(some) == cohort.usual["main", cohort.training(OUTDOOR).width].meters


def test_few_meters_share_nothing_and_are_fitted_alone() -> None:
    cohort, models = fit_cohort(START, PLACE, members(2), TRAIN)
    assert (cohort.term, cohort.usual) == (None, {})
    assert all(m.cvrmse < 0.15 for m in models)


def test_a_meter_without_weather_and_one_without_history_are_answered_honestly() -> None:
    bare = Member("X/main", "X", "main", school(9), None)
    young = Member("Y/main", "Y", "main", np.where(np.arange(N) > 8600, school(8), np.nan), OUTDOOR)
    cohort, models = fit_cohort(START, PLACE, [*members(5), bare, young], TRAIN)
    assert models[-2].coefficients["weather"] == [0.0]
    assert (models[-1].refused, models[-1].facts["least"]) == ("few_hours", 192)
    told = predict_cohort(cohort, [*members(5), bare, young], models, TEST)[1]
    assert np.isfinite(told[-2]).all()
    assert np.isnan(told[-1]).all()


def test_a_meter_with_many_holes_has_a_factorisation_of_its_own() -> None:
    holed = school(3)
    holed[np.random.default_rng(5).random(N) < 0.3] = np.nan
    some = [*members(5), Member("H/main", "H", "main", holed, OUTDOOR)]
    _, models = fit_cohort(START, PLACE, some, TRAIN)
    assert models[-1].n == int(np.isfinite(holed[TRAIN]).sum())
    assert models[-1].cvrmse < 0.1


def test_placebo_years_of_few_meters_leave_the_stated_drift_and_more_teach_their_own() -> None:
    assert learn_drift(*placebo_years(START, PLACE, members(2), TRAIN, TEST)) == STATED
    learned = learn_drift(*placebo_years(START, PLACE, members(6), TRAIN, TEST))
    assert learned.years == 6
    assert learned.a_year <= STATED.a_year


def slow_huber(x: np.ndarray, y: np.ndarray, passes: int) -> np.ndarray:
    """The same regression for one hour of the day, a line at a time."""
    penalty = np.diag(np.r_[1e-6, np.full(x.shape[1] - 1, 2.0)])
    fitted, b = np.full(len(y), y.mean()), np.zeros(x.shape[1])
    floor = 1e-3 * np.abs(y).mean()
    for _ in range(passes):
        error = y - fitted
        edge = 1.5 * max(1.4826 * float(np.median(np.abs(error))), floor)
        b = np.linalg.solve(x.T @ x + penalty, x.T @ (fitted + np.clip(error, -edge, edge)))
        fitted = x @ b
    return b


def test_the_robust_regression_equals_its_slow_twin() -> None:
    on = ON.rows(TRAIN)
    energy = np.stack([school(1)[TRAIN], school(2)[TRAIN]])
    found, given = robust(on, on.even, energy, passes=4)
    for hour in (3, 12):
        rows = on.by_hour[hour][on.by_hour[hour] >= 0]
        for k in (0, 1):
            scale = np.abs(energy[k]).mean() / np.abs(energy[k][rows]).mean()  # the floor is the whole meter's
            assert scale > 0
            np.testing.assert_allclose(found[hour, k], slow_huber(on.x[rows], energy[k][rows], 4), rtol=1e-6, atol=1e-7)
            np.testing.assert_allclose(given[k][rows], on.x[rows] @ found[hour, k], rtol=1e-9)


def test_the_plain_regression_equals_its_slow_twin() -> None:
    on = ON.rows(TRAIN)
    energy = school(1)[TRAIN]
    energy[on.by_hour[9][50]] = np.nan
    found = plain(on, on.even, energy[None])
    rows = on.by_hour[9][on.by_hour[9] >= 0]
    y = np.where(np.isfinite(energy[rows]), energy[rows], np.nanmean(energy[rows]))
    penalty = np.diag(np.r_[1e-6, np.full(on.width - 1, 2.0)])
    slow = np.linalg.solve(on.x[rows].T @ on.x[rows] + penalty, on.x[rows].T @ y)
    np.testing.assert_allclose(found[9, 0], slow, rtol=1e-6, atol=1e-7)


def test_shrinking_towards_a_meter_equals_fitting_what_differs_from_it() -> None:
    on = ON.rows(TRAIN)
    usual = np.random.default_rng(4).normal(size=(24, 1, on.width))
    energy = school(1)[TRAIN]
    blocks = np.where(on.by_hour >= 0, energy[on.by_hour], 0.0)[:, None]
    towards = on.even.solve(blocks, usual * on.even.penalty)
    rest = np.where(on.by_hour >= 0, blocks[:, 0] - (usual @ on.blocks)[:, 0], 0.0)[:, None]
    np.testing.assert_allclose(towards, on.even.solve(rest) + usual, rtol=1e-6, atol=1e-6)


def test_many_meters_at_once_equal_each_alone() -> None:
    on = ON.rows(TRAIN)
    energy = np.stack([school(k)[TRAIN] for k in range(6)])
    together, _ = robust(on, on.even, energy)
    for k in range(6):
        np.testing.assert_allclose(together[:, k], regress(on, energy[k])[0], rtol=1e-7, atol=1e-8)


def test_a_product_without_the_table_equals_the_table() -> None:
    on = ON.rows(TEST)
    coefficients = np.random.default_rng(1).normal(size=(24, on.width))
    slow = np.einsum("np,np->n", on.x, coefficients[on.hour])
    np.testing.assert_allclose(evaluate(on, coefficients), np.maximum(slow, 0), atol=1e-9)


def test_the_inverse_is_that_of_the_gram_matrix() -> None:
    on = ON.rows(TRAIN)
    solver = factorise(on, np.ones(len(on)))
    gram = on.blocks[7] @ on.blocks[7].T + np.diag(solver.penalty)
    np.testing.assert_allclose(solver.inverse[7] @ gram, np.eye(on.width), atol=1e-6)


def test_many_meters_are_fitted_a_part_at_a_time_with_the_same_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    some = members()
    _, whole = fit_cohort(START, PLACE, some, TRAIN)
    monkeypatch.setattr("analytics.cohort.MOST_AT_ONCE", 4)
    cohort, parts = fit_cohort(START, PLACE, some, TRAIN)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(predict(one, cohort.design(OUTDOOR)), predict(other, cohort.design(OUTDOOR)))


def test_stations_that_hold_one_series_share_its_tables() -> None:
    cohort, _ = fit_cohort(START, PLACE, members(1), TRAIN)
    copy, other = OUTDOOR.copy(), OUTDOOR + 1e-9
    assert cohort.weather(copy) == cohort.weather(OUTDOOR) != cohort.weather(other)
    assert cohort.training(copy) is cohort.training(OUTDOOR)
    gap = np.where(np.arange(N) == 50, np.nan, OUTDOOR)
    assert cohort.weather(gap) == cohort.weather(gap.copy()) != cohort.weather(OUTDOOR)
