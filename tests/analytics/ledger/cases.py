"""How the ledger's properties are run: delivered as intake does, counted one by one, as many as the profile says.

``python -m pytest tests/analytics/ledger --hypothesis-profile=wide`` (or ``deep``) tries many; the number printed at
the end is counted here, one for each case that a property looked at and found nothing in.
"""

import functools
from collections import Counter
from collections.abc import Callable
from itertools import groupby
from typing import Any

from hypothesis import HealthCheck, settings

from analytics.ledger import settle_point
from submeter.stores import Column, Store
from submeter.stores.memory import MemoryStore
from submeter.words import Block, Known, Method, Readings, Series
from tests.analytics.ledger.histories import History, Lot
from tests.analytics.ledger.small_cases import METER, analyst, content

TRIED: Counter[str] = Counter()
"""cases without a violation, by property"""
DEFAULT = 100
"""examples of Hypothesis' default profile"""


def cases(most: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a property on so many cases, in proportion more in a profile that asks for more, and count them."""

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def counted(*args: Any, **kwargs: Any) -> None:
            test(*args, **kwargs)
            TRIED[test.__name__] += 1

        return settings(
            max_examples=max(1, most * settings().max_examples // DEFAULT),
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
        )(counted)

    return decorate


def deliver(store: Store, lot: Lot, quantity: str) -> None:
    """Keep readings, what people said, and what both touch, as intake does."""
    for serial, polls in groupby(sorted(lot.polls), key=lambda p: p.serial):
        rows = list(polls)
        readings = Readings.of([p.time_ms for p in rows], [p.micro for p in rows])
        store.write_readings([Block(Series(METER, serial, quantity), readings)])
    if lot.polls:
        times = [p.time_ms for p in lot.polls]
        store.touch([(METER, min(times), max(times) + 1)])
    for entry in lot.corrections:
        store.put(entry)
        store.touch([(METER, entry.start_ms, entry.end_ms)])


def quantity_of(history: History) -> str:
    return history.where.points[METER].quantity


def arrived(history: History) -> Store:
    """The ledger that the feed job made of lot after lot."""
    store = MemoryStore()
    job = analyst(store, history.where)
    for lot in history.lots:
        deliver(store, lot, quantity_of(history))
        job.step()
    return store


def replayed(history: History) -> Store:
    """The ledger of a full re-settlement of everything at once."""
    store = MemoryStore()
    deliver(store, history.whole, quantity_of(history))
    settle_point(store, history.where, METER)
    return store


def odd_rows(one: Store, other: Store) -> list[tuple[Column, tuple[int, ...]]]:
    """What the first says otherwise than the second, in everything but revision.

    A row cannot be deleted, so the first may hold a missing one where the second has none: it says that there is no
    number, and no more.
    """
    mine, theirs = content(one), content(other)
    odd = []
    for column in sorted({*mine, *theirs}):
        left, right = dict(keyed(mine.get(column, []))), dict(keyed(theirs.get(column, [])))
        for start in sorted({*left, *right}):
            if left.get(start) != right.get(start) and not (start not in right and struck(left[start])):
                odd.append((column, (start, *left.get(start, ()), -1, *right.get(start, ()))))
    return odd


def keyed(rows: list[tuple[int, ...]]) -> list[tuple[int, tuple[int, ...]]]:
    return [(row[0], row[1:]) for row in rows]


def struck(row: tuple[int, ...]) -> bool:
    """Whether a row (micro, known, method, flags) only says that nothing is known."""
    return row[:3] == (0, Known.MISSING, Method.NO_READING)
