"""A pack on its way through intake: what it came to, record by record, and the receipt that follows from it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from collector.intake import quarantine, waiting
from collector.intake.lots import Lot, arrange
from collector.intake.reasons import Reason
from collector.intake.rules import Judged, Refused
from submeter.wire.mqtt import Message
from submeter.wire.receipt import Receipt, Rejected
from submeter.wire.senml import BadRecord
from submeter.words import Entry, Held

LISTED: Final = 100
"""rejected records that a receipt lists at most"""


@dataclass(slots=True)
class Tally:
    """What became of a pack's records, each counted once."""

    stored: int = 0
    again: int = 0
    held: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)
    rejected: list[Rejected] = field(default_factory=list)

    def refuse(self, refused: Refused) -> None:
        self.reasons[refused.reason] += len(refused.run.index)
        self.rejected.extend(Rejected(i, refused.reason, refused.text) for i in refused.run.index[:LISTED].tolist())

    def refuse_one(self, record: int, reason: Reason, text: str) -> None:
        """One record by its position, -1 = the whole pack."""
        self.reasons[reason] += 1
        if len(self.rejected) < 10 * LISTED:
            self.rejected.append(Rejected(record, reason, text))

    @property
    def receipt(self) -> Receipt:
        return Receipt(
            stored=self.stored,
            again=self.again,
            held=self.held,
            quarantined=self.reasons.total(),
            rejected=tuple(sorted(self.rejected, key=lambda r: r.record)[:LISTED]),
        )


@dataclass(slots=True)
class Pack:
    """A message on its way through a step."""

    message: Message
    digest: str
    tally: Tally = field(default_factory=Tally)
    lots: list[Lot] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    building: str = ""
    gateway: str = ""

    def refuse(self, refused: Refused, arrived_ms: int) -> None:
        self.tally.refuse(refused)
        self.entries.extend(quarantine.entries_of(refused, self.building, self.gateway, arrived_ms))

    def refuse_whole(self, reason: Reason, text: str, arrived_ms: int) -> None:
        self.tally.refuse_one(-1, reason, text)
        payload = self.message.payload
        self.entries.append(quarantine.entry_of_payload(reason, text, payload, self.building, self.gateway, arrived_ms))

    def refuse_bad(self, bad: Sequence[BadRecord], arrived_ms: int) -> None:
        for one in bad:
            self.tally.refuse_one(one.index, Reason.BAD_RECORD, one.text)
        self.entries.extend(quarantine.entries_of_bad(bad, self.building, self.gateway, arrived_ms))

    def take(self, judged: Judged, arrived_ms: int) -> None:
        self.lots, again, contradictions = arrange(judged.accepted)
        self.tally.again += again
        for refused in (*judged.refused, *contradictions):
            self.refuse(refused, arrived_ms)
        for rows in judged.held:
            self.tally.held += len(rows.index)
            self.held.extend(waiting.entries_of(rows, self.building, self.gateway, arrived_ms))
