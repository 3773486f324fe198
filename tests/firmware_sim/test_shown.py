"""What the display shows beside the register, before the ratio."""

import numpy as np
import pytest

from firmware_sim.meter import Register, count
from firmware_sim.shown import image, power_micro
from submeter.words import QUANTITIES, Device

METER = Device(point="B1/main", serial="E1", digits=8, resolution=0.01, ct="400/5")
REGISTER = Register(METER, 0, count(np.full(8, 8.0), METER, 50.0))
"""32 kW through a ratio of 80: 400 W at the meter."""


def test_power_wobbles_by_two_percent_around_the_registers() -> None:
    shown = [power_micro(REGISTER, ms) / 1e6 for ms in range(0, 6_000_000, 7_000)]
    assert np.mean(shown) == pytest.approx(400, rel=0.005)
    assert 391.9 <= min(shown) < 398
    assert 402 < max(shown) <= 408.1


def test_currents_voltages_and_power_factor_make_the_power() -> None:
    shown = image(REGISTER, 1_000_000)
    amperes = sum(shown[f"voltage_{p}"] * shown[f"current_{p}"] / 1e12 for p in "abc")
    assert amperes * shown["power_factor"] / 1e6 == pytest.approx(shown["power_active"] / 1e6, rel=0.01)


def test_everything_shown_is_a_known_quantity_within_its_range() -> None:
    for quantity, micro in image(REGISTER, 1_000_000).items():
        assert QUANTITIES[quantity].lowest <= micro / 1e6 <= QUANTITIES[quantity].highest


def test_a_meter_that_does_not_answer_shows_nothing() -> None:
    silent = Register(METER, 0, REGISTER.count, silent=((0, 10_000),))
    assert image(silent, 9_999) == {}
    assert image(silent, 10_000)["energy_import"] == 50_000_000
