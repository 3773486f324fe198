"""The readings that a changed span depends on, fetched from the store: no more than needed, and always enough.

What 'depends' means: a reading is judged by those within the hold time around it, or by the two beside it where
those are further (:mod:`analytics.ledger.unroll`), and a boundary by the readings before and after it. So a change in
[start, end) touches the intervals from the third last reading before ``start − hold`` to the third after ``end +
hold``. The readings are fetched from a quiet place before that (a hold time and three readings without a fall of the
register on either side), where every scan accepts the same.

Where the register falls near the change, it may count down, and what one fall is decides over the time to the falls
within a hold time of it, and over readings left out beside those: then the change touches as much again, twice over.
"""

from dataclasses import dataclass, replace

import numpy as np

from analytics.ledger.meter import FOREVER_MS, Meter, Segment
from analytics.ledger.unroll import HOLD_MS, Ints, Track, join, unroll
from submeter.stores.port import Store
from submeter.words import Correction

NEAR_MS = 40 * 24 * 3600 * 1000
"""An opening reading counts for a point's first device only if its first reading follows within this time."""
BESIDE = 3
"""readings beside a change that are judged anew however far they are: the two that it may judge, and their link"""


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
    readings = _Readings(store, meter, start_ms - 5 * HOLD_MS, end_ms + 5 * HOLD_MS, corrections)
    first, after = _touched(readings, start_ms, end_ms)
    from_ms, begins = _quiet(readings, first)
    beyond = None if after is None else _on(readings, after + 3 * HOLD_MS)
    until_ms = FOREVER_MS if beyond is None else beyond + HOLD_MS
    if beyond is not None or readings.after(readings.high) is not None:
        readings.reach(readings.low, until_ms)
    if begins and readings.before(readings.low) is not None:  # there are some, but fewer than would be looked at
        readings.reach(-FOREVER_MS, readings.high)
    track, every = readings.track(from_ms, until_ms, begins=begins, ends=beyond is None)
    low = first if first is not None else min(start_ms, int(track.times[0]) if len(track) else start_ms)
    high = after if after is not None else max(end_ms - 1, int(every[-1]) if len(every) else start_ms)
    return Window(track, every, low, high, begins, beyond is None)


def _touched(readings: "_Readings", start_ms: int, end_ms: int) -> tuple[int | None, int | None]:
    """The first and the last reading that the change touches; None = there is none so far away."""
    near = _back(readings, start_ms - HOLD_MS), _on(readings, end_ms + HOLD_MS)
    settled = near[0] is None or near[0] >= readings.low + 3 * HOLD_MS
    settled &= near[1] is None or near[1] <= readings.high - 3 * HOLD_MS
    if settled and not readings.falls(readings.low, readings.high):
        return near
    first, after = near
    for _ in range(2):
        first = None if first is None else _back(readings, first - HOLD_MS)
        after = None if after is None else _on(readings, after + HOLD_MS)
    if near[0] is not None:
        readings.reach(-FOREVER_MS if first is None else first, readings.high)
    if near[1] is not None:
        readings.reach(readings.low, FOREVER_MS if after is None else after)
    low, high = readings.low if first is None else first, readings.high if after is None else after + 1
    return (first, after) if readings.falls(low, high) else near


def _quiet(readings: "_Readings", first: int | None) -> tuple[int, bool]:
    """The reading to begin with, quiet around it, and whether it is the beginning of everything."""
    stride = 3 * HOLD_MS
    while first is not None:
        earlier = _back(readings, first - stride)
        low = -FOREVER_MS if earlier is None else earlier
        readings.reach(low, first)
        if earlier is None or not readings.falls(low, max(first - HOLD_MS, _on(readings, low + 1) or first)):
            return low, earlier is None
        first, stride = earlier, 2 * stride  # longer strides, so that a register that falls every day costs little
    return -FOREVER_MS, True


