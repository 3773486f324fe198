"""``submeter demo`` as a user starts it: when its page answers, shows a month, has all the past; memory; its end.

Everything is asked of the page's JSON API, and of the store for what a page does not show. The demo has a new folder
and free ports, is the shipped one (or another, of a folder given), and is stopped by Ctrl-C.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.processes import cpu_s, memory_mb, size_mb
from benchmarks.result import Result
from submeter.roof.place import open_place
from submeter.stores import Store
from submeter.words import ConfigError, GatewayStatus, StoreAway, TheirsError

FIRST_PICTURE_S: Final = 60.0
FILLED_S: Final = 300.0
STOP_S: Final = 5.0
PICTURE_DAYS: Final = 30
LOOK_S: Final = 0.5
PATIENCE_S: Final = 1_800.0

PAGE, PICTURE, FILLED = "the page answers", "first picture", "end of the back-fill"
FINDING, SAVING = "first finding told", "first saving told"
LIMITS: Final = {PAGE: FIRST_PICTURE_S, PICTURE: FIRST_PICTURE_S, FILLED: FILLED_S, FINDING: FILLED_S, SAVING: FILLED_S}


class Demo:
    """The process, its page, and its store from the time that there is one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.begun = time.monotonic()
        self._log = root.parent / "demo.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "submeter", "demo", "--dir", str(root), "--port", "0", "--broker-port", "0"],
                stdout=log, stderr=subprocess.STDOUT, env=os.environ | {"COLUMNS": "200"},
            )  # fmt: skip
        self._store: Store | None = None
        self._address = ""

    def age_s(self) -> float:
        return time.monotonic() - self.begun

    def said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def ask(self, path: str) -> Any:
        """The page's answer; None while there is none."""
        if not self._address:
            found = re.search(r"http://127\.0\.0\.1:\d+/", self.said())
            self._address = found.group() if found else ""
        try:
            with urllib.request.urlopen(f"{self._address}api/v1/{path}", timeout=30) as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return None

    def store(self) -> Store:
        if self._store is None:
            self._store = open_place(self.root / "settings.toml", None).store()
        return self._store

    def close(self) -> float:
        """Ctrl-C; the seconds until everything has ended."""
        if self._store is not None:
            self._store.close()
        begun = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return time.monotonic() - begun


def answers(demo: Demo) -> bool:
    return demo.ask("pulse") is not None


def has_picture(demo: Demo) -> bool:
    """The overview knows thirty days and shows the total that it would otherwise withhold."""
    told = demo.ask("districts")
    return bool(told) and told[0]["days_known"] >= PICTURE_DAYS and told[0]["energy"]["value"] is not None


def is_filled(demo: Demo) -> bool:
    """Each gateway has read its past and has a receipt for all of it, and the ledger has settled the whole feed."""
    try:
        store = demo.store()
        expected = len(_gateways(demo))
        statuses = [s for s in store.entries(GatewayStatus) if s.id in _gateways(demo)]
        done = store.cursor("ledger")
        read = len(statuses) == expected and all(s.backfill is None and not s.waiting for s in statuses)
        return read and done > 0 and not store.changes(done, 1)
    except (ConfigError, OSError, StoreAway):  # its files are not there yet
        return False


def _gateways(demo: Demo) -> set[str]:
    rows = (demo.root / "portfolio" / "gateways.csv").read_text(encoding="utf-8").splitlines()
    return {row.partition(",")[0] for row in rows[1:] if row}


def has_finding(demo: Demo) -> bool:
    return bool(demo.ask("findings?state=all"))


def has_saving(demo: Demo) -> bool:
    told = demo.ask("savings") or []
    return any(saving["verdict"] in ("saved", "more", "unclear") for saving in told)


MARKS: Final[dict[str, Callable[[Demo], bool]]] = {
    PAGE: answers, PICTURE: has_picture, FINDING: has_finding, SAVING: has_saving, FILLED: is_filled,
}  # fmt: skip


@dataclass
class Watched:
    """Seconds until each mark, the largest memory on the way, CPU seconds."""

    at_s: dict[str, float] = field(default_factory=dict)
    most_mb: float = 0.0
    cpu_s: float = 0.0


def run(world: str = "", grace_s: str = "180") -> Result:
    """The shipped demo, or the one in the folder ``world`` (it is copied), until all marks are reached; what is not
    told ``grace_s`` after the back-fill is given up."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "demo"
        if world:
            shutil.copytree(world, root)
        demo = Demo(root)
        try:
            seen = watch(demo, float(grace_s))
            live_mb, store_mb = memory_mb(demo.process.pid), size_mb(root / "store.db")
            readings = count_readings(demo.store())
        finally:
            stopped_s = demo.close()
    return _told(seen, live_mb, store_mb, readings, stopped_s)


def watch(demo: Demo, grace_s: float) -> Watched:
    """Raises :class:`TheirsError` when the demo ends by itself, or is not done in half an hour."""
    seen = Watched()
    while waiting := [mark for mark in MARKS if mark not in seen.at_s]:
        if FILLED in seen.at_s and demo.age_s() > seen.at_s[FILLED] + grace_s:
            break
        if demo.process.poll() is not None or demo.age_s() > PATIENCE_S:
            raise TheirsError(f"the demo did not come to {waiting[0]!r}: {demo.said()[-800:]}")
        for mark in waiting:
            if MARKS[mark](demo):
                seen.at_s[mark] = demo.age_s()
        seen.most_mb = max(seen.most_mb, memory_mb(demo.process.pid))
        if FILLED not in seen.at_s:
            seen.cpu_s = cpu_s(demo.process.pid)
        time.sleep(LOOK_S)
    return seen


def count_readings(store: Store) -> int:
    return sum(len(store.read_readings(series, -(2**53), 2**53)) for series in store.series())


def _told(seen: Watched, live_mb: float, store_mb: float, readings: int, stopped_s: float) -> Result:
    result = Result()
    for mark, at_s in seen.at_s.items():
        result.limited(mark, at_s, "s after the start", LIMITS[mark])
    result.limited("Ctrl-C until all has ended", stopped_s, "s", STOP_S)
    for mark in MARKS.keys() - seen.at_s.keys():
        result.notes.append(f"{mark!r} was not reached while this watched")
    filled_s = seen.at_s[FILLED]
    result.add(
        "readings through the whole path", readings / filled_s, "readings/s", ratio=FILLED_S / filled_s,
        against="what the limit asks for",
    )  # fmt: skip
    result.add(
        "CPU until the end of the back-fill", seen.cpu_s / readings * 1e6, "µs per reading",
        ratio=seen.cpu_s / (2 * filled_s), against="two cores' time",
    )  # fmt: skip
    result.add(
        "memory while it fills, at most", seen.most_mb, "MB (PSS)", ratio=seen.most_mb / live_mb,
        against="memory when it is live",
    )  # fmt: skip
    result.add("memory when it is live", live_mb, "MB (PSS)")
    result.add("the store's file", store_mb, "MB", ratio=store_mb * 1e6 / (16 * readings),
               against="its readings as two int64 each")  # fmt: skip
    result.notes.append(f"{readings:,} readings stored")
    return result
