"""The cumulative count at any instant between two readings: where a register's difference went during a gap.

Up to two hours it is spread evenly. A longer gap follows the meter's own profile (:mod:`analytics.ledger.profile`),
which is a pure function of the hours that were measured in the four weeks before the gap, of the building's calendar,
and of what the register counted in the gap: nothing after the gap is looked at but the reading that ends it. It adds up
to the last count. The profile sees bad hours as well, cut down, so that it depends on nothing but counted energy, and
one gap's estimate never on another's.

A public holiday that becomes known later (a country's calendar is a package of its own) may change the estimates of
gaps when they are settled again, as dated meter data does.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.calendar import Seconds, edges
from analytics.ledger.profile import estimate
from analytics.ledger.unroll import SHORT_MS, Track
from analytics.weekdays import Place
from submeter.words import Intervals, Known, Resolution

HISTORY_S = 28 * 86_400
"""the window before a gap that its profile comes from"""
EDGE_MS = 120_000
"""A gap's first and last two minutes are spread evenly: an hour that ends there is measured
(:mod:`analytics.ledger.settle`), and what is measured, and what later profiles look at, must not depend on a
profile."""
ENOUGH_HOURS = 72
"""measured hours in the window without which a gap is spread evenly"""


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Measured hours of a meter: starts (epoch s, ascending) and energy (int64 micro-units)."""

    place: Place
    start: Seconds
    micro: NDArray[np.int64]

    @staticmethod
    def of(place: Place, hours: Intervals) -> "History":
        known = hours.known == Known.MEASURED
        return History(place, hours.start[known].astype("datetime64[s]").astype(np.int64), hours.micro[known])

    def then(self, later: "History") -> "History":
        """With another's hours in place of one's own from its first hour on."""
        if not len(later.start):
            return self
        kept = int(np.searchsorted(self.start, later.start[0]))
        return History(
            self.place,
            np.concatenate([self.start[:kept], later.start]),
            np.concatenate([self.micro[:kept], later.micro]),
        )

    def before(self, instant_s: float) -> "History":
        """The window before an instant: hours that ended by then."""
        first, last = self._window(np.array(instant_s))
        return History(self.place, self.start[first:last], self.micro[first:last])

    def enough(self, instants_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Before which instants there are hours enough for a profile."""
        first, last = self._window(instants_s)
        return np.asarray(last - first >= ENOUGH_HOURS)

    def _window(self, instants_s: NDArray[np.float64]) -> NDArray[np.intp]:
        return np.searchsorted(self.start, np.stack([instants_s - HISTORY_S, instants_s - 3600 + 1e-3]))


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """A track's count at instants, and how each was found."""

    counts: NDArray[np.int64]
    distance_ms: NDArray[np.int64]
    """to the nearest knot"""
    profiled: NDArray[np.bool_]

    def take(self, rows: NDArray[np.intp] | slice) -> "Spread":
        return Spread(self.counts[rows], self.distance_ms[rows], self.profiled[rows])


def long_gaps(track: Track) -> NDArray[np.intp]:
    """Links longer than two hours in which something was counted, and what is known."""
    return np.flatnonzero((np.diff(track.times) > SHORT_MS) & (np.diff(track.counts) > 0) & (track.lost == 0))


def spread(track: Track, instants_ms: NDArray[np.int64], history: History | None) -> Spread:
    """Counts at instants (epoch ms, ascending). Before the first knot and after the last it stands still.

    Without ``history`` every gap is spread evenly.
    """
    last = len(track) - 1
    link = np.clip(np.searchsorted(track.times, instants_ms, "right") - 1, 0, max(last - 1, 0))
    after = np.minimum(link + 1, last)
    begin, end = track.times[link], track.times[after]
    into = np.clip(instants_ms - begin, 0, end - begin)
    counts = track.counts[link] + _share(track.counts[after] - track.counts[link], into, end - begin)
    distance = np.minimum(np.abs(instants_ms - begin), np.abs(end - instants_ms))
    profiled = np.zeros(len(instants_ms), bool)
    if history is not None:
        for gap, rows in _within(track, instants_ms, history):
            told = _followed(track, gap, instants_ms[rows], history)
            if told is not None:
                counts[rows], profiled[rows] = told, True
    return Spread(counts, distance, profiled)


def _within(track: Track, instants_ms: NDArray[np.int64], history: History) -> Iterator[tuple[int, slice]]:
    """Long gaps with a history, and the instants that lie in them, but for their edges."""
    gaps = long_gaps(track)
    gaps = gaps[history.enough(track.times[gaps] / 1000)]
    first = np.searchsorted(instants_ms, track.times[gaps] + EDGE_MS)
    stop = np.searchsorted(instants_ms, track.times[gaps + 1] - EDGE_MS)
    for row in np.flatnonzero(first < stop).tolist():
        yield int(gaps[row]), slice(int(first[row]), int(stop[row]))


def _followed(track: Track, gap: int, instants_ms: NDArray[np.int64], history: History) -> NDArray[np.int64] | None:
    """Counts within a gap on its profile, None without a usable one."""
    since, until = track.times[gap : gap + 2].tolist()
    counted, span = np.diff(track.counts[gap : gap + 2]), np.array([until - since])
    low, high = (int(_share(counted, into, span)[0]) for into in (np.array([EDGE_MS]), span - EDGE_MS))
    shares = _shares((since, until), high - low, instants_ms, history)
    if shares is None:
        return None
    return np.asarray(track.counts[gap] + low + np.floor(shares * (high - low)).astype(np.int64), np.int64)


def _share(counted: NDArray[np.int64], into: NDArray[np.int64], span: NDArray[np.int64]) -> NDArray[np.int64]:
    """floor(counted × into ÷ span) in whole numbers; in floats where those would not hold it (gaps beyond a month)."""
    span = np.maximum(span, 1)
    whole, rest = np.divmod(counted, span)
    small = span < 3_000_000_000
    exact = rest * np.where(small, into, 0) // span
    loose = np.floor(rest * (into / span)).astype(np.int64)
    return whole * into + np.where(small, exact, loose)


def _shares(
    gap_ms: tuple[int, int], counted: int, instants_ms: NDArray[np.int64], history: History
) -> NDArray[np.float64] | None:
    """The share of the energy between a gap's edges that was counted by each instant, None without a usable profile."""
    before = history.before(gap_ms[0] / 1000)
    if counted <= 0:
        return None
    begin_s, end_s = (gap_ms[0] + EDGE_MS) / 1000, (gap_ms[1] - EDGE_MS) / 1000
    hours = edges(history.place.zone, Resolution.HOUR, int(begin_s), int(end_s) + 1)
    cuts = np.unique(np.clip(hours.astype(np.float64), begin_s, end_s))
    energy = estimate(history.place, before.start, before.micro.astype(np.float64), cuts, float(counted))
    if energy is None:
        return None
    mass = np.concatenate([[0.0], np.cumsum(energy)])
    return np.asarray(np.clip(np.interp(instants_ms / 1000, cuts, mass) / mass[-1], 0.0, 1.0), np.float64)
