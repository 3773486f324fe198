"""A building's last thirty days and last year: totals with completeness, money, carbon, shares, base load, kWh/m²."""

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from dashboards.queries.asof import as_of, month_to
from dashboards.queries.grid import Grid, read_columns, read_points
from dashboards.queries.reader import Reader
from dashboards.queries.span import Edges, Span, day_edges, hour_edges, local_clock, local_day, midnight
from dashboards.queries.split import Split, electric_points, roots_of, split
from dashboards.queries.total import Total, times, total
from submeter.stores.port import Column
from submeter.words import Flag, Known, Price, Resolution

YEAR_DAYS = 365
BASE_HOURS_PER_DAY = 20
"""a day counts for base load when at least so many of its hours were measured"""


@dataclass(frozen=True, slots=True)
class Share:
    """kWh of a sub-item ('' = not metered) in the span and its share of the total (0 … 1)."""

    item: str
    kwh: float
    share: float
    estimated: bool


@dataclass(frozen=True, slots=True)
class Month:
    """``cost`` in yuan by the tariff named, ``carbon`` in kgCO2; ``excess``: kWh of sub-meters beyond the main's."""

    building: str
    start_ms: int
    end_ms: int
    energy: Total
    cost: Total
    carbon: Total
    tariff: str
    tariff_source: str
    carbon_source: str
    shares: list[Share]
    excess: float


@dataclass(frozen=True, slots=True)
class BaseLoad:
    """Median over days of the smallest hour, in kW, of the last thirty days; ``before``: of the thirty before those.

    ``months`` are (first day of month, kW) over the last year. None where too few hours were measured.
    """

    building: str
    kw: float | None
    before: float | None
    change: float | None
    months: list[tuple[str, float | None]]


def month(reader: Reader, building: str, end: np.datetime64 | None = None) -> Month:
    """The thirty local days up to ``end`` (default: what the building has come to)."""
    return reader.kept(("month", building, end), lambda: _month(reader, building, end), 10.0)


def _month(reader: Reader, building: str, end: np.datetime64 | None) -> Month:
    zone = reader.building(building).zone
    span = _within_life(reader, building, month_to(end or as_of(reader, building).end, zone))
    points, roots = electric_points(reader.portfolio, building), roots_of(reader.portfolio, building)
    edges = hour_edges(span.start, span.end)
    grid = read_points(reader, [p.id for p in points], Resolution.HOUR, edges)
    parts = split(reader.portfolio, points, roots, grid)
    energy = _total(parts, grid, span, reader.limit)
    tariff = _price_of(reader, building, span)
    return Month(
        building=building,
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        energy=energy,
        cost=_daily_total(reader, building, "cost", "yuan", span),
        carbon=_daily_total(reader, building, "carbon", "kg", span),
        tariff=tariff.name if tariff else "",
        tariff_source=tariff.source if tariff else "",
        carbon_source=_carbon_source(reader, building),
        shares=_shares(parts),
        excess=float(parts.excess.sum()),
    )


def _within_life(reader: Reader, building: str, span: Span) -> Span:
    """Cut a span to the time since the first meter was mounted."""
    roots = roots_of(reader.portfolio, building)
    since = [d.since for p in roots for d in reader.portfolio.devices.get(p.id, ())[:1]]
    if not since or not all(since):
        return span
    mounted = midnight(np.datetime64(min(since)[:10]).astype(object), reader.building(building).zone)
    return Span(min(max(span.start, mounted), span.end), span.end)


def _total(parts: Split, grid: Grid, span: Span, limit: float) -> Total:
    over = grid.edges[1:] <= span.end
    return total(
        parts.total, parts.total_known, over, limit=limit, start_ms=span.start_ms, end_ms=span.end_ms,
        suspect=parts.suspect,
    )  # fmt: skip


def _daily_total(reader: Reader, building: str, quantity: str, unit: str, span: Span) -> Total:
    """A derived daily column of the roots over the days that are over (and today's, when it is there)."""
    zone = reader.building(building).zone
    edges = span_days(span, zone)
    roots = roots_of(reader.portfolio, building)
    grid = read_columns(reader, [Column(p.id, quantity, Resolution.DAY) for p in roots], edges)
    if not len(grid.value) or not grid.present.any():
        return Total(None, unit, 0.0, 0.0, True, span.start_ms, span.end_ms)
    expected = (edges[1:] <= span.end) | (grid.known > 0).all(axis=0)
    return total(
        grid.value.sum(axis=0), grid.known.min(axis=0), expected, limit=reader.limit, unit=unit,
        start_ms=span.start_ms, end_ms=span.end_ms,
    )  # fmt: skip


def span_days(span: Span, zone: str) -> Edges:
    """Midnights that bound the local days of a span."""
    first = local_day(span.start, zone)
    last = local_day(max(span.end - np.timedelta64(1, "s"), span.start), zone)
    return day_edges(first, (last - first).days + 1, zone)


