"""A site folder as a place where ``submeter`` commands work: settings, portfolio, a store with two years of hours.

Strategy: the ledger's own rows are written straight into the embedded store (what the way from the meter costs is told
by other benchmarks); the test year is the faulty one where a site has it, so that there is something to find. Each main
meter gets a measure that begins with the test year, so that there are savings to state.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from benchmarks.site import HOUR, Floats, Meter, Site, read_hours
from firmware_sim.portfolio_files import write_portfolio
from submeter.stores import Column, Store
from submeter.stores.embedded import EmbeddedStore
from submeter.words import (
    Block,
    Building,
    Device,
    Gateway,
    Intervals,
    Known,
    Measure,
    Medium,
    Point,
    Portfolio,
    Readings,
    Resolution,
    Series,
    Station,
)

REGISTER = "energy_import"


def store_site(site: Site, buildings: int, folder: Path) -> tuple[Path, np.datetime64]:
    """Make the place in ``folder``; its settings file, and the instant at which its last hour ends."""
    assert site.train is not None
    assert site.test is not None
    cut = site.between(site.train, site.test)
    names = sorted({m.building for m in cut.meters.values() if m.role == "main"})[:buildings]
    meters = [m for m in cut.meters.values() if m.building in names and m.role in ("main", "sub")]
    write_portfolio(folder / "portfolio", portfolio_of(cut, meters))
    settings = folder / "settings.toml"
    settings.write_text('tenant = "site"\nportfolio = "portfolio"\n[store]\nurl = "embedded:store.db"\n', "utf-8")
    store = EmbeddedStore(folder / "store.db")
    with store.writing():
        fill(store, cut, meters)
    store.close()
    return settings, cut.start[-1] + HOUR


def portfolio_of(site: Site, meters: list[Meter]) -> Portfolio:
    """Buildings with these meters, a station each, and a measure at each main meter from the test year on."""
    ids = {m.name: point_of(m) for m in meters}
    names = list(dict.fromkeys(m.building for m in meters))
    points = {ids[m.name]: _point(m, ids) for m in meters}
    mains = [m for m in meters if m.role == "main" and m.medium == "electricity"]
    return Portfolio(
        tenant="site",
        buildings={b: Building(id=b, name=b, type="other", zone=site.zone, country=site.country, area_m2=0,
                               station=f"W{b}") for b in names},
        points=points,
        devices={p: (Device(point=p, serial="1"),) for p in points},
        stations={f"W{b}": Station(id=f"W{b}", name=b, zone=site.zone) for b in names},
        gateways={"g": Gateway(id="g", buildings=(*names, *(f"W{b}" for b in names)))},
        measures={f"{ids[m.name]}/works": _works(m, ids[m.name], site.test) for m in mains},
    )  # fmt: skip


def point_of(meter: Meter) -> str:
    """``building/meter``, without the dots of the site's names."""
    return f"{meter.building}/{meter.name.removeprefix(meter.building).strip('.').replace('.', '-') or 'main'}"


def _point(meter: Meter, ids: dict[str, str]) -> Point:
    return Point(id=ids[meter.name], name=meter.name, medium=Medium(meter.medium), parent=ids.get(meter.parent, ""))


def _works(meter: Meter, point: str, test: int | None) -> Measure:
    return Measure(id=f"{point}/works", building=meter.building, name="works", points=(point,), start=f"{test}-01-01")


def fill(store: Store, site: Site, meters: Iterable[Meter]) -> None:
    """Hours as the ledger keeps them, missing ones said to be missing, and the weather of each building."""
    shown = with_faults(site)
    for meter in meters:
        kwh = shown[meter.name]
        known = np.where(np.isnan(kwh), Known.MISSING, Known.MEASURED)
        micro = np.round(np.nan_to_num(kwh) * 1e6).astype(np.int64)
        rows = Intervals.of(site.start, micro, known=known)
        store.write_intervals(Column(point_of(meter), REGISTER, Resolution.HOUR), rows)
        outdoor = site.outdoor_of(meter.name)
        if outdoor is not None and meter.role == "main":
            _fill_weather(store, f"W{meter.building}", site.start, outdoor)


def _fill_weather(store: Store, station: str, start: np.ndarray, outdoor_c: Floats) -> None:
    read = np.isfinite(outdoor_c)
    times = start[read].astype("datetime64[ms]").astype(np.int64)
    readings = Readings.of(times, np.round(outdoor_c[read] * 1e6).astype(np.int64))
    store.write_readings([Block(Series(f"{station}/weather", station, "outdoor_temperature"), readings)])


def with_faults(site: Site) -> dict[str, Floats]:
    """Energy by meter, the test year with its faults where the site has them."""
    path = site.folder / "faults" / "energy.parquet"
    if not path.exists():
        return site.energy
    start, faulty = read_hours(path)
    row = int((start[0] - site.start[0]) // HOUR)
    shown = dict(site.energy)
    for name, kwh in faulty.items():
        shown[name] = site.energy[name].copy()
        shown[name][row : row + len(kwh)] = kwh
    return shown
