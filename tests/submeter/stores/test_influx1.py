"""What only a real InfluxDB 1 can show: overwriting, refused points, a server that stops."""

import json
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import numpy as np
import pytest

from submeter.stores import ALWAYS_MS, Column, Store, open_store
from submeter.words import (
    Block,
    Finding,
    FindingState,
    GatewayStatus,
    Intervals,
    Quarantined,
    Readings,
    Resolution,
    Series,
    StoreAway,
)

pytestmark = pytest.mark.service

NOON = 1_750_000_000_000
MAIN = Series("b1/main", "SN1", "energy_import")
FINDING = Finding(id="b1/main@drift@1", building="b1", point="b1/main", kind="drift", start_ms=NOON, end_ms=NOON + 9,
                  state=FindingState.OPEN, confidence=0.5, first_told_ms=NOON, last_seen_ms=NOON)  # fmt: skip


class Database:
    """A database of its own on the server, with a way around the store to look and to meddle."""

    def __init__(self, port: int, folder: Path) -> None:
        self.name, self._port, self._folder = f"t{uuid.uuid4().hex[:10]}", port, folder

    def open(self, state: str = "state.db") -> Store:
        return open_store(f"influx1://127.0.0.1:{self._port}/{self.name}", state=str(self._folder / state))

    def write(self, line: str) -> None:
        self._ask("/write", {"db": self.name, "precision": "ms"}, line.encode())

    def rows(self, statement: str) -> list[list[Any]]:
        body = None if statement.startswith("SELECT") else b""
        answer = json.loads(self._ask("/query", {"db": self.name, "q": statement, "epoch": "ms"}, body))
        return [row for table in answer["results"][0].get("series", []) for row in table["values"]]

    def _ask(self, path: str, parameters: dict[str, str], body: bytes | None) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}?{urlencode(parameters)}", body) as answer:
            whole: bytes = answer.read()
        return whole


@pytest.fixture
def database(influxd1_port: int, tmp_path: Path) -> Database:
    return Database(influxd1_port, tmp_path)


def block(*rows: tuple[int, int], series: Series = MAIN) -> Block:
    return Block(series, Readings.of([t for t, _ in rows], [v for _, v in rows]))


def micro(store: Store) -> list[int]:
    return [int(value) for value in store.read_readings(MAIN, *ALWAYS_MS).micro]


def test_a_lost_state_file_does_not_let_stored_readings_be_overwritten(database: Database) -> None:
    first = database.open()
    first.write_readings([block((NOON, 5), (NOON + 1, 6))])
    first.close()

    second = database.open("another.db")
    (written,) = second.write_readings([block((NOON, 7), (NOON + 1, 6), (NOON + 2, 8))])

    assert (written.stored, written.again, written.conflicts.tolist()) == (1, 1, [0])
    assert micro(second) == [5, 6, 8]


def test_two_writers_of_one_state_do_not_overwrite_each_other(database: Database) -> None:
    one, other = database.open(), database.open()
    one.write_readings([block((NOON, 1))])
    other.write_readings([block((NOON + 5, 5))])

    (written,) = one.write_readings([block((NOON + 5, 6))])

    assert written.conflicts.tolist() == [0]
    assert micro(other) == [1, 5]


def test_a_reading_that_the_server_refuses_is_named_and_its_neighbours_are_kept(database: Database) -> None:
    store = database.open()
    other = MAIN._replace(device="SN2")
    store.write_readings([block((NOON, 1), series=other)])
    database.write(
        f"reading,building=b1,device=SN9,point=main,quantity=energy_import value=1i {NOON + 400 * 86_400_000}"
    )

    written = store.write_readings(
        [block((NOON, 1), (NOON + 400 * 86_400_000 + 5, 2), (NOON + 1, 3)), block((NOON + 1, 4), series=other)]
    )

    assert [(w.stored, w.refused.tolist()) for w in written] == [(2, [1]), (1, [])]
    assert micro(store) == [1, 3]


def test_a_name_that_line_protocol_cannot_carry_is_refused_whole(database: Database) -> None:
    store = database.open()

    written = store.write_readings(
        [block((NOON, 1), (NOON + 1, 2), series=MAIN._replace(device="a\nb")), block((NOON, 1))]
    )

    assert [(w.stored, w.refused.tolist()) for w in written] == [(0, [0, 1]), (1, [])]


def test_an_interval_that_the_server_refuses_is_told_and_undoes_the_entries_of_its_transaction(
    database: Database,
) -> None:
    store = database.open()
    database.write(
        "interval,building=b1,point=x,quantity=cost,resolution=1d value=1,known=1i,method=1,flags=0,revision=0 0"
    )

    def settle() -> None:
        with store.writing():
            store.set_cursor("ledger", 9)
            rows = Intervals.of(np.array([0], "datetime64[s]"), np.array([1]))
            store.write_intervals(Column("b1/main", "cost", Resolution.DAY), rows)

    with pytest.raises(StoreAway, match=r"refuses 'interval,building=b1,point=main.*see to its schema"):
        settle()
    assert store.cursor("ledger") == 0


