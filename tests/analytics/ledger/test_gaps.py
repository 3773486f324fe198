"""Where a register's difference went during a gap: it adds up, and what is measured never depends on a profile."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytics.ledger.gaps import EDGE_MS, ENOUGH_HOURS, HISTORY_S, History, spread
from analytics.ledger.settle import settle, tolerance_ms
from analytics.ledger.unroll import Track
from analytics.weekdays import Place
from submeter.words import Known, Method, Resolution

H = 3_600_000
OSLO = Place("Europe/Oslo", "NO")
BEGIN = int(datetime(2025, 2, 24, tzinfo=ZoneInfo("Europe/Oslo")).timestamp()) * 1000
"""a Monday, five weeks before the clocks change"""


def track(times: list[int], counts: list[int]) -> Track:
    links = len(times) - 1
    return Track(np.array(times), np.array(counts), np.zeros(links, np.uint16), np.zeros(links, bool))


def counted(hours: int) -> NDArray[np.int64]:
    """Cumulative micro-kWh at each hour: 9 kWh by day, 1 by night."""
    kwh = np.where((np.arange(hours) % 24 >= 8) & (np.arange(hours) % 24 < 18), 9, 1)
    return np.concatenate([[0], np.cumsum(kwh)]).astype(np.int64) * 1_000_000


def before(hours: int) -> History:
    """That many hours measured up to five weeks after the beginning."""
    start = BEGIN // 1000 + 3600 * np.arange(35 * 24, dtype=np.int64)
    return History(OSLO, start[-hours:], np.diff(counted(35 * 24))[-hours:])


GAP_MS = BEGIN + 35 * 24 * H


@settings(max_examples=60, deadline=None)
@given(
    length=st.integers(2 * H + 1, 20 * 24 * H),
    offset=st.integers(-H, 0),
    energy=st.integers(1, 10**12),
    step=st.sampled_from([60_000, 900_000, H]),
)
def test_a_gap_adds_up_to_the_last_count_and_never_runs_backwards(
    length: int, offset: int, energy: int, step: int
) -> None:
    begin = GAP_MS + offset
    instants = np.unique(np.append(np.arange(begin, begin + length, step), begin + length))
    found = spread(track([begin, begin + length], [7, 7 + energy]), instants, before(600))
    assert (found.counts[0], found.counts[-1]) == (7, 7 + energy)
    assert (np.diff(found.counts) >= 0).all()


def test_a_gap_over_the_night_of_the_clock_change_follows_the_wall_clock() -> None:
    """2025-03-30 has 23 hours in Oslo; the office still opens at eight."""
    begin = int(datetime(2025, 3, 30, tzinfo=ZoneInfo("Europe/Oslo")).timestamp()) * 1000
    hours = np.arange(begin, begin + 24 * H, H)
    start = BEGIN // 1000 + 3600 * np.arange((begin - BEGIN) // H)
    history = History(OSLO, start, np.diff(counted(len(start))))
    found = spread(track([begin, begin + 23 * H], [0, 103_000_000]), hours, history)
    told = np.diff(found.counts) / 1e6
    assert [round(kwh) for kwh in told] == [1] * 7 + [9] * 10 + [1] * 6
    assert found.profiled[1:-1].all()


def test_nothing_after_the_gap_matters_but_the_reading_that_ends_it() -> None:
    instants = np.arange(GAP_MS, GAP_MS + 24 * H, H)
    history = before(600)
    later = History(
        OSLO,
        np.append(history.start, (GAP_MS + 30 * H) // 1000 + 3600 * np.arange(500)),
        np.append(history.micro, np.full(500, 77_000_000)),
    )
    one = spread(track([GAP_MS, GAP_MS + 24 * H], [0, 10**8]), instants, history)
    times = [GAP_MS, GAP_MS + 24 * H, GAP_MS + 25 * H, GAP_MS + 90 * H]
    other = spread(track(times, [0, 10**8, 5 * 10**8, 6 * 10**8]), instants, later)
    assert (one.counts == other.counts).all()


def test_nothing_before_the_window_matters() -> None:
    history = before(28 * 24)
    earlier = History(
        OSLO,
        np.append(GAP_MS // 1000 - HISTORY_S - 3600 * np.arange(100, 0, -1), history.start),
        np.append(np.full(100, 10**9), history.micro),
    )
    instants = np.arange(GAP_MS, GAP_MS + 24 * H, H)
    gap = track([GAP_MS, GAP_MS + 24 * H], [0, 10**8])
    assert (spread(gap, instants, history).counts == spread(gap, instants, earlier).counts).all()


@pytest.mark.parametrize(("hours", "profiled"), [(ENOUGH_HOURS, True), (ENOUGH_HOURS - 1, False)])
def test_too_short_a_history_is_spread_evenly(hours: int, profiled: bool) -> None:
    found = spread(track([GAP_MS, GAP_MS + 4 * H], [0, 400]), np.array([GAP_MS + H, GAP_MS + 2 * H]), before(hours))
    assert found.profiled.all() == profiled
    assert (found.counts.tolist() == [100, 200]) != profiled


def test_the_edges_of_a_gap_are_what_an_hour_may_be_off_and_still_be_measured() -> None:
    assert tolerance_ms(Resolution.HOUR) == EDGE_MS


@pytest.mark.parametrize("late_ms", [0, 30_000, 90_000, EDGE_MS])
def test_a_measured_hour_at_a_gap_is_the_same_with_and_without_a_profile(late_ms: int) -> None:
    """Else the profile of a later gap would depend on which of the two it was shown."""
    times = [GAP_MS - 2 * H, GAP_MS - late_ms, GAP_MS + 9 * H + late_ms, GAP_MS + 10 * H]
    edges = np.arange(GAP_MS - 2 * H, GAP_MS + 11 * H, H) // 1000
    of = track(times, [0, 2 * 10**6, 60 * 10**6, 61 * 10**6])
    profiled, plain = (settle(of, edges, Resolution.HOUR, history) for history in (before(600), None))
    known = profiled.known == Known.MEASURED
    assert known.sum() == 1, "the hour after the gap"
    assert (profiled.micro[known] == plain.micro[known]).all()
    assert (profiled.method == Method.PROFILE).any()
