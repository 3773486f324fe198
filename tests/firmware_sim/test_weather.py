import numpy as np
import pytest

from firmware_sim.weather import Weather, make_weather, relax, smooth

FIRST = int(np.datetime64("2025-01-01", "s").astype(np.int64)) // 900
YEAR = 365 * 96


@pytest.fixture(scope="module")
def weather() -> Weather:
    return make_weather(1, "SH01", FIRST, YEAR, 31.23, 121.53)


def test_a_year_is_like_shanghai(weather: Weather) -> None:
    """CMA normals: 17 °C in the mean, July about 29, January about 5; 1,200 to 1,400 kWh/m² of sun."""
    days = weather.outdoor_c.reshape(365, 96)
    assert 15.5 < days.mean() < 19
    assert 26 < days[181:212].mean() < 32
    assert 2 < days[:31].mean() < 8.5
    assert -9 < days.min() < 2
    assert 34 < days.max() < 42
    assert 1100 < weather.irradiance.sum() / 4000 < 1500
    assert weather.humidity.min() >= 18
    assert weather.humidity.max() <= 99


def test_the_sun_stays_down_at_night_and_stands_highest_about_noon(weather: Weather) -> None:
    hour = (FIRST + np.arange(YEAR)) % 96 / 4
    midnight = (hour >= 15) & (hour < 17)
    assert weather.irradiance[midnight].max() == 0
    by_hour = [weather.irradiance[(hour >= h) & (hour < h + 1)].mean() for h in range(24)]
    assert int(np.argmax(by_hour)) in (3, 4), "noon in Shanghai is 04:00 UTC"


def test_afternoons_are_warmer_than_early_mornings(weather: Weather) -> None:
    days = weather.outdoor_c.reshape(365, 96)
    assert (days[:, 26] - days[:, 86]).mean() > 4, "06:30 UTC is afternoon, 21:30 UTC the end of the night"


def test_a_part_of_the_span_has_the_same_weather(weather: Weather) -> None:
    part = make_weather(1, "SH01", FIRST + 5000, 1000, 31.23, 121.53)
    np.testing.assert_allclose(part.outdoor_c, weather.outdoor_c[5000:6000], atol=1e-9)
    np.testing.assert_allclose(part.irradiance, weather.irradiance[5000:6000], atol=1e-6)


def test_another_seed_has_other_weather(weather: Weather) -> None:
    other = make_weather(2, "SH01", FIRST, YEAR, 31.23, 121.53)
    assert np.abs(other.outdoor_c - weather.outdoor_c).mean() > 1


def test_after_one_time_constant_a_step_has_risen_by_63_percent() -> None:
    step = np.concatenate((np.zeros(1), np.ones(100)))
    assert relax(step, 12.0)[12] == pytest.approx(1 - np.exp(-1))
    assert smooth(np.repeat(step, 4), 12.0)[51:53].mean() == pytest.approx(1 - np.exp(-1), abs=1e-3)


def test_what_is_smoothed_keeps_its_mean_and_its_length() -> None:
    values = np.random.default_rng(1).normal(20, 5, 4003)
    smoothed = smooth(values, 3.0)
    assert len(smoothed) == 4003
    assert smoothed.mean() == pytest.approx(20, abs=0.3)
    assert smoothed.std() < 2
