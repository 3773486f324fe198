"""All figures of analytics beside their targets and the peers, as one table: ``analytics SITES --judge FILE``.

Strategy: what a folder of sites holds decides what is asked: train and test year → predictions, hidden savings, faults,
live; labels → those; sub-meters below a parent → who is to blame. Everything is answered by the public commands of this
package, each in a process of its own with one BLAS thread; speeds first, while nothing else runs. The judge then scores
the answers, and the answers of drawn buildings, in its own interpreter (:mod:`benchmarks.rejudge`). Peers come last,
when ours are written down; what they answered before is kept (:mod:`benchmarks.peers.kept`).
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.analytics_rows import Peered, rows
from benchmarks.asking import Judge, crew
from benchmarks.board import Board, written_into
from benchmarks.made import Maker
from benchmarks.own import Own, kinds_of
from benchmarks.result import Result
from benchmarks.rivals import Rivals
from benchmarks.spread import LEAST
from submeter.words import TheirsError

DRAWS: Final = 100
QUIET: Final = 0.75
"""load a core, above which the machine does something else"""
SAY: Final = (
    "analytics SITES --judge FILE [--judge-python PYTHON] [--peers] [--peer-python PYTHON] [--out DIR] [--draws N] "
    "[--cores N] [--into PAGE]"
)


@dataclass(frozen=True, slots=True)
class Asked:
    sites: Path
    judge: Judge
    out: Path
    peers: bool
    peer_python: str
    draws: int
    cores: int
    into: Path | None


def read_words(words: Sequence[str]) -> Asked:
    """Raises TheirsError for what is not understood."""
    parser = argparse.ArgumentParser("benchmarks analytics", exit_on_error=False, add_help=False, allow_abbrev=False)
    parser.add_argument("sites", type=Path)
    parser.add_argument("--judge", type=Path, required=True)
    parser.add_argument("--judge-python", default=os.environ.get("SUBMETER_JUDGE_PYTHON", sys.executable))
    parser.add_argument("--out", type=Path, default=Path(".submeter/analytics"))
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--peer-python", default=os.environ.get("SUBMETER_PEER_PYTHON", sys.executable))
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--into", type=Path)
    try:
        told, rest = parser.parse_known_args(words)
    except (argparse.ArgumentError, SystemExit) as fault:
        raise TheirsError(f"say: {SAY}") from fault
    if rest:
        raise TheirsError(f"what is {' '.join(rest)}? say: {SAY}")
    if not told.judge.is_file():
        raise TheirsError(f"{told.judge} is not there; --judge names the program that scores answers")
    judge = Judge(told.judge.resolve(), told.judge_python)
    sites, out = told.sites.resolve(), told.out.resolve()
    return Asked(sites, judge, out, told.peers, told.peer_python, told.draws, max(told.cores, 1), told.into)


def run(*words: str) -> Result:
    """Ask everything, write ``table.md`` and ``table.json``, and return the table."""
    asked = read_words(words)
    own = Own(
        kinds_of(asked.sites), Maker(asked.judge.file, asked.judge.python, asked.out / "sites"), asked.out / "ours"
    )
    busy = busy_with(os.getloadavg()[0], asked.cores)
    with crew(asked.cores) as hands:
        own.answer(hands)
        verdicts = hands.judged(asked.judge, own.questions(), asked.draws)

        def told(peered: Peered) -> Board:
            board = Board(list(rows(own, verdicts, peered)), [*about(asked), *busy, *peered.notes])
            write(board, asked)
            return board

        told(Peered())  # ours are safe before the peers begin
        board = told(Rivals(own, asked.out / "peers", asked.peer_python, asked.judge, asked.peers).beside(hands))
    return Result(board=board)


def about(asked: Asked) -> list[str]:
    """What a reader of the table has to know."""
    return [
        f"Spread: percentile interval of {asked.draws} draws of buildings with replacement, each scored by the judge; "
        f"none where there are fewer than {LEAST} buildings. Seeds of a row are pooled, or told beside each other, and "
        "then all have to meet the target. Speeds are in CPU seconds of one core, peers' too. The best peer is the one "
        "nearest to a row's target, over the meters that it manages; detectors tell as many episodes as ours.",
    ]


def busy_with(load: float, cores: int) -> list[str]:
    """A note where others were at work when the speeds were taken: threads that share a core slow each other down."""
    if load < QUIET * cores:
        return []
    return [
        f"The machine was busy ({load:.0f} at work on {cores} cores) when the speeds were taken: on a quiet one they "
        "are higher."
    ]


def write(board: Board, asked: Asked) -> None:
    """``table.md``, ``table.json`` and, where it is asked for, the page."""
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "table.md").write_text(board.markdown() + "\n", encoding="utf-8")
    told = {"rows": [row.as_dict() for row in board.rows], "notes": board.notes}
    (asked.out / "table.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    if asked.into:
        written_into(asked.into, board.markdown())
