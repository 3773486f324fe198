"""How well a model fits: CV(RMSE), NMBE and R² after ASHRAE Guideline 14, and the scatter of days.

CV(RMSE) = √(SSE / (n − p)) / mean, NMBE = Σ(actual − predicted) / ((n − p) · mean), with p the number of parameters
(for a ridge the effective one, the trace of the hat matrix). All are fractions, not percent.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WEEK: Final = 7
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


def quality(actual_kwh: Floats, predicted_kwh: Floats, day: NDArray[np.int64], p: int) -> Quality:
    """CV(RMSE), NMBE, R² with n − p, hourly and (p / 24) of daily sums; hours with NaN are left out of both."""
    known = np.isfinite(actual_kwh)
    actual, error = actual_kwh[known], (actual_kwh - predicted_kwh)[known]
    n, mean = len(actual), float(actual.mean())
    sse = float(error @ error)
    spread = float(((actual - mean) ** 2).sum())
    daily_error, daily_actual = _daily(error, day[known]), _daily(actual, day[known])
    freedom = max(len(daily_error) - round(p / 24), 1)
    return Quality(
        n=n,
        p=p,
        cvrmse=float(np.sqrt(sse / max(n - p, 1)) / mean),
        nmbe=float(error.sum() / (max(n - p, 1) * mean)),
        r2=1 - sse / spread if spread > 0 else 0.0,
        cvrmse_daily=float(np.sqrt((daily_error**2).sum() / freedom) / daily_actual.mean()),
    )


def daily_scatter(actual_kwh: Floats, predicted_kwh: Floats, day: NDArray[np.int64]) -> tuple[float, float]:
    """(scatter of daily residuals ÷ mean day, robust; lag-1 autocorrelation of them)."""
    error, mean = _daily_errors(actual_kwh, predicted_kwh, day)
    edge = 5 * _scale(error)
    centred = np.asarray(np.clip(error - np.median(error), -edge, edge), float)
    rho = float(centred[1:] @ centred[:-1]) / (float(centred @ centred) + 1e-12)
    return float(centred.std()) / mean, min(max(rho, 0.0), 0.95)


def weekly_scatter(actual_kwh: Floats, predicted_kwh: Floats, day: NDArray[np.int64]) -> float:
    """Standard deviation of the residuals of seven known days in a row ÷ mean of seven days: how far use wanders.

    Of all that was tried it ranks best how far a later year will be off. With less than two weeks that of days.
    """
    error, mean = _daily_errors(actual_kwh, predicted_kwh, day)
    weeks = len(error) // WEEK
    if weeks < 2:
        return float(error.std()) / mean
    return float(error[: weeks * WEEK].reshape(weeks, WEEK).mean(axis=1).std()) / mean


def _daily_errors(actual_kwh: Floats, predicted_kwh: Floats, day: NDArray[np.int64]) -> tuple[Floats, float]:
    """Errors of whole days, and the mean day."""
    known = np.isfinite(actual_kwh)
    error = _daily((actual_kwh - predicted_kwh)[known], day[known])
    return error, float(_daily(actual_kwh[known], day[known]).mean()) or 1e-9


def _scale(values: Floats) -> float:
    return float(1.4826 * np.median(np.abs(values - np.median(values))) + 1e-12)


def _daily(hourly: Floats, day: NDArray[np.int64]) -> Floats:
    """Sums of whole days (see :data:`WHOLE_DAY_H`) in ascending order, of all days where none is whole."""
    at = day - day[0]
    count = np.bincount(at)
    sums = np.bincount(at, hourly)
    whole = count >= WHOLE_DAY_H
    return np.asarray(sums[whole] if whole.any() else sums[count > 0], float)
