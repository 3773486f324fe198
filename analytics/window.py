"""The readings that a changed span depends on, fetched from the store: no more than needed, and always enough.

What 'depends' means: a reading is judged by those within the hold time around it (:mod:`analytics.unroll`), and a
boundary by the readings before and after it. So a change in [start, end) touches the intervals from the last reading
before ``start − hold`` to the first after ``end + hold``. The readings are fetched from a quiet place before that (a
hold time without a fall of the register on either side), where every scan accepts the same.
"""

from dataclasses import dataclass

import numpy as np

from analytics.meter import FOREVER_MS, Meter, Segment
from analytics.unroll import HOLD_MS, Ints, Track, join, unroll
from submeter.stores.port import Store
from submeter.words import Correction

NEAR_MS = 40 * 24 * 3600 * 1000
"""An opening reading counts for a point's first device only if its first reading follows within this time."""
_ATTEMPTS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """``track`` is right, and intervals are to be settled, from ``first_ms`` to ``last_ms``.

    ``begins``: nothing was read before. ``ends``: nothing was read after. ``times`` are those of all readings fetched.
    """

    track: Track
    times: Ints
    first_ms: int
    last_ms: int
    begins: bool
    ends: bool


def fetch(store: Store, meter: Meter, start_ms: int, end_ms: int, corrections: tuple[Correction, ...] = ()) -> Window:
    """Readings and track around a change in [start_ms, end_ms)."""
    first = _before(store, meter, start_ms - HOLD_MS)
    from_ms, begins = _quiet(store, meter, first)
    after = _after(store, meter, end_ms + HOLD_MS)
    until_ms, ends = FOREVER_MS, True
    if after is not None:
        beyond = _after(store, meter, after + 3 * HOLD_MS)
        until_ms, ends = (FOREVER_MS, True) if beyond is None else (beyond + 1, False)
    parts, times = [], []
    for row, segment in enumerate(meter.segments):
        part, seen = _part(store, segment, from_ms, until_ms, corrections, begins=begins and row == 0, open_end=ends)
        parts.append(part)
        times.append(seen)
    every = np.concatenate(times)
    track = join(parts)
    low = first if first is not None else int(track.times[0]) if len(track) else start_ms
    high = after if after is not None else max(end_ms - 1, int(every[-1]) if len(every) else start_ms)
    return Window(track, every, low, high, begins, ends)


def _before(store: Store, meter: Meter, time_ms: int) -> int | None:
    """Time of the newest reading before ``time_ms`` of the device that hung there then."""
    found = [
        pair[0]
        for segment in meter.segments
        if segment.since_ms < time_ms
        and (pair := store.before(segment.series, min(time_ms, segment.until_ms)))
        and pair[0] >= segment.since_ms
    ]
    return max(found, default=None)


def _after(store: Store, meter: Meter, time_ms: int) -> int | None:
    """Time of the oldest reading at or after ``time_ms``."""
    found = [
        pair[0]
        for segment in meter.segments
        if segment.until_ms > time_ms
        and (pair := store.after(segment.series, max(time_ms, segment.since_ms)))
        and pair[0] < segment.until_ms
    ]
    return min(found, default=None)


def _quiet(store: Store, meter: Meter, first: int | None) -> tuple[int, bool]:
    """Where to fetch from, and whether that is the beginning of everything."""
    edge = first
    for _ in range(_ATTEMPTS):
        if edge is None:
            return -FOREVER_MS, True
        low = edge - 3 * HOLD_MS
        earlier = _before(store, meter, low)
        if not _falls(store, meter, earlier if earlier is not None else low, edge - HOLD_MS):
            return (earlier, False) if earlier is not None else (-FOREVER_MS, True)
        edge = earlier
    return (edge, False) if edge is not None else (-FOREVER_MS, True)


def _falls(store: Store, meter: Meter, start_ms: int, end_ms: int) -> bool:
    return any(
        bool((np.diff(store.read_readings(segment.series, low, high).micro) < 0).any())
        for segment in meter.segments
        if (low := max(start_ms, segment.since_ms)) < (high := min(end_ms, segment.until_ms))
    )


def _part(
    store: Store,
    segment: Segment,
    from_ms: int,
    until_ms: int,
    corrections: tuple[Correction, ...],
    *,
    begins: bool,
    open_end: bool,
) -> tuple[Track, Ints]:
    """One device's track within the window, with its opening and closing reading."""
    low, high = max(from_ms, segment.since_ms), min(until_ms, segment.until_ms)
    if low >= high:
        return Track.empty(), np.empty(0, np.int64)
    found = store.read_readings(segment.series, low, high)
    times, micro = _corrected(found.times.astype(np.int64), found.micro, corrections, low, high)
    seen = times
    if segment.opening is not None and _opens(segment, times, from_ms, begins=begins):
        times, micro = np.append(segment.since_ms, times), np.append(segment.opening, micro)
    closed = segment.until_ms < until_ms
    if closed and segment.closing is not None and (len(times) or not begins):
        times, micro = np.append(times, segment.until_ms), np.append(micro, segment.closing)
    order = np.flatnonzero(np.append(True, np.diff(times) > 0)) if len(times) else slice(0)
    return unroll(times[order], micro[order], segment.register, begins=begins, open_end=open_end and not closed), seen


def _opens(segment: Segment, times: Ints, from_ms: int, *, begins: bool) -> bool:
    """Whether the opening reading lies in the window, and near enough to the first reading to say something."""
    if segment.since_ms < from_ms or segment.since_ms <= -FOREVER_MS:
        return False
    return bool(len(times)) and (not begins or int(times[0]) - segment.since_ms <= NEAR_MS)


def _corrected(times: Ints, micro: Ints, corrections: tuple[Correction, ...], low: int, high: int) -> tuple[Ints, Ints]:
    """Rejected spans out, readings told by people in. Readings in the store stay as they are."""
    for entry in corrections:
        if entry.kind == "reject":
            keep = (times < entry.start_ms) | (times >= entry.end_ms)
            times, micro = times[keep], micro[keep]
        elif entry.kind == "reading" and entry.micro is not None and low <= entry.start_ms < high:
            row = int(np.searchsorted(times, entry.start_ms))
            same = row < len(times) and times[row] == entry.start_ms
            micro = np.insert(np.delete(micro, row) if same else micro, row, entry.micro)
            times = times if same else np.insert(times, row, entry.start_ms)
    return times, micro
