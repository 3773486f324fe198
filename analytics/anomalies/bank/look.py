"""Looking back over a year with both sides of every fault in sight: scores of all hours, and episodes to be told.

Strategy: sudden faults first, by exact rules; they are taken out before anything else is learned. Then what meters
have in common is taken out, each meter's noise is learned, every segment is held against the bank, and segments
compete. Sudden and long faults meet at the end: what is told is what passes the threshold of the alarm budget, surest
first.
"""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import maximum_filter1d

from analytics.anomalies.bank.compete import Stretch, competed, of_days, stretches
from analytics.anomalies.bank.edges import refined
from analytics.anomalies.bank.measure import measured
from analytics.anomalies.bank.noise import LAGS, Singles, evidence, evidence_of_levels, noises, persistence
from analytics.anomalies.bank.plain import is_plain
from analytics.anomalies.bank.record import (
    Bools,
    Floats,
    Record,
    first_midnight,
    medians,
    spread,
    without_common,
)  # fmt: skip
from analytics.anomalies.bank.segments import CONSTANTS, KINDS, LEAST, LENGTHS, bank_evidence, segment_odds
from analytics.anomalies.bank.sudden import Hours, Sudden, sudden_faults
from analytics.anomalies.bank.templates import UNLIKE, undone_cells

TOLERANCE: Final = 0.32
"""Least probability of a long fault that is told, if it is plain in kWh, too; chosen on other years and recipes."""
SUDDEN_ODDS: Final = 11.0
"""Least odds (logarithm) of a sudden fault that is told."""
EVEN_ODDS: Final = 9.0
"""At these odds a sudden fault is as often none."""
TAKEN_OUT: Final = 5.0
"""A sudden fault of these odds is taken out before long ones are looked for."""
LEAST_SPREAD: Final = 1e-3
YEAR_DAYS: Final = 365
BESIDE_H: Final = 2
"""Hours beside a bad one are suspect, too: where an episode ends is known to the hour at best. Labels that sit beside
the bad hour (LEAD) need it, which is a quirk of theirs: AUC .977, without ones .935; with 0 hours .929 and .751.
Injected faults lose .002 by it."""
BESIDE_LESS: Final = 0.5
MOST_SUDDEN: Final = 1.0
"""What is sure stands above all lasting faults, the surest first."""
POINT: Final = -8.0
"""Logarithm of the odds of an hour that lies a spread away."""
AROUND_DAYS: Final = 14
LEAST_SHARE: Final = 1e-12
MONTH_H: Final = 730.5
BUDGET: Final = 0.5
"""Episodes a meter-month; a meter that fails all the time may tell of twice as many, where each is certain."""
OUTSIDE: Final = 3.0
CERTAIN: Final = 0.85


@dataclass(frozen=True, slots=True)
class Told:
    """Rows [begin, end) of the record's hours; ``excess_kwh`` = shown − expected; ``evidence`` in numbers."""

    meter: str
    kind: str
    begin: int
    end: int
    confidence: float
    excess_kwh: float
    evidence: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class LookedBack:
    """``scores`` (meters, n): logarithm of the odds of a fault, higher is worse, NaN outside of what was examined."""

    scores: Floats
    told: tuple[Told, ...]


def look_back(record: Record, budget: float = BUDGET) -> LookedBack:
    """Examine a record; at most ``budget`` episodes a meter-month are told, the surest, and as many again of what is
    certain."""
    window = _window(record)
    if not window.days:
        return first_look(record, budget)
    sudden = _sudden(record)
    spoilt = np.zeros(record.energy.shape, bool)
    for meter, found in enumerate(sudden):
        for each in found:
            if each.odds > TAKEN_OUT:
                spoilt[meter, each.begin : each.end] = True
    plain, cells = without_common(record, spoilt)
    probability = competed(_odds(plain, cells, spoilt, window))
    daily = of_days(probability)
    scores = np.full(record.energy.shape, np.nan)
    told: list[Told] = []
    for meter in range(len(record.names)):
        scores[meter] = _scores(plain, meter, window, daily[meter], sudden[meter])
        for stretch in stretches(probability[meter], TOLERANCE):
            one = _told_stretch(plain, meter, stretch, window, spoilt[meter])
            if one is None:
                continue
            _follow_edges(scores[meter], one, window.row(stretch.begin), window.row(stretch.end))
            told.append(one)
        told += [_told_sudden(record, meter, each) for each in sudden[meter] if each.odds > SUDDEN_ODDS]
    return LookedBack(scores, _within(told, record, budget))


