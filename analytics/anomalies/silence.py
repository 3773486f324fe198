"""Silence and standstill: meters of which nothing is read, and meters that are read and do not count.

Strategy: exact rules. Missing readings are what the ledger could not measure; a building that falls silent as a
whole is one episode, of its main meter. A standstill is a stretch of exact zeros that the meter's own past makes
next to impossible: the share of zeros among hours of like expectation, to the power of the hours that should have
counted. A meter at zero above meters that count needs no past.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from analytics.anomalies.episode import Bools, Episode, bridged, runs
from analytics.anomalies.switched import is_switched, should_count
from analytics.quality import Floats

LEAST_SILENT_H: Final = 4
LOST_AFTER_H: Final = 13 * 24
TOGETHER: Final = 0.6
"""Share of a building's meters that are silent at once when it is not a meter's fault."""
LEAST_SURPRISE: Final = 25.0
"""Natural logarithm of the odds against a stretch of zeros being normal."""
CAUGHT_UP: Final = 0.5
SEEN: Final = 0.5
"""share of the hours for which the parent's balance speaks"""
OFF_SEASON: Final = 0.25
"""of the mean hour: where less is expected, the load is out of season, as heat in summer"""
HABITUAL: Final = 2
"""More other stretches of zeros at least half as surprising are the load's way: hot water, pools, snow melting."""
CLEAR: Final = 0.9
"""Of a load that goes on and off, the parent's balance must say more than it does in this share of all other stretches
as long; or it has never stood still for nearly as long."""
FAR_LONGER: Final = 3.0
OVERRULED_H: Final = 24
"""A day and a night, since a roof's sun may feed what is below a main meter for hours."""
OVERRULED_STEPS: Final = 10
"""So many of its smallest counts must have flowed below it."""


def silent_meters(unread: Mapping[str, Bools], alive: int, expected: Mapping[str, Floats], main: str) -> list[Episode]:
    """Episodes of missing readings, and of meters that are gone.

    ``unread`` per point, hours without a reading in the meter's lifetime, up to row ``alive``, the building's last
    reading; ``expected`` where there is a model; ``main`` stands for the building.
    """
    if not unread:
        return []
    total = np.sum(list(unread.values()), axis=0)
    together = (total > TOGETHER * len(unread)) & (len(unread) >= 3)
    out = [
        Episode(main, "missing", a, b, 0.99, 0.0, {"hours": float(b - a), "meters": float(total[a:b].max())}, fact=True)
        for a, b in runs(together)
        if b - a >= LEAST_SILENT_H
    ]
    for point, hours in unread.items():
        for begin, end in runs(hours):
            if end - begin >= LEAST_SILENT_H and together[begin:end].mean() < 0.5:
                out.append(_silent(point, begin, end, alive, expected.get(point)))
    return out


def _silent(point: str, begin: int, end: int, alive: int, expected: Floats | None) -> Episode:
    evidence = {"hours": float(end - begin)}
    usual = None if expected is None else float(expected[begin:end].sum())
    if usual is not None:
        evidence["expected_kwh"] = usual
    if end >= alive and end - begin >= LOST_AFTER_H:
        return Episode(point, "lost_submeter", begin, end, 0.9, None if usual is None else -usual, evidence, fact=True)
    return Episode(point, "missing", begin, end, 0.99, 0.0, evidence, fact=True)


def stuck_meters(point: str, energy: Floats, suspect: Floats, expected: Floats, flowed: Floats | None) -> list[Episode]:
    """Stretches in which a meter that is read counts nothing though it should.

    ``energy`` measured and ``suspect`` kept-but-implausible energy of each hour (NaN = not), ``flowed`` what the
    parent's balance gives as uncounted at this meter (NaN where unknown, None without a parent): a load that is
    truly off leaves the balance alone. Of a load that goes on and off by itself only what is clear is told, and that as
    a verdict and no fact.
    """
    zero, should = energy == 0, should_count(expected)
    usual = (zero & should).sum() / max(int((np.isfinite(energy) & should).sum()), 1)
    spans = runs(bridged(zero, 1))
    counts = np.array([(zero & should)[begin:end].sum() for begin, end in spans])
    out = []
    for (begin, end), surprising in zip(spans, counts.tolist(), strict=True):
        rarely = max(usual - surprising / max(int(should.sum()), 1), 0.002)
        total = float(expected[begin:end].sum())
        if surprising < 4 or -surprising * np.log(rarely) < LEAST_SURPRISE or _load_is_off(flowed, begin, end, total):
            continue
        known = flowed is not None and float(np.isfinite(flowed[begin:end]).mean()) >= SEEN
        off_season = float(expected[begin:end].mean()) < OFF_SEASON * float(np.nanmean(energy))
        if not known and (off_season or int((counts >= surprising / 2).sum()) - 1 > HABITUAL):
            continue
        switched = is_switched(energy, expected, slice(begin, end))
        longest = max((b - a for a, b in spans if a != begin), default=0)
        if switched and not _is_clear(flowed, begin, end) and end - begin <= FAR_LONGER * longest:
            continue
        after = np.where(np.isfinite(suspect), suspect, energy)[end : end + 2]
        caught = bool(np.nansum(after) - 2 * float(expected[end : end + 2].sum()) > CAUGHT_UP * total)
        evidence = {"hours": float(end - begin), "expected_kwh": total, "caught_up": float(caught)}
        hole = (max(begin - 1, 0), min(end + 2, len(energy)))
        sure, amount = 0.8 if switched else 0.95, 0.0 if caught else -total
        out.append(Episode(point, "stuck", begin, end, sure, amount, evidence, (hole,), fact=not switched))
    return out


def overruled_meters(point: str, energy: Floats, below: Floats) -> list[Episode]:
    """Stretches of a day and more in which a meter counts nothing while the meters right ``below`` it do (kWh of all of
    them together, n): that cannot be, whatever a model has learnt, even if it never counted at all."""
    counts = energy[energy > 0] if (energy > 0).any() else below[below > 0]
    least = OVERRULED_STEPS * float(counts.min()) if len(counts) else np.inf
    out = []
    for begin, end in runs(bridged(energy == 0, 1)):
        flowed = float(below[begin:end].sum())
        if end - begin < OVERRULED_H or flowed < least:
            continue
        caught = bool(np.nansum(energy[end : end + 2]) - 2 * flowed / (end - begin) > CAUGHT_UP * flowed)
        evidence = {"hours": float(end - begin), "expected_kwh": flowed, "caught_up": float(caught)}
        hole = (max(begin - 1, 0), min(end + 2, len(energy)))
        out.append(Episode(point, "stuck", begin, end, 0.99, 0.0 if caught else -flowed, evidence, (hole,), fact=True))
    return out


def _is_clear(flowed: Floats | None, begin: int, end: int) -> bool:
    """Whether the balance says more of this stretch than of nearly all others as long."""
    if flowed is None:
        return False
    sums = np.cumsum(np.r_[0.0, np.nan_to_num(flowed)])
    of = sums[end - begin :] - sums[: len(sums) - (end - begin)]
    others = np.r_[of[: max(2 * begin - end + 1, 0)], of[end:]]
    return bool(len(others)) and float(of[begin]) > float(np.quantile(np.abs(others), CLEAR))


def _load_is_off(flowed: Floats | None, begin: int, end: int, total: float) -> bool:
    """Whether the parent saw nothing of the energy that is missing here."""
    if flowed is None:
        return False
    known = np.isfinite(flowed[begin:end])
    if known.mean() < SEEN:
        return False
    return float(flowed[begin:end][known].sum()) < 0.3 * total * float(known.mean())
