"""The naive peer: the test year as the train year was, by the same weekday and hour 364 days before, with no band.

Its estimate of the saving is the judge's own "plainest estimate"; having no band, it refuses to state one.
"""

from typing import Final

import numpy as np

from benchmarks.peers.folder import HOUR, Hours
from benchmarks.peers.told import Expected

WEEKS: Final = 52 * 7 * 24


def expect(train: Hours, test: Hours, zone: str) -> Expected:
    """The hour 52 weeks before, or where that was not read the train year's mean."""
    if not np.isfinite(train.kwh).any():
        raise ValueError("nothing was read in the train year")
    row = (test.start - train.start[0]) // HOUR - WEEKS
    inside = (row >= 0) & (row < len(train.kwh))
    told = np.full(len(test.start), np.nan)
    told[inside] = train.kwh[row[inside]]
    told[np.isnan(told)] = np.nanmean(train.kwh)
    return Expected(told, refused="last year's level has no band")
