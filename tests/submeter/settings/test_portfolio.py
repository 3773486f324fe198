"""Portfolios: read whole, or refused with file, row and remedy."""

from pathlib import Path

import pytest

from submeter.clock import HandClock
from submeter.settings import Watch, load_portfolio
from submeter.words import ConfigError

GOOD = {
    "buildings.csv": (
        "id,name,name_zh,type,zone,area_m2,station,price\nHQ01,Town Hall,区政府,office,Asia/Shanghai,12000,SH01,flat\n"
    ),
    "stations.csv": "id,name,zone\nSH01,Shanghai,Asia/Shanghai\n",
    "gateways.csv": "id,buildings\ngw1,HQ01 SH01\n",
    "prices.csv": "name,medium,since,yuan_per_unit\nflat,electricity,2024-01-01,0.85\n",
    "meters.csv": (
        "point,name,item,parent,serial,ct,since,until\n"
        "HQ01/main,Main,01000,,SN1,400/5,,\n"
        "HQ01/light,Lights,01A00,HQ01/main,SN2,,,2026-01-01\n"
        "HQ01/light,,,,SN3,,2026-01-01,\n"
    ),
}


def written(folder: Path, **changed: str) -> Path:
    for name, text in (GOOD | {k.replace("_csv", ".csv"): v for k, v in changed.items()}).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_spreadsheet_becomes_a_portfolio(tmp_path: Path) -> None:
    portfolio = load_portfolio(written(tmp_path))
    assert portfolio.points["HQ01/main"].is_main
    assert portfolio.devices["HQ01/main"][0].ratio == 80
    assert portfolio.children_of("HQ01/main") == ("HQ01/light",)
    assert [d.serial for d in portfolio.devices["HQ01/light"]] == ["SN2", "SN3"]
    assert portfolio.gateways["gw1"].buildings == ("HQ01", "SH01")


def test_quiet_days_are_of_meters_of_a_building_or_of_all(tmp_path: Path) -> None:
    rows = (
        "building,points,first,last,reason\n,,2026-01-01,2026-01-02,fair\nHQ01,HQ01/light,2026-03-01,2026-03-01,works\n"
    )
    fair, works = load_portfolio(written(tmp_path, quiet_csv=rows)).quiet
    assert fair.holds("HQ01", "HQ01/main")
    assert works.holds("HQ01", "HQ01/light")
    assert not works.holds("HQ01", "HQ01/main")


def test_a_file_saved_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    folder = written(tmp_path)
    (folder / "buildings.csv").write_text("\ufeff" + GOOD["buildings.csv"], encoding="utf-8")
    assert "HQ01" in load_portfolio(folder).buildings


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("meters_csv", "point,serial\nHQ02/main,SN1\n", "meters.csv, row 2 (HQ02/main): building 'HQ02' is not in"),
        (
            "meters_csv",
            "point,serial\nHQ01/main,SN1\nHQ01/a,SN2,x\n",
            "meters.csv, row 3: has more cells than the header",
        ),
        ("meters_csv", "point,serial,colour\nHQ01/main,SN1,red\n", "unknown column(s) colour; the columns are point,"),
        ("meters_csv", "point,serial,digits\nHQ01/main,SN1,many\n", "meters.csv, row 2 (HQ01/main): Expected `int`"),
        (
            "quiet_csv",
            "building,first,last\nHQ09,2026-01-01,2026-01-02\n",
            "quiet.csv, row 2: building 'HQ09' is not in",
        ),
        ("quiet_csv", "points,first,last\nHQ01/x,2026-01-01,2026-01-02\n", "point 'HQ01/x' is no meter of it"),
        ("quiet_csv", "first,last\n1.1.2026,2026-01-02\n", "'1.1.2026' is no date"),
        (
            "quiet_csv",
            "first,last,reason\n2026-02-01,2026-01-02,works\n",
            "row 2 (works): last day 2026-01-02 is before",
        ),
        ("meters_csv", "point,serial,ct\nHQ01/main,SN1,400:5\n", "ct '400:5' is no ratio; write e.g. 400/5"),
        ("meters_csv", "point,serial,ct\nHQ01/main,SN1,400/0\n", "ct '400/0' is no ratio"),
        ("meters_csv", "point,serial,parent\nHQ01/a,SN1,HQ01/b\nHQ01/b,SN2,HQ01/a\n", "the tree runs in a circle"),
        ("meters_csv", "point,serial\nHQ01/a,SN1\nHQ01/a,SN2\n", "devices 'SN1' and 'SN2' hang there at the same time"),
        (
            "meters_csv",
            "point,serial,formula\nHQ01/a,SN1,\nHQ01/v,SN2,HQ01/a\n",
            "row 3 (HQ01/v): a virtual meter (formula) has no device; empty its column(s) serial",
        ),
        (
            "meters_csv",
            "point,serial,formula\nHQ01/a,SN1,\nHQ01/v,,HQ01/a+HQ01/b\n",
            "'HQ01/a+HQ01/b' is no sum of points; write e.g. PD01/main - PD01/lift + PD01/pump, with spaces",
        ),
        ("meters_csv", "point,serial,formula\nHQ01/v,,HQ01/b\n", "formula names 'HQ01/b', which is no point in meters"),
        (
            "meters_csv",
            "point,serial,formula\nHQ01/a,SN1,\nHQ01/v,,HQ01/a + HQ01/a\n",
            "names 'HQ01/a' more than once",
        ),
        (
            "meters_csv",
            "point,serial,formula\nHQ01/v,,HQ01/w\nHQ01/w,,HQ01/v\n",
            "row 2 (HQ01/v): formula runs in a circle through 'HQ01/v'",
        ),
        (
            "meters_csv",
            "point,serial,medium,quantity,formula\n"
            "HQ01/a,SN1,,,\nHQ01/w,SN2,water,volume,\nHQ01/v,,,,HQ01/a + HQ01/w\n",
            "formula adds 'HQ01/w', which counts water as volume, to a sum of electricity as energy_import",
        ),
        (
            "meters_csv",
            "point,serial,parent,formula\nHQ01/m,SN1,,\nHQ01/a,SN2,HQ01/m,\nHQ01/v,,HQ01/m,HQ01/a\n",
            "formula adds 'HQ01/a', which the tree counts beside it, so that it would count twice",
        ),
        ("meters_csv", "point,serial,quantity\nHQ01/a,SN1,power_active\n", "quantity 'power_active' is no register"),
        ("meters_csv", "point,serial,since\nHQ01/a,SN1,31.3.2025\n", "since '31.3.2025' is no date"),
        (
            "buildings_csv",
            "id,name,type,zone,area_m2\nHQ01,Hall,office,Shanghai,1\n",
            "zone 'Shanghai' is no IANA time zone",
        ),
        (
            "buildings_csv",
            "id,name,type,zone,area_m2\nHQ01,Hall,office,Asia/Shanghai,-1\n",
            "area_m2 is -1.0; give the",
        ),
        ("buildings_csv", "id,name,type,zone\nHQ01,Hall,office,Asia/Shanghai\n", "missing required field `area_m2`"),
        ("gateways_csv", "id,buildings\ngw1,HQ09\n", "gateways.csv, row 2 (gw1): 'HQ09' is neither a building nor"),
        (
            "prices_csv",
            "name,medium,since,yuan_per_unit\nflat,electricity,soon,0.85\n",
            "since is no date in prices.csv",
        ),
    ],
)
def test_a_fault_is_told_with_file_row_and_remedy(tmp_path: Path, file: str, text: str, says: str) -> None:
    with pytest.raises(ConfigError) as told:
        load_portfolio(written(tmp_path, **{file: text}))
    assert says in str(told.value)


