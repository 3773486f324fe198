"""The write format of InfluxDB 2, told to a server that is at hand: VictoriaMetrics takes ``/api/v2/write``."""

import gzip
import json
import urllib.request
from typing import Any

import pytest

from submeter.stores.influx2 import Influx2
from submeter.stores.line import reading_lines
from submeter.words import Readings, Series

pytestmark = pytest.mark.service

NOON = 1_750_000_000_000


def test_lines_written_through_influxdb_client_arrive(victoria: Any) -> None:
    transport = Influx2("127.0.0.1", victoria.port, "org", "bucket", "token")
    lines = reading_lines(
        Series("b1/l 1", "SN 7", "energy_import"), Readings.of([NOON, NOON + 900_000], [1_234_567, -1])
    )

    answer = transport.write(gzip.compress("\n".join(lines).encode(), 1), "ms")
    transport.close()

    urllib.request.urlopen(f"{victoria.address}/internal/force_flush").close()
    with urllib.request.urlopen(f"{victoria.address}/api/v1/export?match[]=reading_value&start=0") as export:
        (found,) = [json.loads(line) for line in export.read().splitlines()]
    metric = {name: found["metric"][name] for name in ("building", "device", "point", "quantity")}
    assert answer.status == 204
    assert metric == {"building": "b1", "device": "SN 7", "point": "l 1", "quantity": "energy_import"}
    assert (found["timestamps"], found["values"]) == ([NOON, NOON + 900_000], [1.234567, -1e-06])
