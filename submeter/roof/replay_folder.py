"""The folder of a replay: what is played (``replay.json``), the portfolio that goes with it, and its settings."""

import csv as csv_file
import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from firmware_sim.portfolio_files import write_portfolio
from firmware_sim.replay import ReplaySource, ReplayStation
from submeter.roof.secrets import make_secret
from submeter.settings import load_portfolio
from submeter.wire.source import Source
from submeter.words import (
    QUANTITIES,
    Building,
    ConfigError,
    Device,
    Gateway,
    Kind,
    Medium,
    Point,
    Portfolio,
    Station,
)

GATEWAY = "replay"
ITEMS = (("light", "01A00"), ("plug", "01A00"), ("hvac", "01B00"), ("cool", "01B00"), ("lift", "01C00"))
"""words in a column's name that tell its sub-item"""


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """``columns`` maps local point ids to the file's columns, ``weather`` quantities to columns."""

    csv: str
    building: str
    name: str
    type: str = "office"
    zone: str
    country: str = "CN"
    area_m2: float
    interval: str = "1h"
    time_column: str = "timestamp"
    columns: dict[str, str]
    weather: dict[str, str] = {}
    digest: str = ""
    """of the file's content when it was first played, '' = not told"""
    store: str = ""

    @property
    def station(self) -> str:
        return f"{self.building}-weather" if self.weather else ""

    def meters(self) -> ReplaySource:
        return ReplaySource(
            Path(self.csv), self.columns, building=self.building, time_column=self.time_column, zone=self.zone,
            interval=self.interval,
        )  # fmt: skip

    def sources(self) -> list[Source]:
        found: list[Source] = [self.meters()]
        if self.weather:
            found.append(
                ReplayStation(
                    Path(self.csv), self.weather, station=self.station, time_column=self.time_column, zone=self.zone
                )
            )
        return found


def read_replay(path: Path) -> Replay:
    """Raises :class:`ConfigError` for a file that is broken."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Replay)
    except (OSError, msgspec.MsgspecError) as fault:
        raise ConfigError(f"{path}: {fault}; `submeter replay` writes it") from None


def guess_columns(csv: Path) -> dict[str, str]:
    """Columns whose names end in 'kwh', by local point id. Raises :class:`ConfigError` when there is none."""
    header = _header(csv)
    if len(header) == 1 and ";" in header[0]:
        raise ConfigError(
            f"{csv}: is separated by semicolons; save it as CSV with commas between the cells and points in numbers"
        )
    names = [name for name in header if name.lower().endswith("kwh")]
    if not names:
        raise ConfigError(f"{csv}: no column's name ends in 'kwh'; say which with --meter, e.g. --meter main=energy")
    return {name[:-3].rstrip("_ ") or name: name for name in names}


def _header(csv: Path) -> list[str]:
    try:
        with csv.open(encoding="utf-8-sig", newline="") as file:
            return next(csv_file.reader(file), [])
    except (OSError, UnicodeDecodeError) as fault:
        raise ConfigError(f"{csv}: cannot be read as UTF-8 CSV: {fault}") from None


def item_of(local: str) -> str:
    return next((item for word, item in ITEMS if word in local.lower()), "01000")


def portfolio_of(replay: Replay, devices: Mapping[str, Device], tenant: str = "demo") -> Portfolio:
    """The portfolio of a recorded building: its columns are meters without a main meter above them."""
    points = {
        point: Point(
            id=point, name=point.partition("/")[2].replace("_", " "), medium=Medium.ELECTRICITY,
            item=item_of(point.partition("/")[2]),
        )
        for point in devices
    }  # fmt: skip
    building = Building(
        id=replay.building, name=replay.name, type=replay.type, zone=replay.zone, country=replay.country,
        area_m2=replay.area_m2, station=replay.station,
    )  # fmt: skip
    stations = {replay.station: Station(id=replay.station, name="recorded weather", zone=replay.zone)}
    return Portfolio(
        tenant, {building.id: building}, points, {point: (device,) for point, device in devices.items()},
        stations if replay.station else {},
        {GATEWAY: Gateway(id=GATEWAY, buildings=tuple(filter(None, (building.id, replay.station))))}, {},
    )  # fmt: skip


def prepare(
    folder: Path, replay: Replay, broker_port: int, web_port: int, store: Mapping[str, str], users: bool
) -> tuple[str, ...]:
    """Write all files; returns what the recording left out, a sentence each. With ``users`` the broker wants passwords:
    one for the collector's settings, one for the gateway's. ``store`` holds the store's settings."""
    _check_weather(replay.weather)
    meters = replay.meters()
    replay = _marked(replay, store)
    _check_same(folder, replay)
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    write_portfolio(folder / "portfolio", portfolio_of(replay, meters.devices))
    load_portfolio(folder / "portfolio")
    (folder / "replay.json").write_bytes(msgspec.json.encode(replay))
    for name, user in (("settings", "collector"), ("gateway", GATEWAY)):
        lines = [
            "# written by `submeter replay` at each start",
            'portfolio = "portfolio"',
            f"[broker]\nport = {broker_port}",
            *(_login(folder, user) if users else ()),
            "[store]",
            *(f'{key} = "{value}"' for key, value in store.items()),
            f'[gateway]\nid = "{GATEWAY}"\noutbox = "outbox.db"',
            f"[web]\nport = {web_port}",
        ]
        (folder / f"{name}.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return meters.notes


def _check_weather(columns: Mapping[str, str]) -> None:
    known = [q.name for q in QUANTITIES.values() if q.kind is Kind.GAUGE]
    for quantity in columns:
        if quantity not in known:
            raise ConfigError(f"--weather {quantity}={columns[quantity]}: no such quantity; one of {', '.join(known)}")


def _marked(replay: Replay, store: Mapping[str, str]) -> Replay:
    content = Path(replay.csv).read_bytes()
    digest = hashlib.blake2b(content, digest_size=12).hexdigest()
    return msgspec.structs.replace(replay, digest=digest, store=store.get("url", ""))


def _check_same(folder: Path, replay: Replay) -> None:
    """Raises :class:`ConfigError` where the folder holds another replay: its outbox has gone past these times, so that
    the pages would show the one recording under the name of the other."""
    file = folder / "replay.json"
    before = read_replay(file) if file.is_file() else replay
    what = ("building", "zone", "interval", "time_column", "columns", "weather", "digest", "store")
    changed = [name for name in what if getattr(before, name) != getattr(replay, name)]
    if changed and before.digest:
        raise ConfigError(
            f"{folder} holds the replay of {before.csv}, which was another ({', '.join(changed)}); name another folder "
            "with --dir, or remove that one"
        )


def _login(folder: Path, user: str) -> tuple[str, str]:
    make_secret(folder / "secrets" / f"mqtt-{user}")
    return f'user = "{user}"', f'password_file = "secrets/mqtt-{user}"'
