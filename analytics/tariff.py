"""Money and carbon: daily energy times the price, or the factor, that holds on the day.

Prices and factors are dated rows; a day takes the newest row that began on it or before. A day before the first row
has no cost, and none is written. Prices and factors are those of what is bought: energy that is given away (exported)
has neither, for what it earns, or saves elsewhere, no table here says; so it is in no sum of cost. Counts stay whole:
micro-yuan and micro-kg, rounded half to even per day. A revision rises only where cost or carbon became another,
whatever happened to the energy or to the table.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from analytics.calendar import DAY_S, Seconds, local_seconds, stands
from submeter.stores.port import Column, Store
from submeter.words import CarbonFactor, Intervals, Point, Portfolio, Price, Resolution
from submeter.words.tree import QUANTITIES_SUMMED

Rate = TypeVar("Rate", Price, CarbonFactor)

_END = np.datetime64("2200-01-01", "s")


def priced(portfolio: Portfolio, point: Point, days: Intervals) -> dict[Column, Intervals]:
    """Columns 'cost' (yuan) and 'carbon' (kg) for daily rows of a point's register; known as the energy is known."""
    if not bought(point):
        return {}
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


def bought(point: Point) -> bool:
    """Whether a price per unit of the medium, and its factor, speak of what the point's register counts."""
    return point.quantity == QUANTITIES_SUMMED.get(point.medium)


def revalued(store: Store, portfolio: Portfolio, point: Point, days: Intervals) -> dict[Column, Intervals]:
    """Rows of 'cost' and 'carbon' for these days (all of a span, or some) that differ from what is stored, with the
    next revision. A day that has no rate any more becomes missing. Raises StoreAway."""
    fresh = priced(portfolio, point, days)
    found = {}
    columns = [Column(point.id, name, Resolution.DAY) for name in ("cost", "carbon")]
    for column, stored in zip(columns, _stored(store, columns, days), strict=True):
        changed = _changed(stored, fresh.get(column, Intervals.empty()))
        if len(changed):
            found[column] = changed
    return found


def repriced(store: Store, portfolio: Portfolio, point: Point, since: str) -> dict[Column, Intervals]:
    """What a changed table makes of the settled days from a local date on ('' = all of them). Raises StoreAway."""
    first = np.datetime64(since or "1900-01-01", "D").astype("datetime64[s]") - np.timedelta64(DAY_S, "s")
    (days,) = store.read_intervals([Column(point.id, point.quantity, Resolution.DAY)], first, _END)
    return revalued(store, portfolio, point, days)


def _stored(store: Store, columns: Sequence[Column], days: Intervals) -> list[Intervals]:
    if not len(days):
        return [Intervals.empty() for _ in columns]
    found = store.read_intervals(columns, days.start[0], days.start[-1] + np.timedelta64(1, "s"))
    return [rows.take(stands(days.start, rows.start)) for rows in found]


def _changed(stored: Intervals, fresh: Intervals) -> Intervals:
    """Rows of ``fresh`` that are new or another, and those stored that it has no more as missing."""
    gone = stored.take(~stands(fresh.start, stored.start))
    starts = np.concatenate([fresh.start, gone.start]).astype("datetime64[s]")
    empty = np.zeros(len(gone), np.int64)
    wanted = Intervals.of(
        starts, np.concatenate([fresh.micro, empty]), np.concatenate([fresh.known, empty]),
        np.concatenate([fresh.method, empty]), np.concatenate([fresh.flags, empty]),
    ).take(np.argsort(starts, kind="stable"))  # fmt: skip
    there = stands(stored.start, wanted.start)
    old = stored.take(np.searchsorted(stored.start, wanted.start[there]))
    revision, same = np.zeros(len(wanted), np.uint32), np.zeros(len(wanted), bool)
    revision[there] = old.revision + 1
    same[there] = (old.micro == wanted.micro[there]) & (old.known == wanted.known[there])
    same[there] &= (old.method == wanted.method[there]) & (old.flags == wanted.flags[there])
    return replace(wanted, revision=revision).take(~same)


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
