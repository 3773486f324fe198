"""Why a parent and its children disagree: the likeliest single cause, with the evidence.

Strategy: the hourly difference d = parent − Σ children is explained by each cause in turn, a non-negative least-squares
fit (Lawson and Hanson, "Solving Least Squares Problems" (1974), ch. 23) over at most two terms:

- a child reads f times too little or too much: d = θ · child, θ > 0 or −1 ≤ θ < 0;
- the parent does: d = θ · Σ children;
- something that nobody meters draws the same all day (d = const), alone or beside one of those;
- a child is missing: d has a shape of its own (a non-negative amount for each day type and hour).

Children that are alike by day and hour (all offices are) differ from hour to hour and from day to day, so a fit is
judged on both: differences of successive hours, and sums of days. What meter classes may leave is a floor under either
error; below it one fit is no better than another. A cause that names a meter must (1) leave next to nothing
unexplained in both and (2) have the same factor in both: a load that merely resembles a child's fails one of the two,
and is then called missing. The winner has the least BIC (Schwarz 1978), successive hours counted half.

A tree of which much is not metered on purpose only ever tells of a missing child: one month of it cannot say more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

UNEXPLAINED: Final = 0.03
"""of the variance of d, at most, when a meter is to be blamed"""
SAME: Final = 3.0
"""standard errors by which a factor from hours and one from days may differ"""
SAME_SHARE: Final = 0.25
"""or this share of the factor"""
MATERIAL: Final = 0.5
"""of what is outside the band must be explained"""
LEAST: Final = 0.1
"""a smaller departure from 1 is no ratio that anybody mounts, and no lost phase"""
NEAR: Final = 0.07
"""how near a factor must come to a known one"""
FLOOR_SHARE: Final = 1 / 3
"""of the band: what class errors that do not all point one way may leave"""
TELLING: Final = 9.0
"""times the floor's variance: less says nothing"""
FLAT: Final = 0.25
"""of its mean is how far a base load's hours may lie off, on average"""
PASSES: Final = 3


class Cause(StrEnum):
    MISSING_CHILD = "missing_child"
    """a load with a shape of its own that no child counts"""
    BASE_LOAD = "base_load"
    """a load that is always the same and that no child counts"""
    DOUBLE_COUNT = "double_count"
    """the child is counted below another child already"""
    REVERSED_PHASE = "reversed_phase"
    """one of three current transformers points the wrong way: a third is shown"""
    LOST_PHASE = "lost_phase"
    """one of three phases is not seen: two thirds are shown"""
    WRONG_RATIO = "wrong_ratio"
    """the meter shows a constant factor of what flows"""
    UNKNOWN = "unknown"


KNOWN_CHILD: Final = {-1.0: Cause.DOUBLE_COUNT, 2.0: Cause.REVERSED_PHASE, 0.5: Cause.LOST_PHASE}
KNOWN_PARENT: Final = {-2 / 3: Cause.REVERSED_PHASE, -1 / 3: Cause.LOST_PHASE}

PARENT: Final = -1
NOBODY: Final = -2


@dataclass(frozen=True, slots=True)
class Imbalance:
    """``blamed`` is a child's column, :data:`PARENT`, or :data:`NOBODY` where no meter is to blame.

    ``factor``: what the blamed meter shows ÷ what flows (1 = right; a double count has none, NaN). ``explained``: share
    of the difference's hour-to-hour and day-to-day variance (the worse of both) that the cause accounts for;
    ``margin``: by how much the BIC of the next best cause is worse. ``base_kw``: unmetered constant load beside it.
    ``either``: with a single child nobody can say whether it or the parent is wrong.
    """

    cause: Cause
    blamed: int = NOBODY
    factor: float = float("nan")
    explained: float = 0.0
    margin: float = 0.0
    base_kw: float = 0.0
    either: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Bands:
    """A signal hour to hour and day by day; ``floor`` beside it are errors that mean nothing."""

    hours: Floats
    days: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    blamed: int
    shape: str
    theta: float
    rest: Floats
    bic: float
    unexplained: float
    consistent: bool
    flat: bool
    """whether the difference is nearly the same in every hour"""


