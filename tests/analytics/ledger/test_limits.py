"""A meter without a rating is judged by its own days on both sides: anew where, and only where, a limit moves."""

from typing import Any

import numpy as np
import pytest

from analytics.ledger import settle_point
from submeter.stores.memory import MemoryStore
from submeter.words import Flag, Resolution
from tests.analytics.ledger.small_cases import DAY_MS, HOUR_MS, METER, analyst, content, ms, portfolio, rows, write

START = ms("2025-01-09T16:00")
UNRATED = portfolio(rating=0.0)
DAYS = 100


def register(seed: int) -> list[tuple[int, float]]:
    """Days whose highest hours differ much, so that limits move with each of them, and a few hours beyond all."""
    random = np.random.default_rng(seed)
    level = np.repeat(random.choice([4.0, 5.0, 6.5], DAYS), 24)
    used = level * random.uniform(0.2, 1.0, DAYS * 24)
    used[random.integers(0, DAYS * 24, 4)] = 12.0
    shown = np.cumsum(np.concatenate([[100.0], used])).round(2)
    return [(START + i * HOUR_MS, float(kwh)) for i, kwh in enumerate(shown)]


def whole(readings: list[tuple[int, float]]) -> MemoryStore:
    store = MemoryStore()
    write(store, readings)
    settle_point(store, UNRATED, METER)
    return store


@pytest.mark.parametrize("seed", range(4))
def test_in_any_order_of_arrival_every_hour_is_judged_as_in_a_full_settlement(seed: int) -> None:
    readings, random = register(seed), np.random.default_rng(seed)
    pieces = random.integers(0, 8, DAYS + 1)
    store = MemoryStore()
    job = analyst(store, UNRATED)
    for piece in range(8):
        arrived = [poll for poll in readings if pieces[(poll[0] - START) // DAY_MS] == piece]
        write(store, arrived)
        job.step()
    assert content(store) == content(whole(readings))
    assert (rows(store, Resolution.HOUR).flags & Flag.SUSPECT).any()


class Reads(MemoryStore):
    """Notes the widest span of readings that was asked for."""

    widest_ms = 0

    def read_readings(self, series: Any, start_ms: int, end_ms: int) -> Any:
        self.widest_ms = max(self.widest_ms, end_ms - start_ms)
        return super().read_readings(series, start_ms, end_ms)


def test_a_reading_that_moves_no_limit_settles_its_neighbours_and_one_that_does_sixty_days_around() -> None:
    readings = register(3)
    late, higher = readings[50 * 24 + 3], readings[40 * 24 + 12]
    store = Reads()
    job = analyst(store, UNRATED)
    write(store, [poll for poll in readings if poll not in (late, higher)])
    job.step()
    store.widest_ms = 0
    write(store, [(late[0] - HOUR_MS // 2, late[1] - 0.01)])
    job.step()
    assert store.widest_ms < 30 * DAY_MS
    store.widest_ms = 0
    write(store, [(higher[0], readings[40 * 24 + 13][1])])
    job.step()
    assert store.widest_ms > 100 * DAY_MS
