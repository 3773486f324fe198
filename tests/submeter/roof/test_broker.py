"""Brokers as child processes: loopback only, another port when the wanted one is busy, gone when told so."""

import os
import shutil
import signal
import socket
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from submeter.roof.broker import embedded_config, free_port, listens, native_config, start_embedded, start_mosquitto
from submeter.settings import config_folder
from submeter.words import Bug, ConfigError

FILES = config_folder() / "mosquitto"


@pytest.fixture
def busy() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "mqtt-gw1").write_text("one\n", encoding="utf-8")
    return folder


def needs(*programs: str) -> None:
    for program in programs:
        if not shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin"):
            pytest.skip(f"{program} is not installed; apt install mosquitto mosquitto-clients")


def test_a_free_port_is_taken_as_wanted_and_a_busy_one_is_named(busy: int) -> None:
    port, note = free_port(busy)
    assert port != busy
    assert note == f"port {busy} of 127.0.0.1 is busy; the broker takes {port} instead"
    assert free_port(port) == (port, "")


def test_the_embedded_broker_listens_on_loopback_with_mqtt_5_and_its_memory_is_bounded() -> None:
    config = tomllib.loads(embedded_config(1999))
    assert [key for key in config if key.startswith("v")] == ["v5"]
    assert config["v5"]["1"]["listen"] == "127.0.0.1:1999"
    router = config["router"]
    assert router["max_segment_size"] * router["max_segment_count"] == 30 * 1024 * 1024
    assert config["v5"]["1"]["connections"]["max_payload_size"] > 5_000_000


@pytest.mark.service
def test_the_embedded_broker_starts_beside_a_busy_port_and_leaves_nothing_behind(tmp_path: Path, busy: int) -> None:
    pytest.importorskip("iotcore", reason="pip install 'submeter[demo]'")
    said: list[str] = []
    broker = start_embedded(tmp_path / "broker", busy, said.append)
    try:
        assert said == [f"port {busy} of 127.0.0.1 is busy; the broker takes {broker.port} instead"]
        assert listens("127.0.0.1", broker.port)
        assert broker.step() > 0
    finally:
        broker.stop()
    assert not listens("127.0.0.1", broker.port)
    with pytest.raises(Bug, match="has ended"):
        broker.step()


def test_a_native_mosquitto_gets_other_paths_and_nothing_else(tmp_path: Path) -> None:
    shipped = (FILES / "mosquitto.conf").read_text(encoding="utf-8")
    native = native_config(shipped, tmp_path, Path("/etc/files"), 1999).splitlines()
    changed = [new for old, new in zip(shipped.splitlines(), native, strict=False) if old != new]
    assert changed == [
        "listener 1999 127.0.0.1",
        f"password_file {tmp_path}/passwords",
        "acl_file /etc/files/acl",
        f"persistence_location {tmp_path}/",
    ]
    assert native[len(shipped.splitlines()) :] == ["user root"]


@pytest.mark.service
def test_mosquitto_starts_with_the_shipped_files_and_users_made_from_secrets(
    tmp_path: Path, secrets: Path, busy: int
) -> None:
    needs("mosquitto", "mosquitto_passwd")
    said: list[str] = []
    broker = start_mosquitto(tmp_path / "broker", busy, secrets, say=said.append)
    try:
        assert broker.port != busy
        assert len(said) == 1
        assert listens("127.0.0.1", broker.port)
        users = tmp_path / "broker" / "passwords"
        assert users.read_text(encoding="utf-8").startswith("gw1:$7$")
        assert stat.S_IMODE(users.stat().st_mode) == 0o600
        os.kill(broker.pid, signal.SIGKILL)
        os.waitid(os.P_PID, broker.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(Bug, match="mosquitto has ended"):
            broker.step()
    finally:
        broker.stop()


def test_without_secrets_there_are_no_users_and_the_remedy_is_named(tmp_path: Path) -> None:
    needs("mosquitto", "mosquitto_passwd")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="submeter secrets create"):
        start_mosquitto(tmp_path / "broker", 0, tmp_path / "empty")
