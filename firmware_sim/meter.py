"""A meter's register: it counts energy divided by the transformers' ratio, shows whole steps of its resolution, and
rolls over.

Strategy: the true cumulative count is float kWh since the world began plus an opening; what the meter shows is its
floor on the resolution's grid, modulo its digits, as int64 micro-units. A fault of the meter changes what it counts
(``gain``), whether it counts at all (``hold``), what it shows (``shift``) or whether it answers (``silent``).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from firmware_sim.seeds import stream
from submeter.words import MICRO, Device

Span = tuple[int, int]
"""Half-open, in milliseconds since 1970 UTC."""


@dataclass(frozen=True, slots=True, eq=False)
class Register:
    """``count[i]``: what the counter holds at the start of quarter-hour ``first + i``, in its own units, never rolled
    over; one longer than the grid. ``shifts``: spans in which it shows something else (None = 0, else units more);
    ``silent``: spans without an answer."""

    device: Device
    first: int
    count: NDArray[np.float64]
    silent: tuple[Span, ...] = ()
    shifts: tuple[tuple[Span, float | None], ...] = ()
    step: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "step", round(self.device.resolution * MICRO))

    def shown(self, count: NDArray[np.float64]) -> NDArray[np.int64]:
        """Counts as the display shows them, micro-units."""
        steps = np.floor(count / self.device.resolution + 1e-6).astype(np.int64)
        return np.asarray(steps % 10**self.device.digits * self.step)

    def history(self, start: int, end: int, every: int = 1) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Times (ms) and micro-units at the boundaries of quarter-hours [start, end) whose number ``every`` divides."""
        begin = max(-(-start // every) * every, self.first)
        numbers = np.arange(begin, min(end, self.first + len(self.count)), every, dtype=np.int64)
        times, micro = numbers * 900_000, self.shown(self.count[numbers - self.first])
        for (a, b), shift in self.shifts:
            inside = (times >= a) & (times < b)
            micro[inside] = self._shifted(micro[inside], shift)
        for a, b in self.silent:
            heard = (times < a) | (times >= b)
            times, micro = times[heard], micro[heard]
        return times, micro

    def read(self, now_ms: int) -> int | None:
        """What it shows at any time; None when it does not answer."""
        if any(a <= now_ms < b for a, b in self.silent):
            return None
        micro = self.shown(np.array([self.held(now_ms)]))
        for (a, b), shift in self.shifts:
            if a <= now_ms < b:
                micro = self._shifted(micro, shift)
        return int(micro[0])

    def held(self, now_ms: int) -> float:
        """The counter between two quarter-hours: a straight line, cut so that it never passes the later one."""
        row, rest = divmod(now_ms, 900_000)
        i = row - self.first
        before, after = float(self.count[i]), float(self.count[i + 1])
        return before + (after - before) * rest / 900_000

    def power_w(self, now_ms: int) -> float:
        """Mean power of the quarter-hour as the meter shows it (before the ratio)."""
        i = now_ms // 900_000 - self.first
        return float(self.count[i + 1] - self.count[i]) * 4000

    def _shifted(self, micro: NDArray[np.int64], shift: float | None) -> NDArray[np.int64]:
        if shift is None:
            return np.zeros_like(micro)
        span = 10**self.device.digits * self.step
        return np.asarray((micro + round(shift / self.device.resolution) * self.step) % span)


def opening(seed: int, device: Device) -> float:
    """What a meter had counted before the world began: its own opening, else some years of use; one in twenty-five
    stands just before its rollover."""
    if device.opening is not None:
        return device.opening
    span = 10**device.digits * device.resolution
    draw = stream(seed, "opening", device.point, device.serial)
    near = draw.uniform() < 0.04
    return float(span * (draw.uniform(0.985, 0.9995) if near else draw.uniform(0.02, 0.4)))


def count(
    energy: NDArray[np.float64],
    device: Device,
    begin: float,
    gain: NDArray[np.float64] | None = None,
    holds: tuple[tuple[int, int], ...] = (),
) -> NDArray[np.float64]:
    """The counter at every boundary of the energy's quarter-hours, in the register's units.

    ``holds``: rows [a, b) in which the counter stands still, to jump to where it would be at b.
    """
    counted = (energy if gain is None else energy * gain) / float(device.ratio)
    out = np.empty(len(energy) + 1)
    out[0] = begin
    np.cumsum(counted, out=out[1:])
    out[1:] += begin
    for a, b in holds:
        out[a:b] = out[a]
    return out
