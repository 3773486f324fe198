"""A district of fictitious buildings in Pudong with their meters: the demo's portfolio, drawn from a seed.

Strategy: a list of buildings (name, type, size) and, for each type, a tree of meters by MOHURD code. Current
transformers and ratings follow from what an end use of that size can draw at its peak.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from firmware_sim.loads import END_USES
from firmware_sim.seeds import stream
from firmware_sim.tree import covers
from submeter.words import (
    Building,
    CarbonFactor,
    Device,
    Gateway,
    Measure,
    Medium,
    Point,
    Portfolio,
    Price,
    Station,
)

COMMITTED_TODAY: Final = date(2026, 11, 22)
"""The day for which config/demo is written; a demo passes its own."""
BUS_BUILDING: Final = "PD03"
BUS_MODEL: Final = "ADL400"


@dataclass(frozen=True, slots=True)
class House:
    name: str
    name_zh: str
    type: str
    area_m2: float


HOUSES: Final = (
    House("Lingang Harbour Tower", "临港海岸大厦", "office", 42_000),
    House("Qiming Science Park, Block A", "启明科创园 A 座", "office", 31_500),
    House("Huangpu Riverside Centre", "浦江之滨商务中心", "office", 27_000),
    House("Jinqiao Cloud Plaza", "金桥云汇大厦", "office", 36_000),
    House("Century Gate Mall", "世纪之门购物中心", "mall", 33_000),
    House("Sanlin Lane Mall", "三林里购物广场", "mall", 28_000),
    House("Moonlake Hotel", "月湖大酒店", "hotel", 33_000),
    House("Dongjiao Garden Hotel", "东郊花园宾馆", "hotel", 24_000),
    House("Chuansha East Hospital", "川沙东院", "hospital", 31_000),
    House("Yangjing No. 3 School", "洋泾第三学校", "school", 18_500),
    House("Linyi Sports Centre", "临沂体育中心", "gym", 15_000),
    House("Pudong Archive House", "浦东档案馆", "office", 21_000),
    House("Waigaoqiao Trade Tower", "外高桥贸易大厦", "office", 39_000),
)

Row = tuple[str, str, str, str, str]
"""local id, English name, Chinese name, item, parent's local id"""

_TOP: Final[tuple[Row, ...]] = (
    ("main", "Main meter", "总进线", "01000", ""),
    ("light", "Lighting & sockets", "照明插座", "01A00", "main"),
    ("hvac", "HVAC", "空调", "01B00", "main"),
    ("plant", "Chiller plant", "冷热站", "01B10", "hvac"),
    ("terminals", "HVAC terminals", "空调末端", "01B20", "hvac"),
    ("power", "Power", "动力", "01C00", "main"),
    ("lifts", "Lifts", "电梯", "01C10", "power"),
    ("special", "Special use", "特殊用电", "01D00", "main"),
)
_LOW_HIGH: Final[tuple[Row, ...]] = (
    ("light_low", "Lighting & sockets, lower floors", "照明插座 低区", "01A10", "light"),
    ("light_high", "Lighting & sockets, upper floors", "照明插座 高区", "01A10", "light"),
)
_PUMPS: Final[tuple[Row, ...]] = (("pumps", "Water pumps", "水泵", "01C20", "power"),)
_SERVER: Final[tuple[Row, ...]] = (("server", "Server room", "信息中心", "01D10", "special"),)
_KITCHEN: Final[tuple[Row, ...]] = (("kitchen", "Kitchen", "厨房餐厅", "01D30", "special"),)
_WATER: Final[tuple[Row, ...]] = (("water", "Water", "自来水", "02000", ""),)
_GAS: Final[tuple[Row, ...]] = (("gas", "Natural gas", "天然气", "03000", ""),)
_CORRIDOR: Final[tuple[Row, ...]] = (("corridor", "Public areas", "公共区域照明", "01A20", "light"),)
_LAUNDRY: Final[tuple[Row, ...]] = (("laundry", "Laundry", "洗衣房", "01D20", "special"),)
_IMAGING: Final[tuple[Row, ...]] = (("imaging", "Medical imaging", "医学影像", "01D70", "special"),)
_POOL: Final[tuple[Row, ...]] = (
    ("pool", "Swimming pool", "游泳池", "01D40", "special"),
    ("fitness", "Fitness rooms", "健身房", "01D50", "special"),
)

