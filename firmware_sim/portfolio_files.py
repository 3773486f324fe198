"""Writes a portfolio as the CSV files that an engineer keeps; reading them is :mod:`submeter.settings`' work."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from submeter.words import Device, Point, Portfolio

METER_COLUMNS = (
    "point", "name", "name_zh", "medium", "item", "parent", "rating", "quantity", "serial", "model", "digits",
    "resolution", "accuracy_class", "ct", "pt", "since", "until", "opening", "closing", "address",
)  # fmt: skip


def write_portfolio(folder: Path, portfolio: Portfolio) -> None:
    """buildings, meters, stations, gateways, measures, prices and carbon as CSV; the folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    buildings = (
        "id",
        "name",
        "name_zh",
        "type",
        "zone",
        "country",
        "subdivision",
        "area_m2",
        "station",
        "price",
        "carbon",
    )
    _write(folder / "buildings.csv", buildings, _fields(portfolio.buildings.values(), buildings))
    meters = (*METER_COLUMNS, "formula") if any(p.formula for p in portfolio.points.values()) else METER_COLUMNS
    _write(folder / "meters.csv", meters, _meters(portfolio, meters))
    stations = ("id", "name", "zone", "latitude", "longitude")
    _write(folder / "stations.csv", stations, _fields(portfolio.stations.values(), stations))
    _write(folder / "gateways.csv", ("id", "buildings"), _fields(portfolio.gateways.values(), ("id", "buildings")))
    measures = ("id", "building", "name", "name_zh", "points", "start", "works_start")
    _write(folder / "measures.csv", measures, _fields(portfolio.measures.values(), measures))
    prices = ("name", "medium", "since", "yuan_per_unit", "source")
    _write(folder / "prices.csv", prices, _fields(portfolio.prices, prices))
    carbon = ("name", "medium", "since", "kg_per_unit", "source")
    _write(folder / "carbon.csv", carbon, _fields(portfolio.carbon, carbon))


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _fields(things: Iterable[object], columns: Sequence[str]) -> Iterable[list[str]]:
    for thing in things:
        yield [_text(getattr(thing, column)) for column in columns]


def _meters(portfolio: Portfolio, columns: Sequence[str]) -> Iterable[list[str]]:
    for point in portfolio.points.values():
        for device in portfolio.devices.get(point.id) or (None,):
            yield [_text(_meter_value(point, device, column)) for column in columns]


def _meter_value(point: Point, device: Device | None, column: str) -> object:
    """A virtual meter has no device, and nothing in its columns."""
    if column == "point":
        return point.id
    return getattr(point if hasattr(point, column) else device, column, None)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return " ".join(value)
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1e5 else f"{value:.0f}"
    return str(value)
