"""What the properties found, each as the smallest history that showed it. Expected values by hand, in kWh."""

import pytest

from analytics.ledger import settle_point
from submeter.stores import Store
from submeter.stores.memory import MemoryStore
from submeter.words import Correction, Device, Flag, Known, Portfolio, Resolution
from tests.analytics.ledger.cases import odd_rows
from tests.analytics.ledger.small_cases import (
    DAY_MS,
    HOUR_MS,
    METER,
    QUARTER_MS,
    analyst,
    device,
    ms,
    portfolio,
    rows,
    settled,
    table,
    write,
)

MIDNIGHT = ms("2025-03-02T16:00")
"""local midnight in Shanghai"""
Shown = list[tuple[int, float]]


def quarters(n: int, start: int = MIDNIGHT, shown: float = 1000.0) -> Shown:
    return [(start + i * QUARTER_MS, shown + i) for i in range(n)]


def hourly(n: int, start: int = MIDNIGHT, shown: float = 1000.0) -> Shown:
    return [(start + i * HOUR_MS, shown + 4 * i) for i in range(n)]


def said(kind: str, start: int, end: int, kwh: float | None = None) -> Correction:
    return Correction(
        id=f"{kind}{start}", building="b", point=METER, kind=kind, start_ms=start, end_ms=end,
        micro=None if kwh is None else round(kwh * 1e6), author="li", reason="was not there", told_ms=0,
    )  # fmt: skip


def corrected(readings: Shown, *corrections: Correction, where: Portfolio | None = None) -> Store:
    """First the readings were settled, then what people said of them."""
    store = settled(readings, where)
    job = analyst(store, where or portfolio())
    for entry in corrections:
        store.put(entry)
        store.touch([(METER, entry.start_ms, entry.end_ms)])
        job.step()
    return store


def known_hours(store: Store) -> dict[str, float]:
    return {start: kwh for start, (kwh, known, _) in table(store, Resolution.HOUR).items() if known}


def highest_quarter(store: Store) -> float:
    return float(rows(store, Resolution.QUARTER).micro.max() / 1e6)


def test_a_second_poll_in_the_first_quarter_makes_its_quarters_known() -> None:
    store = MemoryStore()
    job = analyst(store, portfolio())
    for poll in ((MIDNIGHT, 1000.0), (MIDNIGHT + 60_000, 1000.5)):
        write(store, [poll])
        job.step()
    assert len(rows(store, Resolution.QUARTER)) == 1


def test_quarters_of_a_day_that_turns_out_too_coarse_are_no_longer_numbers() -> None:
    store = settled(quarters(12))
    assert rows(store, Resolution.QUARTER).known[:11].all()
    write(store, hourly(12, MIDNIGHT + 3 * HOUR_MS, 1012.0))
    analyst(store, portfolio()).step()
    assert not rows(store, Resolution.QUARTER).known.any()


def test_energy_of_first_readings_that_were_rejected_is_taken_back() -> None:
    store = corrected(quarters(5 * 96), said("reject", MIDNIGHT, MIDNIGHT + 2 * DAY_MS))
    assert [known for _, known, _ in table(store, Resolution.DAY).values()][:3] == [0, 0, Known.MEASURED]
    assert min(known_hours(store)) == "2025-03-04T16:00"


def test_energy_of_readings_that_were_all_rejected_is_taken_back() -> None:
    store = corrected(quarters(2 * 96), said("reject", MIDNIGHT, MIDNIGHT + 3 * DAY_MS))
    for resolution in Resolution:
        assert not rows(store, resolution).known.any()
        assert not rows(store, resolution).micro.any()


def test_energy_of_a_month_whose_readings_were_rejected_is_taken_back() -> None:
    march = [(MIDNIGHT + i * DAY_MS, 100.0 * i) for i in range(-3, 33)]
    store = settled([(t, kwh + 500) for t, kwh in march])
    assert rows(store, Resolution.MONTH).known.tolist()[:1] == [Known.MEASURED]
    entry = said("reject", march[0][0], march[-1][0] + 1)
    store.put(entry)
    store.touch([(METER, entry.start_ms, entry.end_ms)])
    analyst(store, portfolio()).step()
    assert not rows(store, Resolution.MONTH).known.any()


def test_a_reading_told_by_hand_weeks_after_the_last_poll_is_a_reading() -> None:
    later = MIDNIGHT + 20 * DAY_MS
    told = said("reading", later, later + 1, kwh=1000 + 20 * 96)
    store = corrected(quarters(97), told)
    assert sum(known_hours(store).values()) == pytest.approx(20 * 96)
    fresh = MemoryStore()
    write(fresh, quarters(97))
    fresh.put(told)
    settle_point(fresh, portfolio(), METER)
    assert odd_rows(store, fresh) == []


def test_a_late_day_moves_the_profile_of_a_gap_while_the_next_device_is_only_planned() -> None:
    """The four weeks before a gap were re-settled only where the newest device had readings."""
    where = portfolio(device(until="2026-01-01"), device("s2", since="2026-01-01"))
    used = [(9 if 8 <= i % 24 < 18 else 1) + (40 if i < 9 * 24 and i % 24 == 3 else 0) for i in range(20 * 24)]
    shown = [(MIDNIGHT + i * HOUR_MS, 1000.0 + sum(used[:i])) for i in range(len(used))]
    late, gap = (MIDNIGHT + 3 * DAY_MS, MIDNIGHT + 9 * DAY_MS), (MIDNIGHT + 15 * DAY_MS, MIDNIGHT + 16 * DAY_MS)
    kept = [r for r in shown if not gap[0] < r[0] < gap[1]]
    store = settled([r for r in kept if not late[0] < r[0] < late[1]], where)
    write(store, [r for r in kept if late[0] < r[0] < late[1]])
    analyst(store, where).step()
    whole = settled(kept, where)
    assert odd_rows(store, whole) == []


