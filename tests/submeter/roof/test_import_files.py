"""`submeter import readings` and `submeter read`: good rows are kept, others named, and nothing twice."""

import csv
import json
from pathlib import Path

import pytest

from analytics.calendar import instant_ms
from submeter.stores import ALWAYS_MS
from submeter.words import ConfigError, Import, Series, TheirsError
from tests.submeter.roof.hand_read import ZONE, file_of, opened, run, site


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    return site(tmp_path)


def kept(settings: Path, series: Series) -> dict[int, int]:
    store = opened(settings)
    try:
        found = store.read_readings(series, *ALWAYS_MS)
        return dict(zip(found.times.astype("int64").tolist(), found.micro.tolist(), strict=True))
    finally:
        store.close()


WATER = Series("b/w", "w1", "volume")


def at(text: str) -> int:
    return instant_ms(text, ZONE)


def test_a_long_file_is_taken_row_by_row_and_what_is_wrong_named_by_line(settings: Path, tmp_path: Path) -> None:
    file = file_of(
        tmp_path / "round.csv",
        "point,time,value,unit",
        "b/w,2026-01-01 09:00,100.5,m3",
        "b/x,2026-01-01 09:00,1,",
        "b/w,2026-02-30 09:00,1,m3",
        "b/w,2026-02-01 09:00,one,m3",
        "b/w,2026-02-01 09:00,1,kWh",
        "b/w,2026-02-01 09:00,-1,m3",
        "b/w,2099-01-01 09:00,1,m3",
        "b/w,2026-02-01 09:00,110.25,m3",
        "b/w,2026-02-01 09:00,111,m3",
        "b/w,2026-03-01 09:00,,m3",
        "b/w,2026-03-01,1,5,m3",
    )
    told = run(settings, "import", "readings", str(file), "--by", "Li Wei", "--why", "round")
    assert told.exit_code == 1
    for line, text in (
        (3, "point 'b/x' is not in the portfolio"),
        (4, "'2026-02-30 09:00' is not like 2026-03-01T00:15"),
        (5, "value 'one' is no number"),
        (6, "unit 'kWh' where volume is in 'm3'"),
        (7, "outside of 0 to"),
        (8, "2099-01-01T01:00:00Z is still to come; correct the time or the zone"),
        (10, "another value stands earlier in the same pack"),
        (12, "put quotes around a cell that holds a comma"),
    ):
        (found,) = [row for row in told.output.splitlines() if row.startswith(f"line {line}:")]
        assert text in found
    assert "round.csv: 2 of 10 readings were stored, of 1 meter; 8 refused" in told.output
    assert kept(settings, WATER) == {at("2026-01-01T09:00"): 100_500_000, at("2026-02-01T09:00"): 110_250_000}


def test_who_brought_it_stands_in_the_store_and_the_same_file_changes_nothing(settings: Path, tmp_path: Path) -> None:
    file = file_of(tmp_path / "w.csv", "point,time,value", "b/w,2026-01-01,100", "b/w,2026-02-01,101")
    assert "would be stored" in run(settings, "import", "readings", str(file), "--by", "Li", "--dry-run").output
    assert kept(settings, WATER) == {}
    first = run(settings, "import", "readings", str(file), "--by", "Li", "--why", "monthly")
    assert (first.exit_code, "2 of 2 readings were stored" in first.output) == (0, True)
    again = run(settings, "import", "readings", str(file), "--by", "Wang", "--json")
    assert json.loads(again.stdout.splitlines()[-1]) == {
        "stored": 0, "again": 2, "refused": 0, "points": ["b/w"], "dry_run": False,
    }  # fmt: skip
    store = opened(settings)
    (entry,) = store.entries(Import)
    store.close()
    assert (entry.author, entry.reason, entry.source, entry.points) == ("Li", "monthly", "w.csv", ("b/w",))
    assert (entry.stored, entry.start_ms) == (2, at("2026-01-01"))


def test_a_wide_file_has_a_column_for_each_meter_and_each_device_its_time(settings: Path, tmp_path: Path) -> None:
    file = file_of(
        tmp_path / "wide.csv",
        "when,Main,Water",
        "2026-03-05 09:00,129,7",
        "2026-03-05 11:00,0.5,",
        "2026-03-06 09:00,3,8",
    )
    words = ["--time", "when", "--column", "b/m=Main", "--column", "b/w=Water"]
    assert run(settings, "import", "readings", str(file), *words).exit_code == 0
    assert kept(settings, Series("b/m", "s1", "energy_import")) == {at("2026-03-05T09:00"): 129_000_000}
    assert len(kept(settings, Series("b/m", "s2", "energy_import"))) == 2
    assert sorted(kept(settings, WATER).values()) == [7_000_000, 8_000_000]


def test_local_hours_that_come_twice_are_named_where_the_zone_is_given(settings: Path, tmp_path: Path) -> None:
    file = file_of(tmp_path / "w.csv", "time,b/w", "2025-10-26 01:30,1", "2025-10-26 02:30,2", "2025-10-26 03:30,3")
    told = run(settings, "import", "readings", str(file), "--zone", "Europe/Berlin")
    assert "line 3: b/w: 2025-10-26 02:30 happened twice in Europe/Berlin" in told.output
    assert len(kept(settings, WATER)) == 2


