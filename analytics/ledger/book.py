"""The ledger: what a change in the readings of a point does to its stored intervals.

``settle_span`` fetches what the change depends on (:mod:`analytics.ledger.window`), settles every local day of it at
all resolutions (:mod:`analytics.ledger.settle`) and compares with what is stored; only rows that differ are written,
and only those have their revision raised. So it does nothing the second time, and a full re-settlement gives the same
ledger.

Quarters are kept for days on whose end readings came at least every twenty minutes (median of the last nine); hours and
days always. Months are made of their days, of those in the window and of those stored around it
(:mod:`analytics.ledger.months`). A late reading in front of estimated hours re-settles those of the four weeks after
it; for a meter without a rating, whose limits are its own history, 60 days on both sides of a change of any day's
highest hour.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analytics.calendar import Seconds, day_of, edges, midnights
from analytics.ledger.corrections import standing
from analytics.ledger.frozen import doubted, frozen_of, pinned
from analytics.ledger.gaps import HISTORY_S, History, long_gaps, spread
from analytics.ledger.meter import FOREVER_MS, Meter, meter_of
from analytics.ledger.months import Months, near_measured
from analytics.ledger.settle import GRACE_MS, settle, settle_all, tolerance_ms
from analytics.ledger.stored import Grid, between, chained, column_of, instant, revise, stored_rows
from analytics.ledger.suspect import REACH_DAYS, daily_highest, suspect_hours
from analytics.ledger.unroll import HOLD_MS
from analytics.ledger.window import Window, fetch, told_times
from analytics.tariff import revalued
from submeter.stores.port import Column, Store
from submeter.words import Correction, Flag, Intervals, Known, Method, Portfolio, Resolution

FINE = (Resolution.QUARTER, Resolution.HOUR, Resolution.DAY)
"""what is settled from readings; months are made of days"""
DAY_MS = 86_400_000
QUARTER_SPACING_MS = 20 * 60_000
_SPACINGS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """Rows of one point that differ from what is stored, by resolution; ``settled`` counts all that were looked at.

    ``last_ms`` is the newest reading, if all up to there are accepted and none follow; None otherwise.
    """

    point: str
    quantity: str
    changed: dict[Resolution, Intervals]
    settled: int = 0
    last_ms: int | None = None
    frozen_ms: int = 0
    """nothing before it was looked at, for its raw readings were dropped; 0 = all was"""


def write(store: Store, portfolio: Portfolio, settled: Settled) -> None:
    """Write a point's changed intervals, with the cost and carbon of changed days.

    Money goes first: what is killed half-way finds its energy still to be written, and does all of it again.
    """
    days = settled.changed.get(Resolution.DAY)
    if days is not None and len(days):
        for column, worth in revalued(store, portfolio, portfolio.points[settled.point], days).items():
            store.write_intervals(column, worth)
    for resolution, rows in settled.changed.items():
        if len(rows):
            store.write_intervals(Column(settled.point, settled.quantity, resolution), rows)


def settle_point(
    store: Store, portfolio: Portfolio, point: str, start_ms: int | None = None, end_ms: int | None = None
) -> Settled:
    """Settle a point's readings in [start_ms, end_ms) anew (all of them by default) and write what differs.

    Raises :class:`KeyError` for a point that is not a meter of the portfolio.
    """
    meter = meter_of(portfolio, point)
    if meter is None:
        raise KeyError(f"{point} is no meter of the portfolio; `submeter config check` lists them")
    corrections = corrections_of(store, point)
    span = _lifetime(store, meter, corrections)
    if span is None:
        return Settled(point, meter.point.quantity, {})
    low, high = max(span[0], start_ms or span[0]), min(span[1], end_ms or span[1])
    settled = settle_span(store, meter, low, high, corrections)
    with store.writing():
        write(store, portfolio, settled)
    return settled


def _lifetime(store: Store, meter: Meter, corrections: tuple[Correction, ...]) -> tuple[int, int] | None:
    firsts = [pair[0] for s in meter.segments if (pair := store.after(s.series, max(s.since_ms, -(2**53))))]
    lasts = [pair[0] for s in meter.segments if (pair := store.before(s.series, min(s.until_ms, 2**53)))]
    told = told_times(meter, corrections)
    return (min(firsts + told), max(lasts + told) + 1) if (firsts and lasts) or told else None


def _begun(store: Store, meter: Meter, start_ms: int, corrections: tuple[Correction, ...]) -> int:
    """Where a change begins that is said to reach back beyond the calendar: with the first that was read, told or
    settled, as there is nothing before it."""
    dawn_s = int(midnights(meter.zone)[0])
    if start_ms >= dawn_s * 1000:
        return start_ms
    (days,) = store.read_intervals([column_of(meter, Resolution.DAY)], instant(dawn_s), instant(FOREVER_MS // 1000))
    settled = days.start[:1].astype("datetime64[s]").astype(np.int64) * 1000
    life = _lifetime(store, meter, corrections)
    return min([*settled.tolist(), *(life[:1] if life else ())], default=dawn_s * 1000)


def corrections_of(store: Store, point: str) -> tuple[Correction, ...]:
    """What people said about this point's readings and did not take back, in the order in which they said it."""
    return standing(c for c in store.entries(Correction, point.partition("/")[0]) if c.point == point)


