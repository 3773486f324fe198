"""What depends on what, and how the ledger hears of it when the ground under it changes.

    what changes                         what is done anew                                   from when
    -----------------------------------  --------------------------------------------------  -------------------------
    a reading, a correction              boundaries between the readings around it           a hold time (24 h) before
    … before estimated hours             their profiles, which look four weeks back          28 days after it
    … and with it a day's highest hour   limits of a meter without a rating                  60 days on both sides
    device: ratio, digits, resolution    energy of that device                               its own dates
    device: dates, hand readings         energy at the exchange                              the dates, old and new
    zone, country, rating, quantity      all of its energy                                   its whole life
    energy of a day                      cost and carbon of the day, its month               that day
    price or carbon factor               cost and carbon; no energy                          the first row that differs
    energy of an hour, known or no more  the building's study: findings, baselines, savings  now, and at each later year
                                                                                             of a record that reaches
                                                                                             back beyond two years
    weather older than an hour           the studies of its buildings                        likewise
    building, measures, tree, prices,
    quiet days                           the building's study                                likewise

Energy depends on dated meter data, and a file of those has no change feed. So the ledger keeps beside each meter what
it was settled with (:class:`~submeter.words.Grounds`), compares at the start and whenever the portfolio changes, and
puts the difference into the feed together with the new grounds: one transaction a lot, so that a kill loses nothing and
a start re-settles nothing without need. A meter that an older version settled is taken as it stands.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

import msgspec

from analytics.ledger.meter import FOREVER_MS, Meter, Segment, meter_of
from submeter.stores.port import Store
from submeter.words import CarbonFactor, Point, Portfolio, Price, Series
from submeter.words.entry import Ground, Grounds

Span = tuple[int, int]
WHOLE = (-FOREVER_MS, FOREVER_MS)
Rows = list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Difference:
    """Of a meter or a building to what was written down: the span to settle and the first date to price anew ('' =
    from the beginning), None = neither."""

    grounds: Grounds
    before: Grounds | None = None
    span: Span | None = None
    since: str | None = None


def grounds_of(portfolio: Portfolio, point: Point) -> Grounds:
    """What a meter's energy, cost and carbon depend on beside its readings."""
    meter, building = meter_of(portfolio, point.id), portfolio.buildings[point.building]
    if meter is None:
        return Grounds(id=point.id, building=point.building)
    return Grounds(
        id=point.id, building=point.building, zone=meter.zone, country=meter.country, subdivision=meter.subdivision,
        quantity=point.quantity, rating=point.rating, devices=[_ground(segment) for segment in meter.segments],
        price=_rows(portfolio.prices, building.price, point.medium),
        carbon=_rows(portfolio.carbon, building.carbon, point.medium),
    )  # fmt: skip


def _ground(segment: Segment) -> Ground:
    return Ground(
        serial=segment.series.device, modulus=segment.register.modulus, ratio=str(segment.register.ratio),
        resolution=segment.register.resolution, since_ms=segment.since_ms, until_ms=segment.until_ms,
        opening=segment.opening, closing=segment.closing,
    )  # fmt: skip


def _rows(rows: tuple[Price, ...] | tuple[CarbonFactor, ...], name: str, medium: str) -> Rows:
    mine = [row for row in rows if row.name == name and row.medium == medium]
    return sorted((row.since, row.yuan_per_unit if isinstance(row, Price) else row.kg_per_unit) for row in mine)


def study_grounds(portfolio: Portfolio, building: str) -> Grounds:
    """A digest of all of the portfolio that a building's studies look at."""
    own = portfolio.buildings[building]
    points = sorted(portfolio.points_of(building), key=lambda p: p.id)
    every: tuple[object, ...] = (
        own, portfolio.stations.get(own.station), points, [portfolio.devices.get(p.id, ()) for p in points],
        sorted((m for m in portfolio.measures.values() if m.building == building), key=lambda m: m.id),
        [p for p in portfolio.prices if p.name == own.price], [c for c in portfolio.carbon if c.name == own.carbon],
        *([quiet] if (quiet := [q for q in portfolio.quiet if q.building in ("", building)]) else ()),
    )  # fmt: skip
    return Grounds(id=building, building=building, study=hashlib.sha256(msgspec.json.encode(every)).hexdigest()[:16])


