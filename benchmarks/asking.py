"""Asks benchmarks and the judge, each in a process of its own, several at a time, and shows how far they are.

Strategy: threads wait for processes, as many at a time as there are cores; every process has one BLAS thread. What is
alone on the machine is asked for alone (speeds).
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.result import Figure
from benchmarks.spread import interval
from benchmarks.tasks import value
from submeter.words import TheirsError

ROOT: Final = Path(__file__).resolve().parent.parent
ONE_THREAD: Final = dict.fromkeys((f"{each}_NUM_THREADS" for each in ("OPENBLAS", "OMP", "MKL")), "1")
AT_ONCE: Final = 10
"""draws that a judge's process scores before it says so"""
Pools = Mapping[str, tuple[Path, Path]]
"""site and answers folder by the name that their meters get in front"""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge says of the buildings as they are, and of each draw of them."""

    whole: Mapping[str, Any] = field(default_factory=dict)
    draws: Sequence[Mapping[str, Any]] = ()

    def number(self, key: str) -> float:
        return value(self.whole, key)

    def spread(self, key: str) -> tuple[float, float] | None:
        return interval([value(draw, key) for draw in self.draws]) if self.draws else None


@dataclass(frozen=True, slots=True)
class Judge:
    """``file`` of the judge, ``python`` that has what it needs."""

    file: Path
    python: str

    def ask(self, part: str, pools: Pools, draws: Sequence[int] = (), *, whole: bool = True) -> Verdict:
        """Score ``part`` of pooled answers. Raises TheirsError with the judge's own words where it gave no verdict."""
        job = {"part": part, "pools": {k: [str(s), str(a)] for k, (s, a) in pools.items()}, "draws": list(draws),
               "whole": whole}  # fmt: skip
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            json.dump(job, file)
            file.flush()
            told = json.loads(child(self.python, "benchmarks.rejudge", str(self.file), file.name))
        return Verdict(told["all"], told["draws"])


def figures(name: str, *words: str | Path) -> dict[str, Figure]:
    """``python -m benchmarks NAME WORDS`` by name of the figure."""
    told = json.loads(child(sys.executable, "benchmarks", name, *map(str, words), "--json"))
    return {each["name"]: Figure(**each) for each in told["figures"]}


def child(python: str, module: str, *words: str) -> str:
    """What a module of ours says on its standard output. Raises TheirsError with its last words where it fails."""
    call = [python, "-m", module, *words]
    done = subprocess.run(call, cwd=ROOT, env=os.environ | ONE_THREAD, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason"])[-1]
        raise TheirsError(f"{module} {' '.join(words)}: {said}")
    return done.stdout


class Crew:
    """Does jobs side by side and moves a bar."""

    def __init__(self, cores: int, progress: Progress) -> None:
        self.cores, self.progress = cores, progress

    def do(self, what: str, jobs: Mapping[T, Callable[[], Any]], *, cores: int | None = None) -> dict[T, Any]:
        """The results by the jobs' names. Raises what a job raised, when those that run have ended."""
        bar = self.progress.add_task(what, total=len(jobs))
        with ThreadPoolExecutor(cores or self.cores) as pool:
            names = {pool.submit(job): name for name, job in jobs.items()}
            try:
                done = {}
                for each in as_completed(names):
                    done[names[each]] = each.result()
                    self.progress.advance(bar)
                return done
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def judged(self, judge: Judge, asked: Mapping[T, tuple[str, Pools, bool]], draws: int) -> dict[T, Verdict]:
        """The verdict of each (part, pools, spread), scored whole and, for a spread, ``draws`` times."""
        jobs: dict[tuple[T, int], Callable[[], Any]] = {}
        for name, (part, pools, spread) in asked.items():
            jobs[name, -1] = _job(judge, part, pools, range(0), whole=True)
            for k in range(0, draws if spread else 0, AT_ONCE):
                jobs[name, k] = _job(judge, part, pools, range(k, min(k + AT_ONCE, draws)), whole=False)
        told = self.do(f"judging, {draws} draws of buildings", jobs)
        several = {name: sorted(k for each, k in jobs if each == name and k >= 0) for name in asked}
        return {
            name: Verdict(told[name, -1].whole, [draw for k in several[name] for draw in told[name, k].draws])
            for name in asked
        }


def _job(judge: Judge, part: str, pools: Pools, draws: range, *, whole: bool) -> Callable[[], Verdict]:
    return lambda: judge.ask(part, pools, draws, whole=whole)


@contextmanager
def crew(cores: int) -> Iterator[Crew]:
    """With a bar for each step on the standard error."""
    columns = (TextColumn("{task.description:>32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield Crew(cores, progress)
