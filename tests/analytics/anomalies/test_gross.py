import csv
from pathlib import Path

import numpy as np

from analytics.anomalies.gross import gross_errors, gross_hours, near_gap
from analytics.anomalies.levels import Bools
from analytics.baseline import evaluate, regress
from analytics.design import design


def test_the_99_hours_of_the_shanghai_office_are_named_without_a_limit(sites: Path) -> None:
    with (sites / "shanghai_office" / "as_published.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["timestamp"]]
    start = np.array([row["timestamp"] for row in rows], "datetime64[s]") - np.timedelta64(8, "h")
    outdoor = np.array([float(row["temp_c"] or "nan") for row in rows])
    on = design(start, zone="Asia/Shanghai", country="CN", outdoor_c=outdoor)
    told, true = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
    for column, hours in (("light_plug_kwh", 98), ("hvac_kwh", 97)):
        energy = np.array([float(row[column] or "nan") for row in rows])
        bad = gross_hours(energy, evaluate(on, regress(on, energy)[0]))
        assert bad[energy > 2500].all()
        assert hours <= bad.sum() <= hours + 1  # an hour that is only half wrong may stand beside
        told |= bad
        true |= energy > 2500
    assert true.sum() == 99
    np.testing.assert_array_equal(told, true)


def load(days: int = 200) -> np.ndarray:
    hour = np.arange(24 * days) % 24
    return np.where((hour > 7) & (hour < 19), 100.0, 20.0) * np.random.default_rng(0).normal(1, 0.1, 24 * days)


def test_a_clean_series_has_no_gross_error() -> None:
    assert not gross_hours(load(), None).any()


def test_hours_far_beyond_the_bulk_become_one_episode() -> None:
    energy = load()
    energy[1000:1005] = 900.0
    bad = gross_hours(energy, None)
    (found,) = gross_errors("B/a", energy, np.full(len(energy), 50.0), bad)
    assert (found.begin, found.end, found.amount) == (1000, 1005, 4500.0 - 250.0)
    assert found.evidence == {"hours": 5.0, "actual_kwh": 4500.0, "expected_kwh": 250.0}


def test_what_the_ledger_marked_counts_if_it_is_odd_here_too() -> None:
    energy = load()
    energy[1008] = 170.0
    marked: Bools = np.zeros(len(energy), bool)
    marked[[1008, 2000]] = True
    assert np.flatnonzero(gross_hours(energy, None, marked)).tolist() == [1008]


def test_a_short_series_says_nothing_by_itself() -> None:
    assert not gross_hours(np.r_[np.ones(50), 1e6], None).any()


def test_hours_after_a_gap_may_catch_up() -> None:
    gap = np.zeros(8, bool)
    gap[2:4] = True
    assert np.flatnonzero(near_gap(gap)).tolist() == [2, 3, 4, 5]


def test_a_height_that_is_reached_again_and_again_is_within_reach() -> None:
    coarse = np.where(load() > 60, 100.0, 0.0)
    coarse[24 * np.arange(10, 190, 30) + 12] = 200.0
    assert not gross_hours(coarse, None).any()
    coarse[3000] = 700.0
    assert np.flatnonzero(gross_hours(coarse, None)).tolist() == [3000]


def test_the_coldest_days_of_a_mild_winter_are_no_gross_error() -> None:
    heat = np.full(24 * 200, 1.0)
    heat[: 24 * 12] = np.linspace(160, 40, 24 * 12)  # twelve days of heat, the coldest first
    assert not gross_hours(heat, None).any()


def boiler() -> tuple[np.ndarray, np.ndarray]:
    """On at 8 kW on four days of five, whichever; and what a model makes of it."""
    day = np.arange(24 * 200) // 24
    return np.where(day % 5 > 0, 8.0, 0.0), np.full(24 * 200, 6.4)


def test_what_a_load_that_goes_on_and_off_reaches_twice_is_its_rated_power() -> None:
    energy, expected = boiler()
    energy[[1000, 3000]] = 31.0
    assert not gross_hours(energy, expected).any()
    steady = np.maximum(energy, 1.0)  # never off: a step that it takes twice a year is none of its own
    assert np.flatnonzero(gross_hours(steady, expected)).tolist() == [1000, 3000]


def test_a_load_that_goes_on_and_off_may_count_the_impossible_too() -> None:
    energy, expected = boiler()
    energy[1000] = 31.0
    assert np.flatnonzero(gross_hours(energy, expected)).tolist() == [1000]
    energy[[1000, 3000]] = 80.0
    assert np.flatnonzero(gross_hours(energy, expected)).tolist() == [1000, 3000]
