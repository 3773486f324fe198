"""The contract of every store, one suite for all: memory, embedded, InfluxDB 1, InfluxDB 2."""

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from submeter.stores import ALWAYS_MS, Column, Store
from submeter.words import (
    Balance,
    Baseline,
    Block,
    Change,
    Correction,
    Entry,
    Finding,
    FindingState,
    Flag,
    Frozen,
    GatewayStatus,
    Ground,
    Grounds,
    Held,
    Intervals,
    Known,
    Lesson,
    Method,
    Quarantined,
    Readings,
    Resolution,
    Saving,
    Series,
    TooLate,
    UsualMeter,
    Watch,
    Watched,
    Written,
)

NOON = 1_750_000_000_000
"""2025-06-15T15:06:40Z"""
MAIN = Series("office-7/main", "SN 001", "energy_import")
WEATHER = Series("st-1/weather", "st-1", "outdoor_temperature")
HOURS = Column("office-7/main", "energy_import", Resolution.HOUR)


def block(series: Series, *rows: tuple[int, int]) -> Block:
    return Block(series, Readings.of([t for t, _ in rows], [v for _, v in rows]))


def write(store: Store, series: Series, *rows: tuple[int, int]) -> Written:
    (written,) = store.write_readings([block(series, *rows)])
    return written


def rows_of(readings: Readings) -> list[tuple[int, int]]:
    return list(zip(readings.times.astype(np.int64).tolist(), readings.micro.tolist(), strict=True))


def everything(store: Store, series: Series) -> list[tuple[int, int]]:
    return rows_of(store.read_readings(series, *ALWAYS_MS))


def at(*texts: str) -> NDArray[np.datetime64]:
    return np.array(texts, "datetime64[s]")


def hours(first: str, *micro: int, known: object = Known.MEASURED, method: object = Method.REGISTER) -> Intervals:
    start = np.datetime64(first, "s") + np.arange(len(micro)) * np.timedelta64(3600, "s")
    return Intervals.of(start, np.array(micro, np.int64), known, method)


def day(store: Store, column: Column = HOURS) -> Intervals:
    (found,) = store.read_intervals([column], np.datetime64("2025-06-01"), np.datetime64("2025-06-02"))
    return found


# ── readings ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_fresh_store_is_empty(store: Store) -> None:
    assert store.series() == []
    assert store.columns() == []
    assert store.changes(0) == []
    assert everything(store, MAIN) == []
    assert store.last_reading(MAIN) is None
    assert store.before(MAIN, NOON) is None
    assert store.after(MAIN, NOON) is None
    assert len(day(store)) == 0


def test_it_says_what_durable_means(store: Store) -> None:
    assert len(store.durable) > 20


def test_the_same_reading_twice_keeps_one(store: Store) -> None:
    first = write(store, MAIN, (NOON, 5_000_000))
    second = write(store, MAIN, (NOON, 5_000_000))

    assert (first.stored, first.again, first.conflicts.tolist()) == (1, 0, [])
    assert (second.stored, second.again, second.conflicts.tolist()) == (0, 1, [])
    assert everything(store, MAIN) == [(NOON, 5_000_000)]


def test_another_value_for_the_same_identity_is_a_conflict_and_the_stored_one_stays(store: Store) -> None:
    write(store, MAIN, (NOON, 5_000_000), (NOON + 1000, 6_000_000))

    written = write(store, MAIN, (NOON, 5_000_000), (NOON + 1000, 6_000_001), (NOON + 2000, 7_000_000))

    assert (written.stored, written.again, written.conflicts.tolist()) == (1, 1, [1])
    assert everything(store, MAIN) == [(NOON, 5_000_000), (NOON + 1000, 6_000_000), (NOON + 2000, 7_000_000)]


def test_repeats_within_one_block_are_judged_too(store: Store) -> None:
    written = write(store, MAIN, (NOON, 1), (NOON, 1), (NOON, 2))

    assert (written.stored, written.again, written.conflicts.tolist()) == (1, 1, [2])
    assert everything(store, MAIN) == [(NOON, 1)]


