"""Recorded series as registers: what the file says is what the register counts."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.recording import read_recording
from firmware_sim.replay import ReplaySource, ReplayStation, registered
from submeter.wire.source import Past, Source
from submeter.words import ConfigError, Device, Readings

HOUR = 3_600_000
TEN = 1_420_070_400_000
"""2015-01-01T00:00Z, which is 08:00 in Shanghai."""
METER = Device(point="B/m", serial="1", digits=12, resolution=0.001)


def write(folder: Path, *rows: str) -> Path:
    path = folder / "r.csv"
    path.write_text("\n".join(("timestamp,kwh,temp", *rows)) + "\n", encoding="utf-8")
    return path


def source_of(path: Path, zone: str = "UTC") -> ReplaySource:
    return ReplaySource(path, {"light": "kwh"}, building="B", zone=zone)


def read_all(source: ReplaySource | ReplayStation) -> dict[str, Readings]:
    out: dict[str, Readings] = {}
    for blocks in source.history(source.history_start_ms(), source.history_end_ms()):
        for block in blocks:
            before = out.get(block.series.quantity, Readings.empty())
            times = np.concatenate((before.times, block.readings.times))
            out[block.series.quantity] = Readings(times, np.concatenate((before.micro, block.readings.micro)))
    return out


def test_the_register_stands_at_its_opening_and_rises_at_each_end(tmp_path: Path) -> None:
    path = write(tmp_path, "2015-01-01 08:00:00,1.5,3", "2015-01-01 09:00:00,2,3")
    readings = read_all(source_of(path, "Asia/Shanghai"))["energy_import"]
    assert readings.times.view(np.int64).tolist() == [TEN, TEN + HOUR, TEN + 2 * HOUR]
    assert readings.micro.tolist() == [0, 1_500_000, 3_500_000]


def test_a_gap_is_not_read_and_the_next_hour_keeps_its_energy() -> None:
    energy = np.array([1.0, np.nan, np.nan, 4.0])
    readings = registered(TEN + HOUR * np.arange(4), energy, HOUR, METER)
    assert ((readings.times.view(np.int64) - TEN) // HOUR).tolist() == [0, 1, 3, 4]
    assert readings.micro.tolist() == [0, 1_000_000, 1_000_000, 5_000_000]


def test_a_row_that_is_not_there_is_a_gap_too() -> None:
    starts = TEN + HOUR * np.array([0, 1, 5])
    readings = registered(starts, np.array([1.0, 1.0, 1.0]), HOUR, METER)
    assert ((readings.times.view(np.int64) - TEN) // HOUR).tolist() == [0, 1, 2, 5, 6]


@given(st.lists(st.one_of(st.none(), st.floats(0, 9000)), min_size=1, max_size=60))
def test_there_and_back_the_energy_is_the_files(rows: list[float | None]) -> None:
    energy = np.array([np.nan if r is None else r for r in rows])
    readings = registered(TEN + HOUR * np.arange(len(rows)), energy, HOUR, METER)
    counted = (readings.micro[-1] - readings.micro[0]) / 1e6 if len(readings) else 0.0
    assert counted == pytest.approx(np.nansum(energy), abs=0.0011)
    assert (np.diff(readings.times.view(np.int64)) > 0).all()
    assert (np.diff(readings.micro) >= 0).all()


def test_it_is_a_source_with_a_past_and_no_present(tmp_path: Path) -> None:
    source = source_of(write(tmp_path, "2015-01-01 08:00:00,1.5,3"))
    assert isinstance(source, Source)
    assert isinstance(source, Past)
    assert source.poll(TEN) == []
    assert source.devices["B/light"].opening == 0


def test_a_row_without_a_time_is_left_out_and_said(tmp_path: Path) -> None:
    source = source_of(write(tmp_path, "2015-01-01 08:00:00,1.5,3", ",,7"))
    assert source.notes == ("r.csv, row 3: has no time and was left out",)


def test_negative_intervals_are_gaps_and_said(tmp_path: Path) -> None:
    source = source_of(write(tmp_path, "2015-01-01 08:00:00,1.5,3", "2015-01-01 09:00:00,-1,3"))
    assert source.notes == ("kwh: 1 negative intervals are played as gaps",)
    assert read_all(source)["energy_import"].micro.tolist() == [0, 1_500_000]


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        (("2015-01-01 08:00,1,3", "2015-01-01 08:00,1,3"), r"r\.csv, row 3: .*twice; sort"),
        (("2015-01-01 08:00,1,3", "2015-01-01 07:00,1,3"), r"row 3: .*earlier than the row before"),
        (("yesterday,1,3",), r"row 2: 'yesterday' is not a time"),
        (("2015-01-01 08:00,much,3",), r"row 2: kwh 'much' is not a number"),
        ((), r"has no rows"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_with_its_row(tmp_path: Path, rows: tuple[str, ...], what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        source_of(write(tmp_path, *rows))


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    path = write(tmp_path, "2015-01-01 08:00:00,1.5,3")
    with pytest.raises(ConfigError, match="no column 'hvac'; it has timestamp, kwh, temp"):
        ReplaySource(path, {"hvac": "hvac"}, building="B")
    with pytest.raises(ConfigError, match="'Shanghai' is no time zone"):
        source_of(path, "Shanghai")


def test_an_interval_must_fit_between_the_rows(tmp_path: Path) -> None:
    path = write(tmp_path, "2015-01-01 08:00,1,3", "2015-01-01 08:15,1,3", "2015-01-01 08:30,1,3")
    with pytest.raises(ConfigError, match="rows 15 minutes apart, so an interval cannot last 1h"):
        source_of(path)
    with pytest.raises(ConfigError, match="interval '1 hour' is none of 15m, 30m, 1h"):
        ReplaySource(path, {"light": "kwh"}, building="B", interval="1 hour")
    quarters = ReplaySource(path, {"light": "kwh"}, building="B", interval="15m")
    assert read_all(quarters)["energy_import"].micro.tolist() == [0, 1_000_000, 2_000_000, 3_000_000]


def test_an_hour_that_the_clock_repeats_is_taken_twice(tmp_path: Path) -> None:
    path = write(
        tmp_path, "2026-10-25 01:00,1,1", "2026-10-25 02:00,2,1", "2026-10-25 02:00,3,1", "2026-10-25 03:00,4,1"
    )
    times = read_recording(path, "timestamp", ["kwh"], "Europe/Oslo").times_ms
    assert np.diff(times).tolist() == [HOUR, HOUR, HOUR]


def test_times_with_an_offset_need_no_zone(tmp_path: Path) -> None:
    path = write(tmp_path, "2015-01-01T08:00:00+08:00,1,3", "2015-01-01T01:00:00Z,1,3")
    assert read_recording(path, "timestamp", ["kwh"], "UTC").times_ms.tolist() == [TEN, TEN + HOUR]


def test_a_station_plays_its_columns(tmp_path: Path) -> None:
    path = write(tmp_path, "2015-01-01 00:00,1,3.25", "2015-01-01 01:00,1,", "2015-01-01 02:00,1,-4")
    station = ReplayStation(path, {"outdoor_temperature": "temp"}, station="SH01")
    readings = read_all(station)["outdoor_temperature"]
    assert ((readings.times.view(np.int64) - TEN) // HOUR).tolist() == [0, 2]
    assert readings.micro.tolist() == [3_250_000, -4_000_000]


COLUMNS = {"light": "light_plug_kwh", "hvac": "hvac_kwh"}


def test_the_real_office_keeps_its_yearly_sums(sites: Path) -> None:
    path = sites / "shanghai_office" / "as_published.csv"
    source = ReplaySource(path, COLUMNS, building="SHO", zone="Asia/Shanghai")
    assert len(source.notes) == 1
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["timestamp"]]
    counted: dict[str, dict[int, int]] = {}
    for blocks in source.history(0, 1 << 50):
        for block in blocks:
            times, micro = block.readings.times.view(np.int64).tolist(), block.readings.micro.tolist()
            counted.setdefault(block.series.point, {}).update(zip(times, micro, strict=True))
    for local, column in COLUMNS.items():
        register = counted[f"SHO/{local}"]
        for year in (2015, 2016, 2017):
            begin, end = (int(np.datetime64(f"{y - 1}-12-31T16", "ms").astype(np.int64)) for y in (year, year + 1))
            told = sum(float(row[column]) for row in rows if row["timestamp"].startswith(str(year)))
            assert (register[end] - register[begin]) / 1e6 == pytest.approx(told, abs=0.01)
