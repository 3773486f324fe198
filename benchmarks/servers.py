"""Real servers for one benchmark each, on free ports of the loopback, stopped at its end.

Brokers are started as a user starts them (``submeter broker``, with users and rules for mosquitto). An InfluxDB gets a
folder of its own; version 2 is in no package registry, so SUBMETER_INFLUXD names its binary.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from submeter.roof.secrets import make_secret
from submeter.settings.settings import secret
from submeter.wire.mqtt import Broker
from submeter.words import ConfigError, TheirsError

HOST: Final = "127.0.0.1"
READY_S: Final = 60.0
ORG: Final = "submeter"
BUCKET: Final = "readings"


class NotHere(ConfigError):  # noqa: N818
    """A server is not installed: the benchmark leaves its part out and says so."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(
    command: Sequence[str], log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A child process, ended politely, or killed when it does not listen."""
    with log.open("ab") as out:
        child = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env, cwd=cwd
        )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@dataclass(frozen=True)
class RunningBroker:
    pid: int
    port: int
    folder: Path
    users: bool

    def address(self, user: str) -> Broker:
        """With the user's password where the broker wants one."""
        if not self.users:
            return Broker(host=HOST, port=self.port)
        password = secret(str(self.folder / "secrets" / f"mqtt-{user}"))
        return Broker(host=HOST, port=self.port, user=user, password=password)


@contextmanager
def broker(kind: str, folder: Path, users: Sequence[str]) -> Iterator[RunningBroker]:
    """``kind`` is 'mosquitto' or 'iotcore'. Raises :class:`NotHere` without mosquitto."""
    folder.mkdir(parents=True)
    port, native = free_port(), kind == "mosquitto"
    if native and not shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"):
        raise NotHere("mosquitto is not installed: apt-get install mosquitto")
    for user in users:
        make_secret(folder / "secrets" / f"mqtt-{user}")
    settings = folder / "settings.toml"
    settings.write_text(f"[broker]\nport = {port}\n", encoding="utf-8")
    command = [sys.executable, "-m", "submeter", "broker", "--settings", str(settings), "--folder", str(folder / "b")]
    native_options = ["--mosquitto", "--secrets", str(folder / "secrets")] if native else []
    with process([*command, *native_options], folder / "log") as child:
        await_port(port, child, folder / "log")
        yield RunningBroker(child.pid, port, folder, native)


def await_port(port: int, child: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        try:
            with socket.create_connection((HOST, port), 0.2):
                return
        except OSError:
            if child.poll() is not None or time.monotonic() > deadline:
                raise TheirsError(f"no server at port {port}: {log.read_text(errors='replace')[-500:]}") from None
            time.sleep(0.02)


@dataclass(frozen=True)
class StorePlace:
    """Where a store lies. ``pid``: its server's process, 0 = the store works inside of ours."""

    kind: str
    url: str
    state: str = ""
    token: str = ""
    pid: int = 0
    data: Path | None = None
    """what its content takes up on the disk lies there"""

    @property
    def remote(self) -> bool:
        return self.pid > 0


@contextmanager
def store_place(kind: str, folder: Path) -> Iterator[StorePlace]:
    """A fresh, empty store of a kind: memory, embedded, influx1, influx2. Raises :class:`NotHere`."""
    folder.mkdir(parents=True)
    if kind == "memory":
        yield StorePlace(kind, "memory:")
    elif kind == "embedded":
        yield StorePlace(kind, f"embedded:{folder / 'store.db'}", data=folder / "store.db")
    elif kind == "influx1":
        with influxd1(folder) as place:
            yield place
    elif kind == "influx2":
        with influxd2(folder) as place:
            yield place
    else:
        raise ConfigError(f"no store is called {kind!r}; there are memory, embedded, influx1, influx2")


@contextmanager
def influxd1(folder: Path) -> Iterator[StorePlace]:
    found = shutil.which("influxd")
    if not found:
        raise NotHere("InfluxDB 1.x is not installed: apt-get install influxdb")
    port, rpc = free_port(), free_port()
    config = folder / "influxdb.conf"
    config.write_text(
        f'reporting-disabled = true\nbind-address = "{HOST}:{rpc}"\n[meta]\ndir = "{folder}/meta"\n'
        f'[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\n[monitor]\nstore-enabled = false\n'
        f'[http]\nbind-address = "{HOST}:{port}"\nlog-enabled = false\n',
        encoding="utf-8",
    )
    with process([found, "-config", str(config)], folder / "log") as child:
        await_port(port, child, folder / "log")
        url = f"influx1://{HOST}:{port}/{BUCKET}"
        yield StorePlace("influx1", url, state=str(folder / "state.db"), pid=child.pid, data=folder)


@contextmanager
def influxd2(folder: Path) -> Iterator[StorePlace]:
    binary = os.environ.get("SUBMETER_INFLUXD", "")
    if not binary or not Path(binary).is_file():
        raise NotHere("InfluxDB 2.7 is in no package registry; SUBMETER_INFLUXD=/path/to/influxd names it")
    port, token = free_port(), uuid.uuid4().hex
    command = [binary, "--bolt-path", f"{folder}/influxd.bolt", "--engine-path", f"{folder}/engine",
               "--sqlite-path", f"{folder}/influxd.sqlite", "--http-bind-address", f"{HOST}:{port}",
               "--reporting-disabled", "--log-level", "error"]  # fmt: skip
    with process(command, folder / "log") as child:
        await_port(port, child, folder / "log")
        _set_up(f"http://{HOST}:{port}", token)
        url = f"influx2://{HOST}:{port}/{ORG}/{BUCKET}"
        yield StorePlace("influx2", url, str(folder / "state.db"), token, child.pid, folder)


def _set_up(address: str, token: str) -> None:
    """The first user and bucket; asked until the server is ready to take it."""
    given = {"username": "admin", "password": uuid.uuid4().hex, "org": ORG, "bucket": BUCKET, "token": token}
    request = urllib.request.Request(
        f"{address}/api/v2/setup", json.dumps(given).encode(), {"Content-Type": "application/json"}
    )
    deadline = time.monotonic() + READY_S
    while True:
        try:
            urllib.request.urlopen(request, timeout=10).close()
            return
        except OSError as fault:
            if time.monotonic() > deadline:
                raise TheirsError(f"InfluxDB 2 could not be set up: {fault}") from None
            time.sleep(0.1)
