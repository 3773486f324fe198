"""Seconds by stage, and a store that says how many of them were its own."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from submeter.stores import Store


@dataclass
class Stopwatch:
    """CPU seconds of the calling thread and wall seconds, summed by stage."""

    cpu_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    wall_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        cpu, wall = time.thread_time(), time.perf_counter()
        try:
            yield
        finally:
            self.cpu_s[stage] += time.thread_time() - cpu
            self.wall_s[stage] += time.perf_counter() - wall


class _TimedStore:
    """Every call of a store on one stage of a stopwatch; of a transaction its begin and its end."""

    def __init__(self, store: Store, watch: Stopwatch, stage: str) -> None:
        self._store, self._watch, self._stage = store, watch, stage

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        return self._timed(found) if callable(found) else found

    def _timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any, **named: Any) -> Any:
            with self._watch.time(self._stage):
                return call(*given, **named)

        return timed

    @contextmanager
    def writing(self) -> Iterator[None]:
        block: AbstractContextManager[None] = self._store.writing()
        with self._watch.time(self._stage):
            block.__enter__()
        try:
            yield
        except BaseException as fault:
            block.__exit__(type(fault), fault, fault.__traceback__)
            raise
        with self._watch.time(self._stage):
            block.__exit__(None, None, None)


def timed_store(store: Store, watch: Stopwatch, stage: str = "store") -> Store:
    """The same store, its time told."""
    return cast(Store, _TimedStore(store, watch, stage))
