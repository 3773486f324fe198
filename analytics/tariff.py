"""Money and carbon: daily energy times the price, or the factor, that holds on the day.

Prices and factors are dated rows; a day takes the newest row that began on it or before. A day before the first row
has no cost, and none is written. Counts stay whole: micro-yuan and micro-kg, rounded half to even per day.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from analytics.calendar import DAY_S, Seconds, local_seconds
from submeter.stores.port import Column
from submeter.words import CarbonFactor, Intervals, Point, Portfolio, Price, Resolution

Rate = TypeVar("Rate", Price, CarbonFactor)


def priced(portfolio: Portfolio, point: Point, days: Intervals) -> dict[Column, Intervals]:
    """Columns 'cost' (yuan) and 'carbon' (kg) for daily rows of a point's register; known as the energy is known."""
    building = portfolio.buildings[point.building]
    day = local_seconds(days.start, building.zone) // DAY_S
    found = {}
    for quantity, per_unit in (
        ("cost", rates(portfolio.prices, building.price, point.medium, day)),
        ("carbon", rates(portfolio.carbon, building.carbon, point.medium, day)),
    ):
        worth = multiplied(days, per_unit)
        if len(worth):
            found[Column(point.id, quantity, Resolution.DAY)] = worth
    return found


def multiplied(days: Intervals, per_unit: NDArray[np.float64]) -> Intervals:
    """Daily energy times what holds on each day; days on which nothing does (NaN) are left out."""
    known = ~np.isnan(per_unit)
    worth = np.rint(days.micro * np.where(known, per_unit, 0.0)).astype(np.int64)
    return Intervals(days.start, worth, days.known, days.method, days.flags, days.revision).take(known)


def rates(rows: Sequence[Rate], name: str, medium: str, day: Seconds) -> NDArray[np.float64]:
    """The rate of each local day (since 1970) from dated rows of a name and medium, NaN before the first and where
    there is none. A row without a date holds always."""
    mine = sorted((row for row in rows if row.name == name and row.medium == medium), key=lambda row: row.since)
    if not mine:
        return np.full(len(day), np.nan)
    since = [int(np.datetime64(row.since, "D").astype(np.int64)) if row.since else -(2**53) for row in mine]
    value = np.array([row.yuan_per_unit if isinstance(row, Price) else row.kg_per_unit for row in mine])
    at = np.searchsorted(np.array(since), day, side="right") - 1
    return np.where(at >= 0, value[np.maximum(at, 0)], np.nan)
