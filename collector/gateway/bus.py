"""An RS-485 line with Modbus meters as a source of the gateway. The only file that opens a real serial port.

The strategy: never take a late or a short answer for a good one, and let no dead meter slow the others.

- An answer counts only if unit, function, number of registers and CRC are those of the request, and nothing follows it.
- After any fault the line is left quiet for longer than the worst answer takes, and drained, before the next request.
- A meter that failed is asked twice, with such a quiet in between, before its values are used again: if its answers
  have fallen one question behind, bytes turn up in the quiet and nothing is published.
- Whom to ask is decided in ``bus_turns.py``; which registers are read together in ``submeter.profiles.plan``.

Times of readings are those of the poll's begin.
"""

import termios
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import serial

from collector.gateway.bus_turns import Turns
from submeter.profiles import Profile, Read, decode_value, find_profile, plan_reads, split
from submeter.protocols.modbus import (
    ILLEGAL_ADDRESS,
    Answer,
    Refusal,
    Request,
    answer_timeout_s,
    build_request,
    cycle_s,
    parse_unit,
    read_answer,
)
from submeter.protocols.serial_format import SerialFormat, parse_format
from submeter.words import ConfigError, Device, FrameError, Reading, Series, SourceAway

PORT_FAULTS = (serial.SerialException, OSError, termios.error)
_QUIET_PATIENCE = 3
"""a line that is not quiet after so many quiet times is given up"""


class Port(Protocol):
    """What is needed of a serial port."""

    def write(self, data: bytes) -> None: ...

    def read(self, wait_s: float) -> bytes:
        """Whatever has arrived, waiting up to ``wait_s`` for the first byte; b'' = silence."""
        ...

    def close(self) -> None: ...


class SerialPort:
    """A port of this machine, opened for us alone. Raises one of :data:`PORT_FAULTS`."""

    def __init__(self, name: str, form: SerialFormat) -> None:
        self._serial = serial.Serial(
            name, form.baud, parity=form.parity, stopbits=form.stop_bits, timeout=0, write_timeout=1, exclusive=True
        )
        self._serial.reset_input_buffer()

    def write(self, data: bytes) -> None:
        self._serial.write(data)

    def read(self, wait_s: float) -> bytes:
        self._serial.timeout = wait_s
        first: bytes = self._serial.read(1)
        return first + self._serial.read(self._serial.in_waiting) if first else first

    def close(self) -> None:
        self._serial.close()


class Conversation:
    """Asks one question after the other on one open port."""

    def __init__(self, port: Port, form: SerialFormat, monotonic: Callable[[], float]) -> None:
        self._port = port
        self._form = form
        self._monotonic = monotonic
        self._quiet_until_s = monotonic() + form.silence_s
        self._lost_s = 0.0

    def ask(self, request: Request, answer_s: float, worst_s: float) -> Answer | Refusal:
        """One question, one answer. Raises :class:`FrameError`; then the next question waits for quiet."""
        self._hush()
        begun_s = self._monotonic()
        try:
            return self._exchange(request, answer_s)
        except FrameError:
            self._lost_s += self._monotonic() - begun_s
            self._quiet_until_s = self._monotonic() + worst_s
            raise

    def ask_twice(self, request: Request, answer_s: float, worst_s: float) -> Answer | Refusal:
        """For a meter whose earlier answer may still be under way: the first answer is thrown away, then the line must
        stay quiet for longer than the worst answer takes, and the second answer counts."""
        self.ask(request, answer_s, worst_s)
        self._quiet_until_s = self._monotonic() + worst_s
        if stray := self._hush():
            self._quiet_until_s = self._monotonic() + worst_s
            raise FrameError(f"unit {request.unit} answers late: {len(stray)} bytes came after its answer was over")
        return self.ask(request, answer_s, worst_s)

    def lost_s(self) -> float:
        """Seconds lost on faults and on the quiet after them since this was last asked."""
        lost_s, self._lost_s = self._lost_s, 0.0
        return lost_s

    def _hush(self) -> bytes:
        """Listen until the line has been quiet long enough; what was heard is of no use but as a symptom."""
        begun_s = now_s = self._monotonic()
        quiet_s = max(0.0, self._quiet_until_s - now_s)
        heard = self._port.read(0.0)
        while now_s < self._quiet_until_s:
            more = self._port.read(self._quiet_until_s - now_s)
            now_s = self._monotonic()
            heard += more
            if more:
                self._quiet_until_s = now_s + quiet_s
            if now_s - begun_s > _QUIET_PATIENCE * quiet_s:
                self._lost_s += now_s - begun_s
                raise FrameError("the line is never quiet: another master, noise, or a meter that sends by itself")
        self._lost_s += now_s - begun_s
        return heard

    def _exchange(self, request: Request, answer_s: float) -> Answer | Refusal:
        self._port.write(build_request(request))
        until_s = self._monotonic() + answer_timeout_s(self._form, request.count, answer_s)
        buffer = bytearray()
        while (answer := read_answer(buffer, request)) is None:
            left_s = until_s - self._monotonic()
            if left_s <= 0:
                raise FrameError(_no_answer(request, buffer))
            buffer += self._port.read(left_s)
        buffer += self._port.read(self._form.silence_s)
        if buffer:
            raise FrameError(
                f"unit {request.unit}: {len(buffer)} bytes follow its answer: "
                "two meters with one address, or a late answer"
            )
        return answer


