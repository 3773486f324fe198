"""Columns of intervals laid side by side on common edges: rows are points, NaN where nothing is known.

Rows that start on no edge (another resolution, a wrong zone) are left out rather than moved.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboards.queries.reader import Reader
from dashboards.queries.span import Edges
from submeter.stores.port import Column
from submeter.words import Flag, Intervals, Known, Resolution


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """``value`` float64 in the column's unit, ``known`` uint8, ``flags`` uint16, all [columns, intervals].

    ``present`` is False where the store has no row at all.
    """

    edges: Edges
    value: NDArray[np.float64]
    known: NDArray[np.uint8]
    flags: NDArray[np.uint16]
    present: NDArray[np.bool_]

    @property
    def starts(self) -> Edges:
        return self.edges[:-1]

    def cut(self, edges: Edges) -> "Grid":
        """The same rows on other edges of the same lengths: those that there are, missing elsewhere."""
        at = np.searchsorted(self.starts, edges[:-1])
        there = at < len(self.starts)
        there[there] = self.starts[at[there]] == edges[:-1][there]
        of = np.where(there, at, 0)
        return Grid(
            edges, np.where(there, self.value[:, of], np.nan), np.where(there, self.known[:, of], 0).astype(np.uint8),
            np.where(there, self.flags[:, of], 0).astype(np.uint16), self.present[:, of] & there,
        )  # fmt: skip

    @property
    def estimated(self) -> NDArray[np.bool_]:
        return np.asarray(self.known == int(Known.ESTIMATED), np.bool_)

    @property
    def suspect(self) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (self.flags & int(Flag.SUSPECT)) > 0
        return found


def lay(columns: Sequence[Intervals], edges: Edges) -> Grid:
    """Place each column's rows on the intervals that ``edges`` (n + 1 instants) bound."""
    shape = (len(columns), len(edges) - 1)
    grid = Grid(
        edges, np.full(shape, np.nan), np.zeros(shape, np.uint8), np.zeros(shape, np.uint16), np.zeros(shape, np.bool_)
    )
    for row, intervals in enumerate(columns):
        _place(grid, row, intervals)
    return grid


def _place(grid: Grid, row: int, intervals: Intervals) -> None:
    at = np.searchsorted(grid.starts, intervals.start)
    fits = at < len(grid.starts)
    fits[fits] = grid.starts[at[fits]] == intervals.start[fits]
    to = at[fits]
    grid.value[row, to] = intervals.value[fits]
    grid.known[row, to] = intervals.known[fits]
    grid.flags[row, to] = intervals.flags[fits]
    grid.present[row, to] = True


def read_points(reader: Reader, points: Sequence[str], resolution: Resolution, edges: Edges) -> Grid:
    """The register quantity of each point, from the store."""
    return lay(reader.point_intervals(points, resolution, edges[0], edges[-1]), edges)


def read_columns(reader: Reader, columns: Sequence[Column], edges: Edges) -> Grid:
    return lay(reader.intervals(columns, edges[0], edges[-1]), edges)
