"""Live polls are not settled one by one, and yet the ledger is at every moment what a full settlement makes of them."""

from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analytics.jobs import Analyst
from analytics.ledger import settle_point
from analytics.ledger.corrections import correct
from submeter.clock import HandClock
from submeter.settings.settings import AnalyticsSettings
from submeter.stores.memory import MemoryStore
from submeter.words import Correction, Portfolio
from tests.analytics.ledger.small_cases import DAY_MS, METER, analyst, content, device, ms, portfolio, write

START = ms("2025-03-02T16:00")
MINUTE_MS = 60_000
QUIET = [(START - 2 * DAY_MS + i * 15 * MINUTE_MS, 500.0 + 0.25 * i) for i in range(2 * 96)]
"""two days of polls in which nothing happens, so that the shortcut may be taken"""
AT = QUIET[-1][1]


def whole(polls: list[tuple[int, float]], where: Portfolio) -> MemoryStore:
    store = MemoryStore()
    write(store, polls)
    settle_point(store, where, METER)
    return store


@example(steps=[(60, 0.0), (60, 3.0), (60, -2.9), (60, 0.1)]).via("a rise that was plausible, and taken back at once")
@example(steps=[(60, 0.0), (60, -0.5), *[(60, 0.2)] * 5]).via("a small fall, made good within the quarter")
@settings(max_examples=6, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from([30, 60, 61, 400]), st.sampled_from([0.0, 0.1, 0.4, 3.0, -0.1, -3.0, -400.0])),
        min_size=4,
        max_size=9,
    )
)
def test_after_every_poll_the_ledger_is_that_of_a_full_settlement(steps: list[tuple[int, float]]) -> None:
    where, live = portfolio(rating=20.0), MemoryStore()
    job = analyst(live, where)
    write(live, QUIET)
    job.step()
    polls, time_ms, shown = list(QUIET), QUIET[-1][0], AT
    for seconds, rise in steps:
        time_ms, shown = time_ms + seconds * 1000, max(0.0, round(shown + rise, 2))
        polls.append((time_ms, shown))
        write(live, polls[-1:])
        job.step()
        assert content(live) == content(whole(polls, where))


class Polls:
    """A job that is polled every minute; notes at which minutes something was looked at."""

    def __init__(self, where: Portfolio) -> None:
        self.store, self.where, self.looks = LookedAt(), where, 0
        self.job = Analyst(self.store, lambda: self.where, AnalyticsSettings(), HandClock(), study=lambda *_: None)
        write(self.store, QUIET)
        self.job.step()
        self.minute = 0

    def poll(self) -> bool:
        """Whether it was settled."""
        before = self.store.looks
        write(self.store, [(START + self.minute * MINUTE_MS, round(AT + 0.25 + 0.01 * self.minute, 2))])
        self.minute += 1
        self.job.step()
        return self.store.looks > before


class LookedAt(MemoryStore):
    looks = 0

    def read_intervals(self, *what: Any) -> Any:
        self.looks += 1
        return super().read_intervals(*what)


def test_only_polls_that_cross_a_boundary_are_settled() -> None:
    polls = Polls(portfolio())
    assert [minute for minute in range(46) if polls.poll()] == [0, 15, 30, 45]


def test_a_corrected_meter_takes_no_shortcut() -> None:
    polls = Polls(portfolio())
    polls.poll()
    assert not polls.poll()
    who: dict[str, Any] = {"author": "Li Wei", "reason": "test", "told_ms": START}
    at = START - DAY_MS
    correct(polls.store, polls.where, Correction(id="", building="b", point=METER, kind="reject", start_ms=at,
                                                 end_ms=at + 1, **who))  # fmt: skip
    assert [polls.poll() for _ in range(3)] == [True] * 3


def test_after_a_change_of_the_meter_s_data_nothing_is_certain_until_a_hold_time_is_over() -> None:
    polls = Polls(portfolio())
    polls.poll()
    assert not polls.poll()
    exchanged = str(np.datetime64(START, "ms")) + "+00:00"
    polls.where = portfolio(device(until=exchanged), device(since=exchanged, ct="200/5"))
    assert [polls.poll() for _ in range(3)] == [True] * 3
