"""Sources that know their past are read from where the outbox has them up to now, before they are polled.

All sources advance together, the one that is furthest behind first, so that a district fills evenly from its oldest
day on. How far a source has been taken is kept in the outbox, in the transaction of the packs: a killed back-fill
resumes there, without gap or double. A source that fails backs off alone.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from collector.gateway.outbox import Batch, Outbox
from submeter.wire.source import Past, Source
from submeter.words import Block, Readings, Series, TheirsError

log: Final = logging.getLogger(__name__)
PACK_READINGS: Final = 8_000
"""slices are gathered until a pack has about so many"""


GAP_MS: Final = 60_000


class PastSource(Source, Past, Protocol):
    """A source that also knows its past."""


@dataclass(slots=True, eq=False)
class Stream:
    """The past of one source on its way. Times are milliseconds; ``cursor`` is where the next slice begins."""

    source: PastSource
    start_ms: int
    cursor_ms: int
    end_ms: int
    slices: Iterator[list[Block]] | None = None
    finished: bool = False
    failures: int = 0
    retry_ms: int = 0

    def take(self, now_ms: int) -> list[Block]:
        """The next slices, as many as make a pack; marks the stream finished when it has come to now."""
        taken: dict[Series, list[Readings]] = {}
        count = 0
        if self.slices is None:
            self.slices = self.source.history(self.cursor_ms, self.end_ms)
        while count < PACK_READINGS:
            piece = next(self.slices, None)
            if piece is None:
                self._reach(now_ms)
                break
            for block in piece:
                if len(block.readings):
                    taken.setdefault(block.series, []).append(block.readings)
                    count += len(block.readings)
                    self.cursor_ms = max(self.cursor_ms, int(block.readings.times[-1].astype(np.int64)) + 1)
        return [Block(series, _join(parts)) for series, parts in taken.items()]

    def _reach(self, now_ms: int) -> None:
        """The end of a span: go on to now, or be done when hardly anything has passed meanwhile."""
        self.cursor_ms, self.slices = max(self.cursor_ms, self.end_ms), None
        self.finished = now_ms - self.end_ms <= max(GAP_MS, round(self.source.period_s * 1000))
        self.end_ms = now_ms

    def rewind(self, cursor_ms: int) -> None:
        self.cursor_ms, self.slices, self.finished = cursor_ms, None, False


@dataclass(slots=True, eq=False)
class Backfill:
    """The pasts of all sources that have one. ``complaint``: why one last could not be read, ``errors``: how often."""

    outbox: Outbox
    errors: int = 0
    complaint: str = ""
    _streams: dict[str, Stream] = field(default_factory=dict)

    @staticmethod
    def of(sources: Sequence[Source], outbox: Outbox, now_ms: int) -> "Backfill":
        streams = {}
        for source in sources:
            if isinstance(source, Past):
                start = source.history_start_ms()
                streams[source.id] = Stream(source, start, outbox.cursor(source.id) or start, now_ms)
        return Backfill(outbox, _streams=streams)

    @property
    def streams(self) -> list[Stream]:
        return list(self._streams.values())

    @property
    def running(self) -> bool:
        return any(not s.finished for s in self.streams)

    @property
    def progress(self) -> float | None:
        """The share of all pasts that has been taken, 0 to 1; None when none is left to take."""
        if not self.running:
            return None
        spans = sum(max(1, s.end_ms - s.start_ms) for s in self.streams)
        return min(1.0, sum(max(0, s.cursor_ms - s.start_ms) for s in self.streams) / spans)

    def busy(self, source: Source, now_ms: int) -> bool:
        """Whether a source's past is still being taken (then it is not polled: times must rise).

        One that was not heard for several periods (it was away, or we were) has a past to take again.
        """
        stream = self._streams.get(source.id)
        if stream is None:
            return False
        if stream.finished and now_ms - stream.cursor_ms > max(GAP_MS, 3_000 * source.period_s):
            stream.finished, stream.end_ms = False, now_ms
        return not stream.finished

    def heard(self, source: Source, time_ms: int) -> dict[str, int]:
        """A source was polled: its past is taken up to this reading."""
        stream = self._streams.get(source.id)
        if stream is None:
            return {}
        stream.cursor_ms = max(stream.cursor_ms, time_ms + 1)
        return {source.id: stream.cursor_ms}

    def take(self, now_ms: int, boot: str) -> tuple[list[Batch], dict[str, int]]:
        """The next pack of the stream that is furthest behind, and its new cursor; nothing when all wait."""
        ready = [s for s in self.streams if not s.finished and s.retry_ms <= now_ms]
        if not ready:
            return [], {}
        stream = min(ready, key=lambda s: s.cursor_ms)
        before = stream.cursor_ms
        try:
            blocks = stream.take(now_ms)
        except TheirsError as fault:
            self.errors += 1
            stream.failures += 1
            stream.retry_ms = now_ms + min(900_000, 5_000 * 2 ** min(stream.failures, 10))
            stream.rewind(before)
            self.complaint = f"{stream.source.id}: its past cannot be read: {fault}"
            log.warning("%s", self.complaint)
            return [], {}
        stream.failures = 0
        return batches(blocks, boot), {stream.source.id: stream.cursor_ms}

    def rewind(self) -> None:
        """What was taken last could not be kept: begin again where the outbox stands."""
        for s in self.streams:
            kept_ms = self.outbox.cursor(s.source.id) or s.start_ms
            if s.cursor_ms != kept_ms:
                s.rewind(kept_ms)


def batches(blocks: Sequence[Block], boot: str, clock: str = "synced") -> list[Batch]:
    """Blocks by building: one pack speaks for one."""
    found: dict[str, list[Block]] = {}
    for block in blocks:
        found.setdefault(block.series.point.partition("/")[0], []).append(block)
    return [Batch(building, of, boot, clock) for building, of in found.items()]


def _join(parts: Sequence[Readings]) -> Readings:
    if len(parts) == 1:
        return parts[0]
    return Readings(np.concatenate([p.times for p in parts]), np.concatenate([p.micro for p in parts]))
