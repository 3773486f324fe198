"""Shapes of loads that can be reckoned by hand."""

import numpy as np
import pytest

from analytics.shapes import (
    Days,
    base_load,
    days_of,
    load_factor,
    night_share,
    off_share,
    peak,
    typical_days,
    weather,
)

HOURS = np.arange(28 * 24)
DAY, HOUR = HOURS // 24, HOURS % 24
WORKING = DAY % 7 < 5
OFFICE = np.where(WORKING & (HOUR >= 8) & (HOUR < 18), 50.0, 10.0)
"""10 kW always, 50 kW for ten hours of five days a week"""


def office() -> Days:
    return days_of(OFFICE, DAY, HOUR)


def test_base_load_peak_and_load_factor_of_an_office():
    assert base_load(office()) == 10.0
    assert peak(OFFICE) == 50.0
    assert load_factor(OFFICE) == pytest.approx((10 + 40 * 50 / 168) / 50)


def test_one_hour_in_a_thousand_makes_no_peak():
    year = np.tile(OFFICE, 13)
    year[100] = 9_999.0
    assert peak(year) == 50.0


def test_shares_of_night_and_of_days_off():
    whole = 10 * 168 + 40 * 50
    assert night_share(OFFICE, HOUR) == pytest.approx(10 * 8 * 7 / whole)
    assert off_share(OFFICE, WORKING) == pytest.approx(10 * 48 / whole)


def test_two_kinds_of_day_are_found_the_frequent_one_first():
    kinds = typical_days(office())
    assert [round(kind.share * 28) for kind in kinds] == [20, 8]
    assert kinds[0].kwh.tolist() == [10.0] * 8 + [50.0] * 10 + [10.0] * 6
    assert set(DAY[kinds[1].rows * 24] % 7) == {5, 6}


def test_days_that_are_all_alike_are_one_kind():
    flat = days_of(np.full(len(HOURS), 7.0), DAY, HOUR)
    assert [kind.share for kind in typical_days(flat)] == [1.0]


def test_the_same_days_give_the_same_kinds():
    noisy = days_of(OFFICE * np.random.default_rng(5).uniform(0.8, 1.2, len(OFFICE)), DAY, HOUR)
    assert [k.rows.tolist() for k in typical_days(noisy)] == [k.rows.tolist() for k in typical_days(noisy)]


def test_a_day_with_many_missing_hours_is_left_out_and_a_missing_hour_lies_between_its_neighbours():
    holes = OFFICE.copy()
    holes[:10] = np.nan
    holes[24 + 8] = np.nan
    days = days_of(holes, DAY, HOUR)
    assert days.day[0] == 1
    assert days.kwh[0, 8] == 30.0


def test_too_little_is_said_to_be_unknown():
    short = days_of(OFFICE[:72], DAY[:72], HOUR[:72])
    assert np.isnan(base_load(short))
    assert np.isnan(peak(OFFICE[:72]))
    assert typical_days(short) == ()
    assert weather(short, np.full(3, 20.0)) is None
    assert np.isnan(night_share(np.zeros(24), np.arange(24)))


def test_weather_tells_the_slope_of_a_days_energy():
    outdoor = np.linspace(10, 35, 28)
    cooled = OFFICE + np.repeat(np.maximum(outdoor - 22, 0) * 5 / 24, 24)
    flat = days_of(np.where(WORKING, cooled, cooled + 400 / 24), DAY, HOUR)
    found = weather(flat, outdoor)
    assert found is not None
    assert found.cooling == pytest.approx(5.0, rel=0.1)


def test_the_week_does_not_hide_the_weather_where_days_of_work_are_known():
    rng = np.random.default_rng(3)
    outdoor = rng.uniform(10, 35, 28)
    cooled = days_of(OFFICE + np.repeat(np.maximum(outdoor - 22, 0) * 5 / 24, 24), DAY, HOUR)
    working = WORKING[::24].astype(float)
    hidden, seen = weather(cooled, outdoor), weather(cooled, outdoor, working)
    assert hidden is not None
    assert seen is not None
    assert np.isnan(hidden.cooling)
    assert seen.cooling == pytest.approx(5.0, rel=0.1)
