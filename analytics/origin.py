"""Out-of-sample error of a baseline by rolling origin: each stretch foretold from what lay before it, as in use.

Blocked cross-validation inside the year measures interpolation and ranks forecasters backwards (a day's exploration on
real buildings); only a forecast tells how good a forecaster is. An origin needs a quarter of a year before it. Levels
and seasons that were not seen yet are part of the error, so it is a cautious figure.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.baseline import HALF_LIFE_DAYS, evaluate, refusal, regress
from analytics.design import Design, Floats, recency

ORIGINS: Final = (0.5, 0.7, 0.85)
"""Shares of the history that lie before an origin."""
LEAST_BEFORE_DAYS: Final = 90
MOST_AFTER_DAYS: Final = 60
LEAST_AFTER_HOURS: Final = 14 * 24


@dataclass(frozen=True, slots=True)
class OutOfSample:
    """Fractions over all ``hours`` foretold; ``origins`` that took part."""

    cvrmse: float
    nmbe: float
    hours: int
    origins: int


Lent = Callable[[int], tuple[Design, Floats | None]]
"""row of an origin → the table, and the usual meter's coefficients (see :func:`~analytics.baseline.regress`), as far as
they were known then"""


def out_of_sample(
    on: Design, energy_kwh: Floats, half_life_days: float = HALF_LIFE_DAYS, lent: Lent | None = None
) -> OutOfSample | None:
    """Errors of one meter's energy (n, NaN = leave out) foretold from what lay before; None where there is too
    little. ``lent`` gives each origin what a portfolio had taught before it, else there is ``on`` alone."""
    known = np.flatnonzero(np.isfinite(energy_kwh))
    if len(known) == 0:
        return None
    actual: list[Floats] = []
    error: list[Floats] = []
    for share in ORIGINS:
        origin = int(known[0] + share * (known[-1] + 1 - known[0]))
        told = _foretold(*(lent(origin) if lent else (on, None)), energy_kwh, origin, half_life_days)
        if told is not None:
            actual.append(told[0])
            error.append(told[1] - told[0])
    if not actual:
        return None
    a, e = np.concatenate(actual), np.concatenate(error)
    mean = float(a.mean())
    if mean <= 0:
        return None
    return OutOfSample(float(np.sqrt(e @ e / max(len(e) - 1, 1))) / mean, -float(e.mean()) / mean, len(e), len(actual))


def _foretold(
    on: Design, toward: Floats | None, energy_kwh: Floats, origin: int, half_life_days: float
) -> tuple[Floats, Floats] | None:
    """(actual, foretold) of the hours after an origin."""
    row = np.arange(len(on))
    before = np.where(row < origin, energy_kwh, np.nan)
    after = (row >= origin) & (on.day < on.day[origin] + MOST_AFTER_DAYS) & np.isfinite(energy_kwh)
    held = np.isfinite(before)
    if held.sum() < LEAST_BEFORE_DAYS * 24 or after.sum() < LEAST_AFTER_HOURS or refusal(before):
        return None
    part = on.rows(row < origin)
    weight = recency(part.day, held[:origin], half_life_days)
    coefficients, _ = regress(part, energy_kwh[:origin], weight, toward)
    return energy_kwh[after], evaluate(on, coefficients)[after]
