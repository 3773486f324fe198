"""The pretend world: a portfolio, a scenario and two instants make sources to poll, and a truth to compare with.

Strategy: everything follows from (portfolio, scenario, ``start_ms``, ``now_ms``). A building is simulated whole, in one
go, whatever part is asked for, so that every span and every process sees the same numbers; what is not needed is
dropped again. The world ends :data:`FUTURE_DAYS` after ``now_ms``; a demo that is started again later passes the
``start_ms`` and ``now_ms`` of its first start, or it is another world.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from firmware_sim.building import Effect, Flows, simulate
from firmware_sim.calendar import QUARTER_MS, Grid
from firmware_sim.faults import FOREVER, Fault, at_stake_kwh, gain_of, meter
from firmware_sim.loads import Row
from firmware_sim.meter import Register
from firmware_sim.placement import DAY_MS, place
from firmware_sim.retrofit import Retrofitting, retrofits
from firmware_sim.scenario import Scenario
from firmware_sim.shown import image
from firmware_sim.sources import BuildingSource, StationSource
from firmware_sim.truth import Episode, Retrofitted, Truth
from firmware_sim.weather import Weather, make_weather
from submeter.words import MICRO, Building, Point, Portfolio, SourceAway, Station

FUTURE_DAYS: Final = 400
FINE_DAYS: Final = 366
"""So much of the past is quarter-hourly. What lies before it exists for buildings with a measure only, hourly."""
WINDOW_DAYS: Final = 30
"""How much of a building is kept for polling."""


@dataclass(frozen=True, slots=True)
class Window:
    """Registers of a building cut to some weeks."""

    first: int
    end: int
    registers: dict[str, Register]


class World:
    """``start_ms`` begins the past; ``now_ms`` is when the demo first started."""

    def __init__(
        self, portfolio: Portfolio, scenario: Scenario, start_ms: int, now_ms: int, *, poll_s: float = 60.0
    ) -> None:
        self.portfolio = portfolio
        self.scenario = scenario
        self.start_ms = start_ms // QUARTER_MS * QUARTER_MS
        self.now_ms = now_ms // QUARTER_MS * QUARTER_MS
        self.fine_ms = max(self.start_ms, self.now_ms - FINE_DAYS * DAY_MS)
        self.poll_s = poll_s
        self.faults: tuple[Fault, ...] = place(portfolio, scenario, self.fine_ms, self.now_ms)
        self.retrofits: tuple[Retrofitting, ...] = retrofits(portfolio, scenario)
        self._weather: dict[str, Weather] = {}
        self._windows: dict[str, Window] = {}

    @property
    def end_ms(self) -> int:
        return self.now_ms + FUTURE_DAYS * DAY_MS

    def sources(self) -> list[BuildingSource | StationSource]:
        """One source a building and one a station; each is a Source and a Past."""
        buildings = [BuildingSource(self, b.id, self.poll_s) for b in self.portfolio.buildings.values()]
        return [*buildings, *(StationSource(self, s.id, self.poll_s) for s in self.portfolio.stations.values())]

    def begin_ms(self, building: str) -> int:
        """Where a building's past begins: for one with a measure at the start, for others when it is quarter-hourly."""
        measured = any(m.building == building for m in self.portfolio.measures.values())
        return self.start_ms if measured else self.fine_ms

    def weather(self, station: str) -> Weather:
        """The station's weather from the start to the world's end; without a station, Shanghai's."""
        if station not in self._weather:
            where = self.portfolio.stations.get(station) or Station(
                id="", name="", zone="UTC", latitude=31.2, longitude=121.5
            )
            first = self.start_ms // QUARTER_MS
            count = self.end_ms // QUARTER_MS - first + 1
            seed = self.scenario.seed
            self._weather[station] = make_weather(seed, where.id, first, count, where.latitude, where.longitude)
        return self._weather[station]

    def flows(self, building: str) -> Flows:
        """The true energy of a building, over its whole time."""
        house = self.portfolio.buildings[building]
        acting: tuple[Effect, ...] = (*self.retrofits, *self._load_faults())
        effects = [e for e in acting if e.point.startswith(building + "/")]
        return simulate(house, self._metered(house), self._building_weather(house), effects, self.scenario.seed)

    def registers(self, building: str, start_ms: int, end_ms: int) -> dict[str, Register]:
        """The registers of a building, cut to the quarter-hours that hold [start_ms, end_ms)."""
        flows = self.flows(building)
        out = {}
        for point in self._metered(self.portfolio.buildings[building]):
            device = self.portfolio.devices[point.id][-1]
            own = tuple(f for f in self.faults if f.point == point.id and not f.is_load)
            whole = meter(self.scenario.seed, device, flows.energy[point.id], flows.grid, own)
            out[point.id] = _cut(whole, start_ms // QUARTER_MS, -(-end_ms // QUARTER_MS) + 1)
        return out

    def present(self, building: str, now_ms: int) -> dict[str, Register]:
        """Registers that hold ``now_ms``; some weeks are kept, so that the next poll is cheap.

        Raises :class:`SourceAway` outside the world's time.
        """
        row = now_ms // QUARTER_MS
        window = self._windows.get(building)
        if window is None or not window.first <= row < window.end:
            if not self.begin_ms(building) <= now_ms < self.end_ms:
                raise SourceAway(f"{building}: the pretend world has no such time; start it anew")
            begin = max(now_ms - DAY_MS, self.begin_ms(building))
            end = min(now_ms + WINDOW_DAYS * DAY_MS, self.end_ms)
            window = Window(begin // QUARTER_MS, end // QUARTER_MS, self.registers(building, begin, end))
            self._windows[building] = window
        return window.registers

    def register_micro(self, point_id: str, now_ms: int) -> dict[str, int]:
        """What a meter shows now, by quantity, in micro-units before the ratio; {} = it does not answer."""
        return image(self.present(point_id.partition("/")[0], now_ms)[point_id], now_ms)

    def register_image(self, point_id: str, now_ms: int) -> dict[str, float]:
        """The same in units."""
        return {quantity: micro / MICRO for quantity, micro in self.register_micro(point_id, now_ms).items()}

    def truth(self) -> Truth:
        """Simulates everything once: some seconds for a district."""
        faults: list[Episode] = []
        saved: list[Retrofitted] = []
        annual: dict[str, float] = {}
        for building in self.portfolio.buildings.values():
            flows = self.flows(building.id)
            faults.extend(self._episodes(building, flows))
            saved.extend(self._savings(building, flows))
            rows = slice(flows.grid.position(self.now_ms - 365 * DAY_MS), flows.grid.position(self.now_ms))
            annual |= {point: round(float(row[rows].sum()), 3) for point, row in flows.energy.items()}
        return Truth(
            seed=self.scenario.seed, start_ms=self.start_ms, now_ms=self.now_ms, faults=faults, retrofits=saved,
            annual=annual,
        )  # fmt: skip

    def _load_faults(self) -> Iterator[Fault]:
        for fault in self.faults:
            if fault.is_load:
                yield fault
                if fault.partner:
                    yield replace(fault, point=fault.partner)

    def _metered(self, building: Building) -> list[Point]:
        return [p for p in self.portfolio.points_of(building.id) if self.portfolio.devices.get(p.id)]

    def _building_weather(self, building: Building) -> Weather:
        weather = self.weather(building.station)
        cut = slice(self.begin_ms(building.id) // QUARTER_MS - weather.first, None)
        return Weather(
            weather.first + cut.start, weather.outdoor_c[cut], weather.humidity[cut], weather.irradiance[cut]
        )

    def _episodes(self, building: Building, flows: Flows) -> Iterator[Episode]:
        for fault in self.faults:
            if not fault.point.startswith(building.id + "/"):
                continue
            true = flows.energy[fault.point]
            counted = true * gain_of(fault, flows.grid)
            kwh = at_stake_kwh(fault, counted, true, flows.untouched.get(fault.point, true), flows.grid, self.now_ms)
            rows = slice(flows.grid.position(fault.start_ms), flows.grid.position(min(fault.end_ms, self.now_ms)))
            yield Episode(
                kind=fault.kind, point=fault.point, start_ms=fault.start_ms,
                end_ms=None if fault.end_ms >= FOREVER else fault.end_ms, kwh=round(kwh, 3),
                flow_kwh=round(float(true[rows].sum()), 3), size=fault.size,
                spells=[s for s in fault.spells if s[0] < self.now_ms],
            )  # fmt: skip

    def _savings(self, building: Building, flows: Flows) -> Iterator[Retrofitted]:
        for retrofit in self.retrofits:
            if retrofit.point.startswith(building.id + "/"):
                saved = flows.untouched[retrofit.point] - flows.energy[retrofit.point]
                rows = slice(flows.grid.position(retrofit.start_ms), flows.grid.position(self.now_ms))
                yield Retrofitted(
                    measure=retrofit.measure, points=list(self.portfolio.measures[retrofit.measure].points),
                    start_ms=retrofit.start_ms, share=retrofit.share, kwh=round(float(saved[rows].sum()), 3),
                    months=_by_month(saved[rows], flows.grid, rows.start),
                )  # fmt: skip


def _cut(register: Register, first: int, end: int) -> Register:
    first = max(first, register.first)
    part = register.count[first - register.first : max(end - register.first + 1, 0)].copy()
    return Register(register.device, first, part, register.silent, register.shifts)


def _by_month(energy: Row, grid: Grid, begin: int) -> dict[str, float]:
    months: dict[str, float] = {}
    days = grid.day[begin : begin + len(energy)]
    for day, kwh in enumerate(np.bincount(days, energy, minlength=1).tolist()):
        if kwh:
            name = grid.days[day].strftime("%Y-%m")
            months[name] = months.get(name, 0.0) + kwh
    return {name: round(kwh, 3) for name, kwh in months.items()}
