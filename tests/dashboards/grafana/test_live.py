"""A real Grafana with our provisioning over a real InfluxDB: every panel's query gives data, and push works.

Grafana is in no package registry: make test-grafana GRAFANA_HOME=/path/to/grafana
"""

import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dashboards.grafana.board import FOLDER_UID
from dashboards.grafana.boards import boards
from dashboards.grafana.panels import DATA_SOURCE_UID, Json
from dashboards.grafana.push import GrafanaAway, push
from submeter.__main__ import roof

pytestmark = [pytest.mark.service, pytest.mark.timeout(240)]
DAY_MS = 86_400_000


def test_a_stranger_sees_nothing(grafana: Any) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{grafana.address}/api/search", timeout=10)


def test_boards_lie_in_their_folder_under_their_uids(grafana: Any, made: list[Json]) -> None:
    until = time.monotonic() + 20
    found: dict[str, Json] = {}
    while len(found) < len(made) and time.monotonic() < until:  # health is told before the last board is read
        found = {hit["uid"]: hit for hit in grafana.call("/api/search?type=dash-db")}

    assert set(found) == {board["uid"] for board in made}
    assert {hit["folderTitle"] for hit in found.values()} == {"submeter"}


def test_the_data_source_is_read_with_its_token(grafana: Any) -> None:
    source = grafana.call(f"/api/datasources/uid/{DATA_SOURCE_UID}")

    assert source["type"] == "influxdb"
    assert source["jsonData"]["dbName"] == "submeter"
    assert "secureJsonData" not in source


def test_every_query_gives_data_through_grafana(grafana: Any, filled: Any, made: list[Json]) -> None:
    for board in made:
        for panel in board["panels"]:
            for building in filled.portfolio.buildings:
                results = ask(grafana, panel["targets"], building, filled.now_ms)
                for target in panel["targets"]:
                    assert "error" not in results[target["refId"]], f"{panel['title']}: {results[target['refId']]}"
                if any(rows(result) for result in results.values()):
                    break
            else:
                raise AssertionError(f"{board['uid']} {panel['title']}: no data in any building")


def ask(grafana: Any, targets: list[Json], building: str, now_ms: int) -> dict[str, Any]:
    """What the browser asks: a panel's targets in one request, the board's variables put in."""
    queries = []
    for target in targets:
        statement = target["query"].replace("$building", building).replace("$measure", "led")
        queries.append({**target, "query": statement, "intervalMs": 3_600_000, "maxDataPoints": 500})
    span = {"from": str(now_ms - 20 * DAY_MS), "to": str(now_ms)}
    try:
        answer = grafana.call("/api/ds/query", {"queries": queries, **span})
    except urllib.error.HTTPError as fault:  # its body says which query
        answer = json.load(fault)
    found: dict[str, Any] = answer["results"]
    return found


def rows(result: Json) -> int:
    return sum(len(frame["data"]["values"][0]) for frame in result.get("frames", []) if frame["data"]["values"])


def test_push_creates_boards_and_replaces_them(bare_grafana: Any, filled: Any, tmp_path: Path) -> None:
    account = bare_grafana.call("/api/serviceaccounts", {"name": "push", "role": "Editor"})
    token = bare_grafana.call(f"/api/serviceaccounts/{account['id']}/tokens", {"name": "push"})["key"]

    first = push(boards(filled.portfolio), bare_grafana.address, token)
    (tmp_path / "password").write_text(bare_grafana.password)
    again = CliRunner().invoke(
        roof,
        ["dashboards", "push", "--url", bare_grafana.address, "--user", "admin", "--password-file",
         str(tmp_path / "password")],
    )  # fmt: skip

    assert again.exit_code == 0, again.output
    assert again.output.splitlines() == first
    kept = bare_grafana.call("/api/dashboards/uid/submeter-building")
    assert kept["meta"]["version"] == 2
    assert kept["meta"]["folderUid"] == FOLDER_UID
    assert "PD01" in json.dumps(kept["dashboard"])


def test_provisioned_boards_are_not_pushed_over_and_the_message_says_why(grafana: Any, filled: Any) -> None:
    with pytest.raises(GrafanaAway, match="provisioned from files"):
        push(boards(filled.portfolio), grafana.address, ("admin", grafana.password))


def test_a_wrong_token_is_refused_with_what_to_do(grafana: Any, filled: Any) -> None:
    with pytest.raises(GrafanaAway, match="role Editor"):
        push(boards(filled.portfolio), grafana.address, "nonsense")
