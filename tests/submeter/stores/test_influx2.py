"""What only a real InfluxDB 2 can show (make test-influx2): refused points, forgotten findings, no bucket."""

import gzip
from pathlib import Path
from typing import Any

import msgspec
import pytest

from submeter.stores import ALWAYS_MS, open_store
from submeter.stores.influx2 import Influx2
from submeter.stores.influxql import tables
from submeter.words import Block, Finding, FindingState, Readings, Series, StoreAway

pytestmark = pytest.mark.service

NOON = 1_750_000_000_000
MAIN = Series("b1/main", "SN1", "energy_import")


def around(influx: Any, bucket: str) -> Influx2:
    """A way to look and to meddle beside the store."""
    return Influx2("127.0.0.1", influx.server.port, influx.org, bucket, influx.token)


def test_a_reading_that_the_server_refuses_is_named_and_its_neighbours_are_kept(influxd2: Any, tmp_path: Path) -> None:
    bucket = influxd2.make_bucket()
    url = f"influx2://127.0.0.1:{influxd2.server.port}/{influxd2.org}/{bucket}"
    store = open_store(url, state=str(tmp_path / "state.db"), token=influxd2.token)
    later = NOON + 30 * 86_400_000
    integer = f"reading,building=b1,device=SN9,point=main,quantity=energy_import value=1i {later}"
    assert around(influxd2, bucket).write(gzip.compress(integer.encode()), "ms").status == 204

    (written,) = store.write_readings([Block(MAIN, Readings.of([NOON, later, NOON + 1], [1, 2, 3]))])

    assert (written.stored, written.refused.tolist()) == (2, [1])
    assert store.read_readings(MAIN, *ALWAYS_MS).micro.tolist() == [1, 3]


def test_a_finding_that_moves_is_listed_once(influxd2: Any, tmp_path: Path) -> None:
    bucket = influxd2.make_bucket()
    url = f"influx2://127.0.0.1:{influxd2.server.port}/{influxd2.org}/{bucket}"
    store = open_store(url, state=str(tmp_path / "state.db"), token=influxd2.token)
    finding = Finding(id="b1/main@drift@1", building="b1", point="b1/main", kind="drift", start_ms=NOON,
                      end_ms=NOON + 9, state=FindingState.OPEN, confidence=0.5, first_told_ms=NOON,
                      last_seen_ms=NOON)  # fmt: skip
    store.put(finding)
    store.put(msgspec.structs.replace(finding, start_ms=NOON - 1))

    (table,) = tables(around(influxd2, bucket).query("SELECT open FROM finding", "ms", "application/json"))
    assert table.values == [[NOON - 1, 1]]


def test_a_bucket_that_is_not_there_is_named(influxd2: Any, tmp_path: Path) -> None:
    url = f"influx2://127.0.0.1:{influxd2.server.port}/{influxd2.org}/none"
    with pytest.raises(StoreAway, match="bucket 'none' of 'submeter' is not there, or the token may not"):
        open_store(url, state=str(tmp_path / "state.db"), token=influxd2.token)
    with pytest.raises(StoreAway, match="check user and password, or the token"):
        open_store(url, state=str(tmp_path / "state.db"), token="wrong")
