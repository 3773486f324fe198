"""Brokers as child processes: the embedded one (rumqttd inside ``iotcore``) and a native mosquitto with our files.

Each gets a folder of its own for what it needs to write, listens on loopback unless told otherwise, and takes another
port, saying so, when the wanted one is busy. A broker that dies is not revived here: :meth:`step` raises, the process
ends, and whoever watches it starts it anew.
"""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from submeter.settings import config_folder
from submeter.words import Bug, ConfigError, TheirsError

HOST: Final = "127.0.0.1"
LOOK_S: Final = 1.0
START_S: Final = 10.0
LARGEST: Final = 8 * 1024 * 1024
"""bytes of a message; larger than the largest pack that is read, so that what is too large is quarantined"""

# The router keeps the newest SEGMENTS × SEGMENT bytes of each topic filter: bounded, and generous enough that a slow
# reader loses nothing as long as gateways keep a bounded window under way.
SEGMENT: Final = 5 * 1024 * 1024
SEGMENTS: Final = 6

EMBEDDED: Final = """\
# Written at each start by submeter/roof/broker.py. Loopback and MQTT 5 only; users and passwords are mosquitto's part.
id = 0

[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = {segment}
max_segment_count = {segments}

[v5.1]
name = "submeter"
listen = "{host}:{port}"
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = {largest}
max_inflight_count = 100
dynamic_filters = true
"""


def embedded_config(port: int, host: str = HOST) -> str:
    """The embedded broker's configuration as TOML."""
    return EMBEDDED.format(host=host, port=port, segment=SEGMENT, segments=SEGMENTS, largest=LARGEST)


def free_port(wanted: int, host: str = HOST) -> tuple[int, str]:
    """``wanted`` if nobody listens there, else another; and the sentence to say then ('' = as wanted)."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return (
                found,
                "" if found == wanted else f"port {wanted} of {host} is busy; the broker takes {found} instead",
            )
    raise TheirsError(f"no port of {host} can be had for the broker; is the address one of this machine?")


class EmbeddedBroker:
    """rumqttd in a child process. For a demo and for tests: no users, no persistence; receipts make up for both."""

    def __init__(self, folder: Path, port: int, say: Callable[[str], object]) -> None:
        self.host = HOST
        self.port, note = free_port(port)
        if note:
            say(note)
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "rumqttd.toml"
        self.config.write_text(embedded_config(self.port), encoding="utf-8")
        self._broker = _start_iotcore(self.config)

    def alive(self) -> bool:
        return bool(self._broker.is_running)

    def step(self) -> float:
        return _watch(self.alive(), "the embedded broker")

    def stop(self) -> None:
        self._broker.stop()


def start_embedded(folder: Path, port: int = 1883, say: Callable[[str], object] = lambda _: None) -> EmbeddedBroker:
    """Start the embedded broker; it listens when this returns, at ``.port``. ``say`` hears of another port.

    Raises :class:`ConfigError` without the package ``iotcore``, :class:`TheirsError` when it does not come up.
    """
    return EmbeddedBroker(folder, port, say)


def _start_iotcore(config: Path) -> Any:
    try:
        from iotcore import Broker
    except ImportError:
        raise ConfigError("the embedded broker needs the package iotcore: pip install 'submeter[demo]'") from None
    try:
        return Broker(config_path=str(config)).start(START_S)
    except (OSError, RuntimeError) as fault:
        raise TheirsError(f"the embedded broker did not start: {fault}; its configuration is {config}") from None


class Mosquitto:
    """A native mosquitto with the files of ``config/mosquitto``; users come from the secrets' folder."""

    def __init__(self, folder: Path, port: int, secrets: Path, files: Path, say: Callable[[str], object]) -> None:
        self.host = HOST
        self.port, note = free_port(port)
        if note:
            say(note)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.config, self.log = folder / "mosquitto.conf", folder / "mosquitto.log"
        make_users(secrets, folder, files)
        shipped = (files / "mosquitto.conf").read_text(encoding="utf-8")
        self.config.write_text(native_config(shipped, folder.absolute(), files.absolute(), self.port), encoding="utf-8")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([_find("mosquitto"), "-c", str(self.config)], stdout=log, stderr=log)
        self._await()

    def _await(self) -> None:
        end = time.monotonic() + START_S
        while not listens(self.host, self.port):
            if not self.alive() or time.monotonic() > end:
                self.stop()
                told = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:]
                raise TheirsError(f"mosquitto did not start with {self.config}: {' / '.join(told)}")
            time.sleep(0.02)

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        return self._process.poll() is None

    def step(self) -> float:
        return _watch(self.alive(), "mosquitto")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def start_mosquitto(
    folder: Path,
    port: int,
    secrets: Path,
    *,
    files: Path | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> Mosquitto:
    """Start a native mosquitto on loopback; it listens when this returns, at ``.port``.

    ``folder`` takes its data, users and log; ``secrets`` holds a file ``mqtt-NAME`` for each user; ``files`` replaces
    the shipped ``config/mosquitto``. Raises :class:`ConfigError` without mosquitto or secrets, :class:`TheirsError`
    when it does not come up.
    """
    return Mosquitto(folder, port, secrets, files or config_folder() / "mosquitto", say)


def native_config(shipped: str, folder: Path, files: Path, port: int) -> str:
    """The shipped configuration with this machine's address and paths; every other line as it is."""
    here = {
        "listener": f"{port} {HOST}",
        "password_file": f"{folder}/passwords",
        "acl_file": f"{files}/acl",
        "persistence_location": f"{folder}/",
    }
    lines = []
    for line in shipped.splitlines():
        word = line.partition(" ")[0]
        lines.append(f"{word} {here[word]}" if word in here else line)
    # started by root, mosquitto would become another user, who could not read the folder
    return "\n".join([*lines, "user root", ""])


def make_users(secrets: Path, folder: Path, files: Path) -> None:
    """Turn the secrets ``mqtt-NAME`` into mosquitto's password file, with the script that the container runs."""
    _find("mosquitto_passwd")
    script = files / "make-users.sh"
    told = subprocess.run(
        ["/bin/sh", str(script), str(secrets), str(folder)], capture_output=True, text=True, check=False
    )
    if told.returncode:
        raise ConfigError(f"the broker's users could not be made: {told.stderr.strip()}")


def listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=0.2):
            return True
    except OSError:
        return False


def _find(program: str) -> str:
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if not found:
        raise ConfigError(f"{program} is not installed here: apt install mosquitto mosquitto-clients")
    return found


def _watch(alive: bool, name: str) -> float:
    if not alive:
        raise Bug(f"{name} has ended; this process ends with it, to be started anew")
    return LOOK_S
