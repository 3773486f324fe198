import numpy as np
import pytest

from analytics.drift import interval_score, learn_drift
from analytics.savings import STATED


def test_the_interval_score_by_hand() -> None:
    # width 0.2, and 20 times what lies outside
    error, width = np.array([0.05, 0.13]), np.array([[0.1, 0.1]])
    assert interval_score(error, width).tolist() == [[pytest.approx(0.2), pytest.approx(0.2 + 20 * 0.03)]]


def test_few_years_leave_the_stated_prior() -> None:
    assert learn_drift([0.3] * 4, [0.05] * 4) == STATED
    assert learn_drift([np.nan] * 40, [0.05] * 40) == STATED


@pytest.mark.parametrize("true", [0.05, 0.2])
def test_many_placebo_years_teach_a_band_that_holds_nine_in_ten(true: float) -> None:
    rng = np.random.default_rng(7)
    wander = rng.uniform(0.02, 0.05, 400)
    told = learn_drift(rng.normal(0, true / 1.645, 400).tolist(), wander.tolist())
    width = np.sqrt(told.a_year**2 + (told.share * wander) ** 2)
    later = rng.normal(0, true / 1.645, 400)
    assert told.years == 400
    assert (np.abs(later) <= width).mean() == pytest.approx(0.9, abs=0.04)


def test_meters_that_wander_get_wider_bands_where_that_is_so() -> None:
    rng = np.random.default_rng(8)
    wander = rng.choice([0.02, 0.2], 200)
    told = learn_drift((rng.normal(0, 1, 200) * wander).tolist(), wander.tolist())
    assert told.share > 1
