"""A small town in a store: schools that close in the same two weeks of July, two years of hours, one station."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from analytics.calendar import Times
from analytics.cohort import Member
from analytics.design import design
from analytics.weekdays import Place
from submeter.stores.memory import MemoryStore
from submeter.stores.port import Column
from submeter.words import (
    Block,
    Building,
    Device,
    Intervals,
    Known,
    Measure,
    Point,
    Portfolio,
    Readings,
    Resolution,
    Series,
    Station,
)

Floats = NDArray[np.float64]

PLACE = Place("Europe/Oslo", "NO")
START = np.arange("2017-12-31T23", "2019-12-31T23", dtype="datetime64[h]").astype("datetime64[s]")
N = len(START)
END = int(START[-1].astype(np.int64)) * 1000 + 3_600_000
NOW = END + 8 * 86_400_000
"""Lessons that end with the last hour have been learnt."""
LATER = np.arange(N) >= 8760
"""Hours of 2019."""
_NOISE = np.random.default_rng(0).normal(0, 1, N + 99)
OUTDOOR = 6 - 12 * np.cos(2 * np.pi * np.arange(N) / 8766) + np.convolve(_NOISE, np.ones(100) / 9, "valid")


@lru_cache(maxsize=1)
def _hours() -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(busy, in the break) of each hour."""
    on = design(START, zone=PLACE.zone, country=PLACE.country, outdoor_c=OUTDOOR)
    closed = ((on.day >= 17720) & (on.day < 17734)) | ((on.day >= 18084) & (on.day < 18098))  # the same ISO weeks
    return on.working & (on.hour >= 7) & (on.hour < 16), closed


def school(seed: int) -> Floats:
    """Heated, busy on working days, half closed in the summer break."""
    rng = np.random.default_rng(seed)
    busy, closed = _hours()
    load = 20 + 2.0 * np.maximum(14 - OUTDOOR, 0) + 30 * busy * np.where(closed, 0.2, 1.0)
    return np.asarray(load * rng.normal(1, 0.05, N) * rng.uniform(0.5, 3), float)


def closed() -> NDArray[np.bool_]:
    """Hours of the break in which a school would be busy."""
    busy, within = _hours()
    return busy & within


def members(count: int = 6) -> list[Member]:
    return [Member(f"B{k}/main", f"B{k}", "main/electricity/01000", school(k), OUTDOOR) for k in range(count)]


def town(count: int = 6) -> Portfolio:
    """``count`` schools; the first has a measure on New Year's Day of 2019."""
    measure = Measure(id="B0-led", building="B0", name="LED", points=("B0/main",), start="2019-01-01")
    return Portfolio(
        tenant="t",
        buildings={
            f"B{k}": Building(id=f"B{k}", name="", zone=PLACE.zone, country="NO", area_m2=1, type="school", station="S")
            for k in range(count)
        },
        points={f"B{k}/main": Point(id=f"B{k}/main", name="main") for k in range(count)},
        devices={f"B{k}/main": (Device(point=f"B{k}/main", serial="1"),) for k in range(count)},
        stations={"S": Station(id="S", name="S", zone=PLACE.zone)},
        gateways={},
        measures={"B0-led": measure},
    )


def without_measures(portfolio: Portfolio) -> Portfolio:
    return replace(portfolio, measures={})


def energies(count: int = 6) -> dict[str, Floats]:
    return {f"B{k}/main": school(k) for k in range(count)}


def write_energy(store: MemoryStore, point: str, energy: Floats, start: Times = START) -> None:
    """Hours, and days of 24 of them, as the ledger would have settled them."""
    for resolution, step in ((Resolution.HOUR, 1), (Resolution.DAY, 24)):
        whole = energy.reshape(-1, step).sum(axis=1)
        known = np.where(np.isnan(whole), Known.MISSING, Known.MEASURED)
        micro = np.round(np.nan_to_num(whole) * 1e6).astype(np.int64)
        store.write_intervals(Column(point, "energy_import", resolution), Intervals.of(start[::step], micro, known))


def write_weather(store: MemoryStore, outdoor_c: Floats, start: Times = START) -> None:
    known = np.isfinite(outdoor_c)
    micro = np.round(outdoor_c[known] * 1e6).astype(np.int64)
    readings = Readings.of(start.astype(np.int64)[known] * 1000, micro)
    store.write_readings([Block(Series("S/weather", "S", "outdoor_temperature"), readings)])


def fill(store: MemoryStore, energy: dict[str, Floats]) -> MemoryStore:
    for point, values in energy.items():
        write_energy(store, point, values)
    write_weather(store, OUTDOOR)
    return store
