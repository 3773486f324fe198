"""The instant up to which a building's numbers are shown, and why.

Usually now. Where nothing newer has been read (a replayed past, a back-fill under way, a gateway that is away for days)
it is the end of the newest well-read month, and the page says so, instead of showing an empty today.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from dashboards.queries.energy import read_total
from dashboards.queries.grid import Grid
from dashboards.queries.reader import Reader
from dashboards.queries.span import Span, day_edges, floor_hour, instant, local_day, midnight, to_ms
from submeter.words import Resolution

FRESH_DAYS = 2
MONTH_DAYS = 30
LOOK_BACK_DAYS = 800
LOOK_BACK_LONG_DAYS = 8000
"""for worlds that ended years ago; asked for only when the last two years are empty"""


@dataclass(frozen=True, slots=True)
class AsOf:
    """``end_ms`` is exclusive; ``fresh``: it is now; ``first_ms`` the first known day, None when nothing is known.

    ``days`` are the ends of the known days, in ms.
    """

    end_ms: int
    fresh: bool
    first_ms: int | None
    days: tuple[int, ...] = ()

    @property
    def days_known(self) -> int:
        return len(self.days)

    @property
    def end(self) -> np.datetime64:
        return instant(self.end_ms)


def as_of(reader: Reader, building: str) -> AsOf:
    return reader.kept(("as_of", building), lambda: _as_of(reader, building), 5.0)


def _as_of(reader: Reader, building: str) -> AsOf:
    now = floor_hour(instant(reader.now_ms()))
    for days in (LOOK_BACK_DAYS, LOOK_BACK_LONG_DAYS):
        grid = _days(reader, building, now, days)
        known = np.asarray((grid.known > 0).any(axis=0), np.bool_)
        if known.any():
            return _judge(reader, grid, known, now)
    return AsOf(to_ms(now), True, None)


def daily_totals(reader: Reader, building: str) -> Grid:
    """Daily rows of the building's total, the last day being today; as far back as it took to find any."""
    as_of(reader, building)
    now = floor_hour(instant(reader.now_ms()))
    recent = _days(reader, building, now, LOOK_BACK_DAYS)
    return recent if (recent.known > 0).any() else _days(reader, building, now, LOOK_BACK_LONG_DAYS)


def _days(reader: Reader, building: str, now: np.datetime64, days: int) -> Grid:
    """Read once for all that looks at a building's days."""
    last = local_day(now, reader.building(building).zone)
    return reader.kept(("days", building, last, days), lambda: _read_days(reader, building, last, days), 5.0)


def _read_days(reader: Reader, building: str, last: date, days: int) -> Grid:
    zone = reader.building(building).zone
    edges = day_edges(last - timedelta(days - 1), days, zone)
    return read_total(reader, building, Resolution.DAY, edges)


def _judge(reader: Reader, grid: Grid, known: NDArray[np.bool_], now: np.datetime64) -> AsOf:
    newest = int(np.flatnonzero(known)[-1])
    first = to_ms(grid.starts[int(np.flatnonzero(known)[0])])
    ends = tuple(grid.edges[1:][known].astype("datetime64[ms]").astype(np.int64).tolist())
    filling = reader.backfill() is not None
    month = np.convolve(known, np.ones(MONTH_DAYS, int))[: len(known)]
    if newest >= len(known) - FRESH_DAYS and not (filling and month[newest] < MONTH_DAYS - 3):
        return AsOf(to_ms(now), True, first, ends)
    full = np.flatnonzero(known & (month >= min(MONTH_DAYS - 1, month.max())))
    best = int(full[-1]) if filling and len(full) else newest
    return AsOf(to_ms(min(grid.edges[best + 1], now)), False, first, ends)


def month_to(end: np.datetime64, zone: str) -> Span:
    """The thirty local days up to ``end``."""
    return Span(midnight(local_day(end - np.timedelta64(1, "s"), zone) - timedelta(MONTH_DAYS - 1), zone), end)


def district_as_of(reader: Reader) -> AsOf:
    """Now when any building is fresh; while a past is being read, or when none is, the month of which most is known."""
    found = [as_of(reader, b) for b in reader.portfolio.buildings]
    having = [a for a in found if a.first_ms is not None]
    fresh = [a for a in having if a.fresh]
    if not having or (fresh and reader.backfill() is None):
        return max(fresh or found or [AsOf(reader.now_ms(), True, None)], key=lambda a: a.end_ms)
    return AsOf(_fullest([a.days for a in having]), False, min(a.first_ms or 0 for a in having))


def _fullest(days: list[tuple[int, ...]]) -> int:
    """Of all day ends the newest whose thirty days hold the most known days of buildings."""
    ends = np.sort(np.concatenate([np.array(d, np.int64) for d in days]))
    known = np.arange(1, len(ends) + 1) - np.searchsorted(ends, ends - MONTH_DAYS * 86_400_000, side="right")
    return int(ends[np.flatnonzero(known == known.max())[-1]])
