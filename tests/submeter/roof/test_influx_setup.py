"""First start of an InfluxDB 2.7, as docker-compose.yml has it done: `submeter secrets influx` against a real server.

InfluxDB 2.7 is in no package registry: make test-influx2 INFLUXD=/path/to/influxd
"""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from submeter.__main__ import roof
from submeter.roof.influx_setup import READ_TOKEN, WRITE_TOKEN
from submeter.stores import Column, open_store
from submeter.words import Intervals, Resolution, StoreAway
from tests.servers import start_influxd2


@pytest.fixture(scope="module")
def influx2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that nobody has set up."""
    server = start_influxd2(tmp_path_factory.mktemp("influx2"))
    yield server.address
    server.stop()


@pytest.fixture(scope="module")
def secrets(influx2: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of secrets after the set-up."""
    folder = tmp_path_factory.mktemp("given") / "secrets"
    assert CliRunner().invoke(roof, ["secrets", "create", "--dir", str(folder)]).exit_code == 0
    done = set_up(influx2, folder)
    assert done.exit_code == 0, done.output
    return folder


def set_up(address: str, folder: Path) -> Result:
    return CliRunner().invoke(
        roof,
        ["secrets", "influx", "--url", address, "--password-file", str(folder / "influx-admin-password"),
         "--operator-token-file", str(folder / "influx-operator-token"), "--out", str(folder)],
    )  # fmt: skip


def token(folder: Path, name: str) -> str:
    return (folder / name).read_text().strip()


def ask(address: str, statement: str, token_: str) -> str:
    """The answer to an InfluxQL query, or the status of a refusal."""
    query = urllib.parse.urlencode({"db": "submeter", "q": statement})
    request = urllib.request.Request(f"{address}/query?{query}", headers={"Authorization": f"Token {token_}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as fault:
        return str(fault.code)


def write(address: str, line: str, token_: str) -> int:
    query = urllib.parse.urlencode({"org": "submeter", "bucket": "submeter"})
    request = urllib.request.Request(
        f"{address}/api/v2/write?{query}", data=line.encode(), headers={"Authorization": f"Token {token_}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as fault:
        return fault.code


@pytest.mark.service
class TestInflux2:
    """In the id of each test stands influx2, which tests/skips.toml lists."""

    def test_influx2_grafanas_token_reads_and_does_not_write(self, influx2: str, secrets: Path) -> None:
        assert write(influx2, "finding value=1", token(secrets, READ_TOKEN)) == 403
        assert "results" in ask(influx2, "SHOW MEASUREMENTS", token(secrets, READ_TOKEN))

    def test_influx2_the_collectors_token_opens_the_store(self, influx2: str, secrets: Path, tmp_path: Path) -> None:
        url = f"influx2://{influx2.removeprefix('http://')}/submeter/submeter"
        store = open_store(url, state=str(tmp_path / "state.db"), token=token(secrets, WRITE_TOKEN))
        column = Column("b1/main", "energy_import", Resolution.HOUR)

        store.write_intervals(column, Intervals.of(np.array(["2026-01-01"], "datetime64[s]"), np.array([5_000_000])))
        store.close()

        assert '"main"' in ask(influx2, "SELECT value, point FROM interval WHERE known > 0", token(secrets, READ_TOKEN))

    def test_influx2_half_a_year_lies_in_one_shard_and_nothing_expires(self, influx2: str, secrets: Path) -> None:
        told = json.loads(self.call(influx2, "/api/v2/buckets?name=submeter", token(secrets, "influx-operator-token")))
        (rule,) = told["buckets"][0]["retentionRules"]
        assert (rule["everySeconds"], rule["shardGroupDurationSeconds"]) == (0, 15_724_800)  # 182 days

    def test_influx2_a_token_is_read_by_owner_and_group_alone(self, secrets: Path) -> None:
        assert all((secrets / name).stat().st_mode & 0o007 == 0 for name in (READ_TOKEN, WRITE_TOKEN))

    def test_influx2_no_token_sees_another_bucket(self, influx2: str, secrets: Path) -> None:
        operator = token(secrets, "influx-operator-token")
        org = json.loads(self.call(influx2, "/api/v2/orgs?org=submeter", operator))["orgs"][0]["id"]
        body = json.dumps({"orgID": org, "name": "other", "retentionRules": []})
        self.call(influx2, "/api/v2/buckets", operator, body)

        for name in (READ_TOKEN, WRITE_TOKEN):
            seen = json.loads(self.call(influx2, "/api/v2/buckets", token(secrets, name)))["buckets"]
            assert [bucket["name"] for bucket in seen] == ["submeter"]

    def test_influx2_set_up_again_changes_nothing(self, influx2: str, secrets: Path) -> None:
        before = {path.name: path.read_text() for path in secrets.iterdir()}

        again = set_up(influx2, secrets)

        assert again.output == "was set up before\n"
        assert {path.name: path.read_text() for path in secrets.iterdir()} == before

    def test_influx2_a_lost_token_is_made_anew(self, influx2: str, secrets: Path) -> None:
        (secrets / READ_TOKEN).write_text("")
        (secrets / READ_TOKEN).chmod(0o644)

        set_up(influx2, secrets)

        assert (secrets / READ_TOKEN).stat().st_mode & 0o777 == 0o640

        assert "results" in ask(influx2, "SHOW MEASUREMENTS", token(secrets, READ_TOKEN))

    def call(self, address: str, path: str, token_: str, body: str | None = None) -> str:
        request = urllib.request.Request(
            address + path, data=body.encode() if body else None,
            headers={"Authorization": f"Token {token_}", "Content-Type": "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(answer.read().decode())


def test_a_server_that_is_away_is_named_with_the_reason(tmp_path: Path) -> None:
    assert CliRunner().invoke(roof, ["secrets", "create", "--dir", str(tmp_path)]).exit_code == 0

    done = set_up("http://127.0.0.1:9", tmp_path)

    assert isinstance(done.exception, StoreAway)
    assert "InfluxDB at http://127.0.0.1:9 could not be set up" in str(done.exception)
    assert not (tmp_path / READ_TOKEN).exists()
