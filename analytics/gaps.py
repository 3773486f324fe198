"""The cumulative count at any instant between two readings: where a register's difference went during a gap.

Up to two hours it is spread evenly. A longer gap follows the meter's own profile: the median of its measured hours of
the same day type and hour in the four weeks before the gap, scaled so that the gap adds up to what the register
counted. The medians see bad hours as well, so that a profile depends on nothing but counted energy, and one gap's
estimate never on another's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.calendar import Seconds, edges, hour_type
from analytics.unroll import SHORT_MS, Track
from submeter.words import Intervals, Known, Resolution

HISTORY_S = 28 * 86_400
"""the window before a gap that its profile comes from"""
ENOUGH_HOURS = 72
"""measured hours in the window without which a gap is spread evenly"""


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Measured hours of a meter: starts (epoch s, ascending) and energy (int64 micro-units)."""

    zone: str
    start: Seconds
    micro: NDArray[np.int64]

    @staticmethod
    def of(zone: str, hours: Intervals) -> "History":
        known = hours.known == Known.MEASURED
        return History(zone, hours.start[known].astype("datetime64[s]").astype(np.int64), hours.micro[known])

    def then(self, later: "History") -> "History":
        """With another's hours in place of one's own from its first hour on."""
        if not len(later.start):
            return self
        kept = int(np.searchsorted(self.start, later.start[0]))
        return History(
            self.zone,
            np.concatenate([self.start[:kept], later.start]),
            np.concatenate([self.micro[:kept], later.micro]),
        )


def profile(history: History, gap_start_s: int) -> NDArray[np.float64] | None:
    """Typical energy of each :func:`~analytics.calendar.hour_type` (72 values), None where history is too short."""
    first, last = np.searchsorted(history.start, (gap_start_s - HISTORY_S, gap_start_s - 3599))
    if last - first < ENOUGH_HOURS:
        return None
    types = hour_type(history.zone, history.start[first:last])
    energy = history.micro[first:last].astype(np.float64)
    typical = np.full(72, np.nan)
    for kind in np.unique(types).tolist():
        typical[kind] = np.median(energy[types == kind])
    by_hour = np.array([_mean(typical[hour::24]) for hour in range(24)])
    by_hour = np.where(np.isnan(by_hour), np.median(energy), by_hour)
    return np.where(np.isnan(typical), np.tile(by_hour, 3), typical)


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


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
            first, stop = np.searchsorted(instants_ms, track.times[gap : gap + 2])
            shares = _profiled(track.times[gap : gap + 2], instants_ms[first:stop], history)
            if shares is not None:
                counted = int(track.counts[gap + 1] - track.counts[gap])
                counts[first:stop] = track.counts[gap] + np.floor(shares * counted).astype(np.int64)
                profiled[first:stop] = True
    return Spread(counts, distance, profiled)


def _share(counted: NDArray[np.int64], into: NDArray[np.int64], span: NDArray[np.int64]) -> NDArray[np.int64]:
    """floor(counted × into ÷ span) in whole numbers; in floats where those would not hold it (gaps beyond a month)."""
    span = np.maximum(span, 1)
    whole, rest = np.divmod(counted, span)
    small = span < 3_000_000_000
    exact = rest * np.where(small, into, 0) // span
    loose = np.floor(rest * (into / span)).astype(np.int64)
    return whole * into + np.where(small, exact, loose)


def _profiled(
    gap_ms: NDArray[np.int64], instants_ms: NDArray[np.int64], history: History
) -> NDArray[np.float64] | None:
    """The share of a gap's energy that was counted by each instant in it (0 to 1), None without a usable profile."""
    begin, end = int(gap_ms[0]), int(gap_ms[1])
    typical = profile(history, begin // 1000)
    if typical is None:
        return None
    hours = edges(history.zone, Resolution.HOUR, begin // 1000, end // 1000 + 1)
    rates = typical[hour_type(history.zone, hours[:-1])]
    cuts = np.clip(hours * 1000, begin, end)
    mass = np.concatenate([[0.0], np.cumsum(rates * np.diff(cuts))])
    if mass[-1] <= 0:
        return None
    return np.asarray(np.clip(np.interp(instants_ms, cuts, mass) / mass[-1], 0.0, 1.0), np.float64)
