"""Outdoor temperature as a building feels it: without gaps, and with the memory of its walls.

Strategy: short gaps are bridged, long ones take the usual hour of their season; then first-order filters from the air
to the thermal mass. Where there is no weather the year's turn stands in for it.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

FILTERS_H: Final = (1.0, 6.0, 30.0, 120.0)
MILD_C: Final = 15.0
"""Zero of the temperatures in the table."""
GAP_H: Final = 6
"""A gap in the weather up to this long is bridged by a straight line; a longer one by the climate of its season."""
LEAST_WEATHER_H: Final = 48
SEASON_DAYS: Final = 15
"""on each side of a day of the year"""
YEAR_DAYS: Final = 365
"""A leap year's last day counts as the first."""


def knows_weather(outdoor_c: Floats | None) -> bool:
    """Whether there is enough of it."""
    return outdoor_c is not None and int(np.isfinite(outdoor_c).sum()) >= LEAST_WEATHER_H


def weather_felt(outdoor_c: Floats | None, year_day: Ints) -> Floats:
    """(f, n): temperatures (n) as walls and air have kept them, in 10 K from 15 °C, so that one ridge fits all; where
    there is no weather, the year's turn in its stead."""
    if outdoor_c is None or not knows_weather(outdoor_c):
        return _season(year_day)
    outdoor = filled(outdoor_c, year_day)
    out = np.empty((len(FILTERS_H), len(outdoor)))
    for row, hours in zip(out, FILTERS_H, strict=True):
        np.clip(memory(outdoor, hours), -30, 45, out=row)
    out -= MILD_C
    out /= 10
    return out


def memory(outdoor_c: Floats, hours: float) -> Floats:
    """First-order low-pass with time constant ``hours``: what walls and air have kept of the past (no NaN).

    By days, as one matrix product, and what each day leaves to the next by a filter over days: four times as fast as
    hour by hour.
    """
    n = len(outdoor_c)
    keep = float(np.exp(-1.0 / hours))
    by_day = np.append(outdoor_c, np.zeros(-n % 24)).reshape(-1, 24)
    within = by_day @ _within_a_day(keep)
    fades = keep**24
    begin, _ = lfilter([1.0], [1.0, -fades], within[:-1, -1], zi=[outdoor_c[0] * fades])
    before = np.append(outdoor_c[0], begin)
    return np.asarray((within + before[:, None] * keep ** np.arange(1, 25)).ravel()[:n], float)


@lru_cache(maxsize=16)
def _within_a_day(keep: float) -> Floats:
    """(24, 24) what each hour of a day (row) has left at each later one."""
    apart = np.subtract.outer(np.arange(24), np.arange(24)).T
    return np.where(apart >= 0, (1 - keep) * keep ** np.maximum(apart, 0), 0.0)


def filled(outdoor_c: Floats, year_day: Ints) -> Floats:
    """Temperatures without NaN: short gaps by a straight line, long ones by this season's usual hour (± 15 days)."""
    known = np.isfinite(outdoor_c)
    if known.all():
        return outdoor_c
    at = np.arange(len(outdoor_c))
    line = np.interp(at, at[known], outdoor_c[known])
    apart = np.diff(np.r_[-1, at[known], len(at)])
    if int(apart.max()) - 1 <= GAP_H:
        return line
    width = np.repeat(apart, apart)[: len(at)] - 1
    return np.where(known, outdoor_c, np.where(width > GAP_H, _usual(outdoor_c, known, year_day, line), line))


def _usual(outdoor_c: Floats, known: Bools, year_day: Ints, otherwise: Floats) -> Floats:
    """For every hour the mean of the same hour on days of its season, ``otherwise`` where none of them is known."""
    cell = np.arange(len(outdoor_c)) % 24 * YEAR_DAYS + year_day % YEAR_DAYS
    count = np.bincount(cell[known], minlength=24 * YEAR_DAYS).reshape(24, YEAR_DAYS)
    total = np.bincount(cell[known], outdoor_c[known], 24 * YEAR_DAYS).reshape(24, YEAR_DAYS)
    near, sum_c = (_of_season(each) for each in (count, total))
    mean = sum_c / np.maximum(near, 1)
    return np.where(near.ravel()[cell] > 0.5, mean.ravel()[cell], otherwise)


def _of_season(of_day: Floats | Ints) -> Floats:
    """(24, days) sums over the days around each, also through the turn of the year."""
    around = np.concatenate([of_day[:, -SEASON_DAYS:], of_day, of_day[:, :SEASON_DAYS]], axis=1)
    sums = np.cumsum(np.pad(around, ((0, 0), (1, 0))), axis=1)
    return np.asarray(sums[:, 2 * SEASON_DAYS + 1 :] - sums[:, : -2 * SEASON_DAYS - 1], float)


def _season(year_day: Ints) -> Floats:
    """Without weather the year's turn stands in for it."""
    angle = 2 * np.pi * year_day / 365.25
    return np.stack([np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)])
