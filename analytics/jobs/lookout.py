"""The live watch as a job: hours that are settled and complete go through it in order, and what it tells is a finding
at once.

Strategy: a watch a building (all its meters share weather, calendar and gateway; the cost of an hour is bounded by the
watch's window). A step takes one building on by at most :data:`PIECE_H` hours; findings and what the watch knows are
one transaction, so that a kill repeats no telling and loses none. What is kept is the state at the last fit, written
once a week, and the hours *as they were seen* since: a new life takes those in again, tells nothing of them, and
stands where the old one stood, whatever was settled anew meanwhile. Buildings that have waited long sleep as bytes.

A watch begins with the first :data:`HISTORY_H` hours of the record; of a record that is much longer than a year, a
year before its end, so that a long import is no week's work. Once a week it is asked whether it still watches the right
meters: one that has had enough hours since joins, one that had none leaves, and the watch is learnt anew from the
ledger's last year. Virtual meters are watched like others.
"""

import logging
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from analytics.anomalies.live import (
    Feed,
    Limits,
    State,
    Telling,
    advance,
    begin,
    packed,
    packed_feed,
    unpacked,
    unpacked_feed,
)
from analytics.anomalies.live.finding import as_told, finding_of, seen_again
from analytics.anomalies.live.watch import LEARN_H, WINDOW_H, still_seen
from analytics.anomalies.telling import looked_back
from analytics.hours import HISTORY_DAYS
from analytics.jobs.coming import HOUR, Coming, read_coming
from analytics.jobs.occasions import recorded
from analytics.weekdays import Place
from submeter.settings.settings import AlarmSettings
from submeter.stores.port import Store
from submeter.words import Finding, Portfolio, Watch, Watched

logger = logging.getLogger(__name__)

HISTORY_H: Final = 8 * LEARN_H
PAST_H: Final = 52 * LEARN_H
"""of a past that nobody has watched so much is gone through"""
LEAST_H: Final = 3 * LEARN_H
"""known hours of the last eight weeks without which a meter is not watched"""
FRESH_H: Final = 48
"""a building that is no further behind than this is up to date: it goes before studies, others behind them"""
PIECE_H: Final = 4 * LEARN_H
AWAKE: Final = 64
"""states that are held as arrays; 20 meters are about 2 MB, asleep a third of it"""


@dataclass(slots=True)
class Kept:
    """A building's watch: ``state``, and the hours since the last fit, at ``since_s``, as they were seen."""

    state: State
    seen: Feed
    since_s: int


class Asleep(NamedTuple):
    state: bytes
    seen: bytes
    since_s: int


class Step(NamedTuple):
    """Which building was taken on, by how many hours, and what was told; ``more``: it is behind the ledger."""

    building: str
    hours: int = 0
    findings: tuple[Finding, ...] = ()
    more: bool = False


