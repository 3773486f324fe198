"""The whole path with real processes and sockets: gateways → broker → collector → store → ledger, CPU by stage.

Each gateway, the broker, the collector and an InfluxDB are processes of their own, as in the product; the pretended
meters are computed before the clock starts, since real ones cost nothing here. The ledger settles when all has arrived.
The peer of an InfluxDB is a raw write of the very batches that the collector sent, to an empty server of its kind; the
peer of the others is the same path into memory.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.path_collector import BODIES
from benchmarks.path_job import Child, Job
from benchmarks.pipeline import demo_world
from benchmarks.processes import cpu_s
from benchmarks.result import Result
from benchmarks.servers import NotHere, RunningBroker, StorePlace, broker, store_place
from benchmarks.store import best_raw_s
from submeter.words import Portfolio, TheirsError

SEED: Final = 1
PAIRS: Final = (
    ("mosquitto", "memory"), ("iotcore", "memory"), ("iotcore", "embedded"), ("mosquitto", "embedded"),
    ("mosquitto", "influx1"), ("mosquitto", "influx2"),
)  # fmt: skip
STAGES: Final = (
    "simulated meters", "encode, outbox", "uplink", "broker", "decode, rules", "store", "store's server", "ledger",
    "ledger's store", "ledger's server",
)  # fmt: skip


@dataclass
class Way:
    """One run: readings, CPU seconds by stage, wall seconds until the store had all, and until all was settled."""

    readings: int = 0
    cpu_s: dict[str, float] = field(default_factory=dict)
    stored_s: float = 0.0
    settled_s: float = 0.0
    raw_s: float | None = None

    def add(self, stages: dict[str, float]) -> None:
        for stage, seconds in stages.items():
            self.cpu_s[stage] = self.cpu_s.get(stage, 0.0) + seconds


def run(buildings: str = "4", days: str = "60", *pairs: str) -> Result:
    """``buildings`` of the demo over ``days``, through each BROKER+STORE (default: all)."""
    result = Result()
    fastest: Way | None = None
    for broker_kind, store_kind in [(p.partition("+")[0], p.partition("+")[2]) for p in pairs] or PAIRS:
        name = f"{broker_kind} → {store_kind}"
        try:
            with tempfile.TemporaryDirectory() as folder:
                way = measure(broker_kind, store_kind, int(buildings), int(days), Path(folder))
        except NotHere as absent:
            result.notes.append(f"{name} is left out: {absent}")
            continue
        fastest = fastest or way
        _tell(result, name, way, fastest)
    return result


def measure(broker_kind: str, store_kind: str, buildings: int, days: int, folder: Path) -> Way:
    """Raises :class:`NotHere` without one of the servers, :class:`TheirsError` when readings are lost on the way."""
    portfolio, _ = demo_world(SEED, buildings=buildings, days=days)
    users = ("collector", *portfolio.gateways)
    with broker(broker_kind, folder / "broker", users) as at, store_place(store_kind, folder / "store") as place:
        way = _through(Job(
            seed=SEED, buildings=buildings, days=days, broker=at.address("collector"), folder=str(folder),
            kind=place.kind, url=place.url, state=place.state, token=place.token,
        ), portfolio, at, place)  # fmt: skip
    if place.remote:
        bodies = msgspec.msgpack.decode((folder / BODIES).read_bytes(), type=list[bytes])
        way.raw_s = best_raw_s(store_kind, folder, bodies)
    return way


def _through(job: Job, portfolio: Portfolio, at: RunningBroker, place: StorePlace) -> Way:
    names = list(portfolio.gateways)
    jobs = [msgspec.structs.replace(job, broker=at.address(name), gateway=name) for name in names]
    collector = Child.start("benchmarks.path_collector", job)
    gateways = [Child.start("benchmarks.path_gateway", each) for each in jobs]
    try:
        return _race(collector, gateways, at, place)
    finally:
        for child in (collector, *gateways):
            child.stop()


def _race(collector: Child, gateways: Sequence[Child], at: RunningBroker, place: StorePlace) -> Way:
    way = Way()
    for child in (collector, *gateways):
        ready = child.hear()
        way.readings += ready.readings
        way.add(ready.cpu_s)
    broker_cpu, server_cpu = _spending(at.pid), _spending(place.pid)
    begun = time.perf_counter()
    for gateway in gateways:
        gateway.say("go")
    for gateway in gateways:
        way.add(gateway.hear().cpu_s)
    way.stored_s = time.perf_counter() - begun
    way.add({"broker": broker_cpu(), "store's server": server_cpu()})
    collector.say("all have their receipts")
    taken = collector.hear()
    way.add(taken.cpu_s)
    if taken.readings != way.readings:
        raise TheirsError(f"{way.readings:,} readings were sent, {taken.readings:,} were stored")
    server_cpu = _spending(place.pid)
    collector.say("settle")
    settled = collector.hear()
    way.add({**settled.cpu_s, "ledger's server": server_cpu()})
    way.settled_s = way.stored_s + settled.wall_s
    return way


def _spending(pid: int) -> Callable[[], float]:
    """CPU seconds of a process from now on; 0 for no process."""
    before = cpu_s(pid) if pid else 0.0
    return lambda: cpu_s(pid) - before if pid else 0.0


def _tell(result: Result, name: str, way: Way, fastest: Way) -> None:
    rate = way.readings / way.stored_s
    if way.raw_s:
        result.add(
            f"{name}: meter to store", rate, "readings/s", target="≥ 0.5", ratio=rate * way.raw_s / way.readings,
            against="raw write of the same batches",
        )  # fmt: skip
    else:
        result.add(
            f"{name}: meter to store", rate, "readings/s", ratio=rate * fastest.stored_s / fastest.readings,
            against="the first path of this run",
        )  # fmt: skip
    result.add(
        f"{name}: meter to ledger", way.readings / way.settled_s, "readings/s",
        ratio=fastest.settled_s / way.settled_s, against="the first path of this run",
    )  # fmt: skip
    whole = sum(way.cpu_s.values())
    for stage in STAGES:
        if spent := way.cpu_s.get(stage, 0.0):
            result.add(
                f"{name}: {stage}", spent / way.readings * 1e6, "CPU µs per reading", ratio=spent / whole,
                against="all stages",
            )  # fmt: skip
    result.add(f"{name}: all stages", whole / way.readings * 1e6, "CPU µs per reading",
               ratio=whole / sum(fastest.cpu_s.values()), against="the first path of this run")  # fmt: skip
