"""The bus on a virtual line whose time is counted, not waited for. The meters are those of the pretend world."""

from collections import Counter
from heapq import heappop, heappush
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.gateway.bus import Bus, Port
from firmware_sim.slave import Saying, Slave, Unit, late
from submeter.profiles import load_profiles
from submeter.protocols.modbus import Request
from submeter.protocols.serial_format import SerialFormat
from submeter.wire.source import Source
from submeter.words import ConfigError, Device, Reading, SourceAway

PROFILES = load_profiles(Path(__file__).parents[3] / "config" / "profiles")
ADL400 = PROFILES["acrel-adl400"]
SHOWN = {
    "energy_import": 1234.56, "energy_export": 0.5, "power_active": 222.0, "power_factor": 0.92, "voltage_a": 230.0,
    "voltage_b": 231.0, "voltage_c": 229.9, "current_a": 1.0, "current_b": 1.25, "current_c": 0.01,
}  # fmt: skip
MICRO = {name: round(value * 1_000_000) for name, value in SHOWN.items()}
TWO = ("energy_import", "power_active")


class CountedLine:
    """A port and a clock in one: reading waits by moving the clock on."""

    def __init__(self, slave: Slave, form: SerialFormat) -> None:
        self.slave = slave
        self.form = form
        self.now_s = 1000.0
        self.pulled_out = False
        self._coming: list[tuple[float, int, bytes]] = []

    def monotonic(self) -> float:
        return self.now_s

    def write(self, data: bytes) -> None:
        self._check()
        heard_s = self.now_s + self.form.frame_s(len(data))
        for saying in self.slave.hear(data):
            self.say(heard_s + saying.after_s + self.form.frame_s(len(saying.data)), saying.data)

    def say(self, at_s: float, data: bytes) -> None:
        heappush(self._coming, (at_s, len(self._coming), data))

    def read(self, wait_s: float) -> bytes:
        self._check()
        until_s = self.now_s + wait_s
        if not self._coming or self._coming[0][0] > until_s:
            self.now_s = until_s
            return b""
        self.now_s = max(self.now_s, self._coming[0][0])
        heard = b""
        while self._coming and self._coming[0][0] <= self.now_s:
            heard += heappop(self._coming)[2]
        return heard

    def close(self) -> None:
        self._coming.clear()

    def _check(self) -> None:
        if self.pulled_out:
            raise OSError("Input/output error")


def device(unit: int, model: str = "ADL400") -> Device:
    return Device(point=f"PD01/m{unit}", serial=f"E{unit}", model=model, address=f"modbus:{unit}")


class Rig:
    """A bus with meters 1 to n on a counted line."""

    def __init__(self, meters: int = 3, *, quantities: tuple[str, ...] | None = None, period_s: float = 60.0) -> None:
        self.shown = dict(MICRO)
        self.slave = Slave({n: Unit(ADL400, lambda: self.shown) for n in range(1, meters + 1)})
        self.line = CountedLine(self.slave, SerialFormat(9600))
        self.period_s = period_s
        self.polls = 0
        self.bus = Bus(
            "ttyRS485",
            [device(n) for n in range(1, meters + 1)],
            PROFILES,
            period_s=period_s,
            quantities=quantities,
            monotonic=self.line.monotonic,
            open_port=self._open,
        )

    def _open(self, _name: str, _form: SerialFormat) -> Port:
        self.line.read(0.0)  # fails where a port would not open, else throws away what lay there
        return self.line

    def poll(self) -> list[Reading]:
        """The next poll, a period after the last one began."""
        self.polls += 1
        begun_s = self.line.now_s
        try:
            return self.bus.poll(self.polls * 1000)
        finally:
            self.last_s = self.line.now_s - begun_s
            self.line.now_s = max(self.line.now_s, begun_s + self.period_s)

    def poll_or_nothing(self) -> list[Reading]:
        try:
            return self.poll()
        except SourceAway:
            return []


def points(readings: list[Reading]) -> set[str]:
    return {reading.series.point for reading in readings}


# what is read


