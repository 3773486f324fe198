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

from analytics.anomalies.bank.record import BLOCKS, Bools, Floats, Ints, Number, median, medians, spread

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
    return noises(cells[None], working, day_of_year)[0]


def noises(cells: Floats, working: Bools, day_of_year: Ints) -> list[Noise]:
    """The same of many meters (meters, days, blocks)."""
    known = np.isfinite(cells)
    filled = np.where(known, cells, 0.0)
    usable = known.copy()
    usable[:, : max(LAGS)] = False
    follow = [_follow(y, u, 3 * spread(c)) for y, u, c in zip(filled, usable, cells, strict=True)]
    innovation = filled.copy()
    for lag, along in zip(LAGS, np.transpose(follow), strict=True):
        innovation -= along[:, None, None] * lagged(filled, lag)
    scale = _scales(innovation, usable, working, day_of_year)
    whole: Bools = np.all(usable, axis=2)
    return [_noise(*e) for e in zip(follow, filled, known, innovation / scale, known / scale, whole, strict=True)]


def _noise(follow: Floats, filled: Floats, known: Bools, unit: Floats, weight: Floats, whole: Bools) -> Noise:
    """One meter's noise from its innovation in units of its scale (days, blocks); ``whole`` days correlate."""
    root = np.linalg.inv(np.linalg.cholesky(_correlation(np.clip(unit[whole], -MOST, MOST)))).T
    level = (known * unit) @ (root @ root.sum(axis=0)) / np.sqrt((root.sum(axis=0) ** 2).sum())
    return Noise(
        follow, weight.astype(np.float32), root.astype(np.float32), filled.astype(np.float32), known,
        np.clip(level, -MOST, MOST).astype(np.float32),
    )  # fmt: skip


def _correlation(unit: Floats) -> Floats:
    """Of blocks over days (days, blocks), drawn a tenth towards none."""
    out = np.eye(unit.shape[1])
    if len(unit) > unit.shape[1]:
        centred = unit - unit.mean(axis=0)
        together = centred.T @ centred
        size = np.sqrt(np.maximum(np.diagonal(together), 1e-12))
        out = 0.9 * together / np.outer(size, size)
        np.fill_diagonal(out, 1.0)
    return out


def persistence(level: Singles, lengths: tuple[int, ...]) -> Floats:
    """Variance of the mean over so many days, by what independent days would have, at least 1 (lengths)."""
    centred = np.asarray(level - median(level), float)
    sums, scale = np.concatenate([[0.0], np.cumsum(centred)]), max(spread(centred), 1e-6)
    tried = [n for n in TRIED_DAYS if n < len(level) / 4] or [1]
    found = [(spread(sums[n:] - sums[:-n]) / scale) ** 2 / n for n in tried]
    return np.asarray(np.interp(lengths, tried, np.maximum.accumulate(np.maximum(found, 1))), float)


def lagged(values: NDArray[Number], days: int) -> NDArray[Number]:
    """The value so many days before (axis -2), 0 before the first."""
    out = np.zeros_like(values)
    out[..., days:, :] = values[..., :-days, :]
    return out


def _follow(filled: Floats, usable: Bools, edge: float) -> Floats:
    """Robust coefficients of the lags, one set for all blocks; (days, blocks) without NaN."""
    y = filled[usable]
    if len(y) < 30:  # five days
        return np.zeros(len(LAGS))
    x = np.stack([lagged(filled, lag)[usable] for lag in LAGS])
    weight = np.minimum(1, max(edge, 1e-9) / np.maximum(np.abs(y), 1e-9))
    follow: Floats = np.zeros(len(LAGS))
    for _ in range(3):
        xw = x * weight
        follow = np.asarray(np.linalg.solve(xw @ x.T + RIDGE * np.eye(len(LAGS)), xw @ y), float)
        error = np.abs(y - follow @ x)
        weight = np.minimum(1, HUBER * 1.4826 * median(error) / np.maximum(error, 1e-9))
    return follow


