"""Where energy goes: the meter tree turned into sub-items that add up to the main meter.

Each meter's *own* energy is what it counts less what its children count. Own energy of a sub-item's meter belongs to
the sub-item; own energy of a meter without one (the main meter, a floor board) is *not metered*, a named slice. Where a
child is missing, its energy is not metered for that time. Children that count more than their parent make own energy
negative: the slice then shows zero and the excess is told apart, never hidden.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboards.colours import item_of
from dashboards.queries.grid import Grid
from submeter.words import Medium, Point, Portfolio

NOT_METERED = ""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """``items`` maps a sub-item ('01A', …; '' = not metered) to kWh per interval, NaN where the total is not known.

    ``excess`` is what children counted beyond their parents, kWh per interval; ``estimated`` marks intervals of an item
    in which any meter was estimated; ``total`` is the main meter's column (without one the sum of top-level meters).
    """

    items: dict[str, NDArray[np.float64]]
    estimated: dict[str, NDArray[np.bool_]]
    total: NDArray[np.float64]
    total_known: NDArray[np.uint8]
    suspect: NDArray[np.bool_]
    excess: NDArray[np.float64]


def electric_points(portfolio: Portfolio, building: str) -> list[Point]:
    return [p for p in portfolio.points_of(building) if p.medium == Medium.ELECTRICITY]


def roots_of(portfolio: Portfolio, building: str) -> list[Point]:
    """The main meter, or, without one, every electricity meter at the top."""
    main = portfolio.main_of(building)
    return [main] if main else [p for p in electric_points(portfolio, building) if p.is_main]


def split(portfolio: Portfolio, points: list[Point], roots: list[Point], grid: Grid) -> Split:
    """Split a grid whose rows are ``points`` (electricity of one building)."""
    row = {p.id: i for i, p in enumerate(points)}
    under = _below(portfolio, roots, row)
    tops = [row[p.id] for p in roots]
    total, known = _sum_of_roots(grid, tops)
    items: dict[str, NDArray[np.float64]] = {}
    estimated: dict[str, NDArray[np.bool_]] = {}
    excess = np.zeros(len(grid.starts))
    for point in under:
        children = [row[c] for c in portfolio.children_of(point.id) if c in row]
        own = _own(grid.value, row[point.id], children)
        excess += np.where(own < 0, -own, 0.0)
        key = _slice(point, bool(children))
        items[key] = items.get(key, np.zeros(len(grid.starts))) + np.maximum(own, 0.0)
        estimated[key] = estimated.get(key, np.zeros(len(grid.starts), bool)) | grid.estimated[row[point.id]]
    blind = np.isnan(total)
    hidden = {key: np.where(blind, np.nan, value) for key, value in items.items()}
    suspect = np.asarray(grid.suspect[tops].any(axis=0), np.bool_)
    return Split(hidden, estimated, total, known, suspect, np.where(blind, 0.0, excess))


def _below(portfolio: Portfolio, roots: list[Point], row: dict[str, int]) -> list[Point]:
    """Roots and all that hangs below them, each once."""
    found: list[Point] = []
    waiting = list(roots)
    while waiting:
        point = waiting.pop(0)
        found.append(point)
        waiting.extend(portfolio.points[c] for c in portfolio.children_of(point.id) if c in row)
    return found


def _own(value: NDArray[np.float64], me: int, children: list[int]) -> NDArray[np.float64]:
    """What I count less what my children count; a missing child takes nothing away, a missing parent leaves nothing."""
    below = np.nansum(value[children], axis=0) if children else np.zeros(value.shape[1])
    mine = value[me]
    return np.where(np.isnan(mine), 0.0, mine - below)


def _slice(point: Point, has_children: bool) -> str:
    key = item_of(point.item)
    return key if len(key) == 3 else (NOT_METERED if has_children else key)


def _sum_of_roots(grid: Grid, tops: list[int]) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """All roots must be known for their sum to be; it is as well known as the worst of them."""
    if not tops:
        n = len(grid.starts)
        return np.full(n, np.nan), np.zeros(n, np.uint8)
    return grid.value[tops].sum(axis=0), grid.known[tops].min(axis=0)