class Lookout:
    """Buildings that were noted are looked at, those that are up to date apart from those that are behind."""

    def __init__(self, store: Store, alarms: AlarmSettings) -> None:
        self._store = store
        self._limits = Limits(alarms.per_meter_month, alarms.least_too_much, alarms.least_too_little, alarms.hold_h)
        self._kept: OrderedDict[str, Kept | Asleep] = OrderedDict()
        self._due: dict[str, None] = {}
        self._behind: dict[str, None] = {}
        self._held_up: dict[str, None] = {}
        self._waiting: set[str] = set()
        self._not_before: dict[str, int] = {}

    def note(self, *buildings: str) -> None:
        """Hours of these were settled; or, at the beginning of a life, they may have been."""
        self._due |= dict.fromkeys(b for b in buildings if b not in self._behind)

    def note_weather(self, buildings: Iterable[str]) -> None:
        """Weather was read for these: an hour of theirs may have waited for it."""
        self.note(*self._waiting.intersection(buildings))

    def step(self, portfolio: Portfolio, now_s: int, *, patient: bool = False, behind: bool = False) -> Step | None:
        """Take one building on, of those that are ``behind`` or of the others; None: there is none. ``patient``: the
        past is still being read, so no meter is given up and no watch begins. Raises StoreAway; then the building is
        due again and stands where the store says."""
        if not patient:
            self._due |= self._held_up
            self._held_up = {}
        queue = self._behind if behind else self._due
        building = next(iter(queue), None)
        if building is None:
            return None
        if building not in portfolio.buildings:
            queue.pop(building)
            return Step(building)
        try:
            with threadpool_limits(1, "blas"):
                done = self._take_on(portfolio, building, now_s // 3600 * 3600, patient=patient, behind=behind)
        except BaseException:
            self._kept.pop(building, None)
            raise
        queue.pop(building)
        if done.more:
            (self._held_up if patient and not done.hours else self._behind)[building] = None
        return done

    def _take_on(self, portfolio: Portfolio, building: str, now_s: int, *, patient: bool, behind: bool) -> Step:
        kept = self._awake(building)
        if kept is None or not _fits(kept.state, portfolio, building):
            if patient or not behind:
                return Step(building, more=now_s >= self._not_before.get(building, 0))
            return self._begin(portfolio, building, None if kept is None else _epoch_s(kept.state.now), now_s)
        since_s = _epoch_s(kept.state.now)
        hours = min((now_s - since_s) // 3600, PIECE_H if behind else FRESH_H)
        if hours <= 0:
            return Step(building)
        station = portfolio.stations.get(portfolio.buildings[building].station)
        coming = read_coming(self._store, portfolio, kept.state.names, station, kept.state.now, hours)
        if coming.newest < hours:
            end_s = since_s + hours * 3600
            coming = replace(coming, later=end_s < now_s and self._newest_s(portfolio, building) > end_s)
        ripe = coming.ripe(patient=patient)
        more = coming.newest >= hours and since_s + hours * 3600 < now_s
        (self._waiting.add if ripe < coming.newest else self._waiting.discard)(building)
        if not ripe:
            return Step(building, more=patient and coming.newest > 0)
        done = self._advance(portfolio, building, kept, coming, _to_fit(kept.state, ripe))
        return done._replace(more=more or done.hours < ripe or (patient and ripe < coming.newest))

    def _advance(self, portfolio: Portfolio, building: str, kept: Kept, coming: Coming, hours: int) -> Step:
        """Take in so many of the coming hours, and write down what was told and seen."""
        feed = coming.feed(hours)
        left_out = kept.state.left_out
        state, told = advance(kept.state, feed, self._limits)
        fitted = not state.energy.shape[1]
        if fitted:
            new = Kept(state, _no_hours(state), _epoch_s(state.now))
            again = self._roster(portfolio, building, new)
        else:
            new, again = Kept(state, _joined(kept.seen, feed), kept.since_s), None
        findings = self._findings(portfolio, building, told, new.state)
        self._write(building, again or new, findings, whole=fitted)
        if state.left_out > left_out:
            logger.info("building %s: %d live verdicts were not told (budget, tolerances)", building,
                        state.left_out - left_out)  # fmt: skip
        return Step(building, hours, tuple(findings))

    def _findings(self, portfolio: Portfolio, building: str, told: Sequence[Telling], state: State) -> list[Finding]:
        """What was told, and, when a day is over, what goes on."""
        going = still_seen(state) if state.energy.shape[1] % 24 == 0 else ()
        if not told and not going:
            return []
        newest_ms = self._newest_s(portfolio, building) * 1000
        known = {f.id: f for f in self._store.entries(Finding, building)}
        looked_ms = self._store.cursor(looked_back(building))
        new = as_told([finding_of(each, portfolio, newest_ms) for each in told], known.values(), portfolio, looked_ms)
        known |= {f.id: f for f in new}
        again = seen_again(known.values(), going, _epoch_s(state.now) * 1000)
        return list({f.id: f for f in (*new, *again)}.values())

    def _newest_s(self, portfolio: Portfolio, building: str) -> int:
        """The time of the building's newest reading, 0 = none."""
        span = recorded(self._store, portfolio, building)
        return 0 if span is None else span[1] // 1000

    # beginning, and beginning anew
    def _begin(self, portfolio: Portfolio, building: str, until_s: int | None, now_s: int) -> Step:
        """Learn from the record up to ``until_s``; None: from the first hours that are enough."""
        newest_s = min(self._newest_s(portfolio, building), now_s)
        if until_s is None:
            until_s = self._first_s(portfolio, building, newest_s // 3600 * 3600)
        while until_s is not None and until_s <= newest_s:
            kept = self._learnt(portfolio, building, until_s)
            if kept is not None:
                self._write(building, kept, [], whole=True)
                self._not_before.pop(building, None)
                return Step(building, more=True)
            until_s += LEARN_H * 3600
        self._not_before[building] = until_s or now_s + LEARN_H * 3600
        return Step(building)

    def _first_s(self, portfolio: Portfolio, building: str, newest_s: int) -> int | None:
        """When a record has been going on for long enough, None: it has not begun."""
        names = [p.id for p in portfolio.points_of(building)]
        if not names:
            return None
        start = np.datetime64(newest_s - HISTORY_DAYS * 86_400, "s")
        coming = read_coming(self._store, portfolio, names, None, start, HISTORY_DAYS * 24)
        if not coming.newest:
            return None
        begins = int(coming.there.any(axis=0).argmax()) + HISTORY_H
        return _epoch_s(start) + max(begins, coming.newest - PAST_H) * 3600

    def _learnt(self, portfolio: Portfolio, building: str, until_s: int) -> Kept | None:
        """A watch that knows the last year before an instant; None where no meter has enough of it."""
        station = portfolio.stations.get(portfolio.buildings[building].station)
        points = sorted(p.id for p in portfolio.points_of(building))
        if not points:
            return None
        start = np.datetime64(until_s - WINDOW_H * 3600, "s")
        past = read_coming(self._store, portfolio, points, station, start, WINDOW_H)
        enough = np.isfinite(past.energy[:, -HISTORY_H:]).sum(axis=1) >= LEAST_H
        if not enough.any():
            return None
        first = int(np.isfinite(past.energy).any(axis=0).argmax())
        weather = past.outdoor_c[first:]
        state = begin(
            tuple(p for p, there in zip(points, enough, strict=True) if there), _place(portfolio, building),
            past.start[first:], past.energy[enough, first:], (weather if np.isfinite(weather).any() else None,),
            (0,) * int(enough.sum()),
        )  # fmt: skip
        return Kept(state, _no_hours(state), _epoch_s(state.now))

    def _roster(self, portfolio: Portfolio, building: str, kept: Kept) -> Kept | None:
        """A watch of other meters where others are to be watched from now on; else None."""
        points, state = sorted(p.id for p in portfolio.points_of(building)), kept.state
        start = state.now - HISTORY_H * HOUR
        station = portfolio.stations.get(portfolio.buildings[building].station)
        past = read_coming(self._store, portfolio, points, station, start, HISTORY_H)
        known = dict(zip(points, np.isfinite(past.energy).sum(axis=1).tolist(), strict=True))
        wanted = tuple(p for p in points if known[p] >= (1 if p in state.names else LEAST_H))
        weather = bool(np.isfinite(past.outdoor_c).any()) or state.window.outdoor_c[0] is not None
        if (wanted == state.names or not wanted) and weather == (state.window.outdoor_c[0] is not None):
            return None
        return self._learnt(portfolio, building, kept.since_s)

    # what is kept
    def _write(self, building: str, kept: Kept, findings: Sequence[Finding], *, whole: bool) -> None:
        until_s = _epoch_s(kept.state.now)
        seen = Watched(
            id=building, building=building, since_s=kept.since_s, until_s=until_s, hours=packed_feed(kept.seen)
        )
        with self._store.writing():
            if whole:
                self._store.put(Watch(id=building, building=building, until_s=until_s, state=packed(kept.state)))
            self._store.put(seen, *findings)
        self._kept[building] = kept
        self._kept.move_to_end(building)
        awake = [b for b, each in self._kept.items() if isinstance(each, Kept)]
        for other in awake[: max(len(awake) - AWAKE, 0)]:
            each = self._kept[other]
            assert isinstance(each, Kept)
            self._kept[other] = Asleep(packed(each.state), packed_feed(each.seen), each.since_s)

    def _awake(self, building: str) -> Kept | None:
        """What is known of a building: in memory, or what an earlier life has written."""
        found = self._kept.get(building)
        if isinstance(found, Kept):
            return found
        if found is not None:
            state = unpacked(found.state)
            return None if state is None else Kept(state, unpacked_feed(found.seen), found.since_s)
        watch = next(iter(self._store.entries(Watch, building)), None)
        seen = next(iter(self._store.entries(Watched, building)), None)
        state = None if watch is None else unpacked(watch.state)
        if watch is None or state is None:
            return None
        kept = Kept(state, _no_hours(state), watch.until_s)
        if seen is not None and seen.since_s == watch.until_s and seen.until_s > seen.since_s:
            hours = unpacked_feed(seen.hours)
            kept = Kept(advance(state, hours, self._limits)[0], hours, watch.until_s)
        self._kept[building] = kept
        return kept


def _fits(state: State, portfolio: Portfolio, building: str) -> bool:
    """Whether the meters that are watched are still there, in the same place."""
    there = {p.id for p in portfolio.points_of(building)}
    return there.issuperset(state.names) and state.place == _place(portfolio, building)


def _place(portfolio: Portfolio, building: str) -> Place:
    at = portfolio.buildings[building]
    return Place(at.zone, at.country, at.subdivision)


def _to_fit(state: State, hours: int) -> int:
    """So many hours, or fewer: up to the last fit among them."""
    to_next = LEARN_H - state.energy.shape[1]
    return hours if hours < to_next else to_next + (hours - to_next) // LEARN_H * LEARN_H


def _no_hours(state: State) -> Feed:
    return Feed(np.empty((len(state.names), 0)), np.empty((1, 0)))


def _joined(seen: Feed, new: Feed) -> Feed:
    return Feed(*(np.concatenate(parts, axis=1) for parts in zip(seen, new, strict=True)))


def _epoch_s(instant: np.datetime64) -> int:
    return int(instant.astype("datetime64[s]").astype(np.int64))
