"""The cumulative count at any instant between two readings: where a register's difference went during a gap.

Up to two hours it is spread evenly. A longer gap follows the meter's own profile (:mod:`analytics.profile`), which is a
pure function of the hours that were measured in the four weeks before the gap, of the building's calendar, and of what
the register counted in the gap: nothing after the gap is looked at but the reading that ends it. It adds up to the last
count. The profile sees bad hours as well, cut down, so that it depends on nothing but counted energy, and one gap's
estimate never on another's.

A public holiday that becomes known later (a country's calendar is a package of its own) may change the estimates of
gaps when they are settled again, as dated meter data does.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.calendar import Seconds, edges
from analytics.profile import estimate
from analytics.unroll import SHORT_MS, Track
from analytics.weekdays import Place
from submeter.words import Intervals, Known, Resolution

HISTORY_S = 28 * 86_400
"""the window before a gap that its profile comes from"""
EDGE_MS = 120_000
"""A gap's first and last two minutes are spread evenly: an hour that ends there is measured (:mod:`analytics.settle`),
and what is measured, and what later profiles look at, must not depend on a profile."""
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
        first, last = np.searchsorted(self.start, (instant_s - HISTORY_S, instant_s - 3600 + 1e-3))
        return History(self.place, self.start[first:last], self.micro[first:last])


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
    return np.flatnonzero((np.diff(track.times) > SHORT_MS) & (np.diff(track.counts) > 0) & ~track.lost)


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
        for gap in long_gaps(track).tolist():
            _follow(track, gap, instants_ms, history, counts, profiled)
    return Spread(counts, distance, profiled)


def _follow(
    track: Track,
    gap: int,
    instants_ms: NDArray[np.int64],
    history: History,
    counts: NDArray[np.int64],
    profiled: NDArray[np.bool_],
) -> None:
    """Put a gap's counts on its profile, but for its edges."""
    begin, end = track.times[gap] + EDGE_MS, track.times[gap + 1] - EDGE_MS
    first, stop = np.searchsorted(instants_ms, (begin, end))
    if first == stop:
        return
    counted, span = np.diff(track.counts[gap : gap + 2]), np.diff(track.times[gap : gap + 2])
    low, high = (int(_share(counted, into, span)[0]) for into in (np.array([EDGE_MS]), span - EDGE_MS))
    shares = _profiled(int(track.times[gap]), (int(begin), int(end)), high - low, instants_ms[first:stop], history)
    if shares is not None:
        counts[first:stop] = track.counts[gap] + low + np.floor(shares * (high - low)).astype(np.int64)
        profiled[first:stop] = True


def _share(counted: NDArray[np.int64], into: NDArray[np.int64], span: NDArray[np.int64]) -> NDArray[np.int64]:
    """floor(counted × into ÷ span) in whole numbers; in floats where those would not hold it (gaps beyond a month)."""
    span = np.maximum(span, 1)
    whole, rest = np.divmod(counted, span)
    small = span < 3_000_000_000
    exact = rest * np.where(small, into, 0) // span
    loose = np.floor(rest * (into / span)).astype(np.int64)
    return whole * into + np.where(small, exact, loose)


def _profiled(
    since_ms: int, gap_ms: tuple[int, int], counted: int, instants_ms: NDArray[np.int64], history: History
) -> NDArray[np.float64] | None:
    """The share of a gap's energy that was counted by each instant in it (0 to 1), None without a usable profile.

    ``since_ms``: the reading before the gap; what is known by then is all that the profile looks at.
    """
    before = history.before(since_ms / 1000)
    if len(before.start) < ENOUGH_HOURS or counted <= 0:
        return None
    begin_s, end_s = gap_ms[0] / 1000, gap_ms[1] / 1000
    hours = edges(history.place.zone, Resolution.HOUR, int(begin_s), int(end_s) + 1)
    cuts = np.unique(np.clip(hours.astype(np.float64), begin_s, end_s))
    energy = estimate(history.place, before.start, before.micro.astype(np.float64), cuts, float(counted))
    if energy is None:
        return None
    mass = np.concatenate([[0.0], np.cumsum(energy)])
    return np.asarray(np.clip(np.interp(instants_ms / 1000, cuts, mass) / mass[-1], 0.0, 1.0), np.float64)
