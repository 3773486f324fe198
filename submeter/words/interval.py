"""An interval says how much, and how that is known. Zero and missing are never the same."""

from dataclasses import dataclass
from enum import IntEnum, IntFlag, StrEnum
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray


class Resolution(StrEnum):
    """Length of an interval; days begin at the building's local midnight, months at that of their first day."""

    QUARTER = "15m"
    HOUR = "1h"
    DAY = "1d"
    MONTH = "1mo"

    @property
    def seconds(self) -> int:
        """Nominal length: a local day may have 23 or 25 hours, and a month, here of 30 days, has 28 to 31."""
        return _NOMINAL_S[self.value]


_NOMINAL_S = {"15m": 900, "1h": 3600, "1d": 86_400, "1mo": 30 * 86_400}


class Known(IntEnum):
    """How an interval's number is known. Every energy query says ``known > 0``."""

    MISSING = 0
    ESTIMATED = 1
    MEASURED = 2


class Method(IntEnum):
    """How a number came about, or why there is none."""

    NONE = 0
    REGISTER = 1
    """difference of two register readings at (or close to) the boundaries"""
    PROFILE = 2
    """the register's difference over a gap, spread by the meter's own profile"""
    LINEAR = 3
    """the register's difference over a gap, spread evenly"""
    MODEL = 4
    """computed by a model (baselines, expected load)"""
    NO_READING = 16
    """missing: nothing was read"""
    NO_CLOSING = 17
    """missing: the segment (device) has no closing reading"""
    REFUTED = 18
    """missing: what was read was taken back by the register"""
    INCOMPLETE = 20
    """missing: a total of which less is known than the completeness limit is withheld"""
    SUM = 32
    """sum of other intervals"""


class Flag(IntFlag):
    NONE = 0
    SUSPECT = 1
    """counted and kept by the register though implausible: shown, summed, kept out of baselines"""
    PENDING = 2
    """the interval is not over, or its closing reading may still come"""
    ROLLOVER = 4
    RESET = 8
    EXCHANGE = 16
    INCOMPLETE = 32
    """a total some of whose meters are missing: the sum of what is known, not scaled up"""


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Columns of one (point, quantity, resolution), starts ascending and unique.

    ``start`` datetime64[s] UTC · ``micro`` int64, 1e-6 of the unit, 0 where missing · ``known`` uint8
    (:class:`Known`) · ``method`` uint8 (:class:`Method`) · ``flags`` uint16 (:class:`Flag`) · ``revision`` uint32.
    """

    start: NDArray[np.datetime64]
    micro: NDArray[np.int64]
    known: NDArray[np.uint8]
    method: NDArray[np.uint8]
    flags: NDArray[np.uint16]
    revision: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.start)

    @property
    def value(self) -> NDArray[np.float64]:
        """In the unit itself, NaN where missing."""
        return np.where(self.known > 0, self.micro / 1e6, np.nan)

    def take(self, rows: object) -> "Intervals":
        """The rows that a mask, a slice or an index array picks."""
        i: slice = rows  # type: ignore[assignment]  # NumPy takes all three alike
        return Intervals(self.start[i], self.micro[i], self.known[i], self.method[i], self.flags[i], self.revision[i])

    @staticmethod
    @cache
    def empty() -> "Intervals":
        return Intervals.of(np.empty(0, "datetime64[s]"), np.empty(0, np.int64))

    @staticmethod
    def of(
        start: NDArray[np.datetime64],
        micro: NDArray[np.int64],
        known: object = Known.MEASURED,
        method: object = Method.REGISTER,
        flags: object = 0,
        revision: object = 0,
    ) -> "Intervals":
        """From columns or single values that hold for every row."""
        n = len(start)
        return Intervals(
            np.asarray(start, "datetime64[s]"),
            np.asarray(micro, np.int64),
            _filled(known, np.uint8, n),
            _filled(method, np.uint8, n),
            _filled(flags, np.uint16, n),
            _filled(revision, np.uint32, n),
        )


Number = TypeVar("Number", np.uint8, np.uint16, np.uint32)


def _filled(given: object, kind: type[Number], n: int) -> NDArray[Number]:
    values = np.asarray(given, kind)
    return values if values.shape == (n,) else np.broadcast_to(values, (n,))