def _shares(parts: Split) -> list[Share]:
    sums = {item: float(np.nansum(kwh)) for item, kwh in parts.items.items()}
    whole = sum(sums.values())
    if whole <= 0:
        return []
    return [
        Share(item, kwh, kwh / whole, bool(parts.estimated[item].any()))
        for item, kwh in sorted(sums.items(), key=lambda pair: pair[0] or "~")
    ]


def _price_of(reader: Reader, building: str, span: Span) -> Price | None:
    day = local_day(span.end - np.timedelta64(1, "s"), reader.building(building).zone).isoformat()
    name = reader.building(building).price
    rows = [p for p in reader.portfolio.prices if p.name == name and p.medium == "electricity" and p.since <= day]
    return max(rows, key=lambda p: p.since, default=None)


def _carbon_source(reader: Reader, building: str) -> str:
    name = reader.building(building).carbon
    rows = [c for c in reader.portfolio.carbon if c.name == name and c.medium == "electricity"]
    return max(rows, key=lambda c: c.since).source if rows else ""


def intensity(reader: Reader, building: str) -> Total | None:
    """kWh/m² of the last 365 local days, from daily rows; withheld while less of the year is known than the limit."""
    return reader.kept(("intensity", building), lambda: _intensity(reader, building), 30.0)


def _intensity(reader: Reader, building: str) -> Total | None:
    at = reader.building(building)
    if at.area_m2 <= 0:
        return None
    end = as_of(reader, building).end
    last = local_day(end - np.timedelta64(1, "s"), at.zone)
    edges = day_edges(last - timedelta(YEAR_DAYS - 1), YEAR_DAYS, at.zone)
    grid = read_points(reader, [p.id for p in roots_of(reader.portfolio, building)], Resolution.DAY, edges)
    if not len(grid.value):
        return None
    expected = (edges[1:] <= end) | (grid.known > 0).all(axis=0)
    year = total(grid.value.sum(axis=0), grid.known.min(axis=0), expected, limit=reader.limit)
    doubtful = _suspect_kwh(reader, building, edges) if grid.suspect.any() and not year.withheld else 0.0
    return times(replace(year, suspect=doubtful), 1 / at.area_m2, "kWh/m²")


def _suspect_kwh(reader: Reader, building: str, days: Edges) -> float:
    """Suspect energy in the days, hour by hour: a day with one suspect hour is not suspect as a whole."""
    points = [p.id for p in roots_of(reader.portfolio, building)]
    grid = read_points(reader, points, Resolution.HOUR, hour_edges(days[0], days[-1]))
    return float(np.nansum(grid.value[grid.suspect]))


def base_load(reader: Reader, building: str) -> BaseLoad:
    return reader.kept(("base", building), lambda: _base_load(reader, building), 60.0)


def _base_load(reader: Reader, building: str) -> BaseLoad:
    zone = reader.building(building).zone
    end = as_of(reader, building).end
    last = local_day(end - np.timedelta64(1, "s"), zone)
    edges = hour_edges(midnight(last - timedelta(YEAR_DAYS - 1), zone), midnight(last + timedelta(1), zone))
    grid = read_points(reader, [p.id for p in roots_of(reader.portfolio, building)], Resolution.HOUR, edges)
    days, lows = _daily_minima(grid, zone)
    ago = np.array([(last - np.datetime64(d).astype(object)).days for d in days])
    now, before = _median(lows[ago < 30]), _median(lows[(ago >= 30) & (ago < 60)])
    change = now / before - 1 if now is not None and before else None
    return BaseLoad(building, now, before, change, _by_month(days, lows))


def _daily_minima(grid: Grid, zone: str) -> tuple[list[str], NDArray[np.float64]]:
    """Smallest measured hour of each local day, NaN for days with fewer than :data:`BASE_HOURS_PER_DAY`."""
    clocks = [t.date().isoformat() for t in local_clock(grid.starts, zone)]
    days, which = np.unique(clocks, return_inverse=True)
    value = grid.value.sum(axis=0) if len(grid.value) else np.full(len(clocks), np.nan)
    good = ((grid.known == Known.MEASURED) & ((grid.flags & Flag.SUSPECT) == 0)).all(axis=0) & ~np.isnan(value)
    lows = np.full(len(days), np.inf)
    np.minimum.at(lows, which[good], value[good])
    enough = np.bincount(which[good], minlength=len(days)) >= BASE_HOURS_PER_DAY
    return days.tolist(), np.where(enough, lows, np.nan)


def _by_month(days: list[str], lows: NDArray[np.float64]) -> list[tuple[str, float | None]]:
    names = np.array([d[:7] for d in days])
    return [(f"{name}-01", _median(lows[names == name])) for name in dict.fromkeys(names.tolist())]


def _median(values: NDArray[np.float64]) -> float | None:
    good = values[~np.isnan(values)]
    return float(np.median(good)) if len(good) else None
