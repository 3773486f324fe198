"""Local time: days, midnights and hours of a building as UTC instants. A day may have 23, 24 or 25 hours."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

HOUR = np.timedelta64(3600, "s")
Edges = NDArray[np.datetime64]


class Span(NamedTuple):
    """Half-open, UTC, ``datetime64[s]``."""

    start: np.datetime64
    end: np.datetime64

    @property
    def start_ms(self) -> int:
        return to_ms(self.start)

    @property
    def end_ms(self) -> int:
        return to_ms(self.end)


def to_ms(instant: np.datetime64) -> int:
    return int(instant.astype("datetime64[ms]").astype(np.int64))


def instant(ms: int) -> np.datetime64:
    """Epoch milliseconds as ``datetime64[s]``, rounded down."""
    return np.datetime64(ms // 1000, "s")


def local_day(at: np.datetime64, zone: str) -> date:
    return datetime.fromtimestamp(to_ms(at) / 1000, ZoneInfo(zone)).date()


def midnight(day: date, zone: str) -> np.datetime64:
    """The instant at which ``day`` begins in ``zone``."""
    local = datetime.combine(day, time(), ZoneInfo(zone))
    return np.datetime64(int(local.timestamp()), "s")


@lru_cache(maxsize=256)
def day_edges(first: date, days: int, zone: str) -> Edges:
    """``days`` + 1 midnights from the first day's on; asked for by every building of a district, and made once."""
    edges = np.array([midnight(first + timedelta(n), zone) for n in range(days + 1)], "datetime64[s]")
    edges.flags.writeable = False
    return edges


def hour_edges(start: np.datetime64, end: np.datetime64) -> Edges:
    """Every full hour from ``start`` to ``end`` inclusive."""
    return np.arange(start, end + HOUR, HOUR, dtype="datetime64[s]")


def floor_hour(at: np.datetime64) -> np.datetime64:
    return instant(to_ms(at) // 3_600_000 * 3_600_000)


def days_until(end: np.datetime64, days: int, zone: str) -> Span:
    """The local days up to ``end``, ``days`` of them, the last one perhaps not over."""
    last = local_day(end - np.timedelta64(1, "s"), zone)
    return Span(midnight(last - timedelta(days - 1), zone), end)


def local_clock(edges: Edges, zone: str) -> list[datetime]:
    """Local wall-clock times of instants."""
    where = ZoneInfo(zone)
    return [datetime.fromtimestamp(int(s), UTC).astimezone(where) for s in edges.astype(np.int64)]
