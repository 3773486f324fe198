"""Where a number stands among its peers: one rule for analytics and for every viewer."""

import numpy as np
from numpy.typing import NDArray


def rank_among(value: float, peers: NDArray[np.float64]) -> float:
    """Share of the known peers (n; of the same type, in the same unit) that use less: 0 = the least, 1 = the most.

    Ties count half, so that a building among its equals stands in the middle (the mid-rank of Kendall, "The treatment
    of ties in ranking problems", Biometrika 33 (1945) 239). NaN peers are left out; NaN without peers or value.
    """
    known = peers[np.isfinite(peers)]
    if not len(known) or not np.isfinite(value):
        return float("nan")
    return float((known < value).mean() + (known == value).mean() / 2)
