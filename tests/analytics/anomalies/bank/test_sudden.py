"""Hours that stand out: a meter by hand, with one fault put in at a time."""

import numpy as np
import pytest

from analytics.anomalies.bank.sudden import Hours, Sudden, sudden_faults

N = 24 * 200
HOUR = np.arange(N) % 24
EXPECTED = np.where((HOUR >= 7) & (HOUR < 18), 60.0, 20.0)
FLOOR = 1.0
PAST = np.arange(N) < N // 2
AT = N // 2 + 24 * 30 + 5


def normal(seed: int = 0) -> np.ndarray:
    return np.round(EXPECTED * np.exp(np.random.default_rng(seed).normal(0, 0.12, N)), 2)


def found(energy: np.ndarray) -> list[Sudden]:
    logs, usual = np.log(np.maximum(energy, 0) + FLOOR), np.log(EXPECTED + FLOOR)
    return [s for s in sudden_faults(Hours(energy, EXPECTED, logs, usual, FLOOR, PAST)) if s.odds > 11]


@pytest.mark.parametrize("seed", range(3))
def test_a_meter_without_faults_has_none(seed: int) -> None:
    assert found(normal(seed)) == []


def test_a_stretch_of_zeros_is_a_dropout() -> None:
    energy = normal()
    energy[AT : AT + 9] = 0
    (one,) = found(energy)
    assert (one.kind, one.begin, one.end) == ("dropout", AT, AT + 9)


def test_zeros_made_good_by_the_hour_after_are_a_gap_that_catches_up() -> None:
    energy = normal()
    energy[AT + 7] = energy[AT : AT + 8].sum()
    energy[AT : AT + 7] = 0
    (one,) = found(energy)
    assert (one.kind, one.begin, one.end) == ("gap_catchup", AT, AT + 8)


def test_a_value_read_again_and_again_is_a_standstill_from_its_first_reading_on() -> None:
    energy = normal()
    energy[AT : AT + 20] = energy[AT]
    (one,) = found(energy)
    assert (one.kind, one.begin, one.end) == ("stuck", AT, AT + 20)


def test_a_standstill_that_a_missing_reading_interrupts_is_one() -> None:
    energy = normal()
    energy[AT : AT + 20] = energy[AT]
    energy[AT + 21 : AT + 40] = energy[AT + 21] + 3
    energy[AT + 20] = np.nan
    (one,) = found(energy)
    assert (one.kind, one.begin, one.end) == ("stuck", AT, AT + 40)


def test_an_hour_of_three_times_the_most_is_a_spike() -> None:
    energy = normal()
    energy[AT] += 180
    (one,) = found(energy)
    assert (one.kind, one.begin, one.end) == ("spike", AT, AT + 1)


def test_half_a_day_of_ten_times_as_much_is_tenfold() -> None:
    energy = normal()
    energy[AT : AT + 12] *= 10
    (one,) = found(energy)
    assert (one.kind, one.begin, one.end) == ("scale10", AT, AT + 12)


def test_lights_left_on_at_night_are_not_tenfold_though_they_were_nearly_off() -> None:
    energy = normal()
    energy[AT : AT + 10] = np.maximum(energy[AT : AT + 10], 61.0 + 0.1 * np.arange(10))
    assert found(energy) == []


def test_what_a_meter_does_every_week_is_its_habit_and_no_fault() -> None:
    energy = normal()
    for day in range(3, 200, 7):
        energy[24 * day : 24 * day + 6] = 0
    assert found(energy) == []


def test_a_coarse_meter_repeats_itself_without_being_stuck() -> None:
    assert found(np.round(normal() / 20) * 20) == []


def test_hours_that_nobody_read_say_nothing() -> None:
    energy = normal()
    energy[AT : AT + 30] = np.nan
    assert found(energy) == []
