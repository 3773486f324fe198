"""Of what is seen, what is told: budget, tolerances, and how sure."""

import numpy as np
import pytest

from analytics.anomalies.live.verdicts import (
    BUDGET_MONTHS,
    CERTAIN,
    MONTH_H,
    MOST_SURE,
    Lately,
    Limits,
    Telling,
    confidence,
    within,
)

NOW = np.datetime64("2026-03-01T10", "s")
HOUR = int(NOW.astype("datetime64[h]").astype(int))


def verdict(sure: float, actual: float = 20.0, usual: float = 10.0) -> Telling:
    return Telling(NOW, "m", "level_up", NOW, 0.0, sure, 5, actual, usual)


def told(
    verdicts: list[Telling], recent: list[Lately] | None = None, meters: int = 4, /, **limits: float
) -> list[float]:
    return [t.confidence for t in within(verdicts, recent or [], meters, Limits(**limits))[0]]


def test_the_surest_are_told_as_far_as_the_budget_goes_and_beyond_it_what_is_nearly_certain() -> None:
    unsure = [Lately(HOUR - 1, certain=False)] * 5  # of 0.5 · 3 months · 4 meters = 6
    assert told([verdict(0.3), verdict(0.6), verdict(CERTAIN)], unsure) == [CERTAIN]
    assert told([verdict(0.3), verdict(0.6)], unsure) == [0.6]
    assert told([verdict(0.3)], unsure, per_meter_month=1.0) == [0.3]
    assert told([verdict(0.3)], per_meter_month=0.0) == []


def test_what_is_nearly_certain_takes_no_more_than_half_of_the_budget() -> None:
    certain = [Lately(HOUR - 1, certain=True)] * 50
    assert told([verdict(0.3)], certain) == [0.3]
    assert told([verdict(0.3)], [*certain, *[Lately(HOUR - 1, certain=False)] * 3]) == []


def test_what_was_told_before_the_budgets_months_counts_no_more() -> None:
    long_ago = [Lately(HOUR - int(BUDGET_MONTHS * MONTH_H) - 1, certain=False)] * 6
    found, recent = within([verdict(0.3)], long_ago, 4, Limits())
    assert [t.confidence for t in found] == [0.3]
    assert recent == (Lately(HOUR, certain=False),)


@pytest.mark.parametrize(
    ("actual", "limits", "is_told"),
    [
        (12.0, {"least_too_much": 0.3}, False),
        (14.0, {"least_too_much": 0.3}, True),
        (8.0, {"least_too_much": 0.3}, True),
        (8.0, {"least_too_little": 0.3}, False),
        (6.0, {"least_too_little": 0.3}, True),
    ],
)
def test_too_much_and_too_little_have_tolerances_of_their_own(
    actual: float, limits: dict[str, float], is_told: bool
) -> None:
    assert bool(told([verdict(0.9, actual)], **limits)) is is_told


def test_where_nothing_is_usual_no_tolerance_speaks() -> None:
    assert told([verdict(0.9, 5.0, 0.0)], least_too_much=3.0) == [0.9]


def test_even_odds_are_half_sure_and_nothing_is_quite_sure() -> None:
    assert confidence(0.0, sudden=False) == 0.5
    assert confidence(9.0, sudden=True) == 0.5
    assert confidence(1e6, sudden=False) == MOST_SURE
    assert confidence(-1e6, sudden=True) == pytest.approx(0.0)