def test_findings_gateways_and_quarantine_are_there_for_grafana(database: Database) -> None:
    store = database.open()
    store.put(
        FINDING,
        GatewayStatus(id="gw1", told_ms=NOON, waiting=3, oldest_ms=0, polls=1, errors=2),
        Quarantined(id="1", building="b1", gateway="gw1", reason="nan", text="", record="", arrived_ms=NOON),
    )

    assert database.rows("SELECT open, kwh_known, building, kind FROM finding") == [[NOON, 1, 0, "b1", "drift"]]
    assert database.rows("SELECT waiting, errors, gateway FROM gateway") == [[NOON, 3, 2, "gw1"]]
    assert database.rows("SELECT count, building, reason FROM quarantine") == [[NOON, 1, "b1", "nan"]]


def test_a_finding_that_closes_moves_or_goes_is_never_listed_twice(database: Database) -> None:
    store = database.open()
    store.put(FINDING)
    closed = msgspec.structs.replace(FINDING, state=FindingState.CLOSED)
    store.put(closed)
    after_closing = database.rows("SELECT open FROM finding")
    store.put(msgspec.structs.replace(closed, start_ms=NOON - 3_600_000))
    after_moving = database.rows("SELECT open FROM finding")
    store.drop(Finding, [FINDING.id])

    assert after_closing == [[NOON, 0]]
    assert after_moving == [[NOON - 3_600_000, 0]]
    assert database.rows("SELECT open FROM finding") == []


def test_a_finding_whose_kind_is_refined_is_listed_under_the_new_one_alone(database: Database) -> None:
    store = database.open()
    store.put(FINDING)
    store.put(msgspec.structs.replace(FINDING, kind="base_step", first_kind="drift"))

    assert database.rows("SELECT open, kind FROM finding") == [[NOON, 1, "base_step"]]


def test_a_finding_that_moves_within_one_transaction_is_listed_once(database: Database) -> None:
    store = database.open()
    with store.writing():
        store.put(FINDING)
        store.put(msgspec.structs.replace(FINDING, start_ms=NOON + 1))

    assert database.rows("SELECT open FROM finding") == [[NOON + 1, 1]]


def test_what_was_undone_is_not_mirrored(database: Database) -> None:
    store = database.open()

    def break_off() -> None:
        with store.writing():
            store.put(FINDING)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    store.put(GatewayStatus(id="gw1", told_ms=NOON, waiting=3, oldest_ms=0, polls=1, errors=2))

    assert database.rows("SELECT open FROM finding") == []


def test_a_server_that_stops_is_away_and_comes_back(tmp_path: Path, influxd1_starter: Callable[..., Any]) -> None:
    server = influxd1_starter(tmp_path, 0)
    store = Database(server.port, tmp_path).open()
    store.write_readings([block((NOON, 1))])

    server.stop()
    for attempt in (
        lambda: store.write_readings([block((NOON + 1, 2))]),
        lambda: store.read_readings(MAIN, *ALWAYS_MS),
        lambda: store.write_intervals(Column("b1/main", "cost", Resolution.DAY), _one_day()),
        lambda: store.put(FINDING),
        store.series,
    ):
        with pytest.raises(StoreAway, match="check that the server runs"):
            attempt()
    assert store.entries(Finding) == []

    influxd1_starter(tmp_path, server.port)
    (written,) = store.write_readings([block((NOON, 1), (NOON + 1, 2))])
    assert (written.stored, written.again) == (1, 1)
    assert micro(store) == [1, 2]


def test_a_database_that_was_dropped_is_away_and_not_empty(database: Database) -> None:
    store = database.open()
    store.write_readings([block((NOON, 1))])
    database.rows(f"DROP DATABASE {database.name}")

    with pytest.raises(StoreAway, match="database not found"):
        store.read_readings(MAIN, *ALWAYS_MS)
    with pytest.raises(StoreAway, match="database not found"):
        store.write_readings([block((NOON, 1))])
    with pytest.raises(StoreAway, match="create it"):
        store.write_readings([block((NOON + 1, 1))])


def test_a_user_who_may_not_create_databases_uses_the_one_that_is_there(
    tmp_path: Path, influxd1_starter: Callable[..., Any]
) -> None:
    address = f"127.0.0.1:{influxd1_starter(tmp_path, auth=True).port}"
    for statement in ("CREATE USER admin WITH PASSWORD 'root-1' WITH ALL PRIVILEGES", "CREATE DATABASE meters",
                      "CREATE USER col WITH PASSWORD 'pw-1'", "GRANT ALL ON meters TO col"):  # fmt: skip
        login = urlencode({"q": statement, "u": "admin", "p": "root-1"})
        urllib.request.urlopen(f"http://{address}/query?{login}", b"").close()
    state = str(tmp_path / "state.db")

    store = open_store(f"influx1://{address}/meters", state=state, user="col", password="pw-1")
    assert store.write_readings([block((NOON, 1))])[0].stored == 1
    assert micro(store) == [1]
    with pytest.raises(StoreAway, match="check user and password"):
        open_store(f"influx1://{address}/meters", state=state, user="col", password="wrong")
    with pytest.raises(StoreAway, match=r"check user and password|check that 'none' is there"):
        open_store(f"influx1://{address}/none", state=state, user="col", password="pw-1")


def _one_day() -> Intervals:
    return Intervals.of(np.array([0], "datetime64[s]"), np.array([1]))
