import re
from datetime import date
from pathlib import Path

from firmware_sim.district import BUS_BUILDING, COMMITTED_TODAY, district
from firmware_sim.portfolio_files import write_portfolio
from submeter.settings import config_folder, load_portfolio

DEMO = config_folder() / "demo"


def test_the_committed_files_are_what_the_seed_gives(tmp_path: Path) -> None:
    write_portfolio(tmp_path, district(1))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted(path.name for path in DEMO.glob("*.csv"))
    for name in names:
        assert (tmp_path / name).read_text(encoding="utf-8") == (DEMO / name).read_text(encoding="utf-8"), (
            f"config/demo/{name} is not district(1): write it anew with write_portfolio"
        )


def test_what_was_written_is_read_back_the_same(tmp_path: Path) -> None:
    portfolio = district(7, buildings=5)
    write_portfolio(tmp_path, portfolio)
    read = load_portfolio(tmp_path)
    for part in ("buildings", "points", "devices", "stations", "gateways", "measures", "prices", "carbon"):
        assert getattr(read, part) == getattr(portfolio, part), part


def test_the_demo_is_large_enough_and_of_all_types() -> None:
    portfolio = district(1)
    assert len(portfolio.buildings) == 13
    assert 160 <= len(portfolio.points) <= 190
    types = {b.type for b in portfolio.buildings.values()}
    assert types == {"office", "mall", "hotel", "hospital", "school", "gym"}
    assert all(re.search("[一-鿿]", b.name_zh) for b in portfolio.buildings.values())


def test_every_building_has_one_main_meter_and_a_tree_of_three_levels() -> None:
    portfolio = district(1)
    for building in portfolio.buildings:
        main = portfolio.main_of(building)
        assert main is not None
        assert main.item == "01000"
        children = portfolio.children_of(main.id)
        assert {portfolio.points[c].item[:3] for c in children} == {"01A", "01B", "01C", "01D"}
        assert any(portfolio.children_of(c) for c in children)


def test_serials_are_unique() -> None:
    serials = [d.serial for devices in district(1).devices.values() for d in devices]
    assert len(set(serials)) == len(serials)


def test_one_building_hangs_on_a_bus_with_its_own_gateway() -> None:
    portfolio = district(1)
    addresses = [d.address for devices in portfolio.devices.values() for d in devices if d.address]
    assert sorted(addresses, key=len) == [f"modbus:{i}" for i in range(1, len(addresses) + 1)]
    assert 10 <= len(addresses) <= 14
    assert portfolio.gateways["gw2"].buildings == (BUS_BUILDING,)
    assert BUS_BUILDING not in portfolio.gateways["gw1"].buildings
    assert "SH01" in portfolio.gateways["gw1"].buildings


def test_measures_are_seven_to_nine_months_old_whatever_the_day() -> None:
    for today in (COMMITTED_TODAY, date(2029, 1, 31)):
        for measure in district(1, today=today).measures.values():
            assert 210 <= (today - date.fromisoformat(measure.start)).days <= 280
            assert measure.works_start < measure.start


def test_any_number_of_buildings_can_be_had() -> None:
    portfolio = district(1, buildings=30)
    assert len({b.name for b in portfolio.buildings.values()}) == 30
    assert len(district(1, buildings=1).measures) == 1
