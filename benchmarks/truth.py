"""The ledger beside the simulator's hidden truth, for every kind of fault: what it says, how it knows it, how far off.

Strategy: for each seed a district is drawn anew, some weeks long, with a few episodes of each kind. Only the registers
of meters with a fault are read, every quarter-hour, into a store in memory, and settled. Three energies are compared,
quarter by quarter: what truly *flowed*, what the meter *counted* (a lying meter counts something else; the register is
the ledger's truth, so it cannot know), and what is *settled*.

A violation is a quarter of the meter's whole life that says it is measured, is not suspect, and differs from what the
meter counted by more than one step of its register. There must be none. All else is told as it is: over the episode
(and the quarter on each side, which shares a boundary with it) the shares measured, estimated, missing and suspect; the
energy of the known quarters against what flowed in them; the error of the estimated ones, beside an even spread.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.ledger import settle_point
from benchmarks.result import Result
from firmware_sim.district import district, with_thermal_meters
from firmware_sim.faults import Fault, meter
from firmware_sim.meter import Register
from firmware_sim.scenario import KINDS, FaultSettings, Scenario
from firmware_sim.world import World
from submeter.stores import Column
from submeter.stores.memory import MemoryStore
from submeter.words import MICRO, Block, Flag, Intervals, Known, Portfolio, Readings, Resolution, Series

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NOW_MS: Final = 1_795_305_600_000
"""2026-11-22 00:00 UTC"""
PAST_DAYS: Final = 70
DAY_MS: Final = 86_400_000
QUARTER_MS: Final = 900_000
SEEDS: Final = (201, 202, 203)
EACH: Final = 2
"""episodes of each kind in a world"""
LENGTHS_D: Final = {
    "spike": (0.01, 0.03), "drift": (30.0, 40.0), "missing": (0.2, 8.0), "stuck": (0.2, 6.0),
    "peak_demand": (0.04, 0.08),
}  # fmt: skip
SIZES: Final = {
    "spike": (0.5, 3.0), "drift": (0.18, 0.30), "night_on": (0.55, 0.85), "schedule": (0.7, 0.95),
    "base_step": (0.4, 0.8), "holiday_on": (0.9, 1.0), "peak_demand": (0.8, 1.2), "heating_cooling": (0.3, 0.5),
}  # fmt: skip


class Seen(NamedTuple):
    """A meter's quarters from the first to now: energies in kWh (or m³), how the ledger knows them, what is amiss.

    ``step`` is the least that the register can count; ``inside`` the episode with a quarter on each side."""

    fault: Fault
    step: float
    flowed: Floats
    counted: Floats
    settled: Floats
    known: NDArray[np.uint8]
    suspect: Bools
    inside: Bools

    @property
    def violations(self) -> Bools:
        off = np.abs(self.settled - self.counted) > self.step * (1 + 1e-6) + 2e-6
        return np.asarray((self.known == Known.MEASURED) & ~self.suspect & off, bool)


def run(*seeds: str) -> Result:
    """The seeds given, else three."""
    result, seen = Result(), [each for seed in [int(s) for s in seeds] or SEEDS for each in watch(seed)]
    quarters = sum(len(each.known) for each in seen)
    broken = sum(int(each.violations.sum()) for each in seen)
    result.add(
        "measured, not suspect, and not what the meter counted", broken, f"of {quarters:,} quarters", target="0",
        ratio=broken / max(quarters, 1), against="quarters looked at",
    )  # fmt: skip
    result.notes.append(HEADING)
    for what in dict.fromkeys(name_of(each.fault) for each in sorted(seen, key=_order)):
        _tell(result, what, [each for each in seen if name_of(each.fault) == what])
    return result


def name_of(fault: Fault) -> str:
    """The kind, split where the register does something else altogether."""
    if fault.kind == "stuck":
        return "stuck, made good" if fault.size else "stuck, lost"
    return "reversed_ct, backwards" if fault.kind == "reversed_ct" and fault.size < 0 else fault.kind


def _order(each: Seen) -> tuple[int, str]:
    return KINDS.index(each.fault.kind), name_of(each.fault)


def watch(seed: int, each: int = EACH, kinds: tuple[str, ...] = KINDS) -> Iterator[Seen]:
    """Every meter of a seed's world that has a fault."""
    settings = {
        kind: FaultSettings(
            count=each, size=SIZES.get(kind, (0.0, 0.0)), days=LENGTHS_D.get(kind, (2.0, 9.0)),
            open=1.0 if kind == "lost_submeter" else 0.0,
        )
        for kind in kinds
    }  # fmt: skip
    portfolio = district(seed, today=datetime.fromtimestamp(NOW_MS / 1000, UTC).date())
    for building in sorted(portfolio.buildings)[:each]:
        portfolio = with_thermal_meters(portfolio, seed, building)
    world = World(portfolio, Scenario(seed=seed, faults=settings), NOW_MS - PAST_DAYS * DAY_MS, NOW_MS)
    for building in sorted({fault.point.partition("/")[0] for fault in world.faults}):
        flows = world.flows(building)
        end = flows.grid.position(NOW_MS)
        for fault in (f for f in world.faults if f.point.startswith(building + "/")):
            own = () if fault.is_load else (fault,)
            register = meter(seed, portfolio.devices[fault.point][-1], flows.energy[fault.point], flows.grid, own)
            yield _seen(portfolio, fault, register, flows.energy[fault.point][:end])


