"""One weather- and calendar-aware hourly model of a meter: fit → frozen Baseline → predict.

Strategy: a ridge regression for each hour of the day over the columns of :mod:`analytics.design`, made robust after
Huber by pseudo-values (what lies outside 1.5 scales is pulled to the edge, and the same factorisation is used again).
Hours that are missing or suspect have weight zero; recency weights are optional. A meter with too little history, or
with none at all, is refused with the reason; a meter without weather gets the year's turn instead of temperature.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.design import Design, Floats, factorise
from analytics.quality import Quality, daily_scatter, quality
from submeter.words import Baseline

MODEL: Final = "hourly-ridge/1"
HUBER: Final = 1.5
PASSES: Final = 6
SHARED_SHARE: Final = 0.9
LEAST_HOURS: Final = 21 * 24
BAND: Final = 0.05
"""Share of hours below, and above, the expected band."""

LEAST_BAND_HOURS: Final = 20

Bools = NDArray[np.bool_]


def fit(
    on: Design,
    energy_kwh: Floats,
    *,
    point: str,
    building: str = "",
    half_life_days: float | None = None,
) -> Baseline:
    """Fit one meter: ``energy_kwh`` per hour of the design, NaN = leave out. Never raises: see ``refused``."""
    known = np.isfinite(energy_kwh)
    if refusal(energy_kwh):
        return describe(on, energy_kwh, None, 0, point=point, building=building)
    weight = None if half_life_days is None else recency(on.day, known, half_life_days)
    coefficients, p = regress(on, energy_kwh, weight)
    return describe(on, energy_kwh, coefficients, p, point=point, building=building)


def describe(
    on: Design, energy_kwh: Floats, coefficients: Floats | None, p: int, *, point: str, building: str = ""
) -> Baseline:
    """Freeze coefficients (24, columns) with their quality on the hours they were fitted on; None = refused."""
    known = np.isfinite(energy_kwh)
    if coefficients is None:
        return _named(on, known, point, building, refused=refusal(energy_kwh) or "no model was made")
    predicted = evaluate(on, coefficients)
    q = quality(energy_kwh, predicted, on.day, p)
    low, high = _band(on, energy_kwh - predicted, known)
    kept = {f"hour_{h:02d}": c.tolist() for h, c in enumerate(coefficients)}
    kept |= {"low": low.ravel().tolist(), "high": high.ravel().tolist(), "weather": [float(on.weather)]}
    kept["changes_ms"] = [float(ms) for ms in on.changes_ms]
    kept["daily"] = list(daily_scatter(energy_kwh, predicted, on.day))
    return _named(on, known, point, building, quality_=q, coefficients=kept)


def predict(model: Baseline, on: Design) -> Floats:
    """Expected kWh of each hour, never below zero. The design must hold the same columns as the fit's.

    Raises ValueError for a refused model or a design of another shape.
    """
    coefficients = _coefficients(model)
    if coefficients.shape[1] != on.x.shape[1]:
        raise ValueError(f"{model.point}: model has {coefficients.shape[1]} columns, the design {on.x.shape[1]}")
    return evaluate(on, coefficients)


def predict_band(model: Baseline, on: Design) -> tuple[Floats, Floats]:
    """Where nine hours in ten of the fit lay around what was expected (kWh): 5 % below, 5 % above, by hour and day
    type."""
    expected = predict(model, on)
    cell = on.working.astype(int) * 24 + on.hour
    low, high = (np.array(model.coefficients[k])[cell] for k in ("low", "high"))
    return np.asarray(np.maximum(expected + low, 0.0), float), np.asarray(expected + high, float)


def recency(day: NDArray[np.int64], known: Bools, half_life_days: float) -> Floats:
    """Weights that halve with every ``half_life_days`` before the last known day, mean 1."""
    weight = np.exp2(np.minimum(day - int(day[known][-1]), 0) / half_life_days)
    return np.asarray(weight / float(weight[known].mean()), float)


def evaluate(on: Design, coefficients: Floats) -> Floats:
    """Energy of each hour from (24, columns) coefficients, cut at zero."""
    return np.asarray(np.maximum(linear(on, coefficients), 0.0), float)


def refusal(energy_kwh: Floats) -> str:
    """Why there can be no model, '' = there can."""
    known = np.isfinite(energy_kwh)
    hours = int(known.sum())
    if hours < LEAST_HOURS:
        return f"only {hours} usable hours of energy, at least {LEAST_HOURS} are needed"
    if not np.any(energy_kwh[known] > 0):
        return "the meter shows no energy at all"
    return ""


def _named(
    on: Design,
    known: Bools,
    point: str,
    building: str,
    *,
    refused: str = "",
    quality_: Quality | None = None,
    coefficients: dict[str, list[float]] | None = None,
) -> Baseline:
    used = on.start[known].astype("datetime64[ms]").astype(np.int64)
    start_ms, end_ms = (int(used[0]), int(used[-1]) + 3_600_000) if len(used) else (0, 0)
    q = quality_ or Quality(0, 0, 0.0, 0.0, 0.0, 0.0)
    return Baseline(
        id=f"{point}@{np.datetime64(start_ms, 'ms').astype('datetime64[D]')}",
        building=building or point.partition("/")[0],
        point=point,
        model=MODEL,
        start_ms=start_ms,
        end_ms=end_ms,
        n=q.n,
        p=q.p,
        cvrmse=q.cvrmse,
        nmbe=q.nmbe,
        r2=q.r2,
        cvrmse_daily=q.cvrmse_daily,
        refused=refused,
        coefficients=coefficients or {},
    )


def _coefficients(model: Baseline) -> Floats:
    if model.refused:
        raise ValueError(f"{model.point}: no model ({model.refused})")
    return np.array([model.coefficients[f"hour_{h:02d}"] for h in range(24)])


def regress(on: Design, values: Floats, weight: Floats | None = None) -> tuple[Floats, int]:
    """Robust ridge of any hourly values (n), NaN = leave out: (24, columns) coefficients, effective number of
    parameters.

    Unless weights are given or many hours are unknown, all meters of a design share one factorisation: an unknown
    hour is then its own prediction, pass after pass.
    """
    known = np.isfinite(values)
    shared = weight is None and known.mean() > SHARED_SHARE
    solver = on.even if shared else factorise(on, known * (1.0 if weight is None else weight))
    rows = on.by_hour
    there = (rows >= 0) & known[rows]
    start = _usual(on.hour, values)
    y = np.where(there, values[rows], start[:, None])
    floor = 1e-3 * float(np.nanmean(np.abs(values))) + 1e-12
    coefficients = np.zeros((24, on.x.shape[1]))
    fitted = np.broadcast_to(start[:, None], y.shape)
    for _ in range(PASSES):
        error = np.where(there, y - fitted, 0.0)
        edge = HUBER * np.maximum(_scales(error, there), floor)[:, None]
        coefficients = (solver.gain @ (fitted + np.clip(error, -edge, edge))[..., None])[..., 0]
        fitted = (on.blocks @ coefficients[..., None])[..., 0]
    return coefficients, solver.freedom


def linear(on: Design, coefficients: Floats) -> Floats:
    """Values of each hour (n) from (24, columns) coefficients."""
    rows = on.by_hour
    blocks = (on.blocks @ coefficients[..., None])[..., 0]
    out = np.empty(len(on))
    out[rows[rows >= 0]] = blocks[rows >= 0]
    return out


def absorbed(on: Design, values: Floats) -> Floats:
    """What the regression would take up of hourly values (n, no NaN): the projection on the design's columns.

    A fault that lasts is partly learned as normal; this says which part, without another fit.
    """
    rows = on.by_hour
    blocks = np.where(rows >= 0, values[rows], 0.0)
    coefficients = (on.even.gain @ blocks[..., None])[..., 0]
    return linear(on, coefficients)


def _usual(hour: NDArray[np.int64], values: Floats) -> Floats:
    """Mean of each hour of the day (24), 0 where nothing is known."""
    known = np.isfinite(values)
    count = np.bincount(hour[known], minlength=24)
    return np.asarray(np.bincount(hour[known], values[known], minlength=24) / np.maximum(count, 1), float)


def _scales(error: Floats, known: Bools) -> Floats:
    """1.4826 · median |residual| of each row (normal scale), 0 for rows without data."""
    with np.errstate(all="ignore"):
        masked = np.where(known, np.abs(error), np.nan)
        return np.nan_to_num(1.4826 * _nanmedian(masked))


def _nanmedian(values: Floats) -> Floats:
    """Row-wise median without NaN (sorted last), NaN for empty rows; faster than NumPy's on few long rows."""
    ordered = np.sort(values, axis=1)
    count = np.isfinite(ordered).sum(axis=1)
    take = np.maximum(count - 1, 0)
    rows = np.arange(len(values))
    middle = (ordered[rows, take // 2] + ordered[rows, (take + 1) // 2]) / 2
    return np.asarray(np.where(count > 0, middle, np.nan))


def _band(on: Design, error: Floats, known: Bools) -> tuple[Floats, Floats]:
    """(2, 24) lower and upper residual by day type (other, working) and hour, each with its two neighbouring hours."""
    low, high = np.zeros((2, 24)), np.zeros((2, 24))
    for kind in (0, 1):
        of_kind = np.flatnonzero(known & (on.working == bool(kind)))
        order = of_kind[np.argsort(on.hour[of_kind], kind="stable")]
        parts = np.split(error[order], np.cumsum(np.bincount(on.hour[order], minlength=24))[:-1])
        for hour in range(24):
            near = np.sort(np.concatenate([parts[hour - 1], parts[hour], parts[(hour + 1) % 24]]))
            if len(near) >= LEAST_BAND_HOURS:
                edge = round(BAND * (len(near) - 1))
                low[kind, hour], high[kind, hour] = near[edge], near[-1 - edge]
    return np.minimum(low, 0), np.maximum(high, 0)
