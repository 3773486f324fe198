"""The shipped mosquitto files, in a real mosquitto: who may say what, and who hears it."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from submeter.roof.broker import Mosquitto, start_mosquitto
from submeter.settings import config_folder
from submeter.wire.mqtt import Broker as Address
from submeter.wire.mqtt import Link

pytestmark = pytest.mark.service
FILES = config_folder() / "mosquitto"


@dataclass
class Users:
    """mosquitto's own clients, as one of the users."""

    broker: Mosquitto

    def publish(self, user: str, topic: str, *, password: str = "", text: str = "hello") -> int:
        """The exit code; a refused PUBLISH of QoS 1 is told on stderr, not by the code."""
        call = ["mosquitto_pub", *self.who(user, password), "-t", topic, "-q", "1", "-m", text]
        return subprocess.run(call, capture_output=True, timeout=20, check=False).returncode

    def listen(self, user: str, *topics: str) -> "subprocess.Popen[str]":
        """A subscriber that has subscribed when this returns; it prints '<topic> <payload>' for each message."""
        filters = [part for topic in topics for part in ("-t", topic)]
        listener = subprocess.Popen(
            ["stdbuf", "-oL", "mosquitto_sub", *self.who(user), *filters, "-q", "1", "-d", "-F", "HEARD %t %p"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert listener.stdout
        for line in listener.stdout:
            if "SUBACK" in line:
                return listener
        raise AssertionError(f"{user} could not subscribe")

    def who(self, user: str, password: str = "") -> list[str]:
        who = ["-h", "127.0.0.1", "-p", str(self.broker.port), "-V", "5"]
        return [*who, "-u", user, "-P", password or f"secret of {user}"] if user else who


def heard(listener: "subprocess.Popen[str]", last: str) -> list[str]:
    """What a listener heard, up to the message on topic ``last``, which it surely hears; it is stopped."""
    assert listener.stdout
    lines = []
    try:
        for line in listener.stdout:
            if line.startswith("HEARD "):
                lines.append(line.split()[1])
                if lines[-1] == last:
                    break
    finally:
        listener.terminate()
        listener.wait(10)
    return lines


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Users]:
    for program in ("mosquitto", "mosquitto_pub"):
        if not shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin"):
            pytest.skip(f"{program} is not installed; apt install mosquitto mosquitto-clients")
    root: Path = tmp_path_factory.mktemp("mosquitto")
    (root / "secrets").mkdir()
    for name in ("gw1", "gw2", "collector"):
        (root / "secrets" / f"mqtt-{name}").write_text(f"secret of {name}", encoding="utf-8")
    broker = start_mosquitto(root / "broker", 0, root / "secrets")
    yield Users(broker)
    broker.stop()


ROOT = "submeter/v1/demo"


@pytest.mark.parametrize(("user", "password"), [("", ""), ("gw1", "guess"), ("stranger", "secret of gw1")])
def test_nobody_gets_in_without_a_name_and_its_password(users: Users, user: str, password: str) -> None:
    assert users.publish(user, f"{ROOT}/HQ01/gw1/readings", password=password) != 0


def test_a_gateway_is_heard_on_its_own_topics_and_on_no_others(users: Users) -> None:
    collector = users.listen("collector", f"{ROOT}/+/+/readings", f"{ROOT}/+/+/status", "submeter/#")
    for topic in ("HQ01/gw2/readings", "HQ01/gw2/status", "HQ01/gw1/receipt", "HQ01/gw2/receipt", "gw1/readings"):
        users.publish("gw1", f"{ROOT}/{topic}")
    users.publish("gw1", "anything/else")
    for topic in ("HQ01/gw1/status", "HQ02/gw1/readings", "HQ01/gw1/readings"):
        users.publish("gw1", f"{ROOT}/{topic}")
    assert set(heard(collector, f"{ROOT}/HQ01/gw1/readings")) == {
        f"{ROOT}/HQ01/gw1/status", f"{ROOT}/HQ02/gw1/readings", f"{ROOT}/HQ01/gw1/readings",
    }  # fmt: skip


def test_a_gateway_hears_its_own_receipts_and_nothing_else(users: Users) -> None:
    gateway = users.listen("gw1", f"{ROOT}/+/+/receipt", f"{ROOT}/+/gw2/receipt", "#")
    users.publish("gw2", f"{ROOT}/HQ02/gw2/readings")
    users.publish("gw1", f"{ROOT}/HQ01/gw1/readings")
    users.publish("collector", f"{ROOT}/HQ02/gw2/receipt")
    users.publish("collector", f"{ROOT}/HQ01/gw1/receipt")
    assert set(heard(gateway, f"{ROOT}/HQ01/gw1/receipt")) == {f"{ROOT}/HQ01/gw1/receipt"}


def test_the_collector_writes_receipts_only(users: Users) -> None:
    collector = users.listen("collector", f"{ROOT}/+/+/readings", f"{ROOT}/+/+/status")
    users.publish("collector", f"{ROOT}/HQ01/gw1/readings")
    users.publish("collector", f"{ROOT}/HQ01/gw1/status")
    users.publish("collector", f"{ROOT}/collector/collector/status")  # by which it hears whether it hears
    users.publish("gw2", f"{ROOT}/HQ02/gw2/readings")
    assert heard(collector, f"{ROOT}/HQ02/gw2/readings") == [
        f"{ROOT}/collector/collector/status", f"{ROOT}/HQ02/gw2/readings",
    ]  # fmt: skip


def test_a_message_of_five_megabytes_gets_through_so_that_it_can_be_quarantined(users: Users, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"x" * 5_000_000)
    collector = users.listen("collector", f"{ROOT}/+/+/status", f"{ROOT}/+/+/readings")
    call = ["mosquitto_pub", *users.who("gw1"), "-t", f"{ROOT}/HQ01/gw1/readings", "-q", "1", "-f", str(large)]
    assert subprocess.run(call, capture_output=True, timeout=30, check=False).returncode == 0
    assert heard(collector, f"{ROOT}/HQ01/gw1/readings") == [f"{ROOT}/HQ01/gw1/readings"]


def test_a_killed_broker_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    for name in ("gw1", "collector"):
        (tmp_path / "secrets" / f"mqtt-{name}").write_text(f"secret of {name}", encoding="utf-8")
    broker = start_mosquitto(tmp_path / "broker", 0, tmp_path / "secrets")
    port = broker.port
    address = Address(port=port, user="collector", password="secret of collector")
    collector = Link(address, "collector", (f"{ROOT}/+/+/readings",))
    collector.start()
    wait_for(lambda: "u'collector'" in broker.log.read_text(encoding="utf-8") and collector.connected)
    time.sleep(0.3)  # its subscription follows the connection
    collector.stop()
    lines = "\n".join(str(i) for i in range(200))
    call = ["mosquitto_pub", *Users(broker).who("gw1"), "-t", f"{ROOT}/HQ01/gw1/readings", "-q", "1", "-l"]
    subprocess.run(call, input=lines, text=True, timeout=30, check=True)
    os.kill(broker.pid, signal.SIGKILL)
    broker.stop()
    broker = start_mosquitto(tmp_path / "broker", port, tmp_path / "secrets")
    try:
        collector.start()
        found: set[int] = set()
        while len(found) < 200:
            message = collector.inbox.get(timeout=10)
            collector.acknowledge(message)
            found.add(int(message.payload))
    finally:
        collector.stop()
        broker.stop()


def wait_for(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not done():
        assert time.monotonic() < end, "nothing came within 10 s"
        time.sleep(0.02)


def test_no_password_is_shipped() -> None:
    assert sorted(p.name for p in FILES.iterdir()) == ["acl", "make-users.sh", "mosquitto.conf"]
    conf = (FILES / "mosquitto.conf").read_text(encoding="utf-8").splitlines()
    assert "allow_anonymous false" in conf