def explain(parent_kwh: Floats, children_kwh: Floats, day: Ints, kind: Ints, band_kwh: float) -> Imbalance | None:
    """The cause of an imbalance; None where the sums agree within the band.

    ``parent_kwh`` (n) and ``children_kwh`` (n, children) in kWh per hour, no NaN (leave unknown hours out); ``day`` (n)
    any number that changes at local midnight; ``kind`` (n) :func:`~analytics.calendar.hour_type`; ``band_kwh`` what
    metering classes allow over all hours together.
    """
    off = float(parent_kwh.sum() - children_kwh.sum())
    if not len(parent_kwh) or abs(off) <= band_kwh:
        return None
    fits = sorted(_fits(parent_kwh, children_kwh, day, kind, band_kwh), key=lambda fit: fit.bic)
    named = [fit for fit in fits if fit.blamed == NOBODY or _convincing(fit, off, band_kwh, children_kwh)]
    return _told(named, off, children_kwh.shape[1])


def _fits(parent: Floats, children: Floats, day: Ints, kind: Ints, band: float) -> Iterator[_Fit]:
    d = parent - children.sum(axis=1)
    floor = FLOOR_SHARE * band / len(parent)
    constant, types = np.ones((len(d), 1)), np.eye(72)[kind]
    nothing = np.empty((len(d), 0))
    for shape, base in (("none", nothing), ("constant", constant), ("shape", types[:, types.any(axis=0)])):
        yield _fit(d, None, base, day, floor, NOBODY, shape)
    suspects = [*range(children.shape[1]), *([PARENT] if children.shape[1] > 1 else [])]
    for blamed in suspects:
        signal = children.sum(axis=1) if blamed == PARENT else children[:, blamed]
        for shape, base in (("none", nothing), ("constant", constant)):
            for sign in (1.0, -1.0):
                yield _fit(d, sign * signal, base, day, floor, blamed, shape, sign)


def _fit(
    d: Floats, signal: Floats | None, base: Floats, day: Ints, floor: float, blamed: int, shape: str, sign: float = 1.0
) -> _Fit:
    """Fit d by θ · signal + base, θ ≥ 0 (and ≤ 1 where the signal is a child taken away), base ≥ 0."""
    columns = base if signal is None else np.column_stack([signal, base])
    of_d, of_columns = _bands(d, day), _bands(columns, day)
    floors = (floor, floor * len(d) / max(len(of_d.days), 1))
    weights = _weights(of_d, floors)
    theta, rest = np.zeros(columns.shape[1]), of_d
    for _ in range(PASSES if columns.shape[1] else 0):
        theta = _solved(of_d, of_columns, weights, capped=signal is not None and sign < 0)
        rest = _Bands(of_d.hours - of_columns.hours @ theta, of_d.days - of_columns.days @ theta)
        weights = _weights(rest, floors)
    counted = (len(rest.hours) / 2, len(rest.days))
    errors = tuple(float(np.mean(each**2)) + f**2 for each, f in zip((rest.hours, rest.days), floors, strict=True))
    bic = sum(n * np.log(e) for n, e in zip(counted, errors, strict=True)) + len(theta) * np.log(max(counted[0], 2))
    return _Fit(
        flat=float(np.mean(np.abs(d - d.mean()))) <= FLAT * abs(float(d.mean())) + floor,
        blamed=blamed,
        shape=shape,
        theta=0.0 if signal is None else sign * float(theta[0]),
        rest=theta[1:] if signal is not None else theta,
        bic=float(bic),
        unexplained=_unexplained(of_d, rest, floors, about_mean=base.shape[1] > 0),
        consistent=signal is None or _consistent(of_d, _bands(signal, day), floors, about_mean=base.shape[1] > 0),
    )


def _bands(values: Floats, day: Ints) -> _Bands:
    days, at = np.unique(day, return_inverse=True)
    sums = np.zeros((len(days), *values.shape[1:]))
    np.add.at(sums, at, values)
    return _Bands(np.diff(values, axis=0), sums)


def _weights(rest: _Bands, floors: tuple[float, float]) -> tuple[float, float]:
    errors = (float(np.mean(rest.hours**2)) + floors[0] ** 2, float(np.mean(rest.days**2)) + floors[1] ** 2)
    return 1 / np.sqrt(errors[0]), 1 / np.sqrt(errors[1])


