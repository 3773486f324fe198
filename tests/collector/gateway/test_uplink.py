"""Which rows go when: the decision by itself, then the uplink over a broker in memory with an honest peer."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collector.gateway.outbox import Batch, Outbox, Waiting
from collector.gateway.uplink import SILENCE_S, Flight, Rules, Uplink, choose
from submeter.clock import HandClock
from submeter.wire import senml
from submeter.wire.memory import MemoryBroker, MemoryLink
from submeter.wire.mqtt import Message
from submeter.wire.receipt import Receipt, Rejected, encode_receipt
from submeter.words import Block, Bug, Readings, Series

T0 = 1_700_000_100_000
DAY_MS = 86_400_000
MAIN = Series("HQ01/main", "SN1", "energy_import")


def row(number: int, last_ms: int = 0) -> Waiting:
    return Waiting(number, "HQ01", 0, last_ms, 1, 100)


# the decision


def chosen(
    old: range, fresh: range = range(0), flights: dict[int, Flight] | None = None, rules: Rules | None = None
) -> list[int]:
    picked = choose([row(i) for i in old], [row(i) for i in fresh], flights or {}, 0.0, rules or Rules())
    return [waiting.row for waiting, _ in picked]


def test_old_rows_leave_a_quarter_of_the_window_for_fresh_ones() -> None:
    assert chosen(range(1, 100)) == [1, 2, 3, 4, 5, 6]


def test_fresh_rows_go_before_old_ones() -> None:
    assert chosen(range(1, 100), range(99, 97, -1)) == [99, 98, 1, 2, 3, 4, 5, 6]


def test_fresh_rows_leave_a_place_for_an_old_one() -> None:
    assert chosen(range(1, 100), range(99, 50, -1)) == [99, 98, 97, 96, 95, 94, 93, 1]


def test_what_is_under_way_takes_its_place_in_the_window() -> None:
    under_way = {i: Flight(1, 5.0, False) for i in range(1, 6)}

    assert chosen(range(1, 100), flights=under_way) == [6]


def test_what_waited_too_long_for_its_receipt_goes_again() -> None:
    flights = {1: Flight(1, 0.0, False), 2: Flight(1, 5.0, False)}

    assert chosen(range(1, 4), flights=flights) == [1, 3]


def test_a_window_of_one_serves_both() -> None:
    assert chosen(range(1, 9), range(9, 8, -1), rules=Rules(window=1)) == [9]
    assert chosen(range(1, 9), rules=Rules(window=1)) == [1]


def test_waiting_doubles_with_each_attempt_up_to_the_longest() -> None:
    rules = Rules(first_s=10, longest_s=300)

    assert [rules.delay_s(attempt, 0.5) for attempt in (1, 2, 3, 5, 6, 99)] == [10, 20, 40, 160, 300, 300]
    assert (rules.delay_s(1, 0.0), rules.delay_s(1, 1.0)) == (7.5, 12.5)


# the uplink


class Site:
    """A gateway's uplink and a stranger's collector on one broker in memory."""

    def __init__(self, folder: Path) -> None:
        self.clock = HandClock(T0 + 30 * DAY_MS)
        self.broker = MemoryBroker(self.clock)
        self.outbox = Outbox(folder / "outbox.db")
        self.link = self.broker.link("gw1", ("submeter/v1/demo/+/gw1/receipt",), clean=True)
        self.peer = self.broker.link("peer", ("submeter/v1/demo/+/+/readings",))
        self.link.start()
        self.peer.start()
        self.uplink = Uplink(
            self.link, self.outbox, tenant="demo", gateway="gw1", clock=self.clock, random=lambda: 0.5,
            rules=Rules(window=4, first_s=10, longest_s=80),
        )  # fmt: skip

    def keep(self, *times_ms: int) -> None:
        self.outbox.append([Batch("HQ01", [Block(MAIN, Readings.of([t], [1]))], "b7") for t in times_ms])

    def arrived(self) -> list[Message]:
        messages = []
        while not self.peer.inbox.empty():
            messages.append(self.peer.inbox.get())
            self.peer.acknowledge(messages[-1])
        return messages

    def answer(self, message: Message, receipt: Receipt | None = None, correlation: bytes | None = None) -> None:
        known = receipt or Receipt(stored=len(senml.decode(message.payload)))
        self.peer.publish(message.response_topic, encode_receipt(known), correlation=correlation or message.correlation)

    def rounds(self, answer: Callable[[Message], None]) -> list[Message]:
        """Steps until nothing more goes."""
        seen: list[Message] = []
        while True:
            self.uplink.step()
            messages = self.arrived()
            if not messages:
                return seen
            for message in messages:
                answer(message)
            seen.extend(messages)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.outbox.close()


def test_a_pack_names_its_receipt_topic_and_its_row(site: Site) -> None:
    site.keep(T0)
    site.uplink.step()

    (message,) = site.arrived()
    assert message.topic == "submeter/v1/demo/HQ01/gw1/readings"
    assert message.response_topic == "submeter/v1/demo/HQ01/gw1/receipt"
    assert message.correlation.startswith(f"{site.outbox.id}:1:".encode())


def test_a_pack_stays_until_its_receipt(site: Site) -> None:
    site.keep(T0)
    site.uplink.step()
    (message,) = site.arrived()
    site.uplink.step()
    assert site.outbox.waiting == 1

    site.answer(message)
    site.uplink.step()

    assert site.outbox.waiting == 0
    assert site.uplink.tally.receipts == 1


def test_everything_goes_in_order_within_the_window(site: Site) -> None:
    site.keep(*range(T0, T0 + 20))

    site.uplink.step()
    first = site.arrived()
    assert len(first) == 3  # of a window of four, one is for fresh readings
    for message in first:
        site.answer(message)
    rest = site.rounds(site.answer)

    numbers = [int(m.correlation.split(b":")[1]) for m in [*first, *rest]]
    assert numbers == list(range(1, 21))
    assert (site.outbox.waiting, site.uplink.tally.again) == (0, 0)


def test_what_is_measured_now_does_not_wait_behind_the_past(site: Site) -> None:
    site.keep(*range(T0, T0 + 20))
    site.uplink.step()
    site.arrived()  # and no receipts: the collector is slow

    site.keep(site.clock.now_ms())
    site.uplink.step()

    (message,) = site.arrived()
    assert message.correlation.split(b":")[1] == b"21"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda c: b"beef" + c[c.index(b":") :],
        lambda c: c.replace(b":1:", b":2:"),
        lambda c: c[:-8] + b"00000000",
        lambda c: b"nonsense",
        lambda c: b"",
    ],
    ids=["another outbox", "another row", "another crc", "nonsense", "nothing"],
)
def test_a_receipt_that_does_not_match_in_all_three_is_ignored_and_counted(
    site: Site, spoil: Callable[[bytes], bytes]
) -> None:
    site.keep(T0)
    site.uplink.step()
    (message,) = site.arrived()

    site.peer.publish(message.response_topic, encode_receipt(Receipt(stored=1)), correlation=spoil(message.correlation))
    site.uplink.step()

    assert (site.outbox.waiting, site.uplink.tally.ignored, site.uplink.tally.receipts) == (1, 1, 0)


@pytest.mark.parametrize("payload", [b"{}", b"nonsense", b'{"stored":2}'])
def test_a_receipt_that_does_not_account_for_every_record_is_ignored(site: Site, payload: bytes) -> None:
    site.keep(T0)
    site.uplink.step()
    (message,) = site.arrived()

    site.peer.publish(message.response_topic, payload, correlation=message.correlation)
    site.uplink.step()

    assert (site.outbox.waiting, site.uplink.tally.ignored) == (1, 1)


def test_a_second_receipt_is_ignored(site: Site) -> None:
    site.keep(T0)
    site.uplink.step()
    (message,) = site.arrived()

    site.answer(message)
    site.answer(message)
    site.uplink.step()
    site.answer(message)
    site.uplink.step()

    assert (site.uplink.tally.receipts, site.uplink.tally.ignored) == (1, 2)


def test_a_receipt_with_rejected_records_lets_the_pack_go_and_says_why(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.keep(T0)
    site.uplink.step()
    (message,) = site.arrived()

    with caplog.at_level(logging.WARNING):
        site.answer(message, Receipt(quarantined=1, rejected=(Rejected(0, "meter", "HQ01/main is not known"),)))
        site.uplink.step()

    assert (site.outbox.waiting, site.uplink.tally.quarantined) == (0, 1)
    assert site.uplink.complaint == "meter: HQ01/main is not known"
    assert (
        "HQ01: 1 of 1 records were put aside by the collector; the first: meter: HQ01/main is not known" in caplog.text
    )


def test_a_pack_that_was_put_aside_unread_goes_too(site: Site) -> None:
    site.keep(T0)
    site.uplink.step()
    (message,) = site.arrived()

    site.answer(message, Receipt(quarantined=1, rejected=(Rejected(-1, "unread", "killed the collector twice"),)))
    site.uplink.step()

    assert site.outbox.waiting == 0


def test_without_a_receipt_a_pack_goes_again_ever_later(site: Site) -> None:
    site.keep(T0)
    times: list[float] = []
    begin = site.clock.monotonic()
    for _ in range(400):
        site.uplink.step()
        times.extend(site.clock.monotonic() - begin for _ in site.arrived())
        site.clock.advance(1)

    assert times == [0, 10, 30, 70, 150, 230, 310, 390]


def test_copies_never_pile_up_at_the_broker(site: Site) -> None:
    site.keep(*range(T0, T0 + 50))
    site.peer.stop()
    for _ in range(600):
        site.uplink.step()
        assert site.broker.waiting("peer") <= 4
        site.clock.advance(1)


def test_when_the_collector_comes_back_the_first_receipt_wakes_what_backed_off(site: Site) -> None:
    site.keep(*range(T0, T0 + 3))
    for _ in range(200):
        site.uplink.step()
        site.clock.advance(1)
    *_, last = site.arrived()

    site.answer(last)
    site.uplink.step()

    assert len(site.arrived()) == 2


def test_a_broker_that_was_killed_and_replaced_gets_everything_again(site: Site) -> None:
    site.keep(*range(T0, T0 + 3))
    site.uplink.step()
    site.broker.kill()
    site.uplink.step()
    site.broker.revive([site.peer, site.link])

    seen = site.rounds(site.answer)

    assert len(seen) == 3 + 3  # three that the first broker had delivered, and again
    assert site.outbox.waiting == 0


def test_a_restarted_gateway_sends_again_what_has_no_receipt(site: Site, tmp_path: Path) -> None:
    site.keep(T0)
    site.uplink.step()
    (first,) = site.arrived()
    site.outbox.close()

    site.outbox = Outbox(tmp_path / "outbox.db")
    site.uplink = Uplink(site.link, site.outbox, tenant="demo", gateway="gw1", clock=site.clock, random=lambda: 0.5)
    site.uplink.step()

    (second,) = site.arrived()
    assert (second.payload, second.correlation) == (first.payload, first.correlation)


def test_what_the_broker_refuses_is_said_once(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.link.refusal = "Not authorized"
    for _ in range(3):
        site.uplink.step()

    assert site.uplink.complaint == "broker: Not authorized"
    assert caplog.text.count("compare user and topics with the broker's configuration") == 1


def test_a_dead_network_thread_is_loud(site: Site) -> None:
    site.link.started = False

    with pytest.raises(Bug, match="network thread has died"):
        site.uplink.step()


class Deaf(MemoryLink):
    """Takes messages and never hears of them again, as a half-open connection does."""

    starts = 0

    def start(self) -> None:
        super().start()
        self.starts += 1

    def publish(self, topic: str, payload: bytes, **_: object) -> bool:
        self.pending += 1
        return True


def test_a_link_that_hears_nothing_for_a_minute_is_set_up_anew(tmp_path: Path) -> None:
    clock = HandClock(T0)
    link = Deaf(MemoryBroker(clock), "gw1")
    link.start()
    outbox = Outbox(tmp_path / "outbox.db")
    outbox.append([Batch("HQ01", [Block(MAIN, Readings.of([T0], [1]))])])
    uplink = Uplink(link, outbox, tenant="demo", gateway="gw1", clock=clock, random=lambda: 0.5)

    for _ in range(int(SILENCE_S) + 3):
        uplink.step()
        clock.advance(1)

    assert (link.starts, uplink.tally.restarts) == (2, 1)
    outbox.close()
