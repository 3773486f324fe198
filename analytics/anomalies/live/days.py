"""Long faults as they go on: each day's evidence for every fault of the bank, summed since every day it may have begun.

Strategy: the bank's own measure (:mod:`analytics.anomalies.bank.noise`) for one day of all meters at once: the fault is
undone, the meter's own days say how likely what remains is. A day counts differently by how many of its lags reach back
into the fault, so each possible beginning has a sum of its own (Shiryaev's procedure, with a prior over beginnings and
sizes), kept for :data:`LONGEST` days. *Unlike*, a level that is no fault, competes.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from analytics.anomalies.bank.noise import LAGS, TAIL
from analytics.anomalies.bank.record import BLOCK_H, BLOCKS, Floats, Ints
from analytics.anomalies.bank.templates import BANK, UNLIKE, night_hours

LONGEST: Final = 24
"""days"""
WEEK: Final = max(LAGS)
ONSET: Final = 0.005
"""Prior of each kind's beginning, a day."""
TEMPER: Final = 0.6
PERSIST: Final = 0.7
LIVE: Final = tuple(range(len(BANK)))
KINDS: Final = tuple(dict.fromkeys(t.kind for t in BANK))
OF_KIND: Final = np.array([[t.kind == k for t in BANK] for k in KINDS])
PRIOR: Final = np.log([t.prior for t in BANK])
SIZE: Final = np.array([t.size for t in BANK])
RATIOS: Final = ("phase_loss", UNLIKE)
RATIO: Final = np.array([t.kind in RATIOS for t in BANK])
EXTRA: Final = np.array([t.kind not in (*RATIOS, "time_shift") for t in BANK])
LEAST: Final = -1e9


@dataclass(frozen=True, slots=True, eq=False)
class Habits:
    """Of each meter's days: ``follow`` (meters, lags) · ``weight`` (meters, 2, blocks) of other and working days ·
    ``root`` (meters, blocks, blocks) as in :class:`~analytics.anomalies.bank.noise.Noise` · ``persist`` (meters,
    LONGEST) variance of long means · ``mean`` and ``span`` (meters) kWh · ``wide`` (meters) scale of the log residual
    · ``along`` (meters, blocks) how far it goes along with the others, ``scale`` (meters) in which · ``swing`` (meters)
    scale of what is usual within a day, in units of ``wide``."""

    follow: Floats
    weight: Floats
    root: Floats
    persist: Floats
    mean: Floats
    span: Floats
    wide: Floats
    along: Floats
    scale: Floats
    swing: Floats


class Sums(NamedTuple):
    """``own`` (week, meters, blocks) log residuals of the last days, newest last, NaN = unknown; ``undone`` (week,
    meters, templates, blocks) the same without each fault; ``since`` (meters, templates, LONGEST) evidence of a fault
    that began so many days ago."""

    own: Floats
    undone: Floats
    since: Floats


def no_sums(meters: int) -> Sums:
    own = np.full((WEEK, meters, BLOCKS), np.nan)
    return Sums(own, np.full((WEEK, meters, len(BANK), BLOCKS), np.nan), np.full((meters, len(BANK), LONGEST), LEAST))


def blocks_of(values: Floats) -> Floats:
    """Means of blocks of hours (…, 24) → (…, blocks), NaN where more than half of one is unknown."""
    parts = values.reshape(*values.shape[:-1], BLOCKS, BLOCK_H)
    known = np.isfinite(parts)
    count = known.sum(axis=-1)
    total = np.where(known, parts, 0.0).sum(axis=-1)
    return np.asarray(np.where(count >= BLOCK_H / 2, total / np.maximum(count, 1), np.nan), float)


