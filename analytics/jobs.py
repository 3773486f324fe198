"""The feed job: what arrived is settled, priced, and handed on to the studies; the shell around the pure ledger.

One step takes a bounded piece of the change feed, merges its spans by point, settles exactly what depends on them and
writes what differs together with the feed's cursor. Killed anywhere, it does the piece again and finds it done. A long
back-fill therefore costs in proportion to its readings. Studies (baselines, findings, savings) are dear, so a building
has one when enough new hours were settled and some minutes have passed, and during a back-fill only a first one.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from analytics.balance import balances
from analytics.corrections import standing
from analytics.ledger import Settled, corrections_of, settle_span, write
from analytics.meter import meter_of
from analytics.occasions import Occasions, occasions
from submeter.clock import Clock
from submeter.settings.settings import AnalyticsSettings
from submeter.stores.port import Store
from submeter.words import Change, Correction, GatewayStatus, Portfolio, Resolution, TheirsError

logger = logging.getLogger(__name__)

Study = Callable[[Store, Portfolio, str, int, AnalyticsSettings], object]

JOB = "ledger"
STUDIED = "studied"
"""with a building's id: up to when a record longer than a study looks back has been studied"""
CHANGES_A_STEP = 1000
KEPT_CHANGES = 100_000
"""of what has been worked off, for looking back; the rest of the feed is forgotten"""
APART_MS = 10 * 86_400_000
"""spans of a point further apart than this are settled one after the other"""
QUARTER_MS = 900_000
"""every boundary of every zone lies on one of these"""
IDLE_S = 1.0
GATHER_S = 6.0
"""how long changes are gathered while a back-fill runs: slices of one meter that are settled together cost less"""
STUDY_EVERY_S = 300.0
STUDY_HOURS = 1
"""newly settled hours of a building (all its meters together) without which no study is due"""
FIRST_STUDY_S = 60 * 86_400
LAGGING_STUDY_S = 900.0
"""while the past is still being read, a building with sixty days is studied this seldom; at its end all are, at once"""
SWEEP_EVERY_S = 3600.0
SILENT_MS = 3_600_000
HEARD_MS = 900_000
"""a gateway whose last word is older no longer says anything about a back-fill"""

Span = tuple[int, int]


def merged(changes: Iterable[Change]) -> dict[str, list[Span]]:
    """Spans by point, ascending; those that lie within ten days of each other are one."""
    spans: dict[str, list[Span]] = {}
    for change in sorted(changes, key=lambda c: (c.point, c.start_ms)):
        of_point = spans.setdefault(change.point, [])
        if of_point and change.start_ms - of_point[-1][1] <= APART_MS:
            of_point[-1] = (of_point[-1][0], max(of_point[-1][1], change.end_ms))
        else:
            of_point.append((change.start_ms, change.end_ms))
    return spans


@dataclass(slots=True)
class _Progress:
    """What is new at a building since its last study."""

    hours: int = 0
    first_s: int = 2**53
    last_s: int = -(2**53)
    oldest_s: int = 2**53
    """the oldest hour that was settled since a study of the whole record"""
    studied_s: float | None = None
    """monotonic time of the last study"""
    partial: bool = False
    """whether the past was still being read then"""


