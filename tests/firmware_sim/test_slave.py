"""The slave side: bytes in, what to say and when out."""

from pathlib import Path

import pytest

from firmware_sim.slave import MANNERS, Saying, Slave, Unit, late, slave_of
from submeter.profiles import load_profile
from submeter.protocols.modbus import Answer, Refusal, Request, build_request, crc16, read_answer
from submeter.words import Device, FrameError, SourceAway

FOLDER = Path(__file__).parents[2] / "config" / "profiles"
ADL400 = load_profile(FOLDER / "acrel-adl400.toml")
SDM630 = load_profile(FOLDER / "eastron-sdm630.toml")
SHOWN = {
    "energy_import": 1234.56, "energy_export": 0.0, "power_active": -7.0, "power_factor": -0.98,
    "voltage_a": 230.0, "voltage_b": 231.0, "voltage_c": 229.9, "current_a": 1.0, "current_b": 1.25, "current_c": 0.0,
}  # fmt: skip
MICRO = {name: round(value * 1_000_000) for name, value in SHOWN.items()}
ENERGY = Request(7, 3, 0x000A, 2)


def slave() -> Slave:
    return Slave({7: Unit(ADL400, lambda: MICRO), 8: Unit(SDM630, lambda: MICRO)}, turnaround_s=0.02)


def answer_to(one: Slave, request: Request) -> Answer | Refusal:
    (said,) = one.hear(build_request(request))
    answer = read_answer(bytearray(said.data), request)
    assert answer is not None
    return answer


def test_a_line_is_made_of_the_devices_with_an_address() -> None:
    hung = Device(point="PD01/main", serial="E1", model="ADL400", address="modbus:7")
    other = Device(point="PD01/water", serial="V1", model="LXSY-50")
    line = slave_of(
        [hung, other], {ADL400.id: ADL400}, lambda device: {"energy_import": 10**6 * (device.serial == "E1")}
    )
    assert answer_to(line, ENERGY) == Answer(7, 3, (0, 100))
    assert list(line.units) == [7]


def test_a_register_is_shown_as_its_profile_says() -> None:
    # 123456 counts of 0.01 kWh = 0x0001E240
    assert answer_to(slave(), ENERGY) == Answer(7, 3, (0x0001, 0xE240))


def test_addresses_between_registers_read_nought() -> None:
    answer = answer_to(slave(), Request(7, 3, 0x000A, 12))
    assert answer == Answer(7, 3, (0x0001, 0xE240, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))


def test_a_negative_power_keeps_its_sign() -> None:
    assert answer_to(slave(), Request(7, 3, 0x016A, 2)) == Answer(7, 3, (0xFFFF, 0xFFF9))


def test_part_of_a_register_can_be_read_as_on_a_real_meter() -> None:
    assert answer_to(slave(), Request(7, 3, 0x000B, 1)) == Answer(7, 3, (0xE240,))


def test_a_float_meter_answers_function_four() -> None:
    # 230.0 as a float32 is 0x43660000
    assert answer_to(slave(), Request(8, 4, 0x0000, 2)) == Answer(8, 4, (0x4366, 0x0000))


def test_what_is_not_its_own_is_not_answered() -> None:
    one = slave()
    assert one.hear(build_request(Request(9, 3, 0x000A, 2))) == []
    assert one.asked == 0


def test_a_meter_without_power_is_mute() -> None:
    assert Slave({7: Unit(ADL400, dict)}).hear(build_request(ENERGY)) == []


def test_a_meter_whose_world_has_ended_is_mute() -> None:
    def ended() -> dict[str, int]:
        raise SourceAway("the pretend world has no such time")

    assert Slave({7: Unit(ADL400, ended)}).hear(build_request(ENERGY)) == []


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (Request(7, 4, 0x000A, 2), 1),
        (Request(7, 3, 0x4000, 2), 2),
        (Request(8, 4, 0x0046, 2), 2),  # this image has no frequency
    ],
)
def test_it_refuses_as_the_specification_says(request_: Request, code: int) -> None:
    assert answer_to(slave(), request_) == Refusal(request_.unit, request_.function, code)


def test_it_refuses_more_registers_than_an_answer_carries() -> None:
    body = b"\x07\x03\x00\x0a\x00\xff"
    (said,) = slave().hear(body + crc16(body).to_bytes(2, "little"))
    assert said.data[1:3] == b"\x83\x03"


def test_it_refuses_to_be_written_to() -> None:
    body = b"\x07\x10\x00\x01\x00\x01\x02\x00\x05"
    (said,) = slave().hear(body + crc16(body).to_bytes(2, "little"))
    assert said.data[1:3] == b"\x90\x01"


def test_a_value_that_does_not_fit_its_register_is_a_failure_of_the_device() -> None:
    too_much = Slave({7: Unit(ADL400, lambda: {"energy_import": 10**15})})
    assert answer_to(too_much, ENERGY) == Refusal(7, 3, 4)


def test_two_requests_in_one_gulp_are_both_answered() -> None:
    assert len(slave().hear(2 * build_request(ENERGY))) == 2


def test_a_request_in_pieces_is_answered_once_it_is_whole() -> None:
    one = slave()
    frame = build_request(ENERGY)
    assert [len(one.hear(bytes((byte,)))) for byte in frame] == [0] * 7 + [1]


def test_garbage_is_forgotten() -> None:
    one = slave()
    assert one.hear(b"\x07\x03\x00\x0a\x00\x02\xff\xff") == []
    assert isinstance(answer_to(one, ENERGY), Answer)


def test_half_a_request_is_forgotten_when_the_line_falls_silent() -> None:
    one = slave()
    one.hear(build_request(ENERGY)[:5])
    one.forget()
    assert isinstance(answer_to(one, ENERGY), Answer)


@pytest.mark.parametrize("manner", sorted(set(MANNERS) - {"well", "silent", "cut", "busy", "chatter"}))
def test_a_spoiled_answer_never_passes_for_a_good_one(manner: str) -> None:
    one = slave()
    one.behave(7, manner)
    (said,) = one.hear(build_request(ENERGY))
    with pytest.raises(FrameError):
        read_answer(bytearray(said.data), ENERGY)


def test_the_other_manners_do_what_they_say() -> None:
    one = slave()
    one.behave(7, "silent")
    assert one.hear(build_request(ENERGY)) == []
    one.behave(7, "cut")
    assert read_answer(bytearray(one.hear(build_request(ENERGY))[0].data), ENERGY) is None
    one.behave(7, "busy")
    assert answer_to(one, ENERGY) == Refusal(7, 3, 6)
    one.behave(7, "chatter")
    buffer = bytearray(one.hear(build_request(ENERGY))[0].data)
    assert isinstance(read_answer(buffer, ENERGY), Answer)
    assert buffer
    one.behave(7, late(1.5))
    assert [said.after_s for said in one.hear(build_request(ENERGY))] == [1.5]
    one.behave(7)
    assert one.hear(build_request(ENERGY)) == [Saying(0.02, bytes.fromhex("07 03 04 00 01 E2 40 84 A3"))]
