"""A clock that cannot be believed yet."""

from pathlib import Path

from collector.gateway.clockwork import BUILT_MS, Clockwork, boot_id, plausible, told_by_systemd
from submeter.clock import HandClock, WallClock
from submeter.words import Reading, Series

MAIN = Series("HQ01/main", "SN1", "energy_import")


class PiClock:
    """Shows 1970 and a bit until the network tells it the time; the monotonic count goes on."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.offset_ms = 0

    def now_ms(self) -> int:
        return round(self.seconds * 1000) + self.offset_ms

    def monotonic(self) -> float:
        return self.seconds


def test_what_was_read_before_the_clock_was_right_is_stamped_by_the_monotonic_difference() -> None:
    clock = PiClock()
    work = Clockwork(clock, lambda: clock.offset_ms > 0)
    work.hold([Reading(MAIN, clock.now_ms() - 500, 1)])  # taken half a second ago
    clock.seconds += 60
    work.hold([Reading(MAIN, clock.now_ms(), 2)])
    clock.seconds += 30
    clock.offset_ms = 1_800_000_000_000
    now_ms = clock.now_ms()

    assert work.synced()
    assert work.release() == [Reading(MAIN, now_ms - 90_500, 1), Reading(MAIN, now_ms - 30_000, 2)]
    assert work.waiting == 0


def test_once_believed_a_clock_stays_believed() -> None:
    answers = iter([False, True])
    work = Clockwork(HandClock(), lambda: next(answers))

    assert [work.synced(), work.synced(), work.synced()] == [False, True, True]
    assert work.state == "synced"


def test_the_oldest_go_when_too_many_wait() -> None:
    work = Clockwork(HandClock(1000), lambda: False, limit=2)
    work.hold([Reading(MAIN, t, t) for t in (1, 2, 3)])

    assert [r.micro for r in work.release()] == [2, 3]
    assert work.lost == 1


def test_a_wall_clock_before_this_program_was_written_is_wrong() -> None:
    assert plausible(WallClock(), 0)() is True
    assert plausible(WallClock(), 9 * BUILT_MS)() is False


def test_a_clock_behind_what_was_issued_is_wrong_until_it_has_come_there() -> None:
    clock = HandClock(1000)
    synced = plausible(clock, 2000)

    assert synced() is False
    clock.set(2000)
    assert synced() is True


def test_systemd_says_it_with_a_file(tmp_path: Path) -> None:
    synced = told_by_systemd(tmp_path / "synchronized")
    assert synced() is False
    (tmp_path / "synchronized").touch()
    assert synced() is True


def test_a_boot_has_a_short_id_that_stays() -> None:
    assert boot_id() == boot_id()
    assert 1 <= len(boot_id()) <= 8
