"""Main against subs: which meter of a family shows the wrong energy during an episode.

Strategy: what a child shows too much, the remainder (parent − Σ children) shows too little; what the parent shows too
much, the remainder shows, too; a real change of load moves child and parent alike and leaves the remainder alone. So
each member is scored by

- *tree*: how much better the remainder's departure is explained by taking back the member's own departure, or by a
  known factor of what it showed (a lost phase took half of that, a reversed one twice, a wrong decimal gave nine tenths
  too much): once in the mean over the episode, once hour by hour;
- *own*: how unusual its own departure is: in the mean, of logarithms (so that summer and winter count alike), and a
  little hour by hour (real changes are unusual, too);
- *repeats*: a register that stands still, or a value that comes again and again, against how often that happens.

A departure is counted from what the same meter showed against its expectation in the two weeks on either side: a fault
begins and ends with its episode, a model's error does not. A mean over so many hours is in units of what the means over
as many hours, seen in the same way, were in history (each meter calibrates itself); an hour in units of its type's
usual departure, and all hours of an episode together say no more than :data:`HOURS` independent ones: what is unusual
stays so for days. Student's t tails (ν = 3), so that nothing alone decides. A parent may be blamed only while none of
its children has moved: mains are looked after by others, too, and a fault of a child is all that a remainder needs.

Chosen on Drammen with train and test year exchanged (families of several children, other seeds than the benchmark's):
.72 right with hours alone, .83 with means beside them, .89 with logarithms in the own part. No gain: scales that grow
with the load, a ramp beside the mean, both kinds of own part together.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

TAILS: Final = 3.0
HOURS: Final = 6.0
OWN_MEAN: Final = 2.0
OWN_HOURS: Final = 0.3
FACTORS: Final = (0.5, 2.0, -0.9)
"""the remainder's surplus, as a share of what the child shows: lost phase, reversed phase, ten times too much"""
FACTOR_COST: Final = 1.0
RARE: Final = 0.02
"""no repeat is held to be rarer than this"""
LEAST: Final = 1.0
"""a score below is no more than chance"""
AGAINST: Final = -3.0
"""where the remainder speaks so much against a member, its load has changed and nobody is at fault"""
PARENT_COST: Final = 5.0
MOVED: Final = 0.12
"""a child has moved by more than this in logarithms, or by more than is usual over as many hours"""
AROUND_H: Final = 14 * 24
LOG_FLOOR: Final = 0.05
"""of a meter's mean is added before the logarithm"""
STEPS: Final = 4
"""lengths between 1 and e times as long for which usual means are learnt"""
TYPES: Final = 72
FLOOR: Final = 0.3
"""of the mean absolute departure: what is quiet in history is not quiet for ever"""
CUT: Final = 5.0
TINY: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """A parent's children, and perhaps the parent itself as the last member.

    ``shown`` and ``expected`` (n, members) kWh, ``rest`` (n) the remainder's departure from its own expectation, NaN =
    unknown; ``kind`` (n) is :func:`~analytics.calendar.hour_type`; ``learnt`` (n) hours to learn from; ``parent``
    whether the last member is the parent.
    """

    shown: Floats
    expected: Floats
    rest: Floats
    kind: Ints
    learnt: Bools
    parent: bool = False

    @property
    def sign(self) -> Floats:
        """(members) +1 where taking back what a member shows too much raises the remainder, −1 for the parent."""
        out = np.ones(self.shown.shape[1])
        out[-1] = -1.0 if self.parent else 1.0
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Usual:
    """What is usual in a family: ``scale`` (72, members + 1) kWh of an hour's departure by type, the remainder last;
    ``own`` (members) mean score of an ordinary hour; ``repeat`` (members) share of repeats; ``floor`` (members) kWh;
    ``sums`` and ``known`` (n + 1, 2 · members + 1) running sums of departures in kWh, of the remainder's and in
    logarithms; ``span`` rows to learn from; ``wide`` the usual size of a mean, by length, filled as asked for."""

    scale: Floats
    own: Floats
    repeat: Floats
    floor: Floats
    sums: Floats
    known: Floats
    span: tuple[int, int]
    wide: dict[int, Floats] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Suspicion:
    """(members) what speaks for each being at fault: ``tree`` by the remainder, ``total`` altogether; −inf where
    nothing is known. ``most``: what ``tree`` would be had nothing of the member's departure flowed; small where the
    remainder is too restless to tell."""

    tree: Floats
    total: Floats
    most: Floats


