"""A store of each kind for the contract: fresh for every test, with real servers that live as long as the session."""

import json
import shutil
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from submeter.stores import Store, open_store
from tests.servers import Server, free_port, start_influxd1, start_influxd2


@dataclass
class Opened:
    """A store under test, and the way to open a second one on the same content (as another process would)."""

    store: Store
    again: Callable[[], Store]


@pytest.fixture
def influxd1_starter() -> Iterator[Callable[..., Server]]:
    """Starts a server of one's own in a folder, on a port (0 = a free one); stopped at the end of the test."""
    started: list[Server] = []

    def start(folder: Path, port: int = 0, auth: bool = False) -> Server:
        started.append(start_influxd1(folder, port, auth))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def influxd1_port(influxd1: Server) -> int:
    return influxd1.port


@pytest.fixture(scope="session")
def influxd1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start_influxd1(tmp_path_factory.mktemp("influxd1"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def victoria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not shutil.which("victoria-metrics"):
        pytest.skip("victoria-metrics is not installed (Debian: apt-get install victoria-metrics)")
    folder, port = tmp_path_factory.mktemp("victoria"), free_port()
    command = ["victoria-metrics", f"-storageDataPath={folder}", f"-httpListenAddr=127.0.0.1:{port}",
               "-retentionPeriod=100y"]  # fmt: skip
    server = Server(command, port, "/health")
    yield server
    server.stop()


@dataclass
class Influx2:
    server: Server
    token: str
    org: str = "submeter"

    def make_bucket(self) -> str:
        """A new bucket's name."""
        name = f"t{uuid.uuid4().hex[:10]}"
        org_id = self.call("GET", f"/api/v2/orgs?org={self.org}", None)["orgs"][0]["id"]
        self.call("POST", "/api/v2/buckets", {"orgID": org_id, "name": name, "retentionRules": []})
        return name

    def call(self, method: str, path: str, body: object) -> dict[str, list[dict[str, str]]]:
        request = urllib.request.Request(
            self.server.address + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"Token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            decoded: dict[str, list[dict[str, str]]] = json.load(answer)
            return decoded


@pytest.fixture(scope="session")
def influxd2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx2]:
    server = start_influxd2(tmp_path_factory.mktemp("influxd2"))
    influx = Influx2(server, uuid.uuid4().hex)
    influx.call("POST", "/api/v2/setup", {"username": "admin", "password": uuid.uuid4().hex, "org": influx.org,
                                          "bucket": "first", "token": influx.token})  # fmt: skip
    yield influx
    server.stop()


def _opened(url: str, state: Path, token: str = "") -> Opened:
    def again() -> Store:
        return open_store(url, state=str(state), token=token)

    return Opened(again(), again)


def _open_kind(kind: str, folder: Path, request: pytest.FixtureRequest) -> Opened:
    state = folder / "state.db"
    if kind == "memory":
        memory = open_store("memory:")
        return Opened(memory, lambda: memory)
    if kind == "embedded":
        return _opened(f"embedded:{folder / 'store.db'}", state)
    if kind == "influx1":
        server: Server = request.getfixturevalue("influxd1")
        return _opened(f"influx1://127.0.0.1:{server.port}/t{uuid.uuid4().hex[:10]}", state)
    influx: Influx2 = request.getfixturevalue("influxd2")
    return _opened(f"influx2://127.0.0.1:{influx.server.port}/{influx.org}/{influx.make_bucket()}", state, influx.token)


KINDS = [
    "memory",
    "embedded",
    pytest.param("influx1", marks=pytest.mark.service),
    pytest.param("influx2", marks=pytest.mark.service),
]


@pytest.fixture(params=KINDS)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    one = _open_kind(request.param, tmp_path, request)
    yield one
    one.store.close()


@pytest.fixture
def store(opened: Opened) -> Store:
    return opened.store
