"""Segments compete: each day belongs to one fault at most, or to none.

Strategy: a semi-Markov chain over days, forwards and backwards, all meters at once; it gives every segment its
probability given all others. An episode is then chosen so that the probability of overlapping the truth by a half is
greatest: the sum of all segments that would agree with it, not the best one of them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.anomalies.bank.noise import Singles
from analytics.anomalies.bank.record import Floats
from analytics.anomalies.bank.segments import KINDS, LEAST, LENGTHS
from analytics.anomalies.bank.templates import UNLIKE

AGREE: Final = 0.5
"""Two segments mean the same when their overlap is at least this share of what they cover together."""
LEAST_SHARE: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days [begin, end) of a meter, with the probability that a fault agrees with it, and of each kind."""

    kind: str
    begin: int
    end: int
    probability: float


def competed(odds: Singles) -> Singles:
    """(meters, kinds, lengths, days + 1): probability of each segment, from :func:`segment_odds` of each meter."""
    whole = _log_sum(odds.transpose(1, 0, 2, 3))
    forth, back = _forth(whole), _back(whole)
    last = odds.shape[3] - 1
    out = np.zeros_like(odds)
    for at, length in enumerate(LENGTHS):
        if length <= last:
            path = forth[:, : last + 1 - length] + back[:, length:] - forth[:, last:]
            out[:, :, at, : last + 1 - length] = np.exp(
                np.minimum(odds[:, :, at, : last + 1 - length] + path[:, None, :], 0)
            )
    return out


def _log_sum(values: Singles) -> Floats:
    top = values.max(axis=0)
    return np.asarray(top + np.log(np.exp(values - top).sum(axis=0)), float)


def _forth(whole: Floats) -> Floats:
    """log of the sum over all ways to the beginning of each day (meters, days + 1)."""
    meters, _, size = whole.shape
    out = np.full((meters, size), float(LEAST))
    out[:, 0] = 0
    lengths = np.array(LENGTHS)
    for day in range(1, size):
        n = int(np.searchsorted(lengths, day, "right"))
        at = day - lengths[:n]
        ways = np.concatenate([out[:, day - 1 : day], out[:, at] + whole[:, np.arange(n), at]], axis=1)
        top = ways.max(axis=1)
        out[:, day] = top + np.log(np.exp(ways - top[:, None]).sum(axis=1))
    return out


def _back(whole: Floats) -> Floats:
    """log of the sum over all ways from the beginning of each day to the end (meters, days + 1)."""
    meters, _, size = whole.shape
    out = np.full((meters, size), float(LEAST))
    out[:, -1] = 0
    lengths = np.array(LENGTHS)
    for day in range(size - 2, -1, -1):
        n = int(np.searchsorted(lengths, size - 1 - day, "right"))
        ways = np.concatenate([out[:, day + 1 : day + 2], whole[:, :n, day] + out[:, day + lengths[:n]]], axis=1)
        top = ways.max(axis=1)
        out[:, day] = top + np.log(np.exp(ways - top[:, None]).sum(axis=1))
    return out


def of_days(probability: Singles) -> Floats:
    """(kinds, days): probability of each kind on each day, from one meter's segments."""
    size = probability.shape[2]
    edge = np.zeros((len(KINDS), size))
    for at, length in enumerate(LENGTHS):
        if length < size:
            part = probability[:, at, : size - length]
            edge[:, : size - length] += part
            edge[:, length:] -= part
    return np.asarray(np.clip(np.cumsum(edge, axis=1)[:, :-1], 0, 1), float)


def stretches(probability: Singles, least: float) -> list[Stretch]:
    """One meter's episodes of at least that probability, surest first, none over another."""
    faults = [k for k, name in enumerate(KINDS) if name != UNLIKE]
    whole = probability[faults].sum(axis=0)
    at, begin = np.nonzero(whole > LEAST_SHARE)
    share, end = whole[at, begin].astype(float), begin + np.array(LENGTHS)[at]
    of_kind = probability[faults][:, at, begin].astype(float)
    out: list[Stretch] = []
    while len(begin):
        both = np.minimum.outer(end, end) - np.maximum.outer(begin, begin)
        agreed = both / (np.maximum.outer(end, end) - np.minimum.outer(begin, begin))
        agreed[agreed < AGREE] = 0
        best = int((agreed @ share).argmax())
        alike = agreed[best] > 0
        probable = float(share[alike].sum())
        if probable < least:
            break
        kind = KINDS[faults[int(of_kind[:, alike].sum(axis=1).argmax())]]
        out.append(Stretch(kind, int(begin[best]), int(end[best]), min(probable, 1.0)))
        left = (end <= begin[best]) | (begin >= end[best])
        begin, end, share, of_kind = begin[left], end[left], share[left], of_kind[:, left]
    return out