def remainder(parent_kwh: Floats, children_kwh: Floats) -> Floats:
    """(n) what the parent shows beyond its children (n, children); NaN where any is unknown."""
    return np.asarray(parent_kwh - children_kwh.sum(axis=1), float)


def usual(family: Family) -> Usual:
    """Learn what is usual from the hours that the family names for it."""
    off, learnt = family.shown - family.expected, family.learnt
    marked = np.where(learnt[:, None], np.column_stack([off, family.rest]), np.nan)
    scale = np.column_stack([_scale(column, family.kind) for column in marked.T])
    members = off.shape[1]
    own = [_mean(_score(marked[:, c] / scale[family.kind, c])) for c in range(members)]
    again = (np.diff(family.shown, axis=0) == 0)[learnt[1:]]
    floor = LOG_FLOOR * np.array([_mean(np.abs(c[learnt])) for c in family.shown.T]) + TINY
    every = np.column_stack([off, family.rest, _logs(family.shown, family.expected, floor)])
    known = np.isfinite(every)
    rows = np.flatnonzero(learnt)
    return Usual(
        scale, np.array(own), np.maximum(again.mean(axis=0), RARE), floor, _running(np.where(known, every, 0.0)),
        _running(known.astype(float)), (int(rows[0]), int(rows[-1]) + 1),
    )  # fmt: skip


def suspicion(of: Usual, family: Family, hours: slice) -> Suspicion:
    """What speaks for each member being at fault in ``hours`` (an episode). ``family`` may show the fault while ``of``
    was learnt without it; only what it shows in ``hours`` is looked at."""
    members, sign = family.shown.shape[1], family.sign
    around, wide = _around(of, hours), _wide(of, hours.stop - hours.start)
    shown, kind = family.shown[hours], family.kind[hours]
    logs = _logs(shown, family.expected[hours], of.floor) - around[members + 1 :]
    off, rest = shown - family.expected[hours] - around[:members], family.rest[hours] - around[members]
    tree, total, most = (np.full(members, -np.inf) for _ in range(3))
    moved = np.zeros(members, bool)
    for c in range(members):
        there = np.isfinite(off[:, c]) & np.isfinite(rest)
        if not there.any():
            continue
        one = _Member(sign[c], shown[there, c], off[there, c], of.scale[kind[there], c], rest[there],
                      of.scale[kind[there], -1])  # fmt: skip
        unlike = float(logs[there, c].mean()) / wide[members + 1 + c]
        tree[c] = one.by_mean(float(wide[c]), float(wide[members])) + one.by_hours()
        most[c] = float(_score(np.array(one.off.mean() / wide[members]))) + one.at_most()
        hourly = OWN_HOURS * float((_score(one.off / one.scale) - of.own[c]).sum())
        hourly += longest_run(one.shown) * -float(np.log(of.repeat[c]))
        total[c] = tree[c] + one.temper * hourly + OWN_MEAN * float(_score(np.array(unlike)))
        moved[c] = abs(float(logs[there, c].mean())) > max(MOVED, float(wide[members + 1 + c]))
    if family.parent:
        total[-1] -= np.inf if moved[:-1].any() else PARENT_COST
    return Suspicion(tree, total, most)


def blamed(of: Usual, family: Family, hours: slice) -> int | None:
    """The member (column) for which most speaks, given that something is wrong; None where nothing does, or where the
    remainder says that it is a load that has changed."""
    told = suspicion(of, family, hours)
    best = int(np.argmax(told.total))
    return best if told.total[best] >= LEAST and told.tree[best] >= AGAINST else None


@dataclass(frozen=True, slots=True, eq=False)
class _Member:
    """A member's known hours of an episode: shown, departure, its usual size; the remainder's, its usual size."""

    sign: float
    shown: Floats
    off: Floats
    scale: Floats
    rest: Floats
    of_rest: Floats

    @property
    def temper(self) -> float:
        return 1 / (1 + len(self.off) / HOURS)

    def by_hours(self) -> float:
        as_it_is = _score(self.rest / self.of_rest)
        back = float((as_it_is - _score((self.rest + self.sign * self.off) / np.hypot(self.scale, self.of_rest))).sum())
        factors = [
            float((as_it_is - _score((self.rest - self.sign * f * self.shown) / self.of_rest)).sum()) - 2 * FACTOR_COST
            for f in FACTORS
        ]
        return self.temper * max([back, *factors])

    def at_most(self) -> float:
        return self.temper * float(_score(self.off / self.of_rest).sum())

    def by_mean(self, scale: float, of_rest: float) -> float:
        rest, off, shown = float(self.rest.mean()), float(self.off.mean()), float(self.shown.mean())
        left = [(rest + self.sign * off) / np.hypot(scale, of_rest)]
        left += [(rest - self.sign * f * shown) / of_rest for f in FACTORS]
        cost = np.array([0.0] + [FACTOR_COST] * len(FACTORS))
        return float(_score(np.array(rest / of_rest)) - (_score(np.array(left)) + cost).min())


