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
from analytics.anomalies.bank.segments import KINDS, LEAST, LENGTHS, log_sum
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
    whole = np.stack([log_sum(each.copy()) for each in odds])
    last = odds.shape[3] - 1
    forth, back = _ways(whole.astype(float))
    path = np.full(whole.shape, LEAST, np.float32)
    for at, length in enumerate(LENGTHS):
        if length <= last:
            path[:, at, : last + 1 - length] = forth[:, : last + 1 - length] + back[:, length:] - forth[:, last:]
    found = odds + path[:, None]
    np.minimum(found, 0, out=found)
    return np.asarray(np.exp(found, out=found), np.float32)


def _ways(whole: Floats) -> tuple[Floats, Floats]:
    """log of the sum over all ways to the beginning of each day, and from there to the end (meters, days + 1).

    Backwards is forwards with time turned round, so one pass over the days serves both."""
    meters, _, size = whole.shape
    arriving = np.full((size, len(LENGTHS), 2 * meters), float(LEAST))  # segments by the day that they end on
    for at, length in enumerate(LENGTHS):
        arriving[length:, at, :meters] = whole[:, at, : max(size - length, 0)].T
    arriving[:, :, meters:] = whole[:, :, ::-1].transpose(2, 1, 0)
    before = max(LENGTHS)
    out = np.full((before + size, 2 * meters), float(LEAST))
    out[before] = 0
    back = before - np.array(LENGTHS)
    for day in range(1, size):
        ways = arriving[day]
        ways += out[back + day]
        free = out[before + day - 1]
        top = np.maximum(ways.max(axis=0), free)
        ways -= top
        out[before + day] = top + np.log(np.exp(ways, out=ways).sum(axis=0) + np.exp(free - top))
    return out[before:, :meters].T, out[before:, meters:].T[:, ::-1]


def of_days(probability: Singles) -> Floats:
    """(…, kinds, days): probability of each kind on each day, from segments (…, kinds, lengths, days + 1)."""
    size = probability.shape[-1]
    edge = probability.sum(axis=-2, dtype=float)
    for at, length in enumerate(LENGTHS):
        if length < size:
            edge[..., length:] -= probability[..., at, : size - length]
    return np.asarray(np.clip(np.cumsum(edge, axis=-1)[..., :-1], 0, 1), float)


def stretches(probability: Singles, least: float) -> list[Stretch]:
    """One meter's episodes of at least that probability, surest first, none over another."""
    faults = [k for k, name in enumerate(KINDS) if name != UNLIKE]
    whole = probability[faults].sum(axis=0)
    at, begin = np.nonzero(whole > LEAST_SHARE)
    share, end = whole[at, begin].astype(float), begin + np.array(LENGTHS)[at]
    of_kind = probability[faults][:, at, begin].astype(float)
    both = np.minimum.outer(end, end) - np.maximum.outer(begin, begin)
    agreed = both / (np.maximum.outer(end, end) - np.minimum.outer(begin, begin))
    agreed[agreed < AGREE] = 0
    out: list[Stretch] = []
    while len(begin):
        best = int((agreed @ share).argmax())
        alike = agreed[best] > 0
        probable = float(share[alike].sum())
        if probable < least:
            break
        kind = KINDS[faults[int(of_kind[:, alike].sum(axis=1).argmax())]]
        out.append(Stretch(kind, int(begin[best]), int(end[best]), min(probable, 1.0)))
        left = (end <= begin[best]) | (begin >= end[best])
        begin, end, share, of_kind, agreed = (
            begin[left],
            end[left],
            share[left],
            of_kind[:, left],
            agreed[left][:, left],
        )
    return out