def _back(readings: "_Readings", time_ms: int) -> int | None:
    """Time of the third last reading before ``time_ms``."""
    found: int | None = time_ms
    for _ in range(BESIDE):
        found = None if found is None else readings.before(found)
    return found


def _on(readings: "_Readings", time_ms: int) -> int | None:
    """Time of the third reading at or after ``time_ms``."""
    found: int | None = time_ms - 1
    for _ in range(BESIDE):
        found = None if found is None else readings.after(found + 1)
    return found


class _Readings:
    """Readings of all devices of a meter in one span, corrected; it grows when more is asked for."""

    def __init__(
        self, store: Store, meter: Meter, low: int, high: int, corrections: tuple[Correction, ...] = ()
    ) -> None:
        self._store, self._meter, self._corrections = store, meter, corrections
        self._told = told_times(meter, corrections)
        self.low, self.high = low, high
        self._load()

    def reach(self, low: int, high: int) -> None:
        if low < self.low or high > self.high:
            self.low, self.high = min(low, self.low), max(high, self.high)
            self._load()

    def _load(self) -> None:
        self._found = [self._device(segment) for segment in self._meter.segments]

    def _device(self, segment: Segment) -> tuple[Ints, Ints]:
        low, high = max(self.low, segment.since_ms), min(self.high, segment.until_ms)
        if low >= high:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        found = self._store.read_readings(segment.series, low, high)
        return _corrected(found.times.astype(np.int64), found.micro, self._corrections, low, high)

    def before(self, time_ms: int) -> int | None:
        """Time of the newest reading before ``time_ms`` of the device that hung there then."""
        for times, _ in reversed(self._found):
            row = int(np.searchsorted(times, time_ms)) - 1
            if row >= 0:
                return int(times[row])
        found = [self._before(segment, time_ms) for segment in self._meter.segments if segment.since_ms < time_ms]
        return max([*(t for t in found if t is not None), *(t for t in self._told if t < time_ms)], default=None)

    def _before(self, segment: Segment, time_ms: int) -> int | None:
        pair = self._store.before(segment.series, min(time_ms, segment.until_ms))
        while pair is not None and (rejected := _rejecting(self._corrections, pair[0])):
            pair = self._store.before(segment.series, min(each.start_ms for each in rejected))
        return pair[0] if pair is not None and pair[0] >= segment.since_ms else None

    def after(self, time_ms: int) -> int | None:
        """Time of the oldest reading at or after ``time_ms``."""
        for times, _ in self._found:
            row = int(np.searchsorted(times, time_ms))
            if row < len(times):
                return int(times[row])
        found = [self._after(segment, time_ms) for segment in self._meter.segments if segment.until_ms > time_ms]
        return min([*(t for t in found if t is not None), *(t for t in self._told if t >= time_ms)], default=None)

    def _after(self, segment: Segment, time_ms: int) -> int | None:
        pair = self._store.after(segment.series, max(time_ms, segment.since_ms))
        while pair is not None and (rejected := _rejecting(self._corrections, pair[0])):
            pair = self._store.after(segment.series, max(each.end_ms for each in rejected))
        return pair[0] if pair is not None and pair[0] < segment.until_ms else None

    def falls(self, start_ms: int, end_ms: int) -> bool:
        """Whether any register falls between two readings of the span."""
        return any(
            bool((np.diff(micro[slice(*np.searchsorted(times, (start_ms, end_ms)))]) < 0).any())
            for times, micro in self._found
        )

    def track(self, from_ms: int, until_ms: int, *, begins: bool, ends: bool) -> tuple[Track, Ints]:
        """The joined track of [from_ms, until_ms), and the times of all its readings."""
        cuts = [slice(*np.searchsorted(times, (from_ms, until_ms))) for times, _ in self._found]
        found = [(times[cut], micro[cut]) for (times, micro), cut in zip(self._found, cuts, strict=True)]
        segments = _bridged(self._meter.segments, found)
        parts = [
            _part(segment, *of_device, (from_ms, until_ms), begins=begins and row == 0, open_end=ends)
            for row, (segment, of_device) in enumerate(zip(segments, found, strict=True))
        ]
        return join(parts), np.concatenate([times for times, _ in found])


