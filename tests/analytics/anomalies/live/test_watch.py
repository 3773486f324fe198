"""Live looking: what is told, when, and that nothing later has a say in it."""

import numpy as np
import pytest

from analytics.anomalies.live import Feed, Limits, Telling, advance, begin, packed, size_bytes
from tests.analytics.anomalies.live.three_meters import (
    DAY,
    FAULT_D,
    HISTORY_D,
    NAMES,
    PLACE,
    START,
    begun,
    healthy,
    part_of,
    site,
    with_faults,
)


def _plain(told: list[Telling]) -> list[tuple[object, ...]]:
    return [t[:4] for t in told]


def _after_h(told: Telling, row: int) -> float:
    """Hours from the beginning of a live row to the telling."""
    begins = START + np.timedelta64(3600, "s") * (HISTORY_D * DAY + row)
    return float((told.told - begins) / np.timedelta64(3600, "s"))


def test_nothing_is_told_of_meters_that_are_themselves() -> None:
    assert advance(begun(), healthy())[1] == []


@pytest.mark.parametrize(
    ("kind", "meter", "hours", "within_h"),
    [("dropout", 1, 12, 3), ("stuck", 0, 30, 10), ("spike", 2, 1, 1), ("scale10", 1, 8, 3)],
)
def test_a_sudden_fault_is_told_once_and_within_hours(kind: str, meter: int, hours: int, within_h: int) -> None:
    row = FAULT_D * DAY + 9
    feed = healthy()
    part = feed.energy[meter, row : row + hours]
    shown = {"dropout": part * 0, "stuck": np.full(hours, part[0]), "spike": part + 300, "scale10": part * 10}[kind]
    feed.energy[meter, row : row + hours] = shown
    told = advance(begun(), feed)[1]
    assert [t.meter for t in told] == [NAMES[meter]]
    assert told[0].kind == kind or (kind == "scale10" and told[0].kind == "spike")
    assert 0 < _after_h(told[0], row) <= within_h
    assert abs(_after_h(told[0], row) - float((told[0].told - told[0].begin) / np.timedelta64(3600, "s"))) <= 1


@pytest.mark.parametrize("kind", ["level_up", "night_on", "phase_loss"])
def test_a_long_fault_is_told_once_and_within_five_days(kind: str) -> None:
    rows = slice(FAULT_D * DAY, (FAULT_D + 14) * DAY)
    feed = healthy()
    night = (np.arange(14 * DAY) % 24 < 6) | (np.arange(14 * DAY) % 24 >= 20)
    part = feed.energy[1, rows]
    feed.energy[1, rows] = {"level_up": part + 20, "night_on": part + 35 * night, "phase_loss": part * 2 / 3}[kind]
    told = advance(begun(), feed)[1]
    assert [(t.meter, t.kind) for t in told] == [("office", kind)]
    assert 0 < _after_h(told[0], rows.start) <= 120
    assert abs(_after_h(told[0], rows.start) - float((told[0].told - told[0].begin) / np.timedelta64(3600, "s"))) <= 48


def test_hours_one_by_one_tell_the_same_as_all_at_once_and_leave_the_same_state_to_the_last_bit() -> None:
    feed = part_of(with_faults(), 0, (FAULT_D + 6) * DAY + 5)
    after, whole = advance(begun(), feed)
    state, single = begun(), []
    for k in range(feed.energy.shape[1]):
        state, more = advance(state, part_of(feed, k, k + 1))
        single += more
    assert _plain(single) == _plain(whole)
    assert packed(state) == packed(after)
    assert {t.kind for t in whole} == {"dropout", "spike", "level_up"}


@pytest.mark.parametrize("cut", [5 * DAY + 12, FAULT_D * DAY, (FAULT_D + 4) * DAY + 7])
def test_no_telling_changes_when_what_came_after_it_is_cut_off(cut: int) -> None:
    feed = with_faults()
    whole, short = advance(begun(), feed)[1], advance(begun(), part_of(feed, 0, cut))[1]
    seen = START + np.timedelta64(3600, "s") * (HISTORY_D * DAY + cut)
    assert _plain(short) == _plain([t for t in whole if t.told <= seen])


