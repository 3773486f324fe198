"""Sources of the pretend world: a building's meters, and a weather station; each knows its past and its present.

The past is read in slices of a few thousand readings (:data:`PACK_READINGS`), quarter-hourly for a year
before now and hourly before that. Slices lie on a fixed grid of days, so that a killed back-fill goes on
with the same packs.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.calendar import QUARTER_MS
from firmware_sim.meter import Register
from firmware_sim.shown import power_micro
from submeter.words import MICRO, Block, Medium, Reading, Readings, Series, SourceAway

if TYPE_CHECKING:
    from firmware_sim.world import World

PACK_READINGS: Final = 4_500
DAY_QUARTERS: Final = 96


class BuildingSource:
    """All meters of a building that is pretended."""

    def __init__(self, world: "World", building: str, period_s: float) -> None:
        self.id = building
        self.period_s = period_s
        self._world = world

    def history_start_ms(self) -> int:
        return self._world.begin_ms(self.id)

    def history(self, start_ms: int, end_ms: int) -> Iterator[list[Block]]:
        """Register readings at quarter-hours (full hours before the world's start)."""
        start_ms, end_ms = max(start_ms, self.history_start_ms()), min(end_ms, self._world.end_ms)
        if start_ms >= end_ms:
            return
        registers = self._world.registers(self.id, start_ms, end_ms)
        hourly_until = self._world.fine_ms
        yield from self._slices(registers, start_ms, min(end_ms, hourly_until), 4)
        yield from self._slices(registers, max(start_ms, hourly_until), end_ms, 1)

    def _slices(self, registers: dict[str, Register], start_ms: int, end_ms: int, every: int) -> Iterator[list[Block]]:
        first, end = -(-start_ms // QUARTER_MS), -(-end_ms // QUARTER_MS)
        days = max(1, round(PACK_READINGS / (len(registers) * DAY_QUARTERS / every)))
        for begin, stop in spans(first, end, days * DAY_QUARTERS):
            blocks = [self._block(point, register, begin, stop, every) for point, register in registers.items()]
            blocks = [block for block in blocks if len(block.readings)]
            if blocks:
                yield blocks

    def poll(self, now_ms: int) -> list[Reading]:
        """Register and power of every meter that needs no bus (no address) and answers."""
        out: list[Reading] = []
        for point, register in self._world.present(self.id, now_ms).items():
            micro = None if register.device.address else register.read(now_ms)
            if micro is None:
                continue
            quantity = self._world.portfolio.points[point].quantity
            out.append(Reading(Series(point, register.device.serial, quantity), now_ms, micro))
            if self._world.portfolio.points[point].medium == Medium.ELECTRICITY:
                series = Series(point, register.device.serial, "power_active")
                out.append(Reading(series, now_ms, power_micro(register, now_ms)))
        return out

    def _block(self, point: str, register: Register, begin: int, stop: int, every: int) -> Block:
        times, micro = register.history(begin, stop, every)
        quantity = self._world.portfolio.points[point].quantity
        return Block(Series(point, register.device.serial, quantity), Readings.of(times, micro))

    def close(self) -> None:
        """Nothing is held."""


def spans(first: int, end: int, length: int) -> Iterator[tuple[int, int]]:
    """[first, end) cut at multiples of ``length``."""
    while first < end:
        stop = min((first // length + 1) * length, end)
        yield first, stop
        first = stop


class StationSource:
    """A weather station: temperature (0.1 °C), humidity (1 %), irradiance (1 W/m²); hourly in its past."""

    def __init__(self, world: "World", station: str, period_s: float) -> None:
        self.id = station
        self.period_s = period_s
        self._world = world

    def history_start_ms(self) -> int:
        return self._world.weather(self.id).first * QUARTER_MS

    def history(self, start_ms: int, end_ms: int) -> Iterator[list[Block]]:
        weather = self._world.weather(self.id)
        first = max(-(-start_ms // QUARTER_MS), weather.first)
        end = min(-(-end_ms // QUARTER_MS), weather.first + len(weather.outdoor_c))
        for begin, stop in spans(first, end, 60 * DAY_QUARTERS):
            rows = np.arange(-(-begin // 4) * 4, stop, 4, dtype=np.int64)
            if len(rows):
                at = (rows - weather.first).astype(np.float64)
                yield [
                    Block(self._series(name), Readings.of(rows * QUARTER_MS, values))
                    for name, values in self._values(at).items()
                ]

    def poll(self, now_ms: int) -> list[Reading]:
        if not self.history_start_ms() <= now_ms < self._world.end_ms:
            raise SourceAway(f"{self.id}: the pretend world has no such time; start it anew")
        at = np.array([now_ms / QUARTER_MS - self._world.weather(self.id).first])
        return [Reading(self._series(name), now_ms, int(values[0])) for name, values in self._values(at).items()]

    def _series(self, quantity: str) -> Series:
        return Series(f"{self.id}/weather", self.id, quantity)

    def _values(self, at: NDArray[np.float64]) -> dict[str, NDArray[np.int64]]:
        weather = self._world.weather(self.id)
        columns = (
            ("outdoor_temperature", weather.outdoor_c, 0.1), ("humidity", weather.humidity, 1.0),
            ("irradiance", weather.irradiance, 1.0),
        )  # fmt: skip
        grid = np.arange(len(weather.outdoor_c))
        return {name: _round(np.interp(at, grid, row), step) for name, row, step in columns}

    def close(self) -> None:
        """Nothing is held."""


def _round(values: NDArray[np.float64], step: float) -> NDArray[np.int64]:
    return np.round(values / step).astype(np.int64) * round(step * MICRO)
