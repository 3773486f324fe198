"""One weather- and calendar-aware hourly model of a meter: fit → frozen Baseline → predict.

Strategy: a ridge regression for each hour of the day over the columns of :mod:`analytics.design`, made robust after
Huber by pseudo-values (what lies outside 1.5 scales is pulled to the edge, and the same factorisation is used again).
Hours that are missing or suspect have weight zero; recency weights are optional. A meter without weather gets the
year's turn instead of temperature; one with little history, or that follows nothing, a model of
:mod:`analytics.simple`, and ``simpler`` says why; one with hardly any, or without energy, is refused with the reason.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from analytics import simple
from analytics.design import FEW_METERS, Design, Floats, Ints, Solver, factorise, recency
from analytics.quality import Quality, fit_quality
from submeter.words import Baseline

MODEL: Final = "hourly-ridge/3"
HUBER: Final = 1.5
PASSES: Final = 5
HALF_LIFE_DAYS: Final = 90.0
"""Weight of the baseline's past: the level of use drifts. Half a year costs 1 % of CV(RMSE) and half a per cent of
bias (inner validation); a month and a half is worse for buildings that change little."""
SHARED_SHARE: Final = 0.9
LEAST_HOURS: Final = 21 * 24
"""for an hourly regression to be made at all"""
LEAST_EXPLAINED: Final = 0.02
EVEN: Final = 1e-9
"""Share of the squares that spread must be, for it to be any."""
HOURS_AT_ONCE: Final = 8
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
    half_life_days: float | None = HALF_LIFE_DAYS,
    toward: Floats | None = None,
) -> Baseline:
    """Fit one meter alone: ``energy_kwh`` per hour of the design, NaN = leave out; ``toward`` as in :func:`regress`.
    Never raises: see ``refused``, and ``simpler`` for why it is a model of :mod:`analytics.simple`."""
    if not long_enough(energy_kwh):
        return of_little(on, energy_kwh, point=point, building=building)
    known = np.isfinite(energy_kwh)
    weight = None if half_life_days is None else recency(on.day, known, half_life_days)
    coefficients, p = regress(on, energy_kwh, weight, toward)
    return follows_or_simpler(
        on, energy_kwh, evaluate(on, coefficients), coefficients, p, point=point, building=building
    )


def long_enough(energy_kwh: Floats) -> bool:
    """Whether there is enough of it for the hourly regression to foretell better than a simpler model."""
    return int(np.isfinite(energy_kwh).sum()) >= simple.LITTLE_HOURS and not refusal(energy_kwh)


def of_little(on: Design, energy_kwh: Floats, *, point: str, building: str = "") -> Baseline:
    """A simpler model for little history, or a refusal."""
    why = refusal(energy_kwh, simple.LEAST_HOURS)
    known = np.isfinite(energy_kwh)
    if why:
        return _named(on, known, point, building, refused=why, least=simple.LEAST_HOURS)
    facts = {"hours": float(known.sum()), "least": float(simple.LITTLE_HOURS)}
    return _simpler(on, energy_kwh, point, building, "few_hours", facts)


def follows_or_simpler(
    on: Design, energy_kwh: Floats, fitted: Floats, coefficients: Floats, p: int, *, point: str, building: str = ""
) -> Baseline:
    """The hourly regression; or a simpler model, if what ``fitted`` (n) explains of the energy as of late is no more
    than chance would."""
    if explained(on, energy_kwh, fitted, p) < LEAST_EXPLAINED:
        return _simpler(on, energy_kwh, point, building, "no_pattern", {})
    return describe(on, energy_kwh, coefficients, p, point=point, building=building, fitted=fitted)


def explained(on: Design, energy_kwh: Floats, fitted: Floats, p: int) -> float:
    """R² with n − p degrees of freedom, days weighted as the fit does, n counted as so many as weigh alike (Kish)."""
    known = np.isfinite(energy_kwh)
    weight = np.where(known, recency(on.day, known, HALF_LIFE_DAYS), 0.0)
    total, actual = float(weight.sum()), np.where(known, energy_kwh, 0.0)
    away = actual - float(weight @ actual) / total
    error = actual - np.maximum(fitted, 0.0)
    n = total**2 / float(weight @ weight)
    left, there = float(weight @ error**2), float(weight @ away**2)
    return 1 - left / there * (n - 1) / max(n - p, 1.0) if there > EVEN * float(weight @ actual**2) else 0.0


def _simpler(
    on: Design, energy_kwh: Floats, point: str, building: str, why: str, facts: dict[str, float]
) -> Baseline:  # fmt: skip
    name, kept, p = simple.learn(on, energy_kwh, level=why == "no_pattern")
    known = np.isfinite(energy_kwh)
    q, more = _judged(on, energy_kwh, simple.expected(name, kept, on), p)
    told = _named(on, known, point, building, quality_=q, coefficients=kept | more)
    return structs.replace(told, model=name, simpler=why, facts=facts)


def describe(
    on: Design, energy_kwh: Floats, coefficients: Floats | None, p: int, *, point: str, building: str = "",
    fitted: Floats | None = None,
) -> Baseline:  # fmt: skip
    """Freeze coefficients (24, columns) with their quality on the hours they were fitted on; None = refused.
    ``fitted`` (n) is what they give, where that is known."""
    known = np.isfinite(energy_kwh)
    if coefficients is None:
        return _named(on, known, point, building, refused=refusal(energy_kwh) or "not_made")
    predicted = evaluate(on, coefficients) if fitted is None else np.maximum(fitted, 0.0)
    q, more = _judged(on, energy_kwh, predicted, p)
    kept = {f"hour_{h:02d}": c.tolist() for h, c in enumerate(coefficients)}
    return _named(on, known, point, building, quality_=q, coefficients=kept | more)


def _judged(on: Design, energy_kwh: Floats, predicted: Floats, p: int) -> tuple[Quality, dict[str, list[float]]]:
    """How well it fits, and what any model keeps beside its coefficients."""
    q, spread = fit_quality(energy_kwh, predicted, on.day, p)
    low, high = _band(on, energy_kwh - predicted, np.isfinite(energy_kwh))
    kept = {"low": low.ravel().tolist(), "high": high.ravel().tolist(), "weather": [float(on.weather)]}
    kept["changes_ms"] = [float(ms) for ms in on.changes_ms]
    kept["daily"], kept["weekly"] = [spread.daily, spread.rho], [spread.weekly]
    return q, kept


def predict(model: Baseline, on: Design) -> Floats:
    """Expected kWh of each hour, never below zero. The design must hold the same columns as the fit's.

    Raises ValueError for a refused model or a design of another shape.
    """
    if simple.is_simple(model.model) and not model.refused:
        return simple.expected(model.model, model.coefficients, on)
    coefficients = coefficients_of(model)
    if coefficients.shape[1] != on.width:
        raise ValueError(f"{model.point}: model has {coefficients.shape[1]} columns, the design {on.width}")
    return evaluate(on, coefficients)


def predict_all(models: Sequence[Baseline], on: Design) -> list[Floats]:
    """The same of several meters at once."""
    hourly = [k for k, m in enumerate(models) if not simple.is_simple(m.model)]
    told: dict[int, Floats] = {}
    if hourly:
        coefficients = np.stack([coefficients_of(models[k]) for k in hourly], axis=1)
        told = dict(zip(hourly, np.maximum(on.times(coefficients), 0.0), strict=True))
    return [told[k] if k in told else predict(m, on) for k, m in enumerate(models)]


def predict_band(model: Baseline, on: Design) -> tuple[Floats, Floats]:
    """Where nine hours in ten of the fit lay around what was expected (kWh): 5 % below, 5 % above, by hour and day
    type."""
    expected = predict(model, on)
    cell = on.working.astype(int) * 24 + on.hour
    low, high = (np.array(model.coefficients[k])[cell] for k in ("low", "high"))
    return np.asarray(np.maximum(expected + low, 0.0), float), np.asarray(expected + high, float)


def evaluate(on: Design, coefficients: Floats) -> Floats:
    """Energy of each hour from (24, columns) coefficients, cut at zero."""
    return np.asarray(np.maximum(linear(on, coefficients), 0.0), float)


def refusal(energy_kwh: Floats, least: int = LEAST_HOURS) -> str:
    """Code of why there can be no model, '' = there can."""
    known = np.isfinite(energy_kwh)
    if int(known.sum()) < least:
        return "few_hours"
    return "" if np.any(energy_kwh[known] > 0) else "no_energy"


def _named(
    on: Design,
    known: Bools,
    point: str,
    building: str,
    *,
    refused: str = "",
    quality_: Quality | None = None,
    coefficients: dict[str, list[float]] | None = None,
    least: int = LEAST_HOURS,
) -> Baseline:
    start_ms, end_ms = _ends(on, known)
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
        facts={"hours": float(known.sum()), "least": float(least)} if refused == "few_hours" else {},
        coefficients=coefficients or {},
    )


def _ends(on: Design, known: Bools) -> tuple[int, int]:
    """Begin of the first known hour and end of the last, 0 where none is."""
    if not known.any():
        return 0, 0
    rows = int(known.argmax()), len(known) - 1 - int(known[::-1].argmax())
    first, last = (int(on.start[r].astype("datetime64[ms]").astype(np.int64)) for r in rows)
    return first, last + 3_600_000


def coefficients_of(model: Baseline) -> Floats:
    """(24, columns). Raises ValueError for a refused model."""
    if model.refused:
        raise ValueError(f"{model.point}: no model ({model.refused})")
    return np.array([model.coefficients[f"hour_{h:02d}"] for h in range(24)])


def regress(
    on: Design, values: Floats, weight: Floats | None = None, toward: Floats | None = None
) -> tuple[Floats, int]:
    """Robust ridge of any hourly values (n), NaN = leave out: (24, columns) coefficients, effective number of
    parameters. ``toward`` (24, columns), per unit of their mean size, is what coefficients are shrunk to.

    Unless weights are given or many hours are unknown, all meters of a design share one factorisation: an unknown
    hour is then its own prediction, pass after pass.
    """
    known = np.isfinite(values)
    shared = weight is None and known.mean() > SHARED_SHARE
    solver = on.even if shared else factorise(on, known * (1.0 if weight is None else weight))
    if toward is None:
        return robust(on, solver, values[None])[0][:, 0], solver.freedom
    size, usual = float(np.nanmean(np.abs(values))), toward[:, None]
    return robust(on, solver, values[None] / size, usual, first=usual)[0][:, 0] * size, solver.freedom


def robust(
    on: Design, solver: Solver, values: Floats, toward: Floats | None = None, *, first: Floats | None = None,
    passes: int = PASSES, stride: float = 1.0,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Huber's regression by pseudo-values, many meters at once: coefficients (24, k, columns) of ``values`` (k, n), and
    what they give (k, n).

    ``toward`` (24, k, columns) is what coefficients are shrunk to; ``first`` are those to start from, else the mean of
    each hour. ``stride`` above 1 goes further than each pass says, as the pulled values always say too little. NaN =
    leave out.
    """
    floor = 1e-3 * np.nanmean(np.abs(values), axis=1) + 1e-12
    coefficients = np.empty((24, len(values), on.width))
    fitted = np.empty((24, len(values), on.by_hour.shape[1]))
    step = HOURS_AT_ONCE if len(values) <= FEW_METERS else 1
    for hour in range(0, 24, step):  # what a step works on stays in the processor's cache
        at = slice(hour, hour + step)
        part, pull, begin = solver.hours(at), None, None
        if toward is not None:
            pull = toward[at] * solver.penalty
        if first is not None:
            begin = first[at]
        coefficients[at], fitted[at] = _robust_hours(
            part, on.by_hour[at], values, floor, pull, begin, (stride,) * passes
        )
    return coefficients, on.by_row(fitted)


