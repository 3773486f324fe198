"""The hours of a building that live looking has not seen yet, and which of them it may take now.

Strategy: an hour is taken when every meter that is watched, and the weather, are known in it; or when some meter of the
building is known :data:`WAIT_H` hours further on: then what is missing counts as unknown, for live for good. Time is
that of the data, never the wall clock: a building that is silent as a whole stands still, and what its gateway kept
meanwhile is seen when it comes. So a stored year tells what it told as it happened. What comes later than the wait,
and what is settled anew (a correction, a jump that the register takes back), is left to looking back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.anomalies.live import Feed
from analytics.calendar import Times
from analytics.hours import read_outdoor
from submeter.stores.port import Column, Store
from submeter.words import Flag, Known, Point, Portfolio, Resolution, Series, Station

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
HOUR: Final = np.timedelta64(3600, "s")
WAIT_H: Final = 2
"""Spikes are to be told within three hours though one meter of the building be silent."""


@dataclass(frozen=True, slots=True, eq=False)
class Coming:
    """From ``start`` on: ``energy`` (meters, n) in the meters' units, NaN = not measured; ``there`` (meters, n) whether
    the ledger knows the hour; ``outdoor_c`` (n) and ``weathered`` (n) the same of the weather; ``later``: some meter is
    known after all of them."""

    start: Times
    energy: Floats
    there: Bools
    outdoor_c: Floats
    weathered: Bools
    later: bool = False

    @property
    def newest(self) -> int:
        """How many hours there are up to the last that any meter knows."""
        if self.later:
            return len(self.start) + WAIT_H
        known = np.flatnonzero(self.there.any(axis=0))
        return int(known[-1]) + 1 if len(known) else 0

    def ripe(self, *, patient: bool) -> int:
        """How many hours may be taken; ``patient``: the past is still being read, and nothing is given up."""
        ready = self.there.all(axis=0) & self.weathered
        if not patient:
            ready |= np.arange(len(self.start)) < self.newest - WAIT_H
        late = np.flatnonzero(~ready)
        return min(int(late[0]) if len(late) else len(ready), self.newest)

    def feed(self, hours: int) -> Feed:
        return Feed(self.energy[:, :hours].copy(), self.outdoor_c[None, :hours].copy())


def read_coming(
    store: Store, portfolio: Portfolio, names: Sequence[str], station: Station | None, start: np.datetime64, hours: int
) -> Coming:
    """Read at most so many hours from ``start`` on, of at least one meter. Raises StoreAway."""
    grid = start + np.arange(hours) * HOUR
    energy, there = np.full((len(names), hours), np.nan), np.zeros((len(names), hours), bool)
    columns = [_column(portfolio.points[name]) for name in names]
    for row, found in enumerate(store.read_intervals(columns, grid[0], grid[-1] + HOUR)):
        at = ((found.start - start) // HOUR).astype(np.int64)
        there[row, at] = (found.known > Known.MISSING) & ((found.flags & Flag.PENDING) == 0)
        measured = there[row, at] & (found.known == Known.MEASURED)
        energy[row, at[measured]] = found.micro[measured] / 1e6
    outdoor, weathered = _weather(store, station, grid)
    return Coming(grid, energy, there, outdoor, weathered)


def _column(point: Point) -> Column:
    return Column(point.id, point.quantity, Resolution.HOUR)


def _weather(store: Store, station: Station | None, grid: Times) -> tuple[Floats, Bools]:
    """An hour's weather is complete when something was read after it."""
    nothing = np.full(len(grid), np.nan), np.ones(len(grid), bool)
    if station is None:
        return nothing
    last = store.last_reading(Series(station.point, station.id, "outdoor_temperature"))
    if last is None:
        return nothing
    outdoor = read_outdoor(store, station, grid)
    over = (grid + HOUR).astype(np.int64) * 1000 <= last[0]
    return (nothing[0] if outdoor is None else outdoor), over