def longest_run(values: Floats) -> int:
    """How often, at most, a value is followed by the same one again without a break."""
    same = np.concatenate([[0], (np.diff(values) == 0).astype(int), [0]])
    turns = np.flatnonzero(np.diff(same))
    return int((turns[1::2] - turns[::2]).max(initial=0))


def _logs(shown: Floats, expected: Floats, floor: Floats) -> Floats:
    return np.asarray(np.log((np.maximum(shown, 0) + floor) / (np.maximum(expected, 0) + floor)), float)


def _running(values: Floats) -> Floats:
    return np.vstack([np.zeros(values.shape[1]), np.cumsum(values, axis=0)])


def _around(of: Usual, hours: slice) -> Floats:
    """Mean departures in the two weeks before and the two after."""
    before, after = max(hours.start - AROUND_H, 0), min(hours.stop + AROUND_H, len(of.sums) - 1)
    sums = of.sums[hours.start] - of.sums[before] + of.sums[after] - of.sums[hours.stop]
    known = of.known[hours.start] - of.known[before] + of.known[after] - of.known[hours.stop]
    return np.asarray(sums / np.maximum(known, 1), float)


def _wide(of: Usual, length: int) -> Floats:
    """Usual size of a mean over so many hours against what is around it, in history; the next longer length that was
    learnt. A history too short for it says nothing of it: infinite."""
    step = int(np.ceil(np.log(length) * STEPS))
    if step not in of.wide:
        n = max(int(np.exp(step / STEPS)), 1)
        at = np.arange(of.span[0] + AROUND_H, of.span[1] - n - AROUND_H, max(n // 6, 6))
        of.wide[step] = _size(_contrast(of, at, n)) if len(at) > STEPS else np.full(of.sums.shape[1], np.inf)
    return of.wide[step]


def _contrast(of: Usual, at: Ints, n: int) -> Floats:
    """(windows, columns) means over n hours from ``at`` less those of what is around."""
    inside, count = of.sums[at + n] - of.sums[at], of.known[at + n] - of.known[at]
    beside = of.sums[at] - of.sums[at - AROUND_H] + of.sums[at + n + AROUND_H] - of.sums[at + n]
    counted = of.known[at] - of.known[at - AROUND_H] + of.known[at + n + AROUND_H] - of.known[at + n]
    return np.asarray(inside / np.maximum(count, 1) - beside / np.maximum(counted, 1), float)


def _size(values: Floats) -> Floats:
    """Robust size of columns about zero, no less than half the root of their mean square without the top twentieth."""
    square = values**2
    most = np.sqrt(np.minimum(square, np.quantile(square, 0.95, axis=0)).mean(axis=0))
    return np.asarray(np.maximum(1.4826 * np.median(np.abs(values), axis=0), most / 2) + TINY, float)


def _score(departure: Floats) -> Floats:
    """−log of Student's t density, without its constant."""
    return np.asarray((TAILS + 1) / 2 * np.log1p(departure**2 / TAILS), float)


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else 0.0


def _scale(off: Floats, kind: Ints) -> Floats:
    """(72) root mean square by hour type, outliers cut at five robust scales, with a floor."""
    known = np.isfinite(off)
    if not known.any():
        return np.ones(TYPES)
    size = np.abs(off[known])
    cut = np.minimum(size, CUT * max(1.4826 * float(np.median(size)), TINY)) ** 2
    count = np.bincount(kind[known], minlength=TYPES)
    mean = np.bincount(kind[known], cut, minlength=TYPES) / np.maximum(count, 1)
    floor = FLOOR * float(size.mean()) + 1e-6
    return np.maximum(np.sqrt(np.where(count > 0, mean, float(cut.mean()))), floor)
