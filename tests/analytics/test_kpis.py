import numpy as np
import pytest

from analytics.kpis import base_load_kw, load_factor, night, peak_load_kw, share


def test_figures_of_a_day_with_two_levels() -> None:
    load = np.r_[np.full(12, 2.0), np.full(12, 10.0)]
    assert base_load_kw(load) == 2
    assert peak_load_kw(load) == 10
    assert load_factor(load) == pytest.approx(0.6)


def test_share_of_the_night() -> None:
    assert share(np.ones(24), night(np.arange(24))) == pytest.approx(8 / 24)


def test_unknown_hours_are_left_out_and_nothing_known_is_nan() -> None:
    assert base_load_kw(np.array([np.nan, 3.0])) == 3
    assert np.isnan(base_load_kw(np.array([np.nan])))
    assert np.isnan(load_factor(np.array([np.nan])))
    assert np.isnan(share(np.zeros(3), np.ones(3, bool)))
