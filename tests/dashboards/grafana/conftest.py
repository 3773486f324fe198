"""An InfluxDB (1.6; 2.7 where there is one) that holds the small pretend district of tests/dashboards."""

import base64
import importlib.util
import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import pytest

from analytics.tree.totals import rebuild_totals
from dashboards.grafana import files, provisioning
from dashboards.grafana.boards import boards
from dashboards.grafana.panels import Json
from submeter.roof.influx_setup import WRITE_TOKEN, Setup, set_up
from submeter.stores import Column, Store, open_store
from submeter.words import Block, Intervals, Known, Method, Portfolio, Quarantined, Readings, Resolution, Series
from tests.servers import free_port, start_influxd1, start_influxd2, wait_for

DAY_MS = 86_400_000


def _district() -> ModuleType:
    """tests/dashboards/conftest.py, which fills any store; importlib mode gives conftests no name to import."""
    path = Path(__file__).resolve().parents[1] / "conftest.py"
    spec = importlib.util.spec_from_file_location("pretend_district", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    import sys  # noqa: PLC0415  (its dataclasses look their module up)

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


district = _district()


@dataclass(frozen=True)
class Filled:
    """A server that holds the district up to ``now_ms``."""

    address: str
    token: str
    database: str
    portfolio: Portfolio
    now_ms: int

    def ask(self, statement: str, start_ms: int | None = None, building: str = "tower") -> list[dict[str, Any]]:
        """The series of an answer; fails on an error. Grafana's words are put in as Grafana does."""
        first = self.now_ms - 10 * DAY_MS if start_ms is None else start_ms
        words = {"$timeFilter": f"time >= {first}ms and time <= {self.now_ms}ms", "$__interval": "1h",
                 "$building": building, "$measure": "led"}  # fmt: skip
        for word, value in words.items():
            statement = statement.replace(word, value)
        asked = urllib.parse.urlencode({"db": self.database, "q": statement, "epoch": "ms"})
        headers = {"Authorization": f"Token {self.token}"} if self.token else {}
        request = urllib.request.Request(f"{self.address}/query?{asked}", headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            result = json.load(answer)["results"][0]
        assert "error" not in result, f"{result['error']}: {statement}"
        found: list[dict[str, Any]] = result.get("series", [])
        return found


@pytest.fixture(scope="session")
def influxd1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address."""
    server = start_influxd1(tmp_path_factory.mktemp("influxd1"))
    yield server.address
    server.stop()


@pytest.fixture(scope="session")
def influxd2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Its address and a token; organisation and bucket are both 'submeter'."""
    folder = tmp_path_factory.mktemp("influxd2")
    server = start_influxd2(folder)
    try:
        set_up(Setup(server.address, "submeter", "submeter", "a password", "operator-token"), folder / "tokens")
        yield server.address, (folder / "tokens" / WRITE_TOKEN).read_text().strip()
    finally:
        server.stop()


@pytest.fixture(scope="session", params=["influx1", "influx2"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """400 days up to now; six days ago one hour of the tower's lighting is missing, one of its main is estimated."""
    state = tmp_path_factory.mktemp("state") / "state.db"
    if request.param == "influx1":
        address, token = request.getfixturevalue("influxd1"), ""
        url = f"{address.replace('http', 'influx1', 1)}/submeter"
    else:
        address, token = request.getfixturevalue("influxd2")
        url = f"{address.replace('http', 'influx2', 1)}/submeter/submeter"
    return fill(open_store(url, state=str(state), token=token), address, token)


def fill(store: Store, address: str, token: str) -> Filled:
    now_ms = int(time.time() * 1000) // 3_600_000 * 3_600_000
    portfolio: Portfolio = district.make_portfolio(district.MEASURES)
    with store.writing():
        district.fill(store, portfolio, now_ms)
        _spoil(store, now_ms)
        rebuild_totals(store, portfolio, 0.9)
    _tell(store, now_ms)
    store.close()
    return Filled(address, token, "submeter", portfolio, now_ms)


def _spoil(store: Store, now_ms: int) -> None:
    hour = np.array([(now_ms - 6 * DAY_MS) // 1000], "datetime64[s]")
    lighting = Column("tower/01a", "energy_import", Resolution.HOUR)
    main = Column("tower/main", "energy_import", Resolution.HOUR)
    store.write_intervals(lighting, Intervals.of(hour, np.zeros(1, np.int64), Known.MISSING, Method.NO_READING))
    next_hour = np.array([(now_ms - 6 * DAY_MS) // 1000 + 3600], "datetime64[s]")
    rows = Intervals.of(next_hour, np.full(1, 7_000_000), Known.ESTIMATED, Method.LINEAR)
    store.write_intervals(main, rows)


def _tell(store: Store, now_ms: int) -> None:
    """What analytics and intake tell, dated from now."""
    district.tell(store)
    shift = now_ms - district.NOW_MS
    ago = [msgspec.structs.replace(f, start_ms=f.start_ms + shift) for f in store.entries(district.Finding)]
    status = store.entries(district.GatewayStatus)[0]
    led = store.entries(district.Saving)[1]
    first = now_ms // DAY_MS - len(led.days)
    days = [str(np.datetime64(first + n, "D")) for n in range(len(led.days))]
    store.put(
        *ago,
        *[msgspec.structs.replace(status, told_ms=now_ms - n * 600_000) for n in range(5)],
        Quarantined(id="q9", gateway="gw1", building="tower", reason="unknown_meter", text="", record="",
                    arrived_ms=now_ms - 1000),
        msgspec.structs.replace(led, days=days, start_ms=(first * DAY_MS) - 8 * 3_600_000),
    )  # fmt: skip
    times = now_ms - np.arange(96, 0, -1) * 900_000
    series = Series("tower/main", "S000", "energy_import")
    store.write_readings([Block(series, Readings.of(times, np.arange(96) * 1_000_000 + 5_000_000_000))])


@pytest.fixture(scope="session")
def made(filled: Filled) -> list[Json]:
    """The boards of the district, as JSON."""
    return [board.json() for board in boards(filled.portfolio)]


@dataclass(frozen=True)
class Grafana:
    """A started server, its boards' folder and the password of its admin."""

    address: str
    password: str

    def call(self, path: str, body: Json | None = None) -> Any:
        """The answer's JSON. Raises HTTPError."""
        basic = base64.b64encode(f"admin:{self.password}".encode()).decode()
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {basic}"}
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.address + path, data, headers), timeout=60) as answer:
            return json.load(answer)


@pytest.fixture(scope="session")
def grafana(filled: Filled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grafana]:
    """A Grafana with our provisioning, boards included, over the filled InfluxDB."""
    folder = tmp_path_factory.mktemp("grafana")
    files.write_boards(boards(filled.portfolio), folder / "boards")
    yield from _started(folder, _provisioning(filled, folder))


@pytest.fixture(scope="session")
def bare_grafana(filled: Filled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grafana]:
    """One that has our data source and no boards."""
    folder = tmp_path_factory.mktemp("bare")
    texts = _provisioning(filled, folder)
    yield from _started(folder, {name: text for name, text in texts.items() if name.startswith("datasources")})


def _provisioning(filled: Filled, folder: Path) -> dict[str, str]:
    (folder / "token").write_text(filled.token + "\n")
    token_file = str(folder / "token") if filled.token else ""
    return provisioning.files(filled.address, "submeter", token_file, str(folder / "boards"))


def _started(folder: Path, texts: dict[str, str]) -> Iterator[Grafana]:
    """With what docker-compose.yml sets; a password of its own; loopback only."""
    home = os.environ.get("SUBMETER_GRAFANA_HOME", "")
    if not home:
        pytest.skip("Grafana is in no package registry; run `make test-grafana GRAFANA_HOME=/path/to/grafana`")
    provisioning.write_provisioning(folder / "provisioning", texts)
    server = Grafana(f"http://127.0.0.1:{free_port()}", uuid.uuid4().hex)
    settings = {
        "GF_SERVER_HTTP_ADDR": "127.0.0.1", "GF_SERVER_HTTP_PORT": server.address.rpartition(":")[2],
        "GF_PATHS_PROVISIONING": f"{folder}/provisioning", "GF_PATHS_DATA": f"{folder}/data",
        "GF_PATHS_LOGS": f"{folder}/log", "GF_PATHS_PLUGINS": f"{folder}/plugins",
        "GF_SECURITY_ADMIN_PASSWORD": server.password, "GF_AUTH_ANONYMOUS_ENABLED": "false",
        "GF_ANALYTICS_REPORTING_ENABLED": "false", "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false", "GF_SECURITY_DISABLE_GRAVATAR": "true",
    }  # fmt: skip
    with (folder / "console.log").open("wb") as log:
        process = subprocess.Popen(
            [f"{home}/bin/grafana-server", "-homepath", home], env={**os.environ, **settings}, stdout=log, stderr=log
        )
        try:
            wait_for(f"{server.address}/api/health", process)
            yield server
        finally:
            process.kill()
            process.wait(10)
