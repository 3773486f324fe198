"""A portfolio from the CSV files of a folder. An engineer keeps them in a spreadsheet: one row, one thing.

Every fault is collected, so that one look at the message mends the whole file: ``meters.csv, row 12 (HQ01/pump): …``.
Rows are counted as a spreadsheet counts them: the header is row 1.
"""

import csv
import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from submeter.settings.formula import formula_faults
from submeter.wire.topic import NAME
from submeter.words import (
    QUANTITIES,
    Building,
    CarbonFactor,
    ConfigError,
    Device,
    Gateway,
    Kind,
    Measure,
    Point,
    Portfolio,
    Price,
    Quiet,
    Station,
    parse_ratio,
)

FILES = (
    "buildings.csv", "meters.csv", "stations.csv", "gateways.csv", "measures.csv", "prices.csv", "carbon.csv",
    "quiet.csv",
)  # fmt: skip
NEEDED = ("buildings.csv", "meters.csv", "gateways.csv")
LISTS = {"buildings", "points"}
"""columns that hold several ids, separated by spaces"""

DEVICE_COLUMNS = frozenset(Device.__struct_fields__) - {"point"}
POINT_COLUMNS = frozenset(Point.__struct_fields__) - {"id"}

T = TypeVar("T", bound=msgspec.Struct)


class Row(NamedTuple):
    file: str
    number: int
    cells: dict[str, str]

    def fault(self, name: str, text: str) -> str:
        return f"{self.file}, row {self.number}{f' ({name})' if name else ''}: {text}"


class Faults(list[str]):
    """What is wrong, a line each."""

    def add(self, row: Row, name: str, text: str) -> None:
        self.append(row.fault(name, text))

    def raise_any(self, folder: Path) -> None:
        if self:
            raise ConfigError(f"the portfolio in {folder} has {len(self)} fault(s):\n  " + "\n  ".join(self))


def load_portfolio(folder: Path, tenant: str = "demo") -> Portfolio:
    """Read and check all files of ``folder``. Raises :class:`ConfigError`, one line for each fault."""
    faults = Faults()
    tables = {name: list(_rows(folder, name, faults)) for name in FILES}
    faults.raise_any(folder)
    buildings = _index(_build(tables["buildings.csv"], Building, faults), "id", faults)
    stations = _index(_build(tables["stations.csv"], Station, faults), "id", faults)
    gateways = _index(_build(tables["gateways.csv"], Gateway, faults), "id", faults)
    measures = _index(_build(tables["measures.csv"], Measure, faults), "id", faults)
    points, devices = _meters(tables["meters.csv"], faults)
    prices = [price for _, price in _build(tables["prices.csv"], Price, faults)]
    carbon = [factor for _, factor in _build(tables["carbon.csv"], CarbonFactor, faults)]
    quiet = _build(tables["quiet.csv"], Quiet, faults)
    portfolio = Portfolio(
        tenant, {k: v for k, (_, v) in buildings.items()}, {k: v for k, (_, v) in points.items()},
        {k: tuple(d for _, d in v) for k, v in devices.items()}, {k: v for k, (_, v) in stations.items()},
        {k: v for k, (_, v) in gateways.items()}, {k: v for k, (_, v) in measures.items()},
        tuple(sorted(prices, key=lambda p: (p.name, p.medium, p.since))),
        tuple(sorted(carbon, key=lambda c: (c.name, c.medium, c.since))),
        digest(folder), tuple(each for _, each in quiet),
    )  # fmt: skip
    _check_buildings(buildings, portfolio, faults)
    _check_points(points, portfolio, faults)
    _check_devices(devices, faults)
    _check_gateways(gateways, portfolio, faults)
    _check_measures(measures, portfolio, faults)
    _check_quiet(quiet, portfolio, faults)
    _check_dates("prices.csv", tables["prices.csv"], faults)
    _check_dates("carbon.csv", tables["carbon.csv"], faults)
    faults.raise_any(folder)
    return portfolio


