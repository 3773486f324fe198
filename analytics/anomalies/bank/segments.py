"""Evidence of every segment of days for every kind of long fault.

Strategy: a segment's evidence is a sum over its days, those at its beginning with lags that reach out of it, and a
correction for the week behind it. With prefix sums this falls into a part of the beginning and a part of the end, so
all segments of a length cost one addition per template. A drift depends on the place within the segment: its days are
read along its slope from the evidence of fixed levels, all beginnings at once.
"""

from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from analytics.anomalies.bank.noise import LAGS, Evidence, Singles
from analytics.anomalies.bank.record import Floats
from analytics.anomalies.bank.templates import BANK, DRIFT_STEP, DRIFT_STEPS, FLAT, LONG, SHAPED, SLOPES, UNLIKE

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
ROWS: Final[Mapping[str, slice]] = {
    kind: slice(min(rows), max(rows) + 1)
    for kind in SHORTEST
    if (rows := [row for row, t in enumerate(BANK) if t.kind == kind])
}
"""Where in the bank a kind's templates are: side by side."""


CONSTANTS: Final = np.array([*(np.log(BANK[row].size) for row in FLAT), *(DRIFT_STEP * np.arange(DRIFT_STEPS))])
"""Levels of the log residual that are asked for: those of the bank's factors, then those on a drift's way."""


def bank_evidence(shaped: Evidence, constant: Evidence) -> tuple[Evidence, Evidence]:
    """Evidence of the whole bank, in its order, and of a drift's levels: from that of the :data:`SHAPED` templates and
    of :data:`CONSTANTS`."""
    order = np.argsort([*SHAPED, *FLAT])

    def part(which: str) -> tuple[tuple[Singles, ...], tuple[Singles, ...]]:
        pairs = list(zip(getattr(shaped, which), getattr(constant, which), strict=True))
        bank = tuple(np.concatenate([s, c[: len(FLAT)]])[order] for s, c in pairs)
        return bank, tuple(c[len(FLAT) :] for _, c in pairs)

    (inside, inside_drift), (after, after_drift) = part("inside"), part("after")
    return Evidence(inside, after), Evidence(inside_drift, after_drift)


def segment_odds(bank: Evidence, drift: Evidence, persistence: Floats) -> Singles:
    """(kinds, lengths, days + 1): logarithm of prior times likelihood ratio of the segment of that many days
    that begins on that day; :data:`LEAST` where there is none."""
    begins, ends = _apart(bank)
    days = begins.shape[1] - 1
    temper = (TEMPER / persistence**PERSIST).astype(np.float32)
    out = np.full((len(KINDS), len(LENGTHS), days + 1), LEAST, np.float32)
    beyond = np.concatenate([ends, np.full((len(ends), LONGEST), LEAST, np.float32)], axis=1)
    windows = sliding_window_view(beyond, days + 1, axis=1)  # (templates, lengths from 0, days + 1)
    for name, shortest in SHORTEST.items():
        last = min(LONGEST, days)
        if last < shortest:
            continue
        first, own = ROWS[name].start, slice(LENGTHS.index(shortest), LENGTHS.index(last) + 1)
        behind = windows[ROWS[name], shortest : last + 1]
        prior = [BANK[first + k].prior * RATE[name] / MONTH_DAYS / (last + 1 - shortest) for k in range(len(behind))]
        found = begins[ROWS[name], None] + behind  # (templates, lengths, days + 1)
        found *= temper[own, None]
        found += np.log(prior).astype(np.float32)[:, None, None]
        out[KINDS.index(name), own] = np.maximum(log_sum(found), LEAST)
    _drifts(drift, temper, out[KINDS.index("drift")])
    for at, length in enumerate(LENGTHS):
        out[:, at, max(days + 1 - length, 0) :] = LEAST
    return out


def _drifts(drift: Evidence, temper: Singles, out: Singles) -> None:
    """Odds of drifts into ``out`` (lengths, days + 1)."""
    rate = np.float32(np.log(RATE["drift"] / MONTH_DAYS / len(DRIFTS) / len(SLOPES)))
    inside, behind = drift_inside(drift), drift_behind(drift)
    days = behind.shape[1] - 1
    for of_length, length in zip(inside, DRIFTS, strict=True):
        if length <= days:
            at = LENGTHS.index(length)
            odds = of_length[:, : days + 1 - length] + behind[:, length:]
            out[at, : days + 1 - length] = log_sum(temper[at] * odds + rate)


