"""What relatives say of a verdict: a small family by hand, and which of two verdicts is told."""

import numpy as np
import pytest

from analytics.anomalies.episode import Episode
from analytics.anomalies.kin import Home, common, home_of, is_piece, named_for
from analytics.tree.blame import Family
from submeter.words import Point

N = 120 * 24
HOUR = np.arange(N) % 24
BEGIN, END = 80 * 24, 90 * 24
CURVE = np.where((HOUR >= 8) & (HOUR < 18), 30.0, 5.0)
POINTS = {
    "B/main": Point(id="B/main", name="main"),
    "B/a": Point(id="B/a", name="a", parent="B/main"),
    "B/b": Point(id="B/b", name="b", parent="B/main"),
}


def home(*, flowed: bool, restless: float = 0.3) -> Home:
    """Meter a runs five hours late for ten days: truly, or by its clock alone. Beside it b, and what nobody meters."""
    random = np.random.default_rng(4)
    a, b = (CURVE * random.normal(1, 0.05, N) for _ in range(2))
    late = a.copy()
    late[BEGIN:END] = np.roll(a, 5)[BEGIN:END]
    rest = random.normal(0, restless, N)
    above = (late if flowed else a) + b + 10 + rest
    shown = np.column_stack([late, b, above])
    expected = np.column_stack([CURVE, CURVE, 2 * CURVE + 10])
    learnt = np.ones(N, bool)
    return home_of(["B/a", "B/b", "B/main"], Family(shown, expected, above - late - b - 10, HOUR, learnt, parent=True))


def late(point: str = "B/a", kind: str = "time_shift") -> Episode:
    return Episode(point, kind, BEGIN, END, 0.97, 0.0)


def test_a_clock_that_is_off_stands_and_a_load_that_runs_late_is_no_fault_of_its_meter() -> None:
    assert not home(flowed=False).denies(late())
    assert home(flowed=True).denies(late())


def test_a_restless_balance_is_content_with_less() -> None:
    assert not home(flowed=False, restless=12.0).denies(late())


def test_relatives_say_nothing_of_a_load_or_of_a_stranger() -> None:
    assert not home(flowed=True).denies(late(kind="night_on"))
    assert not home(flowed=True).denies(late("C/a"))


def test_a_parents_load_that_no_child_tells_must_be_in_what_nobody_meters() -> None:
    """Here a's five late hours are all that the main meter shows."""
    assert home(flowed=True).denies(late("B/main", "night_on"))
    unmetered = home(flowed=False)
    for column in (unmetered.family.shown[:, -1], unmetered.family.rest):
        column[BEGIN:END] += np.where(HOUR < 6, 25.0, 0.0)[BEGIN:END]
    assert not unmetered.denies(late("B/main", "night_on"))


def test_hvac_that_is_left_on_at_night_has_a_broken_timetable() -> None:
    left_on = Episode("B/a", "night_on", 0, 48, 0.9, 5.0, {"nights": 2.0, "night_kw": 3.0})
    told = named_for("01B10", left_on)
    assert (told.kind, told.evidence) == ("schedule", {"night_kw": 3.0, "hours": 48.0})
    assert named_for("01A10", left_on) is left_on


@pytest.mark.parametrize(
    ("begin", "end", "piece"), [(0, 100, True), (60, 200, False), (10, 20, True), (100, 200, False)]
)
def test_most_of_the_shorter_one_makes_it_a_piece_of_the_other(begin: int, end: int, piece: bool) -> None:
    one, other = Episode("B/a", "base_step", 0, 100, 0.9, 1.0), Episode("B/main", "night_on", begin, end, 0.9, 1.0)
    assert is_piece(one, other) is is_piece(other, one) is piece


def test_what_siblings_share_is_told_once_of_their_parent() -> None:
    both = [
        Episode(p, "night_on", 100, 200, 0.9, 40.0, {"actual_kwh": 90.0, "expected_kwh": 50.0}) for p in ("B/a", "B/b")
    ]
    (told,) = common(both, POINTS)
    assert (told.point, told.amount, told.evidence["actual_kwh"]) == ("B/main", 80.0, 180.0)
