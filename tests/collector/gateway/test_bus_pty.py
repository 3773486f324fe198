"""The bus on a real pseudo-terminal with pyserial, as on a Raspberry Pi; and pymodbus, a stranger, at either end."""

import asyncio
import os
import select
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pymodbus.client import ModbusSerialClient
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from collector.gateway.bus import Bus
from firmware_sim.slave import Slave, Unit, late
from firmware_sim.terminal import Terminal
from submeter.profiles import load_profiles
from submeter.words import Device, Reading, SourceAway

pytestmark = pytest.mark.service

PROFILES = load_profiles(Path(__file__).parents[3] / "config" / "profiles")
SHOWN = {"energy_import": 1234.56, "power_active": 222.0}
MICRO = {name: round(value * 1_000_000) for name, value in SHOWN.items()}
TWO = tuple(SHOWN)


def device(unit: int) -> Device:
    return Device(point=f"PD01/m{unit}", serial=f"E{unit}", model="ADL400", address=f"modbus:{unit}")


def slave(units: int) -> Slave:
    return Slave({n: Unit(PROFILES["acrel-adl400"], lambda: MICRO) for n in range(1, units + 1)})


@contextmanager
def line(path: Path, meters: Slave) -> Iterator[Terminal]:
    terminal = Terminal(meters, path)
    terminal.start()
    try:
        yield terminal
    finally:
        terminal.close()


def values(readings: list[Reading]) -> dict[tuple[str, str], float]:
    return {(r.series.point, r.series.quantity): r.micro / 1e6 for r in readings}


def patiently(poll: Callable[[], list[Reading]], enough: int) -> list[Reading]:
    """A busy machine may be late for once: up to five polls until so many readings came."""
    for _ in range(5):
        readings = poll()
        if len(readings) == enough:
            return readings
    raise AssertionError(f"{len(readings)} readings instead of {enough}")


def test_a_line_of_meters_is_read_through_a_port(tmp_path: Path) -> None:
    with line(tmp_path / "ttyRS485", slave(4)) as terminal:
        bus = Bus(terminal.name, [device(n) for n in (1, 2, 3, 4)], PROFILES, quantities=TWO)
        readings = patiently(lambda: bus.poll(1000), 8)
        bus.close()
    expected = {(f"PD01/m{n}", quantity): value for n in (1, 2, 3, 4) for quantity, value in SHOWN.items()}
    assert values(readings) == expected


def test_an_adapter_that_is_pulled_out_and_put_back_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "ttyRS485"
    bus = Bus(str(path), [device(1)], PROFILES, quantities=TWO)
    with pytest.raises(SourceAway, match=r"port .*ttyRS485 is away"):
        bus.poll(1000)
    with line(path, slave(1)):
        patiently(lambda: bus.poll(2000), 2)
    with pytest.raises(SourceAway, match="is away"):
        bus.poll(3000)
    with line(path, slave(1)):
        patiently(lambda: bus.poll(4000), 2)
    bus.close()


def test_a_port_that_another_program_holds_is_away(tmp_path: Path) -> None:
    with line(tmp_path / "ttyRS485", slave(1)) as terminal:
        one, two = (Bus(terminal.name, [device(1)], PROFILES, quantities=TWO) for _ in range(2))
        patiently(lambda: one.poll(1000), 2)
        with pytest.raises(SourceAway, match="is away"):
            two.poll(1000)
        one.close()


# pymodbus asks, our meters answer


def test_pymodbus_reads_our_meters(tmp_path: Path) -> None:
    with line(tmp_path / "ttyRS485", slave(2)) as terminal:
        client = ModbusSerialClient(terminal.name, baudrate=9600, timeout=2, retries=1)
        assert client.connect()
        energy = client.read_holding_registers(0x000A, count=2, device_id=2)
        refused = client.read_holding_registers(0x4000, count=2, device_id=2)
        client.close()  # type: ignore[no-untyped-call]  # pymodbus has no type for it
    assert energy.registers == [0x0001, 0xE240]
    assert refused.exception_code == 2


def test_why_we_read_frames_ourselves_pymodbus_takes_a_late_answer_for_the_next_ones(tmp_path: Path) -> None:
    """The reason for submeter.protocols.modbus, kept alive: when this fails, pymodbus has learned it."""
    with line(tmp_path / "ttyRS485", slave(1)) as terminal:
        client = ModbusSerialClient(terminal.name, baudrate=9600, timeout=1, retries=0)
        assert client.connect()
        terminal.slave.behave(1, late(1.5))
        with pytest.raises(Exception, match="No response"):
            client.read_holding_registers(0x000A, count=2, device_id=1)
        power = client.read_holding_registers(0x016A, count=2, device_id=1)
        client.close()  # type: ignore[no-untyped-call]  # pymodbus has no type for it
    assert power.registers == [0x0001, 0xE240]  # 1234.56 kWh, told as a power of 123456 W


# pymodbus's meters answer, our bus asks


@contextmanager
def wire() -> Iterator[tuple[str, str]]:
    """Two ports joined by a cable."""
    ends = [os.openpty() for _ in range(2)]
    for _, port in ends:
        tty.setraw(port)
    masters = [master for master, _ in ends]
    stop = threading.Event()

    def carry() -> None:
        while not stop.is_set():
            for master in select.select(masters, [], [], 0.05)[0]:
                os.write(masters[1 - masters.index(master)], os.read(master, 4096))

    thread = threading.Thread(target=carry, daemon=True)
    thread.start()
    try:
        yield os.ttyname(ends[0][1]), os.ttyname(ends[1][1])
    finally:
        stop.set()
        thread.join()
        for end in ends:
            for descriptor in end:
                os.close(descriptor)


@contextmanager
def strange_meter(port: str, unit: int) -> Iterator[None]:
    """pymodbus's own server with the registers of SHOWN."""
    started, loop = threading.Event(), asyncio.new_event_loop()
    servers: list[ModbusSerialServer] = []

    async def serve() -> None:
        registers = [
            SimData(0x000A, values=123456, datatype=DataType.UINT32),
            SimData(0x016A, values=222, datatype=DataType.INT32),
        ]
        servers.append(ModbusSerialServer(SimDevice(unit, simdata=registers), port=port, baudrate=9600))
        await servers[0].serve_forever(background=True)
        started.set()

    def run() -> None:
        loop.create_task(serve())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield
    finally:
        shutdown = servers[0].shutdown()  # type: ignore[no-untyped-call]  # pymodbus has no type for it
        asyncio.run_coroutine_threadsafe(shutdown, loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def test_our_bus_reads_pymodbus_meters() -> None:
    with wire() as (ours, theirs), strange_meter(theirs, 7):
        bus = Bus(ours, [device(7)], PROFILES, quantities=TWO)
        readings = patiently(lambda: bus.poll(1000), 2)
        bus.close()
    assert values(readings) == {("PD01/m7", quantity): value for quantity, value in SHOWN.items()}