def _no_answer(request: Request, buffer: bytearray) -> str:
    if buffer:
        return f"unit {request.unit} began an answer and did not end it ({len(buffer)} bytes: {buffer.hex(' ')})"
    return f"unit {request.unit} does not answer: check its address, its wiring (A and B), and the baud rate"


@dataclass(frozen=True, slots=True)
class Meter:
    """A device on the line, and how it is read."""

    unit: int
    device: Device
    profile: Profile
    reads: tuple[Read, ...]


class Bus:
    """Polls the devices of one line (a ``wire.source.Source``).

    ``devices`` are those that hang there now, addressed ``modbus:<unit>``; ``profiles`` are looked up by their model.
    ``quantities`` limits what is read (None = all that the profiles have). ``serial_format`` overrides the profiles'.
    Raises :class:`ConfigError` for addresses or models that cannot be.
    """

    def __init__(
        self,
        port: str,
        devices: Sequence[Device],
        profiles: Mapping[str, Profile],
        *,
        id: str = "",  # noqa: A002  (the protocol's name for it)
        period_s: float = 60.0,
        quantities: Iterable[str] | None = None,
        serial_format: SerialFormat | None = None,
        retry_share: float = 0.1,
        monotonic: Callable[[], float] = time.monotonic,
        open_port: Callable[[str, SerialFormat], Port] = SerialPort,
    ) -> None:
        self.id = id or port
        self.port = port
        self.period_s = period_s
        self._profiles = profiles
        self._quantities = None if quantities is None else frozenset(quantities)
        self._given_format = serial_format
        self._turns = Turns(period_s, retry_share)
        self._monotonic = monotonic
        self._open_port = open_port
        self._meters: dict[int, Meter] = {}
        self._plans: dict[int, list[Read]] = {}
        self._refusals: dict[int, str] = {}
        self._open: tuple[Port, Conversation] | None = None
        self.serial_format = serial_format or SerialFormat()
        self.attach(devices)

    def attach(self, devices: Sequence[Device]) -> None:
        """These devices hang on the line from now on; what is known of those that stay is kept."""
        meters = meters_of(devices, self._profiles, self._quantities)
        form = self._given_format or common_format(self.port, meters)
        self._plans = {m.unit: list(self._plans[m.unit] if self._meters.get(m.unit) == m else m.reads) for m in meters}
        self._meters = {meter.unit: meter for meter in meters}
        if form != self.serial_format:
            self.close()  # the next poll opens the port with the new one
        self.serial_format = form
        self._turns.keep(self._meters)

    @property
    def predicted_cycle_s(self) -> float:
        """How long one poll takes when all meters answer."""
        return sum(
            cycle_s(self.serial_format, (read.count for read in m.reads), m.profile.line.turnaround_ms / 1000)
            for m in self._meters.values()
        )

    @property
    def faults(self) -> dict[str, str]:
        """Point → what is wrong with its meter at present."""
        said = {**self._refusals, **self._turns.faults()}
        return {self._meters[unit].device.point: text for unit, text in said.items() if unit in self._meters}

    def poll(self, now_ms: int) -> list[Reading]:
        """Readings of all meters that answer. Raises :class:`SourceAway` when the port is away or none answers."""
        readings: list[Reading] = []
        try:
            self._poll_into(readings, self._conversation(), now_ms)
        except PORT_FAULTS as fault:
            self.close()
            if not readings:
                raise SourceAway(
                    f"port {self.port} is away ({fault}): is the adapter plugged in, and may this user open it?"
                ) from None
        if self._meters and not readings:
            raise SourceAway(f"no meter on {self.port} answers; {'; '.join(self.faults.values()) or 'all wait'}")
        return readings

    def close(self) -> None:
        if self._open is None:
            return
        port, self._open = self._open[0], None
        try:
            port.close()
        except PORT_FAULTS:
            return  # it is gone already

    def _conversation(self) -> Conversation:
        if self._open is None:
            port = self._open_port(self.port, self.serial_format)
            self._open = port, Conversation(port, self.serial_format, self._monotonic)
        return self._open[1]

    def _poll_into(self, readings: list[Reading], talk: Conversation, now_ms: int) -> None:
        left = {unit: list(self._plans[unit]) for unit in self._meters}
        self._refusals.clear()
        self._turns.begin(self._monotonic())
        for unit in self._turns.well():
            if self._turns.hopeless() and not readings:
                break
            self._visit(unit, left[unit], readings, talk, now_ms)
        for unit in self._turns.lame(self._monotonic()):
            if not self._turns.may_lose_time():
                break
            self._visit(unit, left[unit], readings, talk, now_ms)

    def _visit(self, unit: int, left: list[Read], readings: list[Reading], talk: Conversation, now_ms: int) -> None:
        """Do the reads that are left of one meter; those done are taken off, so that a retry repeats none."""
        meter = self._meters[unit]
        try:
            while left:
                answer = self._ask(meter, left[0], talk)
                read = left.pop(0)
                if isinstance(answer, Answer):
                    readings += readings_of(meter.device, read, answer.words, now_ms)
                else:
                    left[:0] = self._after_refusal(unit, read, answer)
            self._turns.answered(unit)
        except FrameError as fault:
            self._turns.missed(unit, self._monotonic(), str(fault))
        finally:
            self._turns.lost(talk.lost_s())

    def _ask(self, meter: Meter, read: Read, talk: Conversation) -> Answer | Refusal:
        line = meter.profile.line
        ask = talk.ask_twice if self._turns.suspect(meter.unit) else talk.ask
        request = Request(meter.unit, read.function, read.address, read.count)
        answer = ask(request, line.answer_ms / 1000, line.worst_answer_ms / 1000)
        self._turns.trusted(meter.unit)
        return answer

    def _after_refusal(self, unit: int, read: Read, refusal: Refusal) -> Sequence[Read]:
        """A meter that lacks one register refuses all that were asked with it; from now on they are asked singly."""
        if refusal.code == ILLEGAL_ADDRESS and len(read.registers) > 1:
            singles = split(read)
            self._plans[unit] = [r for kept in self._plans[unit] for r in (singles if kept == read else (kept,))]
            return singles
        self._refusals[unit] = f"{refusal} for {', '.join(r.quantity for r in read.registers)}"
        return ()


