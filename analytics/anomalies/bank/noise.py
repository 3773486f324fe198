"""How far a meter's days stray from what is usual, and how one day's straying goes on: the measure of all evidence.

Strategy: a day is a vector of block means of the log residual. It follows the day before and the same day a week before
(autoregression, robust); what is left is scaled by block, working or other day and quarter of the year, correlated
across blocks, and heavy-tailed (Student's t on the Mahalanobis distance, so that one odd day cannot prove anything).
A hypothesis undoes its fault and asks how likely the meter's own days would then be. Three variants serve every segment
exactly: what a lagged day is counted as depends on whether it lies inside of the fault.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.anomalies.bank.record import BLOCKS, Bools, Floats, Ints, Number, spread

Singles = NDArray[np.float32]

LAGS: Final = (1, 7)
"""days"""
TAIL: Final = 3.0
LEAST_SCALE: Final = 0.015
"""1.5 % of the load: no meter and no building is steadier than this for long."""
QUARTER_DAYS: Final = 91
QUARTERS: Final = 4
OWN_DAYS: Final = 10.0
"""A quarter's own scale counts as if this many days of the whole year's had been seen before."""
HUBER: Final = 1.5
TRIED_DAYS: Final = (3, 6, 10, 15, 22, 32, 50)
"""Lengths for which persistence is measured; between them it is read off a straight line."""
MOST: Final = 4.0
RIDGE: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Noise:
    """``follow`` (lags) · ``weight`` (days, blocks) and then ``root`` (blocks, blocks) take a day's innovation to
    unit scale, unknown blocks to 0 · ``cells`` (days, blocks) log residuals, 0 where unknown · ``level`` (days) a
    day's innovation of all its blocks together, in units of its scale."""

    follow: Floats
    weight: Singles
    root: Singles
    cells: Singles
    known: Bools
    level: Singles


def noise_of(cells: Floats, working: Bools, day_of_year: Ints) -> Noise:
    """Learn it from a meter's cells (days, blocks), NaN = unknown; ``working`` and ``day_of_year`` per day."""
    known = np.isfinite(cells)
    filled = np.where(known, cells, 0.0)
    past = np.stack([lagged(filled, k) for k in LAGS], axis=-1)
    usable = known.copy()
    usable[: max(LAGS)] = False
    follow = _follow(filled, past, usable, 3 * spread(cells))
    innovation = filled - past @ follow
    scale = _scales(innovation, usable, working, day_of_year)
    unit = np.clip(innovation / scale, -MOST, MOST)[usable.all(axis=1)]
    together = np.corrcoef(unit.T) if len(unit) > BLOCKS else np.eye(BLOCKS)
    together = 0.9 * np.nan_to_num(together) + 0.1 * np.eye(BLOCKS)
    np.fill_diagonal(together, 1.0)
    root = np.linalg.inv(np.linalg.cholesky(together)).T
    weight = known / scale
    level = (innovation * weight) @ (root @ root.sum(axis=0)) / np.sqrt((root.sum(axis=0) ** 2).sum())
    return Noise(
        follow, weight.astype(np.float32), root.astype(np.float32), filled.astype(np.float32), known,
        np.clip(level, -MOST, MOST).astype(np.float32),
    )  # fmt: skip


def persistence(level: Singles, lengths: tuple[int, ...]) -> Floats:
    """Variance of the mean over so many days, by what independent days would have, at least 1 (lengths)."""
    centred = np.asarray(level - np.median(level), float)
    sums, scale = np.r_[0.0, np.cumsum(centred)], max(spread(centred), 1e-6)
    tried = [n for n in TRIED_DAYS if n < len(level) / 4] or [1]
    found = [(spread(sums[n:] - sums[:-n]) / scale) ** 2 / n for n in tried]
    return np.asarray(np.interp(lengths, tried, np.maximum.accumulate(np.maximum(found, 1))), float)


def lagged(values: NDArray[Number], days: int) -> NDArray[Number]:
    """The value so many days before (axis -2), 0 before the first."""
    out = np.zeros_like(values)
    out[..., days:, :] = values[..., :-days, :]
    return out


