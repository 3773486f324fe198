"""Pretend meters that the gateway's tests poll: what they show is a plain function of time."""

from collections.abc import Callable, Iterator

import numpy as np

from submeter.words import Block, Reading, Readings, Series, SourceAway

QUARTER_MS = 900_000
DAY_MS = 86_400_000


def shown(time_ms: int) -> int:
    """What every register shows at a time: a watt-hour a second."""
    return time_ms


def series_of(building: str, i: int) -> Series:
    return Series(f"{building}/m{i}", f"SN{i}", "energy_import")


class Live:
    """A bus with ``meters`` meters; ``away`` turns it off."""

    def __init__(self, building: str, meters: int = 2, period_s: float = 60.0) -> None:
        self.id, self.period_s, self.meters = building, period_s, meters
        self.away = False
        self.asked: list[int] = []
        self.time: Callable[[int], int] = lambda now_ms: now_ms

    def poll(self, now_ms: int) -> list[Reading]:
        self.asked.append(now_ms)
        if self.away:
            raise SourceAway(f"{self.id} does not answer; is it plugged in?")
        return [Reading(series_of(self.id, i), self.time(now_ms), shown(now_ms)) for i in range(self.meters)]

    def close(self) -> None:
        pass


class Remembering(Live):
    """Knows its past from ``start_ms`` on, every quarter-hour, in slices of ``slice_ms``."""

    def __init__(self, building: str, start_ms: int, meters: int = 2, slice_ms: int = DAY_MS) -> None:
        super().__init__(building, meters)
        self.start_ms, self.slice_ms = start_ms, slice_ms
        self.spans: list[tuple[int, int]] = []
        self.breaks_at_ms: int | None = None

    def history_start_ms(self) -> int:
        return self.start_ms

    def history(self, start_ms: int, end_ms: int) -> Iterator[list[Block]]:
        self.spans.append((start_ms, end_ms))
        begin = -(-start_ms // QUARTER_MS) * QUARTER_MS
        for a in range(begin, end_ms, self.slice_ms):
            if self.breaks_at_ms is not None and a >= self.breaks_at_ms:
                raise SourceAway(f"{self.id}: the load profile cannot be read")
            times = np.arange(a, min(end_ms, a + self.slice_ms), QUARTER_MS)
            yield [Block(series_of(self.id, i), Readings.of(times, times)) for i in range(self.meters)]


def quarters(start_ms: int, end_ms: int) -> list[int]:
    """The instants of a past in [start, end)."""
    return list(range(-(-start_ms // QUARTER_MS) * QUARTER_MS, end_ms, QUARTER_MS))
