"""The feed job: what arrived is settled, priced, and handed on; the shell around the pure ledger.

One step takes a bounded piece of the change feed, merges its spans by point, settles exactly what depends on them and
writes what differs together with the feed's cursor. Killed anywhere, it does the piece again and finds it done; so the
first round of a life hands on all that it looked at, changed or not. A long back-fill costs in proportion to its
readings. :mod:`analytics.jobs.dependence` says what depends on what, :mod:`analytics.jobs.agenda` when a building is
studied, :mod:`analytics.jobs.lookout` what is told as soon as an hour is settled: live comes before studies where it is
up to date, and behind them where it has a past to go through.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from analytics.jobs.agenda import Agenda
from analytics.jobs.dependence import Difference, clipped, differences
from analytics.jobs.occasions import Occasions, occasions
from analytics.ledger.book import Settled, corrections_of, settle_span, write
from analytics.ledger.corrections import standing
from analytics.ledger.freezing import drop, freeze, too_late
from analytics.ledger.frozen import frozen_of, frozen_until
from analytics.ledger.meter import FOREVER_MS, Meter, meter_of
from analytics.ledger.newest import Newest
from analytics.tariff import repriced
from analytics.tree.balance import balances
from analytics.tree.totals import renew_totals, settle_totals
from submeter.clock import Clock
from submeter.settings.settings import AnalyticsSettings
from submeter.stores.port import Store
from submeter.words import Change, Correction, GatewayStatus, Portfolio, Resolution, TheirsError, TooLate

if TYPE_CHECKING:
    from analytics.jobs.lookout import Lookout

logger = logging.getLogger(__name__)

Study = Callable[[Store, Portfolio, str, int, AnalyticsSettings], object]

JOB = "ledger"
STUDIED = "studied"
"""with a building's id: up to when a record longer than a study looks back has been studied"""
CHANGES_A_STEP = 1000
METERS_A_STEP = 100
"""how many meters are compared with a changed portfolio, and priced anew, in one transaction"""
KEPT_CHANGES = 100_000
"""of what has been worked off, for looking back; the rest of the feed is forgotten"""
APART_MS = 10 * 86_400_000
"""spans of a point further apart than this are settled one after the other"""
IDLE_S = 1.0
GATHER_S = 6.0
"""how long changes are gathered while a back-fill runs: slices of one meter that are settled together cost less"""
SWEEP_EVERY_S = 3600.0
SILENT_MS = 3_600_000
FREEZE_EVERY_S = 86_400.0
FROZEN_A_STEP = 50
DAY_MS = 86_400_000
HEARD_MS = 900_000
"""a gateway whose last word is older no longer says anything about a back-fill"""

Span = tuple[int, int]


class Changed(NamedTuple):
    """The energy of a point is new or another somewhere in [start_s, end_s), epoch seconds; ``hours`` are the starts
    of those that a study has not seen so."""

    point: str
    start_s: int
    end_s: int
    hours: list[int]


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


