"""Fractional savings uncertainty after ASHRAE Guideline 14, in the variants that public code computes.

ΔE = E_pred · t · a · CV(RMSE) · √[(n/n′)(1 + 2/n′)/m], with n points of the baseline and m of the reporting period,
ρ the lag-1 autocorrelation of residuals, n′ = n(1 − ρ)/(1 + ρ), t two-sided with n − p degrees of freedom, and a the
polynomial in the reporting period's months M (Sun and Baltazar, as the Guideline's annex prints it). Public
implementations disagree, so each is here by name:

* ``caltrack`` (eemeter's hourly derivatives): CV(RMSE) with n − p, corrected always, M of the reporting period. **The
  one that submeter states**, on daily sums: with hours the formula is known to be too narrow, and the Guideline's
  polynomial is for days.
* ``opendsm``: CV(RMSE) with n′ − p (its ``cvrmse_autocorr_adj``) *and* the factor n/n′, so autocorrelation is corrected
  twice; its release 1.2.7 takes ``cvrmse_adj``, with n − p, and so agrees with the first.
* ``nmecr``: CV(RMSE) with n′ − p without the factor, M of the baseline, and only where ρ ≥ 0.5. It rounds F, the share
  saved, to two decimals first, which is not followed.

E_pred is the adjusted baseline of the reporting period in each here; eemeter takes the baseline's own mean times its n,
and nmecr rounds its factor to two decimals.

None of them knows that use drifts from year to year; the band of :mod:`analytics.savings` does.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy.special import stdtrit

Variant = Literal["caltrack", "opendsm", "nmecr"]
Spacing = Literal["hour", "day", "month"]

POLYNOMIAL: Final = {"day": (-0.00024, 0.03535, 1.00286), "month": (-0.00022, 0.03306, 0.94054)}
HOURLY: Final = 1.26
LEAST_RHO: Final = 0.5
"""nmecr corrects from here on."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What the formula wants of a model: ``n`` points, ``p`` parameters, ``cvrmse`` with n − p as a fraction, ``rho``
    of consecutive residuals."""

    n: float
    p: float
    cvrmse: float
    rho: float


def savings_uncertainty(
    fit: Fit, expected_kwh: float, points: float, *, baseline_months: float, reporting_months: float,
    confidence: float = 0.9, spacing: Spacing = "day", variant: Variant = "caltrack",
) -> float:  # fmt: skip
    """Half-width in kWh of the saving of a reporting period of ``points`` whose adjusted baseline is ``expected_kwh``;
    NaN where the model has no degrees of freedom left."""
    if fit.n - fit.p < 1 or points <= 0:
        return float("nan")
    rho = min(max(fit.rho, 0.0), 0.99)
    corrected = variant != "nmecr" or (rho >= LEAST_RHO and spacing != "month")
    independent = fit.n * (1 - rho) / (1 + rho) if corrected else fit.n
    cvrmse, factor = fit.cvrmse, fit.n / independent
    if variant in ("opendsm", "nmecr"):
        cvrmse *= float(np.sqrt((fit.n - fit.p) / max(independent - fit.p, 1.0)))
    if variant == "nmecr":
        factor = 1.0
    months = baseline_months if variant == "nmecr" else reporting_months
    root = float(np.sqrt(factor * (1 + 2 / independent) / points))
    t = float(stdtrit(fit.n - fit.p, 0.5 + confidence / 2))
    return abs(expected_kwh) * t * shape(months, spacing) * cvrmse * root


def shape(months: float, spacing: Spacing) -> float:
    """The Guideline's empirical factor a (no unit) for so many months M of the period that the variant counts."""
    if spacing == "hour":
        return HOURLY
    square, line, constant = POLYNOMIAL[spacing]
    return square * months**2 + line * months + constant
