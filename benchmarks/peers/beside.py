"""Peers beside ours: starts a child process for each, has its answers judged as ours are, and puts both in one table.

Strategy: everybody is asked about the same meters of the same folder and judged by the same judge. Where there are
more meters than asked for, a folder with some of them, evenly spaced, is made and given to the judge for ours as well;
ours answered as one answers for a whole portfolio, a peer knows one meter at a time. A peer that is not there is named
in a note; one that breaks off has failed all its meters.
"""

import csv
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from benchmarks.answers import Asked, judged
from benchmarks.peers.catalogue import ANOMALIES, NOT_INSTALLED, SAVINGS, Peer
from benchmarks.peers.episodes import HOURS_OF_MONTH
from benchmarks.peers.folder import Folder, read_folder, read_hours, write_rows
from benchmarks.result import Result
from submeter.words import TheirsError

ROOT: Final = Path(__file__).resolve().parents[2]
LONGEST_S: Final = 3600
HOURS_OF_YEAR: Final = 8766
CUT: Final = ("energy.parquet", "labels.parquet")
ONE_THREAD: Final = dict.fromkeys((f"{each}_NUM_THREADS" for each in ("OPENBLAS", "OMP", "MKL", "NUMBA")), "1")
SAVINGS_ROWS: Final = (
    "predictions failed", "predictions cvrmse_hourly_median", "predictions cvrmse_daily_median",
    "predictions cvrmse_monthly_median", "predictions abs_bias_median", "predictions abs_bias_p90",
    "savings refused_or_unusable", "savings coverage_of_nominal_90", "savings interval_score_vs_last_year",
    "savings saving_10%_called_significant", "savings saving_20%_called_significant",
    "savings false_savings_called_significant", "meters/s",
)  # fmt: skip
ANOMALY_ROWS: Final = (
    "anomalies auc", "anomalies auc_without_ones", "anomalies auc_mean_of_kinds", "anomalies f1_half",
    "anomalies told_hours_right", "anomalies episodes_per_meter_month",
    "meter-years/s",
)  # fmt: skip
Column = dict[str, float]


@dataclass(frozen=True, slots=True)
class Child:
    """How a peer's process ended: ``cpu_s`` by meter that it was asked about, ``failed`` by meter with its words;
    ``fault`` where it ended before it had answered."""

    cpu_s: Mapping[str, float]
    failed: Mapping[str, str]
    fault: str = ""
    installed: bool = True
    peeks: bool = False


def beside_savings(result: Result, asked: Asked, meters_per_s: float) -> None:
    """Add to ``result`` what the savings peers say of the site that ours has just answered about."""
    folder = read_folder(asked.site)
    mains = [m for m in folder.energy if is_main(folder, m)]
    among = Among(asked, folder, mains, "meters/s", 1.0)
    _beside(result, among, SAVINGS, SAVINGS_ROWS, meters_per_s)


def beside_anomalies(result: Result, asked: Asked, meter_years_per_s: float, episodes: int) -> None:
    """The same for the detectors, which may tell as many episodes a meter-month as ours did."""
    folder = read_folder(asked.site)
    faults = asked.site / "faults" / "energy.parquet"
    start, shown = read_hours(faults) if faults.exists() else (folder.start, folder.energy)
    if not faults.exists() and folder.test is not None:
        start = folder.start[folder.year(folder.test)]
    budget = episodes * HOURS_OF_MONTH / max(len(shown) * len(start), 1)
    among = Among(
        asked, folder, list(shown), "meter-years/s", len(start) / HOURS_OF_YEAR, ("--budget", f"{budget:.6f}")
    )
    _beside(result, among, ANOMALIES, ANOMALY_ROWS, meter_years_per_s)


@dataclass(frozen=True, slots=True)
class Among:
    """Who is asked about what: ``candidates`` are the meters that could be asked about; ``weight`` is what one of
    them counts in ``rate``; ``words`` go to every child."""

    asked: Asked
    folder: Folder
    candidates: list[str]
    rate: str
    weight: float
    words: tuple[str, ...] = ()


def _beside(result: Result, among: Among, peers: Mapping[str, Peer], rows: tuple[str, ...], ours: float) -> None:
    asked = among.asked
    meters = spaced(among.candidates, asked.peer_meters)
    whole = len(meters) == len(among.candidates)
    site = asked.site if whole else cut(among.folder, meters, asked.out / "peers" / "site")
    result.notes.append(f"peers: {len(meters)} of {len(among.candidates)} meters, the same for ours in this table:")
    columns = {"ours": _verdict(asked, site, asked.out) | {among.rate: ours}}
    for name, peer in peers.items():
        out = asked.out / "peers" / name
        child = ask((name, str(site.resolve()), str(out.resolve()), *among.words, *meters), out, asked.peer_python)
        if tell(result, name, peer, child, len(meters)):
            speed = len(meters) * among.weight / max(sum(child.cpu_s.values()), 1e-9)
            result.add(f"{name}: speed", speed, among.rate, ratio=speed / ours, against="ours")
            columns[name] = judged_or_told(result, name, asked, site, out) | {among.rate: speed}
    result.notes.append(side_by_side(columns, rows))


