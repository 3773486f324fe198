"""A real office through the wire: yearly sums beside its file's, and whether its gross errors are named.

``submeter replay --once`` plays the file through gateway, broker, collector and store; then ``submeter analytics
--once`` studies it. An hour above :data:`GROSS_KWH` in the file is a gross error, which nobody tells the product.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.processes import size_mb
from benchmarks.result import Result
from benchmarks.servers import NotHere, StorePlace, store_place
from firmware_sim.recording import read_recording
from submeter.roof.place import open_place
from submeter.stores import Column, Store
from submeter.words import ConfigError, Finding, FindingState, Flag, Resolution, TheirsError

GROSS_KWH: Final = 2_500.0
LIMIT_KWH: Final = 0.01
HOUR_MS: Final = 3_600_000
ZONE: Final = "Asia/Shanghai"
METERS: Final = {"light_plug": "light_plug_kwh", "hvac": "hvac_kwh"}
WEATHER: Final = ("outdoor_temperature=temp_c", "humidity=rh_pct")
BUILDING: Final = "office"
PAIRS: Final = ("iotcore+embedded", "mosquitto+embedded", "mosquitto+influx1", "mosquitto+influx2")

Hours = set[tuple[str, int]]
"""(meter, start in ms)"""


def run(folder: str = "", *pairs: str) -> Result:
    """``folder`` holds shanghai_office/as_published.csv (default: SUBMETER_SITES); pairs are BROKER+STORE."""
    file = Path(folder or os.environ.get("SUBMETER_SITES", "../shared/data")) / "shanghai_office" / "as_published.csv"
    if not file.is_file():
        raise ConfigError(f"{file}: is not there; say python -m benchmarks office FOLDER, or set SUBMETER_SITES")
    result, truth = Result(), gross_hours(file)
    result.notes.append(
        f"{len({at for _, at in truth})} hours above {GROSS_KWH:,.0f} kWh in the file: "
        + ", ".join(f"{sum(meter == each for meter, _ in truth)} in {each}" for each in METERS)
    )
    for pair in pairs or PAIRS:
        broker, _, store = pair.partition("+")
        if store == "memory":
            result.notes.append(f"{pair} is left out: a store in memory cannot be shared by processes")
            continue
        try:
            _replay(result, file, truth, broker, store)
        except NotHere as absent:
            result.notes.append(f"{pair} is left out: {absent}")
    return result


def gross_hours(file: Path) -> Hours:
    recording = read_recording(file, "timestamp", list(METERS.values()), ZONE)
    return {
        (meter, int(at))
        for meter, column in METERS.items()
        for at in recording.times_ms[recording.columns[column] > GROSS_KWH]
    }


def _replay(result: Result, file: Path, truth: Hours, broker: str, kind: str) -> None:
    with tempfile.TemporaryDirectory() as folder, store_place(kind, Path(folder) / "server") as place:
        root = Path(folder) / "replay"
        begun = time.monotonic()
        sums = json.loads(_submeter(*_arguments(file, root, broker, place)))
        took = time.monotonic() - begun
        _submeter("analytics", "--settings", str(root / "settings.toml"), "--once")
        store = open_place(root / "settings.toml", None).store()
        try:
            found = found_hours(store)
        finally:
            store.close()
        size = size_mb(place.data if place.remote and place.data else root / "store.db")
    _tell(result, f"{broker} → {kind}", sums, took, size)
    _tell_gross(result, f"{broker} → {kind}", truth, found)


def _arguments(file: Path, root: Path, broker: str, place: StorePlace) -> Sequence[str]:
    meters = [word for pair in METERS.items() for word in ("--meter", "=".join(pair))]
    weather = [word for pair in WEATHER for word in ("--weather", pair)]
    native = ["--mosquitto"] if broker == "mosquitto" else []
    url = place.url if place.remote else "embedded:store.db"
    token = ["--token-file", _token(place)] if place.token else []
    return [
        "replay", str(file), "--building", BUILDING, "--zone", ZONE, *meters, *weather, "--dir", str(root),
        "--store", url, *token, *native, "--once", "--json",
    ]  # fmt: skip


def _token(place: StorePlace) -> str:
    path = Path(place.state).with_name("token")
    path.write_text(place.token, encoding="utf-8")
    return str(path)


def _submeter(*arguments: str) -> str:
    """What a command of ours prints. Raises :class:`TheirsError` when it fails."""
    done = subprocess.run([sys.executable, "-m", "submeter", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise TheirsError(f"submeter {arguments[0]} ended with {done.returncode}: {done.stderr[-800:]}")
    return done.stdout


@dataclass(frozen=True)
class Found:
    """Hours that the findings name, hours that the ledger marks suspect, and how many findings there are."""

    named: Hours
    suspect: Hours
    findings: int


def found_hours(store: Store) -> Found:
    told = [
        f for f in store.entries(Finding, BUILDING) if f.kind == "gross_error" and f.state != FindingState.WITHDRAWN
    ]
    named = {
        (f.point.partition("/")[2], at)
        for f in told
        for at in range(f.start_ms - f.start_ms % HOUR_MS, f.end_ms, HOUR_MS)
    }
    suspect = {(meter, at) for meter in METERS for at in _suspect(store, meter)}
    return Found(named, suspect, len(told))


def _suspect(store: Store, meter: str) -> list[int]:
    (rows,) = store.read_intervals(
        [Column(f"{BUILDING}/{meter}", "energy_import", Resolution.HOUR)],
        np.datetime64("2000", "s"), np.datetime64("2100", "s"),
    )  # fmt: skip
    starts: list[int] = (rows.start[(rows.flags & Flag.SUSPECT) > 0].astype(np.int64) * 1000).tolist()
    return starts


def _tell(result: Result, name: str, sums: list[dict[str, Any]], took: float, size: float) -> None:
    for year in sorted({row["year"] for row in sums}):
        off = max(abs(row["ledger_kwh"] - row["file_kwh"]) for row in sums if row["year"] == year)
        result.limited(f"{name}: ledger − file, {year}, at most", off, "kWh", LIMIT_KWH)
    result.add(f"{name}: replayed and settled", took, "s")
    result.add(f"{name}: size of the store", size, "MB")


def _tell_gross(result: Result, name: str, truth: Hours, found: Found) -> None:
    for what, hours in (("named by findings", found.named), ("marked suspect", found.suspect)):
        hits = len(truth & hours)
        result.add(f"{name}: gross errors {what}", hits, "meter-hours", target="all", ratio=hits / len(truth),
                   against="those in the file")  # fmt: skip
        result.add(f"{name}: others {what}", len(hours - truth), "meter-hours", ratio=len(hours - truth) / len(truth),
                   against="gross errors in the file")  # fmt: skip
    instants = {at for _, at in truth}
    hits = len(instants & {at for _, at in found.named & truth})
    result.add(f"{name}: hours named", hits, "hours", target="all", ratio=hits / len(instants),
               against="hours in the file")  # fmt: skip
    result.notes.append(f"{name}: {found.findings} findings of gross errors")
