"""Faults of hours: dropouts, standstills, gaps that catch up, spikes, readings ten times too high.

Strategy: exact rules, no scan. Each says how many times less likely (natural logarithm) a reading is for this meter
than for the fault: zeros against the rate of zeros, repeats against the rate of repeats at that level, a lump against
the energy that the gap before it should have held, a level against a tenth of it. What a meter does often is its habit
and no fault: every verdict is lowered by what the meter's own past shows twice, and by what it shows four times within
the hours examined.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from analytics.anomalies.bank.record import EVERY, Bools, Floats, Ints, spread
from analytics.anomalies.episode import bridged, runs

SUDDEN: Final = ("dropout", "stuck", "gap_catchup", "spike", "scale10")
BINS: Final = 8
"""of expectation, in which rates of zeros and repeats are counted"""
LEAST_ODDS: Final = 5.0
LEAST_REPEATS: Final = 3
TAIL: Final = 4.0
"""Degrees of freedom of the residual's tails (Student's t)."""
STILL_TAIL: Final = 3.0
LONGEST_GAP_H: Final = 48
MOST_SPIKE_H: Final = 3
TENFOLD: Final = float(np.log(10))
HABIT: Final = (1.1, 4.0)
"""A verdict is lowered by 1.1 times the habit's, less 4."""
RATIO_SHARE: Final = 0.1
"""Tenfold for more than this share of the hours is a matter of the meter's ratio: taken out, but not told."""
RATIO_ODDS: Final = 8.0
BEYOND: Final = 1.3
OFTEN: Final = 4
OFTEN_ALONE: Final = 30
"""How many times within the hours examined make a habit: a meter without a past has to be odd for longer."""


@dataclass(frozen=True, slots=True)
class Sudden:
    """Rows [begin, end); ``odds`` = logarithm of the odds against this being the meter's way."""

    kind: str
    begin: int
    end: int
    odds: float


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """One meter: ``energy`` (n) kWh, NaN = unknown; ``expected`` (n) > 0; ``logs`` and ``usual`` (n) as in the record;
    ``past`` (n) hours known to be the meter's own."""

    energy: Floats
    expected: Floats
    logs: Floats
    usual: Floats
    floor: float
    past: Bools


def sudden_faults(hours: Hours) -> list[Sudden]:
    """What stands out hour by hour, surest first, none over another."""
    level = np.searchsorted(np.quantile(hours.expected[::EVERY], np.linspace(0, 1, BINS + 1)[1:-1]), hours.expected)
    wide = max(spread(hours.logs - hours.usual), 0.05)
    found = [*_standing(hours, level, wide), *_repeating(hours, level, wide), *_high(hours, wide)]
    out: list[Sudden] = []
    taken = np.zeros(len(hours.energy), bool)
    for each in sorted(_unlike_habit(found, hours.past), key=lambda s: -s.odds):
        if not taken[each.begin : each.end].any():
            taken[each.begin : each.end] = True
            out.append(each)
    return out


def _unlike_habit(found: list[Sudden], past: Bools) -> Iterator[Sudden]:
    often = OFTEN if past.any() else OFTEN_ALONE
    for kind in SUDDEN:
        mine = [s for s in found if s.kind == kind]
        before = sorted((s.odds for s in mine if past[s.begin]), reverse=True)
        now = sorted((s.odds for s in mine if not past[s.begin]), reverse=True)
        habit = max([0.0, *before[1:2], *now[often - 1 : often]])
        hours = sum(s.end - s.begin for s in mine if s.odds > RATIO_ODDS)
        most = RATIO_ODDS if kind == "scale10" and hours > RATIO_SHARE * len(past) else np.inf
        lower = max(0.0, HABIT[0] * habit - HABIT[1])
        yield from (replace(s, odds=min(s.odds - lower, most)) for s in mine if s.odds - lower > LEAST_ODDS)


def _tail(w: Floats | float, freedom: float) -> Floats:
    """Logarithm of Student's t, without its constant."""
    return np.asarray(-0.5 * (freedom + 1) * np.log1p(np.square(w) / freedom), float)


def _rates(flag: Bools, among: Bools, level: Ints, weight: float, rate: float) -> Floats:
    """Share of flagged hours in each bin of expectation, drawn towards ``rate`` with the weight of so many hours."""
    count = np.bincount(level[among], flag[among], BINS)
    return np.asarray((count + weight * rate) / (np.bincount(level[among], minlength=BINS) + weight), float)


def _after(flag: Bools) -> Bools:
    return np.asarray(np.r_[False, flag[:-1]], bool)


