"""One meter, one day: each interval with how it is known, and the raw register readings under it."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from dashboards.queries.asof import as_of
from dashboards.queries.meters import Health, meters
from dashboards.queries.reader import Reader
from dashboards.queries.span import Span, local_clock, local_day, midnight, to_ms
from submeter.words import Correction, Device, Flag, Intervals, Known, Method, Resolution, Series

READINGS_MOST = 2000
EARLIEST, LATEST = date(1970, 1, 2), date(2200, 1, 1)


@dataclass(frozen=True, slots=True)
class IntervalView:
    """``known``: missing, estimated, measured; ``method`` and ``flags`` by name, lower case."""

    start_ms: int
    clock: str
    value: float | None
    known: str
    method: str
    flags: list[str]
    revision: int


@dataclass(frozen=True, slots=True)
class ReadingView:
    """What device ``device`` showed, before any ratio."""

    time_ms: int
    device: str
    value: float


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A meter that hangs or hung at the point; dates as the portfolio's files write them, '' = open."""

    serial: str
    model: str
    since: str
    until: str
    ct: str
    pt: str
    accuracy_class: str
    digits: int
    resolution: float

    @property
    def ratio(self) -> str:
        """As on the name plates: '800/5 × 1'."""
        return f"{self.ct or '1'} × {self.pt or '1'}"


@dataclass(frozen=True, slots=True)
class CorrectionView:
    kind: str
    start_ms: int
    end_ms: int
    author: str
    reason: str


@dataclass(frozen=True, slots=True)
class MeterDay:
    """``counts`` of intervals by how they are known; ``total`` sums what is known."""

    health: Health
    day: str
    previous: str
    following: str
    zone: str
    resolution: str
    intervals: list[IntervalView]
    readings: list[ReadingView]
    devices: list[DeviceView]
    corrections: list[CorrectionView]
    counts: dict[str, int]
    total: float | None


def meter_day(reader: Reader, point: str, day: str | None = None) -> MeterDay:
    """Raises KeyError for a point that the portfolio does not have, ValueError for a day that is none."""
    building = reader.portfolio.points[point].building
    zone = reader.building(building).zone
    which = sane_day(day) if day else local_day(as_of(reader, building).end - np.timedelta64(1, "s"), zone)
    span = Span(midnight(which, zone), midnight(which + timedelta(1), zone))
    resolution, rows = _finest(reader, point, span)
    views = interval_views(rows, zone)
    known = [v.value for v in views if v.value is not None]
    return MeterDay(
        health=next(h for h in meters(reader, building) if h.point == point),
        day=which.isoformat(),
        previous=(which - timedelta(1)).isoformat(),
        following=(which + timedelta(1)).isoformat(),
        zone=zone,
        resolution=resolution,
        intervals=views,
        readings=readings(reader, point, span),
        devices=[_device(d) for d in reader.portfolio.devices.get(point, ())],
        corrections=[
            CorrectionView(c.kind, c.start_ms, c.end_ms, c.author, c.reason)
            for c in reader.entries(Correction, building)
            if c.point == point
        ],
        counts={k: sum(v.known == k for v in views) for k in ("measured", "estimated", "missing")},
        total=sum(known) if known else None,
    )


def sane_day(day: str) -> date:
    """An ISO date between 1970 and 2200. Raises ValueError."""
    found = date.fromisoformat(day)
    if not EARLIEST <= found <= LATEST:
        raise ValueError(f"day {day} lies before {EARLIEST} or after {LATEST}")
    return found


def _device(d: Device) -> DeviceView:
    return DeviceView(d.serial, d.model, d.since, d.until, d.ct, d.pt, d.accuracy_class, d.digits, d.resolution)


def _finest(reader: Reader, point: str, span: Span) -> tuple[Resolution, Intervals]:
    """The finest resolution that has rows on that day."""
    for resolution in (Resolution.QUARTER, Resolution.HOUR):
        (rows,) = reader.point_intervals([point], resolution, span.start, span.end)
        if len(rows):
            return resolution, rows
    return Resolution.QUARTER, Intervals.empty()


def interval_views(rows: Intervals, zone: str) -> list[IntervalView]:
    clocks = local_clock(rows.start, zone)
    return [
        IntervalView(
            start_ms=to_ms(rows.start[i]),
            clock=f"{clocks[i]:%H:%M}",
            value=float(rows.micro[i]) / 1e6 if rows.known[i] else None,
            known=Known(int(rows.known[i])).name.lower(),
            method=Method(int(rows.method[i])).name.lower(),
            flags=flag_names(int(rows.flags[i])),
            revision=int(rows.revision[i]),
        )
        for i in range(len(rows))
    ]


def flag_names(flags: int) -> list[str]:
    return [f.name.lower() for f in Flag if f.name and f.value and flags & f.value]


def readings(reader: Reader, point: str, span: Span) -> list[ReadingView]:
    """All devices' register readings in the span (both ends included), in order of time."""
    quantity = reader.portfolio.points[point].quantity
    found: list[ReadingView] = []
    for device in reader.portfolio.devices.get(point, ()):
        rows = reader.readings(Series(point, device.serial, quantity), span.start_ms, span.end_ms + 1)
        times = rows.times.astype("datetime64[ms]").astype(np.int64)[:READINGS_MOST].tolist()
        found += [ReadingView(t, device.serial, m / 1e6) for t, m in zip(times, rows.micro.tolist(), strict=False)]
    return sorted(found, key=lambda r: r.time_ms)
