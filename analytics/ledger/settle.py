"""Settlement: from accepted counts at readings to the energy of intervals, and how each of them is known.

The boundary rule
-----------------
The cumulative count at a boundary is that of a reading there, else it lies on the line (or, in a gap of more than two
hours, on the meter's profile) between the readings before and after. A boundary is *exact* at a resolution when a
reading lies within a thirtieth of the interval: 30 s for a quarter, 2 min for an hour, 48 min for a day, a day for a
month. So with live polls every 15 to 60 s every quarter is exact, and with hourly readings hours and days are. An
interval between two exact boundaries is measured, whatever is missing inside it; otherwise it is estimated. All
resolutions are differences of the same counts at the same instants, so that the sums of quarters, hours, days and
months agree to the last count.

An interval that reaches beyond the last reading is missing and pending. One that touches a long break of the register
(reset or exchange without closing reading, more than two hours), or in which the register counts down, is missing at
every resolution; a shorter break leaves it estimated. Nothing is said before the first reading (30 s of grace).
"""

import numpy as np
from numpy.typing import NDArray

from analytics.calendar import Seconds
from analytics.ledger.gaps import History, Spread, spread
from analytics.ledger.unroll import Track
from submeter.words import Flag, Intervals, Known, Method, Resolution

GRACE_MS = 30_000
BROKEN = Flag.RESET | Flag.EXCHANGE
LOST = (Method.NO_CLOSING, Method.REFUTED)
"""why what a register counted is not known; the last one that is true of an interval is told"""


def tolerance_ms(resolution: Resolution) -> int:
    """How far from a boundary a reading may lie for the boundary to be exact."""
    return resolution.seconds * 1000 // 30


def settle_all(
    track: Track, grids: dict[Resolution, Seconds], history: History | None = None
) -> dict[Resolution, Intervals]:
    """All resolutions from one look at the counts; the quarters' boundaries must hold all the others."""
    finest = grids[Resolution.QUARTER]
    at = spread(track, finest * 1000, history)
    return {each: settle(track, grid, each, at=at.take(np.searchsorted(finest, grid))) for each, grid in grids.items()}


def settle(
    track: Track,
    boundaries: Seconds,
    resolution: Resolution,
    history: History | None = None,
    at: Spread | None = None,
) -> Intervals:
    """Energy between successive boundaries (epoch s, n + 1 for n intervals), from the first reading on.

    ``at``: the counts at the boundaries, where they are known already. Intervals that begin before the first reading
    are left out. Micro-units are primary; revision is 0.
    """
    if not len(track) or len(boundaries) < 2:
        return Intervals.empty()
    skipped = int(np.searchsorted(boundaries * 1000, track.times[0] - GRACE_MS))
    edges = boundaries[skipped:]
    if len(edges) < 2:
        return Intervals.empty()
    at = spread(track, edges * 1000, history) if at is None else at.take(slice(skipped, None))
    micro, known, method = _measure(at, resolution)
    flags = _flags(track, edges * 1000)
    broken = flags & BROKEN > 0
    known[broken], method[broken & (method == Method.REGISTER)] = Known.ESTIMATED, Method.LINEAR
    for why in LOST:
        if (track.lost == why).any():
            _strike(_touched(track, track.lost == why, edges * 1000), micro, known, method, why)
    pending = edges[1:] * 1000 > track.times[-1]
    _strike(pending, micro, known, method, Method.NO_READING)
    flags[pending] = Flag.PENDING
    return Intervals(edges[:-1].astype("datetime64[s]"), micro, known, method, flags, np.zeros(len(micro), np.uint32))


def _measure(at: Spread, resolution: Resolution) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint8]]:
    known, method = how_known(at.distance_ms <= tolerance_ms(resolution), at.profiled)
    return np.diff(at.counts), known, method


def how_known(exact: NDArray[np.bool_], profiled: NDArray[np.bool_]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Known and method of the intervals between boundaries, each exact or not, its count on a profile or not."""
    measured = exact[:-1] & exact[1:]
    guessed = profiled & ~exact
    known = np.where(measured, Known.MEASURED, Known.ESTIMATED).astype(np.uint8)
    method = np.where(measured, Method.REGISTER, np.where(guessed[:-1] | guessed[1:], Method.PROFILE, Method.LINEAR))
    return known, method.astype(np.uint8)


def _strike(
    rows: NDArray[np.bool_],
    micro: NDArray[np.int64],
    known: NDArray[np.uint8],
    method: NDArray[np.uint8],
    why: Method,
) -> None:
    micro[rows], known[rows], method[rows] = 0, Known.MISSING, why


def _flags(track: Track, edges_ms: NDArray[np.int64]) -> NDArray[np.uint16]:
    flags = np.zeros(len(edges_ms) - 1, np.uint16)
    if not track.flags.any():
        return flags
    for flag in (Flag.SUSPECT, Flag.ROLLOVER, Flag.RESET, Flag.EXCHANGE):
        marked = track.flags & flag > 0
        if marked.any():
            flags[_touched(track, marked, edges_ms)] |= np.uint16(flag)
    return flags


def _touched(track: Track, links: NDArray[np.bool_], edges_ms: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which intervals share time with any of the marked links."""
    n = len(edges_ms) - 1
    if not links.any():
        return np.zeros(n, bool)
    rows = np.flatnonzero(links)
    first = np.searchsorted(edges_ms, track.times[rows], "right") - 1
    stop = np.searchsorted(edges_ms, track.times[rows + 1], "left")
    inside = stop > 0
    steps = np.zeros(n + 1, np.int64)
    np.add.at(steps, np.clip(first[inside], 0, n), 1)
    np.add.at(steps, np.clip(stop[inside], 0, n), -1)
    return np.cumsum(steps)[:n] > 0
