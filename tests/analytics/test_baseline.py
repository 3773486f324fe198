import msgspec
import numpy as np
import pytest

from analytics.baseline import absorbed, fit, linear, predict, predict_band
from analytics.design import Design, design, factorise
from submeter.words import Baseline

START = np.arange("2025-01-01", "2026-01-01", dtype="datetime64[h]").astype("datetime64[s]")
OUTDOOR = (
    16
    + 12 * np.sin(2 * np.pi * (np.arange(len(START)) / 8760 - 0.3))
    + 4 * np.sin(2 * np.pi * np.arange(len(START)) / 24)
)


def grid(outdoor: np.ndarray | None = OUTDOOR) -> Design:
    return design(START, zone="Asia/Shanghai", country="CN", outdoor_c=outdoor)


@pytest.fixture(scope="module")
def on() -> Design:
    return grid()


def office(on: Design, seed: int = 0) -> np.ndarray:
    open_hours = on.working & (on.hour >= 8) & (on.hour < 19)
    noise = np.random.default_rng(seed).normal(1, 0.03, len(on))
    return (20 + 80 * open_hours + 3 * open_hours * np.maximum(OUTDOOR - 22, 0)) * noise


def test_an_office_is_learned_to_its_noise(on: Design) -> None:
    model = fit(on, office(on), point="B/main")
    assert model.cvrmse < 0.06
    assert abs(model.nmbe) < 0.01
    assert model.r2 > 0.98
    assert model.building == "B"
    assert 0 < model.p < model.n == 8760


def test_predictions_do_not_know_what_came_after_the_fit(on: Design) -> None:
    energy = office(on)
    cut = np.where(np.arange(len(on)) < 6000, energy, np.nan)
    other = np.where(np.arange(len(on)) < 6000, energy, 1e6)
    first = fit(on, cut, point="B/main")
    second = fit(on, np.where(np.arange(len(on)) < 6000, other, np.nan), point="B/main")
    np.testing.assert_array_equal(predict(first, on), predict(second, on))
    assert first.end_ms == int(START[6000].astype("datetime64[ms]").astype(np.int64))


def test_three_wild_weeks_hardly_move_the_model(on: Design) -> None:
    energy = office(on)
    wild = energy.copy()
    wild[2000:2500] *= 5
    calm, robust = predict(fit(on, energy, point="B/m"), on), predict(fit(on, wild, point="B/m"), on)
    assert np.abs(robust - calm).mean() / calm.mean() < 0.03


def test_unknown_hours_cost_little_whether_few_or_many(on: Design) -> None:
    energy = office(on)
    whole = predict(fit(on, energy, point="B/m"), on)
    for share in (0.05, 0.4):
        holes = np.random.default_rng(5).random(len(on)) < share
        part = predict(fit(on, np.where(holes, np.nan, energy), point="B/m"), on)
        assert np.abs(part - whole).mean() / whole.mean() < 0.03


def test_without_weather_the_turn_of_the_year_stands_in() -> None:
    plain = grid(None)
    model = fit(plain, office(plain), point="B/m")
    assert model.coefficients["weather"] == [0.0]
    assert model.cvrmse < 0.12


def test_too_little_history_is_refused_with_the_reason(on: Design) -> None:
    energy = np.full(len(on), np.nan)
    energy[:100] = 5.0
    model = fit(on, energy, point="B/m")
    assert (model.refused, model.facts) == ("few_hours", {"hours": 100, "least": 192})
    with pytest.raises(ValueError, match="no model"):
        predict(model, on)


def test_a_meter_that_never_counts_is_refused(on: Design) -> None:
    assert fit(on, np.zeros(len(on)), point="B/m").refused == "no_energy"


def test_a_meter_of_one_value_has_a_model(on: Design) -> None:
    model = fit(on, np.full(len(on), 5.0), point="B/m")
    np.testing.assert_allclose(predict(model, on), 5.0, rtol=0.01)


def test_a_model_survives_json(on: Design) -> None:
    model = fit(on, office(on), point="B/m")
    again = msgspec.json.decode(msgspec.json.encode(model), type=Baseline)
    np.testing.assert_allclose(predict(again, on), predict(model, on))


def test_a_design_of_another_shape_is_refused(on: Design) -> None:
    model = fit(on, office(on), point="B/m")
    with pytest.raises(ValueError, match="columns"):
        predict(model, grid(None))


def test_nine_hours_in_ten_lie_in_the_band(on: Design) -> None:
    energy = office(on)
    low, high = predict_band(fit(on, energy, point="B/m"), on)
    assert ((low <= energy) & (energy <= high)).mean() == pytest.approx(0.9, abs=0.03)


def test_recency_follows_a_new_level(on: Design) -> None:
    energy = office(on)
    energy[4380:] *= 0.7
    flat, recent = (fit(on, energy, point="B/m", half_life_days=h) for h in (None, 30))
    tail = slice(8000, 8760)
    assert abs(predict(recent, on)[tail].sum() / energy[tail].sum() - 1) < 0.05
    assert abs(predict(flat, on)[tail].sum() / energy[tail].sum() - 1) > 0.05


def test_the_projection_leaves_its_own_columns_alone(on: Design) -> None:
    own = linear(on, np.random.default_rng(3).normal(size=(24, on.x.shape[1])) * 0.1 + 1)
    assert np.abs(absorbed(on, own) - own).mean() < 0.1 * np.abs(own).mean()


def slow_ridge(x: np.ndarray, y: np.ndarray, weight: np.ndarray, penalty: float) -> np.ndarray:
    shrink = np.diag(np.sqrt(np.r_[1e-6, np.full(x.shape[1] - 1, penalty)]))
    heavy = np.sqrt(weight)
    stacked = np.vstack([x * heavy[:, None], shrink])
    return np.linalg.lstsq(stacked, np.r_[y * heavy, np.zeros(x.shape[1])], rcond=None)[0]


def test_one_factorisation_equals_its_slow_twin(on: Design) -> None:
    rows = on.by_hour[12][on.by_hour[12] >= 0]
    rng = np.random.default_rng(4)
    energy, weight = rng.normal(50, 10, len(on)), rng.uniform(0.5, 2, len(on))
    solver = factorise(on, weight)
    fast = solver.solve(np.where(on.by_hour >= 0, energy[on.by_hour], 0.0)[:, None])[12, 0]
    np.testing.assert_allclose(fast, slow_ridge(on.x[rows], energy[rows], weight[rows], 2.0), rtol=1e-5, atol=1e-6)
