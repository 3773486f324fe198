"""What uses energy in a building: end uses by MOHURD code, how big they are, and what drives them.

Strategy: an end use is a density (W/m² at its peak), a share that is always on, and a driver (people, plant hours,
weather, meals …). A building type is a table of end uses. The densities are of the size that energy audits of public
buildings in Shanghai report, tuned so that yearly intensities fall between 60 and 250 kWh/m².
Water and gas work alike, in litres and cubic metres.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.calendar import Presence
from firmware_sim.weather import Weather, smooth

Row = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Drive:
    """What drives loads, one value a quarter-hour.

    ``people`` 0–1.2, ``plant`` 0–1 (HVAC switched on), ``cooling`` and ``heating`` 0–1.2 (1 = design day),
    ``dark`` 0–1, ``meals`` 0–1, ``clock`` quarter of the local day.
    """

    people: Row
    plant: Row
    cooling: Row
    heating: Row
    dark: Row
    meals: Row
    clock: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class EndUse:
    """``code`` MOHURD, without trailing zeros; ``density`` W/m² (or l/h, m³/h per 1000 m²); ``base`` share always on;
    ``noise`` relative scatter of a quarter-hour."""

    code: str
    density: float
    base: float
    driver: str
    noise: float = 0.04


def make_drive(weather: Weather, presence: Presence, clock: NDArray[np.int32]) -> Drive:
    """Thermal response: air temperature through the building's mass (12 h), sun, and people as inner gains."""
    felt = 0.35 * weather.outdoor_c + 0.65 * smooth(weather.outdoor_c, 12.0)
    gains = 0.0035 * smooth(weather.irradiance, 3.0) + 2.0 * presence.people
    cooling = np.clip((felt + gains - 20.5) / 16.0, 0, 1.2)
    heating = np.clip((13.0 - felt - 0.5 * gains) / 14.0, 0, 1.2)
    dark = np.clip(1 - weather.irradiance / 120, 0, 1)
    return Drive(presence.people, presence.plant, cooling, heating, dark, _meals(clock) * presence.people, clock)


def _meals(clock: NDArray[np.int32]) -> Row:
    hours = np.arange(96) / 4
    wave = sum(np.exp(-(((hours - at) / width) ** 2)) for at, width in ((7.3, 0.8), (11.7, 1.1), (17.8, 1.3)))
    return np.asarray(wave)[clock]


def _people(drive: Drive) -> Row:
    return drive.people


def _open(drive: Drive) -> Row:
    """Corridors, escalators: on as soon as anybody is there."""
    return np.clip(drive.people * 4, 0, 1)


def _facade(drive: Drive) -> Row:
    evening = (drive.clock >= 70) & (drive.clock < 90)
    return drive.dark * evening


def _chillers(drive: Drive) -> Row:
    """Chillers, towers and their pumps: pumps come with the first cooling, compressors with the load."""
    return drive.plant * (0.14 * np.clip(drive.cooling * 12, 0, 1) + 0.86 * drive.cooling**1.15)


def _heat_pumps(drive: Drive) -> Row:
    warm = 0.12 * np.clip(drive.heating * 12, 0, 1) + 0.55 * drive.heating
    return _chillers(drive) + drive.plant * warm


def _terminals(drive: Drive) -> Row:
    need = np.maximum(drive.cooling, drive.heating)
    return drive.plant * (0.5 + 0.5 * np.clip(need, 0, 1))


def _steady(drive: Drive) -> Row:
    """Server rooms: flat, a little more when it is warm."""
    return 0.5 + 0.5 * drive.cooling


def _meal(drive: Drive) -> Row:
    return drive.meals


def _heat(drive: Drive) -> Row:
    return drive.plant * np.clip(drive.heating, 0, 1.2)


def _cold(drive: Drive) -> Row:
    return drive.plant * np.clip(drive.cooling, 0, 1.5)


def _boiler(drive: Drive) -> Row:
    return 0.35 * drive.people + drive.heating


DRIVERS: Final[dict[str, Callable[[Drive], Row]]] = {
    "people": _people,
    "open": _open,
    "facade": _facade,
    "chillers": _chillers,
    "heat_pumps": _heat_pumps,
    "terminals": _terminals,
    "steady": _steady,
    "meals": _meal,
    "boiler": _boiler,
    "heat": _heat,
    "cold": _cold,
}

