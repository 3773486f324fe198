"""From scores to episodes, by one rule for every plain detector: they say how odd an hour is, and nothing else.

1. A meter's scores are told in its own scatter: (score − median) ÷ (1.4826 × median absolute deviation), so that one
   threshold serves all meters.
2. Hours above the threshold that lie at most ``APART`` hours apart are one episode. Of 1, 3, 6, 12, 24 and 48 hours the
   one that serves most detectors best on labelled buildings (f1 of halves, LEAD), so in their favour.
3. The threshold is the lowest at which there are no more episodes a meter-month than the alarm budget, coming from
   above (further down, where everything merges, it would be met again).
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.folder import Floats

APART: Final = 24
HOURS_OF_MONTH: Final = 730.5
SHARES: Final = np.geomspace(1e-5, 0.3, 120)
"""shares of all hours that thresholds are tried at"""


def in_own_scatter(score: Floats) -> Floats:
    """NaN stays NaN; where more than half of the scores are the same, their mean deviation stands in."""
    off = score - np.nanmedian(score)
    scatter = 1.4826 * np.nanmedian(np.abs(off))
    return off / (scatter or np.nanmean(np.abs(off)) or 1.0)


def episodes(scores: Mapping[str, Floats], budget: float) -> list[tuple[str, int, int]]:
    """(meter, row of the first hour, row of the last) at ``budget`` episodes a meter-month."""
    most = budget * sum(len(s) for s in scores.values()) / HOURS_OF_MONTH
    every = np.concatenate([s[np.isfinite(s)] for s in scores.values()]) if scores else np.empty(0)
    told: list[tuple[str, int, int]] = []
    for limit in np.quantile(every, 1 - SHARES) if len(every) else ():
        more = [(m, a, b) for m, s in scores.items() for a, b in merged(s > limit)]
        if len(more) > most:
            break
        told = more
    return told


def merged(alarm: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last row of each episode."""
    rows = np.flatnonzero(alarm)
    if not len(rows):
        return []
    cut = np.flatnonzero(np.diff(rows) > APART)
    return list(zip(rows[np.r_[0, cut + 1]].tolist(), rows[np.r_[cut, len(rows) - 1]].tolist(), strict=True))
