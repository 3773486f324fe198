"""What gateway and collector rely on, of every line: mosquitto, the embedded broker, and the one in memory."""

import queue
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from submeter.clock import HandClock
from submeter.wire.memory import MemoryBroker
from submeter.wire.mqtt import RECEIVE_MAXIMUM, Broker, Link, Message, Will
from tests.submeter.wire.brokers import Embedded, embedded, mosquitto, until

READINGS = "submeter/v1/demo/HQ01/gw1/readings"
RECEIPT = "submeter/v1/demo/HQ01/gw1/receipt"
STATUS = "submeter/v1/demo/HQ01/gw1/status"


class Place:
    """A broker and the lines made to it."""

    def __init__(self, make: Callable[..., Any], kill: Callable[[], None], revive: Callable[[list[Any]], None]) -> None:
        self._make, self.kill, self._revive = make, kill, revive
        self.server: object = None
        self.links: list[Any] = []

    def link(self, client_id: str, filters: tuple[str, ...] = (), **more: Any) -> Any:
        link = self._make(client_id, filters, **more)
        self.links.append(link)
        link.start()
        until(lambda: link.connected)
        return link

    def revive(self) -> None:
        self._revive(self.links)

    def close(self) -> None:
        for link in self.links:
            link.stop()


def _memory() -> Place:
    broker = MemoryBroker(HandClock())
    return Place(broker.link, broker.kill, broker.revive)


def _real(server: Any) -> Place:
    def make(client_id: str, filters: tuple[str, ...], **more: Any) -> Link:
        return Link(Broker(port=server.port), client_id, filters, **more)

    return Place(make, server.kill, lambda links: server.start())


@pytest.fixture(
    params=[
        "memory",
        pytest.param("mosquitto", marks=pytest.mark.service),
        pytest.param("embedded", marks=pytest.mark.service),
    ]
)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "memory":
        yield _memory()
        return
    with (mosquitto if request.param == "mosquitto" else embedded)(tmp_path) as server:
        place = _real(server)
        place.server = server
        yield place
        place.close()


def get(link: Any, seconds: float = 5.0) -> Message:
    message: Message = link.inbox.get(timeout=seconds)
    return message


def test_a_message_carries_response_topic_and_correlation(place: Place) -> None:
    there = place.link("collector", ("submeter/v1/demo/+/+/readings",))
    here = place.link("gw1")

    assert here.publish(READINGS, b"[]", response_topic=RECEIPT, correlation=b"a:1:00", expiry_s=60)

    message = get(there)
    assert (message.topic, message.payload) == (READINGS, b"[]")
    assert (message.response_topic, message.correlation) == (RECEIPT, b"a:1:00")


def test_what_was_published_is_acknowledged_and_counted(place: Place) -> None:
    here = place.link("gw1")

    here.publish(READINGS, b"[]")

    until(lambda: here.acknowledged == 1 and here.pending == 0)


def test_what_was_not_acknowledged_comes_again_after_a_reconnect(place: Place) -> None:
    there = place.link("collector", ("submeter/v1/demo/+/+/readings",))
    here = place.link("gw1")
    for payload in (b"1", b"2"):
        here.publish(READINGS, payload)
    first, second = get(there), get(there)
    there.acknowledge(first)
    until(lambda: here.pending == 0)

    there.stop()
    there.start()

    again = get(there)
    assert again.payload == second.payload == b"2"
    assert again.connection == second.connection + 1


def test_an_acknowledgement_of_an_earlier_connection_is_not_sent(place: Place) -> None:
    there = place.link("collector", ("submeter/v1/demo/+/+/readings",))
    here = place.link("gw1")
    here.publish(READINGS, b"1")
    early = get(there)
    there.stop()
    there.start()
    again = get(there)

    there.acknowledge(early)
    there.stop()
    there.start()

    assert get(there).payload == again.payload == b"1"


def test_a_clean_link_leaves_nothing_at_the_broker(place: Place) -> None:
    gateway = place.link("gw1", ("submeter/v1/demo/+/gw1/receipt",), clean=True)
    collector = place.link("collector")
    gateway.stop()
    collector.publish(RECEIPT, b"{}")
    until(lambda: collector.pending == 0)

    gateway.start()
    until(lambda: gateway.connected)

    with pytest.raises(queue.Empty):
        get(gateway, 0.3)


