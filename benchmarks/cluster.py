"""A portfolio's studies on one core, on two, and on Dask workers of this and of other machines: are they the same?

Strategy: a place with a site's buildings is copied as often as it is studied, by ``submeter study`` as a user would,
with a scheduler and two workers that are started by hand. What the stores then hold is compared: entries and rows, bit
for bit on this machine. Another machine is pretended by a worker whose OpenBLAS and NumPy are told not to use what this
processor has: they then add up in another order, as they would on an older one. Kilowatt-hours, yuan and kilograms are
held against the largest of their entry (a small saving is the difference of two large numbers), ratios against one;
rows are stored in whole micro-units and may differ by the last.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from benchmarks.result import Result
from benchmarks.servers import HOST, await_port, free_port, process
from benchmarks.site import read_site
from benchmarks.stored_site import store_site
from submeter.stores import Column
from submeter.stores.embedded import EmbeddedStore
from submeter.words import Entry, TheirsError

ROOT: Final = Path(__file__).resolve().parent.parent
SAME: Final = 1e-9
UNITS: Final = ("kwh", "yuan", "kg")
ALWAYS: Final = (np.datetime64(0, "s"), np.datetime64(2**40, "s"))
LONGEST_S: Final = 1800
Machines = tuple[Mapping[str, str], ...]
"""what the environment of each worker says of its BLAS and NumPy"""
Held = tuple[dict[tuple[str, str], Any], dict[Column, Any]]
"""what a store holds: entries by type and id, as plain data, and rows by column"""


RUNS: Final = ("two processes", "two Dask workers", "two Dask workers of other machines")


def run(site: str, buildings: str = "12", *names: str) -> Result:
    """Study ``buildings`` of a site folder that names its years (of :data:`RUNS` those named, or all). Raises
    TheirsError where it names none."""
    of_site = read_site(Path(site))
    if of_site.train is None or of_site.test is None:
        raise TheirsError(f"{site}/site.toml names no train and test year: there is nothing to study")
    result = Result()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        settings, end = store_site(of_site, int(buildings), folder / "place")
        studied = Studied(settings.parent, f"{end}+00:00")
        alone, seconds = studied.study("one core", ("--cores", "1"))
        told = [key for key in alone[0] if key[0] in ("Baseline", "Saving", "Finding")]
        result.add("buildings", int(buildings), "")
        result.add("baselines, savings and findings", len(told), "")
        result.add("one core", seconds, "s")
        machines_of: dict[str, Machines] = dict(zip(RUNS, ((), ({}, {}), others()), strict=True))
        for name in names or RUNS:
            machines = machines_of[name]
            with ExitStack() as stack:
                address = stack.enter_context(dask(folder / name, machines)) if machines else ""
                held, spent = studied.study(name, ("--dask", address) if machines else ("--cores", "2"))
            result.add(name, spent, "s", ratio=spent / seconds, against="one core")
            if machines == others():
                result.limited(f"{name}: largest difference", farthest(alone, held), "relative", SAME)
            else:
                every, off = len(alone[0]) + len(alone[1]), differing(alone, held)
                result.add(f"{name}: entries and columns that differ", off, "", target="0", ratio=off / every,
                           against="all of them")  # fmt: skip
    result.notes.append(_machines_told())
    return result


def _machines_told() -> str:
    return "Other machines: " + "; ".join(" ".join(f"{k}={v}" for k, v in each.items()) for each in others())


def others() -> Machines:
    """Two machines that this one is not, as what their BLAS and NumPy may use (both are x86-64 alone)."""
    found: list[str] = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    newest = [each for each in found if each != "X86_V3"]
    return (
        {"OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": " ".join(newest)},
        {"OPENBLAS_CORETYPE": "Prescott", "NPY_DISABLE_CPU_FEATURES": " ".join(found)},
    )


class Studied:
    """Copies of one place, each studied once."""

    def __init__(self, place: Path, instant: str) -> None:
        self.place, self.instant = place, instant

    def study(self, name: str, words: Sequence[str]) -> tuple[Held, float]:
        """What the copy's store holds afterwards, and the seconds it took. Raises TheirsError with its words."""
        copy = self.place.with_name(f"{self.place.name}, {name}")
        shutil.copytree(self.place, copy)
        call = [sys.executable, "-m", "submeter", "study", "--settings", str(copy / "settings.toml"),
                "--at", self.instant, "--json", *words]  # fmt: skip
        begun = time.monotonic()
        done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LONGEST_S)
        spent = time.monotonic() - begun
        refused = [row for row in map(json.loads, done.stdout.splitlines()) if row.get("refused")]
        if done.returncode or refused:
            raise TheirsError(f"submeter study, {name}: {refused or done.stderr.strip()[-500:]}")
        return held(copy / "store.db"), spent


