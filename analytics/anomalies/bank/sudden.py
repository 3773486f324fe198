"""Faults of hours: dropouts, standstills, gaps that catch up, spikes, readings ten times too high.

Strategy: exact rules, no scan. Each says how many times less likely (natural logarithm) a reading is for this meter
than for the fault: zeros against the rate of zeros, repeats against the rate of repeats at that level, a lump against
the energy that the gap before it should have held, a level against a tenth of it. What a meter does often is its habit
and no fault: every verdict is lowered by what the meter's own past shows twice, and by what it shows four times within
the hours examined.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.anomalies.bank.record import EVERY, Bools, Floats, Ints, quantile, spread

Levels = NDArray[np.int8]

SUDDEN: Final = ("dropout", "stuck", "gap_catchup", "spike", "scale10")
BINS: Final = 8
"""of expectation, in which rates of zeros and repeats are counted"""
LEAST_ODDS: Final = 5.0
ZERO: Final = 1e-9
"""kWh"""
LEAST_ZEROS: Final = 2
LEAST_REPEATS: Final = 3
TAIL: Final = 4.0
"""Degrees of freedom of the residual's tails (Student's t)."""
STILL_TAIL: Final = 3.0
LONGEST_GAP_H: Final = 48
MOST_SPIKE_H: Final = 3
BRIDGE_H: Final = 2
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

    @property
    def own(self) -> Bools:
        """Hours to learn from (n): the known ones of the past, all known ones where there is none."""
        known = np.isfinite(self.energy)
        past = self.past & known
        return past if past.any() else known


def sudden_faults(hours: Hours) -> list[Sudden]:
    """What stands out hour by hour, surest first, none over another."""
    if not np.isfinite(hours.energy).any():
        return []
    level = _levels(hours.expected)
    wide = max(spread(hours.logs - hours.usual), 0.05)
    found = (*_standing(hours, level, wide), _repeating(hours, level, wide), *_high(hours, wide))
    out: list[Sudden] = []
    taken = np.zeros(len(hours.energy), bool)
    unusual = [s for stretches in found for s in _unlike_habit(stretches, hours.past)]
    for each in sorted(unusual, key=lambda s: -s.odds):
        if not taken[each.begin : each.end].any():
            taken[each.begin : each.end] = True
            out.append(each)
    return _joined(out)


def _joined(found: list[Sudden]) -> list[Sudden]:
    """Standstills with up to :data:`BRIDGE_H` hours between them are one: a reading is missing, or comes through."""
    out: list[Sudden] = []
    for each in sorted(found, key=lambda s: s.begin):
        last = out[-1] if out else each
        if last.kind == each.kind == "stuck" and 0 <= each.begin - last.end <= BRIDGE_H:
            out[-1] = Sudden("stuck", last.begin, each.end, max(last.odds, each.odds))
        else:
            out.append(each)
    return sorted(out, key=lambda s: -s.odds)


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """All of one kind: rows [begin, end) and ``odds`` as in :class:`Sudden`, one entry a stretch."""

    kind: str
    begin: Ints
    end: Ints
    odds: Floats


def _unlike_habit(found: Stretches, past: Bools) -> list[Sudden]:
    """Those that are left when verdicts are lowered by the meter's habit."""
    often = OFTEN if past.any() else OFTEN_ALONE
    before = past[found.begin]
    habit = max(0.0, _nth(found.odds[before], 2), _nth(found.odds[~before], often))
    lower = max(0.0, HABIT[0] * habit - HABIT[1])
    hours = (found.end - found.begin)[found.odds > RATIO_ODDS].sum()
    most = RATIO_ODDS if found.kind == "scale10" and hours > RATIO_SHARE * len(past) else np.inf
    left = np.flatnonzero(found.odds - lower > LEAST_ODDS)
    odds = np.minimum(found.odds[left] - lower, most)
    rows = zip(found.begin[left].tolist(), found.end[left].tolist(), odds.tolist(), strict=True)
    return [Sudden(found.kind, *row) for row in rows]


def _nth(odds: Floats, n: int) -> float:
    """The n-th greatest, 0 where there are fewer."""
    return float(np.partition(odds, -n)[-n]) if len(odds) >= n else 0.0


def _tail(w: Floats | float, freedom: float) -> Floats:
    """Logarithm of Student's t, without its constant."""
    return np.asarray(-0.5 * (freedom + 1) * np.log1p(np.square(w) / freedom), float)


def _levels(expected: Floats) -> Levels:
    """In which bin of its expectation each hour lies (n), 0 … :data:`BINS` − 1."""
    order = np.sort(expected[::EVERY])
    out = np.zeros(len(expected), np.int8)
    for rank in np.arange(1, BINS) * len(order) // BINS:
        out += expected > order[rank]
    return out


def _shares(flag: Bools, among: Bools, level: Levels) -> tuple[Ints, Ints, Ints, Ints]:
    """By bin, how many of some hours there are, are flagged, follow a flagged one, and are flagged and follow one."""
    code = level.astype(np.int16)
    for bit, mark in enumerate((flag, _after(flag), among)):
        code += mark * np.int16(BINS << bit)
    count = np.bincount(code, minlength=8 * BINS).reshape(2, 2, 2, BINS)[1]  # (after, flagged, bins)
    return count.sum(axis=(0, 1)), count[:, 1].sum(axis=0), count[1].sum(axis=0), count[1, 1]


def _rate(flagged: Ints, count: Ints, weight: float, rate: float) -> Floats:
    """Share of flagged hours in each bin, drawn towards ``rate`` with the weight of so many hours."""
    return np.asarray((flagged + weight * rate) / (count + weight), float)


def _after(flag: Bools) -> Bools:
    out = np.zeros(len(flag), bool)
    out[1:] = flag[:-1]
    return out


