"""Live looking: what is told, when, and that nothing later has a say in it."""

from functools import cache

import numpy as np
import pytest

from analytics.anomalies.live import Feed, State, Telling, advance, begin, size_bytes
from analytics.weekdays import Place

HISTORY_D, LIVE_D = 84, 35
PLACE = Place("Europe/Oslo", "NO")
START = np.datetime64("2023-01-01T23:00:00", "s")
NAMES = ("school", "office", "plant")
DAY = 24
FAULT_D = 10
"""Day of the live weeks on which faults begin, a Thursday."""


def _site() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Start, energy (3, n) and outdoor temperature (n) of three meters without a fault, on a grid of 0.01 kWh."""
    rng = np.random.default_rng(7)
    n = (HISTORY_D + LIVE_D) * DAY
    start = START + np.arange(n) * np.timedelta64(3600, "s")
    hour, day = np.arange(n) % 24, np.arange(n) // 24
    outdoor = 2 + 5 * np.sin(2 * np.pi * day / 60) + 3 * np.sin(2 * np.pi * (hour - 9) / 24) + rng.normal(0, 0.5, n)
    busy = (hour >= 7) & (hour < 18) & (day % 7 < 5)
    use = np.stack([20 + 40 * busy + 1.0 * (15 - outdoor), 30 + 60 * busy, np.full(n, 50.0) + 10 * busy])
    return start, np.round(use * np.exp(rng.normal(0, 0.04, use.shape)), 2), outdoor


@cache
def _begun() -> State:
    start, energy, outdoor = _site()
    past = slice(0, HISTORY_D * DAY)
    return begin(NAMES, PLACE, start[past], energy[:, past], (outdoor[past], None), (0, 1, 1))


def _feed() -> Feed:
    """The live weeks, not a fault in them."""
    _, energy, outdoor = _site()
    coming = slice(HISTORY_D * DAY, None)
    weather = np.stack([outdoor[coming], np.full(LIVE_D * DAY, np.nan)])
    return Feed(energy[:, coming].copy(), weather)


def _rows(feed: Feed, first: int, last: int) -> Feed:
    return Feed(feed.energy[:, first:last], feed.outdoor_c[:, first:last])


def _with_faults() -> Feed:
    feed = _feed()
    feed.energy[0, 5 * DAY + 9 : 5 * DAY + 15] = 0.0
    feed.energy[1, 6 * DAY + 3] += 400.0
    feed.energy[2, FAULT_D * DAY :] += 25.0
    return feed


def _plain(told: list[Telling]) -> list[tuple[object, ...]]:
    return [t[:4] for t in told]


def _after_h(told: Telling, row: int) -> float:
    """Hours from the beginning of a live row to the telling."""
    begins = START + np.timedelta64(3600, "s") * (HISTORY_D * DAY + row)
    return float((told.told - begins) / np.timedelta64(3600, "s"))


def test_nothing_is_told_of_meters_that_are_themselves() -> None:
    assert advance(_begun(), _feed())[1] == []


@pytest.mark.parametrize(
    ("kind", "meter", "hours", "within_h"),
    [("dropout", 1, 12, 3), ("stuck", 0, 30, 10), ("spike", 2, 1, 1), ("scale10", 1, 8, 3)],
)
def test_a_sudden_fault_is_told_once_and_within_hours(kind: str, meter: int, hours: int, within_h: int) -> None:
    row = FAULT_D * DAY + 9
    feed = _feed()
    part = feed.energy[meter, row : row + hours]
    shown = {"dropout": part * 0, "stuck": np.full(hours, part[0]), "spike": part + 300, "scale10": part * 10}[kind]
    feed.energy[meter, row : row + hours] = shown
    told = advance(_begun(), feed)[1]
    assert [t.meter for t in told] == [NAMES[meter]]
    assert told[0].kind == kind or (kind == "scale10" and told[0].kind == "spike")
    assert 0 < _after_h(told[0], row) <= within_h
    assert abs(_after_h(told[0], row) - float((told[0].told - told[0].begin) / np.timedelta64(3600, "s"))) <= 1


@pytest.mark.parametrize("kind", ["level_up", "night_on", "phase_loss"])
def test_a_long_fault_is_told_once_and_within_five_days(kind: str) -> None:
    rows = slice(FAULT_D * DAY, (FAULT_D + 14) * DAY)
    feed = _feed()
    night = (np.arange(14 * DAY) % 24 < 6) | (np.arange(14 * DAY) % 24 >= 20)
    part = feed.energy[1, rows]
    feed.energy[1, rows] = {"level_up": part + 20, "night_on": part + 35 * night, "phase_loss": part * 2 / 3}[kind]
    told = advance(_begun(), feed)[1]
    assert [(t.meter, t.kind) for t in told] == [("office", kind)]
    assert 0 < _after_h(told[0], rows.start) <= 120
    assert abs(_after_h(told[0], rows.start) - float((told[0].told - told[0].begin) / np.timedelta64(3600, "s"))) <= 48


def test_hours_one_by_one_tell_the_same_as_all_at_once() -> None:
    feed = _rows(_with_faults(), 0, (FAULT_D + 6) * DAY)
    whole = advance(_begun(), feed)[1]
    state, single = _begun(), []
    for k in range(feed.energy.shape[1]):
        state, more = advance(state, _rows(feed, k, k + 1))
        single += more
    assert _plain(single) == _plain(whole)
    assert {t.kind for t in whole} == {"dropout", "spike", "level_up"}


@pytest.mark.parametrize("cut", [5 * DAY + 12, FAULT_D * DAY, (FAULT_D + 4) * DAY + 7])
def test_no_telling_changes_when_what_came_after_it_is_cut_off(cut: int) -> None:
    feed = _with_faults()
    whole, short = advance(_begun(), feed)[1], advance(_begun(), _rows(feed, 0, cut))[1]
    seen = START + np.timedelta64(3600, "s") * (HISTORY_D * DAY + cut)
    assert _plain(short) == _plain([t for t in whole if t.told <= seen])


def test_a_state_is_not_changed_by_what_comes_after_it() -> None:
    state = advance(_begun(), _rows(_with_faults(), 0, 3 * DAY + 5))[0]
    first = advance(state, _rows(_with_faults(), 3 * DAY + 5, 9 * DAY))[1]
    assert _plain(advance(state, _rows(_with_faults(), 3 * DAY + 5, 9 * DAY))[1]) == _plain(first)
    assert len(first) == 2


def test_a_state_grows_no_further_than_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analytics.anomalies.live.watch.WINDOW_H", HISTORY_D * DAY)
    state = advance(_begun(), _rows(_feed(), 0, 7 * DAY))[0]
    later = advance(state, _rows(_feed(), 7 * DAY, 28 * DAY))[0]
    assert size_bytes(later) <= size_bytes(state) * 1.01


def test_hours_that_nobody_read_tell_nothing_and_do_no_harm() -> None:
    feed = _with_faults()
    feed.energy[:, 2 * DAY : 3 * DAY + 7] = np.nan
    feed.outdoor_c[0, 2 * DAY : 4 * DAY] = np.nan
    assert {t.kind for t in advance(_begun(), feed)[1]} == {"dropout", "spike", "level_up"}