def log_sum(values: Singles) -> Singles:
    """log Σ exp over the first axis; ``values`` are used up."""
    top = values.max(axis=0)
    values -= top
    np.exp(values, out=values)
    return np.asarray(np.log(values.sum(axis=0)) + top, np.float32)


def _sums(values: Singles) -> Floats:
    """Sums of all days before each (…, days + 1)."""
    out = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
    np.cumsum(values, axis=-1, out=out[..., 1:])
    return out


def _apart(found: Evidence) -> tuple[Singles, Singles]:
    """The parts of a segment's evidence that hang on its beginning, and on its end (templates, days + 1).

    Exact for segments of at least a week; a shorter one counts the days up to a week as if it lasted.
    """
    inside = _sums(found.inside[-1])
    begins, ends = -inside, inside.copy()
    first = 0
    for lag, in_it, behind in zip(LAGS, found.inside, found.after, strict=False):  # days first … lag
        begins += _ahead(in_it - found.inside[-1], first, lag)
        ends += _ahead(behind, first, lag)
        first = lag
    return begins.astype(np.float32), ends.astype(np.float32)


def _ahead(values: Singles, first: int, last: int) -> Floats:
    """Sum of the days first … last − 1 after each (…, days + 1), as far as there are any."""
    days = values.shape[-1]
    out = np.zeros((*values.shape[:-1], days + 1))
    for k in range(first, min(last, days)):
        out[..., : days - k] += values[..., k:]
    return out


def drift_inside(drift: Evidence) -> Singles:
    """(lengths, slopes, days + 1): evidence of the days of a drift of each of :data:`DRIFTS`, by its first day, which
    counts as the others of its first week: a drift has hardly begun. What lies beyond the end counts for nothing."""
    steps, days = drift.inside[0].shape
    longest, week = max(DRIFTS), max(LAGS)
    beyond = np.zeros((2, steps, days + 1 + longest), np.float32)
    beyond[0, :, :days], beyond[1, :, :days] = drift.inside[1], drift.inside[len(LAGS)]
    windows = sliding_window_view(beyond, days + 1, axis=2)  # (cases, steps, days in, begin)
    table = np.concatenate([windows[0, :, :week], windows[1, :, week:longest]], axis=1)
    weight = _drift_weights(steps)
    found = weight @ table.reshape(-1, days + 1)
    return np.asarray(found.reshape(len(DRIFTS), len(SLOPES), days + 1), np.float32)


@cache
def _drift_weights(steps: int) -> Singles:
    """(lengths · slopes, steps · days): how each day of a drift reads a table of steps."""
    out = np.zeros((len(DRIFTS), len(SLOPES), steps, max(DRIFTS)), np.float32)
    for of_length, length in zip(out, DRIFTS, strict=True):
        way = np.log1p(np.array(SLOPES)[:, None] * (np.arange(length) + 0.5) / length) / DRIFT_STEP
        of_length[:, :, :length] = _between(way, steps).transpose(1, 0, 2)
    return out.reshape(len(DRIFTS) * len(SLOPES), -1)


def drift_behind(drift: Evidence) -> Singles:
    """(slopes, days + 1): evidence of the week behind a drift, by the day it is over."""
    gone = _between(np.log1p(np.array(SLOPES)) / DRIFT_STEP, len(drift.inside[0]))
    edges = (0, *LAGS)
    behind = [_ahead(after, a, b) for after, (a, b) in zip(drift.after, pairwise(edges), strict=True)]
    return np.asarray(gone.T @ np.sum(behind, axis=0), np.float32)


def _between(way: Floats, steps: int) -> Singles:
    """Weights (steps, …) that read a table of steps at ``way`` by straight lines."""
    at = np.arange(steps).reshape(-1, *([1] * way.ndim))
    return np.asarray(np.maximum(1 - np.abs(way - at), 0), np.float32)
