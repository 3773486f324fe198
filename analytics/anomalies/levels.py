"""Faults of a load, seen in its own level: left on at night, timetable broken, base load stepped up.

Strategy: templates for the residual of a meter against its expectation. *Quiet*: a share of the season's full load
in the hours in which little is expected. *Step*: the same power around the clock. *Shift*: the expected day some
hours earlier or later. Each is scanned over all segments; templates compete for the same days, and the winner must
also be of a size that somebody would act upon.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.anomalies.episode import Bools, Episode
from analytics.anomalies.scan import (
    PROPOSED,
    Project,
    Segment,
    best_segment,
    daily,
    hour_ends,
    noise,
    unabsorbed_segment,
)  # fmt: skip
from analytics.quality import Floats

Ints = NDArray[np.int64]

THRESHOLD: Final = 11.0
SURE: Final = 8.0
LEAST_SURE_SHARE: Final = 0.67
"""A template that the season or the weather could stand in for is not told."""
MOST_EPISODES: Final = 4
QUIET: Final = 0.4
"""Hours with less than this share of the season's full load are quiet ones."""
SEASON_DAYS: Final = 15
LEAST_QUIET: Final = 0.18
"""Smallest extra load in quiet hours, as a share of the season's full load."""
LEAST_OF_YEAR: Final = 0.06
"""… and as a share of the whole year's: a chiller's winter is not worth a visit."""
LEAST_STEP: Final = 0.15
"""Smallest step, as a share of the mean load."""
LEAST_FIT: Final = {"quiet": 0.6, "step": 0.6, "shift": 0.7}
"""Smallest share of the residual's squares in an episode that its template explains."""
LOOKED_AT: Final = 3
LEAST_DAYS: Final = {"quiet": 4, "step": 7, "shift": 7}
SHIFTS_H: Final = (-7, -6, -5, -4, -3, 3, 4, 5, 6, 7)
TIMED: Final = "01B"
"""HVAC runs by a timetable; other loads are left on."""


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """One meter's hours: ``residual`` = energy − expected (NaN = unknown), ``day`` (0 first);
    ``project`` the projection on the columns that the expectation was fitted on, ``fitted`` the hours used."""

    point: str
    item: str
    energy: Floats
    expected: Floats
    residual: Floats
    day: Ints
    project: Project
    fitted: Bools


def load_faults(load: Load) -> list[Episode]:
    """Episodes of one meter's load, strongest first."""
    if np.isfinite(load.residual).sum() < 24 * 21:
        return []
    full = full_load(load.expected, load.day)
    quiet = quiet_hours(load.expected, full)
    templates = _templates(load, full, quiet)
    sigma, residual, out = noise(load.residual, load.expected), load.residual.copy(), []
    for _ in range(MOST_EPISODES):
        found = _best(templates, residual, sigma, load)
        if found is None:
            break
        name, segment, whole = found
        rows = (load.day >= segment.begin) & (load.day < segment.end)
        episode = _named(load, whole, name, templates[name], segment, quiet)
        residual[rows] = np.nan
        if episode is not None:
            residual[episode.begin : episode.end] = np.nan
            out.append(episode)
    return out


def full_load(expected: Floats, day: Ints) -> Floats:
    """The season's full load at each hour: the 90 % quantile of expectation within 15 days on either side."""
    days = int(day[-1]) + 1
    top = np.zeros(days)
    edges = np.searchsorted(day, np.arange(days + 1))
    for d in range(0, days, 5):
        a, b = edges[max(d - SEASON_DAYS, 0)], edges[min(d + SEASON_DAYS, days)]
        top[d : d + 5] = np.quantile(expected[a:b], 0.9) if b > a else 0.0
    return np.asarray(top[day], float)


def quiet_hours(expected: Floats, full: Floats) -> Bools:
    """Hours in which little is expected; none where a load never sleeps."""
    quiet = expected < QUIET * full
    return quiet if quiet.mean() > 0.1 else np.zeros(len(quiet), bool)


def _templates(load: Load, full: Floats, quiet: Bools) -> dict[str, Floats]:
    out = {"quiet": np.where(quiet, full, 0.0), "step": np.full(len(full), float(load.expected.mean()))}
    if not quiet.any():
        del out["quiet"]
    elif load.item.startswith(TIMED):
        for shift in SHIFTS_H:
            out[f"shift{shift:+d}"] = np.roll(load.expected, shift) - load.expected
    return out


