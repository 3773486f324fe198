"""Imports: readings that a person brings, in a file or read by hand, judged by the rules that a gateway's are.

They do not travel over MQTT but go straight to the store, by the same functions that intake uses after the wire
(rules, lots, the feed). A person is there to hear at once which rows were refused and why, so there is nothing to put
into quarantine; the store's own confirmation is the receipt; and an import works while broker and collector are down.
What is kept of the way is who brought it: an :class:`~submeter.words.Import`, in the same transaction.

The rules know gateways; a person is taken for one that may speak for every building. A time still to come is refused
and not held: whoever reads a meter tomorrow can say so tomorrow.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import msgspec
import numpy as np

from collector.intake.lots import Lot, arrange, refused_by_store
from collector.intake.roster import Roster
from collector.intake.rules import Judged, Refused, judge, show_time
from submeter.stores import Store
from submeter.wire.senml import Run
from submeter.wire.topic import Topic
from submeter.words import Block, Gateway, Import, Portfolio, Readings, Written

GATEWAY = "import"
"""the name under which the rules see a person"""


class Said(NamedTuple):
    """What stands with every reading: who brought it, out of what, and why. ``mark`` is the same when the same file
    (or reading) is brought again."""

    author: str
    source: str
    reason: str
    mark: str


class Refusal(NamedTuple):
    """A row that is not taken, by its line, and the sentence why."""

    line: int
    text: str
    reason: str = ""
    """one of :class:`~collector.intake.reasons.Reason`, '' = a row that could not be read at all"""


@dataclass(slots=True)
class Outcome:
    """What became of the rows so far, each counted once."""

    stored: int = 0
    again: int = 0
    refused: list[Refusal] = field(default_factory=list)
    points: set[str] = field(default_factory=set)

    def add(self, other: "Outcome") -> None:
        self.stored += other.stored
        self.again += other.again
        self.refused += other.refused
        self.points |= other.points


def person(portfolio: Portfolio) -> Roster:
    """The portfolio as the rules see it when a person speaks."""
    places = (*portfolio.buildings, *portfolio.stations)
    gateways = {**portfolio.gateways, GATEWAY: Gateway(id=GATEWAY, buildings=places)}
    return Roster(replace(portfolio, gateways=gateways))


def bring(
    store: Store, roster: Roster, building: str, runs: Sequence[Run], said: Said, now_ms: int, *, dry: bool = False
) -> Outcome:
    """Judge and keep readings of one building; ``index`` of each run holds lines. Written when it returns.

    ``dry``: judge and compare with what is stored, and write nothing.
    """
    judged = judge(Topic(roster.tenant, building, GATEWAY, "readings"), runs, roster, now_ms, 0)
    lots, again, contradictions = arrange(judged.accepted)
    outcome = Outcome(again=again, points={lot.block.series.point for lot in lots})
    outcome.refused += [each for refused in (*judged.refused, *contradictions) for each in _refusals(refused)]
    outcome.refused += list(_early(judged))
    if dry:
        answers = [_compared(store, lot.block) for lot in lots]
        _count(outcome, lots, answers)
        return outcome
    with store.writing():
        answers = store.write_readings([lot.block for lot in lots])
        _count(outcome, lots, answers)
        if lots:
            store.touch(lot.span for lot in lots)
            _note(store, building, lots, said, outcome.stored, now_ms)
    return outcome


def _count(outcome: Outcome, lots: Sequence[Lot], answers: Sequence[Written]) -> None:
    for lot, answer in zip(lots, answers, strict=True):
        outcome.stored += answer.stored
        outcome.again += answer.again
        for refused in refused_by_store(lot, answer):
            outcome.refused += _refusals(refused)


def _refusals(refused: Refused) -> list[Refusal]:
    """One for each line. The sentence is about the first; the others have the same reason."""
    first, *others = refused.run.index.tolist()
    same = f"for the same reason as line {first} ({refused.reason})"
    reason = str(refused.reason)
    return [Refusal(first, refused.text, reason), *(Refusal(line, same, reason) for line in others)]


def _early(judged: Judged) -> Iterator[Refusal]:
    for rows in judged.held:
        yield from (
            Refusal(
                line,
                f"{rows.series.point}: {show_time(time_ms)} is still to come; correct the time or the zone",
                "future",
            )
            for line, time_ms in zip(rows.index.tolist(), rows.times_ms.tolist(), strict=True)
        )


def _compared(store: Store, block: Block) -> Written:
    """What a store would say of a block."""
    times, micro = block.readings.times.astype(np.int64), block.readings.micro
    kept: Readings = store.read_readings(block.series, int(times[0]), int(times[-1]) + 1)
    held = dict(zip(kept.times.astype(np.int64).tolist(), kept.micro.tolist(), strict=True))
    found = [held.get(time) for time in times.tolist()]
    other = [row for row, value in enumerate(found) if value is not None and value != int(micro[row])]
    again = sum(value is not None for value in found) - len(other)
    return Written(len(found) - again - len(other), again, np.array(other, np.intp))


def _note(store: Store, building: str, lots: Sequence[Lot], said: Said, stored: int, now_ms: int) -> None:
    """Who brought it: one entry for a file and building, grown piece by piece; brought again, it stays as it was."""
    name = f"{said.mark}:{building}"
    kept = next((each for each in store.entries(Import, building) if each.id == name), None)
    points = tuple(sorted({lot.block.series.point for lot in lots}))
    start_ms, end_ms = min(lot.start_ms for lot in lots), max(lot.end_ms for lot in lots)
    if kept is None:
        fresh = Import(
            id=name, building=building, author=said.author, source=said.source, reason=said.reason, points=points,
            start_ms=start_ms, end_ms=end_ms, stored=stored, told_ms=now_ms,
        )  # fmt: skip
    else:
        fresh = msgspec.structs.replace(
            kept,
            points=tuple(sorted({*kept.points, *points})),
            start_ms=min(kept.start_ms, start_ms),
            end_ms=max(kept.end_ms, end_ms),
            stored=kept.stored + stored,
        )
    if fresh != kept:
        store.put(fresh)
