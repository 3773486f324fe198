"""What a process and its children cost: CPU seconds and memory, as the kernel counts them (``/proc``, Linux)."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> Iterator[int]:
    """The process and all that descends from it; those that end meanwhile are left out."""
    yield pid
    try:
        told = [path.read_text() for path in (PROC / str(pid) / "task").glob("*/children")]
    except OSError:
        return
    for child in " ".join(told).split():
        yield from family(int(child))


def cpu_s(pid: int) -> float:
    """CPU seconds (user and system) of a process and its living descendants so far."""
    return sum(_cpu_s(each) for each in family(pid))


def _cpu_s(pid: int) -> float:
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) * TICK_S


def memory_mb(pid: int) -> float:
    """Memory of a process and its descendants: the sum of PSS, in which a shared page counts once, shared out."""
    return sum(_pss_kb(each) for each in family(pid)) / 1000


def _pss_kb(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def size_mb(path: Path) -> float:
    """Megabytes (10⁶ bytes) on the disk of a file with what SQLite keeps beside it, or of a folder."""
    files = path.rglob("*") if path.is_dir() else path.parent.glob(f"{path.name}*")
    return sum(file.stat().st_blocks * 512 for file in files if file.is_file()) / 1e6