def undone_day(
    habits: Habits, energy: Floats, usual: Floats, floor: Floats, hour: Ints, before: Floats, most_spreads: float
) -> tuple[Floats, Floats]:
    """Cells of a day (meters, blocks), and as they would be without each fault (meters, templates, blocks).

    ``energy`` and ``usual`` (meters, 24); ``before`` (meters, 24) is the day before, for clocks that are ahead."""
    most = (most_spreads * habits.wide)[:, None]
    logs = np.log(np.maximum(energy, 0) + floor[:, None])
    own = blocks_of(np.clip(logs - usual, -most, most))
    night = night_hours(hour)
    both = np.concatenate([np.log(np.maximum(before, 0) + floor[:, None]), logs, np.full_like(logs, np.nan)], axis=1)
    shown = np.empty((len(energy), len(BANK), 24))
    for k, t in enumerate(BANK):
        if t.kind == "time_shift":
            shown[:, k] = both[:, 24 + int(t.size) : 48 + int(t.size)]
        elif t.kind not in RATIOS:
            extra = t.size * (habits.span[:, None] * night if t.kind == "night_on" else habits.mean[:, None])
            shown[:, k] = np.maximum(energy - extra, 0)
    shown[:, EXTRA] = np.log(shown[:, EXTRA] + floor[:, None, None])
    out = np.empty((len(energy), len(BANK), BLOCKS))
    out[:, ~RATIO] = blocks_of(np.clip(shown[:, ~RATIO] - usual[:, None], -most[..., None], most[..., None]))
    out[:, RATIO] = own[:, None] - np.log(SIZE[RATIO])[:, None]
    return own, out


def a_day_on(habits: Habits, sums: Sums, own: Floats, undone: Floats, working: bool) -> Sums:
    """The sums with a day's cells."""
    weight = habits.weight[:, int(working)] * np.isfinite(own)
    undone = np.where(np.isfinite(undone), undone, own[:, None])
    lags = [(np.nan_to_num(sums.own[-k]), np.nan_to_num(sums.undone[-k])) for k in LAGS]
    alone = np.nan_to_num(own) - sum(f[:, None] * o for f, (o, _) in zip(habits.follow.T, lags, strict=True))
    none = _likely(habits, alone[:, None], weight)
    evidence = []
    for reach in range(len(LAGS) + 1):
        left = np.nan_to_num(undone)
        for n, (f, (o, u)) in enumerate(zip(habits.follow.T, lags, strict=True)):
            left = left - f[:, None, None] * (u if n < reach else o[:, None])
        evidence.append(_likely(habits, left, weight) - none)
    since = np.concatenate([np.zeros_like(sums.since[..., :1]), sums.since[..., :-1]], axis=-1)
    edges = (0, *LAGS, LONGEST)
    for reach, found in enumerate(evidence):
        since[..., edges[reach] : edges[reach + 1]] += found[..., None]
    return Sums(
        np.concatenate([sums.own[1:], own[None]]), np.concatenate([sums.undone[1:], undone[None]]),
        np.maximum(since, LEAST),
    )  # fmt: skip


def _likely(habits: Habits, left: Floats, weight: Floats) -> Floats:
    """Logarithm of the multivariate t density of each hypothesis' day (meters, templates); ``root`` is triangular, so
    a day that has only begun is judged by the blocks that are over."""
    white = (left * weight[:, None]) @ habits.root * (weight[:, None] > 0)
    return np.asarray(-0.5 * (TAIL + BLOCKS) * np.log1p((white**2).sum(axis=-1) / TAIL), float)


def odds_of(habits: Habits, sums: Sums) -> tuple[Floats, Ints]:
    """(kinds, meters): logarithm of prior times likelihood of each kind going on; and since how many days (kinds,
    meters), at least 1."""
    temper = TEMPER / habits.persist**PERSIST
    each = temper[:, None] * sums.since + PRIOR[:, None] + np.log(ONSET)
    of_kind = np.stack([_log_sum(each[:, rows].reshape(len(each), -1, LONGEST), 1) for rows in OF_KIND])
    return _log_sum(of_kind, 2), of_kind.argmax(axis=2) + 1


def _log_sum(values: Floats, axis: int) -> Floats:
    top = values.max(axis=axis)
    return np.asarray(top + np.log(np.exp(values - np.expand_dims(top, axis)).sum(axis=axis)), float)
