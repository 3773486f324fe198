"""Whom a bus asks, and when; by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.gateway.bus_turns import LONGEST_WAIT_S, Turns


def turns(*units: int, period_s: float = 60.0, share: float = 0.1) -> Turns:
    made = Turns(period_s, share)
    made.keep(units)
    return made


def test_all_are_asked_every_time_while_they_answer() -> None:
    made = turns(1, 2)
    made.begin(0)
    made.answered(1)
    assert made.well() == [1, 2]
    assert made.lame(0) == []


def test_one_that_missed_is_asked_again_at_once_and_then_ever_less_often() -> None:
    made = turns(1)
    made.missed(1, 0.0, "no answer")
    assert made.well() == []
    assert made.lame(0.0) == [1]
    for wait_s in (60, 120, 240, 480, 900, 900):
        made.missed(1, 0.0, "no answer")
        assert made.lame(wait_s - 0.1) == []
        assert made.lame(wait_s) == [1]
    assert LONGEST_WAIT_S == 900


def test_one_that_answers_again_is_well_again() -> None:
    made = turns(1)
    made.missed(1, 0.0, "no answer")
    assert made.suspect(1)
    assert made.faults() == {1: "no answer"}
    made.answered(1)
    assert made.well() == [1]
    assert not made.suspect(1)
    assert made.faults() == {}


def test_the_longest_waiting_comes_first() -> None:
    made = turns(1, 2)
    made.missed(1, 5.0, "")
    made.missed(2, 3.0, "")
    assert made.lame(9.0) == [2, 1]


def test_lost_time_is_paid_from_a_share_of_the_time_that_goes_by() -> None:
    made = turns(1, period_s=60, share=0.1)
    made.begin(0)
    made.lost(8.0)  # the allowance was 6 s, now it is -2 s
    assert not made.may_lose_time()
    made.begin(10)  # +1 s
    assert not made.may_lose_time()
    made.begin(20)  # +1 s
    assert made.may_lose_time()


def test_the_allowance_does_not_pile_up() -> None:
    made = turns(1, period_s=60, share=0.1)
    made.begin(0)
    made.begin(1_000_000)
    made.lost(6.1)
    assert not made.may_lose_time()


def test_a_poll_in_which_half_a_period_is_lost_is_hopeless_until_the_next() -> None:
    made = turns(1, period_s=60)
    made.begin(0)
    made.lost(30.1)
    assert made.hopeless()
    made.begin(60)
    assert not made.hopeless()


def test_a_meter_that_is_added_does_not_make_the_others_forgotten() -> None:
    made = turns(1)
    made.missed(1, 0.0, "no answer")
    made.keep([1, 2])
    assert made.well() == [2]
    made.keep([2])
    assert made.faults() == {}


@given(
    st.floats(0.01, 0.5),
    st.lists(st.tuples(st.floats(0.1, 100), st.floats(0, 5)), min_size=1, max_size=60),
)
def test_what_is_lost_on_retries_stays_within_the_share(share: float, polls: list[tuple[float, float]]) -> None:
    """However long polls are apart and however long a retry takes: share × time, one period's and one retry more."""
    made = turns(1, period_s=10, share=share)
    now_s = lost_s = longest_s = 0.0
    for pause_s, cost_s in polls:
        made.begin(now_s)
        if made.may_lose_time():
            made.lost(cost_s)
            lost_s += cost_s
            longest_s = max(longest_s, cost_s)
        now_s += pause_s
    assert lost_s <= share * (now_s + 10) + longest_s + 1e-6


def test_a_share_of_nothing_still_asks_once() -> None:
    made = turns(1, share=0.0)
    made.begin(0)
    assert made.may_lose_time()
    made.lost(0.1)
    made.begin(1e6)
    assert not made.may_lose_time()


@pytest.mark.parametrize("misses", [1, 40, 2000])
def test_the_wait_is_bounded_however_often_one_misses(misses: int) -> None:
    made = turns(1)
    for _ in range(misses):
        made.missed(1, 0.0, "")
    assert made.lame(LONGEST_WAIT_S) == [1]