def digest(folder: Path) -> str:
    """A fingerprint of the portfolio's files as they lie there."""
    total = hashlib.sha256()
    for name in FILES:
        path = folder / name
        total.update(name.encode() + (path.read_bytes() if path.is_file() else b"-"))
    return total.hexdigest()[:16]


def _rows(folder: Path, name: str, faults: Faults) -> Iterator[Row]:
    path = folder / name
    if not path.is_file():
        if name in NEEDED:
            faults.append(f"{name}: there is no such file in {folder}; copy it from config/demo and edit it")
        return
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            for number, cells in enumerate(csv.DictReader(stream), start=2):
                row = Row(name, number, {k: (v or "").strip() for k, v in cells.items() if k})
                if None in cells:
                    faults.add(row, "", "has more cells than the header; put quotes around a cell that holds a comma")
                elif any(row.cells.values()):
                    yield row
    except UnicodeDecodeError as fault:
        faults.append(f"{name}: is not UTF-8 (byte {fault.start}); save it as 'CSV UTF-8' in the spreadsheet")


def _convert(row: Row, cells: dict[str, str], kind: type[T], faults: Faults) -> T | None:
    unknown = set(cells) - set(kind.__struct_fields__)
    name = cells.get("id") or cells.get("point") or cells.get("name", "")
    if unknown:
        known = ", ".join(kind.__struct_fields__)
        faults.add(row, name, f"unknown column(s) {', '.join(sorted(unknown))}; the columns are {known}")
        return None
    filled: dict[str, Any] = {k: v.split() if k in LISTS else v for k, v in cells.items() if v != ""}
    try:
        return msgspec.convert(filled, kind, strict=False)
    except msgspec.ValidationError as fault:
        faults.add(
            row, name, f"{str(fault).replace('Object', 'row').replace('`$.', 'column `')}; fill or mend that cell"
        )
        return None


def _build(rows: Iterable[Row], kind: type[T], faults: Faults) -> list[tuple[Row, T]]:
    made = ((row, _convert(row, row.cells, kind, faults)) for row in rows)
    return [(row, thing) for row, thing in made if thing is not None]


def _index(things: list[tuple[Row, T]], key: str, faults: Faults) -> dict[str, tuple[Row, T]]:
    found: dict[str, tuple[Row, T]] = {}
    for row, thing in things:
        name = str(getattr(thing, key))
        if not all(NAME.fullmatch(part) for part in name.split("/")):
            faults.add(row, name, "an id holds letters, digits, '-', '_' and '.', at most 64, and begins with no sign")
        if name in found:
            faults.add(row, name, f"is there already, in row {found[name][0].number}; ids are given once")
        found.setdefault(name, (row, thing))
    return found


PointRows = dict[str, tuple[Row, Point]]
DeviceRows = dict[str, list[tuple[Row, Device]]]


def _meters(rows: list[Row], faults: Faults) -> tuple[PointRows, DeviceRows]:
    """One row is a device at a point; a further row of the same point is the next device (an exchange)."""
    points: PointRows = {}
    devices: DeviceRows = {}
    for row in rows:
        name = row.cells.get("point", "")
        unknown = set(row.cells) - DEVICE_COLUMNS - POINT_COLUMNS - {"point"}
        if unknown:
            known = ", ".join(["point", *sorted(POINT_COLUMNS), *sorted(DEVICE_COLUMNS)])
            faults.add(row, name, f"unknown column(s) {', '.join(sorted(unknown))}; the columns are {known}")
            continue
        _take_device(row, name, devices, faults)
        if name in points:
            if row.cells.get("formula"):
                faults.add(row, name, f"is there already, in row {points[name][0].number}; a virtual meter has one row")
            continue
        cells = {k: v for k, v in row.cells.items() if k in POINT_COLUMNS} | {"id": name}
        cells["name"] = cells.get("name") or name.partition("/")[2]
        point = _convert(row, cells, Point, faults)
        if point is not None:
            points[name] = (row, point)
    for found in devices.values():
        found.sort(key=lambda item: item[1].since)
    return points, devices


