"""The outbox: what is issued rises, what is kept stays until all three match, what is full keeps the energy."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.gateway.outbox import PACK_BYTES, Batch, Outbox, Waiting
from submeter.wire import senml
from submeter.wire.receipt import Correlation, correlate
from submeter.words import Block, ConfigError, Readings, Series, StoreAway

T0 = 1_700_000_100_000
MAIN = Series("HQ01/main", "SN1", "energy_import")
POWER = Series("HQ01/main", "SN1", "power_active")


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "outbox.db")
    yield box
    box.close()


def batch(times_ms: list[int], micro: list[int] | None = None, series: Series = MAIN) -> Batch:
    return Batch("HQ01", [Block(series, Readings.of(times_ms, micro or list(range(len(times_ms)))))], "b7")


def contents(box: Outbox) -> dict[str, list[tuple[int, int]]]:
    """All (time, micro) that wait, by name, in the order of rows."""
    found: dict[str, list[tuple[int, int]]] = {}
    for waiting in box.oldest(10**6):
        for run in senml.runs(senml.decode(box.payload(waiting.row) or b"")):
            values = senml.to_micros(run.values)[0].tolist()
            found.setdefault(run.name, []).extend(zip(run.times_ms.tolist(), values, strict=True))
    return found


def name(box: Outbox, waiting: Waiting) -> Correlation:
    return correlate(box.id, waiting.row, box.payload(waiting.row) or b"")


# identities


def test_a_time_that_does_not_rise_is_dropped_and_counted(outbox: Outbox) -> None:
    outbox.append([batch([T0, T0 + 2, T0 + 1, T0 + 2, T0 + 3])])
    outbox.append([batch([T0 + 3, T0 + 4])])

    assert [t - T0 for t, _ in contents(outbox)["main/SN1/energy_import"]] == [0, 2, 3, 4]
    assert outbox.counts.not_rising == 3


def test_times_rise_over_a_restart(tmp_path: Path) -> None:
    first = Outbox(tmp_path / "outbox.db")
    first.append([batch([T0])])
    first.close()

    second = Outbox(tmp_path / "outbox.db")
    second.append([batch([T0 - 1, T0, T0 + 1])])

    assert second.counts.not_rising == 2
    assert (second.last_ms(MAIN), second.newest_ms) == (T0 + 1, T0 + 1)
    second.close()


def test_times_rise_within_one_transaction_too(outbox: Outbox) -> None:
    outbox.append([batch([T0]), batch([T0]), batch([T0 + 1])])

    assert outbox.waiting == 2
    assert outbox.counts.not_rising == 1


def test_series_do_not_hinder_each_other(outbox: Outbox) -> None:
    outbox.append([batch([T0 + 5]), batch([T0], series=POWER)])

    assert outbox.counts.not_rising == 0


def test_the_file_keeps_its_id_and_another_file_has_another(tmp_path: Path) -> None:
    boxes = [Outbox(tmp_path / "a.db"), Outbox(tmp_path / "b.db")]
    ids = [box.id for box in boxes]
    boxes[0].close()
    again = Outbox(tmp_path / "a.db")

    assert again.id == ids[0] != ids[1]
    again.close()
    boxes[1].close()


def test_a_second_gateway_on_the_same_file_is_refused(outbox: Outbox) -> None:
    with pytest.raises(ConfigError, match=r"outbox\.db is in use by another gateway; stop it"):
        Outbox(outbox.path)


# packs


def test_a_pack_carries_boot_and_clock(outbox: Outbox) -> None:
    outbox.append([batch([T0])._replace(clock="restamped")])

    (record,) = senml.decode(outbox.payload(1) or b"")
    assert isinstance(record, senml.Record)
    assert (record.boot, record.clock) == ("b7", "restamped")


def test_a_large_batch_is_cut_at_instants_and_nothing_is_lost(outbox: Outbox) -> None:
    times = [T0 + 1000 * i for i in range(30_000)]
    outbox.append([Batch("HQ01", [Block(s, Readings.of(times, times)) for s in (MAIN, POWER)])])

    sizes = [w.bytes for w in outbox.oldest(100)]
    assert len(sizes) > 4
    assert max(sizes) <= PACK_BYTES
    assert [t for t, _ in contents(outbox)["main/SN1/energy_import"]] == times
    assert [t for t, _ in contents(outbox)["main/SN1/power_active"]] == times


def test_what_waits_survives_a_restart(tmp_path: Path) -> None:
    first = Outbox(tmp_path / "outbox.db")
    first.append([batch([T0]), batch([T0 + 1])], {"sim": T0 + 2})
    before = (first.waiting, first.bytes, first.oldest(9))
    first.close()

    second = Outbox(tmp_path / "outbox.db")
    assert (second.waiting, second.bytes, second.oldest(9)) == before
    assert (second.cursor("sim"), second.cursor("other")) == (T0 + 2, None)
    assert second.oldest_ms() == T0
    second.close()


def test_fresh_rows_come_newest_first(outbox: Outbox) -> None:
    outbox.append([batch([T0 + i]) for i in (0, 10, 20)])

    assert [w.row for w in outbox.fresh(T0 + 10, 9)] == [3, 2]
    assert [w.row for w in outbox.oldest(2)] == [1, 2]


# receipts


def test_a_row_is_found_by_all_three_only(outbox: Outbox) -> None:
    outbox.append([batch([T0])])
    (waiting,) = outbox.oldest(1)
    right = name(outbox, waiting)

    assert outbox.find(right) == waiting
    assert outbox.find(right._replace(outbox="beef")) is None
    assert outbox.find(right._replace(row=2)) is None
    assert outbox.find(right._replace(crc=right.crc ^ 1)) is None


def test_a_row_that_left_is_gone(outbox: Outbox) -> None:
    outbox.append([batch([T0])])
    (waiting,) = outbox.oldest(1)
    named = name(outbox, waiting)

    outbox.settle([waiting])

    assert (outbox.waiting, outbox.bytes, outbox.oldest(1), outbox.payload(1)) == (0, 0, [], None)
    assert outbox.find(named) is None


def test_row_numbers_are_not_used_again_when_the_table_is_empty(outbox: Outbox) -> None:
    outbox.append([batch([T0])])
    outbox.settle(outbox.oldest(1))
    outbox.append([batch([T0 + 1])])

    assert outbox.oldest(1)[0].row == 2


def test_a_late_second_receipt_does_not_take_the_same_row_of_a_new_file(tmp_path: Path) -> None:
    old = Outbox(tmp_path / "outbox.db")
    old.append([batch([T0])])
    late = name(old, old.oldest(1)[0])
    old.close()
    (tmp_path / "outbox.db").unlink()

    new = Outbox(tmp_path / "outbox.db")
    new.append([batch([T0])])

    assert name(new, new.oldest(1)[0])._replace(outbox="") == late._replace(outbox="")  # same row, same payload
    assert new.find(late) is None
    new.close()


# when full


def poll(minute: int) -> list[Batch]:
    t = T0 + 60_000 * minute
    return [Batch("HQ01", [Block(MAIN, Readings.of([t], [minute * 1000])), Block(POWER, Readings.of([t], [5]))], "b7")]


def fill(box: Outbox, minutes: range) -> None:
    """Polls, thirty to a transaction (the disk is slower than the clock of a test)."""
    for begin in range(0, len(minutes), 30):
        box.append([b for minute in minutes[begin : begin + 30] for b in poll(minute)])


def test_a_full_outbox_drops_gauges_first(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db", limit_bytes=40_000)
    fill(box, range(300))

    assert box.bytes <= 40_000
    found = contents(box)
    assert [m for _, m in found["main/SN1/energy_import"]] == [1000 * m for m in range(300)]
    assert len(found["main/SN1/power_active"]) < 300
    assert box.counts.thinned == 300 - len(found["main/SN1/power_active"])
    box.close()


def test_a_full_outbox_keeps_what_registers_show_at_quarter_hours(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db", limit_bytes=40_000)
    fill(box, range(3000))

    assert box.bytes <= 40_000
    assert not box.full
    found = dict(contents(box)["main/SN1/energy_import"])
    quarters = [m for m in range(3000) if (T0 + m * 60_000) % 900_000 == 0]
    assert len(found) < 1500
    assert all(found[T0 + m * 60_000] == m * 1000 for m in quarters)
    assert (found[T0], found[T0 + 2999 * 60_000]) == (0, 2999 * 1000)
    box.close()


def test_when_nothing_is_left_to_thin_gauges_are_refused_and_hours_of_registers_are_not(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db", limit_bytes=10_000)
    minutes = range(0, 60 * 24 * 10, 10)
    fill(box, minutes)

    assert box.full
    assert box.counts.refused > 0
    found = dict(contents(box)["main/SN1/energy_import"])
    assert len(found) < len(minutes) / 2
    hours = [m for m in minutes if (T0 + m * 60_000) % 3_600_000 == 0]
    assert all(found[T0 + m * 60_000] == m * 1000 for m in hours)
    box.close()


def test_a_full_outbox_that_was_emptied_takes_gauges_again(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db", limit_bytes=200)
    fill(box, range(90))
    refused = box.counts.refused
    assert refused > 0

    box.settle(box.oldest(999))
    box.append(poll(90))

    assert box.counts.refused == refused
    box.close()


def test_what_is_thinned_stays_in_front_and_its_old_receipt_is_void(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db", limit_bytes=40_000)
    box.append(poll(0))
    early = name(box, box.oldest(1)[0])
    fill(box, range(1, 300))

    assert box.oldest(1)[0].row == early.row
    assert box.find(early) is None
    box.close()


def test_packs_of_two_buildings_are_not_merged(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db", limit_bytes=40_000)
    other = Series("HQ02/main", "SN9", "energy_import")
    for begin in range(0, 400, 20):
        minutes = range(begin, begin + 20)
        others = [Batch("HQ02", [Block(other, Readings.of([T0 + 60_000 * m], [m]))], "b7") for m in minutes]
        box.append([b for m, o in zip(minutes, others, strict=True) for b in (*poll(m), o)])

    names = {
        (w.building, run.name) for w in box.oldest(999) for run in senml.runs(senml.decode(box.payload(w.row) or b""))
    }
    assert names == {
        ("HQ01", "main/SN1/energy_import"), ("HQ01", "main/SN1/power_active"), ("HQ02", "main/SN9/energy_import"),
    }  # fmt: skip
    box.close()


# the file


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "outbox.db").write_bytes(b"not a database, but long enough to be looked at as one" * 50)

    with pytest.raises(ConfigError, match=r"outbox\.db: file is not a database; move the file away"):
        Outbox(tmp_path / "outbox.db")


def test_a_disk_that_refuses_at_the_start_does_not_make_anybody_move_the_file_away(tmp_path: Path) -> None:
    (tmp_path / "outbox.db").mkdir()  # SQLite cannot open it, as on a disk that is full or read-only

    with pytest.raises(StoreAway, match=r"is the disk full or read-only\? What waits in it is safe") as told:
        Outbox(tmp_path / "outbox.db")
    assert "move the file away" not in str(told.value)

    (tmp_path / "outbox.db").rmdir()
    Outbox(tmp_path / "outbox.db").close()


def test_a_file_of_another_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "outbox.db") as db:
        db.execute("PRAGMA user_version = 9")

    with pytest.raises(ConfigError, match="has format 9, this program writes 1"):
        Outbox(tmp_path / "outbox.db")


def test_what_the_disk_refuses_was_not_issued(outbox: Outbox) -> None:
    pages = outbox._db.execute("PRAGMA page_count").fetchone()[0]
    outbox._db.execute(f"PRAGMA max_page_count = {pages}")
    times = list(range(T0, T0 + 5000))

    with pytest.raises(StoreAway, match="is the disk full or read-only"):
        outbox.append([batch(times)])
    assert (outbox.waiting, outbox.last_ms(MAIN)) == (0, None)

    outbox._db.execute("PRAGMA max_page_count = 100000")
    outbox.append([batch(times)])
    assert [t for t, _ in contents(outbox)["main/SN1/energy_import"]] == times
