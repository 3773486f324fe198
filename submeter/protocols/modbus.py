"""Modbus RTU, read only, for both roles: the bus asks with it, the simulated meters answer with it. No I/O.

A reader is a function over a buffer (a ``bytearray``): it takes one frame out and returns it, or returns None for "more
bytes please" and leaves the buffer alone, or raises :class:`FrameError` (then the owner of the line empties the buffer
and waits for silence, for nothing in a Modbus frame says where the next one begins). What comes after a frame stays in
the buffer; on the asking side the owner must treat it as a fault.

Only functions 03 and 04 can be built: there is no way to write to a meter with this module.

Source: MODBUS Application Protocol Specification V1.1b3 (6.3, 6.4, 7) and MODBUS over Serial Line V1.02 (2.5, annex B).
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from submeter.protocols.serial_format import SerialFormat
from submeter.words import FrameError

READ_HOLDING: Final = 3
READ_INPUT: Final = 4
READS: Final = frozenset({READ_HOLDING, READ_INPUT})
MAX_COUNT: Final = 125
"""registers that one answer can carry (its byte count is one byte, the frame at most 256)"""
LAST_UNIT: Final = 247
SCHEME: Final = "modbus:"
"""how the address of a Modbus meter begins in a list of meters"""

ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
ILLEGAL_VALUE: Final = 3
DEVICE_FAILURE: Final = 4
DEVICE_BUSY: Final = 6
EXCEPTIONS: Final = {
    ILLEGAL_FUNCTION: "illegal function",
    ILLEGAL_ADDRESS: "illegal data address",
    ILLEGAL_VALUE: "illegal data value",
    DEVICE_FAILURE: "device failure",
    5: "acknowledge",
    DEVICE_BUSY: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target failed to respond",
}
"""names of exception codes (Application Protocol, 7)"""

_FAULT: Final = 0x80
"""added to the function by an exception"""
_EXCEPTION_LENGTH: Final = 5
_REQUEST_LENGTH: Final = 8
_AROUND_WORDS: Final = 5
"""unit, function, byte count and CRC stand around the words of an answer"""
_COUNTED_REQUESTS: Final = {15: 6, 16: 6}
"""requests whose length is not 8: position of the byte count, after which come that many bytes and the CRC"""
_LAST_FUNCTION: Final = 127


@dataclass(frozen=True, slots=True)
class Request:
    """``count`` registers from ``address`` on. A slave may hear other functions: then only ``function`` means
    something, and the answer is exception 01."""

    unit: int
    function: int
    address: int
    count: int


class Answer(NamedTuple):
    """The registers asked for, each 0..65535, in order."""

    unit: int
    function: int
    words: tuple[int, ...]


class Refusal(NamedTuple):
    """An exception: the meter lives, understood, and will not. ``function`` is the one that was asked."""

    unit: int
    function: int
    code: int

    def __str__(self) -> str:
        return (
            f"unit {self.unit} refuses function {self.function:02d}: {EXCEPTIONS.get(self.code, 'code')} ({self.code})"
        )


def _crc_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_CRC_TABLE: Final = tuple(_crc_of_byte(byte) for byte in range(256))


def crc16(data: bytes | bytearray) -> int:
    """CRC-16/MODBUS; on the line its low byte goes first (Serial Line, 2.5.1.2).

    >>> hex(crc16(b"123456789"))
    '0x4b37'
    """
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc


def _sealed(body: bytes) -> bytes:
    return body + struct.pack("<H", crc16(body))


# addresses


def parse_unit(address: str) -> int:
    """The unit number in a device's address.

    >>> parse_unit("modbus:7")
    7

    Raises :class:`ValueError` where it is not one.
    """
    text = address.removeprefix(SCHEME)
    if address.startswith(SCHEME) and text.isdecimal() and 1 <= int(text) <= LAST_UNIT:
        return int(text)
    raise ValueError(f"address {address!r} is not {SCHEME}1 to {SCHEME}{LAST_UNIT}")


# building


def build_request(request: Request) -> bytes:
    """Raises :class:`ValueError` for what a master must not ask: no such unit, no read, no such registers."""
    if not 1 <= request.unit <= LAST_UNIT:
        raise ValueError(f"unit {request.unit} is not 1 to {LAST_UNIT}")
    if request.function not in READS:
        raise ValueError(f"function {request.function} does not read registers; only 3 and 4 are built")
    if not 1 <= request.count <= MAX_COUNT or not 0 <= request.address <= 0x10000 - request.count:
        raise ValueError(f"{request.count} registers from {request.address:#06x} on cannot be asked at once")
    return _sealed(struct.pack(">BBHH", request.unit, request.function, request.address, request.count))


def build_answer(unit: int, function: int, words: Sequence[int]) -> bytes:
    """What a slave says to a read of ``len(words)`` registers."""
    return _sealed(struct.pack(f">BBB{len(words)}H", unit, function, 2 * len(words), *words))


def build_refusal(request: Request, code: int) -> bytes:
    """What a slave says instead of an answer."""
    return _sealed(bytes((request.unit, request.function | _FAULT, code)))


# reading: the slave's side


def read_request(buffer: bytearray) -> Request | None:
    """Take one request out of what a slave hears.

    Raises :class:`FrameError` for a wrong CRC or an impossible function.
    """
    if len(buffer) < 2:
        return None
    function = buffer[1]
    if not 1 <= function <= _LAST_FUNCTION:
        raise FrameError(f"function {function} in a request: no such function")
    length = _request_length(buffer)
    if length is None or len(buffer) < length:
        return None
    _check_crc(buffer[:length])
    request = Request(*struct.unpack(">BBHH", buffer[:6]))
    del buffer[:length]
    return request


def _request_length(buffer: bytearray) -> int | None:
    """Length of the request that begins here; None where the byte that says it is still to come."""
    counted = _COUNTED_REQUESTS.get(buffer[1])
    if counted is None:
        return _REQUEST_LENGTH
    return counted + 1 + buffer[counted] + 2 if len(buffer) > counted else None


# reading: the master's side


def read_answer(buffer: bytearray, to: Request) -> Answer | Refusal | None:
    """Take the answer ``to`` a request out of what a master hears.

    Raises :class:`FrameError` as soon as the bytes so far cannot become that answer: another unit, another function,
    another number of registers than was asked, a wrong CRC.
    """
    for position, check in enumerate((_check_unit, _check_function)):
        if len(buffer) <= position:
            return None
        check(buffer[position], to)
    if buffer[1] == to.function | _FAULT:
        return _read_refusal(buffer, to)
    return _read_words(buffer, to)


def _check_unit(heard: int, to: Request) -> None:
    if heard != to.unit:
        raise FrameError(f"asked unit {to.unit}, heard unit {heard}: noise, a late answer, or two masters on the line")


def _check_function(heard: int, to: Request) -> None:
    if heard not in (to.function, to.function | _FAULT):
        raise FrameError(f"unit {to.unit}: asked function {to.function}, heard {heard}: noise or a late answer")


def _read_refusal(buffer: bytearray, to: Request) -> Refusal | None:
    if len(buffer) < _EXCEPTION_LENGTH:
        return None
    _check_crc(buffer[:_EXCEPTION_LENGTH])
    code = buffer[2]
    del buffer[:_EXCEPTION_LENGTH]
    return Refusal(to.unit, to.function, code)


def _read_words(buffer: bytearray, to: Request) -> Answer | None:
    if len(buffer) < 3:
        return None
    if buffer[2] != 2 * to.count:
        raise FrameError(
            f"unit {to.unit}: asked {to.count} registers ({2 * to.count} bytes), answered {buffer[2]} bytes: "
            "a late answer to another request, or a meter that answers short; nothing of it is used"
        )
    length = answer_length(to.count)
    if len(buffer) < length:
        return None
    _check_crc(buffer[:length])
    words = struct.unpack(f">{to.count}H", buffer[3 : length - 2])
    del buffer[:length]
    return Answer(to.unit, to.function, words)


def _check_crc(frame: bytearray) -> None:
    said = int.from_bytes(frame[-2:], "little")
    right = crc16(frame[:-2])
    if said != right:
        raise FrameError(f"CRC is {said:04X}, should be {right:04X}, in {frame.hex(' ')}: noise, or a wrong baud rate")


# time on the line


def answer_length(count: int) -> int:
    """Bytes of the answer that carries ``count`` registers."""
    return 2 * count + _AROUND_WORDS


def answer_timeout_s(serial: SerialFormat, count: int, answer_s: float) -> float:
    """From the first byte of a request to the time when its answer is over at the latest.

    ``answer_s`` is the longest that a meter takes to begin its answer; the rest is the frames' own time.
    """
    return serial.frame_s(_REQUEST_LENGTH) + answer_s + serial.frame_s(answer_length(count))


def exchange_s(serial: SerialFormat, count: int, turnaround_s: float) -> float:
    """Request, the meter's usual turn-around, answer, and the silence after each."""
    return serial.frame_s(_REQUEST_LENGTH + answer_length(count)) + turnaround_s + 2 * serial.silence_s


def cycle_s(serial: SerialFormat, counts: Iterable[int], turnaround_s: float) -> float:
    """How long it takes to read all of ``counts`` (registers of each read) once, when every meter answers.

    >>> round(1 / cycle_s(SerialFormat(9600), [20], 0.02))
    12
    """
    return sum(exchange_s(serial, count, turnaround_s) for count in counts)