TREES: Final[dict[str, tuple[Row, ...]]] = {
    "office": _TOP + _LOW_HIGH + _PUMPS + _SERVER + _KITCHEN + _WATER,
    "mall": _TOP + _LOW_HIGH + _CORRIDOR + _PUMPS + _KITCHEN + _WATER + _GAS,
    "hotel": _TOP + _LOW_HIGH + _PUMPS + _LAUNDRY + _KITCHEN + _WATER + _GAS,
    "hospital": _TOP + _LOW_HIGH + _PUMPS + _SERVER + _KITCHEN + _IMAGING + _WATER + _GAS,
    "school": _TOP + _LOW_HIGH + _PUMPS + _KITCHEN + _WATER + _GAS,
    "gym": _TOP + _PUMPS + _POOL + _WATER + _GAS,
}

MODELS: Final = {Medium.WATER: "LXSY-50", Medium.HEAT: "CJ188-HEAT", Medium.COLD: "CJ188-COLD"}
CT_PRIMARIES: Final = (
    50,
    75,
    100,
    150,
    200,
    250,
    300,
    400,
    500,
    600,
    800,
    1000,
    1250,
    1500,
    2000,
    2500,
    3000,
    4000,
    5000,
)
RESERVE: Final = 1.7
"""Circuits are laid for more than what their loads draw on the hardest day."""
VOLTS_A: Final = 3**0.5 * 0.4 * 0.9
"""kW per ampere of a three-phase 400 V circuit at a power factor of 0.9."""


def district(seed: int, buildings: int = 13, today: date = COMMITTED_TODAY) -> Portfolio:
    """A portfolio of up to any number of buildings: the list of houses, again and again with a number behind.

    Measures begin seven and nine months before ``today``. Same arguments, same portfolio.
    """
    houses = list(_houses(seed, buildings))
    points = [point for house in houses for point in _points(house)]
    devices = {p.id: (_device(seed, p),) for p in points}
    stations = {
        "SH01": Station(id="SH01", name="Shanghai Pudong", zone="Asia/Shanghai", latitude=31.23, longitude=121.53)
    }
    measures = {m.id: m for m in _measures(today) if m.building in {h.id for h in houses}}
    return Portfolio(
        tenant="demo",
        buildings={h.id: h for h in houses},
        points={p.id: p for p in points},
        devices=devices,
        stations=stations,
        gateways={g.id: g for g in _gateways([h.id for h in houses])},
        measures=measures,
        prices=PRICES,
        carbon=CARBON,
    )


def with_thermal_meters(portfolio: Portfolio, seed: int, building: str) -> Portfolio:
    """The portfolio with a meter of the heat and one of the cold that are delivered to a building."""
    rows = (("heat", "District heat", "集中供热", "04000"), ("cold", "District cold", "集中供冷", "05000"))
    points = {
        f"{building}/{local}": Point(
            id=f"{building}/{local}", name=name, name_zh=name_zh, medium=Medium(local), item=item, quantity=local
        )
        for local, name, name_zh, item in rows
    }
    devices = {point.id: (_device(seed, point),) for point in points.values()}
    return replace(portfolio, points={**portfolio.points, **points}, devices={**portfolio.devices, **devices})


def _houses(seed: int, buildings: int) -> Iterator[Building]:
    for i in range(buildings):
        house = HOUSES[i % len(HOUSES)]
        again = f" {i // len(HOUSES) + 1}" if i >= len(HOUSES) else ""
        size = stream(seed, "area", i).uniform(0.92, 1.08)
        yield Building(
            id=f"PD{i + 1:02d}", name=house.name + again, name_zh=house.name_zh + again, type=house.type,
            zone="Asia/Shanghai", area_m2=float(round(house.area_m2 * size, -2)), station="SH01",
            price="shanghai-flat", carbon="shanghai",
        )  # fmt: skip


