"""The tables in the documentation name every setting and every column, and no others."""

import re
from pathlib import Path

import msgspec
from click.testing import CliRunner

from submeter.__main__ import roof
from submeter.settings import Settings
from submeter.settings.portfolio import DEVICE_COLUMNS, POINT_COLUMNS
from submeter.words import Building, CarbonFactor, Gateway, Measure, Price, Quiet, Station

DOCS = Path(__file__).resolve().parents[3] / "docs"


def names(kind: type[msgspec.Struct], before: str = "") -> set[str]:
    found = set()
    for field in msgspec.structs.fields(kind):
        inner = field.type
        is_table = isinstance(inner, type) and issubclass(inner, msgspec.Struct)
        found |= names(inner, f"{before}{field.name}.") if is_table else {before + field.name}
    return found


def test_every_setting_is_in_the_table_with_its_default() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \|", (DOCS / "settings.md").read_text(encoding="utf-8"), re.M)
    assert set(rows) == names(Settings)
    assert len(rows) == len(set(rows))


def test_every_column_of_every_portfolio_file_is_in_the_table() -> None:
    text = (DOCS / "portfolio.md").read_text(encoding="utf-8")
    table = {file: set(columns.split(", ")) for file, columns in re.findall(r"^\| (\w+\.csv) \| (.+) \|$", text, re.M)}
    assert table["meters.csv"] == {"point"} | POINT_COLUMNS | DEVICE_COLUMNS
    kinds = {"buildings": Building, "stations": Station, "gateways": Gateway, "measures": Measure, "prices": Price}
    for name, kind in {**kinds, "carbon": CarbonFactor, "quiet": Quiet}.items():
        assert table[f"{name}.csv"] == set(kind.__struct_fields__)


def test_the_list_of_meters_is_what_the_profiles_say() -> None:
    table = CliRunner().invoke(roof, ["config", "meters"])
    assert table.exit_code == 0
    assert (DOCS / "meters.md").read_text(encoding="utf-8").endswith("\n\n" + table.output)
