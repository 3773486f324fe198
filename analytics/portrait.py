"""A meter's portrait: the shape of its load over the last year, from the ledger's measured hours.

Strategy: only what was measured and is plausible counts (:class:`~analytics.hours.Hours` has it as ``measured``); what
cannot be said of so few hours is None. The functions themselves are in :mod:`analytics.shapes`.
"""

from typing import Final

import numpy as np

from analytics.calendar import DAY_S, local_seconds
from analytics.design import Design, Floats
from analytics.hours import Hours
from analytics.shapes import (
    Days,
    Ints,
    base_load,
    days_of,
    load_factor,
    night_share,
    off_share,
    peak,
    typical_days,
    weather,
)
from submeter.words import LoadShape, TypicalDay

YEAR_HOURS: Final = 365 * 24
DIGITS: Final = 4
"""significant ones that are kept: two studies of the same hours then tell the same"""


def portrait(hours: Hours, point: str, on: Design) -> LoadShape | None:
    """The shape of a point's load; None where no whole day is known. ``on`` tells working days, row by row."""
    rows = slice(max(0, hours.past - YEAR_HOURS), hours.past)
    energy = hours.measured[point][rows]
    local = local_seconds(hours.start[rows], hours.building.zone)
    day, hour, working = local // DAY_S, local % DAY_S // 3600, on.working[rows]
    days = days_of(energy, day, hour)
    if not len(days):
        return None
    worked = _working_days(day, working, days)
    followed = None if hours.outdoor_c is None else weather(days, _daily(hours.outdoor_c[rows], day, days), worked)
    known = hours.start_ms[rows][np.isfinite(energy)]
    return LoadShape(
        id=point,
        building=hours.building.id,
        point=point,
        start_ms=int(known[0]),
        end_ms=int(known[-1]) + 3_600_000,
        days=len(days),
        base_kw=_kept(base_load(days)),
        peak_kw=_kept(peak(energy)),
        load_factor=_kept(load_factor(energy)),
        night_share=_kept(night_share(energy, hour)),
        off_share=_kept(off_share(energy, working)),
        model=followed.name if followed else "",
        heating=_kept(followed.heating) if followed else None,
        cooling=_kept(followed.cooling) if followed else None,
        heats_below=_kept(followed.heats_below) if followed else None,
        cools_above=_kept(followed.cools_above) if followed else None,
        typical=_typical(days, worked),
    )


def _typical(days: Days, working: Floats) -> list[TypicalDay]:
    return [
        TypicalDay(
            share=round(kind.share, DIGITS),
            working=round(float(working[kind.rows].mean()), DIGITS),
            kwh=[float(f"{kwh:.{DIGITS}g}") for kwh in kind.kwh.tolist()],
        )
        for kind in typical_days(days)
    ]


def _daily(outdoor_c: Floats, day: Ints, days: Days) -> Floats:
    """Mean outdoor temperature of each of the days, NaN where no hour is known."""
    known = np.isfinite(outdoor_c)
    at = np.searchsorted(days.day, day[known])
    inside = (at < len(days)) & (days.day[np.minimum(at, len(days) - 1)] == day[known])
    count = np.bincount(at[inside], minlength=len(days))
    total = np.bincount(at[inside], outdoor_c[known][inside], minlength=len(days))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _working_days(day: Ints, working: np.ndarray, days: Days) -> Floats:
    """1 for each of the days that is a working day, else 0."""
    return np.asarray(working[np.searchsorted(day, days.day)], float)


def _kept(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None
