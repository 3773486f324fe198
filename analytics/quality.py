"""How well a model fits: CV(RMSE), NMBE and R² after ASHRAE Guideline 14, and the scatter of days.

CV(RMSE) = √(SSE / (n − p)) / mean, NMBE = Σ(actual − predicted) / ((n − p) · mean), with p the number of parameters
(for a ridge the effective one, the trace of the hat matrix). All are fractions, not percent.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WEEK: Final = 7
LEAST_WEEKS: Final = 2
WHOLE_DAY_H: Final = 20
"""A day counts for daily figures if at least so many of its hours are known."""


@dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """Fractions; ``n`` hours, ``p`` effective parameters."""

    n: int
    p: int
    cvrmse: float
    nmbe: float
    r2: float
    cvrmse_daily: float


@dataclass(frozen=True, slots=True)
class Scatter:
    """Of residuals, as shares of the mean: ``daily``, robust, and its lag-1 autocorrelation ``rho``; ``weekly``, the
    standard deviation of seven known days in a row (of days where there are less than two weeks): how far use wanders.
    Of all that was tried the last ranks best how far a later year will be off."""

    daily: float
    rho: float
    weekly: float


def quality(actual_kwh: Floats, predicted_kwh: Floats, day: Ints, p: int) -> Quality:
    """CV(RMSE) and NMBE with n − p, R²; hourly, and CV(RMSE) of daily sums with p / 24. ``actual_kwh`` and
    ``predicted_kwh`` (n), ``day`` (n) ascending; hours whose actual is NaN are left out, one at least must be known."""
    return fit_quality(actual_kwh, predicted_kwh, day, p)[0]


def fit_quality(actual_kwh: Floats, predicted_kwh: Floats, day: Ints, p: int) -> tuple[Quality, Scatter]:
    """Quality (see :func:`quality`) and scatter of a fit, over hours (n); ``day`` ascending. Hours whose actual is NaN
    are left out, one at least must be known."""
    known = np.isfinite(actual_kwh)
    actual = np.where(known, actual_kwh, 0.0)
    error = np.where(known, actual_kwh - predicted_kwh, 0.0)
    n, total = int(known.sum()), float(actual.sum())
    mean, sse = total / n, float(error @ error)
    spread = float(actual @ actual) - n * mean**2
    daily_error, daily_mean = _daily(error, actual, known, day)
    free = max(len(daily_error) - round(p / 24), 1)
    found = Quality(
        n=n,
        p=p,
        cvrmse=float(np.sqrt(sse / max(n - p, 1)) / mean) if mean else np.inf,
        nmbe=float(error.sum() / (max(n - p, 1) * mean)) if mean else np.inf,
        r2=1 - sse / spread if spread > 1e-9 * total**2 / n else 0.0,
        cvrmse_daily=float(np.sqrt((daily_error**2).sum() / free) / daily_mean),
    )
    return found, _scatter(daily_error, daily_mean)


def _scatter(error: Floats, mean: float) -> Scatter:
    centred = error - middle(error)
    edge = 5 * (1.4826 * middle(np.abs(centred)) + 1e-12)
    centred = np.minimum(np.maximum(centred, -edge), edge)
    rho = float(centred[1:] @ centred[:-1]) / (float(centred @ centred) + 1e-12)
    weeks = len(error) // WEEK
    by_week = error[: weeks * WEEK].reshape(weeks, WEEK).mean(axis=1) if weeks >= LEAST_WEEKS else error
    return Scatter(float(centred.std()) / mean, min(max(rho, 0.0), 0.95), float(by_week.std()) / mean)


def _daily(error: Floats, actual: Floats, known: NDArray[np.bool_], day: Ints) -> tuple[Floats, float]:
    """Errors of whole days (see :data:`WHOLE_DAY_H`) in ascending order, of all days where none is whole, and the mean
    of such days."""
    at = day - day[0]
    count = np.bincount(at, known)
    whole = count >= (WHOLE_DAY_H if (count >= WHOLE_DAY_H).any() else 1)
    return np.asarray(np.bincount(at, error)[whole], float), float(np.bincount(at, actual)[whole].mean()) or 1e-9


def middle(values: Floats) -> float:
    """Median (no NaN, at least one value); several times as fast as NumPy's for some hundreds."""
    ordered = np.sort(values)
    n = len(ordered)
    return float(ordered[(n - 1) // 2] + ordered[n // 2]) / 2