def _take_device(row: Row, name: str, devices: DeviceRows, faults: Faults) -> None:
    """Of each row but a virtual meter's, which has none."""
    told = {k: v for k, v in row.cells.items() if k in DEVICE_COLUMNS and v}
    if row.cells.get("formula"):
        if told:
            faults.add(row, name, f"a virtual meter (formula) has no device; empty its column(s) {', '.join(told)}")
        return
    device = _convert(row, told | {"point": name}, Device, faults)
    if device is not None:
        devices.setdefault(name, []).append((row, device))


def _check_buildings(rows: dict[str, tuple[Row, Building]], portfolio: Portfolio, faults: Faults) -> None:
    prices = {p.name for p in portfolio.prices}
    carbon = {c.name for c in portfolio.carbon}
    for name, (row, b) in rows.items():
        try:
            ZoneInfo(b.zone)
        except (ZoneInfoNotFoundError, ValueError):
            faults.add(row, name, f"zone {b.zone!r} is no IANA time zone; write e.g. Asia/Shanghai")
        if b.area_m2 < 0:
            faults.add(row, name, f"area_m2 is {b.area_m2}; give the floor area in square metres, 0 = not known")
        for column, value, known, file in (
            ("station", b.station, portfolio.stations.keys(), "stations.csv"),
            ("price", b.price, prices, "prices.csv"),
            ("carbon", b.carbon, carbon, "carbon.csv"),
        ):
            if value and value not in known:
                faults.add(row, name, f"{column} {value!r} is not in {file}; add it there or leave the cell empty")
        if name in portfolio.stations:
            faults.add(row, name, "a station has the same id; topics tell them apart by it, so rename one")


def _check_points(rows: PointRows, portfolio: Portfolio, faults: Faults) -> None:
    for name, (row, p) in rows.items():
        building, _, local = name.partition("/")
        if not local or not NAME.fullmatch(building) or not NAME.fullmatch(local):
            faults.add(row, name, "point must be <building>/<meter>, each of letters, digits, '-', '_' and '.'")
            continue
        if building not in portfolio.buildings:
            faults.add(row, name, f"building {building!r} is not in buildings.csv; add it there or mend the point")
        quantity = QUANTITIES.get(p.quantity)
        if quantity is None or quantity.kind is not Kind.REGISTER:
            registers = ", ".join(q.name for q in QUANTITIES.values() if q.kind is Kind.REGISTER)
            faults.add(row, name, f"quantity {p.quantity!r} is no register; choose one of {registers}")
        if p.rating < 0:
            faults.add(row, name, f"rating is {p.rating}; give the circuit's limit in kW or m3/h, or leave it empty")
        if p.contract_kw < 0:
            faults.add(row, name, f"contract_kw is {p.contract_kw}; give the contracted demand, or leave it empty")
        if p.parent:
            _check_parent(row, p, portfolio, faults)
        for fault in formula_faults(p, portfolio):
            faults.add(row, name, fault)


def _check_parent(row: Row, p: Point, portfolio: Portfolio, faults: Faults) -> None:
    parent = portfolio.points.get(p.parent)
    if parent is None:
        faults.add(row, p.id, f"parent {p.parent!r} is no point in meters.csv; give the meter immediately upstream")
        return
    if parent.building != p.building or parent.medium != p.medium:
        faults.add(row, p.id, f"parent {p.parent!r} is of another building or medium")
    seen = {p.id}
    while parent is not None and parent.parent:
        if parent.id in seen:
            faults.add(row, p.id, f"the tree runs in a circle through {parent.id!r}; a main meter has no parent")
            return
        seen.add(parent.id)
        parent = portfolio.points.get(parent.parent)


