"""Figures of a load's shape: base load, peak, load factor, night and weekend share.

Strategy: each is a documented function over hourly energy; NaN hours are left out, and a figure without any hour is
NaN.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.quality import Floats

BASE_QUANTILE: Final = 0.05
PEAK_QUANTILE: Final = 0.98


def base_load_kw(energy_kwh: Floats) -> float:
    """What never sleeps: the 5 % quantile of hourly mean power in kW."""
    return _quantile(energy_kwh, BASE_QUANTILE)


def peak_load_kw(energy_kwh: Floats) -> float:
    """The 98 % quantile of hourly mean power in kW (a single odd hour does not move it)."""
    return _quantile(energy_kwh, PEAK_QUANTILE)


def load_factor(energy_kwh: Floats) -> float:
    """Mean power ÷ highest hourly mean power, 0…1."""
    known = energy_kwh[np.isfinite(energy_kwh)]
    highest = float(known.max(initial=0.0))
    return float(known.mean()) / highest if highest > 0 else np.nan


def share(energy_kwh: Floats, inside: NDArray[np.bool_]) -> float:
    """Share of the energy that fell into the hours of a mask (night, weekend), 0…1."""
    total = float(np.nansum(energy_kwh))
    return float(np.nansum(energy_kwh[inside])) / total if total > 0 else np.nan


def night(hour: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Local hours from 22 to 6."""
    return np.asarray((hour >= 22) | (hour < 6), bool)


def _quantile(energy_kwh: Floats, q: float) -> float:
    known = energy_kwh[np.isfinite(energy_kwh)]
    return float(np.quantile(known, q)) if len(known) else np.nan
