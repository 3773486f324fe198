"""How long bytes take on a serial line: start bit, 8 data bits, parity, stop bits, at a baud rate.

Times are seconds as float. Nothing here touches a port.
"""

import re
from dataclasses import dataclass
from typing import Final

PARITIES: Final = {"N": 0, "E": 1, "O": 1}
"""bits that a parity setting adds to each character"""

FAST_BAUD: Final = 19_200
FAST_SILENCE_S: Final = 0.00175
"""above 19,200 baud the silence between frames is fixed (MODBUS over Serial Line V1.02, 2.5.1.1)"""

_TEXT: Final = re.compile(r"(\d+) 8([NEO])([12])")


@dataclass(frozen=True, slots=True)
class SerialFormat:
    """Eight data bits; ``parity`` is N, E or O. Raises :class:`ValueError` for a setting that no port has."""

    baud: int = 9600
    parity: str = "N"
    stop_bits: int = 1

    def __post_init__(self) -> None:
        if self.baud < 1 or self.parity not in PARITIES or self.stop_bits not in (1, 2):
            raise ValueError(f"no serial format: {self.baud} baud, parity {self.parity!r}, {self.stop_bits} stop bits")

    def __str__(self) -> str:
        return f"{self.baud} 8{self.parity}{self.stop_bits}"

    @property
    def character_s(self) -> float:
        """One character on the line, start bit and all."""
        return (1 + 8 + PARITIES[self.parity] + self.stop_bits) / self.baud

    @property
    def silence_s(self) -> float:
        """What separates two Modbus frames: 3.5 characters, 1.75 ms above 19,200 baud."""
        return FAST_SILENCE_S if self.baud > FAST_BAUD else 3.5 * self.character_s

    def frame_s(self, length: int) -> float:
        """``length`` characters back to back."""
        return length * self.character_s


def parse_format(text: str) -> SerialFormat:
    """The usual short form.

    >>> parse_format("9600 8N1")
    SerialFormat(baud=9600, parity='N', stop_bits=1)

    Raises :class:`ValueError` where it is not one.
    """
    match = _TEXT.fullmatch(text)
    if not match:
        raise ValueError(f"serial format {text!r} is not like '9600 8N1'")
    return SerialFormat(int(match[1]), match[2], int(match[3]))
