"""The whole way in one process, every stage timed: pretend world → gateway → wire → intake → store → ledger → study.

Nothing is left out or replaced but the sockets: the broker is the one in memory. CPU seconds are this process's.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from analytics.jobs import Analyst
from analytics.study import study_building
from collector.gateway import Gateway, Outbox, Uplink
from collector.intake import Intake
from firmware_sim.district import district
from firmware_sim.scenario import Scenario, load_scenario
from firmware_sim.world import World
from submeter.clock import Clock, HandClock
from submeter.settings import Settings, config_folder
from submeter.stores import Store
from submeter.wire.memory import MemoryBroker
from submeter.wire.source import Source
from submeter.words import Portfolio

DAY_MS = 86_400_000
NOW_MS = 1_795_305_600_000
"""2026-11-22 00:00 UTC; a fixed now makes the same world every time"""


@dataclass
class Stages:
    """CPU seconds by stage."""

    cpu_s: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        begun = time.process_time()
        try:
            yield
        finally:
            self.cpu_s[stage] = self.cpu_s.get(stage, 0.0) + time.process_time() - begun


def demo_world(seed: int, *, buildings: int = 13, now_ms: int = NOW_MS, days: int = 732) -> tuple[Portfolio, World]:
    """The demo's district with another seed for portfolio, loads and faults alike."""
    shipped = load_scenario(config_folder() / "scenarios" / "demo.toml")
    scenario = Scenario(seed=seed, faults=shipped.faults, retrofits=shipped.retrofits)
    today = datetime.fromtimestamp(now_ms / 1000, UTC).date()
    portfolio = district(seed, buildings, today)
    return portfolio, World(portfolio, scenario, now_ms - days * DAY_MS, now_ms)


def run_pipeline(
    portfolio: Portfolio, sources: list[Source], store: Store, now_ms: int,
    study: Callable[..., object] = study_building,
) -> tuple[Stages, int]:  # fmt: skip
    """Everything that the sources know up to now, until it is stored, settled and studied; and the readings stored."""
    stages = Stages()
    clock = HandClock(now_ms)
    settings = Settings()
    broker = MemoryBroker(clock)
    readings = f"submeter/v1/{portfolio.tenant}/+/+/readings"
    link = broker.link("collector", (readings,))
    link.start()
    intake = Intake(link, store, lambda: portfolio, settings.intake, clock)
    with tempfile.TemporaryDirectory() as folder:
        gateways = _gateways(portfolio, sources, broker, Path(folder), clock)
        _drain(gateways, intake, stages)
        for gateway in gateways:
            gateway.close()
    analyst = Analyst(store, lambda: portfolio, settings.analytics, clock, study=_timed_study(stages, study))
    with stages.time("ledger and study"):
        analyst.run_once()
    stages.cpu_s["ledger"] = stages.cpu_s.pop("ledger and study") - stages.cpu_s["study"]
    return stages, intake.health.stored


def _timed_study(stages: Stages, study: Callable[..., object]) -> Callable[..., object]:
    def timed(*given: object) -> object:
        with stages.time("study"):
            return study(*given)

    return timed


def _gateways(
    portfolio: Portfolio, sources: list[Source], broker: MemoryBroker, folder: Path, clock: Clock
) -> list[Gateway]:
    made = []
    for gateway in portfolio.gateways.values():
        link = broker.link(gateway.id, (f"submeter/v1/{portfolio.tenant}/+/{gateway.id}/receipt",), clean=True)
        outbox = Outbox(folder / f"{gateway.id}.db")
        uplink = Uplink(link, outbox, tenant=portfolio.tenant, gateway=gateway.id, clock=clock, random=lambda: 0.5)
        link.start()
        mine = [source for source in sources if source.id in gateway.buildings]
        made.append(Gateway(sources=mine, outbox=outbox, uplink=uplink, portfolio=lambda: portfolio, clock=clock))
    return made


def _drain(gateways: list[Gateway], intake: Intake, stages: Stages) -> None:
    while not all(gateway.idle for gateway in gateways):
        with stages.time("sources, outbox, uplink"):
            for gateway in gateways:
                gateway.step()
        with stages.time("intake and store"):
            intake.step()
