"""Simpler models: for meters with little history, and for meters that follow neither clock nor calendar nor weather.

Strategy: the mean of each hour of working and of other days, times a change-point line (1P to 5P,
:mod:`analytics.changepoint`) of the day's energy, as a share of that, against its mean outdoor temperature. Without
weather, or of few days, the line is level. Where the hours of the day tell nothing either, they are all alike.

On Drammen's mains in 2018 (four origins, the next month foretold) this is off by .24 (hourly CV(RMSE)) and 11 % of the
sum with ten days of history, the hourly regression by .27 and 13 %; with thirty days they are equal, .25; hour means
alone are off by .33 and 20 %.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.changepoint import ChangePoint
from analytics.changepoint import fit as fit_line
from analytics.changepoint import predict as on_line
from analytics.design import Design, Floats
from analytics.outdoor import MILD_C
from analytics.quality import WHOLE_DAY_H

LEAST_HOURS: Final = 8 * 24
"""Of less, weekdays and the days off of one week are not known."""
LITTLE_HOURS: Final = 30 * 24
"""From here on the hourly regression foretells as well."""
FURTHEST: Final = 3.0
"""No day is foretold at more than so many times the mean day, however cold it is, nor at less than that part of it."""
SUFFIX: Final = "-means/1"
HEATS: Final = ("3PH", "4P", "5P")
COOLS: Final = ("3PC", "4P", "5P")

Bools = NDArray[np.bool_]


def is_simple(model: str) -> bool:
    """Whether the name of a model is one of these: ``1P-means/1`` to ``5P-means/1``."""
    return model.endswith(SUFFIX)


def learn(on: Design, energy_kwh: Floats, *, level: bool = False) -> tuple[str, dict[str, list[float]], int]:
    """The model of hourly energy (n, NaN = leave out; some known): its name, what it has learnt, and its number of
    parameters. ``level``: without a line of temperature."""
    known = np.isfinite(energy_kwh)
    of_hour, sizes = _hour_means(on, energy_kwh, known)
    line = ChangePoint("1P", 1.0) if level else _line(on, energy_kwh, of_hour, known)
    kept = {"other": of_hour[0].tolist(), "work": of_hour[1].tolist(), "line": _frozen(line)}
    return line.name + SUFFIX, kept, sizes + line.p - 1


def expected(model: str, kept: dict[str, list[float]], on: Design) -> Floats:
    """kWh of each hour (n), never below zero. Raises ValueError where the model needs weather that the design has
    not."""
    table = np.array([kept["other"], kept["work"]])[on.working.astype(int), on.hour]
    line = _thawed(model.removesuffix(SUFFIX), kept["line"])
    if line.name == "1P":
        return np.asarray(np.maximum(table * line.base, 0.0), float)
    if not on.weather:
        raise ValueError(f"{model} needs outdoor temperatures")
    share = np.clip(on_line(line, _daily_c(on)), 1 / FURTHEST, FURTHEST)
    return np.asarray(np.maximum(table * share[on.day - int(on.day[0])], 0.0), float)


def _hour_means(on: Design, energy_kwh: Floats, known: Bools) -> tuple[Floats, int]:
    """(2, 24) means of other and of working days, and how many differ: 48, or 1 where they explain nothing."""
    cell = on.working.astype(int) * 24 + on.hour
    value = np.where(known, energy_kwh, 0.0)
    count, total = (np.bincount(cell, each, 48).reshape(2, 24) for each in (known, value))
    mean = float(value.sum() / known.sum())
    either = np.where(count.sum(axis=0) > 0, total.sum(axis=0) / np.maximum(count.sum(axis=0), 1), mean)
    means = np.where(count > 0, total / np.maximum(count, 1), either)
    n, free = int(known.sum()), int(known.sum()) - 48
    left = float(((energy_kwh - means.ravel()[cell])[known] ** 2).sum())
    there = float(((energy_kwh[known] - mean) ** 2).sum())
    if free < 1 or left / free >= there / max(n - 1, 1):
        return np.full((2, 24), mean), 1
    return means, 48


def _line(on: Design, energy_kwh: Floats, of_hour: Floats, known: Bools) -> ChangePoint:
    """Of a day's energy as a share of its hours' means."""
    at = on.day - int(on.day[0])
    usual = of_hour[on.working.astype(int), on.hour]
    count, total, told = (np.bincount(at, np.where(known, each, 0.0)) for each in (known, energy_kwh, usual))
    whole = (count >= WHOLE_DAY_H) & (told > 0)
    if not on.weather or not whole.any():
        return ChangePoint("1P", 1.0)
    return fit_line(_daily_c(on)[whole], total[whole] / told[whole])


def _daily_c(on: Design) -> Floats:
    """Mean outdoor temperature (°C) of each day from the first to the last, NaN for days without hours."""
    at = on.day - int(on.day[0])
    hours = np.bincount(at)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.bincount(at, on.by_row(on.felt[0][:, None])[0]) / hours * 10 + MILD_C, float)


def _frozen(line: ChangePoint) -> list[float]:
    """Numbers that survive JSON: what a model has not is zero."""
    numbers = (line.base, line.heating, line.cooling, line.heats_below, line.cools_above)
    return [float(x) if np.isfinite(x) else 0.0 for x in numbers]


def _thawed(name: str, numbers: list[float]) -> ChangePoint:
    base, heating, cooling, below, above = numbers
    nothing = float("nan")
    return ChangePoint(name, base, heating, cooling, below if name in HEATS else nothing,
                       above if name in COOLS else nothing)  # fmt: skip
