"""Studies of a whole portfolio at once: on one core, on all, or on a Dask cluster.

Strategy: a task is a building, never a share of the work by the number of workers, and it is pure
(:func:`analytics.study.work_out`): this process reads and writes, workers reckon, each with one BLAS thread. So the
results are the same bit for bit whoever reckoned them, and a worker needs neither store nor settings. No more
buildings are read ahead than workers can take; what is done is written at once, so that a night that is cut short has
its finished buildings.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Final, Protocol

from analytics.study import Material, Results, Study, collect, work_out, write
from analytics.teachers import learn_due, place_of
from analytics.tree.balance import balances
from submeter.settings.settings import AnalyticsSettings
from submeter.stores.port import Store
from submeter.words import ConfigError, Portfolio, TheirsError

AHEAD: Final = 2
"""buildings that are read for each worker: one it works on, one that waits"""
BUILDINGS: Final = 64
"""at most read ahead, whatever the cluster's size: a building of 20 meters and two years is about 10 MB"""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a building; ``refused`` says why nothing did."""

    building: str
    study: Study | None
    refused: str = ""


class Pool(Protocol):
    """What runs tasks elsewhere; futures answer to :func:`concurrent.futures.wait`."""

    @property
    def workers(self) -> int: ...

    def submit(self, task: Callable[[Material], Results], material: Material) -> "Future[Results]": ...


def study_all(
    store: Store,
    portfolio: Portfolio,
    buildings: Sequence[str],
    now_ms: int,
    settings: AnalyticsSettings,
    pool: Pool | None = None,
) -> Iterator[Done]:
    """Study these buildings up to ``now_ms`` and write the results; one :class:`Done` each, in order of completion.

    The lessons of their places come first. Without a pool they are worked out here, one after the other. Raises
    StoreAway; what was done before is kept.
    """
    for place in sorted({place_of(portfolio.buildings[building]) for building in buildings}):
        learn_due(store, portfolio, place, now_ms, every_ms=0)
    waiting: dict[Future[Results], Material] = {}
    most = 1 if pool is None else min(pool.workers * AHEAD, BUILDINGS)
    for building in buildings:
        material = collect(store, portfolio, building, now_ms, settings)
        if material is None:
            yield Done(building, None, "the ledger holds nothing of it")
        elif pool is None:
            yield Done(building, _written(store, material, work_out(material)))
        else:
            waiting[pool.submit(work_out, material)] = material
            if len(waiting) >= most:
                yield from _finished(store, waiting)
    while waiting:
        yield from _finished(store, waiting)


def _finished(store: Store, waiting: dict[Future[Results], Material]) -> Iterator[Done]:
    """Wait for some task, and write all that are done."""
    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
    for future in sorted(done, key=lambda each: waiting[each].hours.building.id):
        material = waiting.pop(future)
        building = material.hours.building.id
        try:
            results = future.result()
        except TheirsError as fault:
            yield Done(building, None, str(fault))
        else:
            yield Done(building, _written(store, material, results))


def _written(store: Store, material: Material, results: Results) -> Study:
    """The study, and the balance of the building's meter tree, which only reads what is settled."""
    with store.writing():
        store.put(*balances(store, material.portfolio, material.hours.building.id, material.now_ms))
        return write(store, material, results)


@dataclass(frozen=True)
class Cores:
    """Processes on this machine."""

    executor: ProcessPoolExecutor
    workers: int

    def submit(self, task: Callable[[Material], Results], material: Material) -> "Future[Results]":
        return self.executor.submit(task, material)


@contextmanager
def cores(workers: int) -> Iterator[Cores]:
    """So many processes; spawned, so that they inherit neither threads nor open stores."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as executor:
        yield Cores(executor, workers)


@dataclass(frozen=True)
class Cluster:
    """A Dask cluster, seen through its own ``concurrent.futures`` face."""

    executor: Any
    workers: int

    def submit(self, task: Callable[[Material], Results], material: Material) -> "Future[Results]":
        future: Future[Results] = self.executor.submit(task, material, pure=False)
        return future


@contextmanager
def cluster(address: str, patience_s: float = 10.0) -> Iterator[Cluster]:
    """The cluster whose scheduler answers at ``address`` (``tcp://host:8786``). Its workers need this package.

    Raises ConfigError where Dask is not installed or nobody answers within ``patience_s``.
    """
    try:
        from distributed import Client  # noqa: PLC0415  (an extra: only who has a cluster installs it)
    except ImportError:
        raise ConfigError("Dask is not installed here; pip install 'submeter[cluster]'") from None
    try:
        client = Client(address, timeout=patience_s, set_as_default=False)
    except (OSError, ValueError) as fault:
        raise ConfigError(
            f"no Dask scheduler answers at {address} ({fault}); start one with `dask scheduler`"
        ) from None
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise ConfigError(f"the Dask scheduler at {address} has no workers; start some: `dask worker {address}`")
        with client.get_executor() as executor:
            yield Cluster(executor, threads)
