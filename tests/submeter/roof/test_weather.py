"""`submeter weather import`: a station's CSV through gateway, broker and collector into the store, and no other end."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from collector.intake import Intake, client_id, filters
from firmware_sim.portfolio_files import write_portfolio
from submeter.__main__ import roof
from submeter.clock import WallClock
from submeter.roof.broker import start_embedded
from submeter.roof.place import open_place
from submeter.stores import ALWAYS_MS
from submeter.wire.mqtt import Link
from submeter.words import Building, ConfigError, Gateway, GatewayStatus, Portfolio, Series, Station, TheirsError

AIR = Series("SH01/weather", "SH01", "outdoor_temperature")
JANUARY_MS = 1_767_196_800_000  # 2026-01-01T00:00 in Shanghai


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Of a site with a station, for which gateway gw1 speaks and gw2 does not."""
    station = Station(id="SH01", name="Shanghai", zone="Asia/Shanghai", latitude=31.2, longitude=121.5)
    building = Building(id="HQ01", name="HQ01", type="office", zone="Asia/Shanghai", area_m2=1000.0, station="SH01")
    gateways = {g: Gateway(id=g, buildings=b) for g, b in (("gw1", ("HQ01", "SH01")), ("gw2", ("HQ01",)))}
    write_portfolio(
        tmp_path / "portfolio", Portfolio("demo", {"HQ01": building}, {}, {}, {"SH01": station}, gateways, {})
    )
    file = tmp_path / "settings.toml"
    file.write_text('portfolio = "portfolio"\n[store]\nurl = "embedded:store.db"\n')
    return file


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The command takes the signals; the test runner has them back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@contextmanager
def collecting(settings: Path) -> Iterator[None]:
    broker = start_embedded(settings.parent / "broker", 0)
    settings.write_text(settings.read_text() + f"[broker]\nport = {broker.port}\n")
    place = open_place(settings, None)
    link, store = Link(place.broker(), client_id("demo", ""), filters("demo")), place.store()
    intake, stop = Intake(link, store, place.watch(), place.settings.intake, WallClock()), threading.Event()

    def work() -> None:
        while not stop.is_set():
            stop.wait(intake.step())

    thread = threading.Thread(target=work)
    link.start()
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        link.stop()
        store.close()
        broker.stop()


def write_csv(path: Path, day: str, temperatures: list[str]) -> Path:
    rows = [f"{day}T{hour:02}:00,{value}" for hour, value in enumerate(temperatures)]
    path.write_text("\n".join(["timestamp,temp_c", *rows]) + "\n")
    return path


def bring(settings: Path, csv: Path, *more: str) -> Result:
    words = ["weather", "import", str(csv), "--settings", str(settings), "--station", "SH01"]
    return CliRunner().invoke(roof, [*words, "--column", "outdoor_temperature=temp_c", *more])


def stored(settings: Path) -> dict[int, int]:
    store = open_place(settings, None).store()
    try:
        found = store.read_readings(AIR, *ALWAYS_MS)
        assert not [s for s in store.entries(GatewayStatus) if s.id == "gw1"], (
            "it does not speak of the gateway's state"
        )
        return dict(zip(found.times.astype("int64").tolist(), found.micro.tolist(), strict=True))
    finally:
        store.close()


@pytest.mark.service
def test_weather_of_two_files_is_in_the_store_whichever_came_first_and_what_was_put_aside_is_said(
    settings: Path, tmp_path: Path
) -> None:
    second = write_csv(tmp_path / "second.csv", "2026-01-02", ["3.5", "", "4.25"])
    first = write_csv(tmp_path / "first.csv", "2026-01-01", ["-1.5", "2.0"])
    hot = write_csv(tmp_path / "hot.csv", "2026-01-03", ["7", "700"])
    hour, day = 3_600_000, 86_400_000
    with collecting(settings):
        for csv in (second, first, first):
            told = bring(settings, csv)
            assert told.exit_code == 0, told.output
            assert f"the store has all of it ({csv.name} → SH01)" in told.output
        assert stored(settings) == {
            JANUARY_MS: -1_500_000, JANUARY_MS + hour: 2_000_000,
            JANUARY_MS + day: 3_500_000, JANUARY_MS + day + 2 * hour: 4_250_000,
        }  # fmt: skip
        assert not list(tmp_path.glob("outbox*")), "what has its receipts leaves nothing behind"

        told = bring(settings, hot)
        assert isinstance(told.exception, TheirsError)
        assert "the collector put 1 readings of hot.csv aside and stored the others" in str(told.exception)
        assert stored(settings)[JANUARY_MS + 2 * day] == 7_000_000


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--gateway", "gw2"], "gateway 'gw2' may not speak for station 'SH01'; add SH01 to its row in gateways.csv"),
        (["--station", "BJ01"], "station 'BJ01' is not in stations.csv"),
        (["--column", "temperature=temp_c"], "--column temperature=temp_c: say QUANTITY=COLUMN; quantities: outdoor_"),
        (["--column", "humidity=rh"], "has no column 'rh'; it has timestamp, temp_c"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_sent(
    settings: Path, tmp_path: Path, more: list[str], said: str
) -> None:
    told = bring(settings, write_csv(tmp_path / "air.csv", "2026-01-01", ["1.0"]), *more)
    assert isinstance(told.exception, ConfigError)
    assert said in str(told.exception)
    assert not list(tmp_path.glob("outbox*"))
