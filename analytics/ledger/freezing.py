"""Freezing: the raw readings of whole months that are older than they are to be kept are dropped, meter by meter.

First the seam is written down, then the readings go: killed between, they go with the next month's. What arrives for a
frozen span later is kept as a record of its own and told, and moves nothing; :mod:`analytics.ledger.frozen` says why.
"""

from collections.abc import Iterator

import numpy as np
from msgspec.structs import replace

from analytics.calendar import edges
from analytics.ledger.book import history_of
from analytics.ledger.frozen import UNTIL, frozen_of
from analytics.ledger.gaps import spread
from analytics.ledger.meter import Meter
from analytics.ledger.window import fetch
from submeter.stores.port import Store
from submeter.words import Change, Correction, Frozen, Readings, Resolution, TooLate

A_RECORD = 10_000
"""readings in one record of what came too late"""


def freeze(
    store: Store, meter: Meter, before_ms: int, now_ms: int, corrections: tuple[Correction, ...] = ()
) -> Frozen | None:
    """Write down that a meter is frozen up to the last month's end at or before ``before_ms``; None where that is so
    already, or nothing lies before it. All that arrived must be settled. Raises StoreAway."""
    until_ms, frozen = _seam(store, meter, before_ms), frozen_of(store, meter.point.id)
    if until_ms is None or (frozen is not None and until_ms <= frozen.until_ms):
        return None
    window = fetch(store, meter, until_ms, until_ms + 1, corrections)
    row = int(np.searchsorted(window.track.times, until_ms, "right")) - 1
    if window.begins or row < 0 or row + 1 >= len(window.track):
        return None
    hours = edges(meter.zone, Resolution.HOUR, window.first_ms // 1000, window.last_ms // 1000 + 1)
    at = spread(window.track, np.array([until_ms]), history_of(store, meter, window, hours))
    found = Frozen(
        id=meter.point.id, building=meter.point.building, until_ms=until_ms, reading_ms=int(window.track.times[row]),
        counted=int(at.counts[0] - window.track.counts[row]), raw_ms=int(window.times[0]), told_ms=now_ms,
    )  # fmt: skip
    with store.writing():
        store.put(found)
        store.set_cursor(f"{UNTIL} {meter.point.id}", until_ms)
    return found


def drop(store: Store, meter: Meter, frozen: Frozen) -> None:
    """Drop the raw readings of a frozen meter's devices that nothing needs any more. Raises StoreAway."""
    with store.writing():
        for series in {segment.series for segment in meter.segments}:
            store.expire(series, frozen.raw_ms)


def _seam(store: Store, meter: Meter, before_ms: int) -> int | None:
    """The last end of a month at or before an instant and the meter's newest reading, None without a reading."""
    lasts = [last[0] for each in meter.segments if (last := store.before(each.series, each.until_ms)) is not None]
    if not lasts:
        return None
    limit_s = min(before_ms, max(lasts)) // 1000
    return int(edges(meter.zone, Resolution.MONTH, limit_s, limit_s + 1)[0]) * 1000


def too_late(store: Store, meter: Meter, change: Change, frozen: Frozen, now_ms: int) -> list[TooLate]:
    """What a change brought for the frozen span of a meter, as records to keep. Raises StoreAway."""
    what = TooLate(
        id=f"{change.point}@readings@{change.start_ms}", building=meter.point.building, point=change.point,
        what="readings", start_ms=change.start_ms, end_ms=min(change.end_ms, frozen.until_ms),
        until_ms=frozen.until_ms, told_ms=now_ms,
    )  # fmt: skip
    records = list(_records(store, meter, what, frozen.raw_ms))
    return records or [what]


def _records(store: Store, meter: Meter, what: TooLate, raw_ms: int) -> Iterator[TooLate]:
    for segment in meter.segments:
        low, high = max(what.start_ms, segment.since_ms), min(what.end_ms, raw_ms, segment.until_ms)
        readings = store.read_readings(segment.series, low, high) if low < high else Readings.empty()
        for first in range(0, len(readings), A_RECORD):
            times = readings.times[first : first + A_RECORD].astype(np.int64).tolist()
            yield replace(
                what, id=f"{what.point}@readings@{times[0]}", start_ms=times[0], end_ms=times[-1] + 1,
                device=segment.series.device, times_ms=times, micro=readings.micro[first : first + A_RECORD].tolist(),
            )  # fmt: skip