def _check_devices(rows: DeviceRows, faults: Faults) -> None:
    for name, found in rows.items():
        for row, d in found:
            _check_device(row, d, faults)
        for (_, earlier), (row, later) in pairwise(found):
            if not earlier.until or not later.since or earlier.until > later.since:
                faults.add(
                    row, name,
                    f"devices {earlier.serial!r} and {later.serial!r} hang there at the same time; give 'until' of the "
                    "first and 'since' of the second",
                )  # fmt: skip


def _check_device(row: Row, d: Device, faults: Faults) -> None:
    if not NAME.fullmatch(d.serial):
        faults.add(row, d.point, f"serial {d.serial!r} must be letters, digits, '-', '_' and '.'; it is part of names")
    if not 3 <= d.digits <= 15:
        faults.add(row, d.point, f"digits is {d.digits}; count all digits of the register, 3 to 15")
    if not 1e-6 <= d.resolution <= 1000:
        faults.add(row, d.point, f"resolution is {d.resolution}; give the last digit's worth, e.g. 0.01")
    for column, text in (("ct", d.ct), ("pt", d.pt)):
        fault = _refusal(parse_ratio, text)
        if fault:
            faults.add(row, d.point, f"{column} {text!r} is no ratio; write e.g. 400/5 or leave it empty")
    for column, text in (("since", d.since), ("until", d.until)):
        if text and _refusal(datetime.fromisoformat, text):
            faults.add(row, d.point, f"{column} {text!r} is no date; write 2025-03-31 or 2025-03-31T14:00+08:00")


def _refusal(read: Callable[[str], object], text: str) -> str:
    try:
        read(text)
    except (ValueError, ZeroDivisionError) as fault:
        return str(fault) or "no"
    return ""


def _check_gateways(rows: dict[str, tuple[Row, Gateway]], portfolio: Portfolio, faults: Faults) -> None:
    for name, (row, gateway) in rows.items():
        if name == "collector":
            faults.add(row, name, "is the collector's own name; call the gateway otherwise")
        for building in gateway.buildings:
            if building not in portfolio.buildings and building not in portfolio.stations:
                faults.add(row, name, f"{building!r} is neither a building nor a station; mend or remove it")


def _check_measures(rows: dict[str, tuple[Row, Measure]], portfolio: Portfolio, faults: Faults) -> None:
    for name, (row, m) in rows.items():
        if m.building not in portfolio.buildings:
            faults.add(row, name, f"building {m.building!r} is not in buildings.csv")
        for point in m.points:
            if point not in portfolio.points:
                faults.add(row, name, f"point {point!r} is not in meters.csv; give full ids, separated by spaces")
        for column, text in (("start", m.start), ("works_start", m.works_start)):
            if (text or column == "start") and _refusal(date.fromisoformat, text):
                faults.add(row, name, f"{column} {text!r} is no date; write it as 2025-03-31")


def _check_quiet(rows: list[tuple[Row, Quiet]], portfolio: Portfolio, faults: Faults) -> None:
    for row, quiet in rows:
        name = quiet.reason
        if quiet.building and quiet.building not in portfolio.buildings:
            faults.add(
                row, name, f"building {quiet.building!r} is not in buildings.csv; leave it empty for all of them"
            )
        for point in quiet.points:
            if point not in portfolio.points or (quiet.building and not point.startswith(f"{quiet.building}/")):
                faults.add(
                    row, name, f"point {point!r} is no meter of it in meters.csv; give full ids with spaces between"
                )
        wrong = [text for text in (quiet.first, quiet.last) if _refusal(date.fromisoformat, text)]
        for text in wrong:
            faults.add(row, name, f"{text!r} is no date; write first and last day as 2025-03-31")
        if not wrong and quiet.last < quiet.first:
            faults.add(row, name, f"last day {quiet.last} is before the first, {quiet.first}; exchange them")


def _check_dates(file: str, rows: list[Row], faults: Faults) -> None:
    for row in rows:
        if _refusal(date.fromisoformat, row.cells.get("since", "")):
            faults.add(row, row.cells.get("name", ""), f"since is no date in {file}; write it as 2025-01-01")
