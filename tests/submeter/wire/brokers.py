"""Real brokers on free ports of the loopback, for tests: each can be killed (-9) and replaced by an empty one."""

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import free_port

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


def until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait for another process; fails the test when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
        return True
    return False


class Mosquitto:
    """Keeps nothing on disk, so a killed one has lost everything."""

    def __init__(self, folder: Path, rules: str) -> None:
        self.port = free_port()
        self.file = folder / f"mosquitto-{self.port}.conf"
        # started by root it would become another user, who may not read a test's folder
        self.file.write_text(f"listener {self.port} 127.0.0.1\nuser root\n{rules}\n")
        self.start()

    def start(self) -> None:
        assert MOSQUITTO
        self.process = subprocess.Popen([MOSQUITTO, "-c", str(self.file)], stderr=subprocess.DEVNULL)
        until(lambda: answers(self.port))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


IOTCORE = """
id = 0
[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 10485760
max_segment_count = 4
[v5.1]
name = "v5-1"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 1048576
max_inflight_count = 100
dynamic_filters = true
"""


RUN = "import sys; from iotcore import Broker; Broker(config_path=sys.argv[1]).run_forever()"


class Embedded:
    """The broker of the demo, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.file = folder / f"iotcore-{self.port}.toml"
        self.file.write_text(IOTCORE.format(port=self.port))
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(self.file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(lambda: answers(self.port))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def mosquitto(folder: Path, rules: str = "allow_anonymous true") -> Iterator[Mosquitto]:
    if not MOSQUITTO:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    broker = Mosquitto(folder, rules)
    try:
        yield broker
    finally:
        broker.kill()


@contextlib.contextmanager
def embedded(folder: Path) -> Iterator[Embedded]:
    pytest.importorskip("iotcore")
    broker = Embedded(folder)
    try:
        yield broker
    finally:
        broker.kill()
