"""What is frozen: whole months whose raw readings were dropped. Their intervals are never touched again.

A meter is frozen up to a month's end (local time), so that no quarter, hour, day or month is half frozen. What is kept
of the raw readings begins before that, at the quiet place from which the first interval after it is settled
(:mod:`analytics.ledger.window`); so every later interval is settled from the same readings as if nothing had been
dropped, and profiles and limits that look back into frozen time read stored hours, as they always do. A meter that is
silent for long keeps the last month that it told of.

At the seam the count is held: what was counted from the last accepted reading before it up to the seam is written down.
A late reading beside the seam would move the count there; the frozen side cannot follow, so the live side goes on
from the held count and takes the whole difference, as an estimate: the sum of all intervals stays what the registers
counted. :mod:`analytics.ledger.freezing` drops the readings.
"""

from dataclasses import replace

import numpy as np

from analytics.ledger.gaps import History, spread
from analytics.ledger.unroll import Track
from submeter.stores.port import Store
from submeter.words import Finding, Frozen, Intervals, Known, Method

UNTIL = "frozen"
"""with a point's id: a cursor up to when (epoch ms) it is frozen, 0 = never was; asked at every settlement"""
TOLD_BY_REGISTERS = ("spike", "reversed_ct")
"""kinds of findings that raw readings tell of, and no interval does"""


def frozen_until(store: Store, point: str) -> int:
    """Epoch ms up to which a point's intervals are frozen, 0 = none are. Raises StoreAway."""
    return store.cursor(f"{UNTIL} {point}")


def frozen_of(store: Store, point: str) -> Frozen | None:
    """Raises StoreAway."""
    if not frozen_until(store, point):
        return None
    return next((each for each in store.entries(Frozen, point.partition("/")[0]) if each.id == point), None)


def past_asking(store: Store, finding: Finding) -> bool:
    """Whether the readings that told of a finding were dropped, so that it stays as it was told. Raises StoreAway."""
    return finding.kind in TOLD_BY_REGISTERS and finding.end_ms <= frozen_until(store, finding.point)


def pinned(track: Track, frozen: Frozen | None, history: History | None) -> Track:
    """A track that goes on from the held count where a late reading would have moved it at the seam; else as it is."""
    if frozen is None:
        return track
    row = int(np.searchsorted(track.times, frozen.reading_ms))
    if row + 1 >= len(track) or track.times[row] != frozen.reading_ms or track.times[-1] <= frozen.until_ms:
        return track
    held = int(track.counts[row]) + frozen.counted
    if int(spread(track, np.array([frozen.until_ms]), history).counts[0]) == held:
        return track
    after = int(np.searchsorted(track.times, frozen.until_ms, "right"))
    return Track(
        np.concatenate([[frozen.until_ms], track.times[after:]]),
        np.concatenate([[held], np.maximum(track.counts[after:], held)]),
        track.flags[after - 1 :],
        track.lost[after - 1 :],
        track.held_ms,
    )


def doubted(rows: Intervals, until_ms: int) -> Intervals:
    """The interval that begins at a moved seam is no plain difference of two readings: an estimate at best."""
    first = (rows.start.astype("datetime64[s]").astype(np.int64) * 1000 == until_ms) & (rows.known == Known.MEASURED)
    return replace(
        rows,
        known=np.where(first, Known.ESTIMATED, rows.known).astype(np.uint8),
        method=np.where(first, Method.LINEAR, rows.method).astype(np.uint8),
    )