def test_blocks_of_one_call_are_answered_in_order(store: Store) -> None:
    twice = block(MAIN, (NOON, 1), (NOON + 1, 2))
    other = block(MAIN, (NOON, 9))

    answers = store.write_readings([twice, block(WEATHER, (NOON, -5)), twice, other])

    assert [(w.stored, w.again, w.conflicts.tolist()) for w in answers] == [
        (2, 0, []), (1, 0, []), (0, 2, []), (0, 0, [0])]  # fmt: skip


def test_an_empty_block_is_answered_with_nothing(store: Store) -> None:
    written = write(store, MAIN)

    assert (written.stored, written.again, written.conflicts.tolist()) == (0, 0, [])
    assert store.series() == []


def test_the_device_is_part_of_the_identity(store: Store) -> None:
    exchanged = MAIN._replace(device="SN 002")
    write(store, MAIN, (NOON, 1))
    write(store, exchanged, (NOON, 2))

    assert everything(store, MAIN) == [(NOON, 1)]
    assert everything(store, exchanged) == [(NOON, 2)]
    assert store.series() == [MAIN, exchanged]


def test_ranges_are_half_open(store: Store) -> None:
    write(store, MAIN, (NOON, 1), (NOON + 1, 2), (NOON + 2, 3))

    assert rows_of(store.read_readings(MAIN, NOON, NOON + 2)) == [(NOON, 1), (NOON + 1, 2)]
    assert rows_of(store.read_readings(MAIN, NOON + 2, NOON + 2)) == []


def test_columns_come_back_with_their_types(store: Store) -> None:
    write(store, MAIN, (NOON, 1))
    found = store.read_readings(MAIN, *ALWAYS_MS)

    assert found.times.dtype == np.dtype("datetime64[ms]")
    assert found.micro.dtype == np.dtype(np.int64)
    assert store.read_readings(WEATHER, *ALWAYS_MS).times.dtype == np.dtype("datetime64[ms]")


def test_late_and_out_of_order_readings_find_their_place(store: Store) -> None:
    day_ms = 86_400_000
    write(store, MAIN, (NOON, 30), (NOON + 5 * day_ms, 60))
    write(store, MAIN, (NOON + 2 * day_ms, 50), (NOON + day_ms, 40))
    written = write(store, MAIN, (NOON - day_ms, 20), (NOON - 400 * day_ms, 10))

    assert written.stored == 2
    assert [v for _, v in everything(store, MAIN)] == [10, 20, 30, 40, 50, 60]


def test_the_neighbours_of_a_time_are_found_across_days(store: Store) -> None:
    day_ms = 86_400_000
    write(store, MAIN, (NOON, 1), (NOON + 40 * day_ms, 2))

    assert store.last_reading(MAIN) == (NOON + 40 * day_ms, 2)
    assert store.before(MAIN, NOON) is None
    assert store.before(MAIN, NOON + 1) == (NOON, 1)
    assert store.before(MAIN, NOON + 40 * day_ms) == (NOON, 1)
    assert store.after(MAIN, NOON) == (NOON, 1)
    assert store.after(MAIN, NOON + 1) == (NOON + 40 * day_ms, 2)
    assert store.after(MAIN, NOON + 40 * day_ms + 1) is None


def test_temperatures_below_zero_and_big_registers_come_back_exactly(store: Store) -> None:
    write(store, WEATHER, (NOON, -12_345_678), (NOON + 1, 0), (NOON + 2, -1))
    write(store, MAIN, (NOON, 999_999_999_999_999), (NOON + 1, 123_456_789_012_345), (NOON + 2, 1))

    assert [v for _, v in everything(store, WEATHER)] == [-12_345_678, 0, -1]
    assert [v for _, v in everything(store, MAIN)] == [999_999_999_999_999, 123_456_789_012_345, 1]


def test_a_year_of_quarter_hours_comes_back(store: Store) -> None:
    times = NOON + np.arange(35_040) * 900_000
    micro = np.cumsum(np.random.default_rng(7).integers(0, 500, 35_040)) * 10_000
    (written,) = store.write_readings([Block(MAIN, Readings.of(times, micro))])

    found = store.read_readings(MAIN, *ALWAYS_MS)

    assert written.stored == 35_040
    assert np.array_equal(found.times.astype(np.int64), times)
    assert np.array_equal(found.micro, micro)


