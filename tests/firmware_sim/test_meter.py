"""Registers by hand: 400/5 is a ratio of 80, so 8 kWh through the circuit count 0.1 kWh on the meter."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.meter import Register, count, opening
from submeter.words import Device

METER = Device(point="B1/main", serial="E1", digits=8, resolution=0.01, ct="400/5")
SMALL = Device(point="B1/sub", serial="E2", digits=4, resolution=0.1)


def register(energy: list[float], device: Device = METER, begin: float = 0.0) -> Register:
    return Register(device, 0, count(np.array(energy), device, begin))


def test_the_register_counts_energy_before_the_ratio() -> None:
    times, micro = register([8.0, 8.0, 0.0, 4.0]).history(0, 5)
    assert times.tolist() == [0, 900_000, 1_800_000, 2_700_000, 3_600_000]
    assert micro.tolist() == [0, 100_000, 200_000, 200_000, 250_000]


def test_it_shows_whole_steps_and_keeps_the_rest() -> None:
    _, micro = register([0.5, 0.5, 0.5]).history(0, 4)
    assert micro.tolist() == [0, 0, 10_000, 10_000], "0.00625, 0.0125, 0.01875 kWh"


def test_it_rolls_over_at_its_own_digits_before_the_ratio() -> None:
    _, micro = register([0.2, 0.2, 0.2], SMALL, begin=999.7).history(0, 4)
    assert micro.tolist() == [999_700_000, 999_900_000, 100_000, 300_000]


def test_hourly_history_is_read_at_full_hours() -> None:
    times, micro = register([8.0] * 12).history(1, 13, every=4)
    assert times.tolist() == [3_600_000, 7_200_000, 10_800_000, 12 * 900_000][: len(times)]
    assert micro.tolist() == [400_000, 800_000, 1_200_000]


def test_between_quarters_it_shows_a_straight_line() -> None:
    meter = register([8.0, 8.0])
    assert meter.read(450_000) == 50_000
    assert meter.read(900_000) == 100_000


def test_power_is_what_the_secondary_side_sees() -> None:
    assert register([8.0, 16.0]).power_w(0) == 400, "32 kW ÷ 80"


@given(st.lists(st.floats(0, 50), min_size=2, max_size=40), st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_polls_never_run_backwards_against_history(energy: list[float], where: list[float]) -> None:
    meter = register(energy)
    times, micro = meter.history(0, len(energy) + 1)
    for share in where:
        now = int(share * (len(energy) * 900_000 - 1))
        shown = meter.read(now)
        assert shown is not None
        assert micro[times <= now][-1] <= shown <= micro[times > now][0]


def test_openings_differ_by_serial_and_are_the_same_again() -> None:
    assert opening(1, METER) == opening(1, METER)
    assert opening(1, METER) != opening(2, METER)
    assert 0 <= opening(1, METER) < 1_000_000


def test_a_given_opening_is_taken() -> None:
    assert opening(1, Device(point="B1/x", serial="1", opening=12.5)) == 12.5