def test_a_bus_is_a_source() -> None:
    assert isinstance(Rig().bus, Source)
    assert Rig().bus.id == "ttyRS485"


def test_every_meter_gives_every_quantity_as_it_shows_it() -> None:
    readings = Rig(3).poll()
    assert len(readings) == 3 * len(SHOWN)
    for reading in readings:
        assert reading.time_ms == 1000
        assert reading.micro == MICRO[reading.series.quantity]
    assert {(r.series.point, r.series.device) for r in readings} == {(f"PD01/m{n}", f"E{n}") for n in (1, 2, 3)}


def test_one_can_ask_for_less() -> None:
    readings = Rig(1, quantities=TWO).poll()
    assert {r.series.quantity for r in readings} == set(TWO)


def test_float_meters_hang_on_the_same_line() -> None:
    rig = Rig(1)
    rig.slave.units[9] = Unit(
        PROFILES["eastron-sdm630"], lambda: {**MICRO, "frequency": 50_010_000, "energy_import": 99_990_000}
    )
    rig.bus.attach([device(1), device(9, "SDM630")])
    values = {r.series.quantity: r.micro for r in rig.poll() if r.series.point == "PD01/m9"}
    assert values == {**MICRO, "frequency": 50_010_000, "energy_import": 99_990_000}


def test_the_predicted_cycle_is_the_cycle() -> None:
    rig = Rig(10)
    rig.poll()
    # by hand, a meter: 12, 6 and 22 registers are 37, 25 and 57 characters with their requests: 119 × 10 / 9600 s,
    # and 3 × (20 ms + 2 × 3.646 ms)
    assert rig.bus.predicted_cycle_s == pytest.approx(10 * (119 * 10 / 9600 + 3 * 0.0272917), abs=1e-3)
    assert rig.last_s == pytest.approx(rig.bus.predicted_cycle_s, rel=0.1)


# what is refused


@pytest.mark.parametrize("manner", ["short", "cut", "bad_crc", "noise", "chatter", "stranger", "silent", "busy"])
def test_a_meter_that_misbehaves_gives_nothing_and_costs_the_others_nothing(manner: str) -> None:
    rig = Rig(3)
    rig.slave.behave(2, manner)
    for _ in range(5):
        readings = rig.poll()
        assert points(readings) == {"PD01/m1", "PD01/m3"}
        assert all(r.micro == MICRO[r.series.quantity] for r in readings)
    assert list(rig.bus.faults) == ["PD01/m2"]


def test_a_fault_says_what_to_look_at() -> None:
    rig = Rig(2)
    rig.slave.behave(2, "silent")
    rig.poll()
    assert rig.bus.faults == {
        "PD01/m2": "unit 2 does not answer: check its address, its wiring (A and B), and the baud rate"
    }


def test_a_meter_that_recovers_is_read_again_and_its_fault_is_gone() -> None:
    rig = Rig(2)
    rig.slave.behave(2, "silent")
    rig.poll()
    rig.slave.behave(2)
    assert any(points(rig.poll()) == {"PD01/m1", "PD01/m2"} for _ in range(3))
    assert rig.bus.faults == {}


def test_one_fault_is_mended_within_the_same_poll_and_no_reading_comes_twice() -> None:
    rig = Rig(2)
    asked = Counter[int]()

    def once_bad(request: Request, frame: bytes, turnaround_s: float) -> list[Saying]:
        asked[0] += 1
        return late(turnaround_s)(request, frame[:-1] if asked[0] == 2 else frame, turnaround_s)

    rig.slave.behave(1, once_bad)
    readings = rig.poll()
    assert max(Counter(r.series for r in readings).values()) == 1
    assert len(readings) == 2 * len(SHOWN)
    assert rig.bus.faults == {}


def test_a_meter_that_lacks_a_register_is_asked_for_the_others_one_by_one() -> None:
    rig = Rig(1)
    del rig.shown["energy_export"]
    for _ in range(2):
        assert {r.series.quantity for r in rig.poll()} == set(SHOWN) - {"energy_export"}
    assert "illegal data address (2) for energy_export" in rig.bus.faults["PD01/m1"]
    assert rig.slave.asked == (3 + 2) + 4  # three groups, the first split into two; then the four that are known


