"""What views read through: store, portfolio and clock in one hand, one read at a time, results kept for a while.

A result is kept for at least the seconds asked and for :data:`REST` times what it cost, so that many open pages, or one
slow store, never take more than a small share of a core. Keys carry the portfolio's version: a new name shows at once.
"""

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Final, NamedTuple, TypeVar, cast

import numpy as np

from submeter.clock import Clock
from submeter.settings import Settings
from submeter.stores.port import Column, Store
from submeter.words import Building, Entry, GatewayStatus, Intervals, Portfolio, Readings, Resolution, Series

T = TypeVar("T")
E = TypeVar("E", bound=Entry)

REST: Final = 10.0
KEPT_MOST: Final = 2000
"""results; when there are more, the stale ones go"""


class _Kept(NamedTuple):
    until: float
    value: object


class Reader:
    """Shared by all requests; safe to call from several threads (a store need not be)."""

    def __init__(self, store: Store, portfolio: Callable[[], Portfolio], clock: Clock, settings: Settings) -> None:
        self._store = store
        self._portfolio = portfolio
        self._clock = clock
        self.settings = settings
        self._lock = threading.RLock()
        self._kept: dict[Hashable, _Kept] = {}

    @property
    def portfolio(self) -> Portfolio:
        return self._portfolio()

    @property
    def limit(self) -> float:
        """The share of intervals below which a total is withheld."""
        return self.settings.analytics.completeness_limit

    def now_ms(self) -> int:
        return self._clock.now_ms()

    def building(self, building: str) -> Building:
        """Raises KeyError for a building that the portfolio does not have."""
        return self.portfolio.buildings[building]

    def kept(self, key: Hashable, make: Callable[[], T], seconds: float = 2.0) -> T:
        """What ``make`` returns, made anew when the kept one is too old."""
        key = (self.portfolio.version, key)
        with self._lock:
            begun = self._clock.monotonic()
            found = self._kept.get(key)
            if found is not None and found.until > begun:
                return cast(T, found.value)
            value = make()
            ended = self._clock.monotonic()
            self._forget_stale(ended)
            self._kept[key] = _Kept(ended + max(seconds, REST * (ended - begun)), value)
            return value

    def _forget_stale(self, now: float) -> None:
        if len(self._kept) >= KEPT_MOST:
            self._kept = {key: kept for key, kept in self._kept.items() if kept.until > now}

    def intervals(self, columns: Sequence[Column], start: np.datetime64, end: np.datetime64) -> list[Intervals]:
        with self._lock:
            return self._store.read_intervals(columns, start, end)

    def point_intervals(
        self, points: Sequence[str], resolution: Resolution, start: np.datetime64, end: np.datetime64
    ) -> list[Intervals]:
        """Each point's register quantity, in order of ``points``."""
        table = self.portfolio.points
        return self.intervals([Column(p, table[p].quantity, resolution) for p in points], start, end)

    def entries(self, kind: type[E], building: str | None = None, seconds: float = 2.0) -> list[E]:
        def read() -> list[E]:
            with self._lock:
                return self._store.entries(kind, building)

        return self.kept((kind, building), read, seconds)

    def readings(self, series: Series, start_ms: int, end_ms: int) -> Readings:
        with self._lock:
            return self._store.read_readings(series, start_ms, end_ms)

    def last_reading(self, series: Series) -> tuple[int, int] | None:
        with self._lock:
            return self._store.last_reading(series)

    def series(self) -> list[Series]:
        return self.kept("series", self._store.series, 10.0)

    def backfill(self) -> float | None:
        """Share of the past that gateways have read, None when none reads it (mean over those that do)."""
        shares = [s.backfill for s in self.entries(GatewayStatus) if s.backfill is not None and s.backfill < 1]
        return sum(shares) / len(shares) if shares else None