@pytest.mark.parametrize(
    ("lines", "words", "said"),
    [
        (("when,b/w", "2026-01-01,1"), (), "has no column 'time'; it has when, b/w"),
        (("time,water", "2026-01-01,1"), (), "column 'water' names no meter"),
        (("time,b/w", "2026-01-01,1"), ("--zone", "Mars"), "is no IANA time zone"),
        (("time,b/w", "2026-01-01,1"), ("--column", "b/w"), "say METER=COLUMN"),
        (("start,known,method", "a,b,c"), (), "holds intervals"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_as_a_whole(
    settings: Path, tmp_path: Path, lines: tuple[str, ...], words: tuple[str, ...], said: str
) -> None:
    told = run(settings, "import", "readings", str(file_of(tmp_path / "w.csv", *lines)), *words)
    assert isinstance(told.exception, TheirsError)
    assert said in str(told.exception)
    assert kept(settings, WATER) == {}


def test_one_reading_is_told_by_a_person(settings: Path) -> None:
    words = ["read", "b/w", "4711.3", "--at", "2026-03-01 09:20", "--by", "Li Wei"]
    assert "1 of 1 readings was stored" in run(settings, *words).output
    assert "1 were there already" in run(settings, *words).output
    assert kept(settings, WATER) == {at("2026-03-01T09:20"): 4_711_300_000}
    words[2] = "4712"
    told = run(settings, *words)
    assert isinstance(told.exception, TheirsError)
    assert "submeter ledger correct b/w --reading TIME VALUE" in str(told.exception)
    assert kept(settings, WATER) == {at("2026-03-01T09:20"): 4_711_300_000}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("b/w", "1", "--at", "2099-01-01"), "is still to come"),
        (("b/w", "1", "--at", "1969-01-01"), "not between 2000 and 2100"),
        (("b/w", "one", "--at", "2026-01-01"), "is no number"),
        (("b/w", "1", "--at", "noon"), "'noon' is not like"),
        (("b/w", "1", "--at", "2026-01-01", "--device", "w9"), "device 'w9' is not listed at b/w"),
        (("b/m", "1", "--at", "2026-01-01", "--device", "s2"), "hung here"),
    ],
)
def test_a_reading_that_cannot_be_is_refused(settings: Path, words: tuple[str, ...], said: str) -> None:
    told = run(settings, "read", *words, "--by", "Li")
    assert isinstance(told.exception, TheirsError)
    assert said in str(told.exception)


def test_a_virtual_meter_takes_no_readings_and_says_so(tmp_path: Path) -> None:
    settings, meters = site(tmp_path), tmp_path / "portfolio" / "meters.csv"
    with meters.open(newline="") as stream:
        rows = [*csv.DictReader(stream), {"point": "b/v", "medium": "electricity", "item": "01000", "formula": "b/m"}]
    with meters.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, dict.fromkeys([*rows[0], "formula"]), restval="")
        writer.writeheader()
        writer.writerows(rows)
    file = file_of(tmp_path / "v.csv", "point,time,value", "b/v,2026-01-01,1", "b/v,2026-01-02,", "b/w,2026-01-01,1")
    told = run(settings, "import", "readings", str(file))
    assert told.exit_code == 1
    assert "line 2: b/v is a virtual meter (formula) and has no register" in told.output
    assert "1 of 2 readings was stored, of 1 meter; 1 refused" in told.output
    one = run(settings, "read", "b/v", "1", "--at", "2026-01-01", "--by", "Li")
    assert isinstance(one.exception, ConfigError)
    assert "'b/v' is a virtual meter" in str(one.exception)


def test_an_unknown_meter_is_said_with_an_example(settings: Path) -> None:
    told = run(settings, "read", "b/nobody", "1", "--at", "2026-01-01", "--by", "Li")
    assert isinstance(told.exception, ConfigError)
    assert "ids look like b/m" in str(told.exception)


def test_a_water_meter_read_once_a_month_has_months_that_say_how_they_are_known(settings: Path, tmp_path: Path) -> None:
    """Within a day of the month's ends: measured. Not read at the end of March: estimated, and the sum is right."""
    file = file_of(
        tmp_path / "water.csv", "time,b/w", "2026-01-01 09:00,100", "2026-02-01 09:00,131", "2026-03-01 09:00,159",
        "2026-04-11 09:00,200", "2026-05-01 09:00,220",
    )  # fmt: skip
    assert run(settings, "import", "readings", str(file), "--by", "Li").exit_code == 0
    assert run(settings, "settle", "b/w").exit_code == 0
    rows = [
        json.loads(row)
        for row in run(settings, "ledger", "show", "b/w", "--year", "2026", "--json").stdout.splitlines()
    ]
    months = [(row["start"], row["known"], row["value"]) for row in rows if row["known"] != "missing"]
    assert months == [
        ("2026-01-31T16:00:00Z", "measured", 28.0),  # 1 m3 a day from each reading to the next
        ("2026-02-28T16:00:00Z", "estimated", 31.0),
        ("2026-03-31T16:00:00Z", "estimated", 30.0),
    ]
    assert "estimated: the register's" in run(settings, "ledger", "show", "b/w", "--year", "2026").output
    assert run(settings, "ledger", "check").exit_code == 0
