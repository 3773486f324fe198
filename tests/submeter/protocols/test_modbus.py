"""Frames whole, byte by byte, with bytes behind them, and spoiled. Golden frames are from the specification."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from submeter.protocols.modbus import (
    MAX_COUNT,
    Answer,
    Refusal,
    Request,
    answer_length,
    answer_timeout_s,
    build_answer,
    build_refusal,
    build_request,
    crc16,
    cycle_s,
    exchange_s,
    read_answer,
    read_request,
)
from submeter.protocols.serial_format import SerialFormat
from submeter.words import FrameError

REQUEST = Request(unit=0x11, function=3, address=0x006B, count=3)
"""Application Protocol 6.3: holding registers 108 to 110; the unit is the guide's classic 11 hex."""
REQUEST_FRAME = bytes.fromhex("11 03 00 6B 00 03 76 87")
ANSWER = Answer(0x11, 3, (0x022B, 0x0000, 0x0064))
ANSWER_FRAME = bytes.fromhex("11 03 06 02 2B 00 00 00 64 C8 BA")
REFUSAL = Refusal(0x11, 3, 2)
REFUSAL_FRAME = bytes.fromhex("11 83 02 C1 34")

# A sibling of the first profile's meter, captured on a real line: 23 registers from 0061H on.
CAPTURED = bytes.fromhex(
    "01 03 2E 09 58 09 54 09 5B 00 59 00 9B 00 77 00 9A 01 13 00 E7 02 95 00 0E FF 9C 00 3F FF EA "
    "00 D6 01 74 01 1F 03 69 00 48 00 49 00 50 00 63 01 F4 3A 15"
)

requests = st.builds(
    Request,
    unit=st.integers(1, 247),
    function=st.sampled_from([3, 4]),
    address=st.integers(0, 0x10000 - MAX_COUNT),
    count=st.integers(1, MAX_COUNT),
)


