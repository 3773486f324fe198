"""One building's hours as arrays: what each meter's ledger says, and the weather, on a common grid.

Strategy: read once, judge later. The grid is hourly in UTC, from the first ledger hour within two years to the end of
the building's today, so that expectations reach to midnight. An hour that is missing, pending or suspect is NaN in
``energy``; suspect ones keep their number in ``suspect``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.calendar import DAY_S, Times, instant_ms, local_seconds
from analytics.design import Floats
from submeter.stores.port import Column, Store
from submeter.words import Building, Flag, Intervals, Known, Method, Point, Portfolio, Resolution, Series, Station

HOUR_S: Final = 3600
HISTORY_DAYS: Final = 730


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """``start`` (n) datetime64[s] UTC · ``past`` how many of them are over · per point id: ``measured`` (n) in the
    unit, NaN unless measured and plausible; ``energy`` (n) the same with estimated hours; ``suspect`` (n) the
    number that the register kept though it is implausible, else NaN; ``unread`` (n) bool, no reading within the
    meter's lifetime; ``last`` the row after the last hour with a reading · ``outdoor_c`` (n) or None."""

    building: Building
    points: tuple[Point, ...]
    start: Times
    past: int
    measured: dict[str, Floats]
    energy: dict[str, Floats]
    suspect: dict[str, Floats]
    unread: dict[str, NDArray[np.bool_]]
    last: dict[str, int]
    outdoor_c: Floats | None

    def __len__(self) -> int:
        return len(self.start)

    @property
    def start_ms(self) -> NDArray[np.int64]:
        return np.asarray(self.start.astype(np.int64) * 1000, np.int64)

    def row(self, time_ms: int) -> int:
        """The first hour that begins at or after an instant."""
        return int(np.searchsorted(self.start_ms, time_ms))


def gather(store: Store, portfolio: Portfolio, building_id: str, now_ms: int) -> Hours:
    """Read a building. With no ledger hours at all the grid is empty. Raises StoreAway."""
    building = portfolio.buildings[building_id]
    points = tuple(sorted(portfolio.points_of(building_id), key=lambda p: p.id))
    now_s = now_ms // 1000 // HOUR_S * HOUR_S
    since_s = now_s - HISTORY_DAYS * DAY_S
    columns = [Column(p.id, p.quantity, Resolution.HOUR) for p in points]
    found = store.read_intervals(columns, _instant(since_s), _instant(now_s))
    first = [int(rows.start[0].astype(np.int64)) for rows in found if len(rows)]
    if not first:
        return Hours(building, points, np.empty(0, "datetime64[s]"), 0, {}, {}, {}, {}, {}, None)
    ends = _ends(portfolio, points, building.zone, min(first))
    past = int((now_s - min(first)) // HOUR_S)
    start = np.arange(min(first), _end_of_day(now_s, min(first), building.zone), HOUR_S).astype("datetime64[s]")
    placed = {point.id: _placed(rows, start) for point, rows in zip(points, found, strict=True)}
    alive = max(p.last for p in placed.values())
    unread = {p: _unread(point, alive, ends.get(p, past)) for p, point in placed.items()}
    station = portfolio.stations.get(building.station)
    outdoor = None if station is None else read_outdoor(store, station, start)
    return Hours(
        building, points, start, past, {p: x.measured for p, x in placed.items()},
        {p: x.energy for p, x in placed.items()}, {p: x.suspect for p, x in placed.items()}, unread,
        {p: x.last for p, x in placed.items()}, outdoor,
    )  # fmt: skip


def read_outdoor(store: Store, station: Station, start: Times) -> Floats | None:
    """Hourly means of a station's air temperature in °C, NaN where nothing was read, None where nothing ever was."""
    begin_ms, end_ms = int(start[0].astype(np.int64)) * 1000, (int(start[-1].astype(np.int64)) + HOUR_S) * 1000
    series = Series(station.point, station.id, "outdoor_temperature")
    readings = store.read_readings(series, begin_ms, end_ms)
    if not len(readings):
        return None
    row = (readings.times.astype(np.int64) - begin_ms) // (HOUR_S * 1000)
    count = np.bincount(row, minlength=len(start))
    total = np.bincount(row, readings.micro / 1e6, minlength=len(start))
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(count > 0, total / count, np.nan), float)


def read_measured(store: Store, point: Point, start: Times) -> Floats:
    """One meter's hours (n) as :class:`Hours` has them in ``measured``, without the rest."""
    column = Column(point.id, point.quantity, Resolution.HOUR)
    (rows,) = store.read_intervals([column], start[0], start[-1] + np.timedelta64(HOUR_S, "s"))
    return _placed(rows, start).measured


def joined(hours: Hours, points: Sequence[str]) -> Floats:
    """Sum of several meters, NaN where one of them is not known."""
    return np.asarray(np.sum([hours.energy[p] for p in points], axis=0), float)


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """One meter's ledger rows on the grid; ``known`` = a number of any sort, ``gap`` = estimated over a gap."""

    measured: Floats
    energy: Floats
    suspect: Floats
    known: NDArray[np.bool_]
    gap: NDArray[np.bool_]
    first: int
    last: int


def _placed(rows: Intervals, start: Times) -> _Placed:
    n = len(start)
    at = (rows.start.astype(np.int64) - int(start[0].astype(np.int64))) // HOUR_S
    odd, pending = (rows.flags & Flag.SUSPECT) > 0, (rows.flags & Flag.PENDING) > 0
    known, sure = (rows.known > Known.MISSING) & ~pending, rows.known == Known.MEASURED
    bridged = (rows.method == Method.PROFILE) | (rows.method == Method.LINEAR)
    value = rows.micro / 1e6
    read = np.flatnonzero(known)
    first, last = (int(at[read[0]]), int(at[read[-1]]) + 1) if len(read) else (n, 0)
    return _Placed(
        _spread(n, at, value, known & sure & ~odd), _spread(n, at, value, known & ~odd),
        _spread(n, at, value, known & odd), np.isfinite(_spread(n, at, value, known)),
        np.isfinite(_spread(n, at, value, known & bridged)), first, last,
    )  # fmt: skip


def _spread(n: int, at: NDArray[np.int64], value: Floats, take: NDArray[np.bool_]) -> Floats:
    out = np.full(n, np.nan)
    out[at[take]] = value[take]
    return out


def _unread(point: _Placed, alive: int, until: int) -> NDArray[np.bool_]:
    """Hours from the first reading to the building's last (or the end of the meter's life) that were not read."""
    out = ~point.known | point.gap
    out[: point.first] = False
    out[min(alive, until) :] = False
    return np.asarray(out, bool)


def _end_of_day(now_s: int, first_s: int, zone: str) -> int:
    """The instant at which the local day of ``now_s`` ends, on the grid of hours from ``first_s``."""
    shift = int(local_seconds(np.array([now_s]).astype("datetime64[s]"), zone)[0]) - now_s
    midnight = ((now_s + shift) // DAY_S + 1) * DAY_S - shift
    return first_s + -(-(midnight - first_s) // HOUR_S) * HOUR_S


def _ends(portfolio: Portfolio, points: Sequence[Point], zone: str, first_s: int) -> dict[str, int]:
    """The row at which a point's last meter was taken away, for points where it was."""
    until = {p.id: portfolio.devices[p.id][-1].until for p in points if portfolio.devices.get(p.id)}
    return {p: int((instant_ms(day, zone) // 1000 - first_s) // HOUR_S) for p, day in until.items() if day}


def _instant(utc_s: int) -> np.datetime64:
    return np.datetime64(utc_s, "s")
