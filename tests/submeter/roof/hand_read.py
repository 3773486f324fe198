"""A site whose meters are read by hand: what the tests of import, export and ledger commands build on."""

from pathlib import Path

from click.testing import CliRunner, Result

from firmware_sim.portfolio_files import write_portfolio
from submeter.__main__ import roof
from submeter.roof.place import open_place
from submeter.stores import Store
from submeter.words import Building, Device, Medium, Point, Portfolio, Price

ZONE = "Asia/Shanghai"


def site(folder: Path, zone: str = ZONE) -> Path:
    """Settings of a building ``b`` with an electricity meter ``b/m`` (80:1, exchanged on 5 March) and a water meter
    ``b/w``."""
    points = {
        "b/m": Point(id="b/m", name="main", rating=1000.0),
        "b/w": Point(id="b/w", name="water", medium=Medium.WATER, item="02000", quantity="volume", rating=20.0),
    }
    devices = {
        "b/m": (
            Device(point="b/m", serial="s1", ct="400/5", digits=6, until="2026-03-05T10:00", closing=130.0),
            Device(point="b/m", serial="s2", ct="400/5", digits=6, since="2026-03-05T10:00", opening=0.0),
        ),
        "b/w": (Device(point="b/w", serial="w1", digits=6),),
    }
    building = Building(id="b", name="b", type="office", zone=zone, area_m2=1000.0, price="city")
    price = Price(name="city", medium="electricity", since="2020-01-01", yuan_per_unit=0.5)
    write_portfolio(
        folder / "portfolio", Portfolio("demo", {"b": building}, points, devices, {}, {}, {}, prices=(price,))
    )
    file = folder / "settings.toml"
    file.write_text('portfolio = "portfolio"\n[store]\nurl = "embedded:store.db"\n')
    return file


def run(settings: Path, *words: str) -> Result:
    """A command, as a person calls it; what it raised is in ``exception``."""
    return CliRunner().invoke(roof, [*words, "--settings", str(settings)], env={"COLUMNS": "80"})


def opened(settings: Path) -> Store:
    return open_place(settings, None).store()


def file_of(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
