"""Answers about a site folder: where they go, and what a judge says of them.

Strategy: the judge is a program outside this repository that scores a folder of answers; it runs as a process of its
own, by an interpreter that has pandas, and knows nothing of the product.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.result import Result
from submeter.words import TheirsError

PEER_METERS: Final = 50
"""some peers take seconds a meter"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a benchmark over a site was asked for."""

    site: Path
    out: Path
    judge: Path | None
    python: str
    peers: bool
    peer_python: str = sys.executable
    """the interpreter that has the peers (the extra ``peers``)"""
    peer_meters: int | None = None
    """how many meters they are asked about at most, None = all"""


def read_args(name: str, args: Sequence[str]) -> Asked:
    """``SITE --out DIR [--judge FILE] [--python PYTHON] [--peers [--peer-python PYTHON] [--peer-meters N |
    --all-meters]]``. Raises TheirsError for anything else."""
    parser = argparse.ArgumentParser(f"benchmarks {name}", exit_on_error=False, add_help=False)
    parser.add_argument("site", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--judge", type=Path)
    parser.add_argument("--python", default=os.environ.get("SUBMETER_JUDGE_PYTHON", sys.executable))
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--peer-python", default=os.environ.get("SUBMETER_PEER_PYTHON", sys.executable))
    parser.add_argument("--peer-meters", type=int, default=PEER_METERS)
    parser.add_argument("--all-meters", action="store_true")
    try:
        told, rest = parser.parse_known_args(args)
    except (argparse.ArgumentError, SystemExit) as fault:
        raise TheirsError(f"say: {name} SITE --out DIR [--judge FILE] [--python PYTHON] [--peers]") from fault
    if rest:
        raise TheirsError(f"what is {' '.join(rest)}? say: {name} SITE --out DIR [--judge FILE] [--peers]")
    if told.peer_meters < 1:
        raise TheirsError(f"--peer-meters {told.peer_meters}: at least 1")
    most = None if told.all_meters else told.peer_meters
    return Asked(told.site, told.out, told.judge, told.python, told.peers, told.peer_python, most)


def judged(asked: Asked, answers: Path) -> dict[str, dict[str, Any]]:
    """The judge's verdict by part. Raises TheirsError with the judge's own words where it gave none."""
    call = [asked.python, str(asked.judge), str(asked.site), str(answers), "--json"]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    if done.returncode:
        told = done.stderr.strip().splitlines()[-1:] or ["no reason"]
        raise TheirsError(
            f"{asked.judge}: {told[0]} (it needs pandas and pyarrow: install the extra 'judge', or name an interpreter "
            "that has them with --python)"
        )
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found


def add_verdict(result: Result, part: str, told: dict[str, Any], targets: dict[str, tuple[str, float]]) -> None:
    """A judge's numbers as figures, with the issue's limit beside those that have one; the rest as notes."""
    for key, value in told.items():
        if not isinstance(value, (int, float)):
            result.notes.append(f"{part} {key}: {value}")
            continue
        sign, limit = targets.get(key, ("", 0.0))
        ratio = value / limit if sign and limit else None
        result.add(f"{part} {key}", value, "", target=f"{sign} {limit:g}" if sign else "", ratio=ratio,
                   against="the target" if ratio is not None else "")  # fmt: skip
