"""The slave side of an RS-485 line: simulated meters that answer Modbus RTU from their profile's register table.

It uses the same frame code as the bus (``submeter.protocols.modbus``) and knows no port and no clock: bytes go in, what
to say and how long after the request comes out. Other than pymodbus's server it is silent for units that are not its
own, as the meters on a real line are. For tests a unit can be told to misbehave (:data:`MANNERS`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from submeter.profiles import Profile, Register, encode_value, find_profile
from submeter.protocols.modbus import (
    DEVICE_BUSY,
    DEVICE_FAILURE,
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    MAX_COUNT,
    READS,
    SCHEME,
    Request,
    build_answer,
    build_refusal,
    parse_unit,
    read_request,
)
from submeter.words import Device, FrameError, TheirsError

Image = Callable[[], Mapping[str, int]]
"""What a meter shows now: quantity → whole micro-units, before any ratio. It refuses to show what is not in it, and is
mute where there is nothing in it or where it cannot be had (:class:`TheirsError`)."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One meter on the line."""

    profile: Profile
    image: Image


@dataclass(frozen=True, slots=True)
class Saying:
    """Bytes to send, so long after the end of the request."""

    after_s: float
    data: bytes


Manner = Callable[[Request, bytes, float], list[Saying]]
"""How a unit brings its answer: request, the right frame, usual turn-around in seconds → what is said."""


def well(_request: Request, frame: bytes, turnaround_s: float) -> list[Saying]:
    return [Saying(turnaround_s, frame)]


def silent(_request: Request, _frame: bytes, _turnaround_s: float) -> list[Saying]:
    return []


def short(request: Request, frame: bytes, turnaround_s: float) -> list[Saying]:
    """A well-formed answer with one register, however many were asked."""
    first = int.from_bytes(frame[3:5], "big")
    return [Saying(turnaround_s, build_answer(request.unit, request.function, [first]))]


def cut(_request: Request, frame: bytes, turnaround_s: float) -> list[Saying]:
    return [Saying(turnaround_s, frame[:-3])]


def bad_crc(_request: Request, frame: bytes, turnaround_s: float) -> list[Saying]:
    return [Saying(turnaround_s, frame[:-1] + bytes((frame[-1] ^ 0x01,)))]


def noise(_request: Request, frame: bytes, turnaround_s: float) -> list[Saying]:
    """A stray byte before the answer, as a transceiver that turns round sends it."""
    return [Saying(turnaround_s, b"\x00" + frame)]


def chatter(_request: Request, frame: bytes, turnaround_s: float) -> list[Saying]:
    """Something behind the answer, as when two meters have one address."""
    return [Saying(turnaround_s, frame + frame[:4])]


def stranger(request: Request, frame: bytes, turnaround_s: float) -> list[Saying]:
    """A whole, right answer under another unit's number."""
    words = [int.from_bytes(frame[i : i + 2], "big") for i in range(3, len(frame) - 2, 2)]
    return [Saying(turnaround_s, build_answer(request.unit % 247 + 1, request.function, words))]


def busy(request: Request, _frame: bytes, turnaround_s: float) -> list[Saying]:
    return [Saying(turnaround_s, build_refusal(request, DEVICE_BUSY))]


def late(after_s: float) -> Manner:
    """Right answers, ``after_s`` seconds after each request."""
    return lambda _request, frame, _turnaround_s: [Saying(after_s, frame)]


MANNERS: Final[dict[str, Manner]] = {
    "well": well,
    "silent": silent,
    "short": short,
    "cut": cut,
    "bad_crc": bad_crc,
    "noise": noise,
    "chatter": chatter,
    "stranger": stranger,
    "busy": busy,
}


class Slave:
    """All meters of one line. ``hear`` is its whole life; it is not for two threads at once."""

    def __init__(self, units: Mapping[int, Unit], turnaround_s: float = 0.02) -> None:
        self.units = dict(units)
        self.turnaround_s = turnaround_s
        self.asked = 0
        """requests heard for units of ours that are not mute"""
        self._manners: dict[int, Manner] = {}
        self._buffer = bytearray()

    def behave(self, unit: int, manner: str | Manner = "well") -> None:
        """From now on the unit answers in this manner (a name of :data:`MANNERS`, or ``late(1.5)``)."""
        self._manners[unit] = MANNERS[manner] if isinstance(manner, str) else manner

    def hear(self, data: bytes) -> list[Saying]:
        """What to say to the bytes that came; garbage is forgotten and not answered."""
        self._buffer += data
        said: list[Saying] = []
        try:
            while request := read_request(self._buffer):
                said += self._answer(request)
        except FrameError:
            self.forget()
        return said

    def forget(self) -> None:
        """The line was silent: what has been heard so far was no frame."""
        self._buffer.clear()

    def _answer(self, request: Request) -> list[Saying]:
        unit = self.units.get(request.unit)
        image = _shown(unit) if unit else {}
        if unit is None or not image:
            return []
        self.asked += 1
        manner = self._manners.get(request.unit, well)
        return manner(request, answer_of(unit.profile, image, request), self.turnaround_s)


def slave_of(
    devices: Iterable[Device], profiles: Mapping[str, Profile], image_of: Callable[[Device], Mapping[str, int]]
) -> Slave:
    """A line with these devices, each asked for its image when it is read. Those without a Modbus address are left out.

    Raises :class:`ConfigError` for a model without a profile.
    """
    units = {
        parse_unit(device.address): Unit(find_profile(profiles, device.model), partial(image_of, device))
        for device in devices
        if device.address.startswith(SCHEME)
    }
    return Slave(units)


def _shown(unit: Unit) -> Mapping[str, int]:
    try:
        return unit.image()
    except TheirsError:
        return {}


def answer_of(profile: Profile, image: Mapping[str, int], request: Request) -> bytes:
    """The frame with which a meter that behaves answers."""
    if request.function not in READS or request.function != profile.function:
        return build_refusal(request, ILLEGAL_FUNCTION)
    if not 1 <= request.count <= MAX_COUNT:
        return build_refusal(request, ILLEGAL_VALUE)
    end = request.address + request.count
    touched = [r for r in profile.register if r.address < end and request.address < r.end]
    if not touched or any(r.quantity not in image for r in touched):
        return build_refusal(request, ILLEGAL_ADDRESS)
    try:
        words = _words(request, touched, image)
    except OverflowError:
        return build_refusal(request, DEVICE_FAILURE)
    return build_answer(request.unit, request.function, words)


def _words(request: Request, touched: list[Register], image: Mapping[str, int]) -> list[int]:
    """The registers asked for; addresses that the profile does not describe read 0."""
    shown: dict[int, int] = {}
    for register in touched:
        shown.update(enumerate(encode_value(register, image[register.quantity]), register.address))
    return [shown.get(address, 0) for address in range(request.address, request.address + request.count)]
