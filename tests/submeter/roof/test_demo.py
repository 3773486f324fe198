"""The main job as a user starts it: a district comes up, fills, survives a kill, stops at once, and goes on."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from firmware_sim.district import district
from firmware_sim.portfolio_files import write_portfolio
from submeter.clock import WallClock
from submeter.roof.demo_folder import Anchor
from submeter.settings import config_folder

pytestmark = [pytest.mark.service, pytest.mark.timeout(240)]
DAY_MS = 86_400_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A demo of three buildings whose world began 45 days ago."""
    root = tmp_path / "demo"
    write_portfolio(root / "portfolio", district(1, buildings=3))
    scenario = (config_folder() / "scenarios" / "demo.toml").read_text(encoding="utf-8")
    (root / "scenario.toml").write_text(scenario, encoding="utf-8")
    now_ms = WallClock().now_ms() // 900_000 * 900_000
    (root / "world.json").write_bytes(msgspec.json.encode(Anchor(start_ms=now_ms - 45 * DAY_MS, now_ms=now_ms)))
    return root


class Demo:
    """``submeter demo`` as a process, and its page."""

    def __init__(self, root: Path, broker_port: int) -> None:
        command = [sys.executable, "-m", "submeter", "demo", "--dir", str(root), "--port", "0"]
        self.root = root
        self.process = subprocess.Popen(
            [*command, "--broker-port", str(broker_port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"COLUMNS": "200"},
        )
        self.said = ""
        self.address = self._address()

    def _address(self) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            found = re.search(r"http://127\.0\.0\.1:\d+/", line)
            if found:
                return found.group()
        raise AssertionError(f"no address was printed: {self.said}")

    def ask(self, path: str) -> Any:
        try:
            with urllib.request.urlopen(f"{self.address}api/v1/{path}", timeout=10) as answer:
                return json.load(answer)
        except OSError:
            return None

    def interrupt(self) -> float:
        """Ctrl-C; the seconds until it has ended."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        rest, _ = self.process.communicate(timeout=20)
        self.said += rest
        return time.monotonic() - begun


def until(condition: Callable[[], Any], what: str, seconds: float = 120.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.3)
    return found


def days_settled(demo: Demo) -> int:
    return int(json.loads(measure(demo.root))["days"])


def measure(root: Path) -> str:
    """Asked of the store, from another process than those that write it."""
    code = (
        "import json, sys, numpy as np\n"
        "from submeter.stores import Column, open_store\n"
        "from submeter.words import Resolution\n"
        "store = open_store(f'embedded:{sys.argv[1]}')\n"
        "always = np.datetime64('2000', 's'), np.datetime64('2100', 's')\n"
        "rows = store.read_intervals([Column('PD01/main', 'energy_import', Resolution.DAY)], *always)[0]\n"
        "print(json.dumps({'days': int((rows.known > 0).sum()), 'kwh': rows.micro[rows.known > 0].sum() / 1e6}))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code, str(root / "store.db")], capture_output=True, text=True, check=True
    ).stdout


def pid_of(service: str, root: Path) -> int:
    listed = subprocess.run(["pgrep", "-f", f"submeter {service} .*{root}"], capture_output=True, text=True, check=True)
    return int(listed.stdout.split()[0])


def live_polls(demo: Demo) -> bool:
    operations = demo.ask("operations")
    return bool(operations) and all(g["polls"] > 0 for g in operations["gateways"] if g["id"].startswith("gw"))


def test_a_district_comes_up_fills_survives_stops_and_goes_on(folder: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        demo = Demo(folder, busy.getsockname()[1])
        assert "is busy, so the broker takes" in demo.said, "another port is taken, and it is said"
    try:
        until(lambda: demo.ask("pulse"), "the page answers")
        os.kill(pid_of("collector", folder), signal.SIGKILL)
        until(lambda: days_settled(demo) >= 40, "forty days are settled, though the collector was killed")
        until(lambda: live_polls(demo), "both gateways are live: the pretended one and the one on the RS-485 line")
        first = json.loads(measure(folder))
    finally:
        took = demo.interrupt()
    assert took < 5, "Ctrl-C stops everything within five seconds"
    assert demo.process.returncode == 0, demo.said
    (folder / "truth.json").unlink(missing_ok=True)
    again = Demo(folder, 0)
    try:
        assert "goes on with" in until(lambda: again.ask("pulse") and again.said, "the page answers again")
        assert json.loads(measure(folder))["kwh"] >= first["kwh"], "what was stored is still there"
        until(lambda: live_polls(again), "it is live again without a truth file")
    finally:
        again.interrupt()
