"""A small pretend district from a formula that anyone can follow, in a memory store, for pages and queries.

Three buildings: an office (main meter and four sub-items), a hotel (the same, and water) and a school without a main
meter. Each takes 60 kW on weekdays from 8 to 18 and 20 kW else; sub-items are fixed shares of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

import msgspec
import numpy as np
import pytest
from fastapi.testclient import TestClient

from analytics.tree.totals import rebuild_totals
from dashboards.queries.reader import Reader
from dashboards.queries.span import day_edges, hour_edges, local_clock, midnight, to_ms
from dashboards.web import create_app
from submeter.clock import HandClock
from submeter.settings import Settings
from submeter.stores.memory import MemoryStore
from submeter.stores.port import Column, Store
from submeter.words import (
    Balance,
    Baseline,
    Block,
    Building,
    CarbonFactor,
    Device,
    Finding,
    FindingState,
    Flag,
    Frozen,
    Gateway,
    GatewayStatus,
    Held,
    Intervals,
    Known,
    LoadShape,
    Measure,
    Medium,
    Method,
    NonRoutine,
    Point,
    Portfolio,
    Price,
    Quarantined,
    Readings,
    Resolution,
    Saving,
    Series,
    TooLate,
    TypicalDay,
)  # fmt: skip

ZONE = "Asia/Shanghai"
TODAY = date(2026, 11, 20)
"""a Friday"""
NOW_MS = to_ms(midnight(TODAY, ZONE)) + 14 * 3_600_000
SHARES = {"01A00": 0.30, "01B00": 0.40, "01C00": 0.15, "01D00": 0.05}
"""of the main meter's energy; the tenth that is left is not metered"""
NAMES = {
    "01A00": ("Lighting", "照明插座"),
    "01B00": ("HVAC", "空调"),
    "01C00": ("Lifts", "电梯"),
    "01D00": ("Servers", "信息中心"),
}


@dataclass(frozen=True)
class World:
    """A filled store, and all that a view is made of."""

    store: Store
    portfolio: Portfolio
    clock: HandClock
    settings: Settings

    @property
    def reader(self) -> Reader:
        return Reader(self.store, lambda: self.portfolio, self.clock, self.settings)

    def client(self) -> TestClient:
        app = create_app(self.store, lambda: self.portfolio, self.clock, self.settings)
        return TestClient(app, base_url="http://127.0.0.1")


def office(id_: str, name: str, name_zh: str, type_: str, area: float) -> tuple[Building, list[Point]]:
    building = Building(
        id=id_, name=name, name_zh=name_zh, type=type_, zone=ZONE, subdivision="SH", area_m2=area, price="flat",
        carbon="shanghai",
    )  # fmt: skip
    main = Point(id=f"{id_}/main", name="Main meter", name_zh="总表", rating=200)
    subs = [
        Point(id=f"{id_}/{item[:3].lower()}", name=NAMES[item][0], name_zh=NAMES[item][1], item=item, parent=main.id)
        for item in SHARES
    ]
    return building, [main, *subs]


def make_portfolio(measures: tuple[Measure, ...] = ()) -> Portfolio:
    a, a_points = office("tower", "Tower <A>", "甲楼", "office", 10_000)
    b, b_points = office("hotel", "Grand Hotel", "大酒店", "hotel", 8_000)
    c, c_points = office("school", "School", "学校", "school", 5_000)
    c_points = [replace_parent(p) for p in c_points[1:]]
    water = Point(id="hotel/water", name="Water", name_zh="水表", medium=Medium.WATER, item="02000", quantity="volume")
    points = {p.id: p for p in [*a_points, *b_points, water, *c_points]}
    return Portfolio(
        tenant="Pudong",
        buildings=MappingProxyType({x.id: x for x in (a, b, c)}),
        points=MappingProxyType(points),
        devices=MappingProxyType(
            {p: (Device(point=p, serial=f"S{n:03}", model="DTS-1"),) for n, p in enumerate(points)}
        ),
        stations=MappingProxyType({}),
        gateways=MappingProxyType({"gw1": Gateway(id="gw1", buildings=("tower", "hotel", "school"))}),
        measures=MappingProxyType({m.id: m for m in measures}),
        prices=(Price(name="flat", medium="electricity", since="2025-01-01", yuan_per_unit=0.8, source="test"),),
        carbon=(
            CarbonFactor(name="shanghai", medium="electricity", since="2025-01-01", kg_per_unit=0.5, source="test"),
        ),
        version="1",
    )


