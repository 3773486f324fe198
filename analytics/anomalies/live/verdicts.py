"""What is told of what live looking sees: how sure it is, and what budget and tolerances keep back.

Strategy: as in looking back (:mod:`analytics.anomalies.budget`), what is nearly certain is told in any case and uses up
the budget, but never more than half of it, or a meter that fails every day would hide all else. It holds over some
months, because faults come in clusters, and what was told of one says nothing against the next.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

MONTH_H: Final = 730.5
BUDGET_MONTHS: Final = 3
CERTAIN: Final = 0.85
CERTAIN_SHARE: Final = 0.5
EVEN: Final = 9.0
"""At these odds a sudden fault is as often none, as in :mod:`analytics.anomalies.bank.look`."""
MOST_SURE: Final = 0.97
MOST_ODDS: Final = 700.0


class Limits(NamedTuple):
    """:class:`submeter.settings.settings.AlarmSettings` says what each means."""

    per_meter_month: float = 0.5
    least_too_much: float = 0.0
    least_too_little: float = 0.0
    hold_h: float = 0.0


ALL: Final = Limits()


class Telling(NamedTuple):
    """Somebody is told, at the end of the hour ``told`` that the state saw; ``begin`` is the first hour it is about.

    ``odds`` is the logarithm of the odds for a fault, ``confidence`` what it is worth; ``actual_kwh`` was shown since
    the beginning, in ``hours`` that are known, and ``expected_kwh`` is usual in them."""

    told: np.datetime64
    meter: str
    kind: str
    begin: np.datetime64
    odds: float
    confidence: float
    hours: int
    actual_kwh: float
    expected_kwh: float


class Lately(NamedTuple):
    """Something was told in an hour since 1970."""

    hour: int
    certain: bool


def confidence(odds: float, *, sudden: bool) -> float:
    """A sudden fault's odds are those against the meter's own way, so they are worth less."""
    return min(1 / (1 + math.exp(min(EVEN * sudden - odds, MOST_ODDS))), MOST_SURE)


def within(
    verdicts: Sequence[Telling], recent: Sequence[Lately], meters: int, limits: Limits
) -> tuple[list[Telling], tuple[Lately, ...]]:
    """What of an hour's verdicts is told, surest first; and what was told lately, with them."""
    now = int(verdicts[0].told.astype("datetime64[h]").astype(np.int64))
    lately = [each for each in recent if each.hour > now - BUDGET_MONTHS * MONTH_H]
    most = math.ceil(limits.per_meter_month * BUDGET_MONTHS * meters)
    told: list[Telling] = []
    for verdict in sorted(verdicts, key=lambda t: -t.confidence):
        certain = verdict.confidence >= CERTAIN
        if _matters(verdict, limits) and (certain or _used(lately, most) < most):
            told.append(verdict)
            lately.append(Lately(now, certain))
    return told, tuple(lately)


def _used(lately: Sequence[Lately], most: int) -> int:
    """How much of a budget of so many is used up."""
    certain = sum(each.certain for each in lately)
    return len(lately) - certain + min(certain, int(most * CERTAIN_SHARE))


def _matters(told: Telling, limits: Limits) -> bool:
    """Whether it is far enough from what is usual."""
    if told.expected_kwh <= 0:
        return True
    share = (told.actual_kwh - told.expected_kwh) / told.expected_kwh
    return share >= limits.least_too_much if share >= 0 else -share >= limits.least_too_little