def _solved(of_d: _Bands, columns: _Bands, weights: tuple[float, float], *, capped: bool) -> Floats:
    matrix = np.vstack([columns.hours * weights[0], columns.days * weights[1]])
    wanted = np.concatenate([of_d.hours * weights[0], of_d.days * weights[1]])
    theta = np.asarray(nnls(matrix, wanted)[0], float)
    if not capped or theta[0] <= 1.0:
        return theta
    others = nnls(matrix[:, 1:], wanted - matrix[:, 0])[0] if matrix.shape[1] > 1 else np.empty(0)
    return np.concatenate([[1.0], others])


def _unexplained(of_d: _Bands, rest: _Bands, floors: tuple[float, float], *, about_mean: bool) -> float:
    """The worse of both bands: what is left, above the floor, as a share of what there was; a band in which there was
    little more than the floor says nothing."""
    shares = []
    for there, left, floor in zip((of_d.hours, of_d.days), (rest.hours, rest.days), floors, strict=True):
        before = float(np.var(there) if about_mean else np.mean(there**2))
        if before > TELLING * floor**2:
            shares.append(max(float(np.mean(left**2)) - floor**2, 0.0) / before)
    return max(shares, default=1.0)


def _consistent(of_d: _Bands, signal: _Bands, floors: tuple[float, float], *, about_mean: bool) -> bool:
    """Whether hours and days tell the same factor."""
    by_hours = _slope(of_d.hours, signal.hours, floors[0], about_mean=False)
    by_days = _slope(of_d.days, signal.days, floors[1], about_mean=about_mean)
    gap = abs(by_hours[0] - by_days[0])
    error = float(np.hypot(by_hours[1], by_days[1]))
    return gap <= SAME * error or gap <= SAME_SHARE * max(abs(by_days[0]), 0.2)


def _slope(values: Floats, signal: Floats, floor: float, *, about_mean: bool) -> tuple[float, float]:
    """Slope and its standard error of a regression through zero, or through the means."""
    y, x = (values - values.mean(), signal - signal.mean()) if about_mean else (values, signal)
    power = float((x**2).sum())
    if power <= 0:
        return 0.0, float("inf")
    slope = float((x * y).sum()) / power
    return slope, float(np.sqrt((np.mean((y - slope * x) ** 2) + floor**2) / power))


def _convincing(fit: _Fit, off: float, band: float, children: Floats) -> bool:
    """Whether a meter may be blamed: its fault is large enough to matter, and leaves nothing to explain."""
    signal = children if fit.blamed == PARENT else children[:, fit.blamed]
    kwh = fit.theta * float(signal.sum())
    alone = kwh * np.sign(off) >= MATERIAL * abs(off)
    beside = fit.shape == "constant" and abs(kwh) >= MATERIAL * band
    return bool((alone or beside) and fit.unexplained <= UNEXPLAINED and fit.consistent and abs(fit.theta) >= LEAST)


def _told(fits: list[_Fit], off: float, children: int) -> Imbalance:
    best = fits[0]
    margin = next((fit.bic - best.bic for fit in fits[1:] if fit.blamed != best.blamed), 0.0)
    base_kw = float(best.rest[0]) if best.shape == "constant" else 0.0
    explained = max(0.0, 1 - best.unexplained)
    if best.blamed == NOBODY:
        if off < 0 or best.shape == "none":
            return Imbalance(Cause.UNKNOWN, margin=margin)
        cause = Cause.BASE_LOAD if best.shape == "constant" and best.flat else Cause.MISSING_CHILD
        return Imbalance(cause, explained=explained, margin=margin, base_kw=base_kw)
    cause, factor = _named(best.blamed, best.theta)
    return Imbalance(cause, best.blamed, factor, explained, margin, base_kw, either=children == 1)


def _named(blamed: int, theta: float) -> tuple[Cause, float]:
    """A factor's name, and what the meter shows ÷ what flows."""
    known = KNOWN_PARENT if blamed == PARENT else KNOWN_CHILD
    near = [cause for value, cause in known.items() if abs(theta - value) <= NEAR * abs(value)]
    cause = near[0] if near else Cause.WRONG_RATIO
    if cause is Cause.DOUBLE_COUNT:
        return cause, float("nan")
    return cause, 1 + theta if blamed == PARENT else 1 / (1 + theta) if theta > -1 else float("inf")