def replace_parent(point: Point) -> Point:
    return Point(id=point.id, name=point.name, name_zh=point.name_zh, item=point.item)


def load_kwh(clocks: Sequence[datetime]) -> np.ndarray:
    """60 kWh in a working hour (weekdays 8–18), 20 else; ten per cent more from June to August."""
    value = [60.0 if c.weekday() < 5 and 8 <= c.hour < 18 else 20.0 for c in clocks]
    return np.array(value) * np.array([1.1 if c.month in (6, 7, 8) else 1.0 for c in clocks])


def rows(
    starts: np.ndarray,
    kwh: np.ndarray,
    known: object = Known.MEASURED,
    method: object = Method.REGISTER,
    flags: object = 0,
) -> Intervals:
    return Intervals.of(starts, np.round(kwh * 1e6).astype(np.int64), known, method, flags)


def fill(store: Store, portfolio: Portfolio, now_ms: int, days: int = 400) -> None:
    """Hourly and daily rows of every point, daily cost and carbon of mains, an expected band, today's quarter hours."""
    end = np.datetime64(now_ms // 1000, "s")
    today = local_clock(np.array([end]), ZONE)[0].date()
    first = date.fromordinal(today.toordinal() - days + 1)
    edges = day_edges(first, days, ZONE)
    hours = hour_edges(edges[0], end)[:-1]
    base = load_kwh(local_clock(hours, ZONE))
    which = np.searchsorted(edges, hours, side="right") - 1
    for point in portfolio.points.values():
        factor = SHARES.get(point.item, 0.01 if point.quantity == "volume" else 1.0)
        fill_point(store, point, hours, base * factor, edges, np.bincount(which, base * factor, days))
        mount(store, portfolio, point, hours, base * factor)
    rebuild_totals(store, portfolio, 0.9)


def fill_point(
    store: Store, point: Point, hours: np.ndarray, kwh: np.ndarray, edges: np.ndarray, daily: np.ndarray
) -> None:
    pending = np.where(np.arange(len(daily)) == len(daily) - 1, int(Flag.PENDING), 0)
    store.write_intervals(Column(point.id, point.quantity, Resolution.HOUR), rows(hours, kwh))
    store.write_intervals(Column(point.id, point.quantity, Resolution.DAY), rows(edges[:-1], daily, flags=pending))
    if point.is_main and point.quantity != "volume":
        store.write_intervals(Column(point.id, "cost", Resolution.DAY), rows(edges[:-1], daily * 0.8))
        store.write_intervals(Column(point.id, "carbon", Resolution.DAY), rows(edges[:-1], daily * 0.5))
        ahead = hour_edges(hours[0], edges[-1])[:-1]
        usual = load_kwh(local_clock(ahead, ZONE)) * SHARES.get(point.item, 1.0)
        for name, factor in (("expected", 1.0), ("expected_low", 0.85), ("expected_high", 1.15)):
            store.write_intervals(
                Column(point.id, name, Resolution.HOUR), rows(ahead, usual * factor, method=Method.MODEL)
            )


def mount(store: Store, portfolio: Portfolio, point: Point, hours: np.ndarray, kwh: np.ndarray) -> None:
    """Two days of quarter hours and the register under them."""
    starts = (hours[-48:, None] + np.arange(4) * np.timedelta64(900, "s")).ravel()
    quarters = np.repeat(kwh[-48:] / 4, 4)
    store.write_intervals(Column(point.id, point.quantity, Resolution.QUARTER), rows(starts, quarters))
    times = np.append(starts, starts[-1] + np.timedelta64(900, "s")).astype("datetime64[ms]").astype(np.int64)
    micro = np.round(1000e6 + np.cumsum(np.append(0.0, quarters)) * 1e6).astype(np.int64)
    series = Series(point.id, portfolio.devices[point.id][0].serial, point.quantity)
    store.write_readings([Block(series, Readings.of(times, micro))])


def finding(id_: str, point: str, kind: str, yuan: float | None, **more: object) -> Finding:
    fields: dict[str, object] = {
        "id": id_, "building": point.partition("/")[0], "point": point, "kind": kind,
        "start_ms": NOW_MS - 9 * 86_400_000, "end_ms": NOW_MS, "state": FindingState.OPEN,
        "confidence": 0.93, "kwh": 420.0, "yuan_month": yuan,
        "evidence": {"expected_kwh": 120.0, "actual_kwh": 540.0, "hours": 72.0, "share": 0.61},
        "first_told_ms": NOW_MS - 8 * 86_400_000, "last_seen_ms": NOW_MS,
    }  # fmt: skip
    return Finding(**{**fields, **more})  # type: ignore[arg-type]  # a table of fields


MEASURES = (
    Measure(
        id="led",
        building="tower",
        name="LED lighting",
        name_zh="LED照明改造",
        points=("tower/01a",),
        start="2026-05-01",
    ),
    Measure(
        id="chiller",
        building="hotel",
        name="New chiller",
        name_zh="更换冷机",
        points=("hotel/main",),
        start="2026-06-01",
    ),
    Measure(id="pumps", building="hotel", name="Pumps", name_zh="水泵", points=("hotel/01c",), start="2026-11-18"),
    Measure(id="blinds", building="school", name="Blinds", name_zh="遮阳", points=("school/01b",), start="2026-10-01"),
)


def saving(measure: Measure, per_day: float, band: float, days: int = 200, **more: object) -> Saving:
    """A straight line of ``per_day`` kWh with a band of ± ``band`` × its expected energy; ``more`` fields as said."""
    n = np.arange(1, days + 1)
    first = date.fromisoformat(measure.start).toordinal()
    wave = 500 + 40 * np.sin(n / 5)
    told = Saving(
        id=measure.id, measure=measure.id, building=measure.building, start_ms=0, end_ms=NOW_MS,
        actual_kwh=(500 - per_day) * days, expected_kwh=500.0 * days, avoided_kwh=per_day * days,
        low_kwh=per_day * days - band * 500 * days, high_kwh=per_day * days + band * 500 * days, confidence=0.9,
        completeness=0.98, avoided_yuan=per_day * days * 0.8, avoided_kg=per_day * days * 0.5,
        low_yuan=(per_day - band * 500) * days * 0.8, high_yuan=(per_day + band * 500) * days * 0.8,
        low_kg=(per_day - band * 500) * days * 0.5, high_kg=(per_day + band * 500) * days * 0.5,
        cvrmse=0.12, nmbe=0.004, days=[date.fromordinal(first + int(k) - 1).isoformat() for k in n],
        avoided=(n * per_day).tolist(), low=(n * per_day - band * 500 * n).tolist(),
        high=(n * per_day + band * 500 * n).tolist(),
        actual_daily=(wave - per_day).tolist(), expected_daily=wave.tolist(),
    )  # fmt: skip
    return msgspec.structs.replace(told, **more)  # type: ignore[arg-type]  # a table of fields


def tell(store: Store) -> None:
    """Findings, savings, a balance, gateway, quarantine and held readings."""
    store.put(
        finding("1", "tower/01b", "night_on", 1234.5),
        finding("2", "hotel/main", "base_step", 300.0, confidence=0.7, first_kind="night_on"),
        finding("3", "hotel/01c", "stuck", None, confidence=0.99, evidence={}, confirmed=False),
        finding("4", "tower/01d", "spike", 90.0, state=FindingState.CLOSED),
        finding("5", "tower/01a", "night_on", 70.0, state=FindingState.WITHDRAWN, withdrawn_ms=NOW_MS - 3_600_000),
    )
    store.put(
        saving(MEASURES[0], 60, 0.03, drift_years=12, guideline_kwh=900.0, gate=["cvrmse"],
               normalised_kwh=21_000.0, normalised_low_kwh=15_000.0, normalised_high_kwh=27_000.0,
               events=[NonRoutine(since="2026-08-03", share=0.11, kwh_a_day=55.0),
                       NonRoutine(since="2026-09-20", share=-0.2, kwh_a_day=-100.0, explained=True)]),
        saving(MEASURES[1], 5, 0.05, simpler="no_pattern"),
        saving(MEASURES[2], 0, 0.0, days=1, refused="few_reporting_days", facts={"days": 2.0, "least": 7.0}),
    )  # fmt: skip
    store.put(
        Balance(id="tower/main", building="tower", point="tower/main", start_ms=NOW_MS - 30 * 86_400_000, end_ms=NOW_MS,
                main_kwh=1000, children_kwh=900, band_kwh=15, completeness=1.0,
                cause="base_load", base_kw=0.14, explained=0.2),
        Balance(id="hotel/main", building="hotel", point="hotel/main", start_ms=NOW_MS - 30 * 86_400_000, end_ms=NOW_MS,
                main_kwh=1000, children_kwh=1100, band_kwh=15, completeness=0.97,
                cause="wrong_ratio", blamed="hotel/01b", factor=1.25, explained=0.98),
        LoadShape(id="tower/main", building="tower", point="tower/main", start_ms=NOW_MS - 365 * 86_400_000,
                  end_ms=NOW_MS, days=361, base_kw=20.0, peak_kw=60.0, load_factor=0.53, night_share=0.21,
                  off_share=0.18, model="3PC", cooling=42.0, cools_above=21.5,
                  typical=[TypicalDay(share=0.69, working=1.0, kwh=[20.0] * 8 + [60.0] * 10 + [20.0] * 6),
                           TypicalDay(share=0.31, working=0.02, kwh=[20.0] * 24)]),
        Baseline(id="tower/main@2025-11-01", building="tower", point="tower/main", model="1P-means/1", start_ms=0,
                 end_ms=NOW_MS, n=600, p=50, cvrmse=0.12, nmbe=0.0, r2=0.9, cvrmse_daily=0.08, oos_cvrmse=0.17,
                 simpler="few_hours", facts={"hours": 600.0, "least": 720.0}),
        GatewayStatus(id="gw1", told_ms=NOW_MS - 20_000, waiting=3, oldest_ms=NOW_MS - 60_000, polls=88_000, errors=2),
        Frozen(id="hotel/main", building="hotel", until_ms=NOW_MS - 400 * 86_400_000, reading_ms=0, counted=0, raw_ms=0,
               told_ms=NOW_MS),
        TooLate(id="hotel/main late", building="hotel", point="hotel/main", what="readings",
                start_ms=NOW_MS - 420 * 86_400_000, end_ms=NOW_MS - 419 * 86_400_000,
                until_ms=NOW_MS - 400 * 86_400_000, told_ms=NOW_MS),
        Held(id="h1", gateway="gw1", point="tower/main", device="S000", quantity="energy_import",
             time_ms=NOW_MS + 600_000, micro=1, arrived_ms=NOW_MS),
        *[Quarantined(id=f"q{n}", gateway="gw1", reason="unknown_meter", record='{"n":"tower/attic"}',
                      text="<b>tower/attic</b> is in no meters.csv: add a row", arrived_ms=NOW_MS - n * 1000)
          for n in range(5)],
    )  # fmt: skip


@pytest.fixture(scope="session")
def make_finding() -> Callable[..., Finding]:
    return finding


@pytest.fixture(scope="session")
def world() -> World:
    """Filled once; tests that change it make their own."""
    store = MemoryStore()
    portfolio = make_portfolio(MEASURES)
    fill(store, portfolio, NOW_MS)
    tell(store)
    return World(store, portfolio, HandClock(NOW_MS), Settings())


@pytest.fixture(scope="session")
def empty_world() -> World:
    """A portfolio of which nothing has been read."""
    return World(MemoryStore(), make_portfolio(MEASURES), HandClock(NOW_MS), Settings())


@pytest.fixture
def small_world() -> Callable[[int], World]:
    """A world of its own with so many days."""

    def make(days: int) -> World:
        store = MemoryStore()
        portfolio = make_portfolio(MEASURES)
        fill(store, portfolio, NOW_MS, days)
        return World(store, portfolio, HandClock(NOW_MS), Settings())

    return make
