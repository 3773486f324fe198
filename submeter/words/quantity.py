"""What can be read from a meter or a station: name, SenML unit, whether it is a register, and the range of the type.

The range is that of the *type* (what no meter of this kind can ever show), not a limit for a circuit: intake judges a
reading by itself; whether a jump is plausible is the ledger's verdict.

Units are from the IANA SenML registry (RFC 8428; kWh is a secondary unit, RFC 8798).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MICRO: Final = 1_000_000
"""Values travel through store and ledger as int64 counts of 1e-6 of the unit."""


class Medium(StrEnum):
    ELECTRICITY = "electricity"
    WATER = "water"
    GAS = "gas"
    HEAT = "heat"
    COLD = "cold"
    WEATHER = "weather"


class Kind(StrEnum):
    REGISTER = "register"
    """Counts up for ever, until it rolls over or the meter is exchanged."""
    GAUGE = "gauge"
    """Holds at its time only."""


@dataclass(frozen=True, slots=True)
class Quantity:
    name: str
    unit: str
    kind: Kind
    lowest: float
    highest: float
    meaning: str


def _table(*rows: Quantity) -> dict[str, Quantity]:
    return {row.name: row for row in rows}


QUANTITIES: Final[dict[str, Quantity]] = _table(
    Quantity("energy_import", "kWh", Kind.REGISTER, 0, 1e9, "forward active energy, all tariffs"),
    Quantity("energy_export", "kWh", Kind.REGISTER, 0, 1e9, "reverse active energy, all tariffs"),
    Quantity("heat", "kWh", Kind.REGISTER, 0, 1e9, "heat delivered"),
    Quantity("cold", "kWh", Kind.REGISTER, 0, 1e9, "cold delivered"),
    Quantity("volume", "m3", Kind.REGISTER, 0, 1e9, "volume of water or gas"),
    Quantity("power_active", "W", Kind.GAUGE, -1e9, 1e9, "active power, all phases, import positive"),
    Quantity("power_factor", "/", Kind.GAUGE, -1, 1, "power factor"),
    Quantity("voltage_a", "V", Kind.GAUGE, 0, 1e6, "voltage, phase A to neutral"),
    Quantity("voltage_b", "V", Kind.GAUGE, 0, 1e6, "voltage, phase B to neutral"),
    Quantity("voltage_c", "V", Kind.GAUGE, 0, 1e6, "voltage, phase C to neutral"),
    Quantity("current_a", "A", Kind.GAUGE, 0, 1e5, "current, phase A"),
    Quantity("current_b", "A", Kind.GAUGE, 0, 1e5, "current, phase B"),
    Quantity("current_c", "A", Kind.GAUGE, 0, 1e5, "current, phase C"),
    Quantity("frequency", "Hz", Kind.GAUGE, 0, 100, "line frequency"),
    Quantity("outdoor_temperature", "Cel", Kind.GAUGE, -90, 70, "air temperature"),
    Quantity("humidity", "%RH", Kind.GAUGE, 0, 110, "relative humidity"),
    Quantity("irradiance", "W/m2", Kind.GAUGE, -10, 2000, "global horizontal irradiance"),
    Quantity("wind_speed", "m/s", Kind.GAUGE, 0, 120, "wind speed"),
)
