"""A real office replayed as registers: what the register counted and kept, the ledger keeps and marks suspect."""

import csv
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from submeter.stores import Store
from submeter.stores.memory import MemoryStore
from submeter.words import Flag, Known, Resolution
from tests.analytics.ledger.small_cases import analyst, portfolio, rows, write

ZONE = ZoneInfo("Asia/Shanghai")


def published(sites: Path, column: str) -> list[tuple[datetime, float]]:
    """(start of the local hour, kWh); the file's last row has no time and is left out."""
    with (sites / "shanghai_office" / "as_published.csv").open(encoding="utf-8") as file:
        return [
            (datetime.fromisoformat(row["timestamp"]).replace(tzinfo=ZONE), float(row[column]))
            for row in csv.DictReader(file)
            if row["timestamp"]
        ]


def replay(hours: list[tuple[datetime, float]], digits: int = 8) -> Store:
    """Read hourly from a register of 0.01 kWh, delivered a month at a time."""
    ends = [round((start + timedelta(hours=1)).timestamp() * 1000) for start, _ in hours]
    shown = np.floor(np.cumsum([kwh for _, kwh in hours]) * 100) / 100
    readings = [(ends[0] - 3_600_000, 0.0), *zip(ends, (shown % 10 ** (digits - 2)).tolist(), strict=True)]
    store = MemoryStore()
    job = analyst(store, portfolio(rating=0.0, zone="Asia/Shanghai"))
    for month in range(0, len(readings), 720):
        write(store, readings[month : month + 720])
        job.step()
    return store


@pytest.mark.parametrize(("column", "gross"), [("light_plug_kwh", 98), ("hvac_kwh", 97)])
def test_yearly_sums_of_the_office_equal_the_file_and_gross_errors_are_suspect(
    sites: Path, column: str, gross: int
) -> None:
    hours = published(sites, column)
    store = replay(hours)
    expected: dict[int, float] = defaultdict(float)
    for start, kwh in hours:
        expected[start.year] += kwh
    days = rows(store, Resolution.DAY)
    years = [datetime.fromtimestamp(s, ZONE).year for s in days.start.astype(np.int64).tolist()]
    found: dict[int, float] = defaultdict(float)
    for year, micro, known in zip(years, days.micro.tolist(), days.known.tolist(), strict=True):
        found[year] += micro / 1e6 if known else 0.0
    assert {y: found[y] for y in expected} == pytest.approx(dict(expected), abs=0.0101)
    settled = rows(store, Resolution.HOUR)
    assert set(settled.known[:-1].tolist()) == {Known.MEASURED}
    large = {round(start.timestamp()) for start, kwh in hours if kwh > 2_500}
    suspect = set(settled.start[settled.flags & Flag.SUSPECT > 0].astype(np.int64).tolist())
    assert len(large) == gross
    assert large <= suspect
    assert len(suspect - large) <= 3
