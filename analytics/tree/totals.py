"""Virtual meters and totals kept in step with the ledger: what a changed row is part of is summed anew, and only that.

:func:`settle_totals` is called in the same transaction as the rows that changed. A change of a member re-sums the rows
of the same starts; a changed day also those later rows, of up to a year, that lack a member and were weighed by it.
Only what differs is written, with the next revision. A building whose tree (or whose limit) is no longer the one by
which it was summed is summed whole; its fingerprint is kept as a cursor, so that this is done once, also after a kill.

What a member usually takes is the mean of its known days in the 366 days before the month of a row begins: a function
of the ledger alone, and the same for all the rows of a month.

The days of all buildings together are calendar days: 1 March is every building's own 1 March, wherever it stands, and
is stored at the midnight of the zone of most buildings.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from analytics.calendar import DAY_S, edges, local_date_s, local_seconds, months
from analytics.ledger.book import Settled
from analytics.ledger.stored import chained
from analytics.tariff import priced
from analytics.tree.columns import BEGIN_S, END_S, Columns, epoch
from analytics.tree.plan import ALWAYS_S, Planned, plan_of
from analytics.tree.sums import Floats, Laid, Seconds, lay, total, virtual
from submeter.stores.port import Column, Store
from submeter.words import Flag, Intervals, Known, Method, Point, Portfolio, Resolution
from submeter.words.tree import COMPLETENESS, ESTIMATED, is_total

JOB = "totals"
"""with a building's id: the fingerprint of the tree that it was summed by; alone, the portfolio's"""
LONGEST = 2
"""an interval is no longer than so many of its nominal lengths"""
USUAL_S = 366 * DAY_S
REACH_S = USUAL_S + 62 * DAY_S
"""how far a changed day may weigh in rows after it"""


def settle_totals(
    store: Store,
    portfolio: Portfolio,
    settled: Iterable[Settled],
    limit: float,
    spans: Iterable[tuple[str, int, int]] = (),
) -> None:
    """Sum anew what changed rows are part of; they have been written. ``limit``: completeness below which a total is
    withheld. ``spans``, as (point, from, until) in epoch seconds, are summed anew whether or not they changed."""
    work = _Round(store, portfolio, limit)
    for each in settled:
        work.note(each.point, each.quantity, each.changed)
    for span in spans:
        work.note_span(*span)
    work.run()


def rebuild_totals(store: Store, portfolio: Portfolio, limit: float) -> None:
    """Sum everything anew, writing what differs."""
    work = _Round(store, portfolio, limit, whole=True)
    with store.writing():
        work.run()


def renew_totals(store: Store, portfolio: Portfolio, limit: float, most: int = 10) -> bool:
    """Sum anew up to ``most`` places whose tree, prices or limit are no longer those by which they were summed, and say
    whether there may be more. So another portfolio, or a store of before, needs no reading to come right."""
    work = _Round(store, portfolio, limit)
    stale = work.stale()[:most]
    if stale:
        with store.writing():
            work.run(stale)
    return bool(stale)


@dataclass(frozen=True, slots=True, eq=False)
class _Touched:
    """Starts at which a sum's members changed, None for all; ``day_s`` is the first changed day's start, if any."""

    starts: Seconds | None
    day_s: int | None = None


class _Round:
    """One set of changes, worked off from meters to virtual meters, to buildings, to all of them."""

    def __init__(self, store: Store, portfolio: Portfolio, limit: float, whole: bool = False) -> None:
        self._store, self._portfolio, self._limit, self._whole = store, portfolio, limit, whole
        self._plan = plan_of(portfolio)
        self._columns = Columns(store)
        self._totals: dict[str, list[Column]] | None = None

    def note(self, point: str, quantity: str, changed: dict[Resolution, Intervals]) -> None:
        for resolution, rows in changed.items():
            if len(rows):
                self._columns.changed[Column(point, quantity, resolution)] = rows

    def note_span(self, point: str, start_s: int, end_s: int) -> None:
        quantity = self._portfolio.points[point].quantity
        for these in ((Resolution.QUARTER, Resolution.HOUR, Resolution.DAY), (Resolution.MONTH,)):
            columns = [Column(point, quantity, resolution) for resolution in these]
            found = self._columns.read(columns, start_s - LONGEST * these[-1].seconds, end_s)
            self.note(point, quantity, dict(zip(these, found, strict=True)))

    def stale(self) -> list[str]:
        """Places that are to be summed whole; '' is that of several buildings, and the last."""
        return [each for each in self._plan.marks if self._store.cursor(_job(each)) != self._mark(each)]

    def run(self, places: Iterable[str] = ()) -> None:
        """What changed, and whole ``places``."""
        stale = set(places)
        for each in self._plan.virtuals:
            if each.place in stale or self._concerns(each):
                self._judge(each.place, stale)
                self._settle(each, each.place in stale)
        for building, sums in self._plan.buildings.items():
            if building in stale or self._whole or any(self._concerns(each) for each in sums):
                self._judge(building, stale)
                for each in sums:
                    self._settle(each, building in stale)
                self._close(building, stale)
        if "" in stale or self._whole or any(self._concerns(each) for each in self._plan.portfolio):
            self._judge("", stale)
            for each in self._plan.portfolio:
                self._settle(each, "" in stale)
            self._close("", stale)

    # which are to be summed whole
    def _concerns(self, of: Planned) -> bool:
        columns = (Column(p, q, r) for p in of.members for q in _quantities(of) for r in of.resolutions)
        return self._whole or any(column in self._columns.changed for column in columns)

    def _mark(self, place: str) -> int:
        return self._plan.marks[place] * 1_000_001 + round(self._limit * 1_000_000)

    def _judge(self, place: str, stale: set[str]) -> None:
        if self._whole or self._store.cursor(_job(place)) != self._mark(place):
            stale.add(place)

    def _close(self, place: str, stale: set[str]) -> None:
        if place in stale:
            self._strike(place)
            self._store.set_cursor(_job(place), self._mark(place))

    def _strike(self, place: str) -> None:
        """Totals that the tree no longer has become missing."""
        mine = {each.sum.point for each in (self._plan.buildings[place] if place else self._plan.portfolio)}
        for column in self._stored_totals().get(place, ()):
            if column.point not in mine:
                self._write(column, Intervals.empty(), self._columns.all(column), True)

    def _stored_totals(self) -> dict[str, list[Column]]:
        """Columns of totals by building, '' for those of several; asked once a round."""
        if self._totals is None:
            self._totals = {}
            for column in self._store.columns():
                if is_total(column.point):
                    building = column.point.partition("/")[0]
                    self._totals.setdefault("" if building.startswith("=") else building, []).append(column)
        return self._totals

    # one sum
    def _settle(self, of: Planned, everything: bool) -> None:
        day_s = None if everything else self._first_day(of)
        for resolution in of.resolutions:
            starts = None if everything else self._starts(of, resolution)
            if starts is None or len(starts) or day_s is not None:
                self._sum(of, resolution, _Touched(starts, day_s))

    def _first_day(self, of: Planned) -> int | None:
        """Where later rows may be weighed otherwise: only totals of several members weigh."""
        if len(of.members) < 2 or not of.shares:
            return None
        starts = self._starts(of, Resolution.DAY)
        return int(starts[0]) if len(starts) else None

    def _starts(self, of: Planned, resolution: Resolution) -> Seconds:
        found = [
            epoch(_moved(rows, zone, of.zone))
            for point, zone in zip(of.members, of.zones, strict=True)
            for quantity in _quantities(of)
            if (rows := self._columns.changed.get(Column(point, quantity, resolution))) is not None
        ]
        return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)

    def _sum(self, of: Planned, resolution: Resolution, touched: _Touched) -> None:
        column = Column(of.sum.point, of.sum.quantity, resolution)
        everything = touched.starts is None
        stored = self._stored(column, of.zone, touched)
        starts = self._every_start(of, resolution) if touched.starts is None else self._with_later(of, stored, touched)
        if not len(starts) and not everything:
            return
        laid = self._laid(of, resolution, starts)
        signs = [term.sign for term in of.sum.terms]
        if not of.shares:
            self._write_priced(of, column, virtual(laid, signs), stored, everything)
            return
        found = total(laid, signs, lambda rows: self._usual(of, starts[rows]), self._limit)
        self._write_priced(of, column, found.rows, stored, everything)
        span = (BEGIN_S, END_S) if everything else (int(starts[0]), int(starts[-1]) + 1)
        beside = [column._replace(quantity=quantity) for quantity in (COMPLETENESS, ESTIMATED)]
        told = (found.completeness, found.estimated)
        for each, rows, kept in zip(beside, told, self._columns.read(beside, *span), strict=True):
            self._write(each, rows, kept, everything)

    def _stored(self, column: Column, zone: str, touched: _Touched) -> Intervals:
        if touched.starts is None:
            return self._columns.all(column)
        ends = [(int(touched.starts[0]), int(touched.starts[-1]) + 1)] if len(touched.starts) else []
        if touched.day_s is not None:
            begin = _month_after(zone, touched.day_s)
            ends.append((begin, begin + REACH_S))
        return self._columns.read([column], min(a for a, _ in ends), max(b for _, b in ends))[0]

    def _with_later(self, of: Planned, stored: Intervals, touched: _Touched) -> Seconds:
        """The touched starts, and those of later rows that were weighed by a day that changed."""
        assert touched.starts is not None
        if touched.day_s is None:
            return touched.starts
        weighed = epoch(stored)[stored.flags & Flag.INCOMPLETE > 0]
        later = weighed[weighed >= _month_after(of.zone, touched.day_s)]
        return np.union1d(touched.starts, later)

    def _every_start(self, of: Planned, resolution: Resolution) -> Seconds:
        columns = [Column(p, of.sum.quantity, resolution) for p in of.members]
        rows = self._columns.read(columns, BEGIN_S, END_S)
        return np.unique(np.concatenate([epoch(_moved(r, z, of.zone)) for r, z in zip(rows, of.zones, strict=True)]))

    def _laid(self, of: Planned, resolution: Resolution, starts: Seconds) -> Laid:
        def read(quantity: str) -> list[Intervals]:
            return self._members(of, quantity, resolution, starts)

        ends = _ends(of, resolution, starts)
        if not of.of_totals:
            return lay(starts, ends, read(of.sum.quantity), of.lives)
        return lay(starts, ends, read(of.sum.quantity), of.lives, read(COMPLETENESS), read(ESTIMATED))

    def _members(self, of: Planned, quantity: str, resolution: Resolution, starts: Seconds) -> list[Intervals]:
        """The members' rows at these starts (and others), at the sum's own midnights."""
        if not len(starts):
            return [Intervals.empty() for _ in of.members]
        apart = 2 * DAY_S if set(of.zones) != {of.zone} else 0
        columns = [Column(p, quantity, resolution) for p in of.members]
        rows = self._columns.read(columns, int(starts[0]) - apart, int(starts[-1]) + 1 + apart, starts)
        return [_moved(r, z, of.zone) for r, z in zip(rows, of.zones, strict=True)]

    def _usual(self, of: Planned, starts: Seconds) -> Floats:
        """What each member takes a day, by the month of each start."""
        every = months(of.zone)
        begins, row = np.unique(every[np.searchsorted(every, starts, "right") - 1], return_inverse=True)
        columns = [Column(p, of.sum.quantity, Resolution.DAY) for p in of.members]
        days = self._columns.read(columns, int(begins[0]) - USUAL_S - 2 * DAY_S, int(begins[-1]) + 2 * DAY_S)
        moved = [_moved(d, z, of.zone) for d, z in zip(days, of.zones, strict=True)]
        return np.array([_means(each, begins) for each in moved])[:, row]

    # writing
    def _write_priced(self, of: Planned, column: Column, rows: Intervals, stored: Intervals, everything: bool) -> None:
        """Money goes first, as in the ledger: what is killed half-way finds its energy still to be written."""
        changed = differing(stored, rows, everything)
        if of.priced is not None and column.resolution is Resolution.DAY:
            self._price(of.priced, rows if everything else changed, everything)
        self._columns.put(column, changed)

    def _price(self, point: Point, days: Intervals, everything: bool) -> None:
        if not len(days):
            return
        for column, worth in priced(self._portfolio, point, days).items():
            kept = self._columns.all(column) if everything else Intervals.empty()
            self._columns.put(column, differing(kept, worth, everything))

    def _write(self, column: Column, rows: Intervals, stored: Intervals, everything: bool) -> None:
        self._columns.put(column, differing(stored, rows, everything))


def differing(stored: Intervals, fresh: Intervals, everything: bool) -> Intervals:
    """The rows of ``fresh`` that are new or differ from ``stored``, with the next revision. With ``everything``, stored
    rows that are no longer there become missing."""
    if everything and len(stored):
        fresh = _with_struck(stored, fresh)
    if not len(fresh) or not len(stored):
        return fresh
    row = np.minimum(np.searchsorted(stored.start, fresh.start), len(stored) - 1)
    old = stored.take(row)
    there = old.start == fresh.start
    same = there & (old.micro == fresh.micro) & (old.known == fresh.known)
    same &= (old.method == fresh.method) & (old.flags == fresh.flags)
    revision = np.where(there, old.revision + 1, 0).astype(np.uint32)
    return replace(fresh, revision=revision).take(~same)


def _with_struck(stored: Intervals, fresh: Intervals) -> Intervals:
    gone = stored.take(~np.isin(stored.start, fresh.start) & (stored.known > 0))
    if not len(gone):
        return fresh
    struck = Intervals.of(gone.start, np.zeros(len(gone), np.int64), Known.MISSING, Method.NONE)
    both = chained(fresh, struck)
    return both.take(np.argsort(both.start, kind="stable"))


def _quantities(of: Planned) -> tuple[str, ...]:
    """The columns of a member that a sum looks at."""
    return (of.sum.quantity, COMPLETENESS, ESTIMATED) if of.of_totals else (of.sum.quantity,)


def _job(place: str) -> str:
    return f"{JOB} {place}".strip()


def _moved(rows: Intervals, zone: str, to: str) -> Intervals:
    """Days (or months) of one zone at the same dates' midnights of another."""
    if zone == to or not len(rows):
        return rows
    dates = (local_seconds(rows.start, zone) // DAY_S).astype("datetime64[D]")
    starts = [local_date_s(str(day), to) for day in dates]
    return replace(rows, start=np.array(starts, np.int64).astype("datetime64[s]"))


def _ends(of: Planned, resolution: Resolution, starts: Seconds) -> Seconds:
    """Where the intervals that begin at ``starts`` end; asked only of members whose life is bounded."""
    if not len(starts) or all(life == ALWAYS_S for life in of.lives):
        return starts + 1
    grid = edges(of.zone, resolution, int(starts[0]), int(starts[-1]) + 1)
    return grid[np.searchsorted(grid, starts, "right")]


def _month_after(zone: str, instant_s: int) -> int:
    every = months(zone)
    return int(every[np.searchsorted(every, instant_s, "right")])


def _means(days: Intervals, begins: Seconds) -> Floats:
    """Mean of a column's known days in the 366 before each of ``begins``; NaN where there is none."""
    known = days.take(days.known > 0)
    sums = np.concatenate([[0], np.cumsum(known.micro)])
    first, end = (np.searchsorted(epoch(known), at) for at in (begins - USUAL_S, begins))
    return np.where(end > first, (sums[end] - sums[first]) / np.maximum(end - first, 1), np.nan)
