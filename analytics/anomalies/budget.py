"""What of all verdicts is told: the alarm budget of a building, its tolerances, and its quiet days.

Strategy: one threshold of confidence for the whole building, as high as the budget asks for: of the verdicts that rest
on statistics the surest are told, of equally sure ones those with more at stake. A *fact* (a meter that is silent, a
register that runs backwards) is no matter of opinion and is told in any case; facts use up the budget, but never more
than half of it, or a gateway that fails every week would hide all else. What is left out is kept with its reason, so
that somebody can count it. Viewers rank what is told by money.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.anomalies.episode import LOAD_KINDS, Bools, Episode
from submeter.settings.settings import AlarmSettings
from submeter.words import Quiet

MONTH_H: Final = 730.5
MOSTLY: Final = 0.5
"""An episode is of quiet days when more than this share of its hours is."""
FACTS_SHARE: Final = 0.5
LEFT_ON: Final = ("night_on", "schedule", "base_step")
LEAST_LEFT_ON: Final = 0.01
"""A load that was left on has taken more than is usual meanwhile, by this share at least: logarithms find a level in
the last digit of a meter that counts next to nothing, and a surplus of nights that the days have made good."""

BUDGET, TOLERANCE, QUIET = "budget", "tolerance", "quiet"
"""Why a verdict is not told: too many surer ones, too small, or on days on which nothing is told."""


class Untold(NamedTuple):
    """A verdict that is not told, and why."""

    episode: Episode
    reason: str


def chosen(
    episodes: Sequence[Episode], meter_hours: float, alarms: AlarmSettings, quiet: Mapping[str, Bools]
) -> tuple[tuple[Episode, ...], tuple[Untold, ...]]:
    """What is told, in the order given, and what is not.

    ``meter_hours`` are the hours looked at, over all meters; ``quiet`` (n) per point, where it has any quiet days.
    """
    facts = [e for e in episodes if e.fact]
    asked = [e for e in episodes if not e.fact]
    rest, still = _parted(asked, lambda e: e.kind in LOAD_KINDS and _quiet(e, quiet.get(e.point)), QUIET)
    rest, small = _parted(rest, lambda e: _is_small(e, alarms), TOLERANCE)
    ranked = sorted(rest, key=lambda e: (-e.confidence, -abs(e.amount or 0.0), e.point, e.begin))
    beyond = {id(e) for e in ranked[room(alarms.per_meter_month * meter_hours / MONTH_H, len(facts)) :]}
    _, late = _parted(rest, lambda e: id(e) in beyond, BUDGET)
    untold = (*still, *small, *late)
    gone = {id(u.episode) for u in untold}
    return tuple(e for e in episodes if id(e) not in gone), untold


def room(budget: float, facts: int) -> int:
    """How many verdicts of statistics a budget lets through beside so many facts."""
    whole = round(budget)
    return whole - min(facts, int(whole * FACTS_SHARE))


def took_nothing(kind: str, amount: float | None, usual: float) -> bool:
    """Whether a load is said to be left on that has taken hardly more than is ``usual`` meanwhile, or less."""
    if kind not in LEFT_ON or amount is None:
        return False
    more = -amount if usual < 0 else amount  # a meter may count below zero
    return more <= 0 or more < LEAST_LEFT_ON * abs(usual)


def quiet_days(rows: Sequence[Quiet], building: str, point: str, day: NDArray[np.int64]) -> Bools:
    """(n) whether each local ``day`` (n, days since 1970) is quiet for a meter."""
    out = np.zeros(len(day), bool)
    for each in rows:
        if each.holds(building, point):
            out |= (day >= _day(each.first)) & (day <= _day(each.last))
    return out


def _day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def _parted(
    episodes: Sequence[Episode], away: Callable[[Episode], bool], reason: str
) -> tuple[list[Episode], list[Untold]]:
    gone = [e for e in episodes if away(e)]
    return [e for e in episodes if e not in gone], [Untold(e, reason) for e in gone]


def _quiet(episode: Episode, quiet: Bools | None) -> bool:
    return quiet is not None and float(quiet[episode.begin : episode.end].mean()) > MOSTLY


def _is_small(episode: Episode, alarms: AlarmSettings) -> bool:
    """Whether a surplus or shortfall is below what is worth telling; a fault of the meter that has none, or of which
    no size is known, is not."""
    usual = episode.evidence.get("expected_kwh", 0.0)
    if "shift_h" not in episode.evidence and took_nothing(episode.kind, episode.amount, usual):
        return True  # but a timetable that has moved takes nothing by itself
    if not episode.amount or usual <= 0:
        return False
    least = alarms.least_too_much if episode.amount > 0 else alarms.least_too_little
    return abs(episode.amount) / usual < least