def _points(house: Building) -> Iterator[Point]:
    for local, name, name_zh, item, parent in TREES[house.type]:
        medium = {"02": Medium.WATER, "03": Medium.GAS}.get(item[:2], Medium.ELECTRICITY)
        yield Point(
            id=f"{house.id}/{local}", name=name, name_zh=name_zh, medium=medium, item=item,
            parent=f"{house.id}/{parent}" if parent else "", rating=_rating(house, item, medium, local),
            quantity="energy_import" if medium == Medium.ELECTRICITY else "volume",
        )  # fmt: skip


def _rating(house: Building, item: str, medium: Medium, local: str) -> float:
    """The limit of the circuit: kW that the next larger current transformer carries; m³/h of the pipe."""
    if medium != Medium.ELECTRICITY:
        return float(max(10, round(house.area_m2 / 1000 * 4, -1)))
    density = sum(u.density for u in END_USES[house.type] if covers(item, u.code))
    part = 0.7 if local in ("light_low", "light_high") else 1.0
    amperes = density * part * RESERVE * house.area_m2 / 1000 / VOLTS_A
    primary = next((ct for ct in CT_PRIMARIES if ct >= amperes), CT_PRIMARIES[-1])
    return float(round(primary * VOLTS_A))


def _device(seed: int, point: Point) -> Device:
    number = int(stream(seed, "serial", point.id).integers(10_000_000, 99_999_999))
    if point.medium != Medium.ELECTRICITY:
        model = MODELS.get(point.medium, "TMJ-65")
        return Device(point=point.id, serial=f"V{number}", model=model, digits=8, resolution=0.01, accuracy_class="2")
    primary = min(CT_PRIMARIES, key=lambda ct: abs(ct * VOLTS_A - point.rating))
    on_bus = point.building == BUS_BUILDING
    return Device(
        point=point.id, serial=f"E{number}", model=BUS_MODEL if on_bus else "DTSD-3P", digits=8, resolution=0.01,
        accuracy_class="0.5S" if point.is_main else "1", ct=f"{primary}/5",
        address=f"modbus:{_bus_address(point)}" if on_bus else "",
    )  # fmt: skip


def _bus_address(point: Point) -> int:
    return [row[0] for row in TREES["office"]].index(point.local) + 1


def _measures(today: date) -> Iterator[Measure]:
    led, chiller = today - timedelta(days=238), today - timedelta(days=262)
    yield Measure(
        id="PD01-led", building="PD01", name="LED lighting on all floors", name_zh="全楼层 LED 照明改造",
        points=("PD01/light",), works_start=(led - timedelta(days=12)).isoformat(), start=led.isoformat(),
    )  # fmt: skip
    yield Measure(
        id="PD06-chiller", building="PD06", name="Chiller plant renewed", name_zh="冷站设备更新",
        points=("PD06/plant",), works_start=(chiller - timedelta(days=18)).isoformat(), start=chiller.isoformat(),
    )  # fmt: skip


def _gateways(buildings: list[str]) -> Iterator[Gateway]:
    yield Gateway(id="gw1", buildings=(*(b for b in buildings if b != BUS_BUILDING), "SH01"))
    if BUS_BUILDING in buildings:
        yield Gateway(id="gw2", buildings=(BUS_BUILDING,))


_OPEN: Final = "to be confirmed: plausible flat figure for the demo, not a published tariff"
PRICES: Final = (
    Price(name="shanghai-flat", medium="electricity", since="2020-01-01", yuan_per_unit=0.78, source=_OPEN),
    Price(name="shanghai-flat", medium="gas", since="2020-01-01", yuan_per_unit=4.3, source=_OPEN),
    Price(name="shanghai-flat", medium="water", since="2020-01-01", yuan_per_unit=5.3, source=_OPEN),
)
CARBON: Final = (
    CarbonFactor(
        name="shanghai", medium="electricity", since="2020-01-01", kg_per_unit=0.5849,
        source="MEE announcement 2024 No. 33, Shanghai, 2022 grid, location based; used for earlier years too",
    ),
    CarbonFactor(
        name="shanghai", medium="electricity", since="2023-01-01", kg_per_unit=0.5737,
        source="MEE announcement 2025 No. 47 (2025-12-31), Shanghai, 2023 grid, location based; used until a newer one",
    ),
    CarbonFactor(
        name="shanghai", medium="gas", since="2020-01-01", kg_per_unit=2.16,
        source="to be confirmed: 2.16 kg/m3 from memory of the common default",
    ),
)  # fmt: skip