def test_names_with_every_sort_of_character_stay_apart(store: Store) -> None:
    odd = [
        Series("b 1/a,b=c", 'SN"1"', "energy_import"),
        Series("b 1/a,b=d", "SN\\1", "energy_import"),
        Series("浦东-1/总表", "电表 '7'", "energy_import"),
    ]
    for n, series in enumerate(odd):
        write(store, series, (NOON, n))

    assert store.series() == sorted(odd)
    assert [everything(store, series) for series in odd] == [[(NOON, 0)], [(NOON, 1)], [(NOON, 2)]]


# ── change feed ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_feed_is_in_order_of_arrival_and_resumable(store: Store) -> None:
    store.touch([("b/late", 0, 10)])
    store.touch([("b/a", 500, 600)])
    store.touch([("b/late", 20, 30)])

    everything = store.changes(0)
    assert [(c.point, c.start_ms, c.end_ms) for c in everything] == [
        ("b/late", 0, 10), ("b/a", 500, 600), ("b/late", 20, 30)]  # fmt: skip
    assert store.changes(everything[0].seq) == everything[1:]
    assert store.changes(0, limit=2) == everything[:2]
    assert store.changes(everything[-1].seq) == []
    assert isinstance(everything[0], Change)


def test_what_every_job_has_worked_off_is_forgotten_and_numbers_go_on(store: Store) -> None:
    for at in range(4):
        store.touch([("b/a", at, at + 1)])
    first, second, *rest = store.changes(0)
    store.forget_changes(first.seq - 100)
    assert store.changes(0) == [first, second, *rest], "nothing is that old"
    store.forget_changes(second.seq)
    assert store.changes(0) == rest
    assert store.changes(rest[0].seq) == rest[1:]
    store.forget_changes(rest[-1].seq)
    store.touch([("b/b", 7, 8)])
    (later,) = store.changes(rest[-1].seq)
    assert later.seq > rest[-1].seq, "a number is never given twice"


def test_spans_of_one_call_cover_what_was_touched(store: Store) -> None:
    store.touch([("b/a", 10, 20), ("b/a", 15, 40), ("b/c", 1, 2)])

    spans = [(c.point, c.start_ms, c.end_ms) for c in store.changes(0)]

    assert min(s for p, s, _ in spans if p == "b/a") == 10
    assert max(e for p, _, e in spans if p == "b/a") == 40
    assert ("b/c", 1, 2) in spans


def test_cursors_are_kept_by_job(store: Store) -> None:
    assert store.cursor("ledger") == 0
    store.set_cursor("ledger", 7)
    store.set_cursor("other", 1)
    store.set_cursor("ledger", 8)

    assert (store.cursor("ledger"), store.cursor("other")) == (8, 1)


# ── intervals ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_interval_comes_back_with_all_its_fields(store: Store) -> None:
    flags = Flag.SUSPECT | Flag.ROLLOVER
    whole = Intervals.of(
        at("2025-06-01T00:00", "2025-06-01T01:00"), np.array([1_500_000, 0]), [2, 0], [1, 16], [flags, 0], [3, 70_000]
    )
    store.write_intervals(HOURS, whole)
    found = day(store)

    assert found.start.dtype == np.dtype("datetime64[s]")
    assert found.start.tolist() == whole.start.tolist()
    assert (found.micro.tolist(), found.micro.dtype) == ([1_500_000, 0], np.dtype(np.int64))
    assert (found.known.tolist(), found.known.dtype) == ([2, 0], np.dtype(np.uint8))
    assert (found.method.tolist(), found.method.dtype) == ([1, 16], np.dtype(np.uint8))
    assert (found.flags.tolist(), found.flags.dtype) == ([int(flags), 0], np.dtype(np.uint16))
    assert (found.revision.tolist(), found.revision.dtype) == ([3, 70_000], np.dtype(np.uint32))


