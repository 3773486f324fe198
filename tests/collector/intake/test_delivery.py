"""The collector's half of the promise: written, then receipted, then acknowledged; and again whenever in doubt."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from submeter.stores import Store, open_store
from submeter.wire.receipt import decode_receipt
from submeter.words import Block, Bug, GatewayStatus, Quarantined, StoreAway, Written
from tests.collector.intake.desk import MAIN, NOON_MS, NOON_S, Desk, counts, make_portfolio, record

STATUS = "submeter/v1/demo/HQ01/gw1/status"


class Fickle:
    """A memory store that is away when told so, or whose process dies at a chosen place."""

    def __init__(self) -> None:
        self.inner: Store = open_store("memory:")
        self.away = False
        self.dies_after_writing = False
        self.events: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    @contextmanager
    def writing(self) -> Iterator[None]:
        if self.away:
            raise StoreAway("the store does not answer")
        with self.inner.writing():
            yield
        self.events.append("durable")
        if self.dies_after_writing:
            raise KeyboardInterrupt

    def write_readings(self, blocks: Sequence[Block]) -> list[Written]:
        if self.away:
            raise StoreAway("the store does not answer")
        return self.inner.write_readings(blocks)


@pytest.fixture
def fickle() -> Fickle:
    return Fickle()


def test_the_receipt_follows_the_write_and_the_acknowledgement_follows_the_receipt(fickle: Fickle) -> None:
    desk = Desk(fickle)
    desk.line.events = fickle.events
    desk.receive([record()])
    assert fickle.events == ["durable", "receipt", "puback"]


def test_the_receipt_goes_to_the_sender_s_topic_whatever_response_topic_says(desk: Desk) -> None:
    desk.send([record()], correlation=b"box:7:1a2b3c4d", response_topic="submeter/v1/demo/HQ02/gw2/receipt")
    desk.work()
    ((topic, _, correlation),) = desk.line.published
    assert (topic, correlation) == ("submeter/v1/demo/HQ01/gw1/receipt", b"box:7:1a2b3c4d")


def test_a_publisher_without_correlation_gets_its_acknowledgement_and_no_receipt(desk: Desk) -> None:
    desk.send([record()], correlation=b"")
    desk.work()
    assert desk.line.events == ["puback"]
    assert desk.rows() == [(-60, 1_500_000)]


def test_a_pack_that_comes_again_is_stored_once_and_answered_again(desk: Desk) -> None:
    assert counts(desk.receive([record(), record(at=-30)])) == (2, 0, 0, 0)
    assert counts(desk.receive([record(), record(at=-30)])) == (0, 2, 0, 0)
    assert desk.rows() == [(-60, 1_500_000), (-30, 1_500_000)]


def test_two_copies_of_a_pack_in_one_batch_are_told_apart(desk: Desk) -> None:
    desk.send([record()])
    desk.send([record()])
    desk.work()
    assert [counts(decode_receipt(p)) for _, p, _ in desk.line.published] == [(1, 0, 0, 0), (0, 1, 0, 0)]


def test_a_collector_killed_between_store_and_receipt_answers_when_the_pack_comes_again(fickle: Fickle) -> None:
    desk = Desk(fickle)
    fickle.dies_after_writing = True
    desk.send([record()], correlation=b"box:1:0")
    with pytest.raises(KeyboardInterrupt):
        desk.intake.step()
    assert desk.line.events == []
    fickle.dies_after_writing = False
    desk.begin()
    desk.send([record()], correlation=b"box:1:0")
    desk.work()
    assert [counts(decode_receipt(p)) for _, p, _ in desk.line.published] == [(0, 1, 0, 0)]
    assert desk.rows() == [(-60, 1_500_000)]


def test_what_was_touched_is_in_the_feed_before_the_receipt(desk: Desk) -> None:
    desk.receive([record(at=-60), record(at=-30), record(name="hvac/SN2/energy_import", at=-45)])
    assert sorted((c.point, c.start_ms, c.end_ms) for c in desk.store.changes(0)) == [
        ("HQ01/hvac", NOON_MS - 45_000, NOON_MS - 45_000 + 1),
        ("HQ01/main", NOON_MS - 60_000, NOON_MS - 30_000 + 1),
    ]


def test_a_repetition_is_in_the_feed_too_since_its_first_copy_may_have_died_before_it(desk: Desk) -> None:
    desk.receive([record()])
    seen = desk.store.changes(0)[-1].seq
    desk.receive([record()])
    assert [c.point for c in desk.store.changes(seen)] == ["HQ01/main"]


def test_while_the_store_is_away_nothing_is_answered_and_nothing_is_lost(fickle: Fickle) -> None:
    desk = Desk(fickle)
    desk.receive([record(at=-90)])
    fickle.away = True
    for i in range(3):
        desk.send([record(at=-60 + i)])
    waits = []
    for _ in range(4):
        waits.append(desk.intake.step())
        desk.clock.advance(60)
    assert all(0 < wait <= 1 for wait in waits)
    assert desk.intake.health.away == 4
    assert desk.intake.health.status(0, 0).text.endswith("; attempts to write that the store did not take: 4")
    assert len(desk.line.published) == len(desk.line.acknowledged) == 1
    fickle.away = False
    desk.work()
    assert len(desk.rows()) == 4
    assert len(desk.line.published) == len(desk.line.acknowledged) == 4


def test_while_the_store_is_away_the_hand_is_bounded_and_the_inbox_fills(fickle: Fickle) -> None:
    desk = Desk(fickle)
    fickle.away = True
    for i in range(100):
        desk.send([record(at=-600 + i)])
    for _ in range(5):
        desk.intake.step()
        desk.clock.advance(60)
    assert desk.line.inbox.qsize() == 100 - 32
    fickle.away = False
    desk.work()
    assert len(desk.rows()) == 100


def test_between_attempts_the_store_is_left_alone(fickle: Fickle) -> None:
    desk = Desk(fickle)
    desk.work()
    fickle.away = True
    desk.send([record()])
    desk.intake.step()
    fickle.away = False
    assert desk.intake.step() > 0
    assert desk.rows() == []
    desk.clock.advance(0.5)
    desk.work()
    assert len(desk.rows()) == 1


def test_an_answer_that_could_not_be_handed_over_is_counted(desk: Desk) -> None:
    desk.line.takes = False
    desk.send([record()])
    desk.work()
    assert (desk.intake.health.receipts, desk.intake.health.unanswered) == (0, 1)
    assert desk.intake.health.status(0, 0).text.endswith("for their receipt could not be handed over: 1")


def test_what_the_store_refuses_goes_to_quarantine(desk: Desk) -> None:
    class Choosy(Fickle):
        def write_readings(self, blocks: Sequence[Block]) -> list[Written]:
            return [Written(len(b.readings) - 1, 0, np.array([], np.intp), np.array([1], np.intp)) for b in blocks]

    desk = Desk(Choosy())
    receipt = desk.receive([record(at=-90), record(at=-60), record(at=-30)])
    assert counts(receipt) == (2, 0, 0, 1)
    assert [(r.record, r.reason) for r in receipt.rejected] == [(1, "refused")]


def test_a_deaf_link_ends_the_process(desk: Desk) -> None:
    desk.line.dead = True
    with pytest.raises(Bug, match="network thread"):
        desk.intake.step()


@pytest.mark.parametrize("deaf", [False, True])
def test_a_collector_that_does_not_hear_itself_connects_anew(desk: Desk, deaf: bool) -> None:
    desk.line.deaf = deaf
    for _ in range(20):
        desk.clock.advance(10)
        desk.work()
    assert desk.line.starts == (2 if deaf else 0)


def test_while_the_store_is_away_silence_proves_nothing(fickle: Fickle) -> None:
    desk = Desk(fickle)
    desk.work()
    fickle.away = True
    desk.send([record()])
    for _ in range(20):
        desk.clock.advance(60)
        desk.intake.step()
    fickle.away = False
    for _ in range(5):
        desk.clock.advance(1)
        desk.work()
    assert desk.line.starts == 0


def test_what_overflowed_is_fetched_by_connecting_anew(desk: Desk) -> None:
    desk.line.overflowed = 3
    desk.work()
    desk.work()
    assert desk.line.starts == 1


def test_a_gateway_s_status_is_kept_and_its_last_will_only_says_that_it_is_gone(desk: Desk) -> None:
    said = b'{"id":"x","told_ms":5,"waiting":2,"oldest_ms":1,"polls":9,"errors":1,"text":"ok","news":[1]}'
    desk.send(said, STATUS)
    desk.send(b'{"told_ms":1,"waiting":0,"oldest_ms":0,"polls":0,"errors":0,"online":false}', STATUS)
    desk.work()
    kept = {s.id: s for s in desk.store.entries(GatewayStatus)}
    assert kept["gw1"] == GatewayStatus(
        id="gw1", building="HQ01", told_ms=5, waiting=2, oldest_ms=1, polls=9, errors=1, text="ok", online=False
    )
    assert desk.line.events == ["puback", "puback"]


@pytest.mark.parametrize("payload", [b"nonsense", b"[]", b'{"polls":"many"}', b'{"backfill":"NaN"}'])
def test_a_status_that_cannot_be_read_is_quarantined(desk: Desk, payload: bytes) -> None:
    desk.send(payload, STATUS, correlation=b"")
    desk.work()
    assert [e.reason for e in desk.store.entries(Quarantined)] == ["unreadable"]


def test_a_status_as_large_as_no_pack_may_be_is_quarantined_unread(desk: Desk) -> None:
    desk.send(b'{"text":"%s"}' % (b"x" * 1_000_000), STATUS, correlation=b"")
    desk.work()
    assert [e.reason for e in desk.store.entries(Quarantined)] == ["too_large"]
    assert [s.id for s in desk.store.entries(GatewayStatus)] in ([], ["collector"])


def test_a_gateway_cannot_tell_the_status_of_a_building_that_is_not_its(desk: Desk) -> None:
    desk.send(b'{"told_ms":5}', "submeter/v1/demo/HQ02/gw1/status")
    desk.work()
    assert "gw1" not in {s.id for s in desk.store.entries(GatewayStatus)}
    assert [e.reason for e in desk.store.entries(Quarantined)] == ["foreign_status"]


def test_a_foreign_status_is_left_in_quarantine_when_the_portfolio_changes(desk: Desk) -> None:
    desk.send(b"not even JSON", "submeter/v1/demo/HQ02/gw1/status")
    desk.work()
    desk.portfolio = make_portfolio("2")
    desk.work()
    assert [e.reason for e in desk.store.entries(Quarantined)] == ["foreign_status"]


def test_the_collector_tells_its_own_status(desk: Desk) -> None:
    desk.receive([record(), record(unit="Wh")])
    desk.clock.advance(10)
    desk.work()
    (status,) = [s for s in desk.store.entries(GatewayStatus) if s.id == "collector"]
    assert (status.polls, status.errors) == (1, 1)
    assert "1 readings stored, 0 again, 0 waiting for their time; quarantined: wrong_unit 1" in status.text


def test_a_full_pack_of_a_back_fill_is_one_receipt(desk: Desk) -> None:
    rows = [record(float(i), at=-4000 + i, name="hvac/SN2/energy_import") for i in range(4000)]
    assert counts(desk.receive(rows)) == (4000, 0, 0, 0)
    assert desk.intake.health.readings == 4000
    assert len(desk.store.read_readings(MAIN, 0, NOON_S * 2000)) == 0
