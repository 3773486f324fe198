"""What is told of all verdicts: the surest, within the budget; facts always; nothing is left out without a reason."""

import numpy as np
import pytest

from analytics.anomalies.budget import MONTH_H, Untold, chosen, quiet_days, room
from analytics.anomalies.episode import Episode
from submeter.settings.settings import AlarmSettings
from submeter.words import Quiet

A_YEAR = 12 * MONTH_H


def verdict(kind: str, confidence: float, kwh: float, at: int = 0, usual: float = 1000.0) -> Episode:
    return Episode("B/m", kind, at, at + 100, confidence, kwh, {"expected_kwh": usual})


def fact(at: int) -> Episode:
    return Episode("B/m", "missing", at, at + 5, 0.99, 0.0, fact=True)


def test_no_more_verdicts_than_the_budget_are_told_and_they_are_the_surest() -> None:
    every = [verdict("night_on", sure, 10.0, at) for at, sure in enumerate((0.91, 0.99, 0.95, 0.93))]
    told, untold = chosen(every, A_YEAR, AlarmSettings(per_meter_month=2 / 12), {})
    assert told == (every[1], every[2])
    assert untold == (Untold(every[0], "budget"), Untold(every[3], "budget"))


def test_of_equally_sure_verdicts_the_one_with_more_at_stake_is_told() -> None:
    small, large = verdict("drift", 0.9, 10.0), verdict("drift", 0.9, -400.0, 200)
    told, _ = chosen([small, large], A_YEAR, AlarmSettings(per_meter_month=1 / 12), {})
    assert told == (large,)


def test_facts_are_told_whatever_the_budget() -> None:
    facts, doubtful = [fact(at) for at in range(0, 100, 10)], verdict("drift", 0.97, 10.0)
    told, untold = chosen([*facts, doubtful], A_YEAR, AlarmSettings(per_meter_month=0.0), {})
    assert told == tuple(facts)
    assert untold == (Untold(doubtful, "budget"),)


@pytest.mark.parametrize(("facts", "left"), [(0, 6), (2, 4), (3, 3), (50, 3)])
def test_facts_use_up_at_most_half_of_the_budget(facts: int, left: int) -> None:
    assert room(6.0, facts) == left


def test_too_much_and_too_little_have_tolerances_of_their_own() -> None:
    more, less = verdict("night_on", 0.9, 150.0), verdict("phase_loss", 0.9, -150.0, 300)
    unknown = Episode("B/m", "reversed_ct", 0, 10, 0.9, None)
    told, untold = chosen([more, less, unknown], A_YEAR, AlarmSettings(least_too_much=0.2, least_too_little=0.1), {})
    assert told == (less, unknown)
    assert untold == (Untold(more, "tolerance"),)


@pytest.mark.parametrize(
    ("kind", "amount", "usual", "is_told"),
    [
        ("night_on", -0.35, 2.0, False), ("night_on", 0.0, 0.0, False), ("base_step", 9.0, 1000.0, False),
        ("base_step", 11.0, 1000.0, True), ("night_on", 0.1, 0.0, True), ("phase_loss", -1.0, 1000.0, True),
        ("base_step", -300.0, -1000.0, True), ("base_step", 300.0, -1000.0, False),
    ],
)  # fmt: skip
def test_a_load_that_was_left_on_has_taken_more_than_usual(
    kind: str, amount: float, usual: float, is_told: bool
) -> None:
    every = [verdict(kind, 0.9, amount, usual=usual)]
    told, untold = chosen(every, A_YEAR, AlarmSettings(), {})
    assert bool(told) is is_told
    assert [each.reason for each in untold] == ([] if is_told else ["tolerance"])


def test_a_timetable_that_has_moved_takes_nothing_by_itself() -> None:
    moved = Episode("B/m", "schedule", 0, 100, 0.9, -5.0, {"expected_kwh": 1000.0, "shift_h": 5.0})
    assert chosen([moved], A_YEAR, AlarmSettings(), {}) == ((moved,), ())


def test_on_quiet_days_faults_of_meters_are_told_and_those_of_operation_are_not() -> None:
    works = {"B/m": np.arange(200) < 80}
    on, off, lost = verdict("night_on", 0.9, 90.0), verdict("night_on", 0.9, 90.0, 60), verdict("phase_loss", 0.9, -9.0)
    told, untold = chosen([on, off, lost], A_YEAR, AlarmSettings(), works)
    assert told == (off, lost)
    assert untold == (Untold(on, "quiet"),)


def test_quiet_days_reach_from_the_first_to_the_last_and_hold_for_whom_they_name() -> None:
    day = np.arange(np.datetime64("2026-02-27"), np.datetime64("2026-03-04")).astype(np.int64)
    rows = [Quiet(building="B", points=("B/m",), first="2026-02-28", last="2026-03-01")]
    assert quiet_days(rows, "B", "B/m", day).tolist() == [False, True, True, False, False]
    assert not quiet_days(rows, "B", "B/other", day).any()
    everywhere = [Quiet(first="2026-03-03", last="2026-03-03")]
    assert quiet_days(everywhere, "C", "C/x", day).tolist() == [False, False, False, False, True]
