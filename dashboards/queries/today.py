"""Is today normal? The day's hours against the band of what was to be expected, and one word.

The word is *high* (*low*) when the day so far, or each of the last two known hours, lies above (below) its band;
*unknown* when no hour has both a known number and a band. The day's band is the sum of the hours' bands: hours err
together, so nothing is gained by adding them up as if they did not.
"""

from dataclasses import dataclass
from datetime import timedelta
from math import isnan

import numpy as np
from numpy.typing import NDArray

from dashboards.queries.asof import AsOf, as_of
from dashboards.queries.energy import read_split
from dashboards.queries.grid import read_columns
from dashboards.queries.reader import Reader
from dashboards.queries.span import Edges, hour_edges, local_clock, local_day, midnight, to_ms
from dashboards.queries.split import Split
from submeter.stores.port import Column
from submeter.words import Resolution
from submeter.words.tree import roots

BAND = ("expected", "expected_low", "expected_high")


@dataclass(frozen=True, slots=True)
class Slice:
    """One sub-item ('' = not metered) over the hours of a day, kWh; ``estimated``: hours in which it is estimated."""

    item: str
    kwh: list[float | None]
    estimated: list[bool]


@dataclass(frozen=True, slots=True)
class Today:
    """Hours of the local day ``day``; lists are aligned, None where not known. Energies in kWh.

    ``known`` follows :class:`submeter.words.Known`; ``word`` is normal, high, low or unknown. ``so_far`` sums the hours
    that have a band too, so that it can be compared with ``band_low`` … ``band_high``.
    """

    building: str
    day: str
    fresh: bool
    hours: list[str]
    starts_ms: list[int]
    actual: list[float | None]
    known: list[int]
    suspect: list[bool]
    expected: list[float | None]
    low: list[float | None]
    high: list[float | None]
    slices: list[Slice]
    excess: float
    word: str
    so_far: float | None
    band_low: float | None
    band_expected: float | None
    band_high: float | None
    total: float | None
    completeness: float | None


def today(reader: Reader, building: str, day: str | None = None) -> Today:
    """``day`` is a local ISO date, None for the newest one shown."""
    return reader.kept(("today", building, day), lambda: _today(reader, building, day), 3.0)


def _today(reader: Reader, building: str, day: str | None) -> Today:
    zone = reader.building(building).zone
    upto = as_of(reader, building)
    which = np.datetime64(day).astype(object) if day else local_day(upto.end - np.timedelta64(1, "s"), zone)
    edges = hour_edges(midnight(which, zone), midnight(which + timedelta(1), zone))
    parts = read_split(reader, building, Resolution.HOUR, edges)
    bands = _bands(reader, [p.id for p in roots(reader.portfolio, building)], edges)
    return _view(building, which.isoformat(), upto, zone, edges, parts, bands)


def _bands(reader: Reader, mains: list[str], edges: Edges) -> NDArray[np.float64]:
    """Expected, low and high of the main meters together, [3, hours]; NaN where any of them has none."""
    if not mains:
        return np.full((3, len(edges) - 1), np.nan)
    grids = [read_columns(reader, [Column(p, q, Resolution.HOUR) for q in BAND], edges).value for p in mains]
    return np.asarray(np.sum(grids, axis=0), np.float64)


def _view(
    building: str, day: str, upto: AsOf, zone: str, edges: Edges, parts: Split, bands: NDArray[np.float64]
) -> Today:
    over = edges[1:] <= upto.end
    actual = np.where(over, parts.total, np.nan)
    both = over & ~np.isnan(actual) & ~np.isnan(bands).any(axis=0)
    sums = [float(row[both].sum()) if both.any() else None for row in (actual, *bands)]
    return Today(
        building=building,
        day=day,
        fresh=upto.fresh,
        hours=[f"{t:%H:%M}" for t in local_clock(edges[:-1], zone)],
        starts_ms=[to_ms(s) for s in edges[:-1]],
        actual=numbers(actual),
        known=np.where(over, parts.total_known, 0).tolist(),
        suspect=parts.suspect.tolist(),
        expected=numbers(bands[0]),
        low=numbers(bands[1]),
        high=numbers(bands[2]),
        slices=[
            Slice(item, numbers(np.where(over, kwh, np.nan)), parts.estimated[item].tolist())
            for item, kwh in sorted(parts.items.items(), key=lambda pair: pair[0] or "~")
        ],
        excess=float(parts.excess[over].sum()),
        word=word(actual[both], bands[1][both], bands[2][both]),
        so_far=sums[0],
        band_expected=sums[1],
        band_low=sums[2],
        band_high=sums[3],
        total=float(np.nansum(actual)) if (~np.isnan(actual)).any() else None,
        completeness=float((parts.total_known[over] > 0).mean()) if over.any() else None,
    )


def word(actual: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> str:
    """One word for hours that have a number and a band (arrays of one length, without NaN)."""
    if not len(actual):
        return "unknown"
    last = slice(-2, None) if len(actual) > 1 else slice(0, 0)
    if actual.sum() > high.sum() or (len(actual[last]) and bool((actual[last] > high[last]).all())):
        return "high"
    if actual.sum() < low.sum() or (len(actual[last]) and bool((actual[last] < low[last]).all())):
        return "low"
    return "normal"


def numbers(values: NDArray[np.float64], digits: int = 3) -> list[float | None]:
    """For JSON: rounded, None for NaN."""
    return [None if isnan(v) else v for v in np.round(values, digits).tolist()]
