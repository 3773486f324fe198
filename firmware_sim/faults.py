"""Faults: what each kind does to a load or to a meter.

A fault of a *load* (night_on … peak_demand) changes true energy, at its point and at every meter above it. A fault of a
*meter* changes only what that meter counts, shows or answers. ``size`` means, by kind:

===============  =====================================================================================================
stuck            1 = the register jumps to where it should be afterwards, 0 = it goes on from where it stood
missing          unused: no answer for the span, the register goes on
spike            height of the peak in months of the meter's energy; 0 = a single reading of zero
drift            gain at the end of the ramp, +0.2 = counts 20 % too much
night_on         share of the day's load that stays on whenever the building is empty
schedule         share of full plant operation in hours in which it should be off; negative = hours shifted by −size
base_step        new constant load, as a share of the meter's mean load before
phase_loss       gain while a phase is lost (2/3); it comes and goes in spells
reversed_ct      gain (1/3: one transformer reversed; −1/3: two)
lost_submeter    unused: no answer ever again
holiday_on       share of a working day's people and plant on the days off of the span
heating_cooling  share of a design day's heat that is delivered, and taken away by as much cold at ``partner``
peak_demand      power on top, in multiples of the load's highest quarter-hour ever
time_shift       hours by which the meter's clock is late: what it counts, it shows so much later
===============  =====================================================================================================
"""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.calendar import QUARTER_MS, Grid
from firmware_sim.loads import THERMAL, Drive, EndUse, Row
from firmware_sim.meter import Register, Span, count, opening
from submeter.words import Device

LOAD_KINDS: Final = ("night_on", "schedule", "base_step", "holiday_on", "heating_cooling", "peak_demand")
FOREVER: Final = 1 << 52
MONTH_QUARTERS: Final = 2920
WEEK_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Fault:
    """``end_ms`` is :data:`FOREVER` while it goes on. ``spells`` are parts of the span in which it acts, () = all.
    ``partner`` is the meter that takes away what this one delivers in vain (heating_cooling)."""

    kind: str
    point: str
    start_ms: int
    end_ms: int
    size: float = 0.0
    spells: tuple[Span, ...] = field(default=())
    partner: str = ""

    @property
    def is_load(self) -> bool:
        return self.kind in LOAD_KINDS

    def inside(self, grid: Grid) -> NDArray[np.bool_]:
        """Quarter-hours of the span."""
        out = np.zeros(grid.count, bool)
        for start, end in self.spells or ((self.start_ms, self.end_ms),):
            out[grid.position(start) : grid.position(end)] = True
        return out

    def redrive(self, use: EndUse, drive: Drive, grid: Grid) -> Drive:
        """Schedules and lights: what the end use feels while the fault lasts."""
        inside = self.inside(grid)
        if self.kind == "night_on" and use.driver in ("people", "open"):
            return replace(drive, people=np.where(inside, np.maximum(drive.people, self.size), drive.people))
        if self.kind == "schedule":
            broken = (
                np.maximum(drive.plant, self.size) if self.size > 0 else np.roll(drive.plant, round(-self.size * 4))
            )
            return replace(drive, plant=np.where(inside, broken, drive.plant))
        if self.kind == "holiday_on":
            people, plant = (self.size * row for row in _working_day(drive, grid, self.start_ms))
            return replace(
                drive, people=np.where(inside, np.maximum(drive.people, people), drive.people),
                plant=np.where(inside, np.maximum(drive.plant, plant), drive.plant),
            )  # fmt: skip
        if self.kind == "heating_cooling" and use.driver == "heat":
            return replace(drive, heating=np.where(inside, np.maximum(drive.heating, self.size), drive.heating))
        if self.kind == "heating_cooling" and use.driver == "cold":
            return replace(drive, cooling=drive.cooling + inside * self._in_vain(drive))
        return drive

    def _in_vain(self, drive: Drive) -> Row:
        """Design days of cold that take away the heat delivered in vain."""
        return np.maximum(self.size - drive.heating, 0) * THERMAL["heat"].density / THERMAL["cold"].density

    def reload(self, use: EndUse, power: Row, grid: Grid) -> Row:
        """A base load appears, in proportion to the mean of the 30 days before; or a peak, to the highest ever."""
        if self.kind == "peak_demand":
            return power + self.size * float(power.max()) * self.inside(grid)
        if self.kind != "base_step":
            return power
        begin = grid.position(self.start_ms)
        before = power[max(begin - MONTH_QUARTERS, 0) : begin + 1]
        return power + self.size * float(before.mean()) * self.inside(grid)