# the late answer


def late_for_a_while(rig: Rig, unit: int, after_s: float, polls: int) -> list[Reading]:
    """Polls with one unit that answers ``after_s`` late, then as many with one that behaves; all readings."""
    rig.slave.behave(unit, late(after_s))
    readings = [reading for _ in range(polls) for reading in rig.poll_or_nothing()]
    rig.slave.behave(unit)
    return readings + [reading for _ in range(polls) for reading in rig.poll_or_nothing()]


@given(st.floats(0.0, 4.0))
def test_a_late_answer_is_never_taken_for_that_of_another_request(after_s: float) -> None:
    """Energy and power are two reads of two registers each: nothing in the frames tells their answers apart."""
    rig = Rig(2, quantities=TWO, period_s=2.0)
    for reading in late_for_a_while(rig, 1, after_s, polls=6):
        assert reading.micro == MICRO[reading.series.quantity]


@given(st.lists(st.floats(0.0, 2.5), min_size=1, max_size=25))
def test_not_even_when_every_answer_takes_another_time(delays: list[float]) -> None:
    rig = Rig(2, quantities=TWO, period_s=1.0)
    rest = list(delays)

    def manner(request: Request, frame: bytes, turnaround_s: float) -> list[Saying]:
        return late(rest.pop() if rest else turnaround_s)(request, frame, turnaround_s)

    rig.slave.behave(1, manner)
    for _ in range(12):
        for reading in rig.poll_or_nothing():
            assert reading.micro == MICRO[reading.series.quantity]


def test_a_meter_that_is_late_within_its_worst_time_comes_back_once_it_is_in_time() -> None:
    rig = Rig(2, quantities=TWO)
    readings = late_for_a_while(rig, 1, 0.8, polls=4)
    assert "PD01/m1" in points(readings)
    assert rig.bus.faults == {}


def test_an_answer_one_question_behind_is_found_out_by_the_quiet() -> None:
    """The meter answers each request with the frame of the one before, in time: only asking twice shows it."""
    rig = Rig(1, quantities=TWO)
    before: list[bytes] = []

    def behind(request: Request, frame: bytes, turnaround_s: float) -> list[Saying]:
        before.append(frame)
        if len(before) == 1:
            return []
        return [Saying(turnaround_s, before[-2]), Saying(0.9, before[-1])]

    rig.slave.behave(1, behind)
    for _ in range(8):
        assert rig.poll_or_nothing() == []


# the time that dead meters take


@pytest.mark.parametrize("dead", [1, 3])
def test_absent_meters_take_no_more_than_their_share_of_the_line(dead: int) -> None:
    rig = Rig(10, period_s=10.0)
    rig.poll()
    healthy_s = rig.last_s
    for unit in range(1, dead + 1):
        rig.slave.behave(unit, "silent")
    spent_s = 0.0
    for _ in range(200):
        assert len(points(rig.poll())) == 10 - dead
        spent_s += rig.last_s
    one_retry_s = 0.3 + 1.0 + 0.1
    assert spent_s <= 200 * healthy_s + 0.1 * 200 * 10 + dead * one_retry_s + 1.0


def test_an_absent_meter_is_soon_asked_once_in_a_quarter_of_an_hour_only() -> None:
    rig = Rig(2)
    rig.slave.behave(2, "silent")
    for _ in range(30):
        rig.poll()
    rig.slave.asked = 0
    for _ in range(60):
        rig.poll()
    assert rig.slave.asked == 60 * 3 + 4  # an hour: the living one's three reads each minute, the dead one four times


def test_a_cut_line_ends_the_poll_and_says_so() -> None:
    rig = Rig(30, period_s=20.0)
    for unit in range(1, 31):
        rig.slave.behave(unit, "silent")
    with pytest.raises(SourceAway, match=r"no meter on ttyRS485 answers; unit 1 does not answer"):
        rig.poll()
    assert rig.last_s < 20.0