def settle_span(
    store: Store,
    meter: Meter,
    start_ms: int,
    end_ms: int,
    corrections: tuple[Correction, ...] = (),
    until_ms: int | None = None,
) -> Settled:
    """What a change of readings in [start_ms, end_ms) makes of the stored intervals; writes nothing.

    ``until_ms``: say that intervals up to then are missing where nothing was read; default: the last reading.
    """
    settled = _settle_span(store, meter, (start_ms, end_ms), corrections, until_ms)
    if meter.rated or not _moves_limits(store, meter, settled.changed.get(Resolution.HOUR)):
        return settled
    reach = (start_ms - REACH_DAYS * DAY_MS, end_ms + (REACH_DAYS + 1) * DAY_MS)
    return _settle_span(store, meter, reach, corrections, until_ms)


def _moves_limits(store: Store, meter: Meter, hours: Intervals | None) -> bool:
    """Whether changed hours make another highest hour of any day, from which the limits of the days around it come.

    Where they do not, every limit is what it was, and no hour that was not settled now is judged otherwise.
    """
    if hours is None or not len(hours):
        return False
    first_s, last_s = hours.start[[0, -1]].astype(np.int64).tolist()
    days = edges(meter.zone, Resolution.DAY, first_s, last_s + 1)
    (stored,) = store.read_intervals([column_of(meter, Resolution.HOUR)], instant(days[0]), instant(days[-1]))
    fresh = chained(stored.take(~np.isin(stored.start, hours.start)), hours)
    before, after = daily_highest(stored, meter.zone), daily_highest(fresh, meter.zone)
    return not all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


def _settle_span(
    store: Store, meter: Meter, span: tuple[int, int], corrections: tuple[Correction, ...], until_ms: int | None
) -> Settled:
    frozen = frozen_of(store, meter.point.id)
    since_ms = frozen.until_ms if frozen else -FOREVER_MS
    if frozen is not None and span[1] <= frozen.raw_ms:
        return Settled(meter.point.id, meter.point.quantity, {}, frozen_ms=since_ms)
    start_ms, end_ms = max(_begun(store, meter, span[0], corrections), since_ms), max(span[1], since_ms + 1)
    low, high = _widened(store, meter, start_ms, end_ms, corrections)
    window = fetch(store, meter, max(low, since_ms), high, corrections)
    first_s, last_s = max(window.first_ms, since_ms) // 1000, max(window.last_ms, until_ms or 0) // 1000 + 1
    days = edges(meter.zone, Resolution.DAY, first_s, last_s)
    horizon_s = min(max(int(window.times[-1]) if len(window.times) else 0, until_ms or 0), meter.until_ms - 1) // 1000
    grid = {each: edges(meter.zone, each, int(days[0]), int(days[-1])) for each in Resolution}
    stored = stored_rows(store, meter, grid)
    history = history_of(store, meter, window, grid[Resolution.HOUR])
    track = pinned(window.track, frozen, history)
    moved = track is not window.track
    if moved:
        window = replace(window, track=track)
        history = history_of(store, meter, window, grid[Resolution.HOUR])
    rows = _rows(store, meter, window, grid, history, horizon_s)
    rows = {each: doubted(of, since_ms) for each, of in rows.items()} if moved else rows
    around = _around(stored[Resolution.DAY], rows[Resolution.DAY], grid[Resolution.DAY])
    rows[Resolution.MONTH] = _months(store, meter, window, around, grid, history, corrections)
    stored[Resolution.DAY] = between(stored[Resolution.DAY], days[0], days[-1])
    changed = {each: revise(stored[each], rows[each], *_known_span(window)) for each in Resolution}
    return Settled(
        meter.point.id,
        meter.point.quantity,
        changed,
        sum(len(each) for each in rows.values()),
        int(window.track.times[-1]) if _certain(window, rows[Resolution.QUARTER]) else None,
        max(since_ms, 0),
    )


