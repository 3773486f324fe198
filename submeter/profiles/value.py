"""Between the 16-bit words of a meter's registers and whole micro-units, both ways, exactly.

Integer types: micro-units = raw count × scale. No float takes part.

float32: the meter's number is rounded to the profile's resolution in exact fractions, which gives back what the
meter meant as long as neighbouring floats lie closer together than the resolution. A float32 has 24 bits: with 0.01 kWh
that holds below 131,072 kWh (2**17); from there on its floats are 1/64 kWh apart and single hundredths are lost in the
meter already, from 2**24 kWh on whole kWh. So a model with integer energy registers is to be preferred.
"""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Protocol

from submeter.words import MICRO, QUANTITIES, Kind


@dataclass(frozen=True, slots=True)
class Type:
    """``count`` 16-bit registers; ``code`` is that of :mod:`struct`."""

    count: int
    code: str
    whole: bool = True


TYPES: Final = {
    "uint16": Type(1, ">H"),
    "int16": Type(1, ">h"),
    "uint32": Type(2, ">I"),
    "int32": Type(2, ">i"),
    "uint64": Type(4, ">Q"),
    "int64": Type(4, ">q"),
    "float32": Type(2, ">f", whole=False),
}
_BEYOND: Final = 2**63
"""the first count that an int64 cannot hold"""


class Scaled(Protocol):
    """What of a register matters here."""

    @property
    def quantity(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def order(self) -> str: ...
    @property
    def scale_micro(self) -> int: ...


def decode_value(register: Scaled, words: Sequence[int]) -> int | None:
    """Micro-units of the ``words`` (each 0..65535) of one register.

    None for what is no number, or beyond int64: a NaN, an infinity, nonsense.
    """
    kind = TYPES[register.type]
    raw = struct.unpack(kind.code, _in_order(register, words))[0]
    if not math.isfinite(raw):
        return None
    counts = raw if kind.whole else round(Fraction(raw) * MICRO / register.scale_micro)
    micro: int = counts * register.scale_micro
    return micro if -_BEYOND <= micro < _BEYOND else None


def encode_value(register: Scaled, micro: int) -> tuple[int, ...]:
    """The words in which a meter shows ``micro``: registers show whole counts only and keep the rest, gauges round.

    Raises :class:`OverflowError` where the type cannot hold it.
    """
    kind = TYPES[register.type]
    counts = _counts(register, micro)
    value = counts if kind.whole else counts * register.scale_micro / MICRO
    try:
        data = struct.pack(kind.code, value)
    except struct.error:
        raise OverflowError(f"{register.quantity}: {micro} micro-units do not fit a {register.type}") from None
    words = struct.unpack(f">{kind.count}H", data)
    return words if register.order == "high word first" else words[::-1]


def _counts(register: Scaled, micro: int) -> int:
    if QUANTITIES[register.quantity].kind is Kind.REGISTER:
        return micro // register.scale_micro
    return (2 * micro + register.scale_micro) // (2 * register.scale_micro)


def _in_order(register: Scaled, words: Sequence[int]) -> bytes:
    high_first = words if register.order == "high word first" else words[::-1]
    return struct.pack(f">{len(words)}H", *high_first)