def _seen(portfolio: Portfolio, fault: Fault, register: Register, flowed: Floats) -> Seen:
    rows = settled_quarters(portfolio, fault.point, register, len(flowed))
    at = rows.start.astype("datetime64[s]").astype(np.int64) // 900 - register.first
    settled, known, suspect = np.zeros(len(flowed)), np.zeros(len(flowed), np.uint8), np.zeros(len(flowed), bool)
    settled[at], known[at], suspect[at] = rows.micro / MICRO, rows.known, rows.flags & Flag.SUSPECT > 0
    ratio = float(register.device.ratio)
    counted = np.diff(register.count[: len(flowed) + 1]) * ratio
    inside = np.zeros(len(flowed), bool)
    first, stop = fault.start_ms // QUARTER_MS - register.first, fault.end_ms // QUARTER_MS - register.first
    inside[max(first - 1, 0) : stop + 1] = True
    step = register.device.resolution * ratio
    return Seen(fault, step, flowed, counted, settled, known, suspect, inside)


def settled_quarters(portfolio: Portfolio, point: str, register: Register, quarters: int) -> Intervals:
    """What the ledger makes of a register's past."""
    store, quantity = MemoryStore(), portfolio.points[point].quantity
    times, micro = register.history(register.first, register.first + quarters + 1)
    store.write_readings([Block(Series(point, register.device.serial, quantity), Readings.of(times, micro))])
    settle_point(store, portfolio, point)
    column = Column(point, quantity, Resolution.QUARTER)
    (rows,) = store.read_intervals(
        [column], np.datetime64(register.first * QUARTER_MS, "ms"), np.datetime64(NOW_MS, "ms")
    )
    return rows


HEADING: Final = (
    f"{'kind':23}{'episodes':>9}{'quarters':>9}{'measured':>9}{'estimated':>10}{'missing':>8}{'suspect':>9}"
    f"{'flowed':>10}{'counted':>10}{'settled':>10}{'off flowed':>11}{'estimates':>11}{'if evenly':>11}"
)


def _tell(result: Result, kind: str, mine: list[Seen]) -> None:
    """One line, and the figures of what is settled and what is estimated."""
    of = episodes(mine)
    heard = of.known > 0
    off = float(of.settled[heard].sum() / of.flowed[heard].sum() - 1) if heard.any() else float("nan")
    profile, evenly = estimate_errors(mine)
    shares = (of.known == Known.MEASURED, of.known == Known.ESTIMATED, ~heard, of.suspect)
    sums = (of.flowed, of.counted, of.settled)
    result.notes.append(
        f"{kind:23}{len(mine):9}{len(heard):9}"
        + "".join(f"{100 * float(part.mean()):8.1f}%" for part in shares)
        + "".join(f"{float(row[heard].sum()):10,.0f}" for row in sums)
        + "".join(f"{100 * error:10.1f}%" if np.isfinite(error) else f"{'–':>11}" for error in (off, profile, evenly))
    )
    if heard.any():
        result.add(
            f"{kind}: settled, where known", float(of.settled[heard].sum()), "kWh, m³", ratio=1 + off,
            against="what flowed",
        )  # fmt: skip
    if np.isfinite(profile):
        result.add(
            f"{kind}: error of estimated quarters", 100 * profile, "% (Σ|off| ÷ Σ flowed)",
            ratio=profile / max(evenly, 1e-9), against=f"spread evenly ({100 * evenly:.1f} %)",
        )  # fmt: skip


def episodes(mine: list[Seen]) -> Seen:
    """The quarters of all episodes, one after another."""
    parts = [
        (each.flowed[at], each.counted[at], each.settled[at], each.known[at], each.suspect[at], each.inside[at])
        for each in mine
        for at in (each.inside,)
    ]
    flowed, counted, settled, known, suspect, inside = (np.concatenate(rows) for rows in zip(*parts, strict=True))
    return Seen(mine[0].fault, 0.0, flowed, counted, settled, known, suspect, inside)


def estimate_errors(mine: list[Seen]) -> tuple[float, float]:
    """Σ|settled − flowed| ÷ Σ flowed over estimated quarters, and the same with each run of them spread evenly; NaN
    where none is estimated."""
    off = even = flow = 0.0
    for each in mine:
        guessed = np.flatnonzero((each.known == Known.ESTIMATED) & each.inside)
        for run_of in np.split(guessed, np.flatnonzero(np.diff(guessed) > 1) + 1):
            if len(run_of):
                true, told = each.flowed[run_of], each.settled[run_of]
                off += float(np.abs(told - true).sum())
                even += float(np.abs(told.mean() - true).sum())
                flow += float(true.sum())
    return (off / flow, even / flow) if flow > 0 else (float("nan"), float("nan"))
