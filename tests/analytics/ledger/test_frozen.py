"""Frozen spans: raw readings go, the ledger stays to the last bit, and what comes too late is kept and told."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics.jobs import Analyst
from analytics.ledger import settle_point
from analytics.ledger.corrections import CorrectionError, correct, revoke
from analytics.ledger.frozen import frozen_of, frozen_until
from analytics.study import study_building
from submeter.clock import HandClock
from submeter.settings.settings import AnalyticsSettings
from submeter.stores import Store, open_store
from submeter.stores.memory import MemoryStore
from submeter.words import (
    MICRO,
    Correction,
    Finding,
    FindingState,
    Known,
    Portfolio,
    Resolution,
    Series,
    TooLate,
)
from tests.analytics.ledger.small_cases import (
    DAY_MS,
    HOUR_MS,
    METER,
    QUARTER_MS,
    content,
    device,
    ms,
    portfolio,
    rows,
    table,
    write,
)
from tests.servers import Server, start_influxd1

START = ms("2025-01-09T16:00")
SEAM = ms("2025-03-31T16:00")
"""local midnight of the first of April"""
NOW = ms("2025-05-10T16:00")
RAW_DAYS = 35
MAIN = Series(METER, "s1", "energy_import")

Polls = list[tuple[int, float]]


def hourly(until: int = NOW, offset_ms: int = 0) -> Polls:
    """Registers of an office: more by day than by night, less on Sundays."""
    n = (until - START) // HOUR_MS
    hour = np.arange(n)
    used = np.where(hour % 24 < 12, 3.07, 0.41) * np.where(hour // 24 % 7 == 6, 0.3, 1.0)
    return list(zip((START + hour * HOUR_MS + offset_ms).tolist(), (1000 + np.cumsum(used)).round(2).tolist(),
                    strict=True))  # fmt: skip


def without(polls: Polls, begin: str, end: str) -> Polls:
    return [poll for poll in polls if not ms(begin) < poll[0] < ms(end)]


def ledger(store: Store) -> dict[object, list[tuple[int, ...]]]:
    """The meter's own columns up to now; as days pass in the tests, it falls silent."""
    return {
        column: [row for row in of if row[0] < NOW // 1000]
        for column, of in content(store).items()
        if column.point == METER
    }


def days(store: Store) -> tuple[list[int], list[int]]:
    """Energy of frozen days, and of those after them up to now."""
    found = rows(store, Resolution.DAY)
    starts = found.start.astype("datetime64[ms]").astype(np.int64)
    return found.micro[starts < SEAM].tolist(), found.micro[(starts >= SEAM) & (starts < NOW)].tolist()


class Office:
    """A store with its feed job, which drops raw readings after so many days (0 = never)."""

    def __init__(self, store: Store, raw_days: int, where: Portfolio | None = None, now_ms: int = NOW) -> None:
        self.store, self.where, self.clock = store, where or portfolio(), HandClock(now_ms)
        self.job = Analyst(store, lambda: self.where, AnalyticsSettings(), self.clock, study=lambda *_: None,
                           raw_days=raw_days)  # fmt: skip

    def work(self) -> None:
        """All that waits is settled, then a day passes and what is old is frozen."""
        for _ in range(3):
            self.job.step()
        self.clock.advance(86_400)
        for _ in range(2):
            self.job.step()


def two(store: Store, polls: Polls, where: Portfolio | None = None) -> tuple[Office, Office]:
    """The same readings in an office that freezes and in one that keeps everything."""
    freezing, keeping = Office(store, RAW_DAYS, where), Office(MemoryStore(), 0, where)
    for office in (freezing, keeping):
        write(office.store, polls)
        office.work()
    return freezing, keeping


@pytest.fixture(params=["memory", "embedded"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return open_store("memory:" if request.param == "memory" else f"embedded:{tmp_path / 'store.db'}")


PASTS: dict[str, Polls] = {
    "hourly": hourly(),
    "live polls beside the hour": hourly(offset_ms=437_000),
    "a gap across the seam": without(hourly(), "2025-03-30T03:10", "2025-04-02T09:10"),
    "a long gap across the seam": without(hourly(), "2025-03-10T03:10", "2025-04-20T09:10"),
    "a gap whose profile looks into frozen time": without(hourly(), "2025-04-04T03:10", "2025-04-08T09:10"),
    "a glitch at the seam": [(t, 0.0 if t == SEAM else kwh) for t, kwh in hourly()],
    "a reset beside the seam": [(t, round(kwh - 1100, 2) if t > SEAM - 5 * HOUR_MS else kwh) for t, kwh in hourly()],
    "silence since before": without(hourly(), "2025-03-20T03:10", "2030-01-01T00:00"),
}


@pytest.mark.parametrize("rating", [100.0, 0.0])
@pytest.mark.parametrize("past", PASTS)
def test_dropping_raw_readings_changes_nothing_in_the_ledger_now_or_settled_again(
    store: Store, past: str, rating: float
) -> None:
    where = portfolio(rating=rating)
    _, keeping = two(store, PASTS[past], where)
    assert frozen_until(store, METER) == (ms("2025-02-28T16:00") if past.startswith("silence") else SEAM)
    assert len(store.read_readings(MAIN, 0, 2**53)) < len(keeping.store.read_readings(MAIN, 0, 2**53))
    assert ledger(store) == ledger(keeping.store)
    revisions = rows(store, Resolution.HOUR).revision.tolist()
    settled = settle_point(store, where, METER)
    assert settled.frozen_ms == frozen_until(store, METER)
    assert not any(len(changed) for changed in settled.changed.values())
    assert rows(store, Resolution.HOUR).revision.tolist() == revisions


@pytest.mark.parametrize("past", PASTS)
def test_what_follows_is_settled_as_if_nothing_had_been_dropped(store: Store, past: str) -> None:
    freezing, keeping = two(store, PASTS[past])
    last = PASTS[past][-1]
    later = [(NOW + i * HOUR_MS, round(last[1] + 40 + i, 2)) for i in range(30)]
    late = [(SEAM + 20 * DAY_MS + 1_800_000, kwh + 0.1) for t, kwh in PASTS[past] if t == SEAM + 20 * DAY_MS]
    for office in (freezing, keeping):
        write(office.store, later + late)
        office.work()
    since = frozen_until(store, METER) // 1000
    assert {c: [r for r in of if r[0] >= since] for c, of in ledger(store).items()} == {
        c: [r for r in of if r[0] >= since] for c, of in ledger(keeping.store).items()
    }
    assert not store.entries(TooLate)


@pytest.mark.parametrize("late", [SEAM - 1_800_000, SEAM, SEAM + 1_800_000])
def test_a_late_reading_beside_the_seam_moves_the_live_side_alone_and_the_sum_stays(store: Store, late: int) -> None:
    polls = without(hourly(), "2025-03-30T03:10", "2025-04-02T09:10")
    freezing, _ = two(store, polls)
    before, total = ledger(store), sum(map(sum, days(store)))
    shown = dict(hourly())[SEAM]
    write(store, [(late, shown)])
    freezing.work()
    assert sum(map(sum, days(store))) == total
    first = SEAM // 1000
    for column, old in before.items():
        assert [row for row in ledger(store)[column] if row[0] < first] == [row for row in old if row[0] < first]
    quarter = table(store, Resolution.HOUR)["2025-03-31T16:00"]
    assert quarter[1] == Known.ESTIMATED, "it begins at a count that was held, not read"
    again = ledger(store)
    settle_point(store, portfolio(), METER)
    assert ledger(store) == again


def test_readings_for_frozen_months_are_kept_and_told_and_move_nothing(store: Store) -> None:
    polls = without(hourly(), "2025-02-10T03:10", "2025-02-12T09:10")
    freezing, _ = two(store, polls)
    before = ledger(store)
    missed = [poll for poll in hourly() if poll not in polls]
    write(store, missed)
    freezing.work()
    assert ledger(store) == before
    (told,) = store.entries(TooLate, "b")
    assert (told.point, told.what, told.device, told.until_ms) == (METER, "readings", "s1", SEAM)
    assert list(zip(told.times_ms, told.micro, strict=True)) == [(t, round(kwh * MICRO)) for t, kwh in missed]
    settle_point(store, portfolio(), METER)
    assert ledger(store) == before


def test_a_change_of_meter_data_counts_from_the_seam_and_says_what_it_left(store: Store) -> None:
    freezing, _ = two(store, hourly())
    before = days(store)
    freezing.where = portfolio(device(ct="200/5"))
    freezing.work()
    assert days(store) == (before[0], [40 * micro for micro in before[1]])
    (told,) = store.entries(TooLate)
    assert (told.what, told.start_ms < SEAM, told.end_ms) == ("meter data", True, SEAM)


def test_a_correction_of_a_frozen_span_is_refused_and_one_after_it_is_settled(store: Store) -> None:
    who: dict[str, Any] = {"building": "b", "point": METER, "kind": "reject", "author": "Li", "reason": "r"}
    early = Correction(id="", start_ms=START + DAY_MS, end_ms=START + 2 * DAY_MS, told_ms=NOW, **who)
    office = Office(store, RAW_DAYS)
    write(store, hourly())
    kept = correct(store, portfolio(), early)
    office.work()
    assert frozen_until(store, METER) == SEAM
    with pytest.raises(CorrectionError, match="frozen"):
        correct(store, portfolio(), Correction(id="", start_ms=SEAM - 1, end_ms=SEAM + 1, told_ms=NOW, **who))
    with pytest.raises(CorrectionError, match="frozen"):
        revoke(store, kept.id, author="Li", reason="r", told_ms=NOW)
    at = SEAM + 10 * DAY_MS
    correct(store, portfolio(), Correction(id="", start_ms=at, end_ms=at + 1, told_ms=NOW, **who))
    office.work()
    assert table(store, Resolution.HOUR)[str(np.datetime64(at, "ms"))[:16]][1] == Known.ESTIMATED


def test_month_after_month_is_frozen_and_for_ever_means_never(store: Store) -> None:
    office = Office(store, RAW_DAYS)
    write(store, hourly())
    office.work()
    kept = len(store.read_readings(MAIN, 0, 2**53))
    write(store, [(t, kwh) for t, kwh in hourly(NOW + 30 * DAY_MS) if t >= NOW])
    office.clock.advance(30 * 86_400)
    office.work()
    assert frozen_until(store, METER) == ms("2025-04-30T16:00")
    assert len(store.read_readings(MAIN, 0, 2**53)) < kept + 30 * 24
    frozen = frozen_of(store, METER)
    assert frozen is not None
    assert store.after(MAIN, 0) == store.after(MAIN, frozen.raw_ms)
    never = Office(MemoryStore(), 0)
    write(never.store, hourly())
    never.work()
    assert frozen_of(never.store, METER) is None


def test_nothing_is_frozen_while_something_waits_to_be_settled(store: Store) -> None:
    office = Office(store, RAW_DAYS)
    write(store, hourly())
    office.job.step()
    assert frozen_of(store, METER) is None


def test_a_finding_that_dropped_readings_told_of_stays_as_it_was_told(store: Store) -> None:
    glitch = ms("2025-02-14T04:00")
    write(store, [(t, 0.0 if t == glitch else kwh) for t, kwh in hourly()])
    office = Office(store, RAW_DAYS)
    office.job.step()
    study_building(store, portfolio(), "b", NOW, AnalyticsSettings())
    told = [each for each in store.entries(Finding) if each.kind == "spike"]
    assert [each.state for each in told] == [FindingState.CLOSED]
    office.work()
    assert frozen_until(store, METER) == SEAM
    study_building(store, portfolio(), "b", NOW, AnalyticsSettings())
    assert [each for each in store.entries(Finding) if each.kind == "spike"] == told


@pytest.mark.service
def test_in_influxdb_readings_expire_and_the_ledger_stays(tmp_path: Path) -> None:
    server: Server = start_influxd1(tmp_path)
    try:
        store = open_store(f"influx1://127.0.0.1:{server.port}/frozen", state=str(tmp_path / "state.db"))
        freezing, keeping = two(store, PASTS["a gap across the seam"])
        assert frozen_until(store, METER) == SEAM
        assert store.after(MAIN, 0) == (frozen_of(store, METER).raw_ms, store.after(MAIN, 0)[1])  # type: ignore[union-attr, index]  # both are there
        assert ledger(store) == ledger(keeping.store)
        settle_point(store, portfolio(), METER)
        assert ledger(store) == ledger(keeping.store)
        write(store, [(SEAM + 6 * HOUR_MS + QUARTER_MS, dict(hourly())[SEAM])])
        total = sum(map(sum, days(store)))
        freezing.work()
        assert sum(map(sum, days(store))) == total
        store.close()
    finally:
        server.stop()
