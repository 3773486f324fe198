"""The whole collector against real brokers: bad packs between good ones, and a reconnect."""

import queue
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collector.intake import Intake, client_id, filters
from submeter.clock import WallClock
from submeter.roof.broker import EmbeddedBroker, Mosquitto, start_embedded, start_mosquitto
from submeter.settings.settings import IntakeSettings
from submeter.stores import open_store
from submeter.wire.mqtt import Broker, Link
from submeter.wire.receipt import Receipt, decode_receipt
from submeter.words import ConfigError
from tests.collector.intake.desk import NOON_S, counts, make_portfolio

pytestmark = pytest.mark.service
READINGS = "submeter/v1/demo/HQ01/gw1/readings"
GOOD = b'[{"bver":26,"n":"main/SN1/energy_import","t":%d,"u":"kWh","v":1.5}]'


@pytest.fixture(params=["embedded", "mosquitto"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EmbeddedBroker | Mosquitto]:
    (tmp_path / "secrets").mkdir()
    for name in ("gw1", "collector"):
        (tmp_path / "secrets" / f"mqtt-{name}").write_text(name, encoding="utf-8")
    try:
        started: EmbeddedBroker | Mosquitto = (
            start_embedded(tmp_path / "broker", 0)
            if request.param == "embedded"
            else start_mosquitto(tmp_path / "broker", 0, tmp_path / "secrets")
        )
    except ConfigError as absent:
        pytest.skip(str(absent))
    yield started
    started.stop()


def wait_for(done: Callable[[], object], step: Callable[[], float]) -> None:
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end, "nothing came within 20 s"
        time.sleep(min(step(), 0.05))


def test_bad_packs_between_good_ones_cost_nobody_anything(broker: EmbeddedBroker | Mosquitto) -> None:
    collector = Link(
        Broker(port=broker.port, user="collector", password="collector"), client_id("demo", "x"), filters("demo")
    )
    gateway = Link(
        Broker(port=broker.port, user="gw1", password="gw1"), "gw1", ("submeter/v1/demo/+/gw1/receipt",), clean=True
    )
    store = open_store("memory:")
    intake = Intake(collector, store, make_portfolio, IntakeSettings(), WallClock())
    receipts: dict[bytes, Receipt] = {}

    def work() -> float:
        try:
            message = gateway.inbox.get_nowait()
            gateway.acknowledge(message)
            receipts[message.correlation] = decode_receipt(message.payload)
        except queue.Empty:
            return intake.step()
        return 0.0

    def knock() -> None:
        """The collector's subscription follows its connection: send once more, like a gateway, until it answers."""
        while not receipts:
            gateway.publish(READINGS, GOOD % NOON_S, correlation=b"box:0:0")
            end = time.monotonic() + 1
            while not receipts and time.monotonic() < end:
                time.sleep(min(work(), 0.05))

    collector.start()
    gateway.start()
    try:
        wait_for(lambda: collector.connected and gateway.connected, work)
        packs = [GOOD % NOON_S, b"[" + b" " * 5_000_000 + b"]", b'[{"n":', GOOD % NOON_S, GOOD % (NOON_S + 60)]
        knock()
        for i, pack in enumerate(packs[1:], 1):
            assert gateway.publish(READINGS, pack, correlation=b"box:%d:0" % i)
        wait_for(lambda: len(receipts) == len(packs), work)
        assert [receipts[b"box:%d:0" % i].total for i in range(5)] == [1] * 5
        assert [r.reason for i in (1, 2) for r in receipts[b"box:%d:0" % i].rejected] == ["too_large", "unreadable"]
        assert (counts(receipts[b"box:3:0"]), counts(receipts[b"box:4:0"])) == ((0, 1, 0, 0), (1, 0, 0, 0))
    finally:
        gateway.stop()
        collector.stop()
