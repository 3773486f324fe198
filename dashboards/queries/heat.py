"""When do we waste? The building's load, day × hour over a year, with the days' kinds above it."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from dashboards.queries.asof import as_of
from dashboards.queries.days import Day, day_of
from dashboards.queries.energy import read_total
from dashboards.queries.reader import Reader
from dashboards.queries.span import hour_edges, local_clock, local_day, midnight
from submeter.words import Known, Resolution

YEAR_DAYS = 365


@dataclass(frozen=True, slots=True)
class Heat:
    """``cells`` are [day index, hour, kWh] that are measured, ``estimated`` those that are estimates; missing: absent.

    ``top`` is the 99th percentile, where the colour scale ends, so that one odd hour does not darken the year.
    """

    building: str
    days: list[Day]
    cells: list[tuple[int, int, float]]
    estimated: list[tuple[int, int, float]]
    top: float
    completeness: float


def heat(reader: Reader, building: str) -> Heat:
    return reader.kept(("heat", building), lambda: _heat(reader, building), 60.0)


def _heat(reader: Reader, building: str) -> Heat:
    at = reader.building(building)
    end = as_of(reader, building).end
    last = local_day(end - np.timedelta64(1, "s"), at.zone)
    first = last - timedelta(YEAR_DAYS - 1)
    edges = hour_edges(midnight(first, at.zone), midnight(last + timedelta(1), at.zone))
    grid = read_total(reader, building, Resolution.HOUR, edges)
    value, known = np.round(grid.value[0], 2), grid.known[0]
    cells: list[tuple[int, int, float]] = []
    estimated: list[tuple[int, int, float]] = []
    clocks = local_clock(grid.starts, at.zone)
    for clock, kwh, how in zip(clocks, value.tolist(), known.tolist(), strict=True):
        if how:
            (cells if how == Known.MEASURED else estimated).append(((clock.date() - first).days, clock.hour, kwh))
    there = ~np.isnan(value)
    over = edges[1:] <= end
    return Heat(
        building=building,
        days=[day_of(first + timedelta(n), at.country, at.subdivision) for n in range(YEAR_DAYS)],
        cells=cells,
        estimated=estimated,
        top=float(np.percentile(value[there], 99)) if there.any() else 0.0,
        completeness=float((known[over] > 0).mean()) if over.any() else 0.0,
    )
