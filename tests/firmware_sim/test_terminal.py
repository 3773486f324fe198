"""The virtual line, on a real pseudo-terminal, opened with pyserial as a gateway would."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from firmware_sim.slave import Slave, Unit, late
from firmware_sim.terminal import Terminal
from submeter.profiles import load_profile
from submeter.protocols.modbus import Answer, Request, build_request, exchange_s, read_answer
from submeter.protocols.serial_format import SerialFormat

ADL400 = load_profile(Path(__file__).parents[2] / "config" / "profiles" / "acrel-adl400.toml")
ENERGY = Request(7, 3, 0x000A, 2)
FRAME = bytes.fromhex("07 03 04 00 01 E2 40 84 A3")


def slave() -> Slave:
    return Slave({7: Unit(ADL400, lambda: {"energy_import": 1_234_560_000})})


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    line = Terminal(slave(), tmp_path / "ttyRS485")
    yield line
    line.close()


def test_pyserial_asks_at_parity_n_and_gets_the_meters_answer(terminal: Terminal) -> None:
    terminal.start()
    with serial.Serial(terminal.name, 9600, parity="N", timeout=5) as port:
        port.write(build_request(ENERGY))
        assert read_answer(bytearray(port.read(9)), ENERGY) == Answer(7, 3, (0x0001, 0xE240))


def test_every_byte_value_passes_unchanged(terminal: Terminal) -> None:
    """A terminal that is not raw eats 03 and 04 (the read functions!), turns 0D into 0A and echoes."""
    terminal.slave.behave(7, lambda _request, _frame, _turnaround_s: late(0)(_request, bytes(range(256)), 0))
    terminal.start()
    with serial.Serial(terminal.name, 115200, timeout=5) as port:
        port.write(build_request(ENERGY))
        assert port.read(256) == bytes(range(256))


def test_an_answer_takes_at_least_the_time_of_its_frames_on_the_wire(tmp_path: Path) -> None:
    slow = SerialFormat(1200)
    line = Terminal(slave(), tmp_path / "ttyRS485", slow)
    line.start()
    with serial.Serial(line.name, 1200, timeout=5) as port:
        begun_s = time.monotonic()
        port.write(build_request(ENERGY))
        assert port.read(9) == FRAME
        took_s = time.monotonic() - begun_s
    line.close()
    assert took_s >= exchange_s(slow, 2, 0.02) - 2 * slow.silence_s  # 17 characters and 20 ms: 162 ms


def test_with_a_clock_in_hand_nothing_is_said_before_its_time(tmp_path: Path) -> None:
    now_s = [100.0]
    line = Terminal(slave(), tmp_path / "ttyRS485", SerialFormat(9600), lambda: now_s[0])
    with serial.Serial(line.name, 9600, timeout=0) as port:
        port.write(build_request(ENERGY))
        line.step(1.0)
        now_s[0] += 0.037  # 17 characters of 10 bits at 9600 baud and 20 ms are 37.7 ms
        line.step()
        assert port.read(99) == b""
        now_s[0] += 0.001
        line.step()
        port.timeout = 5
        assert port.read(9) == FRAME
    line.close()


def test_a_gateway_that_never_reads_does_not_stop_the_line(terminal: Terminal) -> None:
    terminal.slave.behave(7, lambda _request, _frame, _turnaround_s: late(0)(_request, b"x" * 4000, 0))
    with serial.Serial(terminal.name, 115200, timeout=0, write_timeout=5) as port:
        for _ in range(40):
            port.write(build_request(ENERGY))
            terminal.step(1.0)
    assert terminal.slave.asked == 40


def test_the_link_is_replaced_at_the_start_and_gone_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "ttyRS485"
    path.symlink_to("/dev/null")
    line = Terminal(slave(), path)
    assert str(path.readlink()) == line.port
    line.close()
    line.close()
    assert not path.is_symlink()


def test_a_link_that_another_line_has_taken_over_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ttyRS485"
    old, new = Terminal(slave(), path), Terminal(slave(), path)
    old.close()
    assert str(path.readlink()) == new.port
    new.close()


def test_without_a_path_the_line_has_its_device_name() -> None:
    line = Terminal(slave())
    assert line.name == line.port
    line.close()
