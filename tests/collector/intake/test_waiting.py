"""A time that is still to come is held and stored when it has come; nothing of it goes to quarantine."""

from submeter.words import Held
from tests.collector.intake.desk import NOON_MS, Desk, counts, record


def test_a_reading_of_the_future_is_held_then_stored_when_its_time_has_come(desk: Desk) -> None:
    receipt = desk.receive([record(1.5, at=-60), record(1.6, at=300)])
    assert counts(receipt) == (1, 0, 1, 0)
    assert [(h.point, h.time_ms, h.micro) for h in desk.held()] == [("HQ01/main", NOON_MS + 300_000, 1_600_000)]
    desk.clock.advance(299)
    desk.work()
    assert desk.rows() == [(-60, 1_500_000)]
    desk.clock.advance(1)
    desk.work()
    assert desk.rows() == [(-60, 1_500_000), (300, 1_600_000)]
    assert desk.held() == []
    assert desk.store.changes(0)[-1][1:] == ("HQ01/main", NOON_MS + 300_000, NOON_MS + 300_001)


def test_two_minutes_ahead_are_nothing_to_hold(desk: Desk) -> None:
    assert counts(desk.receive([record(at=120)])) == (1, 0, 0, 0)
    assert counts(desk.receive([record(at=120.001)])) == (0, 0, 1, 0)


def test_a_server_ten_minutes_slow_holds_a_city_and_quarantines_nothing(desk: Desk) -> None:
    desk.clock.set(NOON_MS - 600_000)
    for minute in range(10):
        assert counts(desk.receive([record(1.0 + minute, at=60 * minute)])) == (0, 0, 1, 0)
        desk.clock.advance(60)
    desk.work()
    assert desk.quarantined() == []
    desk.clock.advance(600)
    desk.work()
    assert [t for t, _ in desk.rows()] == [60 * minute for minute in range(10)]
    assert desk.held() == []


def test_what_is_held_survives_a_restart(desk: Desk) -> None:
    desk.receive([record(at=300)])
    desk.begin()
    desk.clock.advance(301)
    desk.work()
    assert desk.rows() == [(300, 1_500_000)]


def test_a_held_pack_that_comes_again_is_held_once_and_after_its_time_it_is_there_again(desk: Desk) -> None:
    desk.receive([record(at=300)])
    assert counts(desk.receive([record(at=300)])) == (0, 0, 1, 0)
    assert len(desk.held()) == 1
    desk.clock.advance(301)
    desk.work()
    assert counts(desk.receive([record(at=300)])) == (0, 1, 0, 0)


def test_of_two_held_readings_that_contradict_each_other_one_goes_to_quarantine(desk: Desk) -> None:
    desk.receive([record(1.5, at=300)])
    desk.receive([record(1.6, at=300)])
    desk.clock.advance(301)
    desk.work()
    assert len(desk.rows()) == 1
    assert [(e.reason, e.gateway) for e in desk.quarantined()] == [("conflict", "gw1")]
    assert desk.store.entries(Held) == []


def test_many_held_readings_are_released_in_order_over_several_steps(desk: Desk) -> None:
    rows = [record(float(i), at=200 + i, name="hvac/SN2/energy_import") for i in range(12_000)]
    for begin in range(0, 12_000, 4000):
        desk.receive(rows[begin : begin + 4000])
    desk.clock.advance(200 + 6000)
    desk.work()
    assert len(desk.held()) == 12_000 - 6001
    desk.clock.advance(20_000)
    desk.work()
    assert (desk.held(), desk.intake.health.waiting) == ([], 0)
