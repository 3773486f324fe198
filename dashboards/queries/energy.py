"""A building's electricity from the ledger's totals: one column for the whole, one for each sub-item.

The ledger has summed the tree already (:mod:`submeter.words.tree`), so a picture reads a few columns, whatever the
number of meters, and a year reads days. Over a span, days are read as days; of a day that is not known as a whole
(today, or one on which a register was lost) its hours are read. Completeness stands beside every total in a column of
its own; it is read where a row says that it is not whole.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboards.queries.grid import Grid, read_columns
from dashboards.queries.reader import Reader
from dashboards.queries.span import Edges, Span, day_edges, hour_edges, local_day
from dashboards.queries.split import Split, split
from dashboards.queries.total import Total
from submeter.stores.port import Column
from submeter.words import Flag, Known, Medium, Resolution
from submeter.words.tree import COMPLETENESS, ESTIMATED, NOT_METERED, QUANTITIES_SUMMED, slice_id, slices, total_id

QUANTITY = QUANTITIES_SUMMED[Medium.ELECTRICITY]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A total over some intervals with its sub-items; how complete each is (0 … 1), which share of it is estimated, and
    its length in seconds."""

    parts: Split
    share: Floats
    guessed: Floats
    seconds: Floats


def total_columns(reader: Reader, building: str, resolution: Resolution) -> dict[str, Column]:
    """The total ('=') and each sub-item by its key; what is not metered is what they leave."""
    keys = [key for key in _keys(reader, building) if key != NOT_METERED]
    found = {"=": Column(total_id(building), QUANTITY, resolution)}
    return found | {key: Column(slice_id(building, key), QUANTITY, resolution) for key in keys}


def _keys(reader: Reader, building: str) -> list[str]:
    return reader.kept(("slices", building), lambda: list(slices(reader.portfolio, building)), 60.0)


def read_total(reader: Reader, building: str, resolution: Resolution, edges: Edges) -> Grid:
    """The building's total alone, a grid of one row."""
    return read_columns(reader, [Column(total_id(building), QUANTITY, resolution)], edges)


def read_split(reader: Reader, building: str, resolution: Resolution, edges: Edges) -> Split:
    """The total and its sub-items on a grid."""
    columns = total_columns(reader, building, resolution)
    grid = read_columns(reader, list(columns.values()), edges)
    return split(grid, list(columns), NOT_METERED in _keys(reader, building))


def read_part(reader: Reader, building: str, resolution: Resolution, edges: Edges) -> Part:
    """With how complete each interval is."""
    parts = read_split(reader, building, resolution, edges)
    share, guessed = shares(reader, building, resolution, edges, parts.total_known, parts.incomplete)
    return Part(parts, share, guessed, np.diff(edges).astype(np.float64))


def shares(
    reader: Reader, building: str, resolution: Resolution, edges: Edges, known: NDArray[np.uint8],
    incomplete: NDArray[np.bool_],
) -> tuple[Floats, Floats]:  # fmt: skip
    """Completeness and estimated share of a total's intervals; read only where its rows do not say it themselves."""
    share, guessed = (known > 0).astype(np.float64), np.zeros(len(known))
    column = Column(total_id(building), COMPLETENESS, resolution)
    if incomplete.any():
        told = read_columns(reader, [column], edges).value[0]
        share = np.where(incomplete & ~np.isnan(told), told, share)
    if (known == Known.ESTIMATED).any():
        told = read_columns(reader, [column._replace(quantity=ESTIMATED)], edges).value[0]
        guessed = np.where(np.isnan(told), 0.0, told)
    return share, guessed


def over(reader: Reader, building: str, span: Span) -> list[Part]:
    """The span as days, and as hours where a day is not known, or not over."""
    zone = reader.building(building).zone
    edges = span_days(span, zone)
    days = read_part(reader, building, Resolution.DAY, edges)
    whole = (days.parts.total_known > 0) & (edges[:-1] >= span.start) & (edges[1:] <= span.end)
    found = [_taken(days, whole)]
    for first, end in _runs(~whole):
        begin, stop = max(edges[first], span.start), min(edges[end], span.end)
        hours = hour_edges(begin, stop)
        if len(hours) > 1:
            part = read_part(reader, building, Resolution.HOUR, hours)
            found.append(_taken(part, hours[1:] <= span.end))
    return found


def span_days(span: Span, zone: str) -> Edges:
    """Midnights that bound the local days of a span."""
    first = local_day(span.start, zone)
    last = local_day(max(span.end - np.timedelta64(1, "s"), span.start), zone)
    return day_edges(first, (last - first).days + 1, zone)


def _runs(wanted: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Half-open runs of True."""
    edge = np.flatnonzero(np.diff(np.concatenate([[False], wanted, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edge[::2], edge[1::2], strict=True)]


def _taken(part: Part, rows: NDArray[np.bool_]) -> Part:
    return Part(part.parts.take(rows), part.share[rows], part.guessed[rows], part.seconds[rows])


def together(found: list[Part], limit: float, span: Span, suspect: float = 0.0, unit: str = "kWh") -> Total:
    """One total of a span, withheld when less of its time is known than the limit; each interval counts as far as it is
    complete itself."""
    seconds = sum(float(p.seconds.sum()) for p in found)
    if not seconds:
        return Total(None, unit, None, 0.0, False, span.start_ms, span.end_ms)
    completeness = sum(float((p.share * p.seconds).sum()) for p in found) / seconds
    value = sum(float(np.nansum(p.parts.total)) for p in found)
    guessed = sum(float(np.nansum(p.parts.total * p.guessed)) for p in found)
    withheld = completeness < limit
    return Total(
        value=None if withheld else value,
        unit=unit,
        completeness=completeness,
        estimated=guessed / value if value > 0 else 0.0,
        withheld=withheld,
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        suspect=0.0 if withheld else suspect,
        expected=value / completeness if completeness > 0 else None,
    )


def suspect_kwh(reader: Reader, building: str, span: Span) -> float:
    """Suspect energy in the span, hour by hour: a day with one suspect hour is not suspect as a whole."""
    grid = read_total(reader, building, Resolution.HOUR, hour_edges(span.start, span.end))
    return float(np.nansum(grid.value[(grid.flags & Flag.SUSPECT) > 0]))
