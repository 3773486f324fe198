"""A day of the ledger for people: every stored interval of it, and how each is known."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from analytics.calendar import Seconds, edges, local_date_s
from analytics.ledger.meter import meter_of
from analytics.ledger.stored import between, instant, stored_rows
from submeter.stores.port import Store
from submeter.words import Flag, Intervals, Known, Method, Portfolio, Resolution


@dataclass(frozen=True, slots=True)
class Row:
    """One interval of a day, for people: UTC start and end, energy in the unit (None = missing), how it is known."""

    resolution: Resolution
    start: np.datetime64
    end: np.datetime64
    value: float | None
    known: Known
    method: Method
    flags: Flag
    revision: int


def show_day(store: Store, portfolio: Portfolio, point: str, day: str) -> list[Row]:
    """All stored intervals of a local day (ISO date) and that of its month, finest resolution first.

    Raises :class:`KeyError` for a point that is not a meter of the portfolio.
    """
    meter = meter_of(portfolio, point)
    if meter is None:
        raise KeyError(f"{point} is no meter of the portfolio; `submeter config check` lists them")
    first = local_date_s(day, meter.zone)
    grid = {each: edges(meter.zone, each, first, first + 1) for each in Resolution}
    stored = stored_rows(store, meter, grid)
    stored[Resolution.DAY] = between(stored[Resolution.DAY], first, grid[Resolution.DAY][-1])
    return [row for each in Resolution for row in _shown(each, stored[each], grid[each])]


def _shown(resolution: Resolution, rows: Intervals, grid: Seconds) -> list[Row]:
    ends = dict(pairwise(grid.tolist()))
    return [
        Row(
            resolution,
            rows.start[i],
            instant(ends.get(int(rows.start[i].astype(np.int64)), grid[-1])),
            float(rows.micro[i]) / 1e6 if rows.known[i] else None,
            Known(int(rows.known[i])),
            Method(int(rows.method[i])),
            Flag(int(rows.flags[i])),
            int(rows.revision[i]),
        )
        for i in range(len(rows))
    ]
