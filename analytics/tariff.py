"""Money and carbon: daily energy times the price, or the factor, that holds on the day.

Prices and factors are dated rows; a day takes the newest row that began on it or before. A day before the first row
has no cost, and none is written. Counts stay whole: micro-yuan and micro-kg, rounded half to even per day.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from analytics.calendar import local_date_s
from submeter.stores.port import Column
from submeter.words import Intervals, Point, Portfolio, Resolution


def priced(portfolio: Portfolio, point: Point, days: Intervals) -> dict[Column, Intervals]:
    """Columns 'cost' (yuan) and 'carbon' (kg) for daily rows of a point's register; known as the energy is known."""
    building = portfolio.buildings[point.building]
    prices = [
        (p.since, p.yuan_per_unit) for p in portfolio.prices if (p.name, p.medium) == (building.price, point.medium)
    ]
    factors = [
        (c.since, c.kg_per_unit) for c in portfolio.carbon if (c.name, c.medium) == (building.carbon, point.medium)
    ]
    found = {}
    for quantity, rows in (("cost", prices), ("carbon", factors)):
        worth = multiplied(days, rows, building.zone)
        if len(worth):
            found[Column(point.id, quantity, Resolution.DAY)] = worth
    return found


def multiplied(days: Intervals, rows: Iterable[tuple[str, float]], zone: str) -> Intervals:
    """Daily energy times what holds on each day; rows are (local ISO date, value per unit)."""
    per_unit = holding(days.start.astype("datetime64[s]").astype(np.int64), rows, zone)
    known = ~np.isnan(per_unit)
    worth = np.rint(days.micro * np.where(known, per_unit, 0.0)).astype(np.int64)
    return Intervals(days.start, worth, days.known, days.method, days.flags, days.revision).take(known)


def holding(instants_s: NDArray[np.int64], rows: Iterable[tuple[str, float]], zone: str) -> NDArray[np.float64]:
    """The value that holds at each instant, NaN before the first row. A row without a date holds always."""
    dated = sorted((local_date_s(since, zone) if since else -(2**53), value) for since, value in rows)
    if not dated:
        return np.full(len(instants_s), np.nan)
    begins, values = np.array([b for b, _ in dated], np.int64), np.array([v for _, v in dated])
    row = np.searchsorted(begins, instants_s, "right") - 1
    return np.where(row >= 0, values[np.maximum(row, 0)], np.nan)