def first_look(record: Record, budget: float = BUDGET) -> LookedBack:
    """The same by the exact rules and the residual alone: sudden faults are told, lasting ones only score."""
    if not record.examined.any():
        return LookedBack(np.full(record.energy.shape, np.nan), ())
    sudden, window = _sudden(record), _window(record)
    nothing = np.zeros((len(KINDS), window.days))
    scores = np.stack([_scores(record, m, window, nothing, found) for m, found in enumerate(sudden)])
    told = [
        _told_sudden(record, meter, each)
        for meter in range(len(record.names))
        for each in sudden[meter]
        if each.odds > SUDDEN_ODDS
    ]
    return LookedBack(scores, _within(told, record, budget))


def _sudden(record: Record) -> list[list[Sudden]]:
    """Sudden faults of each meter."""
    return [
        sudden_faults(Hours(record.energy[m], record.expected(m), record.logs[m], record.usual[m],
                            float(record.floor[m]), record.history))
        for m in range(len(record.names))
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Window:
    """Whole local days that are examined, with a lead for the lags: rows from ``begin``, ``days`` of them."""

    begin: int
    days: int

    def row(self, day: int) -> int:
        return self.begin + 24 * day


def _window(record: Record) -> Window:
    first = first_midnight(record.hour)
    lead = max(record.span.start - first, 0) // 24 - max(LAGS)
    begin = first + 24 * max(lead, 0)
    return Window(begin, max(record.span.stop - begin, 0) // 24)


def _odds(record: Record, cells: Floats, spoilt: Bools, window: Window) -> Singles:
    """Odds of all segments of the window's days (meters, kinds, lengths, days + 1)."""
    first, days = first_midnight(record.hour), cells.shape[1]
    learnt = noises(cells, record.working[first : first + 24 * days : 24], np.arange(days) % YEAR_DAYS)
    skip = (window.begin - first) // 24
    part, rows = slice(skip, skip + window.days), slice(window.begin, window.row(window.days))
    out = []
    for meter, noise in enumerate(learnt):
        logs = np.where(spoilt[meter], np.nan, record.logs[meter])
        if not np.isfinite(logs[rows]).any():
            out.append(np.full((len(KINDS), len(LENGTHS), window.days + 1), LEAST, np.float32))
            continue
        wide = max(spread(logs - record.usual[meter]), LEAST_SPREAD)
        inside = replace(noise, weight=noise.weight[part], cells=noise.cells[part], known=noise.known[part])
        shaped, plain = undone_cells(record, meter, logs, rows, wide)
        found = bank_evidence(evidence(inside, shaped), evidence_of_levels(inside, plain, CONSTANTS))
        out.append(segment_odds(*found, persistence(noise.level, LENGTHS)))
    return np.stack(out)


def _scores(record: Record, meter: int, window: Window, days: Floats, sudden: list[Sudden]) -> Floats:
    """Logarithm of the odds of each hour: of long faults, of sudden ones, and of merely standing out."""
    faults = [k for k, name in enumerate(KINDS) if name != UNLIKE]
    daily = np.clip(days[faults].sum(axis=0), LEAST_SHARE, 1)
    out = np.full(len(record.hour), daily.min(initial=1.0))
    out[window.begin : window.row(window.days)] = np.repeat(daily, 24)
    seen = record.span
    out[seen] = np.log(out[seen] + _standing_out(record.residual[meter], seen))
    for each in sudden:
        odds = min(_even(each.odds), MOST_SUDDEN + 0.01 * each.odds)
        for reach, less in ((BESIDE_H, BESIDE_LESS), (0, 0.0)):
            rows = slice(max(each.begin - reach, 0), each.end + reach)
            out[rows] = np.maximum(out[rows], odds - less)
    out[~record.examined] = np.nan
    return out


def _standing_out(residual: Floats, seen: slice) -> Floats:
    """Small odds of the hours seen that grow with an hour's distance from what is usual at the level of the two weeks
    on either side, or that of an hour beside it."""
    first = max(seen.start - BESIDE_H, 0)
    rows = slice(first, min(seen.stop + BESIDE_H, len(residual)))
    apart = residual - _level_around(residual)
    far = np.abs(apart[rows]) / max(spread(apart), 1e-6)
    far[np.isnan(far)] = 0.0
    beside = maximum_filter1d(far, 2 * BESIDE_H + 1)
    beside *= 0.9
    np.maximum(far, beside, out=far)
    np.maximum(far, 0.1, out=far)
    return np.asarray(np.exp(POINT) * np.square(far[seen.start - first :][: seen.stop - seen.start]), float)


def _level_around(residual: Floats) -> Floats:
    """Median of the medians of the days around each hour (n), 0 where nothing is known."""
    days = len(residual) // 24
    if not days:
        return np.zeros(len(residual))
    padded = np.full(days + 2 * AROUND_DAYS, np.nan, np.float32)  # sorted in a third of the time
    padded[AROUND_DAYS : AROUND_DAYS + days] = medians(residual[: 24 * days].reshape(days, 24).astype(np.float32))
    level = np.nan_to_num(medians(sliding_window_view(padded, 2 * AROUND_DAYS + 1)))
    out = np.full(len(residual), level[-1])
    out[: 24 * days] = np.repeat(level, 24)
    return out


def _follow_edges(scores: Floats, one: Told, begin: int, end: int) -> None:
    """Hours of the first and last day that lie outside of the episode are less suspect, those inside more."""
    outside = np.r_[begin : max(one.begin, begin), min(one.end, end) : end]
    scores[outside] -= OUTSIDE
    rows = slice(one.begin, one.end)
    scores[rows] = np.maximum(scores[rows], np.log(one.confidence))


def _told_stretch(record: Record, meter: int, stretch: Stretch, window: Window, spoilt: Bools) -> Told | None:
    days = window.row(stretch.begin), window.row(stretch.end)
    rows = refined(record, meter, stretch.kind, *days, spoilt)
    if not is_plain(record, meter, stretch.kind, *rows, spoilt):
        return None
    return _told(record, meter, stretch.kind, rows, stretch.probability, spoilt)


def _told_sudden(record: Record, meter: int, each: Sudden) -> Told:
    confidence = float(1 / (1 + np.exp(-_even(each.odds))))
    nothing = np.zeros(len(record.hour), bool)
    return _told(record, meter, each.kind, (each.begin, each.end), confidence, nothing)


def _told(record: Record, meter: int, kind: str, rows: tuple[int, int], confidence: float, spoilt: Bools) -> Told:
    """With what is at stake, as the meter counts: below zero where it does."""
    excess, facts = measured(record, meter, kind, *rows, spoilt)
    sign = float(record.sign[meter])
    counted = {k: v * sign if k.endswith(("_kwh", "_kw")) else v for k, v in facts.items()}
    return Told(record.names[meter], kind, *rows, confidence, excess * sign, counted)


def _even(odds: float) -> float:
    """Odds of a sudden fault (logarithm) as they are told: the rules know their own kind of noise only."""
    return (odds - EVEN_ODDS) / 2


def _within(told: list[Told], record: Record, budget: float) -> tuple[Told, ...]:
    """Those that lie in the examined hours for the most part: the surest, as many as the alarm budget lets through,
    and of what is certain as many again."""
    inside = [t for t in told if record.examined[t.begin : t.end].mean() > 0.5]
    months = record.examined.sum() * len(record.names) / MONTH_H
    most = max(round(budget * months), 1)
    ranked = sorted(inside, key=lambda t: -t.confidence)
    return (*ranked[:most], *(t for t in ranked[most : 2 * most] if t.confidence >= CERTAIN))
