"""What really flowed through a meter, and what its register would show of it at any instant, were nothing to go wrong.

The truth is one monotone count per quarter of an hour, linear in between, in whole micro-units of the register; a
device shows it from its hanging on, cut to its resolution and through its modulus. Ratios belong to devices.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

QUARTER_MS = 900_000
FOREVER_MS = 2**53


@dataclass(frozen=True)
class Flow:
    """Secondary micro-units that flowed in each quarter from ``begin_ms`` on."""

    begin_ms: int
    used: Sequence[int]
    total: list[int] = field(init=False)

    def __post_init__(self) -> None:
        total = [0]
        for each in self.used:
            total.append(total[-1] + each)
        object.__setattr__(self, "total", total)

    def until(self, time_ms: int) -> int:
        """What had flowed by then."""
        quarter, rest = divmod(time_ms - self.begin_ms, QUARTER_MS)
        if quarter < 0:
            return 0
        if quarter >= len(self.used):
            return self.total[-1]
        return self.total[quarter] + self.used[quarter] * rest // QUARTER_MS


class Hung(NamedTuple):
    """One device (or one ratio of it) at the point in [since_ms, until_ms); ``shown`` is its raw count at the start."""

    serial: str
    since_ms: int
    until_ms: int
    ratio: Fraction
    shown: int


class Step(NamedTuple):
    """From ``time_ms`` on the raw count of a device is that much higher: a kept jump, or a reset where negative."""

    serial: str
    time_ms: int
    micro: int


@dataclass(frozen=True)
class Truth:
    flow: Flow
    hung: tuple[Hung, ...]
    modulus: int
    resolution: int
    steps: tuple[Step, ...] = ()

    def at(self, time_ms: int) -> Hung:
        """What hangs there at an instant."""
        return self.hung[max(bisect_right([h.since_ms for h in self.hung], time_ms) - 1, 0)]

    def raw(self, device: Hung, time_ms: int) -> int:
        """The count of a device without end or resolution."""
        since = max(device.since_ms, self.flow.begin_ms)
        stepped = sum(s.micro for s in self.steps if s.serial == device.serial and s.time_ms <= time_ms)
        return device.shown + self.flow.until(time_ms) - self.flow.until(since) + stepped

    def shown(self, device: Hung, time_ms: int) -> int:
        """What its display says."""
        return (self.raw(device, time_ms) // self.resolution * self.resolution) % self.modulus

    def energy(self, start_ms: int, end_ms: int) -> Fraction:
        """What really flowed in [start, end), in primary micro-units, through all devices."""
        total = Fraction(0)
        for device in self.hung:
            low, high = max(start_ms, device.since_ms), min(end_ms, device.until_ms)
            if low < high:
                total += device.ratio * (self.flow.until(high) - self.flow.until(low))
        return total