def test_an_interval_rewritten_from_estimated_to_measured_to_missing_reads_back_so_and_sums_follow(
    store: Store,
) -> None:
    store.write_intervals(HOURS, hours("2025-06-01", 10, 20, 30))

    seen = []
    for micro, known, method in ((25, Known.ESTIMATED, Method.PROFILE), (21, Known.MEASURED, Method.REGISTER),
                                 (0, Known.MISSING, Method.REFUTED)):  # fmt: skip
        store.write_intervals(HOURS, hours("2025-06-01T01:00", micro, known=known, method=method))
        found = day(store)
        seen.append((int(found.micro[found.known > 0].sum()), int(found.known[1]), int(found.method[1]), len(found)))

    assert seen == [(65, 1, 2, 3), (61, 2, 1, 3), (40, 0, 18, 3)]


def test_rows_between_and_around_are_merged_in_order(store: Store) -> None:
    store.write_intervals(HOURS, hours("2025-06-01T02:00", 2, 3))
    store.write_intervals(HOURS, hours("2025-06-01T06:00", 6))
    store.write_intervals(HOURS, hours("2025-06-01T00:00", 0, 1, 22))
    store.write_intervals(HOURS, hours("2025-06-01T04:00", 4))

    found = day(store)

    assert found.micro.tolist() == [0, 1, 22, 3, 4, 6]
    assert found.start.tolist() == at(*(f"2025-06-01T0{h}:00" for h in (0, 1, 2, 3, 4, 6))).tolist()


def test_interval_ranges_are_half_open(store: Store) -> None:
    store.write_intervals(HOURS, hours("2025-06-01T00:00", 0, 1, 2))

    (found,) = store.read_intervals([HOURS], np.datetime64("2025-06-01T00:00"), np.datetime64("2025-06-01T02:00"))

    assert found.micro.tolist() == [0, 1]


def test_many_columns_come_in_the_order_asked_for_and_unknown_ones_empty(store: Store) -> None:
    days, money = HOURS._replace(resolution=Resolution.DAY), HOURS._replace(quantity="cost", resolution=Resolution.DAY)
    store.write_intervals(HOURS, hours("2025-06-01", 1, 2))
    store.write_intervals(days, hours("2025-06-01", 3))
    store.write_intervals(money, hours("2025-06-01", -4))
    unknown = HOURS._replace(point="office-7/none")

    found = store.read_intervals(
        [money, unknown, HOURS, days], np.datetime64("2025-06-01"), np.datetime64("2025-06-02")
    )

    assert [f.micro.tolist() for f in found] == [[-4], [], [1, 2], [3]]
    assert store.columns() == sorted([HOURS, days, money])


def test_every_resolution_is_kept_apart_from_quarters_to_months(store: Store) -> None:
    columns = [HOURS._replace(resolution=resolution) for resolution in Resolution]
    for kept, column in enumerate(columns):
        store.write_intervals(column, hours("2025-06-01", kept))
    year = Intervals.of(np.arange("2024-01", "2026-02", dtype="datetime64[M]").astype("datetime64[s]"), np.arange(25))
    store.write_intervals(columns[-1], year)

    *others, months = store.read_intervals(columns, np.datetime64("2024-01-01"), np.datetime64("2026-02-01"))

    assert [found.micro.tolist() for found in others] == [[0], [1], [2]]
    assert (months.micro.tolist(), months.start.tolist()) == (list(range(25)), year.start.tolist())
    assert store.columns() == sorted(columns)


def test_no_columns_asked_for_gives_none(store: Store) -> None:
    assert store.read_intervals([], np.datetime64("2025-06-01"), np.datetime64("2025-06-02")) == []


def test_a_year_of_intervals_written_day_by_day_is_whole(store: Store) -> None:
    quarters = HOURS._replace(resolution=Resolution.QUARTER)
    start = np.datetime64("2024-12-31T16:00", "s") + np.arange(3 * 2880) * np.timedelta64(900, "s")
    micro = np.arange(3 * 2880) * 250_000
    with store.writing():
        for first in range(0, len(micro), 1000):
            part = slice(first, first + 1000)
            store.write_intervals(quarters, Intervals.of(start[part], micro[part], revision=first))

    (found,) = store.read_intervals([quarters], np.datetime64("2024-01-01"), np.datetime64("2026-01-01"))

    assert np.array_equal(found.start, start)
    assert np.array_equal(found.micro, micro)


