"""Normalised savings (IPMVP option C): what a measure saves in a year of typical weather.

Strategy: the baseline and a model of the reporting period each foretell the same typical year, and the difference is
the saving. The typical year is made of the site's own months, after the idea of typical meteorological years (Hall et
al., SAND78-1601): of each calendar month the one whose mean temperature is nearest to that month's mean over all
years. Both models carry their own uncertainty, so the band adds them in squares.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.design import Floats

LEAST_REPORTING_DAYS: Final = 270
"""A model of less does not know the year."""
MONTHS: Final = 12
LEAST_SHARE: Final = 0.9
"""of a month's hours with a temperature, for it to be whole"""


def typical_rows(day: NDArray[np.int64], outdoor_c: Floats | None) -> NDArray[np.bool_] | None:
    """(n) hours of a typical year out of those of ``day`` (local, since 1970, hourly); None where a month is missing.

    Without temperatures the last whole month of each kind is taken.
    """
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    numbers, at, hours = np.unique(month, return_inverse=True, return_counts=True)
    known = np.ones(len(day), bool) if outdoor_c is None else np.isfinite(outdoor_c)
    whole = (hours >= 27 * 24) & (np.bincount(at, known) >= LEAST_SHARE * hours)
    value = np.zeros(len(day)) if outdoor_c is None else np.where(known, outdoor_c, 0.0)
    mean = np.bincount(at, value) / np.maximum(np.bincount(at, known), 1)
    chosen = []
    for calendar in range(MONTHS):
        mine = np.flatnonzero(whole & (numbers % MONTHS == calendar))[::-1]
        if len(mine) == 0:
            return None
        chosen.append(mine[np.abs(mean[mine] - mean[mine].mean()).argmin()])
    return np.asarray(np.isin(at, chosen), bool)


def normalised(
    before_kwh: Floats, after_kwh: Floats, before_width: float, after_width: float
) -> tuple[float, float, float]:
    """(saving, low, high) in kWh a year from both models' hours of the typical year (n each, no NaN), with half-widths
    on the log scale; they are taken for independent, so their kWh add in squares."""
    before, after = float(before_kwh.sum()), float(after_kwh.sum())
    half = float(np.hypot(before * np.expm1(before_width), after * np.expm1(after_width)))
    return before - after, before - after - half, before - after + half
