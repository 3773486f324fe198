"""The one rule by which scores of plain detectors become episodes."""

import numpy as np
import pytest

from benchmarks.peers.detectors import filled
from benchmarks.peers.episodes import APART, episodes, in_own_scatter, merged
from benchmarks.peers.folder import HOUR, Hours
from benchmarks.peers.hour_of_week import hour_of_week, score


def test_alarms_at_most_a_day_apart_are_one_episode() -> None:
    alarm = np.zeros(100, bool)
    alarm[[3, 4, 4 + APART, 90]] = True
    assert merged(alarm) == [(3, 4 + APART), (90, 90)]
    alarm[[4 + APART]] = False
    alarm[5 + APART] = True
    assert merged(alarm) == [(3, 4), (5 + APART, 5 + APART), (90, 90)]
    assert merged(np.zeros(5, bool)) == []


def test_scores_are_told_in_the_meters_own_scatter() -> None:
    told = in_own_scatter(np.array([1.0, 2.0, 3.0, 4.0, 100.0, np.nan]))
    assert told[:3].tolist() == pytest.approx([-2 / 1.4826, -1 / 1.4826, 0])
    assert np.isnan(told[5])
    assert np.isfinite(in_own_scatter(np.array([0.0, 0.0, 0.0, 9.0]))).all()
    assert in_own_scatter(np.zeros(3)).tolist() == [0, 0, 0]


def test_no_more_episodes_are_told_than_the_budget_allows_and_the_worst_come_first() -> None:
    scores = {"a": np.random.default_rng(0).random(7305), "b": np.zeros(7305)}
    scores["b"][[100, 3000]] = [9.0, 8.0]
    two = episodes(scores, budget=0.1)  # twenty months
    assert len(two) <= 2
    assert ("b", 100, 100) in two
    assert len(episodes(scores, budget=1.0)) <= 20


def test_without_scores_there_are_no_episodes() -> None:
    assert episodes({}, 0.5) == []
    assert episodes({"a": np.full(10, np.nan)}, 0.5) == []


def test_hours_of_the_week_are_those_of_the_local_clock_on_both_sides_of_a_clock_change() -> None:
    start = np.datetime64("2019-03-30T23:00", "s") + np.arange(3) * HOUR  # a Sunday; clocks go forward at 01:00 UTC
    assert hour_of_week(start, "Europe/Oslo").tolist() == [6 * 24, 6 * 24 + 1, 6 * 24 + 3]


def test_an_hour_is_held_against_the_median_of_its_hour_of_the_week() -> None:
    start = np.datetime64("2018-01-01", "s") + np.arange(4 * 168) * HOUR
    kwh = np.tile(10.0 + np.arange(168), 4)
    history = Hours(start, kwh, kwh)
    shown = Hours(start[:168] + 4 * 168 * HOUR, kwh[:168].copy(), kwh[:168])
    shown.kwh[[7, 8]] += [50.0, np.nan]
    told = score(history, shown, "UTC")
    assert told[7] == pytest.approx(50 / (0.05 * np.median(kwh)))
    assert np.isnan(told[8])
    assert told[9] == 0


def test_missing_hours_are_filled_by_a_straight_line() -> None:
    assert filled(np.array([np.nan, 1.0, np.nan, 3.0])).tolist() == [1, 1, 2, 3]
