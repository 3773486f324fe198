"""The gateway: polls its sources, keeps what they show in the outbox, drives the uplink; one bounded step at a time.

Each source is polled at its own period, at whole multiples of it. One that fails backs off alone. A source that knows
its past is first read up to now (:mod:`collector.gateway.backfill`), as long as the outbox is not too full of packs.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from collector.gateway.backfill import Backfill, batches
from collector.gateway.clockwork import Clockwork, boot_id, plausible
from collector.gateway.outbox import Batch, Outbox
from collector.gateway.uplink import Uplink
from submeter.clock import Clock
from submeter.wire.source import Source
from submeter.words import Block, GatewayStatus, Portfolio, Reading, Readings, Series, StoreAway, TheirsError

log: Final = logging.getLogger(__name__)
STATUS_S: Final = 60.0
LONGEST_MS: Final = 900_000
"""a source that is away is asked again after at most so long"""
PACKS_A_STEP: Final = 4
"""of a back-fill, kept in one transaction"""
UNWRITTEN: Final = 1_000
"""batches that wait in memory while the disk refuses them"""


@dataclass(slots=True, eq=False)
class Desk:
    """A source and when to ask it again (milliseconds of the clock)."""

    source: Source
    due_ms: int = 0
    failures: int = 0

    def next(self, now_ms: int) -> None:
        """Due again at the next whole multiple of the period; a source that failed, later each time."""
        period = max(1, round(self.source.period_s * 1000))
        wait = min(LONGEST_MS, period * 2 ** min(self.failures, 20)) if self.failures else period
        self.due_ms = (now_ms // period) * period + max(period, wait // period * period)


class Gateway:
    """Raises :class:`Bug` from :meth:`step` when the uplink's thread has died; everything of *theirs* is counted."""

    def __init__(
        self,
        *,
        sources: Sequence[Source],
        outbox: Outbox,
        uplink: Uplink,
        portfolio: Callable[[], Portfolio],
        clock: Clock,
        synced: Callable[[], bool] | None = None,
        boot: str = "",
        backfill_packs: int = 64,
    ) -> None:
        self._outbox, self._uplink, self._portfolio, self._clock = outbox, uplink, portfolio, clock
        self._desks = [Desk(source) for source in sources]
        self._boot = boot or boot_id()
        self._clockwork = Clockwork(clock, synced or plausible(clock, outbox.newest_ms))
        self._backfill: Backfill | None = None
        self._backfill_packs = backfill_packs
        self._unwritten: list[Batch] = []
        self.polls = 0
        self.errors = 0
        self.text = ""
        self._told: tuple[int, float] | None = None

    @property
    def progress(self) -> float | None:
        """The share of a running back-fill that has been read, None when none runs."""
        return self._backfill.progress if self._backfill else None

    def step(self) -> float:
        """One bounded piece of work; returns the seconds that it may wait before the next."""
        busy = False
        if self._clockwork.synced():
            busy = self._fill()
        self._poll()
        self._write()
        wait = self._uplink.step()
        self._tell()
        return 0.0 if busy else min(wait, self._next_poll_s())

    def close(self) -> None:
        """Close sources, link and outbox."""
        for desk in self._desks:
            desk.source.close()
        self._uplink.close()
        self._outbox.close()

    # the past

    def _fill(self) -> bool:
        """A few packs of the past, in one transaction; whether there is more to do at once."""
        now_ms = self._clock.now_ms()
        if self._backfill is None:
            self._backfill = Backfill.of([desk.source for desk in self._desks], self._outbox, now_ms)
        past = self._backfill
        if not past.running or self._outbox.waiting >= self._backfill_packs:
            return False
        taken: list[Batch] = []
        cursors: dict[str, int] = {}
        for _ in range(PACKS_A_STEP):
            more, moved = past.take(now_ms, self._boot)
            taken.extend(more)
            cursors.update(moved)
        if not cursors:
            return False
        try:
            self._outbox.append(taken, cursors)
        except StoreAway as fault:
            self._complain(str(fault))
            past.rewind()
            return False
        return True

    # the present

    def _poll(self) -> None:
        now_ms = self._clock.now_ms()
        for desk in self._desks:
            if desk.due_ms <= now_ms and not (self._backfill and self._backfill.busy(desk.source.id)):
                self._take(self._ask(desk))

    def _ask(self, desk: Desk) -> list[Reading]:
        now_ms = self._clock.now_ms()
        self.polls += 1
        try:
            readings = desk.source.poll(now_ms)
            desk.failures = 0
        except TheirsError as fault:
            desk.failures += 1
            self._complain(f"{desk.source.id}: {fault}")
            readings = []
        desk.next(now_ms)
        return readings

    def _take(self, readings: list[Reading]) -> None:
        if not self._clockwork.synced():
            self._clockwork.hold(readings)
            return
        if self._clockwork.waiting:
            self._unwritten.extend(batches(_blocks(self._clockwork.release()), self._boot, "restamped"))
        self._unwritten.extend(batches(_blocks(readings), self._boot))

    def _write(self) -> None:
        if not self._unwritten:
            return
        try:
            self._outbox.append(self._unwritten)
            self._unwritten = []
        except StoreAway as fault:
            self._complain(str(fault))
            del self._unwritten[:-UNWRITTEN]

    def _next_poll_s(self) -> float:
        due_ms = min((desk.due_ms for desk in self._desks), default=0)
        return min(0.2, max(0.0, (due_ms - self._clock.now_ms()) / 1000))

    # what it says of itself

    def _complain(self, text: str) -> None:
        self.errors += 1
        self.text = text
        log.warning("%s", text)

    def _tell(self) -> None:
        now_s = self._clock.monotonic()
        connection = self._uplink.connection
        if not self._uplink.connected or (
            self._told and self._told[0] == connection and now_s - self._told[1] < STATUS_S
        ):
            return
        if self._uplink.tell(self.status()):
            self._told = (connection, now_s)

    def status(self) -> GatewayStatus:
        """What the gateway says of itself now."""
        mine = self._portfolio().gateways.get(self._uplink.gateway)
        return GatewayStatus(
            id=self._uplink.gateway,
            building=mine.buildings[0] if mine and mine.buildings else self._uplink.gateway,
            told_ms=self._clock.now_ms(),
            waiting=self._outbox.waiting,
            oldest_ms=self._outbox.oldest_ms(),
            polls=self.polls,
            errors=self.errors,
            clock=self._clockwork.state,
            text=self.text,
            backfill=self.progress,
        )


def _blocks(readings: Iterable[Reading]) -> list[Block]:
    """Readings of one poll as columns, by series."""
    found: dict[Series, tuple[list[int], list[int]]] = {}
    for reading in readings:
        times, micro = found.setdefault(reading.series, ([], []))
        times.append(reading.time_ms)
        micro.append(reading.micro)
    return [Block(series, Readings.of(times, micro)) for series, (times, micro) in found.items()]
