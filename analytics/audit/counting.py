"""What a meter's registers counted, found a second time and more simply: the ledger's check, not its making.

Nothing here judges a reading. A reading is *quiet* when no raw register of its device falls within a hold time
(:data:`~analytics.ledger.unroll.HOLD_MS`), or within three readings, of it, and such readings every rule of
:mod:`analytics.ledger.unroll` accepts; those at the two ends only where the step beside them is plausible. Between
falls the count is the plain difference of what was shown, times the ratio; across one it is the plain difference again
(a glitch was dropped), or that and the register's modulus where the ledger says *rollover*. Where it says *reset* or
*exchange* a new chain begins, except that an exchange with closing and opening reading is counted through.

The count at a boundary then lies between those of the quiet readings before and after it, whatever the rule by which
gaps are shared out; where a reading stands on the boundary, it is that reading's, to the last count.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analytics.ledger.meter import Segment
from analytics.ledger.unroll import HOLD_MS
from submeter.stores.port import Store
from submeter.words import Correction, Flag, Intervals

Ints = NDArray[np.int64]

BESIDE = 3
"""readings on each side of a fall that may have been judged together with it, however far apart they are"""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Quiet readings of one device without a fall between them: times (epoch ms) and primary micro-units shown.

    ``whole``: no fall stands between the block's last reading and the device's last, or its first and the device's
    first, in that order.
    """

    segment: Segment
    times: Ints
    counts: Ints
    from_first: bool
    to_last: bool


@dataclass(frozen=True, slots=True)
class Breach:
    """Rows [first, last] of a column add up to ``stored`` where the registers counted ``least`` to ``most``."""

    first: int
    last: int
    stored: int
    least: int
    most: int


def readings_of(store: Store, segment: Segment, corrections: tuple[Correction, ...]) -> tuple[Ints, Ints]:
    """A device's readings while it hung at the point, as people corrected them (entry by entry, in the order given)."""
    found = store.read_readings(segment.series, segment.since_ms, segment.until_ms)
    shown = dict(zip(found.times.astype(np.int64).tolist(), found.micro.tolist(), strict=True)) if corrections else {}
    if not corrections:
        return found.times.astype(np.int64), found.micro
    for said in corrections:
        if said.kind == "reject":
            shown = {t: v for t, v in shown.items() if not said.start_ms <= t < said.end_ms}
        elif said.micro is not None and segment.since_ms <= said.start_ms < segment.until_ms:
            shown[said.start_ms] = said.micro
    times = sorted(shown)
    return np.array(times, np.int64), np.array([shown[t] for t in times], np.int64)


def primary(shown: Ints, segment: Segment) -> Ints:
    """floor(shown × ratio)."""
    num, den = segment.register.ratio.numerator, segment.register.ratio.denominator
    return np.asarray(shown // den * num + shown % den * num // den, np.int64)


def blocks(segment: Segment, times: Ints, shown: Ints) -> list[Block]:
    """The quiet stretches of a device's readings, in order of time.

    The first and the last reading count only where the step beside them is plausible by the circuit's rating, and zeros
    at the beginning never: others may have been doubted.
    """
    if not len(times):
        return []
    falls = np.flatnonzero(np.diff(shown) < 0)
    quiet = np.ones(len(times), bool)
    for fall in falls.tolist():
        low, high = np.searchsorted(times, (times[fall] - HOLD_MS, times[fall + 1] + HOLD_MS + 1))
        quiet[min(int(low), max(fall + 1 - BESIDE, 0)) : max(int(high), fall + 1 + BESIDE)] = False
    counts = primary(shown, segment)
    quiet[: int(np.argmax(np.append(shown > 0, True)))] = False
    for row, beside in ((0, 1), (len(times) - 1, len(times) - 2)):
        if 0 <= beside < len(times):
            step, span = abs(int(counts[row] - counts[beside])), abs(int(times[row] - times[beside]))
            quiet[row] &= segment.register.rated and segment.register.plausible(step, span)
    edge = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]]).astype(np.int8)))
    return [
        Block(segment, times[a:b], counts[a:b], not (falls < a).any(), not (falls >= b - 1).any())
        for a, b in zip(edge[::2].tolist(), edge[1::2].tolist(), strict=True)
    ]


