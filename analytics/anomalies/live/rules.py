"""Sudden faults as they happen: zeros, repeats, readings beyond all that was, readings ten times too high.

Strategy: the exact rules of :mod:`analytics.anomalies.bank.sudden`, as running sums, one step an hour for all meters at
once. Each run of zeros, repeats or high readings carries the logarithm of its odds against being the meter's way; a
run that has ended leaves its peak behind, and from the peaks of its past a meter's habits are known: a verdict is
lowered by what the meter does anyway.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from analytics.anomalies.bank.record import Bools, Floats, Ints, spread

RUNS: Final = ("dropout", "stuck", "spike", "scale10")
BINS: Final = 8
"""of expectation, in which rates of zeros and repeats are counted"""
LEAST_REPEATS: Final = 3
TAIL: Final = 3.0
"""Degrees of freedom of the residual's tails (Student's t)."""
HABIT: Final = (1.1, 4.0)
"""A verdict is lowered by 1.1 times the habit's, less 4."""
OFTEN: Final = 4
"""What was told that many times in a year is a habit, too; what was not told, twice."""
LEAST_PEAK: Final = 3.0
TENFOLD_LEAST: Final = (4.0, 0.35)
"""Ten times too high is looked at above so many times the expected, and above that share of the highest percentile.
What lies below that percentile is what the meter shows at other hours (a load left on at night): it may go along with a
reading that is ten times too high, but says nothing for it."""


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """What a meter's readings do by themselves, learnt from its past. ``edges`` (meters, bins − 1) kWh of expectation ·
    ``zero``, ``zero_more``, ``same``, ``same_more`` (meters, bins) cost (−log of the rate) of a first and of a further
    one · ``top`` (meters) the highest percentile, kWh · ``limit`` (meters) the highest excess over expectation seen
    twice, in tops · ``wide`` (meters) scale of the log residual, ``step`` (meters) of its change in an hour."""

    edges: Floats
    zero: Floats
    zero_more: Floats
    same: Floats
    same_more: Floats
    top: Floats
    limit: Floats
    wide: Floats
    step: Floats


class Running(NamedTuple):
    """Runs under way, one row a rule of :data:`RUNS`: ``hours`` and ``odds`` (rules, meters), ``peak`` their greatest
    so far, ``told`` whether somebody knows; ``apart`` (meters) sum of the log residual in the run of repeats, ``tenth``
    (meters) the same of tenths; ``last`` (meters) reading and ``usual`` (meters) logarithm of what
    was usual the hour before."""

    hours: Ints
    odds: Floats
    peak: Floats
    told: Bools
    apart: Floats
    tenth: Floats
    last: Floats
    usual: Floats


class Peak(NamedTuple):
    """A run that is over: which rule, which meter, at which hour (since 1970), its odds, whether it was told."""

    rule: int
    meter: int
    hour: int
    odds: float
    told: bool


def no_runs(meters: int) -> Running:
    shape = (len(RUNS), meters)
    return Running(
        np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape), np.zeros(shape, bool), np.zeros(meters),
        np.zeros(meters), np.full(meters, np.nan), np.full(meters, np.nan),
    )  # fmt: skip


def learn_rates(energy: Floats, expected: Floats, residual: Floats, spoilt: Bools) -> Rates:
    """From a past (meters, n); ``spoilt`` hours are left out of rates and limits."""
    found = [_rates_of(*row) for row in zip(energy, expected, residual, spoilt, strict=True)]
    return Rates(*(np.array([f[k] for f in found]) for k in range(9)))


