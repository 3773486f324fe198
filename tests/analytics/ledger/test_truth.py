"""Against the hidden truth: what is settled is what flowed, and what never flowed is never settled."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import assume, given

from analytics.calendar import edges
from submeter.words import Flag, Intervals, Known, Method, Resolution
from tests.analytics.ledger.cases import cases, quantity_of, replayed
from tests.analytics.ledger.histories import EVENTS, LOSSY, History, histories
from tests.analytics.ledger.small_cases import HOUR_MS, METER, rows
from tests.analytics.ledger.truth import FOREVER_MS

HONEST = EVENTS - LOSSY
HALF_A_DAY_MS = 12 * HOUR_MS
FRESH = (Method.NONE, Method.NO_READING, Method.NO_CLOSING, Method.REFUTED)


def settled(history: History, resolution: Resolution) -> Intervals:
    return rows(replayed(history), resolution, quantity_of(history))


def ends_of(history: History, found: Intervals, resolution: Resolution) -> list[int]:
    """Epoch ms at which each row ends."""
    starts = found.start.astype(np.int64)
    grid = edges(history.where.buildings["b"].zone, resolution, int(starts[0]), int(starts[-1]) + 1)
    return [int(end) * 1000 for end in grid[np.searchsorted(grid, starts, "right")]]


def told_span(history: History) -> tuple[int, int]:
    """From the first to the last time that anything told of; a register that shows 0 tells of its beginning."""
    dates = [t for h in history.truth.hung for t in (h.since_ms, h.until_ms) if abs(t) < FOREVER_MS]
    dates += [history.truth.flow.begin_ms] if history.truth.hung[0].shown == 0 else []
    polled = [history.polls[0].time_ms, history.polls[-1].time_ms]
    return min(dates + polled), max(dates + polled)


def longer_than_the_hold_time(history: History) -> bool:
    """Whether bad readings follow each other, with at most one good one between, for about a day: a known limit, the
    register counts as reset, or as rolled over, then. Without a rating that is so however soon they follow."""
    least_ms = HALF_A_DAY_MS if history.where.points[METER].rating else 0
    near = [*pairwise(history.polls), *zip(history.polls, history.polls[2:], strict=False)]
    return any(
        {one.time_ms, other.time_ms} <= history.glitches and other.time_ms - one.time_ms > least_ms
        for one, other in near
    )


def undoubted(history: History) -> set[int]:
    """Times of readings that nothing can doubt: a device's first and last, and without a rating a few more.

    A known limit: so are the first and last under one transformer ratio, though the register is one (a 0 just after a
    changed transformer, of a meter read so seldom that the way back is plausible, becomes energy).
    """
    few = 1 if history.where.points[METER].rating else 5
    of_devices = [
        [p.time_ms for p in history.polls if p.serial == h.serial and h.since_ms <= p.time_ms < h.until_ms]
        for h in history.truth.hung
    ]
    return {t for times in of_devices for t in (*times[:few], *times[-few:])}


def uncertainty(history: History, start_ms: int, end_ms: int) -> Fraction:
    """What a register's resolution leaves open over a span: one step at each end of each device in it."""
    spanned = [h for h in history.truth.hung if h.since_ms <= end_ms and h.until_ms >= start_ms]
    return sum((2 * h.ratio * history.truth.resolution for h in spanned), Fraction(2))


def left_open_by_ratios(history: History) -> Fraction:
    """What a transformer changed between two polls leaves open: nobody read the register at that instant, so how much
    of what it counted between them belongs to either ratio is a guess (a straight line)."""
    honest = sorted({p.time_ms for p in history.polls} - history.glitches)
    total = Fraction(0)
    for one, other in pairwise(history.truth.hung):
        before = [t for t in honest if t <= other.since_ms][-1:]
        after = [t for t in honest if t >= other.since_ms][:1]
        if one.serial == other.serial and before and after:
            counted = history.truth.flow.until(after[0]) - history.truth.flow.until(before[0])
            total += abs(other.ratio - one.ratio) * counted
    return total


@given(history=histories(HONEST))
@cases(100)
def test_between_honest_readings_on_boundaries_the_ledger_holds_what_flowed(history: History) -> None:
    assume(not undoubted(history) & history.glitches and not longer_than_the_hold_time(history))
    store = replayed(history)
    honest = {p.time_ms for p in history.polls} - history.glitches
    for resolution in Resolution:
        found = rows(store, resolution, quantity_of(history))
        if not len(found):
            continue
        starts, ends = (found.start.astype(np.int64) * 1000).tolist(), ends_of(history, found, resolution)
        begin, summed = None, 0
        for row, (start, end) in enumerate(zip(starts, ends, strict=True)):
            broken = found.known[row] == Known.MISSING or found.flags[row] & (Flag.EXCHANGE | Flag.RESET)
            if broken or (row and ends[row - 1] != start):
                begin, summed = None, 0
            if broken:
                continue
            if begin is None and start in honest:
                begin, summed = start, 0
            summed += int(found.micro[row])
            if begin is not None and end in honest:
                flowed = history.truth.energy(begin, end)
                assert abs(summed - flowed) <= uncertainty(history, begin, end), (resolution, begin, end)


@given(history=histories(HONEST))
@cases(100)
def test_no_more_is_settled_than_flowed_but_what_is_marked_suspect(history: History) -> None:
    assume(not undoubted(history) & history.glitches and not longer_than_the_hold_time(history))
    begin, end = told_span(history)
    most = history.truth.energy(begin, end) + uncertainty(history, begin, end) + left_open_by_ratios(history)
    store = replayed(history)
    for resolution in Resolution:
        found = rows(store, resolution, quantity_of(history))
        assert found.micro[found.flags & Flag.SUSPECT == 0].sum() <= most


@given(history=histories())
@cases(60)
def test_known_rows_are_the_sum_of_their_parts_at_every_resolution(history: History) -> None:
    store = replayed(history)
    for fine, coarse in pairwise(Resolution):
        parts, found = (rows(store, each, quantity_of(history)) for each in (fine, coarse))
        if not len(parts) or not len(found):
            continue
        starts, part_ends = parts.start.astype(np.int64) * 1000, np.array(ends_of(history, parts, fine))
        for row, (begin, end) in enumerate(
            zip((found.start.astype(np.int64) * 1000).tolist(), ends_of(history, found, coarse), strict=True)
        ):
            inside = (starts >= begin) & (part_ends <= end)
            whole = int((part_ends - starts)[inside].sum()) == end - begin
            if whole and found.known[row]:
                assert parts.known[inside].all()
                assert parts.micro[inside].sum() == found.micro[row]
            if whole and not found.known[row]:
                assert not parts.known[inside].all()


@given(history=histories())
@cases(60)
def test_zero_is_never_missing_and_missing_is_never_a_number(history: History) -> None:
    store = replayed(history)
    for resolution in Resolution:
        found = rows(store, resolution, quantity_of(history))
        missing = found.known == Known.MISSING
        assert not found.micro[missing].any()
        assert np.isin(found.method, FRESH).tolist() == missing.tolist()
        assert (found.micro >= 0).all()
