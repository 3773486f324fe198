"""Scans of a year for segments in which a residual follows a template: one likelihood ratio for every length and
place.

Strategy: a template's fit to a segment needs two sums only, Σ template·residual and Σ template²; with prefix sums over
days every segment of every length costs one subtraction. The statistic z = Σtr / √Σt² is held against its own scale
over all segments of the same length in this meter's history (T/√F: each meter calibrates itself), so that one
threshold means one alarm budget. Ends are then refined to the hour.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.quality import Floats

LENGTHS: Final = (2, 3, 4, 6, 8, 11, 15, 20, 28, 38, 52, 70, 95, 130, 175)
CALIBRATED: Final = 15
"""Longer segments are too few in a year to know their own scale; they take this length's."""
LEAST_SCALE: Final = 0.7
PROPOSED: Final = 3.0
"""A segment worth a second look."""
REPEATS: Final = 3

Project = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Segment:
    """Days [begin, end); ``amplitude`` of the template; ``z`` against the meter's own scale; ``sure_z`` the same by
    what the fit's columns cannot explain."""

    begin: int
    end: int
    amplitude: float
    z: float
    sure_z: float = 0.0


def daily(template: Floats, residual: Floats, sigma: Floats, day: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Σ t·r/σ² and Σ t²/σ² of each day (day 0 first); hours with NaN in either count for nothing."""
    good = np.isfinite(residual) & np.isfinite(template)
    t, r = np.where(good, template, 0.0), np.where(good, residual, 0.0)
    weight = 1 / sigma**2
    days = int(day[-1]) + 1
    cross, power = np.bincount(day, t * r * weight, days), np.bincount(day, t * t * weight, days)
    return cross.astype(np.float64), power.astype(np.float64)


def best_segment(cross: Floats, power: Floats, sign: int = 0, least_days: int = 2) -> Segment | None:
    """The segment that follows the template best, of the wanted sign of amplitude (0 = either), ends refined by
    day."""
    c, p = np.r_[0.0, np.cumsum(cross)], np.r_[0.0, np.cumsum(power)]
    scale, best = 1.0, None
    for length in (n for n in LENGTHS if n <= len(cross)):
        num, den = c[length:] - c[:-length], p[length:] - p[:-length]
        z = np.divide(num, np.sqrt(den), out=np.zeros_like(num), where=den > 0)
        if length <= CALIBRATED:
            spread = np.median(np.abs(z[den > 0])) if (den > 0).any() else 0.0
            scale = max(1.4826 * float(spread), LEAST_SCALE)
        if length < least_days:
            continue
        wanted = np.abs(z) if sign == 0 else z * sign
        at = int(np.argmax(wanted))
        if best is None or wanted[at] / scale > abs(best.z):
            best = Segment(at, at + length, float(num[at] / den[at]) if den[at] else 0.0, float(z[at] / scale))
    return None if best is None else _refined(best, c, p)


def unabsorbed_segment(
    template: Floats, residual: Floats, sigma: Floats, day: NDArray[np.int64], project: Project,
    fitted: NDArray[np.bool_], first: Segment, *, sign: int = 0, least_days: int = 2,
) -> tuple[Segment, Floats]:  # fmt: skip
    """The segment once more, with what the fit had learned of the fault as normal given back to the residual.

    ``project`` is the projection on the fit's columns, ``fitted`` the hours it was made of. Template and projection
    make the joint least-squares amplitude (Frisch, Waugh and Lovell); the segment is found anew from the residual
    as it would be without the fault in the fit. Returns segment and residual; :data:`REPEATS` times, as a longer
    segment gives back more.
    """
    segment, whole = first, residual
    known = np.isfinite(residual)
    sure = 1.0
    for _ in range(REPEATS):
        inside = (day >= segment.begin) & (day < segment.end)
        t = np.where(inside & np.isfinite(template), template, 0.0)
        learned = project(np.where(fitted, t, 0.0))
        amplitude = joint_amplitude(t, learned, residual, known)
        # by all hours: a season that was left out of the fit is not known any better for it
        sure = identifiable(t, learned if fitted[t != 0].all() else project(t), known)
        whole = residual + amplitude * learned
        again = best_segment(*daily(template, whole, sigma, day), sign=sign, least_days=least_days)
        if again is None or (again.begin, again.end) == (segment.begin, segment.end):
            segment = again or segment
            break
        segment = again
    return replace(segment, sure_z=segment.z * np.sqrt(sure)), whole


def identifiable(t: Floats, learned: Floats, known: NDArray[np.bool_]) -> float:
    """Share of a template's squares that the columns cannot take up, 0…1: near 0 it is the season's or the
    weather's."""
    power = float((t * t)[known].sum())
    return min(max(float(((t - learned) * t)[known].sum()) / power, 0.0), 1.0) if power > 0 else 0.0


def joint_amplitude(t: Floats, learned: Floats, residual: Floats, known: NDArray[np.bool_]) -> float:
    """Amplitude of a template fitted together with the columns of which ``learned`` is its projection."""
    apart = t - learned
    power = float((apart * t)[known].sum())
    return float((apart * residual)[known & np.isfinite(residual)].sum()) / power if power > 0 else 0.0


def _refined(segment: Segment, c: Floats, p: Floats) -> Segment:
    """Move both ends by up to 30 % of the length to where z is greatest."""
    begin, end = segment.begin, segment.end
    reach = max(2, round(0.3 * (end - begin)))
    last = len(c) - 1
    begins = np.arange(max(begin - reach, 0), min(begin + reach, end - 1) + 1)
    ends = np.arange(max(end - reach, begin + 1), min(end + reach, last) + 1)
    num = c[ends][None, :] - c[begins][:, None]
    den = p[ends][None, :] - p[begins][:, None]
    ok = (den > 0) & (ends[None, :] > begins[:, None])
    z = np.abs(np.divide(num, np.sqrt(den, where=ok, out=np.ones_like(den)), out=np.zeros_like(num), where=ok))
    i, j = np.unravel_index(int(np.argmax(z)), z.shape)
    raw = abs(c[end] - c[begin]) / max(np.sqrt(p[end] - p[begin]), 1e-12)
    scale = raw / abs(segment.z) if segment.z else 1.0
    return Segment(
        int(begins[i]),
        int(ends[j]),
        float(num[i, j] / den[i, j]) if den[i, j] > 0 else 0.0,
        float(z[i, j] / scale) if scale else 0.0,
    )


def hour_ends(
    template: Floats, residual: Floats, amplitude: float, begin: int, end: int, slack: int = 30
) -> tuple[int, int]:
    """Rows [begin, end) moved by up to ``slack`` hours each to where the template at this amplitude explains most.

    The gain of an hour is r² − (r − a·t)²; each end is put where the sum of gains inside is greatest.
    """
    first, last = max(begin - slack, 0), min(end + slack, len(residual))
    t, r = template[first:last], residual[first:last]
    gain = np.nan_to_num(amplitude * t * (2 * r - amplitude * t))
    total = np.r_[0.0, np.cumsum(gain)]
    heads = slice(0, min(begin + slack, end) - first + 1)
    new_begin = int(np.argmin(total[heads]))
    tail = max(end - slack - first, new_begin + 1)
    new_end = tail + int(np.argmax(total[tail:])) if tail < len(total) else len(total) - 1
    return first + new_begin, first + new_end


def noise(residual: Floats, level: Floats) -> Floats:
    """Robust scale of a residual in dependence on the expected level: σ² = s₀² + (q·level)², each from medians.

    s₀ from the hours of the lowest third of levels, q from the highest third.
    """
    known = np.isfinite(residual)
    low, high = np.quantile(level[known], [0.34, 0.67]) if known.any() else (0.0, 0.0)
    quiet, busy = known & (level <= low), known & (level >= high)
    base = 1.4826 * float(np.median(np.abs(residual[quiet]))) if quiet.any() else 0.0
    share = float(np.median(np.abs(residual[busy]) / np.maximum(np.abs(level[busy]), 1e-9))) if busy.any() else 0.0
    floor = 0.01 * float(np.mean(np.abs(level))) + 1e-9
    return np.asarray(np.sqrt(max(base, floor) ** 2 + (1.4826 * share * level) ** 2), float)
