import numpy as np

from analytics.anomalies.switched import is_switched

N = 24 * 60
EXPECTED = np.where((np.arange(N) % 24 >= 8) & (np.arange(N) % 24 < 18), 10.0, 0.5)


def test_a_load_that_is_off_on_a_fifth_of_its_days_goes_on_and_off() -> None:
    boiler = EXPECTED * (np.arange(N) // 24 % 5 > 0)
    assert is_switched(boiler, EXPECTED)
    seldom = EXPECTED * (np.arange(N) // 24 % 10 > 0)
    assert not is_switched(seldom, EXPECTED)


def test_nights_without_load_are_no_switching() -> None:
    assert not is_switched(np.where(EXPECTED > 5, EXPECTED, 0.0), EXPECTED)


def test_one_long_standstill_is_no_switching_by_itself() -> None:
    dead = np.where(np.arange(N) < N // 2, EXPECTED, 0.0)
    assert is_switched(dead, EXPECTED)
    assert not is_switched(dead, EXPECTED, slice(N // 2, N))


def test_of_a_meter_of_which_nothing_is_known_nothing_is_said() -> None:
    assert not is_switched(np.full(N, np.nan), EXPECTED)