def test_the_last_reading_of_an_exchanged_meter_is_no_energy_when_nothing_confirms_it() -> None:
    where = portfolio(device(until="2025-03-03T06:00:00"), device("s2", since="2025-03-03T06:00:00"))
    store = MemoryStore()
    write(store, [*quarters(23), (MIDNIGHT + 23 * QUARTER_MS, 60_000.0)])
    write(store, quarters(24, MIDNIGHT + 6 * HOUR_MS, 0.0), "s2")
    analyst(store, where).step()
    assert sum(known_hours(store).values()) < 60


def test_a_planned_exchange_leaves_a_fall_at_the_open_end_held() -> None:
    where = portfolio(device(until="2026-01-01"), device("s2", since="2026-01-01"))
    store = settled([*quarters(12), (MIDNIGHT + 12 * QUARTER_MS, 0.0)], where)
    assert not rows(store, Resolution.QUARTER).known[11:].any()
    assert not rows(store, Resolution.QUARTER).flags[:11].any()


@pytest.mark.parametrize("wrong", [0.0, 990.0])
def test_one_wrong_reading_of_a_meter_that_is_read_once_a_day_is_a_glitch(wrong: float) -> None:
    """980 kWh in two days lie within the rating, so the way back down from 990 passed as a rollover."""
    shown = [(MIDNIGHT + i * DAY_MS, wrong if i == 3 else 500.0 + 10 * i) for i in range(8)]
    store = settled(shown, portfolio(Device(point=METER, serial="s1", digits=5, resolution=0.01)))
    days = rows(store, Resolution.DAY)
    assert (days.micro / 1e6).tolist() == [10, 10, 10, 10, 10, 10, 10, 0]
    assert days.known.tolist() == [2, 2, 1, 1, 2, 2, 2, 0]


def test_a_first_zero_of_a_meter_without_rating_is_not_the_beginning_of_a_huge_count() -> None:
    store = settled([(MIDNIGHT - QUARTER_MS, 0.0), *quarters(30, shown=80_000.0)], portfolio(rating=0.0))
    assert highest_quarter(store) == 1


def test_a_jump_at_the_open_end_of_a_meter_without_rating_waits_for_the_next_reading() -> None:
    shown = quarters(30)
    store = settled([*shown, (MIDNIGHT + 30 * QUARTER_MS, 90_000.0)], portfolio(rating=0.0))
    assert highest_quarter(store) == 1
    write(store, quarters(4, MIDNIGHT + 31 * QUARTER_MS, 90_001.0))
    analyst(store, portfolio(rating=0.0)).step()
    assert highest_quarter(store) > 80_000


def test_a_glitch_beside_a_changed_transformer_is_still_no_energy() -> None:
    """The count at the change lay on the line from the glitch: half of the register became energy."""
    where = portfolio(
        device(ct="100/5", until="2025-03-03T06:05:00"), device(ct="200/5", since="2025-03-03T06:05:00"), rating=8_000
    )
    shown = quarters(97)
    shown[24] = (shown[24][0], 0.0)
    store = settled(shown, where)
    day = rows(store, Resolution.DAY)
    begin, end = MIDNIGHT + 23 * QUARTER_MS, MIDNIGHT + 25 * QUARTER_MS
    into = (MIDNIGHT + 6 * HOUR_MS + 5 * 60_000 - begin) / (end - begin) * 2
    assert day.micro[0] / 1e6 == pytest.approx((23 + into) * 20 + (73 - into) * 40, abs=1e-3)
    assert not day.flags[0] & Flag.SUSPECT


def test_a_device_that_was_read_by_hand_at_both_ends_and_never_polled_counts() -> None:
    where = portfolio(
        device("s1", until="2025-03-03T06:00:00", closing=1024.0),
        device("s2", since="2025-03-03T06:00:00", until="2025-03-03T12:00:00", opening=0.0, closing=24.0),
        device("s3", since="2025-03-03T12:00:00", opening=5.0),
    )
    store = MemoryStore()
    write(store, quarters(20), "s1")
    write(store, quarters(40, MIDNIGHT + 13 * HOUR_MS, 9.0), "s3")
    analyst(store, where).step()
    hours = known_hours(store)
    assert [hours[f"2025-03-{d}"] for d in ("02T21:00", "02T23:00", "03T04:00")] == [4.0, 4.0, 4.0]


@pytest.mark.parametrize("rating", [100.0, 0.0], ids=["rated", "unrated"])
def test_a_weekend_of_zeros_is_missing_and_not_the_whole_register_as_energy(rating: float) -> None:
    shown = hourly(10 * 24, shown=50_000.0)
    shown = [(t, 0.0 if 3 * 24 <= row < 5 * 24 + 3 else kwh) for row, (t, kwh) in enumerate(shown)]
    store = settled(shown, portfolio(rating=rating))
    hours = rows(store, Resolution.HOUR)
    assert max(known_hours(store).values()) == 4
    assert hours.flags[[3 * 24 - 1, 5 * 24 + 2]].tolist() == [Flag.RESET, Flag.RESET]
    assert hours.micro[5 * 24 + 3 :][:100].tolist() == [4_000_000] * 100


def test_a_spike_right_after_a_dip_is_judged_by_its_own_height() -> None:
    high = 60_000.0
    shown = [high, 0.0, *(i / 10 for i in range(1, 15)), high + 0.6, high]
    store = settled([(MIDNIGHT + i * 60_000, kwh) for i, kwh in enumerate(shown)])
    assert rows(store, Resolution.QUARTER).micro.tolist() == [0, 0]
