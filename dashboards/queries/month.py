"""A building's last thirty days and last year: totals with completeness, money, carbon, shares, base load, kWh/m²."""

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from dashboards.queries.asof import as_of, daily_totals, month_to
from dashboards.queries.energy import over, read_total, span_days, suspect_kwh, together
from dashboards.queries.grid import Grid, read_columns
from dashboards.queries.reader import Reader
from dashboards.queries.span import Span, day_edges, hour_edges, local_clock, local_day, midnight
from dashboards.queries.split import Split
from dashboards.queries.total import Total, times, total
from submeter.stores.port import Column
from submeter.words import Flag, Known, Price, Resolution
from submeter.words.tree import roots, total_id

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
    found = over(reader, building, span)
    doubtful = suspect_kwh(reader, building, span) if any(p.parts.suspect.any() for p in found) else 0.0
    tariff = _price_of(reader, building, span)
    return Month(
        building=building,
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        energy=together(found, reader.limit, span, doubtful),
        cost=_daily_total(reader, building, "cost", "yuan", span),
        carbon=_daily_total(reader, building, "carbon", "kg", span),
        tariff=tariff.name if tariff else "",
        tariff_source=tariff.source if tariff else "",
        carbon_source=_carbon_source(reader, building),
        shares=_shares([p.parts for p in found]),
        excess=sum(float(p.parts.excess.sum()) for p in found),
    )


def _within_life(reader: Reader, building: str, span: Span) -> Span:
    """Cut a span to the time since the first meter was mounted."""
    mains = roots(reader.portfolio, building)
    since = [d.since for p in mains for d in reader.portfolio.devices.get(p.id, ())[:1]]
    if not since or not all(since):
        return span
    mounted = midnight(np.datetime64(min(since)[:10]).astype(object), reader.building(building).zone)
    return Span(min(max(span.start, mounted), span.end), span.end)


def _daily_total(reader: Reader, building: str, quantity: str, unit: str, span: Span) -> Total:
    """A derived daily column of the total over the days that are over (and today's, when it is there)."""
    edges = span_days(span, reader.building(building).zone)
    grid = read_columns(reader, [Column(total_id(building), quantity, Resolution.DAY)], edges)
    if not grid.present.any():
        return Total(None, unit, 0.0, 0.0, True, span.start_ms, span.end_ms)
    expected = (edges[1:] <= span.end) | (grid.known[0] > 0)
    return total(
        grid.value[0], grid.known[0], expected, limit=reader.limit, unit=unit,
        start_ms=span.start_ms, end_ms=span.end_ms,
    )  # fmt: skip


def _shares(found: list[Split]) -> list[Share]:
    sums: dict[str, float] = {}
    guessed: dict[str, bool] = {}
    for parts in found:
        for item, kwh in parts.items.items():
            sums[item] = sums.get(item, 0.0) + float(np.nansum(kwh))
            guessed[item] = guessed.get(item, False) or bool(parts.estimated[item].any())
    whole = sum(sums.values())
    return [Share(i, sums[i], sums[i] / whole, guessed[i]) for i in sorted(sums, key=lambda i: i or "~") if whole > 0]


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
    if at.area_m2 <= 0 or not roots(reader.portfolio, building):
        return None
    end = as_of(reader, building).end
    last = local_day(end - np.timedelta64(1, "s"), at.zone)
    edges = day_edges(last - timedelta(YEAR_DAYS - 1), YEAR_DAYS, at.zone)
    grid = daily_totals(reader, building).cut(edges)
    expected = (edges[1:] <= end) | (grid.known[0] > 0)
    year = total(grid.value[0], grid.known[0], expected, limit=reader.limit)
    span = Span(edges[0], edges[-1])
    doubtful = suspect_kwh(reader, building, span) if grid.suspect.any() and not year.withheld else 0.0
    return times(replace(year, suspect=doubtful), 1 / at.area_m2, "kWh/m²")


def base_load(reader: Reader, building: str) -> BaseLoad:
    return reader.kept(("base", building), lambda: _base_load(reader, building), 60.0)


def _base_load(reader: Reader, building: str) -> BaseLoad:
    zone = reader.building(building).zone
    end = as_of(reader, building).end
    last = local_day(end - np.timedelta64(1, "s"), zone)
    edges = hour_edges(midnight(last - timedelta(YEAR_DAYS - 1), zone), midnight(last + timedelta(1), zone))
    grid = read_total(reader, building, Resolution.HOUR, edges)
    days, lows = _daily_minima(grid, zone)
    ago = np.array([(last - np.datetime64(d).astype(object)).days for d in days])
    now, before = _median(lows[ago < 30]), _median(lows[(ago >= 30) & (ago < 60)])
    change = now / before - 1 if now is not None and before else None
    return BaseLoad(building, now, before, change, _by_month(days, lows))


def _daily_minima(grid: Grid, zone: str) -> tuple[list[str], NDArray[np.float64]]:
    """Smallest measured hour of each local day, NaN for days with fewer than :data:`BASE_HOURS_PER_DAY`."""
    clocks = [t.date().isoformat() for t in local_clock(grid.starts, zone)]
    days, which = np.unique(clocks, return_inverse=True)
    value = grid.value[0]
    good = (grid.known[0] == Known.MEASURED) & ((grid.flags[0] & Flag.SUSPECT) == 0) & ~np.isnan(value)
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