def test_without_a_broker_nothing_is_taken(place: Place) -> None:
    here = place.link("gw1")

    place.kill()
    until(lambda: not here.connected)

    assert here.publish(READINGS, b"[]") is False
    assert here.alive()


def test_a_line_comes_back_by_itself_when_the_broker_was_replaced(place: Place) -> None:
    there = place.link("collector", ("submeter/v1/demo/+/+/readings",))
    here = place.link("gw1")
    place.kill()
    until(lambda: not here.connected and not there.connected)

    place.revive()

    until(lambda: here.connected and there.connected)
    assert here.connection == 2
    here.publish(READINGS, b"first, perhaps before the other had subscribed")
    until(lambda: here.publish(READINGS, b"after") and not there.inbox.empty())


def test_a_status_is_kept_for_whoever_comes_later(place: Place) -> None:
    here = place.link("gw1", will=Will(STATUS, b"gone"))
    here.publish(STATUS, b"here", retain=True)
    until(lambda: here.pending == 0)

    later = place.link("collector", ("submeter/v1/demo/+/+/status",))

    assert get(later).payload == b"here"


def test_no_more_come_than_may_be_unacknowledged(place: Place) -> None:
    if isinstance(place.server, Embedded):
        return  # it disregards ReceiveMaximum: the bounded inbox is what holds there
    there = place.link("collector", ("submeter/v1/demo/+/+/readings",))
    here = place.link("gw1")
    for i in range(RECEIVE_MAXIMUM + 20):
        here.publish(READINGS, str(i).encode())
    until(lambda: here.pending == 0)

    first = [get(there) for _ in range(RECEIVE_MAXIMUM)]
    with pytest.raises(queue.Empty):
        get(there, 0.3)
    for message in first:
        there.acknowledge(message)

    assert [get(there).payload for _ in range(20)] == [str(RECEIVE_MAXIMUM + i).encode() for i in range(20)]


def test_an_expired_message_in_memory_is_not_delivered() -> None:
    clock = HandClock()
    broker = MemoryBroker(clock)
    there = broker.link("collector", (READINGS,))
    there.start()
    there.stop()
    here = broker.link("gw1")
    here.start()
    here.publish(READINGS, b"old", expiry_s=10)

    clock.advance(10)
    there.start()

    assert there.inbox.empty()
    assert broker.waiting("collector") == 0


def test_a_link_in_memory_that_dies_speaks_its_will() -> None:
    broker = MemoryBroker(HandClock())
    there = broker.link("collector", ("submeter/v1/demo/+/+/status",))
    there.start()
    here = broker.link("gw1", will=Will(STATUS, b"gone"))
    here.start()

    here.die()

    assert there.inbox.get_nowait().payload == b"gone"


@pytest.mark.service
def test_a_broker_that_does_not_let_us_in_is_told_of(tmp_path: Path) -> None:
    with mosquitto(tmp_path, "allow_anonymous false") as server:
        link = Link(Broker(port=server.port, user="gw1", password="wrong"), "gw1")
        link.start()

        until(lambda: link.refusal)

        assert link.refusal == "Not authorized"
        assert link.alive()
        assert not link.connected
        link.stop()


@pytest.mark.service
def test_a_message_that_may_not_be_sent_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "acl").write_text("topic read #\n")
    with mosquitto(tmp_path, f"allow_anonymous true\nacl_file {tmp_path / 'acl'}") as server:
        link = Link(Broker(port=server.port), "gw1")
        link.start()
        until(lambda: link.connected)

        link.publish(READINGS, b"[]")

        until(lambda: link.refusal)
        assert link.refusal == "a message was refused: Not authorized"
        link.stop()


@pytest.mark.service
def test_a_full_inbox_stops_the_reading_and_nothing_is_lost(tmp_path: Path) -> None:
    with embedded(tmp_path) as server:  # it disregards ReceiveMaximum
        there = Link(Broker(port=server.port), "collector", (READINGS,), inbox_size=5)
        here = Link(Broker(port=server.port), "gw1")
        for link in (there, here):
            link.start()
        until(lambda: there.connected and here.connected)
        for i in range(50):
            here.publish(READINGS, str(i).encode())
        until(there.inbox.full)

        found = []
        for _ in range(50):
            message = get(there)
            there.acknowledge(message)
            found.append(int(message.payload))

        assert found == list(range(50))
        assert there.overflowed == 0
        here.stop()
        there.stop()
