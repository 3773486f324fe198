"""What the bank believes, asked once more in kWh: a fault that is there is plain, and chance is not."""

import numpy as np
import pytest

from analytics.anomalies.bank import Record, look_back, recorded
from analytics.anomalies.bank.plain import is_plain
from analytics.design import design

START = np.arange("2022-01-01T00", "2023-01-01T00", dtype="datetime64[h]").astype("datetime64[s]")
N = len(START)
ON = design(START, zone="UTC", country="")
NIGHT = (ON.hour >= 20) | (ON.hour < 6)
BEGIN, END = 24 * 150, 24 * 162
ROWS = slice(BEGIN, END)


def record(energy: np.ndarray) -> Record:
    return recorded(["m"], energy[None], [ON], np.zeros(N, bool), np.ones(N, bool))


def normal() -> np.ndarray:
    busy = ON.working & (ON.hour >= 7) & (ON.hour < 17)
    rng = np.random.default_rng(2)
    return np.asarray((20 + 40 * busy) * np.exp(rng.normal(0, 0.05, N // 24)[np.arange(N) // 24]))


def faulty(kind: str) -> np.ndarray:
    energy = normal()
    if kind == "level_up":
        energy[ROWS] += 12
    elif kind == "night_on":
        energy[ROWS] += 15 * NIGHT[ROWS]
    elif kind == "phase_loss":
        energy[ROWS] *= 2 / 3
    elif kind == "drift":
        energy[ROWS] *= 1 + 0.5 * np.linspace(0, 1, END - BEGIN)
    else:
        energy[ROWS] = energy[BEGIN - 5 : END - 5]
    return energy


@pytest.mark.parametrize("kind", ["level_up", "night_on", "phase_loss", "drift", "time_shift"])
def test_a_fault_that_is_there_is_plain_and_one_that_is_not_is_not(kind: str) -> None:
    spoilt = np.zeros(N, bool)
    assert is_plain(record(faulty(kind)), 0, kind, BEGIN, END, spoilt)
    without = normal()
    without[ROWS] *= 1.2 if kind == "phase_loss" else 1.0
    assert not is_plain(record(without), 0, kind, BEGIN, END, spoilt)


def test_a_clock_that_is_off_moves_no_energy_of_days() -> None:
    assert not is_plain(record(faulty("time_shift")), 0, "level_up", BEGIN, END, np.zeros(N, bool))


@pytest.mark.parametrize("seed", range(3))
def test_a_meter_of_a_few_pulses_an_hour_has_no_lasting_faults_by_chance(seed: int) -> None:
    pulses = np.random.default_rng(seed).poisson(1.0, N).astype(float)
    assert {t.kind for t in look_back(record(pulses)).told} <= {"spike"}
