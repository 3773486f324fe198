import numpy as np
import pytest

from analytics.events import find_events

DAYS = np.arange(20_000, 20_300)


def days(*levels: tuple[int, float], noise: float = 0.03) -> tuple[np.ndarray, np.ndarray]:
    """(actual, expected): so many days at each level."""
    expected = np.full(300, 100.0)
    level = np.concatenate([np.full(n, share) for n, share in levels])
    return expected * (1 + level) + 100 * np.random.default_rng(2).normal(0, noise, 300), expected


def test_a_saving_without_breaks_has_no_events() -> None:
    assert find_events(DAYS, *days((300, -0.2)), 0.03, 0.2) == []


def test_each_break_is_dated_and_sized() -> None:
    found = find_events(DAYS, *days((100, -0.2), (120, 0.0), (80, -0.15)), 0.03, 0.2)
    assert [e.share for e in found] == [pytest.approx(0.2, abs=0.02), pytest.approx(-0.15, abs=0.02)]
    assert abs(found[0].day - 20_100) <= 2
    assert abs(found[1].day - 20_220) <= 2


def test_noise_of_days_that_follow_each_other_is_no_event() -> None:
    rng = np.random.default_rng(3)
    wander = np.zeros(300)
    for k in range(1, 300):
        wander[k] = 0.8 * wander[k - 1] + rng.normal(0, 0.03)
    expected = np.full(300, 100.0)
    assert find_events(DAYS, expected * (1 + wander), expected, 0.05, 0.8) == []


def test_a_change_that_another_measure_explains_says_so() -> None:
    (event,) = find_events(DAYS, *days((150, 0.0), (150, -0.2)), 0.03, 0.2, measures=[20_140])
    assert event.explained
    assert event.kwh_a_day == pytest.approx(-20, rel=0.2)


def test_unknown_days_and_short_periods_say_nothing() -> None:
    actual, expected = days((150, 0.0), (150, 0.3))
    assert find_events(DAYS[:50], actual[:50], expected[:50], 0.03, 0.0) == []
    assert find_events(DAYS, np.full(300, np.nan), expected, 0.03, 0.0) == []


def cooling(noise: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """(share, expected): what a chiller takes, from winter through summer; days that are off by so much."""
    warm = np.clip(np.sin(np.pi * (np.arange(300) - 60) / 180), 0, None)
    weather = np.random.default_rng(4).uniform(0.6, 1.4, 300)
    return np.random.default_rng(5).normal(0, noise, 300), 1000 * warm * weather


def test_a_saving_in_proportion_that_comes_with_the_season_is_no_event() -> None:
    share, expected = cooling()
    assert find_events(DAYS, expected * (0.7 + share), expected, 0.06, 0.3) == []


def test_a_level_that_changes_within_the_season_is_dated_beside_a_saving_in_proportion() -> None:
    share, expected = cooling()
    more = np.where(np.arange(300) >= 150, 0.4 * expected.mean(), 0.0)
    (event,) = find_events(DAYS, expected * (0.7 + share) + more, expected, 0.06, 0.3)
    assert abs(event.day - 20_150) <= 3
    assert event.share == pytest.approx(0.4, abs=0.06)
