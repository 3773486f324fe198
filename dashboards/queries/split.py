"""Where energy goes: a building's total and its sub-items, stacked so that they add up to the total.

Which meter belongs to which sub-item is the tree's rule (:mod:`submeter.words.tree`), and the ledger has summed them by
it. What the sub-items leave of the total is *not metered*, a named slice; a sub-item that is missing is in it for that
time. Sub-items that count more than the total leave less than nothing: the slice then shows zero and the excess is told
apart, never hidden.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboards.queries.grid import Grid
from submeter.words import Flag
from submeter.words.tree import NOT_METERED

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """``items`` maps a sub-item ('01A', …; '' = not metered) to kWh per interval, NaN where the total is not known.

    ``excess`` is what sub-items counted beyond the total (or children beyond their parent), kWh per interval;
    ``estimated`` marks intervals of an item that are estimated; ``total`` and ``total_known`` are the ledger's total.
    """

    items: dict[str, NDArray[np.float64]]
    estimated: dict[str, Bools]
    total: NDArray[np.float64]
    total_known: NDArray[np.uint8]
    suspect: Bools
    incomplete: Bools
    excess: NDArray[np.float64]

    def take(self, rows: Bools) -> "Split":
        return Split(
            {key: value[rows] for key, value in self.items.items()},
            {key: value[rows] for key, value in self.estimated.items()},
            self.total[rows], self.total_known[rows], self.suspect[rows], self.incomplete[rows], self.excess[rows],
        )  # fmt: skip


def split(grid: Grid, keys: Sequence[str], divided: bool) -> Split:
    """Of a grid whose first row is the total and whose others are the sub-items ``keys[1:]``.

    ``divided``: whether there is anything that no sub-item's meter counts.
    """
    total, known = grid.value[0], grid.known[0]
    blind = np.isnan(total)
    counted = np.where(np.isnan(grid.value[1:]), 0.0, grid.value[1:])
    slices = {key: counted[n] for n, key in enumerate(keys[1:])}
    estimated = {key: grid.estimated[n + 1] for n, key in enumerate(keys[1:])}
    if divided:
        slices[NOT_METERED] = np.round(np.where(blind, 0.0, total) - counted.sum(axis=0), 6)
        estimated[NOT_METERED] = grid.estimated.any(axis=0)
    excess = np.sum([np.maximum(-each, 0.0) for each in slices.values()], axis=0) if slices else np.zeros(len(total))
    return Split(
        {key: np.where(blind, np.nan, np.maximum(each, 0.0)) for key, each in slices.items()},
        estimated, total, known, grid.suspect[0],
        np.asarray((grid.flags[0] & int(Flag.INCOMPLETE)) > 0, np.bool_),
        np.where(blind, 0.0, excess),
    )  # fmt: skip
