"""Peers beside ours: a real child process that reads a site folder and writes an answers folder, and what is said of
one that is missing, refuses, or breaks off."""

import csv
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.answers import Asked, read_args
from benchmarks.peers.__main__ import peeks
from benchmarks.peers.beside import Child, ask, beside_anomalies, beside_savings, cut, side_by_side, spaced, tell
from benchmarks.peers.catalogue import SAVINGS, Peer
from benchmarks.peers.folder import HOUR, Floats, read_folder, read_hours, write_hours
from benchmarks.peers.told import Expected
from benchmarks.result import Result
from benchmarks.site import read_hours as read_as_ours
from submeter.words import TheirsError

OSLO = ZoneInfo("Europe/Oslo")
METERS = ("a", "b", "c")


def local(year: int) -> np.datetime64:
    """The year's first hour in Oslo."""
    return np.datetime64(int(datetime(year, 1, 1, tzinfo=OSLO).timestamp()), "s")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Two years of three mains; each hour of 2018 holds its own number plus 1,000 for each meter."""
    folder = tmp_path / "site"
    folder.mkdir()
    start = np.arange(local(2018), local(2020), HOUR)
    hour = np.arange(len(start), dtype=float)
    write_hours(folder / "energy.parquet", start, {m: 1 + hour + 1000 * k for k, m in enumerate(METERS)})
    (folder / "site.toml").write_text(
        'name = "s"\ncountry = "NO"\ntimezone = "Europe/Oslo"\ntrain = 2018\ntest = 2019\n', encoding="utf-8"
    )
    rows = [("meter", "building", "medium", "role", "station"), *((m, m, "electricity", "main", "w") for m in METERS)]
    with (folder / "meters.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


def asked(site: Path, out: Path, meters: int | None = None) -> Asked:
    return Asked(site, out, None, sys.executable, peers=True, peer_python=sys.executable, peer_meters=meters)


def test_years_are_those_of_the_local_calendar(site: Path) -> None:
    folder = read_folder(site)
    first, last = folder.start[folder.year(2019)][[0, -1]]
    assert str(first) == "2018-12-31T23:00:00"
    assert str(last) == "2019-12-31T22:00:00"


def test_hours_written_by_a_peer_are_read_alike_by_the_product(site: Path) -> None:
    ours, theirs = read_as_ours(site / "energy.parquet"), read_hours(site / "energy.parquet")
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_array_equal(ours[1]["b"], theirs[1]["b"])


@pytest.mark.service
def test_a_child_predicts_each_hour_as_it_was_52_weeks_before_and_refuses_a_band(site: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    child = ask(("last-year", str(site), str(out), "a", "c"), out, sys.executable)
    assert set(child.cpu_s) == {"a", "c"}
    assert not child.failed
    assert not child.fault
    assert not child.peeks
    start, told = read_hours(out / "predictions.parquet")
    assert start[0] == local(2019)
    assert told["a"][0] == 1 + 24  # 2018-01-02, 364 days before
    assert told["c"][24] == 1 + 48 + 2000
    with (out / "savings.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [r["meter"] for r in rows] == ["a", "c"]
    assert rows[0]["refused"] == "last year's level has no band"


@pytest.mark.service
def test_predictions_are_unchanged_when_the_test_years_energy_is_removed(site: Path, tmp_path: Path) -> None:
    outs = []
    for name in ("with", "without"):
        if name == "without":
            start, energy = read_hours(site / "energy.parquet")
            gone = {m: np.where(start < local(2019), e, np.nan) for m, e in energy.items()}
            write_hours(site / "energy.parquet", start, gone)
        out = tmp_path / name
        ask(("last-year", str(site), str(out), "a"), out, sys.executable)
        outs.append(read_hours(out / "predictions.parquet")[1]["a"])
    np.testing.assert_array_equal(outs[0], outs[1])


@pytest.mark.service
def test_a_detector_is_given_the_faulty_year_and_tells_within_its_budget(site: Path, tmp_path: Path) -> None:
    faults(site)
    result = Result()
    beside_anomalies(result, asked(site, tmp_path / "out"), meter_years_per_s=10.0, episodes=1)
    out = tmp_path / "out" / "peers" / "hour-of-week"
    with (out / "episodes.csv").open(encoding="utf-8", newline="") as file:
        told = [(r["meter"], r["start"], r["end"]) for r in csv.DictReader(file)]
    at = local(2019) + 1000 * HOUR
    assert told == [("b", f"{at}Z", f"{at + 4 * HOUR}Z")]
    speed = next(f for f in result.figures if f.name == "hour-of-week: speed")
    assert speed.ratio == pytest.approx(speed.value / 10)


def faults(site: Path) -> None:
    """2019 is a steady week over and over, but for five hours of meter b; so was 2018."""
    start, energy = read_hours(site / "energy.parquet")
    week = 10 + np.arange(len(start)) % 168 % 7 + 0.1 * np.random.default_rng(1).normal(size=len(start))
    write_hours(site / "energy.parquet", start, dict.fromkeys(energy, week))
    rows = start >= local(2019)
    shown = {m: week[rows].copy() for m in energy}
    shown["b"][1000:1005] = 500.0
    (site / "faults").mkdir()
    write_hours(site / "faults" / "energy.parquet", start[rows], shown)
    (site / "faults" / "events.csv").write_text("meter,kind\nb,spike\na,drift\n", encoding="utf-8")


def test_with_fewer_meters_than_there_are_the_folder_that_is_judged_holds_those_alone(
    site: Path, tmp_path: Path
) -> None:
    faults(site)
    assert spaced(list("abcdef"), 3) == ["a", "c", "e"]
    assert spaced(["a", "b"], 3) == ["a", "b"]
    to = cut(read_folder(site), ["b"], tmp_path / "cut")
    assert list(read_hours(to / "energy.parquet")[1]) == ["b"]
    assert list(read_hours(to / "faults" / "energy.parquet")[1]) == ["b"]
    assert (to / "faults" / "events.csv").read_text(encoding="utf-8") == "meter,kind\nb,spike\n"
    assert read_folder(to).train == 2018


@pytest.mark.service
def test_a_peer_that_is_not_installed_is_named_and_the_others_go_on(site: Path, tmp_path: Path) -> None:
    if has("camber"):
        pytest.skip("camber is installed here")
    result = Result()
    beside_savings(result, asked(site, tmp_path / "out", 2), meters_per_s=10.0)
    notes = "\n".join(result.notes)
    assert "camber-towt: left out, camber-toolkit is not installed" in notes
    assert "2 of 3 meters" in notes
    assert "last-year: speed" in {f.name for f in result.figures}


def has(module: str) -> bool:
    import importlib.util  # noqa: PLC0415  (asked here alone)

    return importlib.util.find_spec(module) is not None


def test_an_interpreter_that_is_not_there_has_failed_all_meters(tmp_path: Path) -> None:
    child = ask(("last-year", "s", "o", "a"), tmp_path / "o", "/no/such/python")
    result = Result()
    assert not tell(result, "last-year", SAVINGS["last-year"], child, 3)
    assert result.figures[0].value == 3
    assert "/no/such/python" in result.notes[0]


@pytest.mark.service
def test_a_peer_that_crashes_has_failed_all_meters_and_its_last_words_are_told(tmp_path: Path) -> None:
    crashing = tmp_path / "python"
    crashing.write_text("#!/bin/sh\necho 'first' >&2\necho 'out of memory' >&2\nexit 9\n", encoding="utf-8")
    crashing.chmod(0o755)
    child = ask(("last-year", "s", "o", "a"), tmp_path / "o", str(crashing))
    result = Result()
    assert not tell(result, "x", Peer("x", "x", "x", "x"), child, 4)
    assert result.figures[0].value == 4
    assert result.notes == ["x: failed on all 4 meters, ended with 9: out of memory"]


@pytest.mark.service
def test_a_meter_that_a_peer_raises_for_is_counted_and_told(site: Path, tmp_path: Path) -> None:
    start, energy = read_hours(site / "energy.parquet")
    write_hours(site / "energy.parquet", start, {**energy, "b": np.full(len(start), np.nan)})
    child = ask(("last-year", str(site), str(tmp_path / "o"), "b", "a"), tmp_path / "o", sys.executable)
    assert list(child.cpu_s) == ["b", "a"]
    assert list(read_hours(tmp_path / "o" / "predictions.parquet")[1]) == ["a"]
    result = Result()
    assert tell(result, "x", SAVINGS["last-year"], child, 2)
    assert result.figures[0].ratio == 0.5
    assert result.notes == ["x: 1 meters failed, b with ValueError: nothing was read in the train year"]


def test_a_prediction_that_looks_at_the_year_it_predicts_is_told() -> None:
    result = Result()
    tell(result, "x", SAVINGS["last-year"], Child({"a": 1.0}, {}, peeks=True), 1)
    assert result.notes == ["x: its prediction changes with the energy of the year that is predicted"]


def test_a_peer_that_returns_the_actual_is_found_to_peek(site: Path) -> None:
    assert peeks(lambda _train, test, _zone: Expected(test.kwh), read_folder(site), "a", energy_of_2019(site))
    assert not peeks(lambda train, _test, _zone: Expected(train.kwh), read_folder(site), "a", energy_of_2018(site))


def energy_of_2018(site: Path) -> Floats:
    folder = read_folder(site)
    return folder.energy["a"][folder.year(2018)]


def energy_of_2019(site: Path) -> Floats:
    folder = read_folder(site)
    return folder.energy["a"][folder.year(2019)]


def test_the_table_has_a_column_each_and_a_dash_where_nothing_is_said() -> None:
    told = side_by_side({"ours": {"p failed": 0.0, "meters/s": 12.0}, "x": {"p failed": 7.0}}, ("p failed", "meters/s"))
    assert [line.split() for line in told.splitlines()] == [
        ["ours", "x"], ["failed", "0", "7"], ["meters/s", "12", "–"],
    ]  # fmt: skip


def test_peers_are_asked_about_fifty_meters_unless_all_are_named() -> None:
    assert read_args("savings", ["s", "--out", "o", "--peers"]).peer_meters == 50
    assert read_args("savings", ["s", "--out", "o", "--peers", "--all-meters"]).peer_meters is None
    assert read_args("savings", ["s", "--out", "o", "--peer-meters", "3"]).peer_meters == 3
    with pytest.raises(TheirsError, match="at least 1"):
        read_args("savings", ["s", "--out", "o", "--peer-meters", "0"])


def test_pandas_would_take_time_for_the_index(tmp_path: Path) -> None:
    write_hours(tmp_path / "x.parquet", np.array([local(2019)]), {"a": np.array([1.0])})
    table = pq.read_table(tmp_path / "x.parquet")
    assert table.schema.pandas_metadata["index_columns"] == ["time"]
    assert table.column("time").type == pa.timestamp("us", tz="UTC")


def test_a_folder_without_weather_has_hours_without_temperature(site: Path) -> None:
    folder = read_folder(site)
    assert np.isnan(folder.hours("a", folder.year(2018)).outdoor_c).all()
