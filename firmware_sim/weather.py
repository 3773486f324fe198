"""Weather like Shanghai's on a grid of quarter-hours: air temperature, relative humidity, global irradiance.

Strategy: monthly normals (China Meteorological Administration, Shanghai, rounded) + a synoptic part that passes from
day to day as a first-order autoregression + a diurnal wave that clear days widen + small hourly noise. Everything is
drawn from :data:`ORIGIN` on, so that a day's weather does not depend on where a world begins.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.calendar import QUARTERS_A_DAY
from firmware_sim.seeds import normals, stream

ORIGIN_DAY: Final = 18_262
"""2020-01-01 as days since 1970: weather is drawn from here on."""
MONTH_MEAN_C: Final = (5.0, 6.7, 10.6, 15.9, 21.0, 24.7, 29.0, 28.7, 24.9, 19.8, 13.9, 7.5)
MONTH_SPREAD_C: Final = (3.2, 3.4, 3.4, 3.2, 2.6, 2.2, 2.2, 2.0, 2.2, 2.4, 3.0, 3.2)
PERSISTENCE: Final = 0.72
"""Day-to-day autocorrelation of the synoptic part."""
SOLAR_CONSTANT: Final = 1361.0


@dataclass(frozen=True, slots=True, eq=False)
class Weather:
    """``outdoor_c`` °C, ``humidity`` %, ``irradiance`` W/m² (horizontal), a value a quarter-hour from ``first`` on."""

    first: int
    outdoor_c: NDArray[np.float64]
    humidity: NDArray[np.float64]
    irradiance: NDArray[np.float64]


def make_weather(seed: int, name: str, first: int, count: int, latitude: float, longitude: float) -> Weather:
    """``count`` quarter-hours from number ``first`` (since 1970 UTC) on; no NaN. ``first`` is not before 2020."""
    time = np.arange(first, first + count) / QUARTERS_A_DAY
    solar = time + longitude / 360
    days = int(time[-1]) + 3 - ORIGIN_DAY
    synoptic = _autoregression(stream(seed, name, "synoptic").standard_normal(days), PERSISTENCE)
    cloud = _autoregression(stream(seed, name, "cloud").standard_normal(days), 0.5)
    clear = 1 / (1 + np.exp(-_between(cloud - 0.25 * synoptic, time)))
    sun = _sun_height(time, solar, latitude)
    hourly = _hourly(seed, name, first, count)
    wave = np.cos(2 * np.pi * (solar - 14.5 / 24)) + 0.25 * np.cos(4 * np.pi * (solar - 14.5 / 24))
    swing = (1.6 + 3.4 * clear) * wave
    outdoor = (
        _seasonal(MONTH_MEAN_C, time)
        + _seasonal(MONTH_SPREAD_C, time) * _between(synoptic, time)
        + swing
        + 0.35 * hourly
    )
    humidity = np.clip(92 - 34 * clear - 2.2 * swing + 2 * hourly, 18, 99)
    transmitted = (0.14 + 0.54 * clear) * np.clip(1 + 0.08 * hourly, 0.5, 1.3)
    return Weather(first, outdoor, humidity, SOLAR_CONSTANT * sun * np.clip(transmitted, 0, 0.78))


def _autoregression(noise: NDArray[np.float64], keep: float) -> NDArray[np.float64]:
    """Unit variance, lag-1 correlation ``keep``."""
    out, last, fresh = np.empty(len(noise)), 0.0, (1 - keep * keep) ** 0.5
    for i, value in enumerate(noise):
        last = keep * last + fresh * value
        out[i] = last
    return out


def _between(daily: NDArray[np.float64], time: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values at the middle of each day since the origin, straight lines between."""
    return np.interp(time, ORIGIN_DAY + 0.5 + np.arange(len(daily)), daily)


def _seasonal(months: tuple[float, ...], time: NDArray[np.float64]) -> NDArray[np.float64]:
    """Monthly values at mid-month, straight lines between, year after year."""
    at = (np.arange(-1, 13) + 0.5) / 12
    return np.interp((time - ORIGIN_DAY) / 365.25 % 1, at, (months[-1], *months, months[0]))


def _hourly(seed: int, name: str, first: int, count: int) -> NDArray[np.float64]:
    """Noise with an hour's memory: a moving mean over five quarter-hours, unit variance."""
    raw = normals(seed, f"{name}/hourly", first - 4, count + 4).astype(np.float64)
    return (raw[4:] + raw[3:-1] + raw[2:-2] + raw[1:-3] + raw[:-4]) / 5**0.5


def _sun_height(time: NDArray[np.float64], solar: NDArray[np.float64], latitude: float) -> NDArray[np.float64]:
    """Sine of the sun's height, 0 at night (declination after Cooper 1969; equation of time neglected)."""
    declination = np.radians(23.45) * np.sin(2 * np.pi * (284 + (time - ORIGIN_DAY) % 365.25) / 365)
    phi, hour = np.radians(latitude), 2 * np.pi * (solar % 1 - 0.5)
    height = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(hour)
    return np.asarray(np.clip(height, 0, None))


def smooth(values: NDArray[np.float64], hours: float) -> NDArray[np.float64]:
    """A first-order filter of quarter-hourly values with a time constant in hours (thermal mass).

    Works on hourly means and draws straight lines between, which costs a quarter and loses nothing that a wall would
    notice.
    """
    states = relax(values[: len(values) // 4 * 4].reshape(-1, 4).mean(axis=1), hours)
    return np.interp(np.arange(len(values)), 3.5 + 4 * np.arange(len(states)), states)


def relax(hourly: NDArray[np.float64], hours: float) -> NDArray[np.float64]:
    """The filter's state at the end of each hour; it starts at the first value."""
    keep, state, out = float(np.exp(-1 / hours)), float(hourly[0]), np.empty(len(hourly))
    for i, value in enumerate(hourly.tolist()):
        state = keep * state + (1 - keep) * value
        out[i] = state
    return out