def _standing(hours: Hours, level: Ints, wide: float) -> Iterator[Sudden]:
    """Stretches of zeros: a dropout, or a gap when the hour after holds what the stretch should have held."""
    known = np.isfinite(hours.energy)
    zero = known & (hours.energy <= 1e-9)
    if not zero.any():
        return
    past = hours.past & known if (hours.past & known).any() else known
    once = _rates(zero, past, level, 2.0, 0.002)
    again = past & _after(zero)
    keeps = max(((zero & again).sum() + 0.6) / (again.sum() + 2.0), 0.1)
    likely = min(keeps, 0.6) if again.any() else 0.3
    more = np.minimum(np.maximum(once, likely), np.maximum(20 * once, 0.12))
    for begin, end in runs(zero):
        if end - begin < 2:
            continue
        odds = float(-np.log(once[level[begin]]) - np.log(more[level[begin + 1 : end]]).sum())
        lump = _lump(hours, begin, end, max(wide, 0.15))
        yield Sudden("gap_catchup", begin, end + 1, odds + lump) if lump > 1 else Sudden("dropout", begin, end, odds)


def _lump(hours: Hours, begin: int, end: int, wide: float) -> float:
    """Odds for the hour after a gap holding the gap's energy, against its being an hour as usual."""
    if end >= len(hours.energy) or end - begin > LONGEST_GAP_H or not hours.energy[end] > 1.6 * hours.expected[end]:
        return -np.inf
    whole = np.log(hours.energy[end] / hours.expected[begin : end + 1].sum())
    alone = np.log(hours.energy[end] / hours.expected[end])
    return float(_tail(whole / wide, TAIL) - _tail(alone / wide, TAIL))


def _repeating(hours: Hours, level: Ints, wide: float) -> Iterator[Sudden]:
    """Stretches in which one value is read again and again; rates are those of all hours, as resolution may change.

    A value that lies far from what is usual meanwhile speaks once more, for the stretch as a whole."""
    same = np.r_[False, hours.energy[1:] == hours.energy[:-1]] & (hours.energy > 1e-9)
    known = np.isfinite(hours.energy)
    once = _rates(same, known, level, 4.0, 0.02)
    again = known & _after(same)
    count = np.bincount(level[again], same[again], BINS)
    keeps = (count + 8 * np.maximum(once, 0.02)) / (np.bincount(level[again], minlength=BINS) + 8)
    cost_once, cost = -np.log(np.maximum(once, 1e-4)), -np.log(np.maximum(keeps, 0.02))
    total = np.r_[0.0, np.cumsum(cost[level])]
    edge = np.diff(np.r_[0, same.astype(np.int8), 0])
    begins, ends = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)
    middle = (begins + ends) // 2
    apart = (hours.logs[middle] - hours.usual[middle]) / wide
    odds = cost_once[level[begins]] + total[ends] - total[begins + 1] - _tail(apart, STILL_TAIL)
    for at in np.flatnonzero((ends - begins >= LEAST_REPEATS) & (odds > LEAST_ODDS)):
        yield Sudden("stuck", int(begins[at]) - 1, int(ends[at]), float(odds[at]))


def _high(hours: Hours, wide: float) -> Iterator[Sudden]:
    """Hours far above all that the meter has shown, and stretches that fit when divided by ten."""
    known = np.isfinite(hours.energy)
    past = hours.past & known if (hours.past & known).any() else known
    top = max(float(np.quantile(hours.energy[past], 0.99)), 1e-9)
    over = np.nan_to_num((hours.energy - hours.expected) / top)
    second = float(np.partition(over[past], -2)[-2]) if past.sum() > 1 else 0.0
    limit = max(1.0, 1.15 * second)
    for begin, end in runs(over > limit):
        if end - begin <= MOST_SPIKE_H:
            yield Sudden("spike", begin, end, 10 + 10 * float(np.log(over[begin:end].max() / limit)))
    high = known & ((over > 1) | (hours.energy > np.maximum(4 * hours.expected, 0.35 * top)))
    for begin, end in runs(bridged(high, 2)):
        if end - begin >= MOST_SPIKE_H:
            within = np.nanmax(hours.energy[begin:end]) < BEYOND * top  # a load left on reaches its daytime level
            odds = _tenfold(hours, begin, end, wide)
            yield Sudden("scale10", begin, end, min(odds, RATIO_ODDS) if within else odds)


def _tenfold(hours: Hours, begin: int, end: int, wide: float) -> float:
    """Odds for a tenth of the readings being as usual, against the readings themselves."""
    rows = slice(begin, end)
    known = np.isfinite(hours.logs[rows])
    now = (hours.logs[rows] - hours.usual[rows])[known]
    tenth = (np.log(np.maximum(hours.energy[rows] / 10, 0) + hours.floor) - hours.usual[rows])[known]
    loose = max(wide, 0.1)
    gain = _tail(tenth / loose, STILL_TAIL) - np.log(loose) - _tail(np.clip(now / wide, -40, 40), STILL_TAIL)
    miss = float(tenth.mean()) / max(0.2, wide)
    return float((gain + np.log(wide)).sum()) - 0.75 * miss**2 * min(end - begin, 6)