# ── expiry ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_readings_before_a_time_expire_of_one_series_and_the_rest_stays(store: Store) -> None:
    one, other = Series("office-7/main", "s1", "energy_import"), Series("office-7/main", "s2", "energy_import")
    times = [NOON + hours * 3_600_000 for hours in range(0, 120, 5)]
    for series in (one, other):
        store.write_readings([Block(series, Readings.of(times, range(len(times))))])
    store.expire(one, times[10])
    assert store.read_readings(one, *ALWAYS_MS).micro.tolist() == list(range(10, len(times)))
    assert store.read_readings(other, *ALWAYS_MS).micro.tolist() == list(range(len(times)))
    assert store.before(one, times[10]) is None
    assert store.after(one, 0) == (times[10], 10)


def test_a_series_of_which_all_expired_is_none_and_may_begin_again(store: Store) -> None:
    series = Series("office-7/main", "s1", "energy_import")
    store.write_readings([Block(series, Readings.of([NOON, NOON + 1], [1, 2]))])
    store.expire(series, NOON + 2)
    store.expire(Series("office-7/main", "never heard of", "energy_import"), NOON)
    assert store.series() == []
    (written,) = store.write_readings([Block(series, Readings.of([NOON, NOON + 5], [1, 5]))])
    assert (written.stored, written.again, len(written.conflicts)) == (2, 0, 0)
    assert store.read_readings(series, *ALWAYS_MS).micro.tolist() == [1, 5]


# ── entries ───────────────────────────────────────────────────────────────────────────────────────────────────────────

