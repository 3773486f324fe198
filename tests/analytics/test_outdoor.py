import numpy as np
import pytest

from analytics.outdoor import filled, memory


def slow_memory(outdoor_c: np.ndarray, hours: float) -> np.ndarray:
    keep, out, last = np.exp(-1 / hours), [], outdoor_c[0]
    for value in outdoor_c:
        last = keep * last + (1 - keep) * value
        out.append(last)
    return np.array(out)


def test_memory_equals_its_slow_twin() -> None:
    outdoor = np.random.default_rng(1).normal(10, 8, 500)
    np.testing.assert_allclose(memory(outdoor, 12), slow_memory(outdoor, 12))


def test_memory_knows_nothing_of_the_future() -> None:
    outdoor = np.random.default_rng(2).normal(10, 8, 200)
    changed = outdoor.copy()
    changed[100:] = 40
    np.testing.assert_array_equal(memory(outdoor, 72)[:100], memory(changed, 72)[:100])


def test_a_short_gap_in_the_weather_is_a_line_and_a_long_one_the_season() -> None:
    outdoor = np.tile(np.arange(24.0), 20)
    outdoor[100:102] = np.nan
    outdoor[200:224] = np.nan
    year_day = np.repeat(np.arange(20), 24)
    out = filled(outdoor, year_day)
    assert out[100:102].tolist() == pytest.approx([4.0, 5.0])
    np.testing.assert_allclose(out[200:224], np.tile(np.arange(24.0), 20)[200:224])


def slow_usual(outdoor_c: np.ndarray, year_day: np.ndarray, row: int) -> float:
    """Mean of the same hour on known days within 15 days of the same day of any year."""
    found = []
    for other, value in enumerate(outdoor_c):
        apart = abs(int(year_day[other]) - int(year_day[row]))
        if not np.isnan(value) and (other - row) % 24 == 0 and min(apart, 365 - apart) <= 15:
            found.append(value)
    return float(np.mean(found))


def test_a_long_gap_equals_its_slow_twin_through_the_turn_of_the_year() -> None:
    outdoor = np.random.default_rng(3).normal(10, 8, 24 * 80)
    year_day = np.repeat(np.r_[330:365, 0:45], 24)
    outdoor[24 * 30 : 24 * 45] = np.nan
    out = filled(outdoor, year_day)
    for row in range(24 * 30, 24 * 45, 7):
        assert out[row] == pytest.approx(slow_usual(outdoor, year_day, row))


def test_six_hours_are_a_short_gap_and_seven_a_long_one() -> None:
    outdoor = np.tile(np.arange(24.0), 20) ** 2
    usual = outdoor.copy()
    outdoor[100:106] = np.nan
    outdoor[200:207] = np.nan
    out = filled(outdoor, np.repeat(np.arange(20), 24))
    np.testing.assert_allclose(out[99:107], np.linspace(usual[99], usual[106], 8))
    np.testing.assert_allclose(out[200:207], usual[200:207])