def _bridged(segments: tuple[Segment, ...], found: list[tuple[Ints, Ints]]) -> list[Segment]:
    """Where a meter stayed and only its transformers or dates changed, its register goes on: closing and opening
    reading are the same, on the line between the accepted readings before and after."""
    bridged = list(segments)
    for row in range(1, len(segments)):
        one, other = bridged[row - 1], segments[row]
        if one.series != other.series or one.until_ms != other.since_ms:
            continue
        if one.closing is None and other.opening is None:
            at = _passing(one, found[row - 1], found[row])
            bridged[row - 1], bridged[row] = replace(one, closing=at), replace(other, opening=at)
    return bridged


def _passing(segment: Segment, before: tuple[Ints, Ints], after: tuple[Ints, Ints]) -> int | None:
    """What a register showed as a segment ended, None where no accepted readings rise from before to after."""
    if not len(before[0]) or not len(after[0]):
        return None
    times, micro = (np.concatenate(both) for both in zip(before, after, strict=True))
    accepted = unroll(times, micro, segment.register).times
    row = int(np.searchsorted(accepted, segment.until_ms))
    if not 0 < row < len(accepted):
        return None
    pair = np.searchsorted(times, accepted[row - 1 : row + 1])
    (begin, end), (shown, then) = times[pair].tolist(), micro[pair].tolist()
    return None if then < shown else shown + (then - shown) * (segment.until_ms - begin) // (end - begin)


def _part(segment: Segment, times: Ints, micro: Ints, span: tuple[int, int], *, begins: bool, open_end: bool) -> Track:
    """One device's track within the window, with its opening and closing reading."""
    from_ms, until_ms = span
    if max(from_ms, segment.since_ms) >= min(until_ms, segment.until_ms):
        return Track.empty()
    if segment.opening is not None and _opens(segment, times, from_ms, begins=begins):
        times, micro = _entered(times, micro, 0, segment.since_ms, segment.opening)
    closed, told = segment.until_ms < until_ms, segment.closing is not None
    if closed and segment.closing is not None and len(times):
        times, micro = _entered(times, micro, len(times), segment.until_ms, segment.closing)
    return unroll(times, micro, segment.register, begins=begins, open_end=not told if closed else open_end)


def _entered(times: Ints, micro: Ints, row: int, time_ms: int, value: int) -> tuple[Ints, Ints]:
    """With a reading by hand at one end; a meter's own reading of that very time stands."""
    if time_ms in times[row - 1 : row + 1] or (row == 0 and len(times) and times[0] == time_ms):
        return times, micro
    return np.insert(times, row, time_ms), np.insert(micro, row, value)


def _opens(segment: Segment, times: Ints, from_ms: int, *, begins: bool) -> bool:
    """Whether the opening reading lies in the window, and near enough to the next one to say something."""
    if segment.since_ms < from_ms or segment.since_ms <= -FOREVER_MS or not (len(times) or segment.closing is not None):
        return False
    following = int(times[0]) if len(times) else segment.until_ms
    return not begins or following - segment.since_ms <= NEAR_MS


def told_times(meter: Meter, corrections: tuple[Correction, ...]) -> list[int]:
    """When people read the register of a device that hung there, but for what they rejected afterwards."""
    told = [
        entry.start_ms
        for row, entry in enumerate(corrections)
        if entry.kind == "reading" and not _rejecting(corrections[row:], entry.start_ms)
    ]
    return sorted(t for t in told if any(s.since_ms <= t < s.until_ms for s in meter.segments))


def _rejecting(corrections: tuple[Correction, ...], time_ms: int) -> list[Correction]:
    return [each for each in corrections if each.kind == "reject" and each.start_ms <= time_ms < each.end_ms]


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
