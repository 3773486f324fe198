"""Loads that go on and off by themselves: boilers, heat pumps in reserve, snow melting, pools.

Strategy: neither calendar nor weather says when such a load runs, so it is often at zero in hours that should count.
Its zeros come in long stretches, and the odds of one, reckoned hour by hour, mean nothing; its rated power is seen a
few times a year, and lies far above the bulk of its hours. Both are its habit and no fact. A load that is off every
night, or all summer, is not of them: then little is expected.
"""

from typing import Final

import numpy as np

from analytics.anomalies.episode import Bools
from analytics.quality import Floats

LIKE_SHARE: Final = 0.3
"""Hours in which more than this share of the mean is expected should count something."""
OFTEN: Final = 0.15
"""Of the hours that should count. On Drammen's meters that are ever at zero for long (2018 and 2019) it is below .11 or
above .158: boilers, snow melting, heat pumps in reserve."""


def should_count(expected: Floats) -> Bools:
    """(n) whether an hour should count something, by what is ``expected`` kWh."""
    return np.asarray(expected > LIKE_SHARE * max(float(expected.mean()), 1e-9), bool)


def is_switched(energy: Floats, expected: Floats, but: slice = slice(0, 0)) -> bool:
    """Whether a load is often at zero in hours (n) that should count; ``energy`` kWh, NaN = not known; the hours
    ``but`` say nothing of that."""
    looked = np.isfinite(energy) & should_count(expected)
    looked[but] = False
    return bool(looked.any()) and float((energy[looked] == 0).mean()) > OFTEN
