"""Lots: ascending unique times out of whatever order a pack has."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from collector.intake.lots import Spans, arrange
from collector.intake.reasons import REASONS, REPLAYED, Reason
from collector.intake.roster import Roster, instant_ms
from collector.intake.rules import Rows, show_time
from submeter.words import Device, Series
from tests.collector.intake.desk import MAIN, make_portfolio


def rows(pairs: list[tuple[int, int]], first: int = 0, series: Series = MAIN) -> Rows:
    times, micro = [t for t, _ in pairs], [v for _, v in pairs]
    return Rows(series, np.array(times, np.int64), np.array(micro, np.int64), np.arange(first, first + len(pairs)))


@given(st.lists(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2)), min_size=1, max_size=9), max_size=3))
def test_the_first_value_of_each_time_stays_as_a_loop_says(parts: list[list[tuple[int, int]]]) -> None:
    given_rows, first = [], 0
    for pairs in parts:
        given_rows.append(rows(pairs, first))
        first += len(pairs)
    kept: dict[int, int] = {}
    again, refused = 0, []
    for position, (time, value) in enumerate(pair for pairs in parts for pair in pairs):
        if time not in kept:
            kept[time] = value
        elif kept[time] == value:
            again += 1
        else:
            refused.append(position)
    lots, repeated, contradictions = arrange(given_rows)
    found = {
        t: v
        for lot in lots
        for t, v in zip(lot.block.readings.times.astype(int), lot.block.readings.micro, strict=True)
    }
    assert found == kept
    assert repeated == again
    assert sorted(i for c in contradictions for i in c.run.index.tolist()) == refused
    assert all((np.diff(lot.block.readings.times.astype(int)) > 0).all() for lot in lots)


def test_a_batch_does_not_speak_twice_of_the_same_time() -> None:
    spans = Spans()
    other = Series("HQ01/hvac", "SN2", "energy_import")
    assert spans.add(arrange([rows([(10, 1), (20, 2)])])[0])
    assert spans.add(arrange([rows([(21, 1)])])[0])
    assert spans.add(arrange([rows([(10, 1)], series=other)])[0])
    assert not spans.add(arrange([rows([(20, 2), (30, 3)])])[0])
    assert spans.add(arrange([rows([(22, 1)])])[0])


def test_every_reason_has_a_meaning_and_a_remedy() -> None:
    assert set(REASONS) == set(Reason)
    assert set(REASONS) >= REPLAYED


def test_dates_are_local_midnights_and_instants_say_their_offset_or_are_local() -> None:
    """2026-03-08 is the day on which New York's clocks go forward: its midnight is 05:00 UTC, the next day's 04:00."""
    hour = 3_600_000
    midnight = instant_ms("2026-03-08", "America/New_York")
    assert instant_ms("2026-03-08T00:00:00Z", "America/New_York") == midnight - 5 * hour
    assert instant_ms("2026-03-09", "America/New_York") == midnight + 23 * hour
    assert instant_ms("2026-03-08T12:00:00+08:00", "America/New_York") == midnight - hour
    assert instant_ms("2026-03-08T01:00", "America/New_York") == midnight + hour


def test_a_device_that_hangs_at_a_point_twice_is_known_in_both_stretches() -> None:

    portfolio = make_portfolio()
    back = Device(point="HQ01/main", serial="SN0", since="2026-02-01")
    devices = {**portfolio.devices, "HQ01/main": (*portfolio.devices["HQ01/main"], back)}
    roster = Roster(replace(portfolio, devices=devices))
    assert len(roster.stretches("HQ01/main", "SN0")) == 2
    assert roster.stretches("HQ01/main", "SN8") == []


def test_times_are_shown_to_people() -> None:
    assert show_time(0) == "1970-01-01T00:00:00Z"
    assert show_time(-(1 << 60)) == "ever"
    assert show_time(1 << 60) == "now on"
    assert show_time(1 << 58) == "beyond all calendars"