@contextmanager
def dask(folder: Path, machines: Machines) -> Iterator[str]:
    """A scheduler and a worker for each machine, as one starts them by hand; the scheduler's address."""
    from distributed import Client  # noqa: PLC0415  (an extra that nothing else here needs)

    folder.mkdir()
    port, log = free_port(), folder / "log"
    address = f"tcp://{HOST}:{port}"
    with ExitStack() as stack:
        words = ("--host", HOST, "--port", str(port), "--no-dashboard", "--no-show")
        child = stack.enter_context(process((sys.executable, "-m", "dask", "scheduler", *words), log))
        await_port(port, child, log)
        for k, machine in enumerate(machines):
            options = (address, "--host", HOST, "--nthreads", "1", "--no-nanny", "--no-dashboard",
                     "--local-directory", str(folder / str(k)))  # fmt: skip
            command = (sys.executable, "-m", "dask", "worker", *options)
            stack.enter_context(process(command, log, env=os.environ | machine, cwd=ROOT))
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(len(machines), timeout=60)
        yield address


def held(path: Path) -> Held:
    """All entries and all rows of a store."""
    store = EmbeddedStore(path)
    try:
        entries = {
            (kind.__name__, each.id): msgspec.to_builtins(each) for kind in kinds() for each in store.entries(kind)
        }
        columns = store.columns()
        rows = dict(zip(columns, store.read_intervals(columns, *ALWAYS), strict=True))
    finally:
        store.close()
    return entries, rows


def kinds() -> list[type[Entry]]:
    return sorted(Entry.__subclasses__(), key=lambda kind: kind.__name__)


def differing(one: Held, other: Held) -> int:
    """How many entries and columns are not the same to the last bit, or are in one alone."""
    entries = [key for key in one[0].keys() | other[0].keys() if one[0].get(key) != other[0].get(key)]
    columns = [c for c in one[1].keys() | other[1].keys() if not _same_rows(one[1].get(c), other[1].get(c))]
    return len(entries) + len(columns)


def _same_rows(one: Any, other: Any, micro: int = 0) -> bool:
    if one is None or other is None or len(one) != len(other):
        return False
    rest = all(np.array_equal(getattr(one, f), getattr(other, f)) for f in ("start", "known", "method", "flags"))
    return rest and bool(np.abs(one.micro - other.micro).max(initial=0) <= micro)


def farthest(one: Held, other: Held) -> float:
    """The largest relative difference; infinite where entries, rows, words or counts are not the same."""
    if one[0].keys() != other[0].keys() or one[1].keys() != other[1].keys():
        return float("inf")
    if not all(_same_rows(one[1][c], other[1][c], micro=1) for c in one[1]):
        return float("inf")
    return max((apart(one[0][key], other[0][key]) for key in one[0]), default=0.0)


def apart(one: Any, other: Any) -> float:
    """The same of two entries as plain data."""
    (words, numbers), (words_too, numbers_too) = taken_apart(one), taken_apart(other)
    if words != words_too or any(len(numbers[u]) != len(numbers_too[u]) for u in numbers):
        return float("inf")
    return max((_relative(numbers[u], numbers_too[u], u) for u in numbers), default=0.0)


def _relative(one: list[float], other: list[float], unit: str) -> float:
    """Numbers that are unknown (NaN) in one alone, or differ from nothing but zeros, are infinitely far apart."""
    a, b = np.asarray(one), np.asarray(other)
    off = ~((a == b) | (np.isnan(a) & np.isnan(b)))
    if not off.any():
        return 0.0
    scale = np.abs(a[np.isfinite(a)]).max(initial=0.0 if unit in UNITS else 1.0)
    far = float(np.abs(a - b)[off].max()) / scale if scale else float("inf")
    return far if np.isfinite(far) else float("inf")


def taken_apart(entry: Any) -> tuple[list[Any], dict[str, list[float]]]:
    """Words, counts and structure of an entry, and its fractional numbers by unit (or by field, without one)."""
    words: list[Any] = []
    numbers: dict[str, list[float]] = {}

    def walk(name: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, each in value.items():
                words.append(key)
                walk(str(key), each)
        elif isinstance(value, list):
            words.append(len(value))
            for each in value:
                walk(name, each)
        elif isinstance(value, float):
            unit = name.rpartition("_")[2]
            numbers.setdefault(unit if unit in UNITS else name, []).append(value)
        else:
            words.append(value)

    walk("", entry)
    return words, numbers
