"""A point as settlement sees it: its zone, and its devices one after another with register, life and hand readings."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from analytics.calendar import instant_ms
from analytics.ledger.unroll import Register
from analytics.weekdays import Place
from submeter.words import MICRO, Device, Point, Portfolio, Series

MARGIN = 1.5
"""A circuit carries no more than this times its rating for as long as two readings are apart. The 2008 guides are said
to use 2 (from memory, to be confirmed); a fuse of the rated current holds 1.5 for less than an hour or two."""
FOREVER_MS = 2**53


@dataclass(frozen=True, slots=True)
class Segment:
    """One device at the point in [since_ms, until_ms). ``opening`` and ``closing`` are register micro-units."""

    series: Series
    register: Register
    since_ms: int = -FOREVER_MS
    until_ms: int = FOREVER_MS
    opening: int | None = None
    closing: int | None = None


@dataclass(frozen=True, slots=True)
class Meter:
    point: Point
    zone: str
    segments: tuple[Segment, ...]
    country: str = ""
    subdivision: str = ""
    """whose public holidays count, as the building has them; '' = none"""

    @property
    def place(self) -> Place:
        return Place(self.zone, self.country, self.subdivision)

    @property
    def rated(self) -> bool:
        return self.point.rating > 0

    @property
    def until_ms(self) -> int:
        return max(segment.until_ms for segment in self.segments)


def meter_of(portfolio: Portfolio, point_id: str) -> Meter | None:
    """None for a point that is not metered here: unknown, a weather station, or without a device."""
    point = portfolio.points.get(point_id)
    devices = portfolio.devices.get(point_id, ())
    building = portfolio.buildings.get(point.building) if point else None
    if point is None or building is None or not devices:
        return None
    return _meter(point, Place(building.zone, building.country, building.subdivision), tuple(devices))


@lru_cache(maxsize=65_536)
def _meter(point: Point, place: Place, devices: tuple[Device, ...]) -> Meter:
    segments = tuple(_segment(point, place.zone, device) for device in devices)
    return Meter(point, place.zone, segments, place.country, place.subdivision)


def _segment(point: Point, zone: str, device: Device) -> Segment:
    resolution = Fraction(str(device.resolution)) * MICRO
    register = Register(
        modulus=int(10**device.digits * resolution),
        ratio=device.ratio,
        resolution=int(resolution),
        rate=MARGIN * point.rating * MICRO / 3_600_000 if point.rating > 0 else np.inf,
    )
    return Segment(
        series=Series(point.id, device.serial, point.quantity),
        register=register,
        since_ms=_instant_ms(device.since, zone, -FOREVER_MS),
        until_ms=_instant_ms(device.until, zone, FOREVER_MS),
        opening=_micro(device.opening),
        closing=_micro(device.closing),
    )


def _micro(value: float | None) -> int | None:
    return None if value is None else round(Fraction(str(value)) * MICRO)


def _instant_ms(text: str, zone: str, otherwise: int) -> int:
    return instant_ms(text, zone) if text else otherwise