def differences(store: Store, portfolio: Portfolio) -> Iterator[Difference]:
    """Of every meter and building to what is written down; also of meters that the portfolio has no more."""
    kept = {each.id: each for each in store.entries(Grounds)}
    settled = {column.point for column in store.columns()} if len(kept) < len(portfolio.points) else set()
    for point in portfolio.points.values():
        new, old = grounds_of(portfolio, point), kept.get(point.id)
        if old is None:
            yield Difference(new, None, None if point.id in settled else WHOLE)
        elif old != new:
            yield Difference(new, old, changed_span(old, new), changed_rates(old, new))
    for building in portfolio.buildings:
        fresh = study_grounds(portfolio, building)
        if kept.get(building) != fresh:
            yield Difference(fresh, kept.get(building))
    for old in kept.values():
        if old.devices and old.id not in portfolio.points:
            yield Difference(Grounds(id=old.id, building=old.building), old)


def changed_span(old: Grounds, new: Grounds) -> Span | None:
    """The span in which a meter's energy may be another now, None = nowhere."""
    if not new.devices:
        return None
    if _of_all(old) != _of_all(new):
        return WHOLE
    spans = [
        span for was, now in zip_longest(old.devices, new.devices) if was != now for span in _device_spans(was, now)
    ]
    return (min(start for start, _ in spans), max(end for _, end in spans)) if spans else None


def _of_all(grounds: Grounds) -> tuple[str, str, str, str, float]:
    """What all of a meter's energy depends on; public holidays by the estimates of gaps."""
    return grounds.zone, grounds.country, grounds.subdivision, grounds.quantity, grounds.rating


def _device_spans(was: Ground | None, now: Ground | None) -> Iterator[Span]:
    """Where a device that changed, came or went makes another energy."""
    if was is None or now is None:
        only = was or now
        assert only is not None
        yield only.since_ms, only.until_ms
        return
    dates = {"since_ms": 0, "until_ms": 0, "opening": None, "closing": None}
    if msgspec.structs.replace(was, **dates) != msgspec.structs.replace(now, **dates):
        yield min(was.since_ms, now.since_ms), max(was.until_ms, now.until_ms)
        return
    if (was.since_ms, was.opening) != (now.since_ms, now.opening):
        yield min(was.since_ms, now.since_ms), max(was.since_ms, now.since_ms) + 1
    if (was.until_ms, was.closing) != (now.until_ms, now.closing):
        yield min(was.until_ms, now.until_ms) - 1, max(was.until_ms, now.until_ms)


def changed_rates(old: Grounds, new: Grounds) -> str | None:
    """The first local date from which cost or carbon may be another now ('' = from the beginning), None = none."""
    if not new.devices:
        return None
    return min((at for at in (_parting(old.price, new.price), _parting(old.carbon, new.carbon)) if at is not None),
               default=None)  # fmt: skip


def _parting(old: Rows, new: Rows) -> str | None:
    return next(
        (min(row[0] for row in pair if row is not None) for pair in zip_longest(old, new) if pair[0] != pair[1]), None
    )


def clipped(store: Store, meter: Meter, old: Grounds | None, span: Span) -> Span | None:
    """A span within what the meter's devices, those of now and of before, ever told; None where nothing lies in it."""
    devices = [_ground(segment) for segment in meter.segments] + (old.devices if old else [])
    firsts = [each.since_ms for each in devices if each.opening is not None]
    lasts = [each.until_ms for each in devices if each.closing is not None]
    for serial in {each.serial for each in devices}:
        series = Series(meter.point.id, serial, meter.point.quantity)
        first, last = store.after(series, -FOREVER_MS), store.last_reading(series)
        if first is not None and last is not None:
            firsts.append(first[0])
            lasts.append(last[0] + 1)
    start_ms, end_ms = max(span[0], min(firsts, default=FOREVER_MS)), min(span[1], max(lasts, default=-FOREVER_MS))
    return (start_ms, end_ms) if start_ms < end_ms else None