def _runs(flag: Bools, least: int = 1, most: float = np.inf) -> tuple[Ints, Ints]:
    """[begin, end) of each stretch of True that is so many hours long."""
    change = np.flatnonzero(flag[1:] != flag[:-1]) + 1
    begin = np.insert(change, 0, 0) if flag[0] else change
    edges = np.append(begin, len(flag)) if flag[-1] else begin
    wanted = (edges[1::2] - edges[::2] >= least) & (edges[1::2] - edges[::2] <= most)
    return edges[::2][wanted], edges[1::2][wanted]


def _costs(once: Floats, more: Floats, level: Levels, begin: Ints, end: Ints) -> Floats:
    """What each stretch costs: its first hour and the further ones, by rates of each bin."""
    hours = end - begin
    first = np.cumsum(hours) - hours
    rows = np.arange(int(hours.sum())) + np.repeat(begin - first, hours)
    total = np.append(0.0, np.cumsum(-np.log(more)[level[rows]]))
    return np.asarray(-np.log(once)[level[begin]] + total[first + hours] - total[first + 1], float)


def _standing(hours: Hours, level: Levels, wide: float) -> Iterator[Stretches]:
    """Stretches of zeros: a dropout, or a gap when the hour after holds what the stretch should have held."""
    known = np.isfinite(hours.energy)
    zero = known & (hours.energy <= ZERO)
    if not zero.any():
        return
    count, zeros, after, again = _shares(zero, hours.own, level)
    once = _rate(zeros, count, 2.0, 0.002)
    keeps = max((again.sum() + 0.6) / (after.sum() + 2.0), 0.1)
    likely = min(keeps, 0.6) if after.any() else 0.3
    more = np.minimum(np.maximum(once, likely), np.maximum(20 * once, 0.12))
    begin, end = _runs(zero, LEAST_ZEROS)
    odds = _costs(once, more, level, begin, end)
    lump = np.array([_lump(hours, *rows, max(wide, 0.15)) for rows in zip(begin, end, strict=True)])
    made_good = lump > 1
    yield Stretches("gap_catchup", begin[made_good], end[made_good] + 1, (odds + lump)[made_good])
    yield Stretches("dropout", begin[~made_good], end[~made_good], odds[~made_good])


def _lump(hours: Hours, begin: int, end: int, wide: float) -> float:
    """Odds for the hour after a gap holding the gap's energy, against its being an hour as usual."""
    if end >= len(hours.energy) or end - begin > LONGEST_GAP_H or not hours.energy[end] > 1.6 * hours.expected[end]:
        return -np.inf
    whole = np.log(hours.energy[end] / hours.expected[begin : end + 1].sum())
    alone = np.log(hours.energy[end] / hours.expected[end])
    return float(_tail(whole / wide, TAIL) - _tail(alone / wide, TAIL))


def _repeating(hours: Hours, level: Levels, wide: float) -> Stretches:
    """Stretches in which one value is read again and again; rates are those of all hours, as resolution may change.

    A value that lies far from what is usual meanwhile speaks once more, for the stretch as a whole."""
    same = hours.energy > ZERO
    same[1:] &= hours.energy[1:] == hours.energy[:-1]
    same[0] = False
    count, repeats, after, again = _shares(same, np.isfinite(hours.energy), level)
    once = _rate(repeats, count, 4.0, 0.02)
    keeps = (again + 8 * np.maximum(once, 0.02)) / (after + 8)
    begin, end = _runs(same, LEAST_REPEATS)
    middle = (begin + end) // 2
    apart = (hours.logs[middle] - hours.usual[middle]) / wide
    odds = _costs(np.maximum(once, 1e-4), np.maximum(keeps, 0.02), level, begin, end) - _tail(apart, STILL_TAIL)
    odd = odds > LEAST_ODDS
    return Stretches("stuck", begin[odd] - 1, end[odd], odds[odd])


def _high(hours: Hours, wide: float) -> Iterator[Stretches]:
    """Hours far above all that the meter has shown, and stretches that fit when divided by ten."""
    known, own = np.isfinite(hours.energy), hours.own
    top = max(quantile(hours.energy[own], 0.99), ZERO)
    over = (hours.energy - hours.expected) / top
    over[~known] = 0.0
    limit = max(1.0, 1.15 * _second(over, own))
    begin, end = _runs(over > limit, most=MOST_SPIKE_H)
    most = np.array([over[a:b].max() for a, b in zip(begin, end, strict=True)])
    yield Stretches("spike", begin, end, 10 + 10 * np.log(most / limit))
    begin, end = _bridged(*_runs(known & ((over > 1) | (hours.energy > np.maximum(4 * hours.expected, 0.35 * top)))))
    begin, end = (each[end - begin >= MOST_SPIKE_H] for each in (begin, end))
    odds = np.array([_tenfold(hours, a, b, wide) for a, b in zip(begin, end, strict=True)])
    most = np.array([np.nanmax(hours.energy[a:b]) for a, b in zip(begin, end, strict=True)])
    within = most < BEYOND * top  # a load left on reaches its daytime level
    yield Stretches("scale10", begin, end, np.where(within, np.minimum(odds, RATIO_ODDS), odds))


def _second(values: Floats, among: Bools) -> float:
    """The second greatest of some values, -inf of fewer."""
    left = np.where(among, values, -np.inf)
    left[left.argmax()] = -np.inf
    return float(left.max())


def _bridged(begin: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Stretches with up to :data:`BRIDGE_H` hours between them are one."""
    first, last = np.ones(len(begin), bool), np.ones(len(end), bool)
    first[1:] = last[:-1] = begin[1:] - end[:-1] > BRIDGE_H
    return begin[first], end[last]


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
