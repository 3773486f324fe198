"""Non-routine events: levels of the reporting period that change on a day, with no measure to explain it.

Strategy: the saving's own daily residuals (actual − expected, as shares of the mean expected day) are cut where their
mean changes most, each part again, as long as a cut stands clear of the noise (binary segmentation; Scott and Knott,
Biometrics 30 (1974) 507). The noise is that of the baseline's days with their autocorrelation, and a change must be
worth telling. An event is dated and shown beside the saving; nothing is taken out of the sums, since whether it is
routine is for people to say.
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
    residual = (actual_kwh - expected_kwh)[known] / usual
    noise = max(scatter, _scatter(residual)) * float(np.sqrt((1 + rho) / (1 - rho)))
    cuts = sorted(_cuts(residual, 0, len(residual), max(noise, 1e-6)))
    edges = [0, *cuts, len(residual)]
    level = [float(residual[a:b].mean()) for a, b in pairwise(edges)]
    days = day[known]
    return [
        Event(
            int(days[c]), level[k + 1] - level[k], (level[k + 1] - level[k]) * usual,
            any(abs(int(days[c]) - m) <= EXPLAINED_DAYS for m in measures),
        )
        for k, c in enumerate(cuts)
    ]  # fmt: skip


def _cuts(residual: Floats, begin: int, end: int, noise: float) -> list[int]:
    part = residual[begin:end]
    n = len(part)
    if n < 2 * LEAST_DAYS:
        return []
    left = np.cumsum(part)[LEAST_DAYS - 1 : n - LEAST_DAYS]
    count = np.arange(LEAST_DAYS, n - LEAST_DAYS + 1)
    change = (part.sum() - left) / (n - count) - left / count
    clear = np.abs(change) / (noise * np.sqrt(1 / count + 1 / (n - count)))
    best = int(clear.argmax())
    if clear[best] < CLEAR or abs(change[best]) < LEAST_SHARE:
        return []
    at = begin + int(count[best])
    return [*_cuts(residual, begin, at, noise), at, *_cuts(residual, at, end, noise)]


def _scatter(residual: Floats) -> float:
    """Of the days' changes, so that levels do not count."""
    steps = np.diff(residual)
    return 1.4826 * middle(np.abs(steps - middle(steps))) / float(np.sqrt(2))
