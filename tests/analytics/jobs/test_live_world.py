"""The whole way: a pretend building's meters are read, stored, settled and looked at live; what is wrong is known."""

from datetime import UTC, datetime
from functools import cache

import numpy as np

from analytics.jobs import Analyst
from analytics.jobs.feed import IDLE_S
from analytics.jobs.lookout import HISTORY_H
from benchmarks.pipeline import DAY_MS, NOW_MS, run_pipeline
from firmware_sim.district import district
from firmware_sim.scenario import FaultSettings, Scenario
from firmware_sim.score import meet
from firmware_sim.truth import Truth
from firmware_sim.world import World
from submeter.clock import HandClock
from submeter.settings.settings import AnalyticsSettings
from submeter.stores.memory import MemoryStore
from submeter.words import Finding, FindingState, Portfolio

DAYS, SEED = 110, 4
HOUR_MS = 3_600_000
WITHIN_H = {"stuck": 12, "base_step": 120}
FAULTS = {
    "base_step": FaultSettings(count=1, size=(0.6, 0.8), days=(30, 40), open=1),
    "stuck": FaultSettings(count=2, days=(2, 4)),
}


@cache
def lived() -> tuple[Portfolio, Truth, list[Finding]]:
    """Portfolio and truth; what is told after a first study, live looking at the past, and a second study."""
    portfolio = district(SEED, 1, datetime.fromtimestamp(NOW_MS / 1000, UTC).date())
    world = World(portfolio, Scenario(seed=SEED, faults=FAULTS), NOW_MS - DAYS * DAY_MS, NOW_MS)
    store = MemoryStore()
    run_pipeline(portfolio, list(world.sources()), store, NOW_MS, study=lambda *_: None)
    job = Analyst(store, lambda: portfolio, AnalyticsSettings(), HandClock(NOW_MS))
    while job.step() < IDLE_S:
        pass
    assert any(not f.confirmed for f in store.entries(Finding)), "live has told what no study has seen"
    job.run_once()
    return portfolio, world.truth(), store.entries(Finding)


def test_each_fault_of_a_pretend_world_is_told_live_within_its_delay() -> None:
    portfolio, truth, found = lived()
    begin_ms = NOW_MS - DAYS * DAY_MS + HISTORY_H * HOUR_MS
    faults = [e for e in truth.faults if e.start_ms > begin_ms]
    assert {e.kind for e in faults} == {"base_step", "stuck"}
    for fault in faults:
        told = [f for f in found if f.first_kind == fault.kind and meet(f, fault, NOW_MS, portfolio.points)]
        assert min(f.first_told_ms for f in told) - fault.start_ms <= WITHIN_H[fault.kind] * HOUR_MS
        assert min(f.first_told_ms for f in told) > fault.start_ms


def test_what_looking_back_confirms_keeps_the_time_at_which_it_was_told_live() -> None:
    _, _, found = lived()
    stuck = [f for f in found if f.first_kind == "stuck"]
    assert stuck
    assert all(f.confirmed and f.state is FindingState.CLOSED for f in stuck)
    assert all(f.first_told_ms - f.start_ms <= 12 * HOUR_MS for f in stuck)


def test_at_most_half_a_false_telling_a_meter_and_month() -> None:
    portfolio, truth, found = lived()
    false = [f for f in found if f.first_kind and not any(meet(f, e, NOW_MS, portfolio.points) for e in truth.faults)]
    assert len(false) <= 0.5 * len(portfolio.points) * (DAYS - HISTORY_H / 24) / 30.44
    assert all(f.state is FindingState.WITHDRAWN for f in false)
    assert np.isfinite([f.confidence for f in found]).all()
