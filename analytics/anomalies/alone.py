"""What a meter tells all by itself: the bank's verdicts as episodes, where the meter tree says nothing.

Strategy: hours in which a reading is impossible or repeats itself need no relatives, so every meter is asked for those.
Lasting faults are told here of a meter that has neither parent nor children; of one that has, the balance and its
own load know more (:mod:`analytics.anomalies.gains`, :mod:`analytics.anomalies.levels`), and a load that runs by
another timetable would look like a clock that is off.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np

from analytics.anomalies.bank import Told, look_back, recorded
from analytics.anomalies.episode import Episode
from analytics.design import Design
from analytics.quality import Floats

KIND_OF: Final[Mapping[str, str]] = {
    "scale10": "scale10", "gap_catchup": "gap_catchup", "stuck": "frozen",
    "level_up": "base_step", "night_on": "night_on", "phase_loss": "phase_loss", "drift": "drift",
    "time_shift": "time_shift",
}  # fmt: skip
"""What the bank's kinds are called in findings; a dropout and a spike are told by the register itself."""
HOURLY: Final = ("scale10", "gap_catchup")
SURE: Final = 0.9
"""Least probability of what is told: a nightly verdict is read by people who have other things to do."""
SURE_OF_HOURS: Final = 0.98
LEAST_SWING: Final = 1.5
"""A repeated value means nothing while the load would have been steady anyway."""
KEPT: Final[Mapping[str, tuple[str, ...]]] = {
    "scale10": ("hours", "times", "actual_kwh", "expected_kwh"),
    "gap_catchup": ("hours", "actual_kwh", "expected_kwh"),
    "frozen": ("hours", "actual_kwh", "expected_kwh"),
    "base_step": ("step_kw", "share", "actual_kwh", "expected_kwh"),
    "night_on": ("nights", "night_kw", "usual_kw", "actual_kwh", "expected_kwh"),
    "phase_loss": ("share", "actual_kwh", "expected_kwh"),
    "drift": ("share", "share_per_week", "actual_kwh", "expected_kwh"),
    "time_shift": ("hours", "actual_kwh", "expected_kwh"),
}


def told_alone(energy: Mapping[str, Floats], designs: Sequence[Design], single: Collection[str]) -> list[Episode]:
    """Episodes of meters: ``energy`` (n) of each, NaN where unknown or spoilt already; ``designs`` in the same order;
    ``single`` have no relatives."""
    if not energy:
        return []
    n = len(designs[0])
    record = recorded(tuple(energy), np.array(list(energy.values())), designs, np.zeros(n, bool), np.ones(n, bool))
    return [_episode(t) for t in look_back(record).told if _wanted(t, single)]


def _wanted(told: Told, single: Collection[str]) -> bool:
    if told.kind not in KIND_OF:
        return False
    if told.kind == "stuck" and told.evidence["swing"] < LEAST_SWING:
        return False
    if told.kind in HOURLY:
        return told.confidence >= SURE_OF_HOURS
    return told.meter in single and told.confidence >= (SURE_OF_HOURS if told.kind == "stuck" else SURE)


def _episode(told: Told) -> Episode:
    kind = KIND_OF[told.kind]
    facts = {k: v for k, v in told.evidence.items() if k in KEPT[kind]}
    return Episode(told.meter, kind, told.begin, told.end, min(told.confidence, 0.97), told.excess_kwh, facts)
