"""Simpler models at the borders of history, and for meters that follow nothing."""

import msgspec
import numpy as np
import pytest

from analytics.baseline import fit, predict, predict_band
from analytics.cohort import Member, fit_cohort, predict_cohort
from analytics.design import Design, design
from analytics.simple import expected, is_simple, learn
from analytics.weekdays import Place
from dashboards.catalogue import LANGUAGES, text
from submeter.words import Baseline

START = np.arange("2025-01-06", "2025-04-28", dtype="datetime64[h]").astype("datetime64[s]")  # 16 weeks from a Monday
N = len(START)
RNG = np.random.default_rng(1)
OUTDOOR = 2 + np.linspace(0, 10, N) + np.repeat(RNG.normal(0, 4, N // 24), 24)


def grid(outdoor: np.ndarray | None = OUTDOOR) -> Design:
    return design(START, zone="UTC", country="GB", outdoor_c=outdoor)


def heated(on: Design) -> np.ndarray:
    """20 kWh an hour, 60 in working hours, and all of it by a twentieth more for each degree below 10 °C."""
    busy = on.working & (on.hour >= 8) & (on.hour < 18)
    return (20 + 40 * busy) * (1 + 0.05 * np.maximum(10 - OUTDOOR, 0))


def first(hours: int, energy: np.ndarray) -> np.ndarray:
    return np.where(np.arange(N) < hours, energy, np.nan)


@pytest.mark.parametrize(
    ("hours", "model", "simpler", "refused"),
    [
        (191, "", "", "few_hours"),
        (192, "-means/1", "few_hours", ""),
        (719, "-means/1", "few_hours", ""),
        (720, "hourly-ridge/3", "", ""),
    ],
)
def test_the_model_grows_with_the_history_and_says_why_it_is_no_larger(
    hours: int, model: str, simpler: str, refused: str
) -> None:
    on = grid()
    told = fit(on, first(hours, heated(on)), point="B/m")
    assert (told.simpler, told.refused) == (simpler, refused)
    assert told.model.endswith(model)
    if simpler:
        assert told.facts == {"hours": hours, "least": 720}
    if refused:
        assert told.facts == {"hours": hours, "least": 192}


def test_two_weeks_of_winter_foretell_the_spring() -> None:
    on = grid()
    model = fit(on, first(14 * 24, heated(on)), point="B/m")
    assert model.simpler == "few_hours"
    later = slice(30 * 24, N)
    error = (predict(model, on) - heated(on))[later]
    assert np.abs(error).mean() < 0.15 * heated(on)[later].mean()
    means = fit(grid(None), first(14 * 24, heated(on)), point="B/m")
    assert means.model == "1P-means/1"
    assert np.abs((predict(means, grid(None)) - heated(on))[later]).mean() > 2 * np.abs(error).mean()


@pytest.mark.parametrize("kind", ["normal", "exponential", "rare"])
def test_a_meter_that_follows_nothing_has_its_mean(kind: str) -> None:
    on, rng = grid(), np.random.default_rng(3)
    noise = {"normal": rng.normal(10, 2, N), "exponential": rng.exponential(1, N), "rare": 5.0 * (rng.random(N) < 0.02)}
    energy = np.asarray(noise[kind], float)
    model = fit(on, energy, point="B/m")
    assert (model.simpler, model.model, model.refused) == ("no_pattern", "1P-means/1", "")
    np.testing.assert_allclose(predict(model, on), energy.mean(), rtol=1e-9)


def test_a_meter_that_follows_the_clock_is_not_taken_for_one_that_follows_nothing() -> None:
    on = grid()
    faint = np.random.default_rng(4).normal(20, 4, N) + 4.0 * (on.working & (on.hour >= 8) & (on.hour < 18))
    assert fit(on, faint, point="B/m").model == "hourly-ridge/3"


def test_means_by_hour_and_day_type_by_hand() -> None:
    on = grid(None)
    energy = np.where(on.working, 3.0, 1.0) + np.where(on.hour == 12, 2.0, 0.0)
    name, kept, p = learn(on, first(14 * 24, energy))
    assert (name, p) == ("1P-means/1", 48)
    assert kept["work"] == [3.0] * 12 + [5.0] + [3.0] * 11
    assert kept["other"] == [1.0] * 12 + [3.0] + [1.0] * 11
    np.testing.assert_allclose(expected(name, kept, on), energy)


def test_a_line_needs_the_weather_that_it_was_learnt_from() -> None:
    on = grid()
    name, kept, _ = learn(on, first(21 * 24, heated(on)))
    assert name in ("2P-means/1", "3PH-means/1")
    with pytest.raises(ValueError, match="needs outdoor temperatures"):
        expected(name, kept, grid(None))


def test_no_cold_is_foretold_at_more_than_three_mean_days() -> None:
    on = grid()
    name, kept, _ = learn(on, first(21 * 24, heated(on)))
    arctic = grid(np.where(np.arange(N) < 21 * 24, OUTDOOR, -200.0))
    table = np.array([kept["other"], kept["work"]])[on.working.astype(int), on.hour]
    assert (expected(name, kept, arctic) <= 3 * table + 1e-9).all()


def test_a_simple_model_survives_json_and_has_a_band() -> None:
    on = grid()
    model = fit(on, first(20 * 24, heated(on) * np.random.default_rng(5).normal(1, 0.1, N)), point="B/m")
    again = msgspec.json.decode(msgspec.json.encode(model), type=Baseline)
    assert is_simple(again.model)
    np.testing.assert_array_equal(predict(again, on), predict(model, on))
    low, high = predict_band(model, on)
    assert (low <= predict(model, on)).all()
    assert (high > low).any()


def test_a_portfolio_mixes_both_sorts() -> None:
    on = grid()
    some = [Member(f"B{k}/m", f"B{k}", "main", first(h, heated(on)), OUTDOOR) for k, h in enumerate((2000, 400, 100))]
    every = np.ones(N, bool)
    cohort, models = fit_cohort(START, Place("UTC", "GB"), some, every)
    assert [(m.simpler, m.refused) for m in models] == [("", ""), ("few_hours", ""), ("", "few_hours")]
    told = predict_cohort(cohort, some, models, every)[1]
    np.testing.assert_allclose(told[1], predict(models[1], cohort.design(OUTDOOR)))
    assert np.isfinite(told[0]).all()
    assert np.isnan(told[2]).all()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", ["few_hours", "no_pattern"])
def test_every_reason_for_a_simpler_model_is_said_in_both_languages(code: str, language: str) -> None:
    said = text(language, f"simpler.{code}", hours=300.0, least=720.0)
    assert "⟦" not in said
    assert "…" not in said
