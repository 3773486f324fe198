"""Lines of code per package: lines that are neither blank nor comment alone; against the tests' lines."""

from pathlib import Path

from benchmarks.result import Result

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("submeter", "collector", "firmware_sim", "analytics", "dashboards", "benchmarks")


def run() -> Result:
    result = Result()
    counts = {name: count(ROOT / name) for name in PACKAGES}
    tests = count(ROOT / "tests")
    for name, lines in counts.items():
        mirror = count(ROOT / "tests" / name)
        result.add(name, lines, "lines", ratio=mirror / lines if lines else None, against="its tests' lines")
    result.add(
        "all code", sum(counts.values()), "lines", ratio=tests / sum(counts.values()), against="all tests' lines"
    )
    return result


def count(folder: Path) -> int:
    return sum(_lines(path) for path in folder.rglob("*.py"))


def _lines(path: Path) -> int:
    text = path.read_text(encoding="utf-8").splitlines()
    return sum(1 for line in text if line.strip() and not line.lstrip().startswith("#"))