def plain(on: Design, solver: Solver, values: Floats) -> Floats:
    """Ridge regression without robustness: coefficients (24, k, columns) of ``values`` (k, n); an unknown hour is
    taken for the mean of its hour of the day."""
    y = values.take(on.by_hour, axis=1).transpose(1, 0, 2)
    there = (on.by_hour >= 0)[:, None]
    known = there & np.isfinite(y)
    mean = np.where(known, y, 0.0).sum(axis=2) / np.maximum(known.sum(axis=2), 1)
    return solver.solve(np.where(known, y, mean[..., None] * there))


def _robust_hours(
    solver: Solver, rows: Ints, values: Floats, floor: Floats, pull: Floats | None, first: Floats | None,
    strides: Sequence[float],
) -> tuple[Floats, Floats]:  # fmt: skip
    """Coefficients (hours, k, columns) and what they give (hours, k, slots) for some hours of the day."""
    y = values[:, rows].transpose(1, 0, 2)
    there = (rows >= 0)[:, None] & np.isfinite(y)
    y = np.where(there, y, 0.0)
    count = there.sum(axis=2)
    beyond = np.where(there, 0.0, np.inf)
    middle = _middle(count, there.shape[2])
    usual = (y.sum(axis=2) / np.maximum(count, 1))[..., None]
    fitted = np.broadcast_to(usual, y.shape) if first is None else np.asarray(first @ solver.blocks, float)
    coefficients = first
    for stride in strides:
        error = (y - fitted) * there
        size = np.abs(error) + beyond
        size.sort(axis=2)
        scale = 1.4826 * size.ravel()[middle].mean(axis=0)
        edge = HUBER * np.maximum(np.where(count > 0, scale, 0.0), floor)[..., None]
        np.minimum(error, edge, out=error)
        np.maximum(error, -edge, out=error)
        error += fitted
        told = solver.solve(error, pull)
        coefficients = told if coefficients is None else coefficients + stride * (told - coefficients)
        fitted = coefficients @ solver.blocks
    return np.asarray(coefficients, float), fitted