def _best(
    templates: dict[str, Floats], residual: Floats, sigma: Floats, load: Load
) -> tuple[str, Segment, Floats] | None:
    """The template and segment that explain most, and the residual in which they do."""
    proposed: list[tuple[float, str, Segment]] = []
    for name, template in templates.items():
        segment = best_segment(*daily(template, residual, sigma, load.day), sign=1, least_days=LEAST_DAYS[name[:5]])
        if segment is not None and segment.z >= PROPOSED:
            proposed.append((_gain(template, residual, sigma, load.day, segment), name, segment))
    best: tuple[float, tuple[str, Segment, Floats]] | None = None
    for _, name, first in sorted(proposed, key=lambda p: -p[0])[:LOOKED_AT]:
        segment, whole = unabsorbed_segment(
            templates[name], residual, sigma, load.day, load.project, load.fitted, first,
            sign=1, least_days=LEAST_DAYS[name[:5]],
        )  # fmt: skip
        if segment.z < THRESHOLD or segment.sure_z < max(SURE, LEAST_SURE_SHARE * segment.z):
            continue
        gain = _gain(templates[name], whole, sigma, load.day, segment)
        if best is None or gain > best[0]:
            best = (gain, (name, segment, whole))
    return None if best is None else best[1]


def _gain(template: Floats, residual: Floats, sigma: Floats, day: Ints, segment: Segment) -> float:
    """How far a template lowers the weighted squares of the residual in its segment."""
    cross, power = daily(template, residual, sigma, day)
    inside = slice(segment.begin, segment.end)
    return float(cross[inside].sum() ** 2 / max(power[inside].sum(), 1e-12))


def _named(load: Load, residual: Floats, name: str, template: Floats, segment: Segment, quiet: Bools) -> Episode | None:
    """Kind and size; None if nobody would act upon it."""
    least = {"quiet": LEAST_QUIET, "step": LEAST_STEP, "shift": 0.5}[name[:5]]
    first, last = (int(np.searchsorted(load.day, d)) for d in (segment.begin, segment.end))
    begin, end = hour_ends(template, residual, segment.amplitude, first, last)
    days = (end - begin) / 24
    rows = slice(begin, end)
    fit = _explained(template[rows], residual[rows], segment.amplitude)
    if segment.amplitude < least or days < LEAST_DAYS[name[:5]] or fit < LEAST_FIT[name[:5]]:
        return None
    actual, usual = _compared(load, residual, rows)
    if usual < 0 or (name == "quiet" and len(np.unique(load.day[rows][quiet[rows]])) < LEAST_DAYS["quiet"]):
        return None
    evidence = {"actual_kwh": actual, "expected_kwh": usual}
    kind = "base_step"
    if name.startswith("shift"):
        kind = "schedule"
        evidence |= {"shift_h": float(name[5:]), "hours": float(end - begin)}
    elif name == "quiet":
        kind = "schedule" if load.item.startswith(TIMED) else "night_on"
        evidence |= _nightly(load, rows, quiet, timed=kind == "schedule")
        if evidence["night_kw"] - evidence["usual_kw"] < LEAST_OF_YEAR * float(np.quantile(load.expected, 0.95)):
            return None
    else:
        step = float(np.nanmean(residual[rows]))
        evidence |= {"step_kw": step, "share": step / max(float(load.expected[rows].mean()), 1e-9)}
    return Episode(load.point, kind, begin, end, min(0.6 + segment.z / 100, 0.97), actual - usual, evidence)


def _explained(template: Floats, residual: Floats, amplitude: float) -> float:
    """Share of the squares that the template explains."""
    known = np.isfinite(residual)
    r, t = residual[known], amplitude * template[known]
    return 1 - float(((r - t) ** 2).sum()) / max(float((r**2).sum()), 1e-12)


def _compared(load: Load, residual: Floats, rows: slice) -> tuple[float, float]:
    """Energy used and expected over the hours that are known."""
    known = np.isfinite(load.energy[rows]) & np.isfinite(residual[rows])
    actual = float(load.energy[rows][known].sum())
    return actual, actual - float(residual[rows][known].sum())


def _nightly(load: Load, rows: slice, quiet: Bools, *, timed: bool) -> dict[str, float]:
    inside = quiet[rows] & np.isfinite(load.energy[rows])
    out = {"night_kw": 0.0, "usual_kw": 0.0}
    if inside.any():
        out = {
            "night_kw": float(load.energy[rows][inside].mean()),
            "usual_kw": float(load.expected[rows][inside].mean()),
        }
    if timed:
        return out | {"hours": float(quiet[rows].sum())}
    return out | {"nights": float(len(np.unique(load.day[rows][quiet[rows]])))}
