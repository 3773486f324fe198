import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.anomalies.registers import Glitch, backwards, glitches

QUARTER = 900_000
MODULUS = 10**8


def times(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.int64) * QUARTER


def test_one_reading_too_high_is_taken_back() -> None:
    assert glitches(times(5), np.array([10, 20, 900, 40, 50]), MODULUS) == [Glitch(2 * QUARTER, 2 * QUARTER, 1, 860)]


def test_three_readings_too_high_are_one_glitch() -> None:
    found = glitches(times(7), np.array([10, 20, 900, 905, 910, 60, 70]), MODULUS)
    assert found == [Glitch(2 * QUARTER, 4 * QUARTER, 3, 850)]


def test_a_single_zero_is_a_glitch_below() -> None:
    assert glitches(times(4), np.array([100, 110, 0, 130]), MODULUS) == [Glitch(2 * QUARTER, 2 * QUARTER, 1, -110)]


def test_a_rollover_is_no_glitch() -> None:
    assert glitches(times(5), np.array([MODULUS - 20, MODULUS - 10, 5, 15, 25]), MODULUS) == []


def test_a_register_that_counts_down_runs_backwards() -> None:
    micro = np.r_[np.arange(1000, 1100, 10), np.arange(1090, 700, -10), np.arange(710, 800, 10)]
    found = backwards(times(len(micro)), micro, MODULUS)
    assert [(b.fall) for b in found] == [380]
    assert glitches(times(len(micro)), micro, MODULUS) == []


def test_glitches_are_not_a_register_that_runs_backwards() -> None:
    micro = np.arange(0, 4000, 10)
    micro[50:400:4] = 0
    assert backwards(times(400), micro, MODULUS) == []


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=200))
def test_a_register_that_only_counts_up_has_neither(steps: list[int]) -> None:
    micro = np.cumsum(np.array(steps, np.int64))
    assert glitches(times(len(micro)), micro, MODULUS) == []
    assert backwards(times(len(micro)), micro, MODULUS) == []