def test_a_line_that_is_mended_is_read_again() -> None:
    rig = Rig(3)
    for unit in (1, 2, 3):
        rig.slave.behave(unit, "silent")
    for _ in range(4):
        assert rig.poll_or_nothing() == []
    for unit in (1, 2, 3):
        rig.slave.behave(unit)
    for _ in range(20):
        readings = rig.poll_or_nothing()
    assert points(readings) == {"PD01/m1", "PD01/m2", "PD01/m3"}


def test_noise_between_two_polls_is_thrown_away() -> None:
    rig = Rig(1)
    rig.poll()
    rig.line.say(rig.line.now_s - 1, b"\x01\x03\x18noise")
    assert len(rig.poll()) == len(SHOWN)


def test_a_line_that_is_never_quiet_is_given_up_in_time() -> None:
    rig = Rig(1, period_s=10.0)
    for i in range(4000):
        rig.line.say(rig.line.now_s + i * 0.01, b"\x55")
    assert rig.poll_or_nothing() == []
    assert rig.last_s < 10.0


# the port


def test_a_port_that_was_pulled_out_is_opened_again() -> None:
    rig = Rig(1)
    rig.poll()
    rig.line.pulled_out = True
    for _ in range(2):
        with pytest.raises(
            SourceAway, match=r"port ttyRS485 is away \(Input/output error\): is the adapter plugged in"
        ):
            rig.poll()
    rig.line.pulled_out = False
    assert len(rig.poll()) == len(SHOWN)


def test_closing_twice_is_no_fault() -> None:
    rig = Rig(1)
    rig.poll()
    rig.bus.close()
    rig.bus.close()


# what hangs there


@pytest.mark.parametrize("address", ["", "7", "modbus:", "modbus:0", "modbus:248", "modbus:seven", "dlt645:7"])
def test_an_address_that_cannot_be_is_told_with_the_meter(address: str) -> None:
    wrong = Device(point="PD01/m7", serial="E7", model="ADL400", address=address)
    with pytest.raises(ConfigError, match=r"meter E7 at PD01/m7: address .* is not modbus:1 to modbus:247"):
        Bus("ttyRS485", [wrong], PROFILES)


def test_two_meters_with_one_address_are_refused() -> None:
    twin = Device(point="PD01/x", serial="E99", model="ADL400", address="modbus:7")
    with pytest.raises(ConfigError, match="meters E7 and E99 both have address modbus:7"):
        Bus("ttyRS485", [device(7), twin], PROFILES)


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ConfigError, match="'XY' has no profile"):
        Bus("ttyRS485", [device(7, "XY")], PROFILES)


def test_a_meter_is_added_and_another_exchanged_without_a_restart() -> None:
    rig = Rig(2)
    rig.slave.behave(1, "silent")
    rig.poll()
    new = Device(point="PD01/m2", serial="E2-new", model="ADL400", address="modbus:2")
    rig.bus.attach([device(1), new])
    assert {r.series.device for r in rig.poll()} == {"E2-new"}
    assert list(rig.bus.faults) == ["PD01/m1"]


def test_meters_of_another_format_are_read_with_the_port_opened_anew() -> None:
    opened: list[str] = []
    rig = Rig(1)
    fast = msgspec.structs.replace(
        ADL400, id="fast", models=("FAST",), line=msgspec.structs.replace(ADL400.line, format="19200 8N1")
    )

    def open_port(_name: str, form: SerialFormat) -> Port:
        opened.append(str(form))
        return rig.line

    bus = Bus("tty", [device(1)], {**PROFILES, "fast": fast}, monotonic=rig.line.monotonic, open_port=open_port)
    bus.poll(0)
    bus.attach([Device(point="PD01/m1", serial="E1", model="FAST", address="modbus:1")])
    bus.poll(60_000)

    assert opened == ["9600 8N1", "19200 8N1"]


def test_a_bus_without_meters_has_nothing_to_say() -> None:
    rig = Rig(0)
    assert rig.poll() == []
