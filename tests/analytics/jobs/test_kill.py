"""Killed between any two writes: the next life ends where one without a kill ends, to the last revision."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from analytics.jobs import Analyst
from analytics.ledger.corrections import correct
from submeter.clock import HandClock
from submeter.settings.settings import AnalyticsSettings
from submeter.stores.memory import MemoryStore
from submeter.words import Correction, Frozen, Grounds, Portfolio, Price, StoreAway, TooLate
from tests.analytics.ledger.small_cases import DAY_MS, HOUR_MS, METER, content, device, ms, portfolio, write

START = ms("2025-01-09T16:00")
NOW = START + 62 * DAY_MS
HOURLY = [(START + i * HOUR_MS, 1000.0 + i + i % 24 / 10) for i in range(62 * 24)]


class MortalStore(MemoryStore):
    """Dies at its nth write. What was written to columns and readings before that stays, as on a server that knows no
    transactions; entries, feed and cursors of an open transaction are undone."""

    lives = 10**9

    def _write(self) -> None:
        self.lives -= 1
        if self.lives < 0:
            raise StoreAway("killed by the test")

    def write_intervals(self, *what: Any) -> None:
        self._write()
        super().write_intervals(*what)

    def put(self, *what: Any) -> None:
        self._write()
        super().put(*what)

    def set_cursor(self, *what: Any) -> None:
        self._write()
        super().set_cursor(*what)

    def touch(self, *what: Any) -> None:
        self._write()
        super().touch(*what)

    def expire(self, *what: Any) -> None:
        self._write()
        super().expire(*what)


def dear() -> Portfolio:
    where = portfolio(device(ct="200/5"))
    price = Price(name="city", medium="electricity", since="2025-02-01", yuan_per_unit=3.0)
    return Portfolio(where.tenant, where.buildings, where.points, where.devices, {}, {}, {}, (price,), where.carbon)


def late_readings(store: MemoryStore) -> None:
    write(store, [poll for poll in HOURLY if START + 20 * DAY_MS <= poll[0] < START + 22 * DAY_MS])


def correction(store: MemoryStore) -> None:
    at = START + 30 * DAY_MS
    correct(store, portfolio(), Correction(id="", building="b", point=METER, kind="reject", author="Li", reason="r",
                                           start_ms=at, end_ms=at + DAY_MS, told_ms=NOW))  # fmt: skip


def nothing(store: MemoryStore) -> None:
    """The change is that of the portfolio, or that time passes."""


CASES: dict[str, tuple[Callable[[MemoryStore], None], Portfolio, int]] = {
    "late readings": (late_readings, portfolio(), 0),
    "a correction": (correction, portfolio(), 0),
    "another transformer and another price": (nothing, dear(), 0),
    "months that are frozen, and late readings": (late_readings, portfolio(), 20),
}


class Life:
    """One life of the feed job, from its start until nothing is left to do or it is killed."""

    def __init__(self, store: MortalStore, where: Portfolio, raw_days: int) -> None:
        self.studied: list[str] = []
        self._clock = HandClock(NOW)
        self._job = Analyst(store, lambda: where, AnalyticsSettings(), self._clock, raw_days=raw_days,
                            study=lambda *given: self.studied.append(given[2]))  # fmt: skip

    def lead(self) -> "Life":
        for _ in range(4):
            self._job.step()
            self._clock.advance(301)
        return self


def begun(change: Callable[[MemoryStore], None]) -> MortalStore:
    """A store with a settled and studied past, in which something has changed."""
    store = MortalStore()
    write(store, [poll for poll in HOURLY if not START + 20 * DAY_MS <= poll[0] < START + 22 * DAY_MS])
    Life(store, portfolio(), 0).lead()
    change(store)
    return store


def state(store: MemoryStore) -> object:
    """All of it but when things were told."""
    columns = {c: (rows, _revisions(store, c)) for c, rows in content(store).items()}
    series = {each: store.read_readings(each, 0, 2**53).micro.tolist() for each in store.series()}
    late = [(each.start_ms, each.end_ms, each.micro) for each in store.entries(TooLate)]
    frozen = [(each.until_ms, each.counted, each.raw_ms) for each in store.entries(Frozen)]
    return columns, series, store.entries(Grounds), late, frozen, store.cursor("ledger"), store.cursor("unstudied b")


def _revisions(store: MemoryStore, column: Any) -> list[int]:
    (rows,) = store.read_intervals([column], np.datetime64("1990-01-01", "s"), np.datetime64("2060-01-01", "s"))
    return [int(revision) for revision in rows.revision]


@pytest.mark.parametrize("case", CASES)
def test_a_kill_between_any_two_writes_leaves_no_trace(case: str) -> None:
    change, where, raw_days = CASES[case]
    whole = begun(change)
    unharmed = Life(whole, where, raw_days).lead()
    assert unharmed.studied
    for lives in range(1000):
        store = begun(change)
        store.lives = lives
        killed = Life(store, where, raw_days)
        with suppress(StoreAway):
            killed.lead()
        if store.lives >= 0:
            break
        store.lives = 10**9
        resumed = Life(store, where, raw_days).lead()
        assert state(store) == state(whole), f"killed at write {lives}"
        assert killed.studied or resumed.studied
    assert lives > 5, "it wrote that often, and was killed each time"
