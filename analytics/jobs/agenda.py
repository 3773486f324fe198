"""Which building is to be studied: what is new at each since its last study, kept over a kill.

Studies (baselines, findings, savings) are dear, so a building has one when a new or another hour was settled and some
minutes have passed, and while the past is still being read only a first one. How far back the oldest hour lies that no
study has seen is kept as a cursor, written in the transaction that settles it and cleared after the study.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from submeter.clock import Clock
from submeter.stores.port import Store

STUDY_EVERY_S = 300.0
STUDY_HOURS = 1
"""new or changed hours of a building (all its meters together) without which no study is due"""
FIRST_STUDY_S = 60 * 86_400
LAGGING_STUDY_S = 900.0
"""while the past is still being read, a building with sixty days is studied this seldom; at its end all are, at once"""
UNSTUDIED = "unstudied"
"""with a building's id: the oldest hour (epoch s) that no study has seen, 0 = all were"""
NEVER_S = 2**53


@dataclass(slots=True)
class Progress:
    """What is new at a building since its last study."""

    hours: int = 0
    first_s: int = NEVER_S
    last_s: int = -NEVER_S
    oldest_s: int = NEVER_S
    """the oldest hour that changed since a study of the whole record"""
    studied_s: float | None = None
    """monotonic time of the last study"""
    partial: bool = False
    """whether the past was still being read then"""


class Agenda:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._progress: dict[str, Progress] = {}
        self._begun_s = clock.monotonic()

    def of(self, building: str) -> Progress:
        """A building's progress; at first what an earlier life left to be studied."""
        if building not in self._progress:
            self._progress[building] = Progress()
            left = self._store.cursor(_job(building))
            if left:
                self._add(self._progress[building], 1, left, left)
        return self._progress[building]

    def note(self, building: str, hours: int, first_s: int, last_s: int) -> None:
        """So many hours between two instants are new or another. Call it in the transaction that writes them."""
        progress = self.of(building)
        if first_s < progress.oldest_s:
            self._store.set_cursor(_job(building), max(first_s, 1))
        self._add(progress, hours, first_s, last_s)

    @staticmethod
    def _add(progress: Progress, hours: int, first_s: int, last_s: int) -> None:
        progress.hours += hours
        progress.first_s, progress.last_s = min(progress.first_s, first_s), max(progress.last_s, last_s)
        progress.oldest_s = min(progress.oldest_s, first_s)

    def due(self, buildings: Iterable[str], *, lagging: bool) -> str | None:
        """The building that has waited longest for a study, None where none is due."""
        waiting = [
            (-1.0 if progress.studied_s is None else progress.studied_s, building)
            for building in buildings
            if self._ready(progress := self.of(building), lagging=lagging)
        ]
        return min(waiting)[1] if waiting else None

    def _ready(self, progress: Progress, *, lagging: bool) -> bool:
        if progress.hours < STUDY_HOURS:
            return False
        now_s = self._clock.monotonic()
        if lagging:
            since_s = self._begun_s if progress.studied_s is None else progress.studied_s
            return progress.last_s - progress.first_s >= FIRST_STUDY_S and now_s - since_s >= LAGGING_STUDY_S
        return progress.studied_s is None or progress.partial or now_s - progress.studied_s >= STUDY_EVERY_S

    def studied(self, building: str, *, whole: bool, partial: bool) -> None:
        """``whole``: of all that was settled; otherwise its oldest hour is still to be looked at."""
        self.tried(building, partial=partial)
        self.of(building).hours = 0
        if whole:
            self.of(building).oldest_s = NEVER_S
            self._store.set_cursor(_job(building), 0)

    def tried(self, building: str, *, partial: bool) -> None:
        """A study took place, or failed and is due again after a while."""
        progress = self.of(building)
        progress.studied_s, progress.partial = self._clock.monotonic(), partial


def _job(building: str) -> str:
    return f"{UNSTUDIED} {building}"