def test_a_state_is_not_changed_by_what_comes_after_it() -> None:
    state = advance(begun(), part_of(with_faults(), 0, 3 * DAY + 5))[0]
    first = advance(state, part_of(with_faults(), 3 * DAY + 5, 9 * DAY))[1]
    assert _plain(advance(state, part_of(with_faults(), 3 * DAY + 5, 9 * DAY))[1]) == _plain(first)
    assert len(first) == 2


def test_a_state_grows_no_further_than_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analytics.anomalies.live.watch.WINDOW_H", HISTORY_D * DAY)
    state = advance(begun(), part_of(healthy(), 0, 7 * DAY))[0]
    later = advance(state, part_of(healthy(), 7 * DAY, 28 * DAY))[0]
    assert size_bytes(later) <= size_bytes(state) * 1.01


def test_hours_that_nobody_read_tell_nothing_and_do_no_harm() -> None:
    feed = with_faults()
    feed.energy[:, 2 * DAY : 3 * DAY + 7] = np.nan
    feed.outdoor_c[0, 2 * DAY : 4 * DAY] = np.nan
    assert {t.kind for t in advance(begun(), feed)[1]} == {"dropout", "spike", "level_up"}


def test_a_fault_is_told_when_it_has_lasted_for_the_hold_time() -> None:
    feed = healthy()
    feed.energy[0, 3 * DAY + 9 : 3 * DAY + 13] = 0.0
    row = 6 * DAY + 9
    feed.energy[0, row : row + 12] = 0.0
    feed.energy[2, FAULT_D * DAY :] += 25.0
    feed = part_of(feed, 0, (FAULT_D + 9) * DAY)
    soon, late = (advance(begun(), feed, Limits(hold_h=hold))[1] for hold in (0.0, 6.0))
    assert [(t.meter, t.kind) for t in soon] == [("school", "dropout"), ("school", "dropout"), ("plant", "level_up")]
    assert [(t.meter, t.kind) for t in late] == [("school", "dropout"), ("plant", "level_up")]
    assert _after_h(late[0], row) == 6


def test_what_a_tolerance_leaves_out_is_counted() -> None:
    feed = part_of(with_faults(), 0, (FAULT_D + 3) * DAY)
    state, told = advance(begun(), feed, Limits(least_too_much=2.0))
    assert {t.kind for t in told} == {"dropout", "spike"}
    assert state.left_out >= 1


@pytest.mark.filterwarnings("error")
def test_meters_that_tell_nothing_stop_nobody() -> None:
    start, energy, outdoor = site()
    n, rng = energy.shape[1], np.random.default_rng(3)
    broken = outdoor.copy()
    broken[rng.random(n) < 0.3] = np.nan
    silent = np.where(np.arange(n) < 21 * DAY, energy[0], np.nan)
    odd = [
        np.zeros(n), np.full(n, 7.0), np.full(n, np.nan), silent, -energy[1], np.round(energy[2] / 40),
        np.where(rng.random(n) < 0.5, np.nan, energy[1]), energy[1] * 1e-7, energy[1],
    ]  # fmt: skip
    past = slice(0, HISTORY_D * DAY)
    names = tuple(f"m{row}" for row in range(len(odd)))
    state = begin(names, PLACE, start[past], np.array(odd)[:, past], (broken[past],), (0,) * len(odd))
    feed = Feed(np.array(odd)[:, past.stop : past.stop + 9 * DAY].copy(), broken[None, past.stop : past.stop + 9 * DAY])
    feed.energy[-1, 3 * DAY + 9 : 3 * DAY + 15] = 0.0
    assert [(t.meter, t.kind) for t in advance(state, feed)[1]] == [("m8", "dropout")]
