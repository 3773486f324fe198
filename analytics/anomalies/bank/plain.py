"""Whether a lasting fault shows in the plain energy, too: the bank's verdict, asked once more in kWh.

Strategy: evidence weighs logarithms of blocks, and undoing a load in kWh makes what is left smaller; a meter that
counts a few pulses an hour (water) then looks more usual without any fault whatever. So what is told must also have
moved the energy of its days by far more than days differ anyway (sum over its days by the scatter of the days around
it), and a clock must fit better put right. Of faults injected into other years, real steps and loads left on lie above
7 scatters, false steps below 6; :data:`LEAST` was chosen there.
"""

from typing import Final

import numpy as np

from analytics.anomalies.bank.record import Bools, Floats, Record, median
from analytics.anomalies.bank.templates import SHIFTS_H, night_hours

AROUND_DAYS: Final = 60
LEAST: Final = 5.0
"""Scatters by which the energy of the days has moved."""
LEAST_FALL: Final = 1.0
"""The same of a lost phase, whose size is known: more would cost meters that differ much."""
MOST_LEFT: Final = 0.97
"""of the absolute error, when the clock is put right"""


def is_plain(record: Record, meter: int, kind: str, begin: int, end: int, spoilt: Bools) -> bool:
    """Whether rows [begin, end) of a meter show a fault of that kind in kWh; ``spoilt`` (n) hours say nothing."""
    reach = 24 * AROUND_DAYS
    first = begin - 24 * min(AROUND_DAYS, begin // 24)
    rows = slice(first, min(end + reach, len(record.hour)))
    usual = np.maximum(np.exp(record.usual[meter, rows]) - record.floor[meter], 0)
    energy = np.where(spoilt[rows], np.nan, record.energy[meter, rows])
    inside = slice(begin - first, end - first)
    if kind == "time_shift":
        return _shifted(energy, usual, inside)
    counts = night_hours(record.hour[rows]) if kind == "night_on" else np.ones(len(usual), bool)
    moved = _scatters(np.where(counts, energy - usual, 0.0), inside)
    return moved < -LEAST_FALL if kind == "phase_loss" else moved > LEAST


def _scatters(extra: Floats, inside: slice) -> float:
    """How far the sums of days (n hours from a beginning of day) lie off inside, in scatters of those outside."""
    days = len(extra) // 24
    sums = np.nan_to_num(extra[: 24 * days]).reshape(days, 24).sum(axis=1)
    within = np.zeros(days, bool)
    within[inside.start // 24 : -(-inside.stop // 24)] = True
    if within.all():
        return np.inf
    middle = median(sums[~within])
    scatter = 1.4826 * median(np.abs(sums[~within] - middle))
    off = float((sums[within] - middle).sum()) / np.sqrt(max(int(within.sum()), 1))
    return float(off / max(scatter, 1e-9))


def _shifted(energy: Floats, usual: Floats, inside: slice) -> bool:
    """Whether one of the shifts brings what was shown nearer to what is usual."""
    most = max(map(abs, SHIFTS_H))
    rows = np.arange(max(inside.start, most), min(inside.stop, len(usual) - most))
    apart = [float(np.nansum(np.abs(energy[rows] - usual[rows - shift]))) for shift in (0, *SHIFTS_H)]
    return min(apart[1:]) < MOST_LEFT * apart[0]
