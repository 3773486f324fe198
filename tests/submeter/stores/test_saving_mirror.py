"""Savings in InfluxDB, for Grafana: the lines by hand, and a curve that lost a day leaves nothing behind."""

import json
import urllib.parse
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import pytest

from submeter.stores import line, open_store
from submeter.words import Saving

SHANGHAI_2026_05_01 = 1_777_564_800_000
"""2026-05-01 00:00 +08:00"""
TAGS = "building=b1,measure=led"


def saving(days: int, refused: str = "") -> Saving:
    return Saving(
        id="led", building="b1", measure="led", start_ms=SHANGHAI_2026_05_01, end_ms=9, actual_kwh=80, expected_kwh=100,
        avoided_kwh=20, low_kwh=15, high_kwh=25, confidence=0.9, completeness=0.98, avoided_yuan=16.0, cvrmse=0.12,
        nmbe=0.01, refused=refused, days=[f"2026-05-{day + 1:02}" for day in range(days)],
        avoided=[1.0, 2.0][:days], low=[0.5, 1.0][:days], high=[1.5, 3.0][:days], actual_daily=[4.0, 4.0][:days],
        expected_daily=[5.0, 5.0][:days],
    )  # fmt: skip


def test_a_saving_is_one_line_at_its_start_and_one_at_each_local_midnight() -> None:
    assert line.saving_lines(saving(2)) == [
        f"saving,{TAGS} avoided=20.0,low=15.0,high=25.0,expected=100.0,actual=80.0,confidence=0.9,completeness=0.98,"
        f"cvrmse=0.12,nmbe=0.01,told=1.0,yuan=16.0,yuan_known=1.0,kg=0.0,kg_known=0.0,end=9.0 {SHANGHAI_2026_05_01}",
        f"saving_day,{TAGS} avoided=1.0,low=0.5,high=1.5,expected=5.0,actual=4.0 {SHANGHAI_2026_05_01}",
        f"saving_day,{TAGS} avoided=2.0,low=1.0,high=3.0,expected=5.0,actual=4.0 {SHANGHAI_2026_05_01 + 86_400_000}",
    ]


def test_a_refused_saving_has_no_days_and_says_that_nothing_is_told() -> None:
    (whole,) = line.saving_lines(saving(0, refused="no baseline"))

    assert "told=0.0" in whole


@pytest.mark.service
def test_a_curve_that_lost_a_day_leaves_no_line_behind(influxd1_port: int, tmp_path: Path) -> None:
    name = f"t{uuid.uuid4().hex[:10]}"
    store = open_store(f"influx1://127.0.0.1:{influxd1_port}/{name}", state=str(tmp_path / "state.db"))
    count = "SELECT count(avoided) FROM saving_day"

    store.put(saving(2))
    assert _answer(influxd1_port, name, count)["series"][0]["values"][0][1] == 2
    store.put(saving(1))
    assert _answer(influxd1_port, name, count)["series"][0]["values"][0][1] == 1
    store.drop(Saving, ["led"])
    assert "series" not in _answer(influxd1_port, name, count)
    store.close()


def _answer(port: int, database: str, query: str) -> dict[str, Any]:
    asked = urllib.parse.urlencode({"db": database, "q": query})
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/query?{asked}", timeout=10) as answer:
        result: dict[str, Any] = json.load(answer)["results"][0]
        return result
