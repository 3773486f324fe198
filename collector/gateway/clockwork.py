"""Whether the clock may be believed. A Raspberry Pi has no battery clock and boots into the past.

Readings taken before the clock is right wait in memory with the monotonic second they were taken at; once it is right
they are stamped anew by the monotonic difference and go out as ``clock: restamped``. (What waits is lost with the
power: after the next boot nobody could say when it was.) The number that may wait is bounded; the oldest are dropped,
and counted.
"""

from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from submeter.clock import Clock, WallClock
from submeter.words import Reading

BUILT_MS: Final = 1_767_225_600_000
"""2026-01-01: no wall clock is right that shows an earlier time"""
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """What the kernel calls this boot, shortened; 'unknown' where there is no such kernel."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()[:8]
    except OSError:
        return "unknown"


def plausible(clock: Clock, newest_ms: int) -> Callable[[], bool]:
    """The default judgement: not before this program was written (wall clocks only), nor before what was issued."""
    floor = max(newest_ms, BUILT_MS if isinstance(clock, WallClock) else 0)
    return lambda: clock.now_ms() >= floor


def told_by_systemd(flag: Path = Path("/run/systemd/timesync/synchronized")) -> Callable[[], bool]:
    """For machines whose time comes through systemd-timesyncd: it touches this file at its first success."""
    return flag.exists


class Clockwork:
    """``synced`` is asked until it says yes; from then on the clock is believed."""

    def __init__(self, clock: Clock, synced: Callable[[], bool], *, limit: int = 100_000) -> None:
        self._clock, self._ask, self._limit = clock, synced, limit
        self._held: deque[tuple[Reading, float]] = deque()
        self._synced = False
        self.lost = 0

    @property
    def waiting(self) -> int:
        return len(self._held)

    @property
    def state(self) -> str:
        return "synced" if self._synced else "unsynced"

    def synced(self) -> bool:
        self._synced = self._synced or self._ask()
        return self._synced

    def hold(self, readings: Iterable[Reading]) -> None:
        """Keep readings whose time is that of the unbelieved clock."""
        now_ms, now_s = self._clock.now_ms(), self._clock.monotonic()
        for reading in readings:
            self._held.append((reading, now_s - (now_ms - reading.time_ms) / 1000))
            if len(self._held) > self._limit:
                self._held.popleft()
                self.lost += 1

    def release(self) -> list[Reading]:
        """What was held, in order, stamped by the clock that is now believed."""
        now_ms, now_s = self._clock.now_ms(), self._clock.monotonic()
        stamped = [r._replace(time_ms=now_ms - round((now_s - taken_s) * 1000)) for r, taken_s in self._held]
        self._held.clear()
        return stamped