def _middle(count: Ints, slots: int) -> Ints:
    """(2, hours, k): where the middle one or two of ``count`` (hours, k) sorted values lie in the flat (hours, k,
    slots); the first, of none."""
    begin = np.arange(count.size).reshape(count.shape) * slots
    return np.stack([begin + np.maximum(count - 1, 0) // 2, begin + np.minimum(count // 2, slots - 1)])


def linear(on: Design, coefficients: Floats) -> Floats:
    """Values of each hour (n) from (24, columns) coefficients."""
    return np.asarray(on.times(coefficients[:, None])[0], float)


def absorbed(on: Design, values: Floats) -> Floats:
    """What the regression would take up of hourly values (n, no NaN): the projection on the design's columns.

    A fault that lasts is partly learned as normal; this says which part, without another fit.
    """
    blocks = np.where(on.by_hour >= 0, values[on.by_hour], 0.0)[:, None]
    return linear(on, on.even.solve(blocks)[:, 0])


def _band(on: Design, error: Floats, known: Bools) -> tuple[Floats, Floats]:
    """(2, 24) lower and upper residual by day type (other, working) and hour, a little smoothed over the hours."""
    low, high = np.zeros((2, 24)), np.zeros((2, 24))
    of_hour = np.where(known, error, np.inf).take(on.by_hour)
    if (on.by_hour < 0).any():
        of_hour[on.by_hour < 0] = np.inf
    for kind, mine in enumerate((on.side < 0, on.side > 0)):
        ordered = of_hour[:, mine]
        ordered.sort(axis=1)
        count = np.isfinite(ordered).sum(axis=1)
        if int(count.min()) * 3 < LEAST_BAND_HOURS:
            continue
        edge = np.round(BAND * (count - 1)).astype(np.int64)
        low[kind] = ordered[np.arange(24), edge]
        high[kind] = ordered[np.arange(24), count - 1 - edge]
    return np.minimum(_smoothed(low), 0), np.maximum(_smoothed(high), 0)


def _smoothed(of_hour: Floats) -> Floats:
    """(2, 24): each hour with a quarter of either neighbour's around the clock."""
    return np.asarray(of_hour / 2 + (np.roll(of_hour, 1, axis=1) + np.roll(of_hour, -1, axis=1)) / 4, float)
