"""Avoided energy use of a measure: adjusted baseline minus actual over the reporting period, with its band.

Strategy: IPMVP options B and C. The baseline is fitted on the period before the works alone and *adjusted* by
predicting the reporting period's hours from their weather and calendar. Hours without a trustworthy actual (missing,
suspect, a meter known to have been at fault) are left out of both sides, and ``completeness`` says how many.

The band lives on the log scale. Its half-width at 90 % is √(d² · years + (k·w)² + (z·s)²·(1 + ρ)/(1 − ρ)·(1/days −
1/365)): s and ρ are scatter and lag-1 autocorrelation of the baseline's daily residuals, w the scatter of its weeks (as
shares of the mean), d and k a prior for the drift of use: :class:`Drift`. The errors of whole years that d and k were
learned from hold a year's noise already, so only what fewer days have more of it is added. The stated prior was chosen
on public buildings of Drammen backwards in time (2019 → 2018) and from 2020/21 to 2021/22; a portfolio with years of
its own learns its own (:mod:`analytics.drift`). On those, nothing ranked the meters much better than w: not their
scatter by day, month or of late, nor how far half-lives disagree, nor their own error by rolling origin (rank
correlation with the year's error below .25). ``years`` counts from the end of the baseline and is never taken below
one. So the relative band narrows with days, never below the drift; in kWh it grows with the energy that is compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from msgspec import structs
from numpy.typing import NDArray
from scipy.special import ndtri

from analytics.events import find_events
from analytics.quality import WHOLE_DAY_H, Floats
from analytics.uncertainty import Fit, savings_uncertainty
from submeter.words import Baseline, Measure, NonRoutine, Saving

DRIFT_A_YEAR: Final = 0.08
SCATTER_SHARE: Final = 0.8
MOST_WANDER: Final = 0.3
"""Weeks that scatter more count as so much: the placebo years that the stated drift was chosen on have none beyond, and
the line is not drawn further than what was seen."""
Z_90: Final = 1.644854
LEAST_BASELINE_DAYS: Final = 90
LEAST_REPORTING_DAYS: Final = 7
DAYS_A_YEAR: Final = 365.25
DAYS_A_MONTH: Final = 30.4375
MOST_CVRMSE: Final = 0.3
MOST_NMBE: Final = 0.1

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Drift:
    """How far use drifts: half-width at 90 % a year on the log scale, and the share of the weeks' scatter that is added
    to it. ``years`` is how many unchanged meter-years it was learned from, 0 = the stated prior."""

    a_year: float
    share: float
    years: int = 0


STATED: Final = Drift(DRIFT_A_YEAR, SCATTER_SHARE)


def avoided(
    measure: Measure,
    model: Baseline,
    *,
    start_ms: int,
    end_ms: int,
    day: Ints,
    actual_kwh: Floats,
    expected_kwh: Floats,
    confidence: float = 0.9,
    drift: Drift = STATED,
    began: Sequence[int] = (),
    yuan_per_kwh: Floats | float = np.nan,
    kg_per_kwh: Floats | float = np.nan,
) -> Saving:
    """One measure's saving so far.

    Arrays hold the reporting period's hours: local ``day`` since 1970, actual (NaN = not trusted) and expected kWh,
    the local days on which other measures of these meters ``began``, and optionally the rates of each hour (NaN = not
    known, and then there is no money or carbon).
    """
    code, facts = refusal(model, day, actual_kwh)
    if code:
        return refused(measure, model, start_ms, end_ms, confidence, code, facts)
    known = np.isfinite(actual_kwh)
    actual, expected = np.where(known, actual_kwh, 0.0), np.where(known, expected_kwh, 0.0)
    days = _by_day(day, actual, expected, known)
    scatter, rho = model.coefficients["daily"]
    wander = model.coefficients.get("weekly", [scatter])[0]
    away_years = ((start_ms - model.end_ms) / 86_400_000 + days.day - days.day[0] + 1) / DAYS_A_YEAR
    width = half_width(days.known, away_years, scatter, rho, wander, confidence, drift)
    yuan, low_yuan, high_yuan = _valued(expected, actual, yuan_per_kwh, float(width[-1]))
    kg, low_kg, high_kg = _valued(expected, actual, kg_per_kwh, float(width[-1]))
    told = _drawn(refused(measure, model, start_ms, end_ms, confidence, ""), days, width)
    return structs.replace(
        told,
        guideline_kwh=_guideline(model, told.expected_kwh, float(days.known[-1]), confidence),
        gate=gate(model),
        simpler=model.simpler,
        facts=dict(model.facts),
        drift_years=drift.years,
        events=_events(days, scatter, rho, began),
        completeness=float(known.mean()),
        avoided_yuan=yuan,
        low_yuan=low_yuan,
        high_yuan=high_yuan,
        avoided_kg=kg,
        low_kg=low_kg,
        high_kg=high_kg,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Days:
    """A reporting period by local day: sums in kWh, days' worth of hours ``known`` since its start, and which days are
    ``whole``."""

    day: Ints
    actual: Floats
    expected: Floats
    known: Floats
    whole: NDArray[np.bool_]


def _by_day(day: Ints, actual: Floats, expected: Floats, known: NDArray[np.bool_]) -> _Days:
    at = day - day[0]
    there = np.flatnonzero(np.bincount(at))
    hours, actual_d, expected_d = (np.asarray(np.bincount(at, e)[there], float) for e in (known, actual, expected))
    return _Days(there + int(day[0]), actual_d, expected_d, np.cumsum(hours) / 24, hours >= WHOLE_DAY_H)


def _drawn(empty: Saving, days: _Days, width: Floats) -> Saving:
    """A saving with its curve and the sums at its end."""
    actual, expected = np.cumsum(days.actual), np.cumsum(days.expected)
    saved = expected - actual
    low, high = expected * np.exp(-width) - actual, expected * np.exp(width) - actual
    return structs.replace(
        empty,
        actual_kwh=float(actual[-1]),
        expected_kwh=float(expected[-1]),
        avoided_kwh=float(saved[-1]),
        low_kwh=float(low[-1]),
        high_kwh=float(high[-1]),
        days=np.datetime_as_string(days.day.astype("datetime64[D]")).tolist(),
        avoided=saved.tolist(),
        low=low.tolist(),
        high=high.tolist(),
        actual_daily=days.actual.tolist(),
        expected_daily=days.expected.tolist(),
    )


def half_width(
    days: Floats, years: Floats, scatter: float, rho: float, wander: float, confidence: float = 0.9,
    drift: Drift = STATED,
) -> Floats:  # fmt: skip
    """Half-width of the band on the log scale after ``days`` of reporting, ``years`` after the baseline's end."""
    level = drift.a_year**2 * np.maximum(years, 1.0) + (drift.share * min(wander, MOST_WANDER)) ** 2
    more_than_a_years = np.maximum(1 / np.maximum(days, 1 / 24) - 1 / DAYS_A_YEAR, 0.0)
    noise = (Z_90 * scatter) ** 2 * (1 + rho) / (1 - rho) * more_than_a_years
    z = float(ndtri(0.5 + confidence / 2))
    return np.asarray(np.sqrt(level + noise) * z / Z_90, float)


