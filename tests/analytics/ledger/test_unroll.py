"""Which readings are accepted and what was counted between them. Expected values by hand, in kWh."""

from fractions import Fraction

import numpy as np
import pytest

from analytics.ledger.unroll import HOLD_MS, Register, Track, join, unroll
from submeter.words import MICRO, Flag, Method

HOUR_MS = 3_600_000
RATED = Register(modulus=1_000_000 * MICRO, ratio=Fraction(1), resolution=10_000, rate=100 * MICRO / HOUR_MS)
"""100 kW at most, six digits and two decimals of which the last is 0.01 kWh"""
UNRATED = Register(modulus=1_000_000 * MICRO, ratio=Fraction(1), resolution=10_000)
BOTH = pytest.mark.parametrize("register", [RATED, UNRATED], ids=["rated", "unrated"])


def track_of(shown: list[float], register: Register = RATED, **how: bool) -> Track:
    """Hourly readings."""
    times = np.arange(len(shown), dtype=np.int64) * HOUR_MS
    return unroll(times, np.array([round(kwh * MICRO) for kwh in shown], np.int64), register, **how)


def counted(track: Track) -> list[float]:
    return [round(c / MICRO, 6) for c in np.diff(track.counts).tolist()]


def hours(track: Track) -> list[int]:
    return [t // HOUR_MS for t in track.times.tolist()]


@BOTH
def test_a_register_that_rises_is_counted_as_it_is(register: Register) -> None:
    track = track_of([100, 103, 103, 110], register)
    assert counted(track) == [3, 0, 7]
    assert not track.flags.any()


@BOTH
def test_a_single_zero_is_a_glitch_and_costs_nothing(register: Register) -> None:
    track = track_of([100_000, 100_003, 0, 100_009, 100_012], register)
    assert hours(track) == [0, 1, 3, 4]
    assert counted(track) == [3, 6, 3]
    assert not track.flags.any()


def test_a_zero_before_an_implausible_rise_costs_the_rise_and_not_the_register() -> None:
    track = track_of([100_000, 100_003, 0, 100_903, 100_906])
    assert hours(track) == [0, 1, 3, 4]
    assert counted(track) == [3, 900, 3]
    assert track.flags.tolist() == [0, Flag.SUSPECT, 0]


@BOTH
def test_several_zeros_are_one_glitch(register: Register) -> None:
    track = track_of([100_000, 100_003, 0, 0, 0, 100_015], register)
    assert counted(track) == [3, 12]


@BOTH
def test_low_values_that_count_on_are_still_a_dip_when_the_register_jumps_back(register: Register) -> None:
    track = track_of([100_000, 100_003, 5, 7, 9, 100_015], register)
    assert counted(track) == [3, 12]


@BOTH
def test_zeros_that_alternate_with_good_readings_are_all_dropped(register: Register) -> None:
    track = track_of([500, 0, 503, 0, 506, 0, 509], register)
    assert counted(track) == [3, 3, 3]


@BOTH
def test_a_spike_that_is_taken_back_is_dropped(register: Register) -> None:
    track = track_of([100, 103, 5_000, 109, 112], register)
    assert counted(track) == [3, 6, 3]
    assert not track.flags.any()


@BOTH
def test_a_spike_of_several_readings_that_is_taken_back_is_dropped(register: Register) -> None:
    track = track_of([100, 103, 5_000, 5_001, 5_002, 5_003, 109, 112], register)
    assert counted(track) == [3, 6, 3]


def test_a_jump_that_the_register_keeps_is_energy_and_suspect() -> None:
    track = track_of([100, 103, 5_000, 5_003, 5_006])
    assert counted(track) == [3, 4_897, 3, 3]
    assert track.flags.tolist() == [0, Flag.SUSPECT, 0, 0]


def test_an_implausible_rise_at_the_open_end_is_held_until_it_is_confirmed() -> None:
    track = track_of([100, 103, 5_000])
    assert hours(track) == [0, 1]
    assert track.held_ms == 2 * HOUR_MS
    assert counted(track_of([100, 103, 5_000], open_end=False)) == [3, 4_897]


def test_a_fall_at_the_open_end_is_held() -> None:
    track = track_of([100, 103, 0, 0])
    assert hours(track) == [0, 1]
    assert track.held_ms == 2 * HOUR_MS


@BOTH
def test_a_register_that_falls_and_stays_is_a_reset(register: Register) -> None:
    track = track_of([90_000, 90_003, *range(2, 32)], register)
    assert track.flags[1] == Flag.RESET
    assert counted(track)[2:] == [1.0] * 29
    assert not track.lost.any()


def test_after_a_reset_the_new_count_is_energy_where_it_is_plausible() -> None:
    assert counted(track_of([90_000, 90_003, *range(2, 32)]))[1] == 2
    assert counted(track_of([90_000, 90_003, *range(5_000, 5_032)]))[1] == 0


def test_a_reset_across_a_long_break_loses_it() -> None:
    times = np.array([0, 1, 30, 31, 32, 33, 34, 60]) * HOUR_MS
    track = unroll(times, np.array([900, 901, 1, 2, 3, 4, 5, 6]) * MICRO, RATED)
    assert track.lost.tolist() == [0, Method.NO_CLOSING, 0, 0, 0, 0, 0]
    assert track.flags[1] == Flag.RESET


def lost_hours(track: Track) -> set[int]:
    """Those in links that the register took back."""
    links = np.flatnonzero(track.lost == Method.REFUTED).tolist()
    return {hour for link in links for hour in range(hours(track)[link], hours(track)[link + 1])}


@BOTH
@pytest.mark.parametrize("falls", [4, 10, 30, 100])
def test_a_register_that_counts_down_loses_all_of_it(register: Register, falls: int) -> None:
    down = [9_000 - fall for fall in range(1, falls + 1)]
    track = track_of([8_940, 8_970, 9_000, *down, *range(down[-1] + 3, down[-1] + 93, 3)], register)
    assert lost_hours(track) >= set(range(2, 2 + falls)), "all between the first fall and the last"
    known = track.lost == 0
    assert set(np.diff(track.counts)[known].tolist()) <= {3 * MICRO, 30 * MICRO}, "nothing beside it is another"
    assert (track.flags[~known] == Flag.RESET).all()


@BOTH
def test_one_step_back_alone_is_no_register_that_counts_down(register: Register) -> None:
    track = track_of([8_940, 8_970, 9_000, 8_990, *range(8_993, 9_083, 3)], register)
    assert not track.lost.any()


def test_a_register_that_begins_anew_twice_in_a_day_is_no_register_that_counts_down() -> None:
    track = track_of([90_000, 90_003, 2, 4, 6, 8, 1, 3, 5, *range(6, 40)])
    assert not track.lost.any()
    assert counted(track)[:7] == [3, 2, 2, 2, 2, 1, 2]


def test_a_register_that_goes_back_twice_and_counts_on_between_is_reset_twice() -> None:
    track = track_of([9_000, 9_009, *range(9_002, 9_020, 2), 9_017, *range(9_018, 9_060)])
    assert not track.lost.any()
    assert [link for link, flag in enumerate(track.flags.tolist()) if flag & Flag.RESET] == []


@BOTH
def test_rollover_counts_on_through_the_modulus(register: Register) -> None:
    track = track_of([999_990, 999_995, 5, 12], register)
    assert counted(track) == [5, 10, 7]
    assert track.flags.tolist() == [0, Flag.ROLLOVER, 0]


def test_rollover_is_refused_where_the_rating_does_not_allow_it() -> None:
    track = track_of([600_000, 600_003, *range(5, 35)])
    assert track.flags[1] == Flag.RESET


def test_rollover_happens_before_the_ratio() -> None:
    register = Register(modulus=1_000 * MICRO, ratio=Fraction(400, 5), resolution=10_000, rate=1_000 * MICRO / HOUR_MS)
    track = track_of([998, 999, 1, 2], register)
    assert counted(track) == [80, 160, 80]


def test_a_ratio_that_does_not_divide_loses_nothing_over_the_sum() -> None:
    register = Register(modulus=10**12, ratio=Fraction(100, 3))
    track = unroll(np.arange(1000) * HOUR_MS, np.arange(1000, dtype=np.int64) * 7, register)
    assert track.counts[-1] == 999 * 7 * 100 // 3


def test_the_sum_does_not_depend_on_where_the_window_begins() -> None:
    register = Register(modulus=10**12, ratio=Fraction(100, 3))
    shown = np.cumsum(np.random.default_rng(1).integers(0, 50, 500))
    whole = unroll(np.arange(500) * HOUR_MS, shown, register)
    part = unroll(np.arange(200, 500) * HOUR_MS, shown[200:], register)
    assert np.diff(whole.counts)[200:].tolist() == np.diff(part.counts).tolist()


def test_a_first_reading_of_zero_is_not_the_beginning_of_a_huge_count() -> None:
    track = track_of([0, 80_000, 80_003, 80_006], begins=True)
    assert counted(track) == [3, 3]


def test_an_idle_register_is_no_fault() -> None:
    track = track_of([5.0] * 50)
    assert counted(track) == [0.0] * 49
    assert not track.flags.any()


def test_one_reading_is_a_knot_and_no_energy() -> None:
    assert len(track_of([5.0])) == 1
    assert len(track_of([])) == 0


def test_closing_and_opening_at_the_same_instant_lose_nothing() -> None:
    old = unroll(np.array([0, 1]) * HOUR_MS, np.array([900, 905]) * MICRO, RATED, open_end=False)
    new = unroll(np.array([1, 2]) * HOUR_MS, np.array([0, 4]) * MICRO, RATED)
    track = join([old, new])
    assert counted(track) == [5, 4]
    assert track.flags.tolist() == [Flag.EXCHANGE, 0]
    assert not track.lost.any()


def test_an_exchange_without_closing_reading_loses_the_time_between() -> None:
    old = unroll(np.array([0, 1]) * HOUR_MS, np.array([900, 905]) * MICRO, RATED, open_end=False)
    new = unroll(np.array([9, 10]) * HOUR_MS, np.array([0, 4]) * MICRO, RATED)
    track = join([old, Track.empty(), new])
    assert counted(track) == [5, 0, 4]
    assert track.lost.tolist() == [0, Method.NO_CLOSING, 0]


def test_the_hold_time_is_a_day() -> None:
    assert HOLD_MS == 24 * HOUR_MS
