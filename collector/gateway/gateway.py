"""The gateway: polls its sources, keeps what they show in the outbox, drives the uplink; one bounded step at a time.

Each source is polled at its own period, at whole multiples of it. One that fails backs off alone. A source that knows
its past is first read up to now (:mod:`collector.gateway.backfill`), as long as the outbox is not too full of packs.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from collector.gateway.backfill import Backfill, batches
from collector.gateway.clockwork import Clockwork, boot_id, plausible
from collector.gateway.outbox import Batch, Outbox
from collector.gateway.uplink import Tally, Uplink
from submeter.clock import Clock
from submeter.wire.source import Past, Source
from submeter.words import (
    Block,
    ConfigError,
    GatewayStatus,
    Portfolio,
    Reading,
    Readings,
    Series,
    StoreAway,
    TheirsError,
)

log: Final = logging.getLogger(__name__)
STATUS_S: Final = 60.0
LONGEST_MS: Final = 900_000
"""a source that is away is asked again after at most so long"""
AHEAD_MS: Final = 1_000
PACKS_A_STEP: Final = 4
"""of a back-fill, kept in one transaction"""
UNWRITTEN: Final = 1_000
"""batches that wait in memory while the disk refuses them"""
DISK_S: Final = 5.0
"""a disk that refused is left alone for so long"""


@dataclass(slots=True, eq=False)
class Desk:
    """A source and when to ask it again (milliseconds of the clock)."""

    source: Source
    due_ms: int = 0
    failures: int = 0

    def is_due(self, now_ms: int) -> bool:
        """Also when the clock was set back by more than any wait: its readings are dropped then, but counted and told,
        which is better than silence."""
        return self.due_ms <= now_ms or self.due_ms - now_ms > 2 * LONGEST_MS + 2_000 * self.source.period_s

    def next(self, now_ms: int) -> None:
        """Due again at the next whole multiple of the period; a source that failed, later each time."""
        period = max(1, round(self.source.period_s * 1000))
        wait = min(LONGEST_MS, period * 2 ** min(self.failures, 20)) if self.failures else period
        self.due_ms = (now_ms // period) * period + max(period, wait // period * period)


class Gateway:
    """Raises :class:`Bug` from :meth:`step` when the uplink's thread has died; everything of *theirs* is counted.

    ``synced`` says whether the clock may be believed (default: :func:`~collector.gateway.clockwork.plausible`).
    ``backfill_packs``: while so many wait in the outbox, no past is read. ``quiet``: another process tells the status
    of this gateway. Two sources with one id are a :class:`ConfigError`.
    """

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
        quiet: bool = False,
    ) -> None:
        doubles = sorted(i for i, count in Counter(source.id for source in sources).items() if count > 1)
        if doubles:
            raise ConfigError(f"two sources are called {', '.join(doubles)}; give each an id of its own")
        self._outbox, self._uplink, self._portfolio, self._clock = outbox, uplink, portfolio, clock
        self._desks = [Desk(source) for source in sources]
        self._boot = boot or boot_id()
        self._clockwork = Clockwork(clock, synced or plausible(clock, outbox.newest_ms))
        self._backfill: Backfill | None = None
        self._backfill_packs, self._quiet = backfill_packs, quiet
        self._unwritten: list[Batch] = []
        self._heard: dict[str, int] = {}
        self.polls = 0
        self.errors = 0
        self.lost = 0
        """readings that nobody has any more: the disk refused them for too long"""
        self.ahead = 0
        """readings dropped since they were of the future"""
        self._wrong: dict[str, str] = {}
        self._disk_s = 0.0
        self._told: tuple[tuple[int, str], float] | None = None
        self._past = "being read" if any(isinstance(source, Past) for source in sources) else ""

    @property
    def progress(self) -> float | None:
        """The share of a running back-fill that has been read, None when none runs."""
        return self._backfill.progress if self._backfill else None

    @property
    def idle(self) -> bool:
        """Whether the past has been read and the store has confirmed all of it."""
        past = self._backfill
        return past is not None and not past.running and not self._unwritten and not self._outbox.waiting

    @property
    def tally(self) -> Tally:
        """What was sent, confirmed and put aside since the start."""
        return self._uplink.tally

    def step(self) -> float:
        """One bounded piece of work; returns the seconds that it may wait before the next."""
        busy = False
        if self._clockwork.synced():
            busy = self._fill()
        self._poll()
        self._write()
        wait = self._send()
        if not self._quiet:
            self._tell()
        return 0.0 if busy else min(wait, self._next_poll_s())

    def close(self) -> None:
        """Say good-bye (the will is only for deaths), close sources, link and outbox."""
        if self._unwritten:
            self._keep(self._unwritten, self._heard)  # the disk may have come back just now
        if self._uplink.connected and not self._quiet:
            self._uplink.tell(msgspec.structs.replace(self.status(), online=False))
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
        if not past.running or self._outbox.waiting >= self._backfill_packs or self._disk_rests():
            return False
        taken: list[Batch] = []
        cursors: dict[str, int] = {}
        for _ in range(PACKS_A_STEP):
            more, moved = past.take(now_ms, self._boot)
            taken.extend(more)
            cursors.update(moved)
        if not cursors:
            return False
        if self._keep(taken, cursors):
            return True
        past.rewind()
        return False

    def _keep(self, taken: Sequence[Batch], cursors: Mapping[str, int]) -> bool:
        """Issue and keep readings; False when the disk refuses them, and then it is left alone for a while."""
        try:
            self._outbox.append(taken, cursors)
        except StoreAway as fault:
            self._disk_s = self._clock.monotonic() + DISK_S
            self._complain("disk", str(fault))
            return False
        self._wrong.pop("disk", None)
        return True

    def _disk_rests(self) -> bool:
        return self._clock.monotonic() < self._disk_s

    # the present

    def _poll(self) -> None:
        now_ms = self._clock.now_ms()
        for desk in self._desks:
            if desk.is_due(now_ms) and not self._has_past_to_take(desk.source, now_ms):
                self._take(desk.source, self._ask(desk))

    def _has_past_to_take(self, source: Source, now_ms: int) -> bool:
        return self._backfill.busy(source, now_ms) if self._backfill else isinstance(source, Past)

    def _ask(self, desk: Desk) -> list[Reading]:
        now_ms = self._clock.now_ms()
        self.polls += 1
        try:
            readings = desk.source.poll(now_ms)
            desk.failures = 0
            self._wrong.pop(desk.source.id, None)
        except TheirsError as fault:
            desk.failures += 1
            self._complain(desk.source.id, f"{desk.source.id}: {fault}")
            readings = []
        desk.next(now_ms)
        return self._not_ahead(desk.source, readings)

    def _not_ahead(self, source: Source, readings: list[Reading]) -> list[Reading]:
        """Without readings from the future: once issued, such a time would keep all later ones out."""
        latest_ms = self._clock.now_ms() + AHEAD_MS
        taken = [r for r in readings if r.time_ms <= latest_ms]
        if len(taken) < len(readings):
            ahead = len(readings) - len(taken)
            self.errors += 1
            self.ahead += ahead
            log.warning("%s: %d readings are ahead of the clock; dropped", source.id, ahead)
        return taken

    def _take(self, source: Source, readings: list[Reading]) -> None:
        if not self._clockwork.synced():
            self._clockwork.hold(readings)
            return
        if self._clockwork.waiting:
            self._unwritten.extend(batches(_blocks(self._clockwork.release()), self._boot, "restamped"))
        self._unwritten.extend(batches(_blocks(readings), self._boot))
        if self._backfill and readings:
            self._heard.update(self._backfill.heard(source, max(r.time_ms for r in readings)))

    def _write(self) -> None:
        if not self._unwritten or (self._disk_rests() and len(self._unwritten) <= UNWRITTEN):
            return
        if self._keep(self._unwritten, self._heard):
            self._unwritten, self._heard = [], {}
            return
        self.lost += sum(len(block.readings) for batch in self._unwritten[:-UNWRITTEN] for block in batch.blocks)
        del self._unwritten[:-UNWRITTEN]

    def _send(self) -> float:
        before = self.tally.receipts
        try:
            wait = self._uplink.step()
        except StoreAway as fault:  # receipts that could not be booked: the packs go again
            self._complain("receipts", str(fault))
            return 1.0
        if self.tally.receipts > before:
            self._wrong.pop("receipts", None)
        return wait

    def _next_poll_s(self) -> float:
        due_ms = min((desk.due_ms for desk in self._desks), default=0)
        return min(0.2, max(0.0, (due_ms - self._clock.now_ms()) / 1000))

    # what it says of itself

    def _complain(self, of: str, text: str) -> None:
        """What is wrong with a source or the disk, until it is well again."""
        self.errors += 1
        self._wrong[of] = text
        log.warning("%s", text)

    def _tell(self) -> None:
        """Once a minute; at once on a new connection, and when the store has confirmed a whole past."""
        now_s = self._clock.monotonic()
        news = (self._uplink.connection, self._past_now())
        if not self._uplink.connected or (self._told and self._told[0] == news and now_s - self._told[1] < STATUS_S):
            return
        if self._uplink.tell(self.status()):
            self._told = (news, now_s)

    def _past_now(self) -> str:
        if self.progress is not None:
            self._past = "being read"
        elif self._past and self.idle:
            self._past = "confirmed"
        return self._past

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
            errors=self.errors + (self._backfill.errors if self._backfill else 0),
            clock=self._clockwork.state,
            text=self._text(),
            backfill=self.progress,
        )

    def _text(self) -> str:
        """What an engineer should know first."""
        counts = self._outbox.counts
        told = [*self._wrong.values(), self._uplink.complaint, self._backfill.complaint if self._backfill else ""]
        if not self._clockwork.synced():
            told.insert(0, f"the clock is not believed; {self._clockwork.waiting} readings wait for it")
        if self._outbox.full:
            told.insert(0, "the outbox is full; gauges are refused and registers thinned to hours")
        for count, what in (
            (self.lost, "lost: the disk refused them for too long"),
            (self._clockwork.lost, "lost: too many waited for the clock"),
            (self.ahead, "dropped that were ahead of the clock"),
            (counts.not_rising, "dropped whose times did not rise"),
            (counts.thinned, "thinned away, and no energy with them"),
            (counts.refused, "of gauges refused while the outbox was full"),
        ):
            if count:
                told.append(f"{count} readings {what}")
        return "; ".join(text for text in told if text)


def _blocks(readings: Iterable[Reading]) -> list[Block]:
    """Readings of one poll as columns, by series."""
    found: dict[Series, tuple[list[int], list[int]]] = {}
    for reading in readings:
        times, micro = found.setdefault(reading.series, ([], []))
        times.append(reading.time_ms)
        micro.append(reading.micro)
    return [Block(series, Readings.of(times, micro)) for series, (times, micro) in found.items()]