def _rates_of(energy: Floats, expected: Floats, residual: Floats, spoilt: Bools) -> tuple[Floats | float, ...]:
    edges = np.quantile(expected, np.linspace(0, 1, BINS + 1)[1:-1])
    level = np.searchsorted(edges, expected)
    known = np.isfinite(energy) & ~spoilt
    zero = known & (energy <= ZERO)
    same = known & np.r_[False, energy[1:] == energy[:-1]] & (energy > ZERO)
    once, again = _shares(zero, known, level, 2.0, 0.002), known & _after(zero)
    keeps = max(((zero & again).sum() + 0.6) / (again.sum() + 2.0), 0.1)
    likely = min(keeps, 0.6) if again.any() else 0.3
    more = np.minimum(np.maximum(once, likely), np.maximum(20 * once, 0.12))
    repeats, further = _shares(same, known, level, 4.0, 0.02), known & _after(same)
    count = np.bincount(level[further], same[further], BINS)
    goes_on = (count + 8 * np.maximum(repeats, 0.02)) / (np.bincount(level[further], minlength=BINS) + 8)
    shown = energy[known] if known.any() else np.ones(1)
    top = max(float(np.quantile(shown, 0.99)), 1e-9)
    over = np.sort((energy - expected)[known] / top) if known.sum() > 1 else np.zeros(2)
    wide = max(spread(np.where(spoilt, np.nan, residual)), 0.05)
    return (
        edges, -np.log(once), -np.log(more), -np.log(np.maximum(repeats, 1e-4)), -np.log(np.maximum(goes_on, 0.02)),
        top, max(1.0, 1.15 * float(over[-2])), wide, max(spread(np.diff(np.where(spoilt, np.nan, residual))), 0.05),
    )  # fmt: skip


ZERO: Final = 1e-9


def _shares(flag: Bools, among: Bools, level: Ints, weight: float, rate: float) -> Floats:
    """Share of flagged hours in each bin of expectation, drawn towards ``rate`` with the weight of so many hours."""
    count = np.bincount(level[among], flag[among], BINS)
    return np.asarray((count + weight * rate) / (np.bincount(level[among], minlength=BINS) + weight), float)


def _after(flag: Bools) -> Bools:
    return np.asarray(np.r_[False, flag[:-1]], bool)


class Signs(NamedTuple):
    """What hours of all meters show, before it is known which run they belong to, one row an hour: ``on`` (n, rules,
    meters) whether the rule's sign is there; ``first`` and ``more`` (n, rules, meters) odds of a first and of a further
    hour (of spikes: of the run as a whole); ``apart`` and ``tenth`` (n, meters) log residuals of the reading and of its
    tenth; ``some`` (n) whether there is any sign; ``last`` and ``usual`` as in :class:`Running`, of the last hour."""

    on: Bools
    first: Floats
    more: Floats
    apart: Floats
    tenth: Floats
    some: Bools
    last: Floats
    usual: Floats


def signs_of(rates: Rates, running: Running, energy: Floats, usual: Floats, floor: Floats) -> Signs:
    """Of hours (meters, n) that follow on ``running``."""
    energy, usual = energy.T, usual.T
    expected = expected_of(usual, floor)
    residual = np.log(np.maximum(energy, 0) + floor) - usual
    bin_ = (expected[..., None] > rates.edges).sum(axis=-1)
    before, was = np.concatenate([running.last[None], energy[:-1]]), np.concatenate([running.usual[None], usual[:-1]])
    same = (energy == before) & (energy > ZERO)
    over = known_or((energy - expected) / rates.top, -1.0)
    shown = np.maximum(known_or(energy), 0)
    high = (over > 1) | (shown > np.maximum(TENFOLD_LEAST[0] * expected, TENFOLD_LEAST[1] * rates.top))
    tenth = known_or(residual) + np.log(shown / 10 + floor) - np.log(shown + floor)
    moved = -tail(known_or(usual - was) / rates.step)  # a value that stays while its usual one goes
    on = np.stack([energy <= ZERO, same, over > rates.limit, high], axis=1)
    whole = 10 + 10 * np.log(np.maximum(over, 1e-3) / rates.limit)
    tenfold, meters = _tenfold(rates.wide, residual, tenth), np.arange(energy.shape[1])
    tenfold = np.where(shown > rates.top, tenfold, np.minimum(tenfold, 0))
    first = np.stack([rates.zero[meters, bin_], rates.same[meters, bin_] + moved, whole, tenfold], axis=1)
    more = np.stack([rates.zero_more[meters, bin_], rates.same_more[meters, bin_] + moved, whole, tenfold], axis=1)
    return Signs(
        on, first, more, known_or(residual), tenth, np.asarray(on.any(axis=(1, 2)), bool), energy[-1], usual[-1]
    )


