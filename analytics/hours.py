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

from analytics.design import Floats
from analytics.weekdays import DAY_S, Times, local_seconds
from submeter.stores.port import Column, Store
from submeter.words import Building, Flag, Intervals, Known, Point, Portfolio, Resolution, Series, Station

HOUR_S: Final = 3600
HISTORY_DAYS: Final = 730
SETTLE_DAYS: Final = 14
"""Weather read before the first hour, for the thermal memory to settle."""


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """``start`` (n) datetime64[s] UTC · ``past`` how many of them are over · per point id: ``energy`` (n) in the unit,
    NaN where there is no trustworthy number; ``suspect`` (n) the number that the register kept though it is
    implausible, else NaN; ``missing`` (n) bool, no number within the meter's lifetime · ``outdoor_c`` (n) or None."""

    building: Building
    points: tuple[Point, ...]
    start: Times
    past: int
    energy: dict[str, Floats]
    suspect: dict[str, Floats]
    missing: dict[str, NDArray[np.bool_]]
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
        return Hours(building, points, np.empty(0, "datetime64[s]"), 0, {}, {}, {}, None)
    start = np.arange(min(first), _end_of_day(now_s, building.zone), HOUR_S).astype("datetime64[s]")
    energy, suspect, missing = {}, {}, {}
    for point, rows in zip(points, found, strict=True):
        energy[point.id], suspect[point.id], missing[point.id] = _placed(rows, start)
    station = portfolio.stations.get(building.station)
    outdoor = None if station is None else read_outdoor(store, station, start)
    past = int((now_s - min(first)) // HOUR_S)
    return Hours(building, points, start, past, energy, suspect, missing, outdoor)


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


def joined(hours: Hours, points: Sequence[str]) -> Floats:
    """Sum of several meters, NaN where one of them is not known."""
    return np.asarray(np.sum([hours.energy[p] for p in points], axis=0), float)


def _placed(rows: Intervals, start: Times) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Ledger rows on the grid: energy, suspect energy, missing."""
    energy, suspect = np.full(len(start), np.nan), np.full(len(start), np.nan)
    missing = np.zeros(len(start), bool)
    at = (rows.start.astype(np.int64) - int(start[0].astype(np.int64))) // HOUR_S
    known, odd = rows.known > Known.MISSING, (rows.flags & Flag.SUSPECT) > 0
    pending = (rows.flags & Flag.PENDING) > 0
    good = known & ~odd & ~pending
    energy[at[good]] = rows.micro[good] / 1e6
    suspect[at[known & odd]] = rows.micro[known & odd] / 1e6
    missing[at[~known & ~pending]] = True
    return energy, suspect, missing


def _end_of_day(now_s: int, zone: str) -> int:
    """The instant at which the local day of ``now_s`` ends, on the grid's hours."""
    shift = int(local_seconds(np.array([now_s]).astype("datetime64[s]"), zone)[0]) - now_s
    midnight = ((now_s + shift) // DAY_S + 1) * DAY_S - shift
    return int(-(-midnight // HOUR_S) * HOUR_S)


def _instant(utc_s: int) -> np.datetime64:
    return np.datetime64(utc_s, "s")