_OFFICE: Final = (
    EndUse("01A1", 12.5, 0.13, "people", 0.03),
    EndUse("01A2", 0.8, 0.45, "open", 0.02),
    EndUse("01A3", 0.3, 0.0, "facade", 0.02),
    EndUse("01B1", 26.0, 0.012, "heat_pumps", 0.05),
    EndUse("01B2", 5.0, 0.04, "terminals", 0.03),
    EndUse("01C1", 2.2, 0.08, "people", 0.12),
    EndUse("01C2", 0.9, 0.25, "people", 0.10),
    EndUse("01C3", 0.35, 0.10, "open", 0.05),
    EndUse("01D1", 2.6, 0.86, "steady", 0.015),
    EndUse("01D3", 2.2, 0.10, "meals", 0.08),
    EndUse("01D6", 0.2, 0.55, "people", 0.08),
    EndUse("01E1", 0.45, 0.40, "open", 0.05),
)


def _scaled(factors: dict[str, float], plant: str = "chillers") -> tuple[EndUse, ...]:
    """The office's end uses with densities times a factor by code; ``plant`` drives the cooling plant. Where it is
    'chillers', heat comes from gas boilers."""
    rows = (replace(use, density=use.density * factors.get(use.code, 1.0)) for use in _OFFICE)
    return tuple(replace(row, driver=plant) if row.code == "01B1" else row for row in rows)


_MALL: Final = {
    "01A1": 1.5, "01A2": 1.8, "01A3": 3.0, "01B1": 1.35, "01B2": 1.1, "01C1": 1.4, "01C3": 1.5, "01D1": 0.1,
    "01D3": 2.6,
}  # fmt: skip
_HOTEL: Final = {
    "01A1": 0.55, "01A2": 1.6, "01A3": 1.5, "01B1": 0.85, "01B2": 0.55, "01C2": 1.8, "01D1": 0.1, "01D3": 1.8,
}  # fmt: skip
_HOSPITAL: Final = {
    "01A1": 0.7, "01A2": 2.0, "01A3": 0.3, "01B1": 0.95, "01B2": 0.85, "01C1": 1.2, "01D1": 0.8,
}  # fmt: skip
_SCHOOL: Final = {
    "01A1": 1.1, "01A3": 0.3, "01B1": 0.8, "01B2": 0.6, "01C1": 0.3, "01C3": 0.6, "01D1": 0.06, "01D3": 2.2,
}  # fmt: skip
_GYM: Final = {
    "01A1": 0.95, "01B1": 0.95, "01C1": 0.3, "01C2": 1.2, "01D1": 0.06, "01D3": 0.1,
}  # fmt: skip
END_USES: Final[dict[str, tuple[EndUse, ...]]] = {
    "office": _OFFICE,
    "other": _OFFICE,
    "mall": _scaled(_MALL),
    "hotel": (*_scaled(_HOTEL), EndUse("01D2", 1.1, 0.15, "open", 0.10)),
    "hospital": (*_scaled(_HOSPITAL), EndUse("01D7", 4.0, 0.30, "people", 0.05)),
    "school": _scaled(_SCHOOL, plant="heat_pumps"),
    "gym": (
        *_scaled(_GYM),
        EndUse("01D4", 7.0, 0.30, "people", 0.04),
        EndUse("01D5", 2.0, 0.05, "people", 0.10),
    ),
}

VOLUMES: Final[dict[str, dict[str, EndUse]]] = {
    "water": {
        "office": EndUse("02", 0.28, 0.04, "people", 0.10),
        "mall": EndUse("02", 0.42, 0.03, "people", 0.10),
        "hotel": EndUse("02", 0.34, 0.06, "people", 0.12),
        "hospital": EndUse("02", 0.40, 0.08, "people", 0.10),
        "school": EndUse("02", 0.35, 0.03, "people", 0.12),
        "gym": EndUse("02", 0.60, 0.06, "people", 0.10),
    },
    "gas": {
        "office": EndUse("03", 0.25, 0.0, "meals", 0.10),
        "mall": EndUse("03", 0.55, 0.0, "meals", 0.10),
        "hotel": EndUse("03", 1.10, 0.03, "boiler", 0.08),
        "hospital": EndUse("03", 1.20, 0.03, "boiler", 0.08),
        "school": EndUse("03", 0.50, 0.0, "meals", 0.10),
        "gym": EndUse("03", 0.90, 0.02, "boiler", 0.08),
    },
}
"""Cubic metres per hour and 1000 m² at the peak."""

THERMAL: Final[dict[str, EndUse]] = {
    "heat": EndUse("04", 55.0, 0.02, "heat", 0.05),
    "cold": EndUse("05", 70.0, 0.02, "cold", 0.05),
}
"""W/m² of heat and cold delivered on a design day, in any building that has meters of them; pipes lose a little."""


def load(use: EndUse, drive: Drive) -> Row:
    """Watt per m² (or m³/h per 1000 m²) of an end use, without noise."""
    return use.density * (use.base + (1 - use.base) * DRIVERS[use.driver](drive))