def _working_day(drive: Drive, grid: Grid, start_ms: int) -> tuple[Row, Row]:
    """People and plant of the fullest day in the week before, at each quarter-hour's time of the day."""
    first = int(grid.day[min(grid.position(start_ms), grid.count - 1)])
    week = [np.flatnonzero(grid.day == day) for day in range(max(first - WEEK_DAYS, 0), first + 1)]
    full = max((rows for rows in week if len(rows)), key=lambda rows: float((drive.people + drive.plant)[rows].sum()))
    at = full[np.minimum(grid.quarter, len(full) - 1)]
    return drive.people[at], drive.plant[at]


def meter(seed: int, device: Device, energy: Row, grid: Grid, faults: tuple[Fault, ...]) -> Register:
    """The register of a meter that has these faults (of its own: load faults are in ``energy`` already)."""
    gain = np.ones(grid.count)
    holds: list[tuple[int, int]] = []
    silent: list[Span] = []
    shifts: list[tuple[Span, float | None]] = []
    for fault in faults:
        span = (fault.start_ms, fault.end_ms)
        rows = (grid.position(fault.start_ms), grid.position(fault.end_ms))
        match fault.kind:
            case "stuck" if fault.size:
                holds.append(rows)
            case "missing" | "lost_submeter":
                silent.append(span)
            case "spike":
                month = float(energy.mean()) * MONTH_QUARTERS / float(device.ratio)
                shifts.append((span, fault.size * month if fault.size else None))
            case "time_shift":
                energy = np.where(fault.inside(grid), np.roll(energy, round(fault.size * 4)), energy)
            case _:
                gain *= gain_of(fault, grid)
    counts = count(energy, device, opening(seed, device), gain if faults else None, tuple(holds))
    return Register(device, grid.first, counts, tuple(silent), tuple(shifts))


def gain_of(fault: Fault, grid: Grid) -> Row:
    """The factor between what a faulty meter counts and what flows, quarter-hour by quarter-hour."""
    inside = fault.inside(grid)
    match fault.kind:
        case "stuck" if not fault.size:
            return np.where(inside, 0.0, 1.0)
        case "phase_loss" | "reversed_ct":
            return np.where(inside, fault.size, 1.0)
        case "drift":
            return np.where(inside, 1 + fault.size * _ramp(fault, grid), 1.0)
    return np.ones(grid.count)


DRIFT_DAYS: Final = 120


def _ramp(fault: Fault, grid: Grid) -> Row:
    """0 at the start, 1 after four months (or at the end, if that comes first); it stays there."""
    length = min(fault.end_ms - fault.start_ms, DRIFT_DAYS * 86_400_000)
    times = (grid.first + np.arange(grid.count, dtype=np.int64)) * QUARTER_MS
    return np.clip((times - fault.start_ms) / length, 0, 1)


def at_stake_kwh(fault: Fault, register_kwh: Row, true_kwh: Row, untouched_kwh: Row, grid: Grid, now_ms: int) -> float:
    """Energy at stake up to ``now_ms``, signed: for a load fault what flowed beyond what would have flowed; for a fault
    of the meter what its register counted beyond what flowed (a stuck register that is lost: negative); for a lost
    sub-meter minus all that it did not tell. 0 where the register makes good (missing, spike, a late clock, stuck with
    a jump)."""
    rows = slice(grid.position(fault.start_ms), grid.position(min(fault.end_ms, now_ms)))
    if fault.is_load:
        return float((true_kwh[rows] - untouched_kwh[rows]).sum())
    if fault.kind == "lost_submeter":
        return -float(true_kwh[rows].sum())
    if fault.kind in ("missing", "spike", "time_shift"):
        return 0.0
    if fault.kind == "stuck" and fault.size:
        return 0.0 if fault.end_ms <= now_ms else -float(true_kwh[rows].sum())
    return float((register_kwh[rows] - true_kwh[rows]).sum())
