"""Main against subs: which child of a parent shows the wrong energy during an episode.

Strategy: what a child shows too much, the remainder (parent − Σ children) shows too little; a real change of load moves
child and parent alike and leaves the remainder alone. So each child is scored by

- *tree*: how much better the remainder's departure from its expectation is explained by taking back the child's own
  departure, or by a known factor of what it showed (a lost phase took half of that, a reversed one twice, a wrong
  decimal gave nine tenths too much);
- *own*: how unusual its own departure is, at a quarter of the weight (real changes are unusual, too);
- *repeats*: a register that stands still, or a value that comes again and again, against how often that happens.

Departures are in units of their usual size at that type of day and hour, with Student's t tails (ν = 3), so that no
single hour decides. Scores are log-likelihood ratios in form; only their order is used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

TAILS: Final = 3.0
OWN: Final = 0.3
FACTORS: Final = (0.5, 2.0, -0.9)
"""the remainder's surplus, as a share of what the child shows: lost phase, reversed phase, ten times too much"""
FACTOR_COST: Final = 2.0
RARE: Final = 0.02
"""no repeat is held to be rarer than this"""
LEAST: Final = 5.0
"""a score below is no more than chance"""
TYPES: Final = 72
FLOOR: Final = 0.3
"""of the mean absolute departure: what is quiet in history is not quiet for ever"""
CUT: Final = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Usual:
    """A family's usual departures from expectation: ``scale`` (72, children + 1) kWh by hour type, the remainder in
    the last column; ``own`` (children) mean score of an ordinary hour; ``repeat`` (children) share of repeats."""

    scale: Floats
    own: Floats
    repeat: Floats


def remainder(parent_kwh: Floats, children_kwh: Floats) -> Floats:
    """(n) what the parent shows beyond its children (n, children); NaN where any is unknown."""
    return np.asarray(parent_kwh - children_kwh.sum(axis=1), float)


def usual(shown_kwh: Floats, expected_kwh: Floats, kind: Ints) -> Usual:
    """Learn from hours without known faults.

    ``shown_kwh`` and ``expected_kwh`` (n, children + 1) hold the children and, last, the remainder; NaN = unknown;
    ``kind`` (n) is :func:`~analytics.calendar.hour_type`.
    """
    off = shown_kwh - expected_kwh
    scale = np.column_stack([_scale(column, kind) for column in off.T])
    own = [np.nanmean(_score(off[:, c] / scale[kind, c])) for c in range(off.shape[1] - 1)]
    again = np.diff(shown_kwh[:, :-1], axis=0) == 0
    return Usual(scale, np.array(own), np.maximum(again.mean(axis=0), RARE))


def scores(of: Usual, shown_kwh: Floats, expected_kwh: Floats, kind: Ints) -> Floats:
    """(children) how much speaks for each child being at fault in the hours given (an episode); shapes as in
    :func:`usual`. A child without known hours scores −inf."""
    rest = shown_kwh[:, -1] - expected_kwh[:, -1]
    of_rest = of.scale[kind, -1]
    children = shown_kwh.shape[1] - 1
    return np.array([
        _child(of, c, shown_kwh[:, c], shown_kwh[:, c] - expected_kwh[:, c], of.scale[kind, c], rest, of_rest)
        for c in range(children)
    ])  # fmt: skip


def blamed(of: Usual, shown_kwh: Floats, expected_kwh: Floats, kind: Ints) -> int | None:
    """The child (column) for which most speaks; None where little does."""
    every = scores(of, shown_kwh, expected_kwh, kind)
    return int(np.argmax(every)) if len(every) and every.max() >= LEAST else None


def _child(of: Usual, column: int, shown: Floats, off: Floats, scale: Floats, rest: Floats, of_rest: Floats) -> float:
    known = np.isfinite(off) & np.isfinite(rest)
    if not known.any():
        return -np.inf
    shown, off, scale, rest, of_rest = shown[known], off[known], scale[known], rest[known], of_rest[known]
    as_it_is = _score(rest / of_rest)
    taken_back = [float((as_it_is - _score((rest + off) / np.hypot(scale, of_rest))).sum())]
    factors = [float((as_it_is - _score((rest - f * shown) / of_rest)).sum()) - FACTOR_COST for f in FACTORS]
    own = float((_score(off / scale) - of.own[column]).sum())
    return max(taken_back + factors) + OWN * own + longest_run(shown) * -float(np.log(of.repeat[column]))


def longest_run(values: Floats) -> int:
    """How often, at most, a value is followed by the same one again without a break."""
    same = np.concatenate([[0], (np.diff(values) == 0).astype(int), [0]])
    turns = np.flatnonzero(np.diff(same))
    return int((turns[1::2] - turns[::2]).max(initial=0))


def _score(departure: Floats) -> Floats:
    """−log of Student's t density, without its constant."""
    return np.asarray((TAILS + 1) / 2 * np.log1p(departure**2 / TAILS), float)


def _scale(off: Floats, kind: Ints) -> Floats:
    """(72) root mean square by hour type, outliers cut at five robust scales, with a floor."""
    known = np.isfinite(off)
    if not known.any():
        return np.ones(TYPES)
    size = np.abs(off[known])
    cut = np.minimum(size, CUT * max(1.4826 * float(np.median(size)), 1e-9)) ** 2
    count = np.bincount(kind[known], minlength=TYPES)
    mean = np.bincount(kind[known], cut, minlength=TYPES) / np.maximum(count, 1)
    floor = FLOOR * float(size.mean()) + 1e-6
    return np.maximum(np.sqrt(np.where(count > 0, mean, float(cut.mean()))), floor)


def stacked(children_kwh: Sequence[Floats], parent_kwh: Floats) -> Floats:
    """(n, children + 1) from the children's columns and their parent's, as this module wants them."""
    children = np.column_stack(list(children_kwh))
    return np.column_stack([children, remainder(parent_kwh, children)])