def _follow(y: Floats, past: Floats, usable: Bools, edge: float) -> Floats:
    """Robust coefficients of the lags, one set for all blocks."""
    x, y = past[usable], np.asarray(y[usable], float)
    if len(y) < 30:  # five days
        return np.zeros(len(LAGS))
    weight = np.minimum(1, max(edge, 1e-9) / np.maximum(np.abs(y), 1e-9))
    follow: Floats = np.zeros(len(LAGS))
    for _ in range(3):
        xw = x * weight[:, None]
        follow = np.asarray(np.linalg.solve(x.T @ xw + RIDGE * np.eye(len(LAGS)), xw.T @ y), float)
        error = np.abs(y - x @ follow)
        weight = np.minimum(1, HUBER * 1.4826 * np.median(error) / np.maximum(error, 1e-9))
    return np.asarray(follow, float)


def _scales(innovation: Floats, usable: Bools, working: Bools, day_of_year: Ints) -> Floats:
    """(days, blocks): by working or other day, each with its quarters drawn towards the whole."""
    marked = np.where(usable, np.abs(innovation), np.nan)
    quarter = np.minimum(day_of_year // QUARTER_DAYS, QUARTERS - 1)
    out = np.empty_like(innovation)
    overall = _middle(marked, np.full(innovation.shape[1], spread(innovation)))
    for work in (False, True):
        whole = _middle(marked[working == work], overall)
        for q in range(QUARTERS):
            rows = (working == work) & (quarter == q)
            days = usable[rows].sum(axis=0)
            own = _middle(marked[rows], whole)
            out[rows] = np.sqrt((days * own**2 + OWN_DAYS * whole**2) / (days + OWN_DAYS))
    return np.asarray(np.maximum(out, LEAST_SCALE), float)


def _middle(values: Floats, otherwise: Floats) -> Floats:
    """1.4826 · median of each column without NaN, ``otherwise`` where fewer than four are known."""
    if not len(values):
        return otherwise
    order = np.sort(values, axis=0)
    count = np.isfinite(order).sum(axis=0)
    low, high = (np.take_along_axis(order, np.maximum(k, 0)[None], axis=0)[0] for k in ((count - 1) // 2, count // 2))
    few = 4
    return np.asarray(np.where(count >= few, 1.4826 * (low + high) / 2, otherwise), float)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Logarithm of likelihood under each hypothesis against none, per day. ``inside[v]`` (hypotheses, days): the day
    lies in the fault and v lags reach back into it; ``after[v]``: the day lies behind it, v lags reach no more into
    it."""

    inside: tuple[Singles, ...]
    after: tuple[Singles, ...]


def evidence(noise: Noise, undone: Singles) -> Evidence:
    """``undone`` (hypotheses, days, blocks): log residuals as they would be without the fault, NaN = unknown."""
    there = np.where(np.isfinite(undone), undone, noise.cells)
    own, mine = _terms(noise, noise.cells[None]), _terms(noise, there)
    none = _likely(own[0] - own[1] - own[2])
    inside = (mine[0] - own[1] - own[2], mine[0] - mine[1] - own[2], mine[0] - mine[1] - mine[2])
    after = (own[0] - mine[1] - mine[2], own[0] - own[1] - mine[2])
    return Evidence(tuple(_likely(w) - none for w in inside), tuple(_likely(w) - none for w in after))


def _terms(noise: Noise, cells: Singles) -> tuple[Singles, ...]:
    """The day itself and what each lag makes expect, whitened: (hypotheses, days, blocks) each."""
    parts: list[Singles] = [cells]
    parts += [np.float32(f) * lagged(cells, k) for f, k in zip(noise.follow, LAGS, strict=True)]
    return tuple(np.asarray((p * noise.weight) @ noise.root, np.float32) for p in parts)


def _likely(white: Singles) -> Singles:
    """Logarithm of the multivariate t density of each day, without its constant."""
    distance = np.einsum("hdb,hdb->hd", white, white)
    return np.asarray(np.float32(-0.5 * (TAIL + BLOCKS)) * np.log1p(distance / np.float32(TAIL)), np.float32)
