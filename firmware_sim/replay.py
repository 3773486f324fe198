"""Replay: a recorded series of interval energy played as a register, and recorded weather played as a station.

Strategy: the register stands at its opening when the first interval begins and shows, at each interval's end, opening
plus the sum so far, rounded once to its resolution: sums of any span equal the file's to half a step at either end.
A gap (an empty cell, a missing row) is not read, and the register does not move in it; before the first interval after
a gap it is read once more, so that what was recorded keeps its hour. Gross errors are counted like anything
else: what a register counted, it keeps.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.recording import in_recording, read_recording
from submeter.words import MICRO, Block, ConfigError, Device, Reading, Readings, Series

INTERVALS_MS: Final = {"15m": 900_000, "30m": 1_800_000, "1h": 3_600_000}
SLICE_READINGS: Final = 4_500


class Recorded:
    """Series that are wholly known: a past, and nothing to poll."""

    period_s = 3600.0

    def __init__(self, source_id: str, series: dict[Series, Readings]) -> None:
        self.id = source_id
        self._series = series

    def history_start_ms(self) -> int:
        starts = [int(r.times[0].astype(np.int64)) for r in self._series.values() if len(r)]
        return min(starts, default=0)

    def history_end_ms(self) -> int:
        """The instant after the last reading."""
        ends = [int(r.times[-1].astype(np.int64)) + 1 for r in self._series.values() if len(r)]
        return max(ends, default=0)

    def history(self, start_ms: int, end_ms: int) -> Iterator[list[Block]]:
        start_ms, end_ms = max(start_ms, self.history_start_ms()), min(end_ms, self.history_end_ms())
        step = self._slice_ms()
        while start_ms < end_ms:
            stop = min((start_ms // step + 1) * step, end_ms)
            blocks = [Block(series, _between(r, start_ms, stop)) for series, r in self._series.items()]
            blocks = [block for block in blocks if len(block.readings)]
            if blocks:
                yield blocks
            start_ms = stop

    def _slice_ms(self) -> int:
        """Whole days that hold about :data:`SLICE_READINGS` readings."""
        total = sum(len(r) for r in self._series.values())
        days = max(self.history_end_ms() - self.history_start_ms(), 1) / 86_400_000
        return max(1, round(SLICE_READINGS * days / max(total, 1))) * 86_400_000

    def poll(self, now_ms: int) -> list[Reading]:
        return []

    def close(self) -> None:
        """Nothing is held."""


def _between(readings: Readings, start_ms: int, end_ms: int) -> Readings:
    times = readings.times.view(np.int64)
    cut = slice(*np.searchsorted(times, [start_ms, end_ms]))
    return Readings(readings.times[cut], readings.micro[cut])


class ReplaySource(Recorded):
    """Meters of a building, each playing a column of a CSV of interval kWh (or m³).

    ``columns`` maps local point ids to the file's columns. ``devices`` are what meters.csv must say of them;
    ``notes`` says what was left out of the file.
    """

    def __init__(
        self, path: Path, columns: Mapping[str, str], *, building: str, time_column: str = "timestamp",
        zone: str = "UTC", interval: str = "1h", resolution: float = 0.001, digits: int = 12, opening: float = 0.0,
        quantity: str = "energy_import", serials: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        recording = read_recording(path, time_column, in_recording(columns), zone)
        interval_ms = _interval_ms(path, interval, recording.times_ms)
        self.notes = recording.notes
        self.devices: dict[str, Device] = {}
        series: dict[Series, Readings] = {}
        for local, column in columns.items():
            serial = (serials or {}).get(local, f"replay-{local}")
            device = Device(
                point=f"{building}/{local}", serial=serial, model="replay", digits=digits, resolution=resolution,
                accuracy_class="", opening=opening,
            )  # fmt: skip
            self.devices[device.point] = device
            energy, notes = _plausible(recording.columns[column], column)
            self.notes += notes
            key = Series(device.point, serial, quantity)
            series[key] = registered(recording.times_ms, energy, interval_ms, device)
        super().__init__(building, series)


def _interval_ms(path: Path, interval: str, starts_ms: NDArray[np.int64]) -> int:
    """Raises :class:`ConfigError` for an interval that we do not know or that is longer than the rows are apart."""
    if interval not in INTERVALS_MS:
        raise ConfigError(f"{path}: interval {interval!r} is none of {', '.join(INTERVALS_MS)}")
    apart = int(np.diff(starts_ms).min()) if len(starts_ms) > 1 else INTERVALS_MS[interval]
    if apart < INTERVALS_MS[interval]:
        raise ConfigError(f"{path}: has rows {apart / 60_000:g} minutes apart, so an interval cannot last {interval}")
    return INTERVALS_MS[interval]


def _plausible(energy: NDArray[np.float64], column: str) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """A register does not run backwards: negative intervals are gaps, and said to be."""
    below = int((energy < 0).sum())
    note = (f"{column}: {below} negative intervals are played as gaps",) if below else ()
    return np.where(energy < 0, np.nan, energy), note


def registered(starts_ms: NDArray[np.int64], energy: NDArray[np.float64], interval_ms: int, device: Device) -> Readings:
    """Register readings of intervals that begin at ``starts_ms`` (rising; NaN = gap), in micro-units."""
    known = np.isfinite(energy)
    starts, energy = starts_ms[known], energy[known]
    if not len(starts):
        return Readings.empty()
    steps = np.round(((device.opening or 0.0) + np.concatenate(([0.0], np.cumsum(energy)))) / device.resolution)
    micro = steps.astype(np.int64) % 10**device.digits * round(device.resolution * MICRO)
    begins = np.concatenate(([True], starts[1:] != starts[:-1] + interval_ms))
    times = np.concatenate((starts[begins], starts + interval_ms))
    values = np.concatenate((micro[:-1][begins], micro[1:]))
    order = np.argsort(times, kind="stable")
    return Readings.of(times[order], values[order])


WEATHER_RESOLUTION: Final = 0.001


class ReplayStation(Recorded):
    """A weather station that plays columns of a CSV: ``columns`` maps quantities to the file's columns."""

    def __init__(
        self, path: Path, columns: Mapping[str, str], *, station: str, time_column: str = "timestamp", zone: str = "UTC"
    ) -> None:
        recording = read_recording(path, time_column, in_recording(columns), zone)
        self.notes = recording.notes
        series = {
            Series(f"{station}/weather", station, quantity): _gauge(recording.times_ms, recording.columns[column])
            for quantity, column in columns.items()
        }
        super().__init__(station, series)


def _gauge(times_ms: NDArray[np.int64], values: NDArray[np.float64]) -> Readings:
    known = np.isfinite(values)
    micro = np.round(values[known] / WEATHER_RESOLUTION).astype(np.int64) * round(WEATHER_RESOLUTION * MICRO)
    return Readings.of(times_ms[known], micro)
