"""The collector of the whole path and, when all has arrived, its ledger: one process, so that every store can serve."""

import sys
import threading
import time
from pathlib import Path

import msgspec

from analytics.jobs import Analyst
from benchmarks.influx import Recorder, recorded_store
from benchmarks.path_job import Job, StandingClock, Told, hear, tell
from benchmarks.pipeline import demo_world
from benchmarks.servers import StorePlace
from benchmarks.stopwatch import Stopwatch, timed_store
from collector.intake import Intake, filters
from submeter.settings import Settings
from submeter.stores import Store, open_store
from submeter.wire.mqtt import Link
from submeter.words import Portfolio

BODIES = "bodies.msgpack"
"""the batches of readings that went to an InfluxDB, in the job's folder"""


def main() -> None:
    job = hear(Job)
    portfolio, _ = demo_world(job.seed, buildings=job.buildings, days=job.days)
    recorder: Recorder | None = None
    store: Store
    if job.kind.startswith("influx"):
        store, recorder = recorded_store(StorePlace(job.kind, job.url, job.state, job.token))
    else:
        store = open_store(job.url, state=job.state)
    tell(_take(job, portfolio, store))
    if recorder:
        (Path(job.folder) / BODIES).write_bytes(msgspec.msgpack.encode(recorder.bodies))
        recorder.bodies = []
    hear(str)
    tell(_settle(portfolio, store))
    store.close()


def _take(job: Job, portfolio: Portfolio, store: Store) -> Told:
    """Intake until the parent says that every gateway has its receipts."""
    link = Link(job.broker, "submeter-benchmark", filters(portfolio.tenant))
    watch, ended = Stopwatch(), threading.Event()
    link.start()
    while not link.connected:
        time.sleep(0.01)
    tell(Told())
    threading.Thread(target=_await_line, args=(ended,), daemon=True).start()
    settings = Settings()
    intake = Intake(link, timed_store(store, watch), lambda: portfolio, settings.intake, StandingClock())
    wall, cpu = time.perf_counter(), time.process_time()
    while not ended.is_set():
        time.sleep(intake.step())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    link.stop()
    watch.cpu_s["decode, rules"] = cpu - watch.cpu_s["store"]
    return Told(readings=intake.health.stored, cpu_s=watch.cpu_s, wall_s=wall)


def _await_line(ended: threading.Event) -> None:
    sys.stdin.buffer.readline()
    ended.set()


def _settle(portfolio: Portfolio, store: Store) -> Told:
    watch = Stopwatch()
    analyst = Analyst(
        timed_store(store, watch, "ledger's store"), lambda: portfolio, Settings().analytics, StandingClock(),
        study=lambda *_: None,
    )  # fmt: skip
    wall, cpu = time.perf_counter(), time.process_time()
    analyst.run_once()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    watch.cpu_s["ledger"] = cpu - watch.cpu_s["ledger's store"]
    return Told(cpu_s=watch.cpu_s, wall_s=wall)


if __name__ == "__main__":
    main()
