"""Non-routine events: levels of the reporting period that change on a day, with no measure to explain it.

Strategy: the saving's own daily residuals (actual − expected, as shares of the mean expected day) are cut where their
level changes most, each part again, as long as a cut stands clear of the noise (binary segmentation; Scott and Knott,
Biometrics 30 (1974) 507). A saving may be a share of what is expected, and then it comes and goes with the season: so
levels are those beside a line of the expected day that both sides of a cut have in common (analysis of covariance), and
where seasons lie so far apart that the line is not known, no cut is clear. The noise is that of the baseline's days
with their autocorrelation, and a change must be worth telling. An event is dated and shown beside the saving; nothing
is taken out of the sums, since whether it is routine is for people to say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.quality import middle

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_DAYS: Final = 28
"""on either side of a change"""
LEAST_SHARE: Final = 0.08
"""Smallest change of level, as a share of the expected mean day."""
CLEAR: Final = 5.0
"""Standard errors; many days are tried for each cut."""
SLOPE: Final = 0.5
"""Of the expected day: how far a saving may be in proportion to it, as the standard deviation of a normal prior."""
EXPLAINED_DAYS: Final = 21
"""A measure that began this near explains a change."""


@dataclass(frozen=True, slots=True)
class Event:
    """From ``day`` (local, since 1970) on the level is higher by ``share`` of the expected mean day; ``explained`` by a
    measure."""

    day: int
    share: float
    kwh_a_day: float
    explained: bool


def find_events(
    day: Ints, actual_kwh: Floats, expected_kwh: Floats, scatter: float, rho: float, measures: Sequence[int] = ()
) -> list[Event]:
    """Changes of level within daily sums, by date: ``day`` (n) since 1970, ascending; ``actual_kwh`` and
    ``expected_kwh`` (n), NaN = not known; below eight weeks of known days there are none. ``scatter`` (share of the
    mean day) and ``rho`` are of the baseline's daily residuals, ``measures`` the days on which other measures of these
    meters began."""
    known = np.isfinite(actual_kwh) & np.isfinite(expected_kwh)
    if known.sum() < 2 * LEAST_DAYS:
        return []
    usual = float(expected_kwh[known].mean())
    if usual <= 0:
        return []
    residual, told = (actual_kwh - expected_kwh)[known] / usual, expected_kwh[known] / usual
    noise = max(max(scatter, _scatter(residual)) * float(np.sqrt((1 + rho) / (1 - rho))), 1e-6)
    cuts = sorted(_cuts(residual, told, 0, len(residual), noise))
    level, days = _levels(residual, told, [0, *cuts, len(residual)], noise), day[known]
    return [
        Event(
            int(days[c]), level[k + 1] - level[k], (level[k + 1] - level[k]) * usual,
            any(abs(int(days[c]) - m) <= EXPLAINED_DAYS for m in measures),
        )
        for k, c in enumerate(cuts)
    ]  # fmt: skip


def _cuts(residual: Floats, told: Floats, begin: int, end: int, noise: float) -> list[int]:
    r, e = residual[begin:end], told[begin:end]
    n = len(r)
    if n < 2 * LEAST_DAYS:
        return []
    count = np.arange(LEAST_DAYS, n - LEAST_DAYS + 1)
    (r1, e1), (r2, e2) = _means(r, e, count), _means(r[::-1], e[::-1], n - count)
    # of the days around the means of their side: squares of e, and its products with r
    squares = float(e @ e) - count * e1**2 - (n - count) * e2**2 + (noise / SLOPE) ** 2
    products = float(r @ e) - count * r1 * e1 - (n - count) * r2 * e2
    change = r2 - r1 - products / squares * (e2 - e1)
    clear = np.abs(change) / (noise * np.sqrt(1 / count + 1 / (n - count) + (e2 - e1) ** 2 / squares))
    best = int(clear.argmax())
    if clear[best] < CLEAR or abs(change[best]) < LEAST_SHARE:
        return []
    at = begin + int(count[best])
    return [*_cuts(residual, told, begin, at, noise), at, *_cuts(residual, told, at, end, noise)]


def _means(residual: Floats, told: Floats, count: Ints) -> tuple[Floats, Floats]:
    """Of so many first days each."""
    first, second = (np.cumsum(each)[count - 1] / count for each in (residual, told))
    return first, second


def _levels(residual: Floats, told: Floats, edges: Sequence[int], noise: float) -> list[float]:
    """Of the residual between the edges, beside the line of what is expected that all have in common."""
    parts = [slice(a, b) for a, b in pairwise(edges)]
    within = np.concatenate([told[p] - told[p].mean() for p in parts])
    slope = float(within @ residual) / (float(within @ within) + (noise / SLOPE) ** 2)
    return [float(residual[p].mean() - slope * told[p].mean()) for p in parts]


def _scatter(residual: Floats) -> float:
    """Of the days' changes, so that levels do not count."""
    steps = np.diff(residual)
    return 1.4826 * middle(np.abs(steps - middle(steps))) / float(np.sqrt(2))
