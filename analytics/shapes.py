"""The shape of a load: base load, peak, load factor, night and weekend share, typical days, weather.

Each is a function over arrays of hourly energy (kWh in an hour = mean kW), NaN where nothing is known; a figure of too
few hours is NaN, never a guess. Terms after Price, "Methods for Analyzing Electric Load Shape and its Variability",
LBNL-3713E (2010), and ISO 50006:2023 (energy performance indicators). How a figure stands among buildings of the same
type is :func:`submeter.words.standing.rank_among`, which viewers use, too.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2

from analytics import changepoint
from analytics.changepoint import ChangePoint
from analytics.changepoint import fit as fit_changepoint

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DAY_HOURS: Final = 20
"""known hours without which a day is left out"""
LEAST_DAYS: Final = 14
PEAK_SHARE: Final = 0.999
"""the peak is the load that is exceeded in a thousandth of the hours: one bad hour makes no peak"""
NIGHT: Final = (22, 6)
"""from, to on the local clock"""
ROUNDS: Final = 3
"""of back-fitting levels and slopes"""
MOST_KINDS: Final = 5
STARTS: Final = 8
GAIN: Final = 0.12
"""share of the first spread that one more kind of day must explain"""


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """(days, 24) kWh of each known local day; a missing hour is its neighbours' mean. ``day`` since 1970."""

    day: Ints
    kwh: Floats

    def __len__(self) -> int:
        return len(self.day)


@dataclass(frozen=True, slots=True, eq=False)
class Typical:
    """A kind of day: ``share`` of all days, mean ``kwh`` (24), and the rows of :class:`Days` that are of it."""

    share: float
    kwh: Floats
    rows: Ints


def days_of(energy_kwh: Floats, day: Ints, hour: Ints) -> Days:
    """Days with at least twenty known hours. ``day`` (n) since 1970 and ``hour`` (n) 0…23 on the local clock; the two
    hours of one clock hour in autumn are averaged."""
    known = np.isfinite(energy_kwh)
    every, at = np.unique(day[known], return_inverse=True)
    cell = at * 24 + hour[known]
    count = np.bincount(cell, minlength=len(every) * 24).reshape(-1, 24)
    total = np.bincount(cell, energy_kwh[known], minlength=len(every) * 24).reshape(-1, 24)
    full = (count > 0).sum(axis=1) >= DAY_HOURS
    kwh = np.where(count > 0, total / np.maximum(count, 1), np.nan)[full]
    return Days(every[full], _bridged(kwh))


def _bridged(kwh: Floats) -> Floats:
    """Missing hours on the line between their neighbours, through midnight."""
    flat, at = kwh.ravel(), np.arange(kwh.size)
    known = np.isfinite(flat)
    return np.asarray(np.interp(at, at[known], flat[known]).reshape(kwh.shape), float) if known.any() else kwh


def base_load(days: Days) -> float:
    """kW: median over days of the smallest hour. NaN below two weeks."""
    return float(np.median(days.kwh.min(axis=1))) if len(days) >= LEAST_DAYS else float("nan")


def peak(energy_kwh: Floats) -> float:
    """kW that is exceeded in a thousandth of the known hours. NaN below two weeks of hours."""
    known = energy_kwh[np.isfinite(energy_kwh)]
    return float(np.quantile(known, PEAK_SHARE)) if len(known) >= LEAST_DAYS * 24 else float("nan")


def load_factor(energy_kwh: Floats) -> float:
    """Mean ÷ peak, 0 to 1: how evenly what is there for the peak is used. NaN without a peak."""
    high = peak(energy_kwh)
    return float(np.nanmean(energy_kwh)) / high if high > 0 else float("nan")


def night_share(energy_kwh: Floats, hour: Ints) -> float:
    """Share of the energy that is used from 22 to 6 o'clock (a third of the hours). NaN without energy."""
    return _share(energy_kwh, (hour >= NIGHT[0]) | (hour < NIGHT[1]))


def off_share(energy_kwh: Floats, working: Bools) -> float:
    """Share of the energy that is used on weekends and holidays. ``working`` (n): hours of working days."""
    return _share(energy_kwh, ~working)


def _share(energy_kwh: Floats, part: Bools) -> float:
    total = float(np.nansum(energy_kwh))
    return float(np.nansum(energy_kwh[part])) / total if total > 0 else float("nan")


def weather(days: Days, outdoor_c: Floats, working: Floats | None = None) -> ChangePoint | None:
    """How a day's energy follows its mean outdoor temperature (days): slopes in kWh a day and °C, change points in °C.

    ``working`` (days): 1 on working days, else 0; then each kind of day has a level of its own beside the model
    (back-fitting; Hastie and Tibshirani, "Generalized Additive Models", 1990, ch. 4), else the week would hide the
    weather. None below two weeks of days with a temperature.
    """
    known = np.isfinite(outdoor_c)
    if int(known.sum()) < LEAST_DAYS:
        return None
    daily = days.kwh.sum(axis=1)
    if working is None:
        return fit_changepoint(outdoor_c, daily)
    model, left = None, daily
    for _ in range(ROUNDS):
        level = _level(left, working > 0, known)
        model = fit_changepoint(outdoor_c, daily - level)
        left = daily - changepoint.predict(model, outdoor_c)
    return model


def _level(values: Floats, working: Bools, known: Bools) -> Floats:
    """How far each kind of day lies from the mean of all (days)."""
    middle = float(values[known].mean())
    means = [values[kind & known].mean() - middle if (kind & known).any() else 0.0 for kind in (working, ~working)]
    return np.where(working, *means)


def typical_days(days: Days, most: int = MOST_KINDS) -> tuple[Typical, ...]:
    """Kinds of day, the most frequent first; empty below two weeks.

    k-means (Lloyd 1982, k-means++ starts) of the days' hours in units of the mean day, for as many kinds as each
    explains another eighth of the spread; seeded, so that the same days give the same kinds.
    """
    mean = float(days.kwh.mean()) if len(days) else 0.0
    if len(days) < LEAST_DAYS or mean <= 0:
        return ()
    shape = days.kwh / mean
    labels = np.zeros(len(days), np.int64)
    left = _spread(shape, labels)
    whole = left
    for kinds in range(2, most + 1):
        if left < GAIN * whole or whole <= 1e-9:
            break
        tried = _clustered(shape, kinds)
        less = _spread(shape, tried)
        if left - less < GAIN * whole:
            break
        labels, left = tried, less
    found = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    kinds_of = [Typical(len(rows) / len(days), days.kwh[rows].mean(axis=0), rows) for rows in found]
    return tuple(sorted(kinds_of, key=lambda kind: (-kind.share, int(kind.rows[0]))))


def _clustered(shape: Floats, kinds: int) -> Ints:
    """The best of some starts."""
    tried = [kmeans2(shape, kinds, minit="++", seed=seed)[1].astype(np.int64) for seed in range(STARTS)]
    return min(tried, key=lambda labels: _spread(shape, labels))


def _spread(shape: Floats, labels: Ints) -> float:
    """Sum of squares about each kind's mean day."""
    return sum(float(((shape[labels == k] - shape[labels == k].mean(axis=0)) ** 2).sum()) for k in np.unique(labels))
