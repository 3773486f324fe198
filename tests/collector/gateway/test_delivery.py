"""Delivery over real brokers, with processes that are killed: whatever happens, all that was measured arrives."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collector.gateway import Outbox, Uplink, gateway_link
from submeter.clock import WallClock
from submeter.wire import senml
from submeter.wire.mqtt import Broker, Link, Message
from submeter.wire.receipt import Receipt, encode_receipt
from submeter.words import Bug
from tests.collector.gateway.child import BUILDINGS, open_gateway, run
from tests.collector.gateway.meters import DAY_MS, quarters, series_of
from tests.submeter.wire.brokers import Mosquitto, embedded, mosquitto, until

T0 = 1_799_971_200_000
pytestmark = pytest.mark.service


class Stranger:
    """A collector as the wire's documentation describes it, by somebody else: it stores, then answers, then
    acknowledges. ``pause_s`` makes it slow."""

    def __init__(self, port: int, pause_s: float = 0.0) -> None:
        self.link = Link(Broker(port=port), "stranger", ("submeter/v1/demo/+/+/readings",))
        self.link.start()
        self.rows: dict[bytes, tuple[str, bytes]] = {}
        self.packs = 0
        self.pause_s = pause_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        until(lambda: self.link.connected)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self.link.stop()

    def _serve(self) -> None:
        while not self._stop.is_set():
            if self.link.inbox.empty():
                time.sleep(0.005)
                continue
            time.sleep(self.pause_s)
            self._take(self.link.inbox.get())

    def _take(self, message: Message) -> None:
        building = message.topic.split("/")[3]
        before = self.rows.setdefault(message.correlation, (building, message.payload))
        assert before == (building, message.payload)
        count = sum(len(r.index) for r in senml.runs(senml.decode(message.payload)))
        self.link.publish(
            message.response_topic, encode_receipt(Receipt(stored=count)), correlation=message.correlation
        )
        self.link.acknowledge(message)
        self.packs += 1

    def issued(self, building: str, meter: int) -> list[int]:
        """All times of a meter, once for each row of the outbox that has it."""
        series = series_of(building, meter)
        name = f"{series.point.partition('/')[2]}/{series.device}/{series.quantity}"
        runs = [r for b, payload in self.rows.values() if b == building for r in senml.runs(senml.decode(payload))]
        return sorted(t for r in runs if r.name == name for t in r.times_ms.tolist())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as broker:
        yield broker


@pytest.fixture
def stranger(server: Mosquitto) -> Iterator[Stranger]:
    stranger = Stranger(server.port)
    yield stranger
    stranger.close()


def child(server: Mosquitto, outbox: Path, days: int) -> "subprocess.Popen[bytes]":
    arguments = [str(server.port), str(outbox), str(days), str(T0)]
    return subprocess.Popen([sys.executable, "-m", "tests.collector.gateway.child", *arguments])


def everything_arrived_once(stranger: Stranger, days: int) -> None:
    for building in BUILDINGS:
        for meter in (0, 3):
            assert stranger.issued(building, meter) == [*quarters(T0 - days * DAY_MS, T0), T0]


def test_a_broker_killed_and_replaced_loses_nothing(server: Mosquitto, stranger: Stranger, tmp_path: Path) -> None:
    days = 400
    stranger.pause_s = 0.05
    gateway = child(server, tmp_path / "outbox.db", days)
    until(lambda: stranger.packs >= 5)
    assert gateway.poll() is None

    server.kill()
    server.start()

    assert gateway.wait(timeout=40) == 0
    everything_arrived_once(stranger, days)


def test_a_gateway_killed_in_a_backfill_resumes_without_gap_or_double(
    server: Mosquitto, stranger: Stranger, tmp_path: Path
) -> None:
    days = 600
    for packs in (4, 12):
        gateway = child(server, tmp_path / "outbox.db", days)
        until(lambda packs=packs: stranger.packs >= packs)  # type: ignore[misc]  # bound at once
        assert gateway.poll() is None
        gateway.kill()
        gateway.wait()

    gateway = child(server, tmp_path / "outbox.db", days)

    assert gateway.wait(timeout=40) == 0
    everything_arrived_once(stranger, days)
    box = Outbox(tmp_path / "outbox.db")
    assert box.waiting == 0
    box.close()


def test_a_collector_that_comes_late_gets_everything(server: Mosquitto, tmp_path: Path) -> None:
    gateway = child(server, tmp_path / "outbox.db", 100)
    until((tmp_path / "outbox.db-wal").exists)

    stranger = Stranger(server.port)
    try:
        assert gateway.wait(timeout=40) == 0
        everything_arrived_once(stranger, 100)
    finally:
        stranger.close()


def test_the_embedded_broker_carries_a_backfill(tmp_path: Path) -> None:
    with embedded(tmp_path) as broker:
        stranger = Stranger(broker.port)
        box = Outbox(tmp_path / "outbox.db")
        gateway = open_gateway(broker.port, box, 300, T0)
        try:
            run(gateway, box)
            everything_arrived_once(stranger, 300)
        finally:
            gateway.close()
            stranger.close()


class Explosive:
    """Stands where an inbox should: paho's thread dies of it while the client still calls itself connected."""

    def put(self, *_: object, **__: object) -> None:
        raise RuntimeError("as a bug in a callback would")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_network_thread_that_dies_is_noticed(server: Mosquitto, tmp_path: Path) -> None:
    clock = WallClock()
    link = gateway_link(Broker(port=server.port), tenant="demo", gateway="gw1", home="HQ01", now_ms=T0)
    link.start()
    until(lambda: link.connected)
    box = Outbox(tmp_path / "outbox.db")
    uplink = Uplink(link, box, tenant="demo", gateway="gw1", clock=clock, random=lambda: 0.5)
    uplink.step()
    link.inbox = Explosive()  # type: ignore[assignment]  # on purpose
    other = Link(Broker(port=server.port), "other")
    other.start()
    until(lambda: other.connected)
    other.publish("submeter/v1/demo/HQ01/gw1/receipt", b"{}")

    until(lambda: not link.alive())

    with pytest.raises(Bug, match="network thread has died"):
        uplink.step()
    other.stop()
    box.close()


def test_a_will_tells_of_a_gateway_that_was_killed(server: Mosquitto, tmp_path: Path) -> None:
    watcher = Link(Broker(port=server.port), "watcher", ("submeter/v1/demo/+/+/status",))
    watcher.start()
    until(lambda: watcher.connected)
    gateway = child(server, tmp_path / "outbox.db", 1)
    said = _statuses(watcher)
    until(lambda: said() and b'"online":true' in said()[-1])

    gateway.kill()
    gateway.wait()

    until(lambda: b'"online":false' in said()[-1])
    watcher.stop()


def test_a_gateway_that_ends_in_order_says_good_bye(server: Mosquitto, stranger: Stranger, tmp_path: Path) -> None:
    assert child(server, tmp_path / "outbox.db", 1).wait(timeout=40) == 0

    watcher = Link(Broker(port=server.port), "watcher", ("submeter/v1/demo/+/+/status",))
    watcher.start()
    kept = watcher.inbox.get(timeout=10)

    assert b'"online":false' in kept.payload
    assert b'"polls":2' in kept.payload  # its own word, not the will's
    watcher.stop()


def _statuses(watcher: Link) -> Callable[[], list[bytes]]:
    found: list[bytes] = []

    def take() -> list[bytes]:
        while not watcher.inbox.empty():
            found.append(watcher.inbox.get().payload)
        return found

    return take