def _known_span(window: Window) -> tuple[int, int]:
    """From when on (epoch s) no row stands but those settled now, and the last accepted reading."""
    if not len(window.track):
        return -FOREVER_MS, -FOREVER_MS
    begin, end = (window.track.times[[0, -1]] // 1000).tolist()
    return -FOREVER_MS if window.begins else begin, end


def _certain(window: Window, quarters: Intervals) -> bool:
    """Whether one more reading in the quarter of the newest changes nothing; it may make a coarse day a fine one."""
    if not window.ends or window.track.held_ms is not None or not len(quarters):
        return False
    return int(quarters.start[-1].astype(np.int64)) + Resolution.QUARTER.seconds > int(window.times[-1]) // 1000


def _widened(
    store: Store, meter: Meter, start_ms: int, end_ms: int, corrections: tuple[Correction, ...]
) -> tuple[int, int]:
    """The change with the intervals whose estimates look at it."""
    if not _late(store, meter, end_ms + HOLD_MS, corrections):
        return start_ms, end_ms
    reach = end_ms + 3 * HOLD_MS + 1000 * HISTORY_S + DAY_MS
    (hours,) = store.read_intervals(
        [column_of(meter, Resolution.HOUR)], instant(end_ms // 1000), instant(reach // 1000)
    )
    guessed = hours.start[hours.known == Known.ESTIMATED]
    return (start_ms, int(guessed[-1].astype(np.int64)) * 1000) if len(guessed) else (start_ms, end_ms)


def _late(store: Store, meter: Meter, since_ms: int, corrections: tuple[Correction, ...]) -> bool:
    """Whether anything was read since, of any device or by hand."""
    read = any(store.after(segment.series, since_ms) is not None for segment in reversed(meter.segments))
    return read or any(entry.start_ms >= since_ms for entry in corrections)


def _rows(
    store: Store, meter: Meter, window: Window, grid: Grid, history: History | None, horizon_s: int
) -> dict[Resolution, Intervals]:
    """Every interval of the window's days, at each resolution up to days."""
    if not len(window.track):
        return dict.fromkeys(FINE, Intervals.empty())
    rows = settle_all(window.track, {each: grid[each] for each in FINE}, history)
    rows = {each: _led_in(of, grid[each], window) for each, of in rows.items()}
    rows[Resolution.QUARTER] = _quarterly(rows[Resolution.QUARTER], window, meter.zone)
    rows = {each: _until(of, horizon_s) for each, of in rows.items()}
    return rows if meter.rated else _judged(store, meter, rows, grid)


def _around(stored: Intervals, fresh: Intervals, days: Seconds) -> Intervals:
    """The days of whole months: those of the window as settled now, the others as they are stored."""
    starts = stored.start.astype(np.int64)
    first, last = np.searchsorted(starts, (days[0], days[-1]))
    return chained(stored.take(slice(0, first)), fresh, stored.take(slice(last, None)))


def _months(
    store: Store,
    meter: Meter,
    window: Window,
    days: Intervals,
    grid: Grid,
    history: History | None,
    corrections: tuple[Correction, ...],
) -> Intervals:
    """Months from ``days``. A boundary outside of the window, where nothing changed, is asked of the days beside it,
    and of the readings there only where neither of those is measured."""
    boundaries, span = grid[Resolution.MONTH], grid[Resolution.DAY]
    months = Months.of(days, meter.zone, boundaries)
    exact, profiled = np.zeros((2, len(boundaries)), bool)
    asked = months.asked
    if asked.any():
        exact = near_measured(days, meter.zone, boundaries)
    for row in np.flatnonzero(asked & ~exact).tolist():
        at, of, using = int(boundaries[row]), window, history
        if not span[0] <= at <= span[-1]:
            of = fetch(store, meter, at * 1000, at * 1000 + 1, corrections)
            hours = edges(meter.zone, Resolution.HOUR, of.first_ms // 1000, of.last_ms // 1000 + 1)
            using = history_of(store, meter, of, hours)
        exact[row], profiled[row] = _boundary(of, at, using)
    return months.settled(exact, profiled)


def _boundary(window: Window, at_s: int, history: History | None) -> tuple[bool, bool]:
    """Whether a month's boundary is exact, and whether its count lies on a profile."""
    if not len(window.track):
        return False, False
    found = spread(window.track, np.array([at_s * 1000]), history)
    return bool(found.distance_ms[0] <= tolerance_ms(Resolution.MONTH)), bool(found.profiled[0])


def _led_in(rows: Intervals, grid: NDArray[np.int64], window: Window) -> Intervals:
    """With missing rows from the first reading on where that reading was refuted: it was read, but nothing is known."""
    if not (window.begins and len(window.times) and window.times[0] < window.track.times[0]):
        return rows
    until_s = int(rows.start[0].astype(np.int64)) if len(rows) else int(grid[-1])
    begin = np.searchsorted(grid * 1000, window.times[0] - GRACE_MS)
    starts = grid[begin : np.searchsorted(grid, until_s)]
    ends = grid[begin + 1 : begin + 1 + len(starts)]
    pending = np.where(ends * 1000 > window.track.times[-1], Flag.PENDING, Flag.NONE)
    lead = Intervals.of(starts.astype("datetime64[s]"), np.zeros(len(starts), np.int64), 0, Method.NO_READING, pending)
    return chained(lead, rows)


def history_of(store: Store, meter: Meter, window: Window, hours: NDArray[np.int64]) -> History | None:
    """Measured hours for the profiles of the gaps in the window: those stored before it, then those settled in it."""
    gaps = long_gaps(window.track)
    if not len(gaps):
        return None
    begin_s = int(window.track.times[gaps[0]]) // 1000 - HISTORY_S
    (stored,) = store.read_intervals([column_of(meter, Resolution.HOUR)], instant(begin_s), instant(int(hours[0])))
    fresh = settle(window.track, hours, Resolution.HOUR)
    return History.of(meter.place, stored).then(History.of(meter.place, fresh))


def _quarterly(quarters: Intervals, window: Window, zone: str) -> Intervals:
    """Only those of days on whose end readings came at least every twenty minutes."""
    if not len(quarters):
        return quarters
    day = day_of(zone, quarters.start.astype(np.int64))
    days = np.arange(day[0], day[-1] + 1)
    ends = midnights(zone)[days + 1] * 1000
    spacing = np.diff(window.times)
    if not len(spacing):
        return quarters.take(slice(0))
    last = np.searchsorted(window.times, ends, "left") - 2  # the last spacing before each day's end
    picked = np.clip(last[:, None] - np.arange(_SPACINGS), 0, len(spacing) - 1)
    middle = np.sort(spacing[picked], axis=1)[:, _SPACINGS // 2 - 1 : _SPACINGS // 2 + 1]
    fine = middle.sum(axis=1) <= 2 * QUARTER_SPACING_MS
    return quarters.take(fine[day - day[0]])


def _until(rows: Intervals, horizon_s: int) -> Intervals:
    return rows.take(slice(0, int(np.searchsorted(rows.start.astype(np.int64), horizon_s, "right"))))


def _judged(store: Store, meter: Meter, rows: dict[Resolution, Intervals], grid: Grid) -> dict[Resolution, Intervals]:
    """With what the meter's own history makes suspect."""
    reach = (REACH_DAYS + 1) * 86_400
    first_s, last_s = grid[Resolution.DAY][[0, -1]].tolist()
    column = column_of(meter, Resolution.HOUR)
    (before,) = store.read_intervals([column], instant(first_s - reach), instant(first_s))
    (after,) = store.read_intervals([column], instant(last_s), instant(last_s + reach))
    hours = rows[Resolution.HOUR]
    mine = slice(len(before), len(before) + len(hours))
    found = suspect_hours(chained(before, hours, after), meter.zone, mine)
    if not found.any():
        return rows
    starts = hours.start[found].astype(np.int64)
    return {each: _mark(of, starts, grid[each]) for each, of in rows.items()}


def _mark(rows: Intervals, hours_s: NDArray[np.int64], grid: NDArray[np.int64]) -> Intervals:
    """Suspect where an interval holds, or lies in, one of the hours."""
    start = rows.start.astype(np.int64)
    end = grid[np.searchsorted(grid, start) + 1]
    touched = np.searchsorted(hours_s, end, "left") > np.searchsorted(hours_s + 3600, start, "right")
    flags = np.where(touched & (rows.known > 0), rows.flags | Flag.SUSPECT, rows.flags)
    return replace(rows, flags=flags.astype(np.uint16))