def _scales(innovation: Floats, usable: Bools, working: Bools, day_of_year: Ints) -> Floats:
    """(meters, days, blocks): by working or other day, each with its quarters drawn towards the whole."""
    marked = np.where(usable, np.abs(innovation), np.nan).transpose(0, 2, 1)
    quarter = np.minimum(day_of_year // QUARTER_DAYS, QUARTERS - 1)
    out = np.empty_like(innovation)
    overall = _middle(marked, np.array([[spread(row)] for row in innovation.reshape(len(innovation), -1)]))
    for work in (False, True):
        whole = _middle(marked[..., working == work], overall)
        for q in range(QUARTERS):
            rows = (working == work) & (quarter == q)
            mine = marked[..., rows]
            days = np.isfinite(mine).sum(axis=2)
            own = _middle(mine, whole)
            out[:, rows] = np.sqrt((days * own**2 + OWN_DAYS * whole**2) / (days + OWN_DAYS))[:, None]
    return np.asarray(np.maximum(out, LEAST_SCALE), float)


def _middle(values: Floats, otherwise: Floats) -> Floats:
    """1.4826 · median over the last axis without NaN, ``otherwise`` where fewer than four are known."""
    few = 4
    if values.shape[-1] < few:
        return np.broadcast_to(otherwise, values.shape[:-1])
    enough = np.isfinite(values).sum(axis=-1) >= few
    return np.asarray(np.where(enough, 1.4826 * medians(values), otherwise), float)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Logarithm of likelihood under each hypothesis against none, per day. ``inside[v]`` (hypotheses, days): the day
    lies in the fault and v lags reach back into it; ``after[v]``: the day lies behind it, v lags reach no more into
    it."""

    inside: tuple[Singles, ...]
    after: tuple[Singles, ...]


def evidence(noise: Noise, undone: Singles) -> Evidence:
    """``undone`` (hypotheses, days, blocks): log residuals as they would be without the fault, NaN = unknown."""
    own = _terms(noise, noise.cells[None])
    mine = _terms(noise, np.where(np.isfinite(undone), undone, noise.cells))
    return _against_none(own, np.stack([np.einsum("bhd,bhd->hd", w, w) for w in _cases(own, mine)]))


def evidence_of_levels(noise: Noise, plain: Singles, levels: Floats) -> Evidence:
    """:func:`evidence` of faults that lift the log residual ``plain`` (days, blocks) by one of ``levels`` throughout.

    A day's distance is then a parabola of the level: three coefficients a day serve all levels.
    """
    known = np.isfinite(plain)
    cells = np.stack([noise.cells, np.where(known, plain, noise.cells), known])
    own, mine, lift = (tuple(part[:, k : k + 1] for part in _terms(noise, cells)) for k in range(3))
    none = tuple(np.zeros_like(part) for part in own)
    shown, one = (np.concatenate(_cases(*pair), axis=1).astype(float) for pair in ((own, mine), (none, lift)))
    level = levels[None, :, None]
    square, cross, rise = ((a * b).sum(axis=0)[:, None] for a, b in ((shown, shown), (shown, one), (one, one)))
    return _against_none(own, np.maximum(square - 2 * level * cross + level**2 * rise, 0).astype(np.float32))


def _terms(noise: Noise, cells: Singles) -> tuple[Singles, ...]:
    """What the day itself and each of its lags add to its innovation, whitened: (blocks, hypotheses, days) each."""
    turned = np.ascontiguousarray(cells.transpose(2, 0, 1), np.float32)
    weight = np.ascontiguousarray(noise.weight.T)[:, None]
    out = []
    for follow, behind in zip((1, *(-noise.follow)), (0, *LAGS), strict=True):
        lag = min(behind, turned.shape[2])
        part = np.zeros_like(turned)
        np.multiply(turned[..., : part.shape[2] - lag], np.float32(follow) * weight[..., lag:], out=part[..., lag:])
        out.append((noise.root.T @ part.reshape(len(part), -1)).reshape(part.shape))
    return tuple(out)


def _cases(own: tuple[Singles, ...], mine: tuple[Singles, ...]) -> tuple[Singles, ...]:
    """Innovations of the cases of :class:`Evidence`: in the fault with no, one and two lags in it; behind it with two,
    and one."""
    day, near, far = own
    fault, near_in, far_in = mine
    inside = fault + near_in
    return (fault + near + far, inside + far, inside + far_in, day + near_in + far_in, day + near + far_in)


def _against_none(own: tuple[Singles, ...], distances: Singles) -> Evidence:
    """Logarithm of the multivariate t density at each day's distance (cases, hypotheses, days), against that of the
    day as it is."""
    as_is = own[0] + own[1] + own[2]
    found = _likely(distances)
    found -= _likely(np.einsum("bhd,bhd->hd", as_is, as_is))
    cut = len(LAGS) + 1
    return Evidence(tuple(found[:cut]), tuple(found[cut:]))


def _likely(distance: Singles) -> Singles:
    """Logarithm of the multivariate t density, without its constant."""
    out = distance / np.float32(TAIL)
    out += 1  # faster than log1p, and exact where it matters
    np.log(out, out=out)
    out *= np.float32(-0.5 * (TAIL + BLOCKS))
    return np.asarray(out, np.float32)
