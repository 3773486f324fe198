"""`submeter gateway`: a fast world begins in the past, goes fast, meets now and then keeps its pace; a bus does not."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from collector.gateway.outbox import Batch, Outbox
from firmware_sim.district import district
from firmware_sim.portfolio_files import write_portfolio
from submeter.__main__ import roof
from submeter.clock import WallClock
from submeter.roof.broker import start_embedded
from submeter.roof.demo_folder import Anchor
from submeter.roof.gateway import clock_of
from submeter.settings import config_folder
from submeter.stores import ALWAYS_MS, Store, open_store
from submeter.wire.mqtt import Broker, Link
from submeter.words import Block, ConfigError, GatewayStatus, Readings, Series, StoreAway

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
SPEED = 7200
SCENARIO = config_folder() / "scenarios" / "demo.toml"
BEGIN = datetime(2026, 1, 1)  # noqa: DTZ001  (as click hands it over; the command takes it as UTC)
BEGIN_MS = 1_767_225_600_000


@contextmanager
def running(*words: str) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", "submeter", *words])
    try:
        yield
        assert process.poll() is None, f"{words[0]} ended with {process.returncode}"
    finally:
        process.terminate()
        process.wait(10)


def until(condition: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)


def newest_ms(store: Store) -> int:
    try:
        return max((last[0] for series in store.series() if (last := store.last_reading(series))), default=0)
    except StoreAway:
        return 0


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Two pretended buildings that are polled each second."""
    write_portfolio(tmp_path / "portfolio", district(1, buildings=2))
    file = tmp_path / "settings.toml"
    file.write_text('portfolio = "portfolio"\n[store]\nurl = "embedded:store.db"\n[gateway]\npoll_s = 1.0\n')
    return file


@pytest.mark.service
def test_a_fast_world_begins_in_the_past_hurries_to_now_and_then_keeps_its_pace(settings: Path, tmp_path: Path) -> None:
    clock = WallClock()
    begin_ms = (clock.now_ms() - 12 * HOUR_MS) // 1000 * 1000
    anchor = Anchor(scenario=str(SCENARIO), start_ms=begin_ms - 2 * DAY_MS, now_ms=begin_ms)
    (tmp_path / "world.json").write_bytes(msgspec.json.encode(anchor))
    broker = start_embedded(tmp_path / "broker", 0)
    settings.write_text(settings.read_text() + f"[broker]\nport = {broker.port}\n")
    ear = Link(Broker(port=broker.port), "ear", ("submeter/v1/demo/+/gw1/status",), clean=True)
    ear.start()
    begin = datetime.fromtimestamp(begin_ms / 1000, UTC).replace(tzinfo=None).isoformat()
    fast = ("--simulate", str(SCENARIO), "--speed", str(SPEED), "--from", begin)
    try:
        until(lambda: ear.connected, "the broker answers")
        store = open_store(f"embedded:{tmp_path / 'store.db'}")
        with running("collector", "--settings", str(settings)), running("gateway", "--settings", str(settings), *fast):
            told = msgspec.json.decode(ear.inbox.get(timeout=20).payload, type=GatewayStatus)
            assert begin_ms <= told.told_ms < clock.now_ms() - HOUR_MS / 2, "it lives in the past"
            until(lambda: newest_ms(store) > begin_ms + 6 * HOUR_MS, "hours have passed in seconds")
            until(lambda: newest_ms(store) > clock.now_ms() - 5_000, "it has met now")
            until(lambda: newest_ms(store) % 900_000, "it is polled, no more read as a past")
            before_ms, wall_ms = newest_ms(store), clock.now_ms()
            until(lambda: newest_ms(store) >= before_ms + 2_000, "it goes on")
            assert newest_ms(store) - before_ms <= clock.now_ms() - wall_ms + 2_000, "a second takes a second now"
            assert newest_ms(store) <= clock.now_ms(), "it never passes the wall clock"
        main = Series("PD01/main", next(s.device for s in store.series() if s.point == "PD01/main"), "energy_import")
        times = store.read_readings(main, *ALWAYS_MS).times.astype("int64")
        assert (times[0], times[1] - times[0]) == (anchor.start_ms // 900_000 * 900_000, 900_000)
        assert max(times[1:] - times[:-1]) <= 900_000, "without a gap"
        store.close()
    finally:
        ear.stop()
        broker.stop()


def test_a_fast_world_that_is_started_again_goes_on_where_its_outbox_ends(tmp_path: Path) -> None:
    file = tmp_path / "outbox.db"
    assert clock_of(600.0, BEGIN, file, "").now_ms() < BEGIN_MS + HOUR_MS

    box = Outbox(file)
    reading = Block(Series("HQ01/main", "SN1", "energy_import"), Readings.of([BEGIN_MS + 9 * HOUR_MS], [1]))
    box.append([Batch("HQ01", [reading])])
    box.close()

    assert 0 <= clock_of(600.0, BEGIN, file, "").now_ms() - (BEGIN_MS + 9 * HOUR_MS) < HOUR_MS


def test_a_bus_is_not_read_by_a_fast_clock() -> None:
    """Its meters show the present; under a time of the past each number would be wrong."""
    with pytest.raises(ConfigError, match="the meters on /dev/ttyUSB0 show the present; leave out --from"):
        clock_of(600.0, BEGIN, Path("outbox.db"), "/dev/ttyUSB0")


def test_a_speed_without_a_beginning_is_refused_and_so_is_a_slow_world() -> None:
    with pytest.raises(ConfigError, match="say with --from where it begins"):
        clock_of(600.0, None, Path("outbox.db"), "")
    told = CliRunner().invoke(roof, ["gateway", "--simulate", str(SCENARIO), "--speed", "0.5", "--from", "2026-01-01"])
    assert told.exit_code == 2
    assert "0.5 is not in the range x>=1.0" in told.output
