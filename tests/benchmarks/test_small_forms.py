"""Each benchmark in its smallest form: it runs, says what it should, and never how fast the machine has to be."""

import math
import shutil
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from click.testing import CliRunner

from benchmarks import demo, ledger, lines, office, path, store, year
from benchmarks.__main__ import BENCHMARKS, main, markdown
from benchmarks.result import Figure, Result
from benchmarks.slow_ledger import walk
from firmware_sim.district import district
from firmware_sim.portfolio_files import write_portfolio
from submeter.clock import WallClock
from submeter.roof.demo_folder import Anchor
from submeter.settings import config_folder

ROOT = Path(__file__).resolve().parent.parent.parent
DAY_MS = 86_400_000


def figures(result: Result) -> dict[str, Figure]:
    """By name; all finite."""
    for figure in result.figures:
        assert math.isfinite(figure.value), figure
        assert figure.ratio is None or (math.isfinite(figure.ratio) and figure.against), figure
    return {figure.name: figure for figure in result.figures}


def needs(program: str) -> None:
    if not shutil.which(program, path="/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin"):
        pytest.skip(f"{program} is not installed")


def test_the_documentation_has_the_table_that_the_command_prints() -> None:
    assert markdown() in (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")


def test_every_benchmark_that_is_listed_has_a_module() -> None:
    assert all((ROOT / "benchmarks" / f"{name}.py").is_file() for name in BENCHMARKS)


@pytest.mark.parametrize("words", [("tree",), ("cluster",), ("operation",), ("balance",), ("lines", "all", "of them")])
def test_a_benchmark_with_too_few_or_too_many_words_says_which_it_takes(words: tuple[str, ...]) -> None:
    told = CliRunner().invoke(main, words)
    assert told.exit_code == 2
    assert told.stderr == f"say: python -m benchmarks {words[0]} {BENCHMARKS[words[0]].arguments}\n"


def test_a_difference_is_shared_out_over_the_quarters_that_it_spans() -> None:
    quarters, hours, days = walk([0, 900_000, 2_700_000], [0, 10, 30], ZoneInfo("UTC"))
    assert dict(quarters) == {0: 10, 900_000: 10, 1_800_000: 10}
    assert dict(hours) == {0: 30}
    assert dict(days) == {"1970-01-01": 30}


def test_ledger_tells_numpy_bulk_live_and_late_and_agrees_with_its_peer() -> None:
    result = ledger.run("2", "12", "3", "30")
    assert set(figures(result)) == {
        "settled in NumPy, 15-minute readings", "settled in NumPy, 1-minute readings",
        "settled in NumPy, 15-minute readings, every hundredth a 0", "settled in bulk, durable",
        "a live poll of 3 meters settled", "one late reading in 30 days",
        "one late reading in 30 days, its CPU", "one late reading in 30 days, no rating known",
        "one late reading in 30 days, no rating known, its CPU",
    }  # fmt: skip
    assert "differ by 0.00000" in result.notes[0]


def test_a_year_tells_memory_a_sample_in_the_store_and_a_night() -> None:
    result = year.run("3", "31", "2", "2")
    told = figures(result)
    assert {"a night: one new day of 3 meters", "3 meters, 31 days, 2 processes: memory"} <= set(told)
    assert told["sample of 2: store"].value < 40
    assert "every sum as the register counted" in result.notes[0]
    assert "computed from the sample, not measured" in result.notes[1]


def test_store_compares_the_embedded_one_with_plain_rows() -> None:
    told = figures(store.run("1", "12", "embedded"))
    assert len(told) == 6
    assert told["embedded: size per million readings"].ratio == pytest.approx(0.2, abs=0.2)


@pytest.mark.service
def test_store_compares_influxdb_with_its_raw_write() -> None:
    needs("influxd")
    told = figures(store.run("1", "3", "influx1"))
    assert told["influx1: readings written"].against == "raw write of the same batches"


@pytest.mark.service
@pytest.mark.parametrize("pair", ["iotcore+embedded", "mosquitto+influx1"])
def test_the_path_tells_every_stage_and_loses_nothing(pair: str) -> None:
    broker, _, kind = pair.partition("+")
    needs(broker) if broker == "mosquitto" else pytest.importorskip("iotcore")
    if kind == "influx1":
        needs("influxd")
    told = figures(path.run("2", "3", pair))
    name = f"{broker} → {kind}"
    own = {"meter to store", "meter to ledger", "encode, outbox", "uplink", "decode, rules", "store", "ledger"}
    assert {f"{name}: {each}" for each in own} <= set(told)
    assert (told[f"{name}: meter to store"].target == "≥ 0.5") == (kind == "influx1")


def test_a_server_that_is_not_there_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUBMETER_INFLUXD", raising=False)
    result = store.run("1", "2", "influx2")
    assert not result.figures
    assert "SUBMETER_INFLUXD=/path/to/influxd" in result.notes[-1]


@pytest.mark.service
@pytest.mark.timeout(240)
def test_demo_tells_when_it_was_up_full_and_gone(tmp_path: Path) -> None:
    world = tmp_path / "world"
    write_portfolio(world / "portfolio", district(1, buildings=2))
    shutil.copy(config_folder() / "scenarios" / "demo.toml", world / "scenario.toml")
    now_ms = WallClock().now_ms() // 900_000 * 900_000
    (world / "world.json").write_bytes(msgspec.json.encode(Anchor(start_ms=now_ms - 33 * DAY_MS, now_ms=now_ms)))
    told = figures(demo.run(str(world), "1"))
    assert {demo.PAGE, demo.FILLED, "Ctrl-C until all has ended", "memory when it is live"} <= set(told)
    assert told["memory when it is live"].value > 50


@pytest.mark.service
def test_office_compares_the_ledger_with_the_file(tmp_path: Path) -> None:
    pytest.importorskip("iotcore")
    rows = [
        f"2016-03-{day:02} {hour:02}:00:00,{10 + hour}.25,{hour}.5,8,2,60,1000,3"
        for day in range(1, 22)
        for hour in range(24)
    ]
    rows[100] = rows[100].rpartition(",")[0].replace(",14.25,", ",9000.25,") + ",3"
    (tmp_path / "shanghai_office").mkdir()
    header = "timestamp,light_plug_kwh,hvac_kwh,temp_c,dewpoint_c,rh_pct,pressure_pa,wind_ms"
    (tmp_path / "shanghai_office" / "as_published.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    result = office.run(str(tmp_path), "iotcore+embedded", "iotcore+memory")
    told = figures(result)
    assert told["iotcore → embedded: ledger − file, 2016, at most"].value <= 0.01
    assert told["iotcore → embedded: gross errors marked suspect"].value == 1
    assert any("cannot be shared by processes" in note for note in result.notes)


def test_lines_are_counted_without_comments_and_blanks(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n\n# why\ny = 2  # too\n", encoding="utf-8")
    assert lines.count(tmp_path) == 2
