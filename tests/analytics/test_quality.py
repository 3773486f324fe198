import numpy as np
import pytest

from analytics.quality import fit_quality, quality


def test_the_formulas_of_guideline_14_by_hand() -> None:
    actual, predicted = np.array([10.0, 12.0, 8.0, 10.0]), np.array([9.0, 12.0, 10.0, 10.0])
    q = quality(actual, predicted, np.zeros(4, np.int64), p=2)
    # errors 1, 0, -2, 0: SSE 5, n - p = 2, mean 10
    assert q.cvrmse == pytest.approx((5 / 2) ** 0.5 / 10)
    assert q.nmbe == pytest.approx(-1 / (2 * 10))
    assert q.r2 == pytest.approx(1 - 5 / 8)


def test_unknown_hours_count_for_nothing() -> None:
    actual, predicted = np.array([10.0, np.nan, 12.0, 8.0, 10.0]), np.array([9.0, 99.0, 12.0, 10.0, 10.0])
    q = quality(actual, predicted, np.zeros(5, np.int64), p=2)
    assert q.n == 4
    assert q.cvrmse == pytest.approx((5 / 2) ** 0.5 / 10)


def test_daily_figures_are_of_whole_days() -> None:
    day = np.repeat([0, 1, 2], [24, 24, 5])
    actual = np.repeat([1.0, 1.0, 1.0], [24, 24, 5])
    predicted = np.repeat([0.5, 1.5, 0.0], [24, 24, 5])
    # daily errors +12 and -12 around a mean of 24; the third day has five hours only; n - p is 2 - 0
    assert quality(actual, predicted, day, p=1).cvrmse_daily == pytest.approx(((12**2 + 12**2) / 2) ** 0.5 / 24)


def test_scatter_of_days_that_never_err_is_nothing() -> None:
    day = np.repeat(np.arange(28), 24)
    _, spread = fit_quality(np.ones(28 * 24), np.ones(28 * 24), day, 0)
    assert spread.daily == pytest.approx(0, abs=1e-9)
    assert spread.weekly == 0
    assert 0 <= spread.rho < 1


def test_weeks_that_are_off_by_turns_scatter_by_as_much() -> None:
    day = np.repeat(np.arange(28), 24)
    actual = np.repeat([1.1, 0.9, 1.1, 0.9], 7 * 24)
    _, spread = fit_quality(actual, np.ones(28 * 24), day, 0)
    assert spread.weekly == pytest.approx(0.1)  # of the mean, which is 1
    assert spread.rho > 0.7  # 21 of 27 pairs of days are alike
