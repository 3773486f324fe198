"""Where a lasting fault begins and ends, to the hour.

Strategy: the chain knows days. Around each end, hours are compared with and without the fault at the size that the days
between show, and the end is put where that explains most (:func:`~analytics.anomalies.scan.hour_ends`). A drift that
begins with nothing and a clock that is off for the length of a night have no hour to be found at, and keep their day.
"""

from typing import Final

import numpy as np

from analytics.anomalies.bank.measure import local_usual
from analytics.anomalies.bank.record import Bools, Record
from analytics.anomalies.bank.templates import night_hours
from analytics.anomalies.scan import hour_ends

REACH_H: Final = 30
MOST: Final = 1.0
"""An hour says no more than this, however far it lies off (logarithm)."""


def refined(record: Record, meter: int, kind: str, begin: int, end: int, spoilt: Bools) -> tuple[int, int]:
    """Rows [begin, end) with both ends moved by up to :data:`REACH_H`; ``spoilt`` (n) hours say nothing."""
    if kind not in ("level_up", "night_on", "phase_loss"):
        return begin, end
    first, last = max(begin - REACH_H, 0), min(end + REACH_H, len(record.hour))
    rows = slice(first, last)
    floor = record.floor[meter]
    usual = local_usual(record, meter, first, last, spoilt)
    energy = np.where(spoilt[rows], np.nan, record.energy[meter][rows])
    on = night_hours(record.hour[rows]) if kind == "night_on" else np.ones(last - first, bool)
    inside = np.zeros(last - first, bool)
    inside[begin - first : end - first] = True
    extra = (energy - usual)[inside & on & np.isfinite(energy)]
    if not len(extra):
        return begin, end
    shown = usual * 2 / 3 if kind == "phase_loss" else usual + on * max(float(np.median(extra)), 0.0)
    template = np.log((shown + floor) / (usual + floor))
    residual = np.clip(np.log((np.maximum(energy, 0) + floor) / (usual + floor)), -MOST, MOST)
    a, b = hour_ends(template, residual, 1.0, begin - first, end - first, REACH_H)
    return first + a, first + b