class Analyst:
    """``portfolio`` is asked at every step, so that a changed one is used at once.

    ``study`` is called as ``study(store, portfolio, building_id, now_ms, settings)``; the default is
    :func:`analytics.study.study_building`.
    """

    def __init__(
        self,
        store: Store,
        portfolio: Callable[[], Portfolio],
        settings: AnalyticsSettings,
        clock: Clock,
        *,
        study: Study | None = None,
    ) -> None:
        self._store, self._portfolio, self._settings, self._clock = store, portfolio, settings, clock
        self._study = study or _real_study()
        self._progress: dict[str, _Progress] = {}
        self._begun_s = clock.monotonic()
        self._swept = self._begun_s
        self._settled_s = -GATHER_S
        self._newest: dict[str, int] = {}
        """points whose newest reading is certain, and its time"""
        self.reports: dict[str, str] = {}
        """what the last study of a building could not do, by building"""

    def step(self) -> float:
        """One piece of the feed, or one study; returns the seconds that it may be left alone."""
        portfolio = self._portfolio()
        backfill = self._backfill()
        changes = self._store.changes(self._store.cursor(JOB), CHANGES_A_STEP)
        full = len(changes) == CHANGES_A_STEP
        if changes and (full or not backfill or self._clock.monotonic() - self._settled_s >= GATHER_S):
            self._settle(portfolio, changes)
            self._settled_s = self._clock.monotonic()
        building = self._due(portfolio, lagging=full or backfill)
        if building is not None:
            self._study_one(portfolio, building)
            self._progress[building].partial = full or backfill
        elif not changes and not backfill:
            self._sweep(portfolio)
        return 0.0 if building is not None or full else IDLE_S

    def run_once(self) -> None:
        """Work off the whole feed, then study every building that the store knows anything of."""
        while changes := self._store.changes(self._store.cursor(JOB), CHANGES_A_STEP):
            self._settle(self._portfolio(), changes)
        portfolio = self._portfolio()
        for building in sorted(portfolio.buildings):
            self._study_one(portfolio, building)

    # settling
    def _settle(self, portfolio: Portfolio, changes: list[Change]) -> None:
        spans = merged(change for change in changes if not self._within(change))
        rounds = max((len(of_point) for of_point in spans.values()), default=1)
        corrections = self._corrections()
        for turn in range(rounds):
            settled = [
                settle_span(self._store, meter, *of_point[turn], corrections.get(point, ()))
                for point, of_point in spans.items()
                if turn < len(of_point) and (meter := meter_of(portfolio, point)) is not None
            ]
            with self._store.writing():
                for each in settled:
                    write(self._store, portfolio, each)
                if turn == rounds - 1:
                    self._store.set_cursor(JOB, changes[-1].seq)
                    self._store.forget_changes(changes[-1].seq - KEPT_CHANGES)
            for each in settled:
                self._note(portfolio, each)

    def _within(self, change: Change) -> bool:
        """Whether a change only carries a point's newest readings on within one quarter, so that no boundary between
        readings moves. The next change looks back far enough to see it, also after a kill."""
        newest = self._newest.get(change.point)
        if newest is None or change.start_ms <= newest or (change.end_ms - 1) // QUARTER_MS != newest // QUARTER_MS:
            return False
        self._newest[change.point] = change.end_ms - 1
        return True

    def _corrections(self) -> dict[str, tuple[Correction, ...]]:
        found: dict[str, tuple[Correction, ...]] = {}
        for entry in standing(self._store.entries(Correction)):
            found[entry.point] = (*found.get(entry.point, ()), entry)
        return found

    def _note(self, portfolio: Portfolio, settled: Settled) -> None:
        if settled.last_ms is None:
            self._newest.pop(settled.point, None)
        else:
            self._newest[settled.point] = settled.last_ms
        hours = settled.changed.get(Resolution.HOUR)
        if hours is None or not len(hours):
            return
        progress = self._progress.setdefault(portfolio.points[settled.point].building, _Progress())
        known = hours.start[hours.known > 0].astype("datetime64[s]").astype(int)
        if len(known):
            progress.hours += len(known)
            progress.first_s = min(progress.first_s, int(known[0]))
            progress.oldest_s = min(progress.oldest_s, int(known[0]))
            progress.last_s = max(progress.last_s, int(known[-1]))

    def _sweep(self, portfolio: Portfolio) -> None:
        """Once an hour: meters that fell silent get their missing hours, which no reading tells of."""
        if self._clock.monotonic() - self._swept < SWEEP_EVERY_S:
            return
        self._swept = self._clock.monotonic()
        now_ms = self._clock.now_ms()
        found = [self._silence(portfolio, point, now_ms) for point in portfolio.points]
        with self._store.writing():
            for settled in found:
                if settled is not None:
                    write(self._store, portfolio, settled)

    def _silence(self, portfolio: Portfolio, point: str, now_ms: int) -> Settled | None:
        meter = meter_of(portfolio, point)
        if meter is None:
            return None
        last = self._store.last_reading(meter.segments[-1].series)
        if last is None or last[0] >= now_ms - SILENT_MS:
            return None
        return settle_span(self._store, meter, last[0], last[0] + 1, corrections_of(self._store, point), now_ms)

    # studies
    def _backfill(self) -> bool:
        """Whether a gateway that was heard of lately says that it reads the past."""
        lately = self._clock.now_ms() - HEARD_MS
        return any(
            status.backfill is not None and status.told_ms >= lately for status in self._store.entries(GatewayStatus)
        )

    def _due(self, portfolio: Portfolio, *, lagging: bool) -> str | None:
        """The building that has waited longest for a study, None where none is due."""
        waiting = [
            (progress.studied_s or -1.0, building)
            for building, progress in self._progress.items()
            if building in portfolio.buildings and self._ready(progress, lagging=lagging)
        ]
        return min(waiting)[1] if waiting else None

    def _ready(self, progress: _Progress, *, lagging: bool) -> bool:
        if progress.hours < STUDY_HOURS:
            return False
        now_s = self._clock.monotonic()
        if lagging:
            since_s = self._begun_s if progress.studied_s is None else progress.studied_s
            return progress.last_s - progress.first_s >= FIRST_STUDY_S and now_s - since_s >= LAGGING_STUDY_S
        return progress.studied_s is None or progress.partial or now_s - progress.studied_s >= STUDY_EVERY_S

    def _study_one(self, portfolio: Portfolio, building: str) -> None:
        progress = self._progress.setdefault(building, _Progress())
        try:
            with self._store.writing():
                self._store.put(*balances(self._store, portfolio, building, self._clock.now_ms()))
            self._study_record(portfolio, building, progress)
            self.reports.pop(building, None)
        except TheirsError as fault:
            self.reports[building] = str(fault)
            logger.warning("building %s was not studied: %s", building, fault)
        progress.hours, progress.studied_s = 0, self._clock.monotonic()

    def _study_record(self, portfolio: Portfolio, building: str, progress: _Progress) -> None:
        """Now, and before that the years of a long record that nobody has studied, once all of it is settled."""
        job, now_ms = f"{STUDIED} {building}", self._clock.now_ms()
        since_ms = min(self._store.cursor(job), progress.oldest_s * 1000)
        lagging = bool(self._store.changes(self._store.cursor(JOB), 1))
        due = Occasions([now_ms], 0) if lagging else occasions(self._store, portfolio, building, now_ms, since_ms)
        for at_ms in due.at_ms:
            self._study(self._store, portfolio, building, at_ms, self._settings)
        if not lagging:
            progress.oldest_s = 2**53
        if len(due.at_ms) > 1:
            self._store.set_cursor(job, due.newest_ms)


def _real_study() -> Study:
    """Imported here, so that the ledger runs without the libraries that studies need."""
    from analytics.study import study_building  # noqa: PLC0415  (see above)

    return study_building
