"""Change-point models: data made from each, found again; and what a model says of data it has not seen."""

import numpy as np
import pytest

from analytics.changepoint import ChangePoint, fit, predict

T = np.linspace(-10.0, 35.0, 200)


@pytest.mark.parametrize(
    ("energy", "name", "base", "heating", "cooling"),
    [
        (np.full(200, 50.0), "1P", 50.0, np.nan, np.nan),
        (100 - 1.5 * T, "2P", 100.0, 1.5, np.nan),
        (20 + 0.8 * T + 8, "2P", 28.0, np.nan, 0.8),
        (40 + 3 * np.maximum(12 - T, 0), "3PH", 40.0, 3.0, np.nan),
        (40 + 2 * np.maximum(T - 20, 0), "3PC", 40.0, np.nan, 2.0),
        (30 + 4 * np.maximum(15 - T, 0) + 2 * np.maximum(T - 15, 0), "4P", 30.0, 4.0, 2.0),
        (30 + 4 * np.maximum(8 - T, 0) + 2 * np.maximum(T - 22, 0), "5P", 30.0, 4.0, 2.0),
    ],
)
def test_the_model_that_made_the_data_is_found_with_its_slopes(energy, name, base, heating, cooling):
    noise = np.random.default_rng(1).normal(0, 0.6, 200)
    found = fit(T, energy + noise)
    assert found.name == name
    assert found.base == pytest.approx(base, rel=0.05)
    assert found.heating == pytest.approx(heating, rel=0.1, nan_ok=True)
    assert found.cooling == pytest.approx(cooling, rel=0.1, nan_ok=True)


def test_a_prediction_is_the_formula_and_never_below_zero():
    model = ChangePoint("5P", 10.0, heating=2.0, cooling=1.0, heats_below=10.0, cools_above=20.0)
    assert predict(model, np.array([5.0, 15.0, 26.0, np.nan])).tolist()[:3] == [20.0, 10.0, 16.0]
    assert np.isnan(predict(model, np.array([np.nan])))[0]
    falling = ChangePoint("2P", 10.0, heating=1.0)
    assert predict(falling, np.array([4.0, 30.0])).tolist() == [6.0, 0.0]


def test_quality_counts_change_points_as_parameters():
    energy = 40 + 3 * np.maximum(12 - T, 0) + np.random.default_rng(2).normal(0, 2, 200)
    found = fit(T, energy)
    residual = energy - predict(found, T)
    assert found.cvrmse == pytest.approx(np.sqrt((residual**2).sum() / (200 - 3)) / energy.mean())
    assert found.r2 == pytest.approx(1 - (residual**2).sum() / ((energy - energy.mean()) ** 2).sum())


def test_a_few_days_give_a_mean_and_none_an_error():
    assert fit(T[:5], T[:5] * 0 + 3.0).name == "1P"
    assert fit(np.array([1.0, np.nan]), np.array([4.0, 9.0])).base == 4.0
    with pytest.raises(ValueError, match="no day"):
        fit(np.array([np.nan]), np.array([1.0]))