def chains(every: list[Block], starts: Ints, ends: Ints, flags: NDArray[np.uint16]) -> Iterator[tuple[Ints, Ints]]:
    """Blocks joined as the flags of a column's rows say: times (epoch ms) and cumulative counts of each chain.

    ``starts`` and ``ends`` (epoch s) should be those of a fine column, so that what a row's flags speak of is near.
    """
    parts: list[tuple[Ints, Ints]] = []
    for before, block in pairwise([None, *every]):
        assert block is not None
        step = None if before is None else _step(before, block, _said(before, block, starts, ends, flags))
        if before is None or step is None:
            if parts:
                yield _whole(parts)
            parts = [(block.times, block.counts - block.counts[0])]
        else:
            parts.append((block.times, block.counts - block.counts[0] + parts[-1][1][-1] + step))
    if parts:
        yield _whole(parts)


def _whole(parts: list[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    return np.concatenate([t for t, _ in parts]), np.concatenate([c for _, c in parts])


def _said(before: Block, block: Block, starts: Ints, ends: Ints, flags: NDArray[np.uint16]) -> Flag | None:
    """All flags of the rows that share time with what lies between two blocks; None where a row is missing there."""
    from_s, until_s = int(before.times[-1]) / 1000, int(block.times[0]) / 1000
    rows = slice(*np.searchsorted(ends, (from_s,), "right"), *np.searchsorted(starts, (until_s,), "left"))
    begin, end = starts[rows], ends[rows]
    if not len(begin) or begin[0] > from_s or end[-1] < until_s or (begin[1:] != end[:-1]).any():
        return None
    return Flag(int(np.bitwise_or.reduce(flags[rows])))


def _step(before: Block, block: Block, said: Flag | None) -> int | None:
    """What was counted between two blocks; None where nothing can be said."""
    if before.segment is not block.segment:
        return _exchanged(before, block)
    if said is None or said & (Flag.RESET | Flag.EXCHANGE):
        return None
    plain = int(block.counts[0] - before.counts[-1])
    if said & Flag.ROLLOVER:
        return plain + int(primary(np.array([before.segment.register.modulus]), before.segment)[0])
    return plain if plain >= 0 else None  # a fall that waits to be confirmed: its rows are not known


def _exchanged(before: Block, block: Block) -> int | None:
    """Through a meter exchange whose closing and opening reading stand at one time."""
    old, new = before.segment, block.segment
    if old.closing is None or new.opening is None or old.until_ms != new.since_ms:
        return None
    if not before.to_last or not block.from_first:
        return None
    left = int(primary(np.array([old.closing]), old)[0]) - int(before.counts[-1])
    begun = int(block.counts[0]) - int(primary(np.array([new.opening]), new)[0])
    return left + begun if left >= 0 and begun >= 0 else None


def breach(rows: Intervals, ends: Ints, times: Ints, counts: Ints) -> Breach | None:
    """The first run of rows whose sum the readings of a chain contradict, None where all agree.

    ``ends`` are the rows' ends (epoch s). A run is of known rows without a hole; rows that reach beyond the chain's
    first or last reading are left out, as nothing brackets them.
    """
    if not len(times):
        return None
    starts = rows.start.astype(np.int64)
    inside = (rows.known > 0) & (starts * 1000 >= times[0]) & (ends * 1000 <= times[-1])
    whole = np.flatnonzero(inside)
    if not len(whole):
        return None
    cuts = np.flatnonzero((np.diff(whole) > 1) | (starts[whole[1:]] != ends[whole[:-1]])) + 1
    for run in np.split(whole, cuts):
        found = _breach(int(run[0]), np.append(starts[run], ends[run[-1]]) * 1000, rows.micro[run], times, counts)
        if found is not None:
            return found
    return None


def _breach(offset: int, bounds: Ints, micro: Ints, times: Ints, counts: Ints) -> Breach | None:
    """Boundary by boundary: the ledger's cumulative sum must fit between the counts before and after, by one offset."""
    summed = np.concatenate([[0], np.cumsum(micro)])
    before = counts[np.searchsorted(times, bounds, "right") - 1]
    after = counts[np.minimum(np.searchsorted(times, bounds, "left"), len(counts) - 1)]
    low, high = np.maximum.accumulate(before - summed), np.minimum.accumulate(after - summed)
    bad = np.flatnonzero(low > high)
    if not len(bad):
        return None
    end = int(bad[0])
    begin = _anchor(before - summed, after - summed, end)
    return Breach(
        offset + begin,
        offset + end - 1,
        int(summed[end] - summed[begin]),
        int(before[end] - after[begin]),
        int(after[end] - before[begin]),
    )


def _anchor(low: Ints, high: Ints, end: int) -> int:
    """The last boundary before ``end`` that contradicts it."""
    against = np.flatnonzero((low[:end] > high[end]) | (high[:end] < low[end]))
    return int(against[-1])