def whole_year_width(model: Baseline, confidence: float = 0.9, drift: Drift = STATED) -> float:
    """Half-width on the log scale of a baseline's next year."""
    scatter, rho = model.coefficients["daily"]
    wander = model.coefficients.get("weekly", [scatter])[0]
    return float(half_width(np.array([DAYS_A_YEAR]), np.array([1.0]), scatter, rho, wander, confidence, drift)[0])


def refusal(model: Baseline, day: Ints, actual_kwh: Floats) -> tuple[str, dict[str, float]]:
    """Code of why no saving can be stated with its numbers, '' = it can."""
    if model.refused:
        return model.refused, model.facts
    if model.n < LEAST_BASELINE_DAYS * 24:
        return "few_baseline_days", {"days": float(model.n // 24), "least": float(LEAST_BASELINE_DAYS)}
    usable = int(np.isfinite(actual_kwh).sum())
    if len(day) == 0 or usable < LEAST_REPORTING_DAYS * 24:
        return "few_reporting_days", {"days": float(usable // 24), "least": float(LEAST_REPORTING_DAYS)}
    return "", {}


def refused(
    measure: Measure, model: Baseline, start_ms: int, end_ms: int, confidence: float, code: str,
    facts: dict[str, float] | None = None,
) -> Saving:  # fmt: skip
    """A saving that says why it is none."""
    return Saving(
        id=measure.id,
        building=measure.building,
        measure=measure.id,
        start_ms=start_ms,
        end_ms=end_ms,
        actual_kwh=0.0,
        expected_kwh=0.0,
        avoided_kwh=0.0,
        low_kwh=0.0,
        high_kwh=0.0,
        confidence=confidence,
        completeness=0.0,
        cvrmse=model.cvrmse,
        nmbe=model.nmbe,
        refused=code,
        facts=facts or {},
    )


def gate(model: Baseline) -> list[str]:
    """In what a baseline fails ASHRAE Guideline 14's limits for hourly models: CV(RMSE) ≤ 30 %, |NMBE| ≤ 10 %."""
    failed = {"cvrmse": model.cvrmse > MOST_CVRMSE, "nmbe": abs(model.nmbe) > MOST_NMBE}
    return [name for name, fails in failed.items() if fails]


def _guideline(model: Baseline, expected_kwh: float, days: float, confidence: float) -> float | None:
    """Guideline 14's half-width on daily sums."""
    fit = Fit(model.n / 24, model.p / 24, model.cvrmse_daily, model.coefficients["daily"][1])
    half = savings_uncertainty(
        fit, expected_kwh, days, baseline_months=model.n / 24 / DAYS_A_MONTH, reporting_months=days / DAYS_A_MONTH,
        confidence=confidence,
    )  # fmt: skip
    return half if np.isfinite(half) else None


def _events(days: _Days, scatter: float, rho: float, began: Sequence[int]) -> list[NonRoutine]:
    actual = np.where(days.whole, days.actual, np.nan)
    return [
        NonRoutine(since=str(np.datetime64(e.day, "D")), share=e.share, kwh_a_day=e.kwh_a_day, explained=e.explained)
        for e in find_events(days.day, actual, days.expected, scatter, rho, began)
    ]


def _valued(
    expected_kwh: Floats, actual_kwh: Floats, rate: Floats | float, width: float
) -> tuple[float, float, float] | tuple[None, None, None]:
    """(saving, low, high) at each hour's rate, with the band's half-width on the log scale; None where a rate is not
    known."""
    before, after = float(np.sum(expected_kwh * rate)), float(np.sum(actual_kwh * rate))
    if not np.isfinite(before + after):
        return None, None, None
    return before - after, before * float(np.exp(-width)) - after, before * float(np.exp(width)) - after