def is_main(folder: Folder, meter: str) -> bool:
    """Whether the judge asks about it."""
    row = folder.meters[meter]
    return row["role"] == "main" and row["medium"] in ("electricity", "gas")


def spaced(meters: list[str], most: int | None) -> list[str]:
    """At most so many, evenly spaced."""
    if most is None or len(meters) <= most:
        return meters
    return [meters[k * len(meters) // most] for k in range(most)]


def cut(folder: Folder, meters: list[str], to: Path) -> Path:
    """A site folder with some meters' energy; all else is linked."""
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True)
    for each in folder.path.resolve().iterdir():
        if each.is_file() and each.name not in CUT:
            (to / each.name).symlink_to(each)
    for name in (*CUT, "faults/energy.parquet"):
        if (folder.path / name).exists():
            (to / name).parent.mkdir(exist_ok=True)
            pq.write_table(pq.read_table(folder.path / name, columns=["time", *meters]), to / name)
    if (folder.path / "faults").exists():
        _cut_rows(folder.path / "faults" / "events.csv", meters, to / "faults" / "events.csv")
    return to


def _cut_rows(path: Path, meters: list[str], to: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    at = head.index("meter")
    write_rows(to, head, [row for row in rows if row[at] in set(meters)])


def ask(words: Sequence[str], out: Path, python: str) -> Child:
    """Run the peer's process to its end; what it left before is taken away."""
    shutil.rmtree(out, ignore_errors=True)
    call = [python, "-m", "benchmarks.peers", *words]
    try:
        done = subprocess.run(
            call, cwd=ROOT, env=os.environ | ONE_THREAD, capture_output=True, text=True, check=False, timeout=LONGEST_S
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        return Child({}, {}, str(fault))
    said = (done.stderr.strip().splitlines() or ["no word"])[-1]
    if done.returncode == NOT_INSTALLED or said.startswith("ModuleNotFoundError"):
        return Child({}, {}, said, installed=False)
    if done.returncode:
        return Child({}, {}, f"ended with {done.returncode}: {said}")
    if not (out / "cost.json").exists():
        return Child({}, {}, "it ended without an answer")
    cost = json.loads((out / "cost.json").read_text(encoding="utf-8"))
    return Child(cost["cpu_s"], cost["failed"], peeks=bool(cost["peeks"]))


def tell(result: Result, name: str, peer: Peer, child: Child, meters: int) -> bool:
    """Say in notes what a peer could not do; whether it answered at all."""
    if not child.installed:
        result.notes.append(
            f"{name}: left out, {peer.package or 'pyarrow'} is not installed where --peer-python points ({child.fault})"
        )
        return False
    failed = meters if child.fault else len(child.failed)
    result.add(f"{name}: meters it raised an error for", failed, "", ratio=failed / meters, against="meters asked")
    if child.fault:
        result.notes.append(f"{name}: failed on all {meters} meters, {child.fault}")
        return False
    if child.failed:
        meter, words = next(iter(child.failed.items()))
        result.notes.append(f"{name}: {len(child.failed)} meters failed, {meter} with {words}")
    if child.peeks:
        result.notes.append(f"{name}: its prediction changes with the energy of the year that is predicted")
    return True


def _verdict(asked: Asked, site: Path, answers: Path) -> Column:
    if asked.judge is None:
        return {}
    parts: dict[str, dict[str, Any]] = judged(replace(asked, site=site), answers)
    return {
        f"{part} {key}": float(value)
        for part, told in parts.items()
        for key, value in told.items()
        if isinstance(value, (int, float))
    }


def judged_or_told(result: Result, name: str, asked: Asked, site: Path, answers: Path) -> Column:
    """What the judge says of a peer's answers; answers that cannot be judged are not the end of the others."""
    try:
        return _verdict(asked, site, answers)
    except TheirsError as fault:
        result.notes.append(f"{name}: its answers could not be judged ({fault})")
        return {}


def side_by_side(columns: Mapping[str, Column], rows: tuple[str, ...]) -> str:
    """One line a figure, one column each for ours and every peer; a dash where somebody says nothing."""
    told = [row for row in rows if any(row in c for c in columns.values())]
    head = {row: row.partition(" ")[2] or row for row in told}  # without the judge's part
    wide = max(map(len, head.values()))
    lines = [" " * wide + "".join(f"  {name:>9}" for name in columns)]
    for row in told:
        cells = "".join(f"  {_text(c.get(row)):>{max(9, len(name))}}" for name, c in columns.items())
        lines.append(f"{head[row]:{wide}}{cells}")
    return "\n".join(lines)


def _text(value: float | None) -> str:
    return "–" if value is None or isnan(value) else f"{value:.4g}"