FINDING = Finding(
    id="office-7/main@stuck@2025-06-01", building="office-7", point="office-7/main", kind="stuck", start_ms=NOON,
    end_ms=NOON + 1, state=FindingState.OPEN, confidence=0.9, kwh=12.5, evidence={"hours": 3.0, "register": "1.25"},
    first_told_ms=NOON, last_seen_ms=NOON + 2,
)  # fmt: skip
ENTRIES = [
    FINDING,
    Correction(id="c1", building="office-7", point="office-7/main", kind="reject", start_ms=1, end_ms=2,
               author="Li Wei", reason="drift \"tested\", on site", told_ms=NOON),
    Quarantined(id="q1", building="office-7", gateway="gw-1", reason="unknown_meter", text="no meter 7\nadd it",
                record='{"n":"x"}', point="office-7/x", arrived_ms=NOON),
    Held(id="h1", building="office-7", gateway="gw-1", point="office-7/main", device="SN 001", quantity="energy_import",
         time_ms=NOON, micro=5, arrived_ms=NOON),
    GatewayStatus(id="gw-1", told_ms=NOON, waiting=3, oldest_ms=0, polls=10, errors=0, backfill=0.5),
    Baseline(id="office-7/main@2024", building="office-7", point="office-7/main", model="towt-1", start_ms=0, end_ms=1,
             n=8760, p=40, cvrmse=0.1, nmbe=0.0, r2=0.9, cvrmse_daily=0.05, coefficients={"t": [1.0, 2.0]}),
    Saving(id="m1", building="office-7", measure="m1", start_ms=0, end_ms=1, actual_kwh=1, expected_kwh=2,
           avoided_kwh=1, low_kwh=0.5, high_kwh=1.5, confidence=0.9, completeness=1, cvrmse=0.1, nmbe=0,
           days=["2025-06-01"], avoided=[1.0], low=[0.5], high=[1.5], actual_daily=[1.0], expected_daily=[2.0]),
    Grounds(id="office-7/main", building="office-7", zone="UTC", rating=5.0, price=[("2025-01-01", 0.7)],
            devices=[Ground(serial="s", modulus=10, ratio="80", resolution=1, since_ms=0, until_ms=9, opening=3)]),
    Frozen(id="office-7/main", building="office-7", until_ms=9, reading_ms=8, counted=7, raw_ms=1, told_ms=NOON),
    TooLate(id="t1", building="office-7", point="office-7/main", what="readings", start_ms=1, end_ms=3, until_ms=9,
            told_ms=NOON, device="s", times_ms=[1, 2], micro=[10, 20]),
    Lesson(id="UTC @2025-01-01", zone="UTC", until_ms=NOON, model="towt-1", meters=5, days=9, monday=[4], dip=[-0.5],
           usual=[UsualMeter(kind="main", width=1, meters=5, coefficients=[0.1] * 24)], error_log=[0.1], weekly=[0.2]),
    Balance(id="office-7/main", building="office-7", point="office-7/main", start_ms=0, end_ms=1, main_kwh=3,
            children_kwh=2, band_kwh=0.1, completeness=1),
    Watch(id="office-7", building="office-7", until_s=NOON // 1000, state=b"\x00\xff\x80 any bytes"),
    Watched(id="office-7", building="office-7", since_s=NOON // 1000, until_s=NOON // 1000 + 3600, hours=b""),
]  # fmt: skip


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: type(e).__name__)
def test_each_kind_of_entry_is_kept_listed_and_dropped(store: Store, entry: Entry) -> None:
    store.put(entry)

    assert store.entries(type(entry)) == [entry]
    assert store.entries(type(entry), entry.building) == [entry]
    assert store.entries(type(entry), "another") == []

    store.drop(type(entry), [entry.id, "unknown"])
    assert store.entries(type(entry)) == []


def test_kinds_do_not_meet_and_lists_are_in_order_of_id(store: Store) -> None:
    store.put(*ENTRIES, msgspec.structs.replace(ENTRIES[3], id="h0"))

    assert [held.id for held in store.entries(Held)] == ["h0", "h1"]
    assert len(store.entries(Finding)) == 1


def test_an_entry_is_replaced_by_its_id(store: Store) -> None:
    store.put(FINDING)
    closed = msgspec.structs.replace(FINDING, state=FindingState.CLOSED, kwh=None)
    store.put(closed)

    assert store.entries(Finding) == [closed]


# ── together ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_one_writes_another_reads(opened) -> None:  # type: ignore[no-untyped-def]  # the fixture's class is conftest's
    write(opened.store, MAIN, (NOON, 1))
    opened.store.write_intervals(HOURS, hours("2025-06-01", 1))
    opened.store.put(FINDING)
    opened.store.touch([("b/a", 1, 2)])
    opened.store.set_cursor("ledger", 5)

    other = opened.again()
    found = (everything(other, MAIN), day(other).micro.tolist(), other.entries(Finding), len(other.changes(0)),
             other.cursor("ledger"))  # fmt: skip
    known_again = write(other, MAIN, (NOON, 1), (NOON + 1, 2))
    other.close()

    assert found == ([(NOON, 1)], [1], [FINDING], 1, 5)
    assert (known_again.stored, known_again.again) == (1, 1)


def test_writing_may_be_nested_and_sees_its_own(store: Store) -> None:
    with store.writing():
        store.put(FINDING)
        with store.writing():
            store.touch([("b/a", 1, 2)])
            write(store, MAIN, (NOON, 1))
        assert store.entries(Finding) == [FINDING]
        assert len(store.changes(0)) == 1

    assert everything(store, MAIN) == [(NOON, 1)]


def test_intervals_written_inside_of_writing_are_read_there(store: Store) -> None:
    with store.writing():
        store.write_intervals(HOURS, hours("2025-06-01", 1, 2))
        assert day(store).micro.tolist() == [1, 2]
        assert store.columns() == [HOURS]


def test_a_write_of_nothing_is_no_error(store: Store) -> None:
    write(store, MAIN, (NOON, 1))
    write(store, MAIN)
    store.write_intervals(HOURS, Intervals.empty())
    store.touch([])
    store.put()
    store.drop(Finding, [])

    assert (store.write_readings([]), store.changes(0), store.columns()) == ([], [], [])


def test_an_error_inside_of_writing_undoes_the_entries_and_later_writes_succeed(store: Store) -> None:
    store.set_cursor("ledger", 1)

    def break_off() -> None:
        with store.writing():
            store.put(FINDING)
            store.set_cursor("ledger", 2)
            write(store, MAIN, (NOON, 1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()

    assert store.entries(Finding) == []
    assert store.cursor("ledger") == 1
    written = write(store, MAIN, (NOON, 1))
    assert written.stored + written.again == 1
    assert everything(store, MAIN) == [(NOON, 1)]