def run_on(rates: Rates, running: Running, signs: Signs, k: int) -> tuple[Running, Running, Floats]:
    """Hour ``k``: runs as they go on, those that have just ended (``hours`` > 0), and the verdicts of the former."""
    on = signs.on[k]
    hours = np.where(on, running.hours + 1, 0)
    first = hours == 1
    gain = np.where(first, signs.first[k], signs.more[k])
    gain[2] = np.maximum(gain[2] - running.odds[2], 0)
    going = Running(
        hours, np.where(on, running.odds + gain, 0.0), running.peak, on & running.told,
        np.where(on[1], running.apart + signs.apart[k], 0.0), np.where(on[3], running.tenth + signs.tenth[k], 0.0),
        signs.last, signs.usual,
    )  # fmt: skip
    odds = verdict(rates, going)
    peak = np.where(on, np.maximum(np.where(first, 0, running.peak), odds), 0)
    return going._replace(peak=peak), running._replace(hours=np.where(on, 0, running.hours)), odds


def nothing_new(running: Running, signs: Signs, k: int) -> bool:
    """Whether no run goes on or ends in hour ``k``."""
    return not signs.some[k] and not running.hours.any()


def known_or(values: Floats, instead: float = 0.0) -> Floats:
    """``values`` with NaN replaced (``nan_to_num`` takes ten times as long for a few numbers)."""
    return np.asarray(np.where(np.isnan(values), instead, values), float)


def expected_of(usual: Floats, floor: Floats) -> Floats:
    """kWh that would be usual, at least a fifth of the floor."""
    return np.asarray(np.maximum(np.exp(usual) - floor, 0.2 * floor), float)


def _tenfold(wide: Floats, residual: Floats, tenth: Floats) -> Floats:
    """How much likelier a tenth of a reading is as usual, than the reading itself."""
    loose = np.maximum(wide, 0.1)
    now = np.clip(known_or(residual) / wide, -40, 40)
    return np.asarray(tail(tenth / loose) - np.log(loose) - tail(now) + np.log(wide), float)


def tail(w: Floats) -> Floats:
    """Logarithm of Student's t, without its constant."""
    return np.asarray(-0.5 * (TAIL + 1) * np.log1p(np.square(w) / TAIL), float)


def verdict(rates: Rates, running: Running) -> Floats:
    """(rules, meters): odds of each run so far, before habit."""
    out = running.odds.copy()
    hours = np.maximum(running.hours, 1)
    out[0] = np.where(running.hours[0] >= 2, out[0], 0)
    out[1] = np.where(running.hours[1] >= LEAST_REPEATS, out[1] - tail(running.apart / hours[1] / rates.wide), 0)
    miss = running.tenth / hours[3] / np.maximum(0.2, rates.wide)
    out[3] -= 0.75 * miss**2 * np.minimum(hours[3], 6)
    return np.asarray(np.maximum(out, 0), float)


def lowered(peaks: tuple[Peak, ...], meters: int) -> Floats:
    """(rules, meters): by how much each meter's habits lower a verdict."""
    out = np.zeros((len(RUNS), meters))
    for rule in range(len(RUNS)):
        for meter in range(meters):
            mine = [p for p in peaks if p.rule == rule and p.meter == meter]
            every = sorted((p.odds for p in mine), reverse=True)
            alone = sorted((p.odds for p in mine if not p.told), reverse=True)
            habit = max([0.0, *alone[1:2], *every[OFTEN - 1 : OFTEN]])
            out[rule, meter] = max(0.0, HABIT[0] * habit - HABIT[1])
    return out


def peaks_of(ended: Running, hour: int) -> list[Peak]:
    """What runs that have just ended leave behind."""
    rule, meter = np.nonzero((ended.hours > 0) & (ended.peak > LEAST_PEAK))
    return [
        Peak(int(r), int(m), hour, float(ended.peak[r, m]), bool(ended.told[r, m]))
        for r, m in zip(rule, meter, strict=True)
    ]
