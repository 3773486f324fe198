"""One clock handed to all parts: a fast or replayed world starts in the past and never passes the wall clock."""

import time
from typing import Protocol


class Clock(Protocol):
    """Milliseconds since 1970 UTC, and a monotonic count of seconds for waiting."""

    def now_ms(self) -> int: ...

    def monotonic(self) -> float: ...


class WallClock:
    """The real one."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()


class FastClock:
    """Starts at ``start_ms`` and runs ``speed`` times as fast until it meets the wall clock; from then on it is it."""

    def __init__(self, start_ms: int, speed: float, wall: Clock | None = None) -> None:
        self._wall = wall or WallClock()
        self._start_ms = start_ms
        self._speed = speed
        self._begun_ms = self._wall.now_ms()

    def now_ms(self) -> int:
        wall_ms = self._wall.now_ms()
        return min(wall_ms, self._start_ms + int((wall_ms - self._begun_ms) * self._speed))

    def monotonic(self) -> float:
        return self._wall.monotonic()


class HandClock:
    """For tests: stands still until told otherwise."""

    def __init__(self, now_ms: int = 0) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic(self) -> float:
        return self._now_ms / 1000

    def advance(self, seconds: float) -> None:
        self._now_ms += round(seconds * 1000)

    def set(self, now_ms: int) -> None:
        self._now_ms = now_ms