class Analyst:
    """``portfolio`` is asked at every step, so that a changed one is used at once.

    ``study`` is called as ``study(store, portfolio, building_id, now_ms, settings)``; the default is
    :func:`analytics.study.study_building`. ``lookout`` looks live; a job with a study of its own has none by itself.
    ``raw_days``: raw readings are kept for so long at least, 0 = for ever.
    """

    def __init__(
        self,
        store: Store,
        portfolio: Callable[[], Portfolio],
        settings: AnalyticsSettings,
        clock: Clock,
        *,
        study: Study | None = None,
        lookout: "Lookout | None" = None,
        raw_days: int = 0,
    ) -> None:
        self._store, self._portfolio, self._settings, self._clock = store, portfolio, settings, clock
        self._lookout = _real_lookout(store, settings) if study is None and lookout is None else lookout
        self._study = study or _real_study()
        self._agenda = Agenda(store, clock)
        self._newest = Newest(store)
        self._raw_days = raw_days
        self._frozen_s = -FREEZE_EVERY_S
        self._to_freeze: list[str] = []
        self._swept, self._swept_once = clock.monotonic(), False
        self._settled_s = -GATHER_S
        self._sure = False
        """whether all that was written before is known to have been handed on"""
        self._watched: Portfolio | None = None
        self._renewed: Portfolio | None = None
        self._compared: Portfolio | None = None
        self._different: Iterator[Difference] | None = None
        self.reports: dict[str, str] = {}
        """what the last study of a building could not do, by building"""

    def step(self) -> float:
        """One piece of the feed, or one study; returns the seconds that it may be left alone."""
        portfolio = self._portfolio()
        if not self._compare(portfolio):
            return 0.0
        backfill = self._backfill()
        changes = self._store.changes(self._store.cursor(JOB), CHANGES_A_STEP)
        full = len(changes) == CHANGES_A_STEP
        if changes and (full or not backfill or self._clock.monotonic() - self._settled_s >= GATHER_S):
            self._settle(portfolio, changes)
            self._settled_s = self._clock.monotonic()
        lagging = full or backfill
        looked = self._look(portfolio, lagging=lagging)
        building = self._agenda.due(portfolio.buildings, lagging=lagging)
        if building is not None:
            self._study_one(portfolio, building, lagging=lagging)
        elif self._look(portfolio, lagging=lagging, behind=True):
            looked = True
        elif not changes and not backfill:
            self._renew(portfolio)
            self._sweep(portfolio)
            self._freeze(portfolio)
        return 0.0 if building is not None or full or looked else IDLE_S

    def run_once(self) -> None:
        """Work off the whole feed, look live at all of it, then study every building that the store knows anything
        of."""
        while not self._compare(self._portfolio()):
            pass
        while changes := self._store.changes(self._store.cursor(JOB), CHANGES_A_STEP):
            self._settle(self._portfolio(), changes)
        portfolio = self._portfolio()
        while self._look(portfolio) or self._look(portfolio, behind=True):
            pass
        for building in sorted(portfolio.buildings):
            self._study_one(portfolio, building, lagging=False)

    # the ground that energy stands on
    def _compare(self, portfolio: Portfolio) -> bool:
        """Put a lot of what differs between the portfolio and what was settled into the feed; True when that is all."""
        if portfolio is not self._compared:
            self._compared, self._different = portfolio, differences(self._store, portfolio)
        if self._different is None:
            return True
        try:
            lot = list(islice(self._different, METERS_A_STEP))
            with self._store.writing():
                for difference in lot:
                    self._take_over(portfolio, difference)
                if len(lot) < METERS_A_STEP:
                    self._sum(portfolio, (), (), sure=True)
        except BaseException:
            self._compared = None  # begin anew: what was taken over differs no more
            raise
        if len(lot) < METERS_A_STEP:
            self._different = None
        return self._different is None

    def _take_over(self, portfolio: Portfolio, difference: Difference) -> None:
        """Touch what is to be settled anew, price what is to be priced anew, and write the new grounds down."""
        name, meter = difference.grounds.id, meter_of(portfolio, difference.grounds.id)
        if meter is not None and difference.span is not None:
            span = clipped(self._store, meter, difference.before, difference.span)
            if span is not None:
                self._touch(meter, span)
        if meter is not None and difference.since is not None:
            self._price(portfolio, meter, difference.since)
        if difference.grounds.study and difference.before is not None:
            self._agenda.note(name, 1, 1, 1)
        self._store.put(difference.grounds)

    def _touch(self, meter: Meter, span: Span) -> None:
        """What is frozen stays as it is, and that it was to be another is kept."""
        name, frozen_ms = meter.point.id, frozen_until(self._store, meter.point.id)
        if span[0] < frozen_ms:
            now_ms = self._clock.now_ms()
            self._store.put(
                TooLate(
                    id=f"{name}@meter data@{now_ms}", building=meter.point.building, point=name, what="meter data",
                    start_ms=span[0], end_ms=min(span[1], frozen_ms), until_ms=frozen_ms, told_ms=now_ms,
                )
            )  # fmt: skip
        if span[1] > frozen_ms:
            self._store.touch([(name, max(span[0], frozen_ms), span[1])])

    def _price(self, portfolio: Portfolio, meter: Meter, since: str) -> None:
        for column, worth in repriced(self._store, portfolio, meter.point, since).items():
            self._store.write_intervals(column, worth)

    # settling
    def _settle(self, portfolio: Portfolio, changes: list[Change]) -> None:
        corrections = self._corrections()
        spans = merged(
            change
            for change in changes
            if (meter := meter_of(portfolio, change.point)) is not None
            and not self._newest.carries_on(change, meter, corrected=change.point in corrections)
        )
        rounds = max((len(of_point) for of_point in spans.values()), default=1)
        for turn in range(rounds):
            settled = [
                settle_span(self._store, meter, *of_point[turn], corrections.get(point, ()))
                for point, of_point in spans.items()
                if turn < len(of_point) and (meter := meter_of(portfolio, point)) is not None
            ]
            told, late = (
                self._told(settled, spans, turn),
                self._too_late(portfolio, changes, settled) if turn == 0 else [],
            )
            self._note(portfolio, told)
            sure, self._sure = self._sure, False
            with self._store.writing():
                for each in settled:
                    write(self._store, portfolio, each)
                self._sum(portfolio, settled, told, sure=sure)
                self._store.put(*late)
                if turn == rounds - 1:
                    self._weather(portfolio, changes)
                    self._store.set_cursor(JOB, changes[-1].seq)
                    self._store.forget_changes(changes[-1].seq - KEPT_CHANGES)
            self._sure = sure
            for each in settled:
                self._newest.settled(each)
        self._sure = True

    def _too_late(self, portfolio: Portfolio, changes: Iterable[Change], settled: Iterable[Settled]) -> list[TooLate]:
        """Records of what arrived for frozen spans; what needed no settling came after all that is frozen."""
        until_ms = {each.point: each.frozen_ms for each in settled}
        found: list[TooLate] = []
        for change in changes:
            frozen = frozen_of(self._store, change.point) if change.start_ms < until_ms.get(change.point, 0) else None
            if frozen is not None and (meter := meter_of(portfolio, change.point)) is not None:
                found += too_late(self._store, meter, change, frozen, self._clock.now_ms())
        return found

    def _told(self, settled: Iterable[Settled], spans: dict[str, list[Span]], turn: int) -> list[Changed]:
        """What became another; while it is not sure that what was written before was handed on, all of the spans."""
        told = [found for each in settled if (found := _changed(each)) is not None]
        if not self._sure:
            told += [_whole(each, *spans[each.point][turn]) for each in settled if each.settled]
        return told

    def _renew(self, portfolio: Portfolio) -> None:
        """A lot of the totals that another portfolio, or none, was the ground of."""
        if portfolio is not self._renewed:
            more = renew_totals(self._store, portfolio, self._settings.completeness_limit)
            self._renewed = None if more else portfolio

    def _sum(self, portfolio: Portfolio, settled: Iterable[Settled], told: Iterable[Changed], *, sure: bool) -> None:
        spans = () if sure else [(each.point, each.start_s, each.end_s) for each in told]
        settle_totals(self._store, portfolio, settled, self._settings.completeness_limit, spans)

    def _note(self, portfolio: Portfolio, told: Sequence[Changed]) -> None:
        """Before anything is written: a study too many does no harm, one that is forgotten does."""
        for each in told:
            if each.hours:
                building = portfolio.points[each.point].building
                if self._lookout is not None:
                    self._lookout.note(building)
                self._agenda.note(building, len(each.hours), each.hours[0], each.hours[-1])

    def _weather(self, portfolio: Portfolio, changes: Iterable[Change]) -> None:
        """Late weather: the hours before the last one were studied without it. What is newer waits for its hour."""
        late_ms = (self._clock.now_ms() // 3_600_000 - 1) * 3_600_000
        stations = {station.point: name for name, station in portfolio.stations.items()}
        for change in changes:
            if change.point not in stations:
                continue
            here = [b.id for b in portfolio.buildings.values() if b.station == stations[change.point]]
            if self._lookout is not None:
                self._lookout.note_weather(here)
            for building in here if change.start_ms < late_ms else ():
                self._agenda.note(building, 1, change.start_ms // 1000, change.end_ms // 1000)

    def _corrections(self) -> dict[str, tuple[Correction, ...]]:
        found: dict[str, tuple[Correction, ...]] = {}
        for entry in standing(self._store.entries(Correction)):
            found[entry.point] = (*found.get(entry.point, ()), entry)
        return found

    def _sweep(self, portfolio: Portfolio) -> None:
        """Once an hour: meters that fell silent get their missing hours, which no reading tells of."""
        if self._clock.monotonic() - self._swept < SWEEP_EVERY_S:
            return
        self._swept = self._clock.monotonic()
        now_ms = self._clock.now_ms()
        found = [each for point in portfolio.points if (each := self._silence(portfolio, point, now_ms)) is not None]
        told = [changed for each in found if (changed := _changed(each)) is not None]
        self._note(portfolio, told)
        if not self._swept_once:
            told = [Changed(each.point, 0, now_ms // 1000, []) for each in found]
        with self._store.writing():
            for settled in found:
                write(self._store, portfolio, settled)
            self._sum(portfolio, found, told, sure=self._swept_once)
        self._swept_once = True

    def _silence(self, portfolio: Portfolio, point: str, now_ms: int) -> Settled | None:
        meter = meter_of(portfolio, point)
        if meter is None:
            return None
        lasts = [self._store.before(each.series, min(each.until_ms, FOREVER_MS)) for each in meter.segments]
        last_ms = max((last[0] for last in lasts if last is not None), default=now_ms)
        if last_ms >= now_ms - SILENT_MS:
            return None
        return settle_span(self._store, meter, last_ms, last_ms + 1, corrections_of(self._store, point), now_ms)

    def _freeze(self, portfolio: Portfolio) -> None:
        """Once a day, a lot of meters a step: drop the raw readings of months that are older than they are kept."""
        if self._raw_days and self._clock.monotonic() - self._frozen_s >= FREEZE_EVERY_S:
            self._frozen_s, self._to_freeze = self._clock.monotonic(), list(portfolio.points)
        lot, self._to_freeze = self._to_freeze[:FROZEN_A_STEP], self._to_freeze[FROZEN_A_STEP:]
        for point in lot:
            meter = meter_of(portfolio, point)
            if meter is not None:
                self._freeze_one(meter)

    def _freeze_one(self, meter: Meter) -> None:
        now_ms, corrections = self._clock.now_ms(), corrections_of(self._store, meter.point.id)
        with self._store.writing():
            if self._store.changes(self._store.cursor(JOB), 1):
                return  # it may lie beside the seam; tomorrow is early enough
            found = freeze(self._store, meter, now_ms - self._raw_days * DAY_MS, now_ms, corrections)
        if found is not None:
            drop(self._store, meter, found)

    # live
    def _look(self, portfolio: Portfolio, *, lagging: bool = False, behind: bool = False) -> bool:
        """One building's new hours; whether there was one. A past that was gone through is to be studied, so that
        what looking back knows better is said."""
        if self._lookout is None:
            return False
        if portfolio is not self._watched:
            self._watched = portfolio
            self._lookout.note(*portfolio.buildings)
        now_s = self._clock.now_ms() // 1000
        done = self._lookout.step(portfolio, now_s, patient=lagging, behind=behind)
        if done is not None and done.findings:
            self._agenda.note(done.building, 1, now_s, now_s)
        return done is not None

    # studies
    def _backfill(self) -> bool:
        """Whether a gateway that was heard of lately says that it reads the past."""
        lately = self._clock.now_ms() - HEARD_MS
        return any(
            status.backfill is not None and status.told_ms >= lately for status in self._store.entries(GatewayStatus)
        )

    def _study_one(self, portfolio: Portfolio, building: str, *, lagging: bool) -> None:
        try:
            with self._store.writing():
                self._store.put(*balances(self._store, portfolio, building, self._clock.now_ms()))
            whole = self._study_record(portfolio, building)
            self._agenda.studied(building, whole=whole, partial=lagging)
            self.reports.pop(building, None)
        except TheirsError as fault:
            self._agenda.tried(building, partial=lagging)
            self.reports[building] = str(fault)
            logger.warning("building %s was not studied: %s", building, fault)

    def _study_record(self, portfolio: Portfolio, building: str) -> bool:
        """Now, and before that the years of a long record that nobody has studied, once all of it is settled; returns
        whether it is."""
        job, now_ms = f"{STUDIED} {building}", self._clock.now_ms()
        since_ms = min(self._store.cursor(job), self._agenda.of(building).oldest_s * 1000)
        lagging = bool(self._store.changes(self._store.cursor(JOB), 1))
        due = Occasions([now_ms], 0) if lagging else occasions(self._store, portfolio, building, now_ms, since_ms)
        for at_ms in due.at_ms:
            self._study(self._store, portfolio, building, at_ms, self._settings)
        if len(due.at_ms) > 1:
            self._store.set_cursor(job, due.newest_ms)
        return not lagging


def _changed(settled: Settled) -> Changed | None:
    """The span of what became another, None where nothing did."""
    spans = [
        (int(rows.start[0].astype("int64")), int(rows.start[-1].astype("int64")) + resolution.seconds)
        for resolution, rows in settled.changed.items()
        if len(rows) and resolution is not Resolution.MONTH
    ]
    if not spans:
        return None
    hours = settled.changed[Resolution.HOUR]
    told = hours.start[(hours.known > 0) | (hours.revision > 0)].astype("datetime64[s]").astype(int)
    return Changed(settled.point, min(start for start, _ in spans), max(end for _, end in spans), told.tolist())


def _whole(settled: Settled, start_ms: int, end_ms: int) -> Changed:
    """All of a span, for want of knowing what of it was handed on before."""
    return Changed(settled.point, start_ms // 1000, end_ms // 1000 + 1, [start_ms // 1000])


def _real_lookout(store: Store, settings: AnalyticsSettings) -> "Lookout":
    """Imported here, so that the ledger runs without the libraries that live looking needs."""
    from analytics.jobs.lookout import Lookout  # noqa: PLC0415  (see above)

    return Lookout(store, settings.alarms)


def _real_study() -> Study:
    """Imported here, so that the ledger runs without the libraries that studies need."""
    from analytics.study import study_building  # noqa: PLC0415  (see above)

    return study_building
