"""Energy that a register counted and kept though it cannot be: gross errors, named without being told a limit.

Strategy: the series itself says what it can reach. The bulk of its hours (median to 99 %) sets a scale, and an hour
that lies half such a span above the bulk was not used by the building; nor were its neighbours that stand far
above what is expected of them. What the ledger marked suspect counts as well. A register that catches up after a
silence or a standstill is no gross error.
"""

from typing import Final

import numpy as np

from analytics.anomalies.episode import Bools, Episode, bridged, runs
from analytics.anomalies.switched import is_switched
from analytics.quality import Floats

BULK: Final = 0.99
REACH: Final = 0.5
"""Spans (99 % minus median) above the bulk."""
LEAST_FACTOR: Final = 1.5
"""Never less than this times the bulk: a cold week is no error."""
BESIDE_SHARE: Final = 0.5
"""A neighbour belongs to the error if it is this share of a span above what is expected of it."""
LEAST_HOURS: Final = 24 * 14
IDLE: Final = 0.5
LITTLE: Final = 0.05
"""Of a meter that shows so little of its bulk for more than half of its hours (heat in a mild climate) the bulk is that
of the hours in use."""
RARELY: Final = 3
APART_H: Final = 48
FAR: Final = 3.0
"""What a meter reaches on more occasions than that, so far apart, is within its reach (coarse steps of heat meters, hot
water, boilers), unless it is so many times its bulk. Drammen's meters of heat had 200 such hours in 2018."""
ONCE: Final = 1
FURTHEST: Final = 6.0
"""The same of a load that goes on and off by itself: what it reaches twice is its rated power."""


def gross_hours(counted: Floats, expected: Floats | None, marked: Bools | None = None) -> Bools:
    """Hours with an impossible count. ``counted`` in kWh, NaN = nothing known; ``marked`` by the ledger."""
    known = np.isfinite(counted)
    if known.sum() < LEAST_HOURS:
        return np.zeros(len(counted), bool) if marked is None else np.asarray(marked & known, bool)
    bulk, middle = np.quantile(_in_use(counted[known]), [BULK, 0.5])
    span = max(float(bulk - middle), 0.25 * float(bulk), 1e-9)
    value = np.where(known, counted, 0.0)
    core = value > max(float(bulk) + REACH * span, LEAST_FACTOR * float(bulk))
    switched = expected is not None and is_switched(counted, expected)
    rarely, far = (ONCE, FURTHEST) if switched else (RARELY, FAR)
    if len(runs(bridged(np.asarray(core, bool), APART_H))) > rarely:
        core = value > max(float(bulk) + REACH * span, far * float(bulk))
    usual = np.full(len(counted), float(middle)) if expected is None else expected
    odd = (value > bulk) & (value > usual + BESIDE_SHARE * span)
    core = core | ((marked & odd) if marked is not None else False)
    for _ in range(2):
        core = core | (odd & _beside(core) & (value > 2 * usual))
    return np.asarray(core, bool)


def _in_use(counted: Floats) -> Floats:
    used = counted > LITTLE * float(np.quantile(counted, BULK))
    return counted[used] if used.any() and used.mean() < IDLE else counted


def gross_errors(point: str, counted: Floats, expected: Floats | None, hours: Bools) -> list[Episode]:
    """Episodes of hours with an impossible count; each covers exactly such hours."""
    out = []
    for begin, end in runs(hours):
        actual = float(np.nansum(counted[begin:end]))
        evidence = {"hours": float(end - begin), "actual_kwh": actual}
        amount = None
        if expected is not None:
            evidence["expected_kwh"] = float(expected[begin:end].sum())
            amount = actual - evidence["expected_kwh"]
        out.append(Episode(point, "gross_error", begin, end, 0.95, amount, evidence, fact=True))
    return out


def near_gap(gaps: Bools, reach: int = 2) -> Bools:
    """Hours right after (or in) a gap, where a register may catch up."""
    out = gaps.copy()
    for step in range(1, reach + 1):
        out[step:] |= gaps[:-step]
    return bridged(out, 0)


def _beside(mask: Bools) -> Bools:
    out = np.zeros(len(mask), bool)
    out[1:] |= mask[:-1]
    out[:-1] |= mask[1:]
    return out
