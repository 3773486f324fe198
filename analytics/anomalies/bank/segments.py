"""Evidence of every segment of days for every kind of long fault.

Strategy: a segment's evidence is a sum over its days, those at its beginning with lags that reach out of it, and a
correction for the week behind it. With prefix sums this falls into a part of the beginning and a part of the end, so
all segments of a length cost one addition per template. A drift depends on the place within the segment: its days are
read along its slope from the evidence of fixed levels, all beginnings at once.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from analytics.anomalies.bank.noise import LAGS, Evidence, Singles
from analytics.anomalies.bank.record import Floats
from analytics.anomalies.bank.templates import BANK, DRIFT_STEP, LONG, SLOPES, UNLIKE

KINDS: Final = (*LONG, UNLIKE)
SHORTEST: Final[Mapping[str, int]] = {"level_up": 5, "night_on": 4, "phase_loss": 4, "time_shift": 5, UNLIKE: 3}
LONGEST: Final = 26
DRIFTS: Final = (14, 17, 21, 26, 32, 40, 50)
"""days"""
LENGTHS: Final = tuple(sorted({*range(min(SHORTEST.values()), LONGEST + 1), *DRIFTS}))
RATE: Final[Mapping[str, float]] = {**dict.fromkeys(LONG, 0.15), UNLIKE: 0.1}
"""Expected per meter and month, before anything is seen."""
TEMPER: Final = 0.6
"""Share of the evidence that is believed: the noise model is not the whole truth."""
PERSIST: Final = 0.65
MONTH_DAYS: Final = 30
LEAST: Final = -1e9


def segment_odds(bank: Evidence, drift: Evidence, persistence: Floats) -> Singles:
    """(kinds, lengths, days + 1): logarithm of prior times likelihood ratio of the segment of that many days
    that begins on that day; :data:`LEAST` where there is none."""
    begins, ends = _apart(bank)
    days = begins.shape[1] - 1
    temper = (TEMPER / persistence**PERSIST).astype(np.float32)
    out = np.full((len(KINDS), len(LENGTHS), days + 1), LEAST, np.float32)
    for name, shortest in SHORTEST.items():
        own = [at for at, n in enumerate(LENGTHS) if shortest <= n <= min(LONGEST, days)]
        rows = [row for row, t in enumerate(BANK) if t.kind == name]
        prior = np.log([BANK[r].prior * RATE[name] / MONTH_DAYS / max(len(own), 1) for r in rows])
        end = np.arange(days + 1) + np.array([LENGTHS[at] for at in own])[:, None]
        found = begins[rows][:, None] + ends[rows][:, np.minimum(end, days)]  # (templates, lengths, days + 1)
        found = found * temper[own, None] + prior.astype(np.float32)[:, None, None]
        out[KINDS.index(name), own] = np.where(end <= days, log_sum(found), LEAST)
    rate = np.float32(np.log(RATE["drift"] / MONTH_DAYS / len(DRIFTS) / len(SLOPES)))
    behind = drift_behind(drift)
    for length in DRIFTS:
        if length <= days:
            at = LENGTHS.index(length)
            of_slopes = drift_inside(drift, length) + behind[:, length:]
            out[KINDS.index("drift"), at, : days + 1 - length] = log_sum(temper[at] * of_slopes + rate)
    return out


def log_sum(values: Singles) -> Singles:
    """log Σ exp over the first axis."""
    top = values.max(axis=0)
    return np.asarray(np.log(np.exp(values - top).sum(axis=0)) + top, np.float32)


def _sums(values: Singles) -> Floats:
    """Sums of all days before each (…, days + 1)."""
    out = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
    np.cumsum(values, axis=-1, out=out[..., 1:])
    return out


def _apart(found: Evidence) -> tuple[Singles, Singles]:
    """The parts of a segment's evidence that hang on its beginning, and on its end (templates, days + 1).

    Exact for segments of at least a week; a shorter one counts the days up to a week as if it lasted.
    """
    inside, after = [_sums(v) for v in found.inside], [_sums(v) for v in found.after]
    days = inside[0].shape[1] - 1
    at = np.arange(days + 1)
    near = [np.minimum(at + lag, days) for lag in (0, *LAGS)]
    begins = -inside[-1][:, near[-1]]
    ends = inside[-1].copy()
    for v in range(len(LAGS)):
        begins = begins + inside[v][:, near[v + 1]] - inside[v][:, near[v]]
        ends = ends + after[v][:, near[v + 1]] - after[v][:, near[v]]
    return begins.astype(np.float32), ends.astype(np.float32)


def drift_inside(drift: Evidence, length: int) -> Singles:
    """(slopes, days + 1 - length): evidence of the days of a drift of that many, by its first day."""
    way = np.log1p(np.array(SLOPES)[:, None] * (np.arange(length) + 0.5) / length) / DRIFT_STEP
    weight = _between(way, len(drift.inside[0]))  # (steps, slopes, length)
    edges = (0, max(LAGS), length)  # the first day counts as the others of its week: a drift has hardly begun
    days = drift.inside[0].shape[1]
    total = np.zeros((len(SLOPES), days + 1 - length), np.float32)
    for v, (a, b) in zip((1, len(LAGS)), pairwise(edges), strict=True):
        used = np.flatnonzero(weight[:, :, a:b].any(axis=(1, 2)))
        windows = sliding_window_view(drift.inside[v][used], b - a, axis=1)[:, a : a + days + 1 - length]
        table = np.ascontiguousarray(windows.transpose(0, 2, 1)).reshape(-1, days + 1 - length)
        total += weight[used, :, a:b].transpose(1, 0, 2).reshape(len(SLOPES), -1) @ table
    return total


def drift_behind(drift: Evidence) -> Singles:
    """(slopes, days + 1): evidence of the week behind a drift, by the day it is over."""
    gone = _between(np.log1p(np.array(SLOPES)) / DRIFT_STEP, len(drift.inside[0]))
    days = drift.inside[0].shape[1]
    at, edges = np.arange(days + 1), (0, *LAGS)
    total = np.zeros((len(SLOPES), days + 1), np.float32)
    for v in range(len(LAGS)):
        sums = _sums(drift.after[v])
        behind = sums[:, np.minimum(at + edges[v + 1], days)] - sums[:, np.minimum(at + edges[v], days)]
        total += gone.T @ behind.astype(np.float32)
    return total


def _between(way: Floats, steps: int) -> Singles:
    """Weights (steps, …) that read a table of steps at ``way`` by straight lines."""
    at = np.arange(steps).reshape(-1, *([1] * way.ndim))
    return np.asarray(np.maximum(1 - np.abs(way - at), 0), np.float32)
