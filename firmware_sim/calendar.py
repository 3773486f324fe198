"""What day it is for a building: working day, Saturday, Sunday, public holiday; school terms; how full the house is.

Strategy: a grid of quarter-hours in UTC is split once into local days; every day gets a kind from the public calendar
(holidays *and* swapped working days, as the ``holidays`` package knows them), and a table of hours by kind and building
type gives the share of people present.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays
import numpy as np
from numpy.typing import NDArray

from submeter.words import ConfigError

QUARTER_MS: Final = 900_000
QUARTERS_A_DAY: Final = 96
_EPOCH: Final = date(1970, 1, 1)


class DayKind(IntEnum):
    WORKING = 0
    SATURDAY = 1
    SUNDAY = 2
    HOLIDAY = 3


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Quarter-hours from ``first`` (absolute number since 1970 UTC) on, with local day and quarter of the day.

    ``day`` counts local days from ``first_day``; ``quarter`` is 0–95 by the local clock.
    """

    first: int
    count: int
    first_day: date
    day: NDArray[np.int32]
    quarter: NDArray[np.int32]

    @property
    def days(self) -> list[date]:
        return [self.first_day + timedelta(days=int(i)) for i in range(int(self.day[-1]) + 1)]

    def position(self, time_ms: int) -> int:
        """The quarter that holds a time, kept within the grid (``count`` = after its end)."""
        return min(max(time_ms // QUARTER_MS - self.first, 0), self.count)


def make_grid(first: int, count: int, zone: str) -> Grid:
    """A grid of ``count`` quarter-hours in an IANA zone."""
    absolute = np.arange(first, first + count, dtype=np.int64)
    local = absolute + _offsets(absolute, ZoneInfo(zone))
    number, quarter = np.divmod(local, QUARTERS_A_DAY)
    begin = int(number[0])
    return Grid(
        first, count, _EPOCH + timedelta(days=begin), (number - begin).astype(np.int32), quarter.astype(np.int32)
    )


def _offsets(absolute: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.int64]:
    """UTC offset in quarter-hours, looked up once an hour."""
    hours = np.arange(absolute[0] // 4, absolute[-1] // 4 + 1)
    found = np.empty(len(hours), np.int64)
    for begin in range(0, len(hours), 24):
        part = hours[begin : begin + 24]
        ends = {_offset(int(part[0]), zone), _offset(int(part[-1]), zone)}
        found[begin : begin + 24] = ends.pop() if len(ends) == 1 else [_offset(int(h), zone) for h in part]
    return np.asarray(found[absolute // 4 - hours[0]])


def _offset(hour: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(hour * 3600, UTC).astimezone(zone).utcoffset()
    assert offset is not None
    return round(offset.total_seconds() / 900)


@lru_cache(maxsize=64)
def _public(country: str, subdivision: str, year: int) -> holidays.HolidayBase:
    try:
        return holidays.country_holidays(country, subdiv=subdivision or None, years=[year])
    except NotImplementedError as fault:
        raise ConfigError(
            f"buildings.csv: country {country!r} {subdivision!r}: {fault}; use an ISO 3166 code"
        ) from None


def day_kind(day: date, country: str = "CN", subdivision: str = "") -> DayKind:
    """Working day, Saturday, Sunday or public holiday; a swapped working day (调休) is a working day.

    >>> day_kind(date(2026, 2, 14)), day_kind(date(2026, 10, 7))
    (<DayKind.WORKING: 0>, <DayKind.HOLIDAY: 3>)
    """
    calendar = _public(country, subdivision, day.year)
    if day in calendar:
        return DayKind.HOLIDAY
    if day.weekday() < 5 or day in calendar.weekend_workdays:
        return DayKind.WORKING
    return DayKind.SATURDAY if day.weekday() == 5 else DayKind.SUNDAY


@lru_cache(maxsize=64)
def spring_festival(year: int) -> date:
    """First day of the Chinese New Year."""
    calendar = holidays.country_holidays("CN", years=[year], language="en_US")
    return min(day for day, name in calendar.items() if name.startswith("Chinese New Year (") and day.year == year)


def in_term(day: date) -> bool:
    """Whether a Shanghai school teaches in this season: not in July and August, nor around the Spring Festival."""
    if day.month in (7, 8):
        return False
    festival = spring_festival(day.year)
    return not festival - timedelta(days=22) <= day <= festival + timedelta(days=13)


Hours = tuple[tuple[float, float], ...]
"""Corner points (hour of the day, share), straight lines between."""

_OFFICE: Final[Hours] = (
    (0, 0.02), (6.5, 0.03), (8, 0.35), (9, 0.9), (11.5, 1.0), (12.5, 0.72), (13.5, 0.97), (17, 0.95), (18, 0.6),
    (20, 0.2), (22, 0.05), (24, 0.02),
)  # fmt: skip
_SCHOOL: Final[Hours] = (
    (0, 0.02), (6, 0.03), (7.2, 0.5), (8, 1.0), (12, 0.9), (15.5, 0.95), (16.5, 0.5), (18, 0.15), (21, 0.05),
    (24, 0.02),
)  # fmt: skip
_MALL: Final[Hours] = (
    (0, 0.02), (7, 0.04), (9.5, 0.3), (10.5, 0.62), (12, 0.85), (14, 0.75), (17, 0.85), (19, 1.0), (21, 0.8),
    (22, 0.35), (23, 0.05), (24, 0.02),
)  # fmt: skip
_HOTEL: Final[Hours] = (
    (0, 0.55), (2, 0.45), (5, 0.45), (7, 0.8), (9, 0.75), (12, 0.55), (15, 0.5), (18, 0.75), (20, 0.95), (22, 1.0),
    (24, 0.55),
)  # fmt: skip
_HOSPITAL: Final[Hours] = (
    (0, 0.4), (5, 0.4), (7, 0.7), (8.5, 1.0), (11.5, 0.95), (13, 0.85), (16, 0.95), (18, 0.6), (22, 0.45), (24, 0.4),
)  # fmt: skip
_GYM: Final[Hours] = (
    (0, 0.02), (6, 0.04), (7, 0.35), (9, 0.5), (12, 0.55), (15, 0.5), (18, 0.9), (20, 1.0), (21.5, 0.7), (22.5, 0.05),
    (24, 0.02),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Opening:
    """Hours of a building type and how full each kind of day is; ``plant`` are the hours in which HVAC runs."""

    hours: Hours
    working: float
    saturday: float
    sunday: float
    holiday: float
    plant: tuple[float, float]
    plant_closed: tuple[DayKind, ...] = ()
    terms: bool = False

    def fullness(self, kind: DayKind) -> float:
        return (self.working, self.saturday, self.sunday, self.holiday)[kind]


_WEEKEND: Final = (DayKind.SATURDAY, DayKind.SUNDAY, DayKind.HOLIDAY)
OPENINGS: Final[dict[str, Opening]] = {
    "office": Opening(_OFFICE, 1.0, 0.2, 0.1, 0.06, (7, 18.5), _WEEKEND),
    "other": Opening(_OFFICE, 1.0, 0.2, 0.1, 0.06, (7, 18.5), _WEEKEND),
    "mall": Opening(_MALL, 0.85, 1.05, 1.1, 1.12, (9, 22)),
    "hotel": Opening(_HOTEL, 0.95, 1.0, 0.95, 0.98, (0, 24)),
    "hospital": Opening(_HOSPITAL, 1.0, 0.8, 0.68, 0.6, (0, 24)),
    "school": Opening(_SCHOOL, 1.0, 0.1, 0.07, 0.04, (6.5, 17), _WEEKEND, terms=True),
    "gym": Opening(_GYM, 0.8, 1.0, 1.0, 0.95, (6.5, 22.25)),
}


@dataclass(frozen=True, slots=True, eq=False)
class Presence:
    """Shares 0–1.2 per quarter-hour: people present, HVAC plant switched on; and whether the house is closed now."""

    people: NDArray[np.float64]
    plant: NDArray[np.float64]


def presence(grid: Grid, building_type: str, country: str = "CN", subdivision: str = "") -> Presence:
    """How full a building of a type is, and when its plant runs, on a grid."""
    opening = OPENINGS.get(building_type, OPENINGS["other"])
    clock = np.arange(QUARTERS_A_DAY) / 4
    hours, shares = zip(*opening.hours, strict=True)
    profile = np.interp(clock, hours, shares)
    runs = ((clock >= opening.plant[0]) & (clock < opening.plant[1])).astype(np.float64)
    days = grid.days
    kinds = [day_kind(day, country, subdivision) for day in days]
    full = np.array([_fullness(opening, day, kind) for day, kind in zip(days, kinds, strict=True)])
    open_ = np.array([_plant_open(opening, day, kind) for day, kind in zip(days, kinds, strict=True)])
    return Presence(full[grid.day] * profile[grid.quarter], open_[grid.day] * runs[grid.quarter])


def _fullness(opening: Opening, day: date, kind: DayKind) -> float:
    share = opening.fullness(kind)
    return share if not opening.terms or in_term(day) else min(share, 0.12)


def _plant_open(opening: Opening, day: date, kind: DayKind) -> float:
    return float(kind not in opening.plant_closed and (not opening.terms or in_term(day)))
