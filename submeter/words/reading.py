"""A reading is what a meter showed at a time, before any ratio; many of one series are columns, not objects.

A reading's identity is (point, device, quantity, time in milliseconds). ``point`` is the full id ``building/point``.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Series(NamedTuple):
    """One quantity of one device at one point (for weather: the station's id is both building and device)."""

    point: str
    device: str
    quantity: str


class Reading(NamedTuple):
    """One value as a source hands it over; ``micro`` counts 1e-6 of the quantity's unit."""

    series: Series
    time_ms: int
    micro: int


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """Columns of one series, times ascending and unique. ``times`` is ``datetime64[ms]`` UTC, ``micro`` int64."""

    times: NDArray[np.datetime64]
    micro: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.times)

    @staticmethod
    def empty() -> "Readings":
        return Readings(np.empty(0, "datetime64[ms]"), np.empty(0, np.int64))

    @staticmethod
    def of(times_ms: object, micro: object) -> "Readings":
        """From anything array-like: epoch milliseconds and micro-units."""
        return Readings(np.asarray(times_ms, np.int64).view("datetime64[ms]"), np.asarray(micro, np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Readings of one series on their way into a store."""

    series: Series
    readings: Readings


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """What a store says of one block: how many were new, how many it had already, and which contradicted it.

    ``conflicts`` holds positions in the block whose identity is stored with another value; the stored value stays.
    """

    stored: int
    again: int
    conflicts: NDArray[np.intp]
    refused: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
    """positions that the store would not take, whatever the others do (its schema, its retention)"""


class Change(NamedTuple):
    """One entry of the change feed: readings of ``point`` in the half-open span [start_ms, end_ms) arrived."""

    seq: int
    point: str
    start_ms: int
    end_ms: int
