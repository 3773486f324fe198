"""``python -m benchmarks.peers PEER SITE ANSWERS [--budget EPISODES] METER …``: the process in which a peer answers.

Leaves predictions.parquet and savings.csv, or scores.parquet and episodes.csv, and ``cost.json``: CPU seconds by
meter, by meter why there is no answer, and whether a prediction looked at the year that it predicts. Ends with
``NOT_INSTALLED`` where the peer cannot be imported.
"""

import argparse
import importlib
import json
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from benchmarks.peers.catalogue import ANOMALIES, NOT_INSTALLED, SAVINGS, Peer
from benchmarks.peers.episodes import episodes, in_own_scatter
from benchmarks.peers.folder import Floats, Folder, Hours, Times, read_folder, read_hours, write_hours, write_rows
from benchmarks.peers.told import Expected

Told = TypeVar("Told")


@dataclass(slots=True)
class Answered(Generic[Told]):
    """``told`` by meter · ``cpu_s`` of each that was asked about · ``failed``: why there is nothing."""

    told: dict[str, Told] = field(default_factory=dict)
    cpu_s: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def ask(self, meters: Sequence[str], peer: Callable[[str], Told]) -> None:
        """One meter after the other. The first is asked twice: imports and compilation are nobody's time per meter."""
        for k, meter in enumerate([*meters[:1], *meters]):
            began = time.process_time()
            try:
                told = peer(meter)
            except Exception as fault:  # noqa: BLE001  (whatever a peer raises, it has failed this meter)
                self.failed[meter] = f"{type(fault).__name__}: {fault}"[:300]
            else:
                self.told[meter] = told
                self.failed.pop(meter, None)
            if k:
                self.cpu_s[meter] = time.process_time() - began

    def write(self, out: Path, *, peeks: bool = False) -> None:
        cost = {"cpu_s": self.cpu_s, "failed": self.failed, "peeks": peeks}
        (out / "cost.json").write_text(json.dumps(cost), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.peers")
    parser.add_argument("peer", choices=[*SAVINGS, *ANOMALIES])
    parser.add_argument("site", type=Path)
    parser.add_argument("answers", type=Path)
    parser.add_argument("--budget", type=float, default=0.5)
    parser.add_argument("meters", nargs="+")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")  # peers warn for every meter; what they cannot do is in cost.json
    peer = function_of((SAVINGS | ANOMALIES)[asked.peer])
    asked.answers.mkdir(parents=True, exist_ok=True)
    folder = read_folder(asked.site)
    if asked.peer in SAVINGS:
        expect(peer, folder, asked.meters, asked.answers)
    else:
        detect(peer, folder, asked.meters, asked.answers, asked.budget)


def function_of(peer: Peer) -> Callable[[Hours, Hours, str], Any]:
    """The peer itself; ends the process where its package is not there."""
    try:
        importlib.import_module(peer.needs)
        module = importlib.import_module(f"benchmarks.peers.{peer.module}")
    except ImportError as fault:
        print(fault, file=sys.stderr)
        sys.exit(NOT_INSTALLED)
    found: Callable[[Hours, Hours, str], Any] = getattr(module, peer.function)
    return found


def expect(peer: Callable[[Hours, Hours, str], Expected], folder: Folder, meters: Sequence[str], out: Path) -> None:
    """Predictions and savings of meters, each from its train year."""
    train, test = (folder.year(y) for y in (folder.train or 0, folder.test or 0))
    answered: Answered[Expected] = Answered()
    answered.ask(meters, lambda m: peer(folder.hours(m, train), folder.hours(m, test), folder.zone))
    looked = any(peeks(peer, folder, m, t.kwh) for m, t in list(answered.told.items())[:1])
    write_hours(out / "predictions.parquet", folder.start[test], {m: t.kwh for m, t in answered.told.items()})
    rows = [(m, t.avoided_kwh, t.low_kwh, t.high_kwh, t.refused) for m, t in answered.told.items()]
    write_rows(out / "savings.csv", ("meter", "avoided_kwh", "low_kwh", "high_kwh", "refused"), rows)
    answered.write(out, peeks=looked)


def peeks(peer: Callable[[Hours, Hours, str], Expected], folder: Folder, meter: str, told: Floats) -> bool:
    """Whether a prediction is another one when the test year's energy is."""
    train, test = (folder.hours(meter, folder.year(y)) for y in (folder.train or 0, folder.test or 0))
    again = peer(train, replace(test, kwh=test.kwh[::-1].copy()), folder.zone).kwh
    return not np.allclose(again, told, equal_nan=True, rtol=1e-9)


def detect(
    peer: Callable[[Hours, Hours, str], Floats], folder: Folder, meters: Sequence[str], out: Path, budget: float
) -> None:
    """Scores and, at the budget, episodes of the faulty year, with the train year for history; of the whole where no
    years are named, which is then its own history."""
    start, both = seen(folder)
    answered: Answered[Floats] = Answered()
    answered.ask(meters, lambda m: in_own_scatter(peer(*both(m), folder.zone)))
    scores = answered.told
    write_hours(out / "scores.parquet", start, scores)
    rows = [(m, f"{start[a]}Z", f"{start[b]}Z", "odd", "") for m, a, b in episodes(scores, budget)]
    write_rows(out / "episodes.csv", ("meter", "start", "end", "kind", "excess_kwh"), rows)
    answered.write(out)


def seen(folder: Folder) -> tuple[Times, Callable[[str], tuple[Hours, Hours]]]:
    """Hours that are examined, and by meter its history and what is shown of it."""
    if folder.train is None or folder.test is None:
        whole = slice(0, len(folder.start))

        def alone(meter: str) -> tuple[Hours, Hours]:
            hours = folder.hours(meter, whole)
            return hours, hours

        return folder.start, alone
    train, test = folder.year(folder.train), folder.year(folder.test)
    faults = folder.path / "faults" / "energy.parquet"
    start, shown = (
        read_hours(faults) if faults.exists() else (folder.start[test], {m: e[test] for m, e in folder.energy.items()})
    )
    nothing = np.full(len(start), np.nan)
    return start, lambda m: (folder.hours(m, train), Hours(start, shown[m], nothing))


if __name__ == "__main__":
    main()