def readings_of(device: Device, read: Read, words: Sequence[int], now_ms: int) -> list[Reading]:
    """The values in the answer to one read, as the meter shows them; a NaN gives no reading."""
    readings = []
    for register in read.registers:
        begin = register.address - read.address
        micro = decode_value(register, words[begin : begin + register.count])
        if micro is not None:
            readings.append(Reading(Series(device.point, device.serial, register.quantity), now_ms, micro))
    return readings


def unit_of(device: Device) -> int:
    """The unit number in an address like 'modbus:7'. Raises :class:`ConfigError` where there is none."""
    try:
        return parse_unit(device.address)
    except ValueError as fault:
        raise ConfigError(f"meter {device.serial} at {device.point}: {fault}") from None


def meters_of(
    devices: Sequence[Device], profiles: Mapping[str, Profile], quantities: frozenset[str] | None = None
) -> list[Meter]:
    """Raises :class:`ConfigError` for addresses or models that cannot be, and for two meters with one address."""
    meters: dict[int, Meter] = {}
    for device in devices:
        unit = unit_of(device)
        if unit in meters:
            raise ConfigError(
                f"meters {meters[unit].device.serial} and {device.serial} both have address modbus:{unit}"
            )
        profile = find_profile(profiles, device.model)
        meters[unit] = Meter(unit, device, profile, plan_reads(profile, quantities))
    return list(meters.values())


def common_format(port: str, meters: Sequence[Meter]) -> SerialFormat:
    """The serial format of all meters on a line. Raises :class:`ConfigError` where they differ."""
    texts = sorted({meter.profile.line.format for meter in meters})
    if len(texts) > 1:
        raise ConfigError(
            f"meters on {port} have formats {', '.join(texts)}; set them alike, and give the line that one"
        )
    return parse_format(texts[0]) if texts else SerialFormat()
