"""Change-point models of daily or monthly energy against outdoor temperature: 1P to 5P.

E(T) = base + heating · max(h − T, 0) + cooling · max(T − c, 0), with heating, cooling ≥ 0 and h ≤ c:

- 1P: base alone · 3PH, 3PC: one slope beyond one change point · 5P: both, with a dead band between;
- 4P: both slopes meet in one change point (h = c), a V (RP-1050 allows slopes of one sign, too);
- 2P: a line without a change point (of either sign), for what runs at every temperature.

After Kissock, Haberl and Claridge, "Inverse Modeling Toolkit: Numerical Algorithms", ASHRAE Transactions 109 (2003) 425
(RP-1050): change points by search over a grid, slopes by least squares. Which model: the one with the fewest
parameters (change points counted) whose BIC is not *strongly* worse than the least, that is by six or more (Kass and
Raftery, "Bayes Factors", JASA 90 (1995) 773).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Floats = NDArray[np.float64]

GRID: Final = 12
"""change points that are tried first, at even shares of the temperatures that occurred"""
FINE: Final = 9
"""and then around the best of them"""
ENDS: Final = (0.1, 0.9)
"""no change point lies where less than a tenth of the data are beyond it"""
STRONG: Final = 6.0
"""difference of BIC"""
LEAST: Final = 8
"""data without which there is only a mean"""


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """``name`` is 1P, 2P, 3PH, 3PC, 4P or 5P. ``base`` in units of energy a day (or month); slopes in those per °C,
    positive as it gets colder (``heating``) or warmer (``cooling``); NaN where the model has none. ``heats_below`` and
    ``cools_above`` in °C. ``r2`` plain, ``cvrmse`` with n − p degrees of freedom (ASHRAE Guideline 14)."""

    name: str
    base: float
    heating: float = float("nan")
    cooling: float = float("nan")
    heats_below: float = float("nan")
    cools_above: float = float("nan")
    n: int = 0
    p: int = 1
    r2: float = 0.0
    cvrmse: float = float("nan")


def fit(outdoor_c: Floats, energy: Floats) -> ChangePoint:
    """The best model of ``energy`` (n) at mean outdoor temperatures ``outdoor_c`` (n); NaN in either leaves a row out.

    Raises ValueError where nothing is known.
    """
    known = np.isfinite(outdoor_c) & np.isfinite(energy)
    t, e = outdoor_c[known], energy[known]
    if not len(e):
        raise ValueError("no day with both energy and outdoor temperature")
    if len(e) < LEAST or float(np.ptp(t)) <= 0:
        return _judged(ChangePoint("1P", float(e.mean())), t, e)
    told = [(_bic(model, t, e), model) for model in _models(t, e)]
    least = min(bic for bic, _ in told)
    _, _, best = min(((model.p, bic, model) for bic, model in told if bic < least + STRONG), key=lambda one: one[:2])
    return _judged(best, t, e)


def predict(model: ChangePoint, outdoor_c: Floats) -> Floats:
    """Energy at each temperature (n), never below zero; NaN where the temperature is."""
    heat = np.maximum(model.heats_below - outdoor_c, 0.0) if np.isfinite(model.heats_below) else -outdoor_c
    cool = np.maximum(outdoor_c - model.cools_above, 0.0) if np.isfinite(model.cools_above) else outdoor_c
    told = np.nan_to_num(model.heating) * heat + np.nan_to_num(model.cooling) * cool
    return np.asarray(np.maximum(model.base + told, 0.0), float)


def _models(t: Floats, e: Floats) -> Iterator[ChangePoint]:
    """Each kind of model, its change points searched twice: on a coarse grid, and finely around the best of it."""
    nothing = float("nan")
    yield ChangePoint("1P", float(e.mean()))
    slope, base = (float(x) for x in np.polyfit(t, e, 1))
    yield ChangePoint("2P", base, nothing if slope > 0 else -slope, slope if slope > 0 else nothing, p=2)
    coarse = np.unique(np.quantile(t, np.linspace(*ENDS, GRID)))
    step = float(np.max(np.diff(coarse), initial=0.0))
    for name in ("3PH", "3PC", "4P", "5P"):
        best = _best(name, t, e, coarse, coarse)
        if best is None:
            continue
        around = np.linspace(-step, step, FINE)  # NaN plus anything stays NaN: no such change point
        finer = _best(name, t, e, best.heats_below + around, best.cools_above + around)
        yield finer or best


def _best(name: str, t: Floats, e: Floats, heats: Floats, cools: Floats) -> ChangePoint | None:
    """The least squares over these change points; None where no fit needs all its slopes."""
    pairs = {
        "3PH": [(h, float("nan")) for h in heats.tolist()],
        "3PC": [(float("nan"), c) for c in cools.tolist()],
        "4P": [(h, h) for h in heats.tolist()],
        "5P": [(h, c) for h in heats.tolist() for c in cools.tolist() if c > h],
    }[name]
    found = [model for h, c in pairs if (model := _sloped(name, t, e, h, c)) is not None]
    return min(found, key=lambda model: float(((e - predict(model, t)) ** 2).sum()), default=None)


def _sloped(name: str, t: Floats, e: Floats, h: float, c: float) -> ChangePoint | None:
    """Least squares with slopes ≥ 0; None where a slope of the model is not needed."""
    heats, cools = bool(np.isfinite(h)), bool(np.isfinite(c))
    columns = [np.maximum(h - t, 0.0)] * heats + [np.maximum(t - c, 0.0)] * cools
    found = nnls(np.column_stack([np.ones(len(t)), *columns]), e)[0].tolist()
    if min(found[1:]) <= 0:
        return None
    heating = found[1] if heats else float("nan")
    return ChangePoint(name, found[0], heating, found[-1] if cools else float("nan"), h, c, p=int(name[0]))


def _judged(model: ChangePoint, t: Floats, e: Floats) -> ChangePoint:
    """With its quality on the data it was fitted to."""
    errors = float(((e - predict(model, t)) ** 2).sum())
    spread = float(((e - e.mean()) ** 2).sum())
    free = max(len(e) - model.p, 1)
    mean = float(e.mean())
    return ChangePoint(
        model.name, model.base, model.heating, model.cooling, model.heats_below, model.cools_above, len(e), model.p,
        1 - errors / spread if spread > 0 else 0.0, np.sqrt(errors / free) / mean if mean else float("nan"),
    )  # fmt: skip


def _bic(model: ChangePoint, t: Floats, e: Floats) -> float:
    n = len(e)
    errors = float(((e - predict(model, t)) ** 2).mean())
    return n * float(np.log(max(errors, 1e-12 * float(np.mean(e**2)) + 1e-300))) + model.p * float(np.log(n))
