"""Each kind's signature on a meter through which 10 kWh flow in every quarter-hour (ratio 1, four days)."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from firmware_sim.calendar import Grid, make_grid, presence
from firmware_sim.faults import FOREVER, Fault, at_stake_kwh, gain_of, meter
from firmware_sim.loads import THERMAL, Drive, EndUse, load, make_drive
from firmware_sim.meter import Register
from firmware_sim.weather import make_weather
from submeter.words import Device

FIRST = int(np.datetime64("2026-03-01T16:00:00", "s").astype(np.int64)) // 900
"""Midnight in Shanghai, a Monday."""
ROWS = 4 * 96
FLAT = np.full(ROWS, 10.0)
METER = Device(point="B1/sub", serial="E1", digits=8, resolution=0.01, opening=100.0)
KWH = 1_000_000


@pytest.fixture(scope="module")
def grid() -> Grid:
    return make_grid(FIRST, ROWS, "Asia/Shanghai")


def at(row: int) -> int:
    return (FIRST + row) * 900_000


def fault(kind: str, first: int, end: int | None, size: float = 0.0) -> Fault:
    return Fault(kind, "B1/sub", at(first), FOREVER if end is None else at(end), size)


def register(grid: Grid, *faults: Fault) -> Register:
    return meter(1, METER, FLAT, grid, faults)


def shown(grid: Grid, *faults: Fault) -> NDArray[np.int64]:
    """Register values at all boundaries in kWh, rounded."""
    return np.round(register(grid, *faults).history(FIRST, FIRST + ROWS + 1)[1] / KWH).astype(np.int64)


def test_a_sound_meter_counts_all(grid: Grid) -> None:
    assert shown(grid).tolist() == [100 + 10 * i for i in range(ROWS + 1)]


def test_a_stuck_register_stands_still_and_goes_on_from_there(grid: Grid) -> None:
    rows = shown(grid, fault("stuck", 100, 150, size=0))
    assert set(rows[100:151].tolist()) == {1100}
    assert rows[151] == 1110


def test_a_stuck_register_may_catch_up_with_a_jump(grid: Grid) -> None:
    rows = shown(grid, fault("stuck", 100, 150, size=1))
    assert set(rows[100:150].tolist()) == {1100}
    assert rows[150] == 1600


def test_a_missing_meter_says_nothing_while_its_register_goes_on(grid: Grid) -> None:
    times, micro = register(grid, fault("missing", 100, 150)).history(FIRST, FIRST + ROWS)
    assert len(times) == ROWS - 50
    assert not ((times >= at(100)) & (times < at(150))).any()
    assert micro[100] == 1600 * KWH
    assert register(grid, fault("missing", 100, 150)).read(at(120)) is None


def test_a_lost_meter_never_comes_back(grid: Grid) -> None:
    lost = register(grid, fault("lost_submeter", 300, None))
    assert len(lost.history(FIRST, FIRST + ROWS)[0]) == 300
    assert lost.read(at(ROWS - 1)) is None


def test_a_spike_is_taken_back(grid: Grid) -> None:
    rows = shown(grid, fault("spike", 200, 202, size=0.5))
    assert rows[199] == 2090
    assert rows[200] == 2100 + 14_600, "half a month of 2920 quarter-hours with 10 kWh"
    assert rows[202] == 2120


def test_a_spike_of_size_nought_is_a_single_zero(grid: Grid) -> None:
    rows = shown(grid, fault("spike", 200, 201, size=0))
    assert rows[199:202].tolist() == [2090, 0, 2110]


def test_a_drift_grows_to_its_size(grid: Grid) -> None:
    gain = gain_of(fault("drift", 0, ROWS, size=-0.2), grid)
    assert gain[0] == 1
    assert gain[ROWS // 2] == pytest.approx(0.9)
    assert gain[-1] == pytest.approx(0.8, abs=1e-3)


def test_a_lost_phase_leaves_two_thirds_in_its_spells(grid: Grid) -> None:
    spells = Fault("phase_loss", "B1/sub", at(0), at(90), 2 / 3, ((at(0), at(30)), (at(60), at(90))))
    rows = shown(grid, spells)
    assert [rows[30] - rows[0], rows[60] - rows[30], rows[90] - rows[60]] == [200, 300, 200]


@pytest.mark.parametrize(("size", "counted"), [(1 / 3, 100), (-1 / 3, -100)])
def test_a_reversed_transformer_leaves_a_third_or_takes_it_away(grid: Grid, size: float, counted: int) -> None:
    rows = shown(grid, fault("reversed_ct", 60, 90, size))
    assert rows[90] - rows[60] == counted
    assert rows[100] - rows[90] == 100


def office_drive(grid: Grid) -> Drive:
    weather = make_weather(1, "SH01", FIRST, ROWS, 31.2, 121.5)
    return make_drive(weather, presence(grid, "office"), grid.quarter)


LIGHT = EndUse("01A1", 10.0, 0.1, "people")
FANS = EndUse("01B2", 5.0, 0.0, "terminals")


def test_lights_left_on_stay_on_at_night(grid: Grid) -> None:
    drive = office_drive(grid)
    left_on = fault("night_on", 96, 192, size=0.7)
    power = load(LIGHT, left_on.redrive(LIGHT, drive, grid))
    plain = load(LIGHT, drive)
    assert power[:96].tolist() == plain[:96].tolist()
    assert power[96:192].min() == pytest.approx(10 * (0.1 + 0.9 * 0.7))
    assert power[96:192].max() == plain[96:192].max()


def test_lights_left_on_do_not_move_the_plant(grid: Grid) -> None:
    drive = office_drive(grid)
    assert fault("night_on", 0, 96, 0.7).redrive(FANS, drive, grid) is drive


def test_a_broken_schedule_runs_through_the_night(grid: Grid) -> None:
    drive = office_drive(grid)
    power = load(FANS, fault("schedule", 96, 192, size=0.9).redrive(FANS, drive, grid))
    assert load(FANS, drive)[96:110].max() == 0
    assert power[96:110].min() >= 5 * 0.5 * 0.9


def test_a_shifted_schedule_begins_hours_later(grid: Grid) -> None:
    drive = office_drive(grid)
    shifted = fault("schedule", 96, 192, size=-3).redrive(FANS, drive, grid)
    assert int(np.flatnonzero(drive.plant[96:192])[0]) == 28, "07:00"
    assert int(np.flatnonzero(shifted.plant[96:192])[0]) == 40, "10:00"


def test_a_base_step_adds_a_share_of_the_mean_before(grid: Grid) -> None:
    power = fault("base_step", 200, None, size=0.5).reload(LIGHT, np.full(ROWS, 8.0), grid)
    assert power[199] == 8
    assert power[200:].tolist() == [12.0] * (ROWS - 200)


def test_a_day_off_runs_as_the_fullest_day_before_it(grid: Grid) -> None:
    drive = replace(
        office_drive(grid), people=np.repeat([0.2, 0.9, 0.1, 0.1], 96), plant=np.repeat([1.0, 1.0, 0, 0], 96)
    )
    felt = fault("holiday_on", 192, 288, size=0.5).redrive(FANS, drive, grid)
    assert felt.people.tolist() == np.repeat([0.2, 0.9, 0.45, 0.1], 96).tolist()
    assert felt.plant.tolist() == np.repeat([1.0, 1.0, 0.5, 0], 96).tolist()


def test_a_peak_adds_multiples_of_the_highest_ever(grid: Grid) -> None:
    power = fault("peak_demand", 200, 204, size=1.5).reload(LIGHT, np.where(np.arange(ROWS) == 3, 8.0, 2.0), grid)
    assert power[[3, 199, 204]].tolist() == [8, 2, 2]
    assert power[200:204].tolist() == [14.0] * 4


def test_heat_in_vain_is_taken_away_by_as_much_cold(grid: Grid) -> None:
    always = replace(office_drive(grid), plant=np.ones(ROWS), heating=np.full(ROWS, 0.1), cooling=np.zeros(ROWS))
    both = fault("heating_cooling", 96, 192, size=0.4)
    more = {name: load(use, both.redrive(use, always, grid)) - load(use, always) for name, use in THERMAL.items()}
    assert more["heat"][96:192] == pytest.approx(0.98 * 55 * 0.3), "from a tenth of a design day to four"
    assert more["cold"] == pytest.approx(more["heat"])
    assert not more["heat"][:96].any()


@pytest.mark.parametrize(("size", "kwh"), [(0, [0, 0, 8, 8, 0, 0]), (2, [0, 0, 0, 0, 8, 8]), (-2, [8, 8, 0, 0, 0, 0])])
def test_a_late_clock_shows_later_what_flowed(grid: Grid, size: float, kwh: list[int]) -> None:
    burst = np.where((np.arange(ROWS) >= 100) & (np.arange(ROWS) < 108), 2.0, 0.0)
    clock = meter(1, METER, burst, grid, (fault("time_shift", 80, 130, size),))
    rows = np.round(clock.history(FIRST, FIRST + ROWS + 1)[1] / KWH).astype(np.int64)
    assert [int(rows[r + 4] - rows[r]) for r in range(92, 116, 4)] == kwh


@pytest.mark.parametrize(
    ("kind", "size", "kwh"),
    [
        ("time_shift", 3, 0),
        ("stuck", 0, -500),
        ("stuck", 1, 0),
        ("missing", 0, 0),
        ("reversed_ct", 1 / 3, -1000 / 3),
        ("lost_submeter", 0, -500),
    ],
)
def test_energy_at_stake_is_what_the_register_told_beyond_the_truth(
    grid: Grid, kind: str, size: float, kwh: float
) -> None:
    f = fault(kind, 100, 150, size)
    assert at_stake_kwh(f, FLAT * gain_of(f, grid), FLAT, FLAT, grid, at(300)) == pytest.approx(kwh)


def test_energy_at_stake_of_a_load_is_what_flowed_for_nothing(grid: Grid) -> None:
    f = fault("night_on", 100, None, 0.5)
    assert at_stake_kwh(f, FLAT, FLAT, FLAT - 2, grid, at(150)) == pytest.approx(100)
