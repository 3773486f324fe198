"""What a three-phase meter's display shows at an instant, beside its register: power, voltages, currents, frequency.

All before the ratio, as the meter sees them on the secondary side. The small wobble is a function of the instant and of
the serial number, so that every process shows the same.
"""

from math import pi, sin
from zlib import crc32

from firmware_sim.meter import Register
from submeter.words import MICRO

POWER_FACTOR = 0.92
NOMINAL_V = 230.0


def wobble(serial: str, now_ms: int, what: str) -> float:
    """Between −1 and 1, other from minute to minute."""
    phase = crc32(f"{serial}/{what}".encode()) % 1000 / 1000 * 2 * pi
    return 0.6 * sin(now_ms / 173_000 * 2 * pi + phase) + 0.4 * sin(now_ms / 61_000 * 2 * pi + 3 * phase)


def power_micro(register: Register, now_ms: int) -> int:
    """Active power in µW as shown, on a grid of 0.1 W: the quarter-hour's mean with a wobble of 2 %."""
    watts = register.power_w(now_ms) * (1 + 0.02 * wobble(register.device.serial, now_ms, "power"))
    return round(watts * 10) * 100_000


def image(register: Register, now_ms: int) -> dict[str, int]:
    """All quantities an electricity meter shows now, in micro-units; {} when it does not answer."""
    micro = register.read(now_ms)
    if micro is None:
        return {}
    power = power_micro(register, now_ms)
    factor = POWER_FACTOR + 0.02 * wobble(register.device.serial, now_ms, "factor")
    out = {"energy_import": micro, "energy_export": 0, "power_active": power, "power_factor": _micro(factor, 3)}
    out["frequency"] = _micro(50 + 0.02 * wobble("grid", now_ms, "frequency"), 2)
    for phase in "abc":
        volts = NOMINAL_V * (1 + 0.012 * wobble("grid", now_ms, phase))
        out[f"voltage_{phase}"] = _micro(volts, 1)
        out[f"current_{phase}"] = _micro(abs(power) / MICRO / 3 / volts / factor, 3)
    return out


def _micro(value: float, decimals: int) -> int:
    return int(round(value * 10**decimals) * 10 ** (6 - decimals))
