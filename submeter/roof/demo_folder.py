"""The folder of a demo: portfolio, scenario, settings and the anchor of its world, made once and resumed ever after."""

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from submeter import __version__
from submeter.settings import config_folder
from submeter.words import ConfigError

VERSION = 1
QUARTER_MS = 900_000
YEAR_MS = 366 * 86_400_000
PORTFOLIO_SEED = 1
"""config/demo is this seed's district"""


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """What pins a pretend world in time: with the scenario it gives the same world in every process."""

    version: int = VERSION
    program: str = ""
    """the version of submeter that made it, '' = not told"""
    scenario: str = "scenario.toml"
    start_ms: int
    now_ms: int
    """the world's 'now' at creation: faults and retrofits are dated from it"""


@dataclass(frozen=True)
class DemoFolder:
    root: Path

    @property
    def settings(self) -> Path:
        return self.root / "settings.toml"

    @property
    def world(self) -> Path:
        return self.root / "world.json"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def truth(self) -> Path:
        """The hidden truth; only ``submeter demo score`` reads it."""
        return self.root / "truth.json"

    def line(self, gateway: str) -> Path:
        """The name of a gateway's virtual serial port."""
        return self.root / f"ttyRS485-{gateway}"

    def prepare(self, now_ms: int, config: Path | None, seed: int | None) -> bool:
        """Make what is not there yet; True when the demo is new. Raises :class:`ConfigError` for another version's: its
        meters would go on from what another pretend world has counted."""
        self.logs.mkdir(parents=True, exist_ok=True)
        if self.world.is_file():
            maker = read_anchor(self.world).program
            if maker not in ("", __version__):
                raise ConfigError(
                    f"the demo in {self.root} was made by submeter {maker}, this is {__version__}, whose pretend world "
                    "is another; remove that folder to begin anew, or name another with --dir"
                )
            return False
        shipped = config_folder(config)
        self._portfolio(shipped, config is not None, now_ms)
        scenario = (shipped / "scenarios" / "demo.toml").read_text(encoding="utf-8")
        (self.root / "scenario.toml").write_text(_reseeded(scenario, seed), encoding="utf-8")
        now_ms -= now_ms % QUARTER_MS
        anchor = Anchor(program=__version__, start_ms=now_ms - 2 * YEAR_MS, now_ms=now_ms)
        self.world.write_bytes(msgspec.json.encode(anchor))
        return True

    def _portfolio(self, shipped: Path, as_it_is: bool, now_ms: int) -> None:
        """The shipped district with its retrofits dated back from today; a folder that the user gave stays as it is."""
        if as_it_is:
            shutil.copytree(shipped / "demo", self.root / "portfolio", dirs_exist_ok=True)
            return
        from firmware_sim.district import district
        from firmware_sim.portfolio_files import write_portfolio

        today = datetime.fromtimestamp(now_ms / 1000, UTC).date()
        write_portfolio(self.root / "portfolio", district(PORTFOLIO_SEED, today=today))

    def write_settings(self, broker_port: int, web_port: int) -> None:
        """Ports may be others at each start, so the settings file is written at each."""
        text = "\n".join(
            [
                "# written by `submeter demo` at each start",
                'portfolio = "portfolio"',
                f"[broker]\nport = {broker_port}",
                '[store]\nurl = "embedded:store.db"',
                "[gateway]\npoll_s = 15.0",
                f"[web]\nport = {web_port}",
            ]
        )
        self.settings.write_text(text + "\n", encoding="utf-8")


def read_anchor(path: Path) -> Anchor:
    """Raises :class:`ConfigError` for a file that is broken or of another version."""
    try:
        anchor = msgspec.json.decode(path.read_bytes(), type=Anchor)
    except (OSError, msgspec.MsgspecError, json.JSONDecodeError) as fault:
        raise ConfigError(f"{path}: {fault}; remove the folder {path.parent} to begin anew") from None
    if anchor.version != VERSION:
        raise ConfigError(
            f"{path}: is of version {anchor.version}, this program writes {VERSION}; remove {path.parent}"
        )
    return anchor


def _reseeded(scenario: str, seed: int | None) -> str:
    if seed is None:
        return scenario
    lines = [f"seed = {seed}" if line.startswith("seed") else line for line in scenario.splitlines()]
    return "\n".join(lines) + "\n"
