"""Real servers that tests start on loopback, each on a free port, and stop; a test skips where one is not here."""

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

READY_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Until a GET is answered with 200 or 204."""
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                if answer.status in (200, 204):
                    return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"no answer from {url} within {READY_S:.0f} s")


class Server:
    """A started server and its address; ``stop`` may be called twice."""

    def __init__(self, command: list[str], port: int, health: str, env: dict[str, str] | None = None) -> None:
        self.port = port
        self.address = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **(env or {})}
        )
        try:
            wait_for(self.address + health, self._process)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(10)


def start_influxd1(folder: Path, port: int = 0, auth: bool = False) -> Server:
    if not shutil.which("influxd"):
        pytest.skip("influxd 1.x is not installed (Debian: apt-get install influxdb)")
    port, rpc = port or free_port(), free_port()
    config = folder / "influxdb.conf"
    config.write_text(
        f"""reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
auth-enabled = {str(auth).lower()}
"""
    )
    return Server(["influxd", "-config", str(config)], port, "/ping")


def start_influxd2(folder: Path) -> Server:
    """One that nobody has set up; SUBMETER_INFLUXD names the binary."""
    binary = os.environ.get("SUBMETER_INFLUXD", "")
    if not binary:
        pytest.skip("InfluxDB 2.7 is in no package registry; run `make test-influx2 INFLUXD=/path/to/influxd`")
    port = free_port()
    command = [binary, "--bolt-path", f"{folder}/influxd.bolt", "--engine-path", f"{folder}/engine",
               "--sqlite-path", f"{folder}/influxd.sqlite", "--http-bind-address", f"127.0.0.1:{port}",
               "--reporting-disabled", "--log-level", "error"]  # fmt: skip
    return Server(command, port, "/health")