def twin_crc(data: bytes) -> int:
    """The bit by bit procedure of Serial Line 6.2.1."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            carry, crc = crc & 1, crc >> 1
            crc ^= 0xA001 if carry else 0
    return crc


def answer_words(count: int) -> tuple[int, ...]:
    return tuple((7919 * i) & 0xFFFF for i in range(count))


# CRC


@given(st.binary(max_size=64))
def test_the_crc_table_does_what_the_bitwise_procedure_does(data: bytes) -> None:
    assert crc16(data) == twin_crc(data)


def test_the_crc_goes_low_byte_first_as_in_the_specification() -> None:
    assert crc16(bytes((2, 7))) == 0x1241  # Serial Line 6.2.1: low 41, high 12


# golden frames


def test_a_request_is_the_specifications_bytes_and_back() -> None:
    assert build_request(REQUEST) == REQUEST_FRAME
    assert read_request(bytearray(REQUEST_FRAME)) == REQUEST


def test_an_answer_is_the_specifications_bytes_and_back() -> None:
    assert build_answer(0x11, 3, ANSWER.words) == ANSWER_FRAME
    assert read_answer(bytearray(ANSWER_FRAME), REQUEST) == ANSWER


def test_a_refusal_is_the_specifications_bytes_and_back() -> None:
    assert build_refusal(REQUEST, 2) == REFUSAL_FRAME
    assert read_answer(bytearray(REFUSAL_FRAME), REQUEST) == REFUSAL
    assert str(REFUSAL) == "unit 17 refuses function 03: illegal data address (2)"


def test_a_frame_captured_on_a_real_line_is_read() -> None:
    answer = read_answer(bytearray(CAPTURED), Request(1, 3, 0x61, 23))
    assert isinstance(answer, Answer)
    volts, amperes, volt_amperes = answer.words[0:3], answer.words[3:6], answer.words[14:17]
    for v, a, s in zip(volts, amperes, volt_amperes, strict=True):
        assert v * a / 1000 == pytest.approx(s, abs=3)  # 0.1 V × 0.01 A against VA: the scales of the profile are right


# byte by byte, and with bytes behind

READERS: list[tuple[str, bytes, Callable[[bytearray], object], object]] = [
    ("request", REQUEST_FRAME, read_request, REQUEST),
    ("answer", ANSWER_FRAME, lambda b: read_answer(b, REQUEST), ANSWER),
    ("refusal", REFUSAL_FRAME, lambda b: read_answer(b, REQUEST), REFUSAL),
]


@pytest.mark.parametrize(("frame", "read", "expected"), [r[1:] for r in READERS], ids=[r[0] for r in READERS])
class TestEachReader:
    def test_wants_more_until_the_last_byte(
        self, frame: bytes, read: Callable[[bytearray], object], expected: object
    ) -> None:
        buffer = bytearray()
        for byte in frame[:-1]:
            buffer.append(byte)
            assert read(buffer) is None
        assert buffer == frame[:-1]
        buffer.append(frame[-1])
        assert read(buffer) == expected
        assert not buffer

    def test_leaves_what_comes_behind(
        self, frame: bytes, read: Callable[[bytearray], object], expected: object
    ) -> None:
        buffer = bytearray(frame + b"\x11\x03\xff")
        assert read(buffer) == expected
        assert buffer == b"\x11\x03\xff"

    def test_never_takes_a_frame_with_one_wrong_bit(
        self, frame: bytes, read: Callable[[bytearray], object], expected: object
    ) -> None:
        for position in range(len(frame)):
            for bit in range(8):
                spoiled = bytearray(frame)
                spoiled[position] ^= 1 << bit
                try:
                    assert read(spoiled) is None  # it wants more bytes: a length was hit
                except FrameError:
                    continue


@given(requests)
def test_requests_go_there_and_back(request: Request) -> None:
    assert read_request(bytearray(build_request(request))) == request


@given(requests, st.data())
def test_answers_go_there_and_back(request: Request, data: st.DataObject) -> None:
    words = tuple(data.draw(st.lists(st.integers(0, 0xFFFF), min_size=request.count, max_size=request.count)))
    buffer = bytearray(build_answer(request.unit, request.function, words))
    assert len(buffer) == answer_length(request.count)
    assert read_answer(buffer, request) == Answer(request.unit, request.function, words)


@given(requests, requests)
def test_an_answer_is_never_taken_for_that_of_a_request_of_another_shape(asked: Request, other: Request) -> None:
    """Unit, function and count tell answers apart; two requests that share all three, only time can (see the bus)."""
    if (asked.unit, asked.function, asked.count) == (other.unit, other.function, other.count):
        return
    buffer = bytearray(build_answer(other.unit, other.function, answer_words(other.count)))
    with pytest.raises(FrameError):
        read_answer(buffer, asked)


@given(st.binary(max_size=300))
def test_noise_never_becomes_an_answer_and_never_breaks_the_reader(noise: bytes) -> None:
    for read in (read_request, lambda b: read_answer(b, REQUEST)):
        buffer = bytearray(noise)
        try:
            found = read(buffer)
        except FrameError:
            continue
        assert found is None or twin_crc(noise[: len(noise) - len(buffer)]) == 0


# what the checks say


def test_a_short_answer_is_refused_with_its_numbers() -> None:
    with pytest.raises(FrameError, match=r"asked 3 registers \(6 bytes\), answered 2 bytes"):
        read_answer(bytearray(build_answer(0x11, 3, [7])), REQUEST)


def test_a_short_answer_is_refused_before_it_is_over() -> None:
    with pytest.raises(FrameError, match="answered 2 bytes"):
        read_answer(bytearray(b"\x11\x03\x02"), REQUEST)


def test_another_unit_is_named() -> None:
    with pytest.raises(FrameError, match="asked unit 17, heard unit 18"):
        read_answer(bytearray(build_answer(0x12, 3, ANSWER.words)), REQUEST)


def test_another_function_is_named() -> None:
    with pytest.raises(FrameError, match="asked function 3, heard 4"):
        read_answer(bytearray(build_answer(0x11, 4, ANSWER.words)), REQUEST)


def test_a_wrong_crc_shows_both_and_the_frame() -> None:
    with pytest.raises(FrameError, match="CRC is BBC8, should be BAC8, in 11 03 06"):
        read_answer(bytearray(ANSWER_FRAME[:-1] + b"\xbb"), REQUEST)


# the slave hears others' functions too


def test_a_slave_hears_functions_that_it_will_not_serve() -> None:
    write_one = b"\x11\x06\x00\x01\x00\x03"
    write_some = b"\x11\x10\x00\x01\x00\x02\x04\x00\x0a\x01\x02"
    for body, function in ((write_one, 6), (write_some, 16)):
        frame = body + crc16(body).to_bytes(2, "little")
        buffer = bytearray()
        for byte in frame[:-1]:
            buffer.append(byte)
            assert read_request(buffer) is None
        heard = read_request(buffer + frame[-1:])
        assert heard is not None
        assert heard.function == function


@pytest.mark.parametrize("function", [0, 128, 131, 255])
def test_what_cannot_be_a_function_is_no_request(function: int) -> None:
    with pytest.raises(FrameError, match="no such function"):
        read_request(bytearray((0x11, function)))


# what a master must not ask


@pytest.mark.parametrize(
    "wrong",
    [
        Request(0, 3, 0, 1),  # broadcast: nobody answers
        Request(248, 3, 0, 1),
        Request(1, 6, 0, 1),  # a write
        Request(1, 16, 0, 1),
        Request(1, 3, 0, 0),
        Request(1, 3, 0, 126),
        Request(1, 3, 0xFFFF, 2),
        Request(1, 3, -1, 1),
    ],
)
def test_a_master_cannot_build_what_it_must_not_ask(wrong: Request) -> None:
    with pytest.raises(ValueError, match=r"unit|function|registers"):
        build_request(wrong)


# time


@pytest.mark.parametrize(("count", "a_second"), [(2, 22), (20, 12), (60, 6)])
def test_reads_a_second_at_9600_baud_are_those_computed_by_hand(count: int, a_second: int) -> None:
    assert round(1 / exchange_s(SerialFormat(9600), count, 0.02)) == a_second


def test_a_cycle_is_the_sum_of_its_exchanges() -> None:
    form = SerialFormat(9600)
    assert cycle_s(form, [2, 20], 0.02) == pytest.approx(exchange_s(form, 2, 0.02) + exchange_s(form, 20, 0.02))


def test_the_timeout_is_both_frames_and_the_meters_own_time() -> None:
    # 8 + 9 characters of 10 bits at 9600 baud, and 300 ms
    assert answer_timeout_s(SerialFormat(9600), 2, 0.3) == pytest.approx(0.3 + 17 * 10 / 9600)
