"""What intake counts of itself, and what it says of itself as a status entry."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from collector.intake.pack import Tally
from collector.intake.reasons import Reason
from submeter.words import GatewayStatus

ID: Final = "collector"
"""id of the collector's own status entry; no gateway may be named so"""


@dataclass(slots=True)
class Health:
    """Counts since the start. ``cpu_us`` is the CPU time of the intake's thread inside of steps that had packs."""

    packs: int = 0
    stored: int = 0
    again: int = 0
    held: int = 0
    waiting: int = 0
    """held readings whose time has not come"""
    quarantined: Counter[Reason] = field(default_factory=Counter)
    receipts: int = 0
    unanswered: int = 0
    """receipts that could not be handed over; their packs come again"""
    away: int = 0
    """how often the store was away"""
    returned: int = 0
    """records that came back from quarantine"""
    cpu_us: float = 0.0

    @property
    def readings(self) -> int:
        return self.stored + self.again + self.held + self.quarantined.total()

    def count(self, tally: Tally) -> None:
        self.packs += 1
        self.stored += tally.stored
        self.again += tally.again
        self.held += tally.held
        self.quarantined += tally.reasons

    @contextmanager
    def timing(self) -> Iterator[None]:
        begun = time.thread_time_ns()
        try:
            yield
        finally:
            self.cpu_us += (time.thread_time_ns() - begun) / 1000

    def status(self, now_ms: int, inbox: int) -> GatewayStatus:
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in self.quarantined.most_common())
        text = (
            f"{self.stored:,} readings stored, {self.again:,} again, {self.waiting:,} waiting for their time; "
            f"quarantined: {reasons or 'none'}; {self.cpu_us / max(self.readings, 1):.1f} µs a reading"
        )
        if self.away:
            text += f"; attempts to write that the store did not take: {self.away:,}"
        if self.unanswered:
            text += f"; packs that come again, for their receipt could not be handed over: {self.unanswered:,}"
        return GatewayStatus(
            id=ID, told_ms=now_ms, waiting=inbox, oldest_ms=0, polls=self.packs,
            errors=self.quarantined.total(), text=text,
        )  # fmt: skip
