"""The plain detector, in NumPy: how far an hour lies from its usual hour of the week, in that hour's scatter."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.folder import HOUR, Floats, Hours, Times

WEEK: Final = 168


def score(history: Hours, shown: Hours, zone: str) -> Floats:
    """(n) absolute deviations; a floor of a twentieth of the meter's median keeps hours that never vary finite."""
    usual, scatter = usual_week(history, zone)
    floor = 0.05 * np.nanmedian(np.abs(history.kwh)) + 1e-9
    hour = hour_of_week(shown.start, zone)
    return np.asarray(np.abs(shown.kwh - usual[hour]) / (scatter[hour] + floor))


def usual_week(history: Hours, zone: str) -> tuple[Floats, Floats]:
    """(168) median of each hour of the local week, and 1.4826 times its median absolute deviation."""
    order = np.argsort(hour_of_week(history.start, zone), kind="stable")
    hour = hour_of_week(history.start, zone)[order]
    groups = np.split(history.kwh[order], np.searchsorted(hour, np.arange(1, WEEK)))
    deep = np.full((WEEK, max(map(len, groups))), np.nan)
    for k, group in enumerate(groups):
        deep[k, : len(group)] = group
    usual = np.nanmedian(deep, axis=1)
    return usual, 1.4826 * np.nanmedian(np.abs(deep - usual[:, None]), axis=1)


def hour_of_week(start: Times, zone: str) -> NDArray[np.int64]:
    """(n) of the local clock, Monday 00:00 = 0."""
    return _hours(int(start[0].astype("datetime64[s]").astype(np.int64)), int((start[-1] - start[0]) // HOUR) + 1, zone)


@lru_cache(maxsize=8)
def _hours(first_s: int, n: int, zone: str) -> NDArray[np.int64]:
    local = [datetime.fromtimestamp(first_s + 3600 * k, UTC).astimezone(ZoneInfo(zone)) for k in range(n)]
    return np.array([24 * at.weekday() + at.hour for at in local])
