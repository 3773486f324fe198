"""A gateway of the whole path, as a process: its past is computed first, and timed apart; then it runs until the store
has confirmed everything."""

import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.path_job import Job, StandingClock, Told, hear, tell
from benchmarks.pipeline import demo_world
from benchmarks.stopwatch import Stopwatch
from collector.gateway import Gateway, Outbox, Uplink, gateway_link
from collector.gateway.outbox import Batch
from submeter.words import Block, Portfolio, Reading


class Recorded:
    """A past that has been computed; nothing happens in its present."""

    period_s = 60.0

    def __init__(self, name: str, slices: list[list[Block]]) -> None:
        self.id = name
        self._slices = slices

    @property
    def readings(self) -> int:
        return sum(len(block.readings) for blocks in self._slices for block in blocks)

    def history_start_ms(self) -> int:
        return min((int(b.readings.times[0].astype(int)) for piece in self._slices for b in piece), default=0)

    def history(self, start_ms: int, end_ms: int) -> Iterator[list[Block]]:
        return iter(self._slices)

    def poll(self, now_ms: int) -> list[Reading]:
        return []

    def close(self) -> None:
        """Nothing is held."""


class TimedOutbox(Outbox):
    """Tells encoding and keeping apart from what else the gateway does."""

    def __init__(self, path: Path, watch: Stopwatch) -> None:
        super().__init__(path)
        self._watch = watch

    def append(self, batches: Iterable[Batch], cursors: Mapping[str, int] | None = None) -> int:
        with self._watch.time("encode, outbox"):
            return super().append(batches, cursors)


def main() -> None:
    job = hear(Job)
    portfolio, world = demo_world(job.seed, buildings=job.buildings, days=job.days)
    mine = [s for s in world.sources() if s.id in portfolio.gateways[job.gateway].buildings]
    begun = time.process_time()
    sources = [Recorded(s.id, list(s.history(max(world.start_ms, s.history_start_ms()), world.now_ms))) for s in mine]
    cpu = {"simulated meters": time.process_time() - begun}
    tell(Told(readings=sum(s.readings for s in sources), cpu_s=cpu))
    hear(str)
    tell(_run(job, portfolio, sources))


def _run(job: Job, portfolio: Portfolio, sources: Sequence[Recorded]) -> Told:
    watch, clock = Stopwatch(), StandingClock()
    wall, cpu = time.perf_counter(), time.process_time()
    home = portfolio.gateways[job.gateway].buildings[0]
    link = gateway_link(job.broker, tenant=portfolio.tenant, gateway=job.gateway, home=home, now_ms=clock.now_ms())
    outbox = TimedOutbox(Path(job.folder) / f"outbox-{job.gateway}.db", watch)
    uplink = Uplink(
        link, outbox, tenant=portfolio.tenant, gateway=job.gateway, clock=clock, random=random.Random(1).random
    )
    gateway = Gateway(sources=sources, outbox=outbox, uplink=uplink, portfolio=lambda: portfolio, clock=clock)
    link.start()
    while not gateway.idle:
        time.sleep(gateway.step())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    gateway.close()
    watch.cpu_s["uplink"] = cpu - watch.cpu_s["encode, outbox"]
    return Told(cpu_s=watch.cpu_s, wall_s=wall)


if __name__ == "__main__":
    main()