def test_virtual_meters_add_and_subtract_meters_and_each_other(tmp_path: Path) -> None:
    """A rest with a name stands in the tree; a view stands nowhere, and may be part of another."""
    text = (
        "point,serial,parent,item,formula\n"
        "HQ01/main,SN1,,01000,\nHQ01/light,SN2,HQ01/main,01A00,\nHQ01/lift,SN3,HQ01/main,01C00,\n"
        "HQ01/known,,,01000,HQ01/light + HQ01/lift\nHQ01/hvac,,HQ01/main,01B00,HQ01/main - HQ01/known\n"
    )
    portfolio = load_portfolio(written(tmp_path, meters_csv=text))
    assert portfolio.points["HQ01/hvac"].terms == ((1, "HQ01/main"), (-1, "HQ01/known"))
    assert "HQ01/hvac" not in portfolio.devices


def test_meters_of_two_zones_are_not_summed_for_their_days_differ(tmp_path: Path) -> None:
    buildings = "id,name,type,zone,area_m2\nHQ01,A,office,Asia/Shanghai,1\nOS01,B,office,Europe/Oslo,1\n"
    meters = "point,serial,formula\nHQ01/a,SN1,\nOS01/a,SN2,\nHQ01/v,,HQ01/a + OS01/a\n"
    with pytest.raises(ConfigError, match="'OS01/a', whose days are of another zone than Asia/Shanghai"):
        load_portfolio(written(tmp_path, buildings_csv=buildings, meters_csv=meters))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    folder = written(tmp_path)
    (folder / "gateways.csv").unlink()
    with pytest.raises(ConfigError, match=r"gateways\.csv: there is no such file"):
        load_portfolio(folder)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has 2 fault\(s\)"):
        load_portfolio(written(tmp_path, meters_csv="point,serial,ct\nHQ01/a,SN1,x\nHQ01/b,SN2,y\n"))


def test_a_meter_is_added_and_renamed_without_a_restart(tmp_path: Path) -> None:
    clock = HandClock()
    watch = Watch(written(tmp_path), clock=clock)
    before = watch()
    written(tmp_path, meters_csv="point,name,serial\nHQ01/main,Incoming feeder,SN1\nHQ01/lift,Lift,SN4\n")
    assert watch() is before, "files are looked at every two seconds, not at every call"
    clock.advance(3)
    assert watch().points["HQ01/main"].name == "Incoming feeder"
    assert "HQ01/lift" in watch().points
    assert watch().version != before.version


def test_a_changed_file_that_is_broken_is_refused_and_the_running_one_stays(tmp_path: Path) -> None:
    clock = HandClock()
    watch = Watch(written(tmp_path), clock=clock)
    before = watch()
    written(tmp_path, meters_csv="point,serial,digits\nHQ01/main,SN1,many\n")
    clock.advance(3)
    assert watch() is before
    assert "meters.csv, row 2 (HQ01/main)" in watch.refusal
    written(tmp_path)
    clock.advance(3)
    assert watch().points == before.points
    assert watch.refusal == ""
