"""The table of a closing note: a figure a row, with its spread, its target, whether that is met, and the best peer.

Strategy: a row keeps numbers; how they look is decided here, once for the terminal and once for a page. A target is a
span; what lies on its edge is inside. Written between two marks of a page, the table can be renewed by a command and
never by hand.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from submeter.words import TheirsError

BEGIN: Final = "<!-- analytics: begin (python -m benchmarks analytics … --into this file) -->"
END: Final = "<!-- analytics: end -->"
HEAD: Final = ("task", "figure", "ours", "90 % over buildings", "target", "met", "best peer")


@dataclass(frozen=True, slots=True)
class Target:
    """From ``low`` to ``high``, both included."""

    low: float = -math.inf
    high: float = math.inf

    def met(self, value: float) -> bool:
        return self.low <= value <= self.high

    def worse_by(self, value: float) -> float:
        """How far a value lies from the best that the target knows: a span's middle, or its open end."""
        if math.isfinite(self.low) and math.isfinite(self.high):
            return abs(value - (self.low + self.high) / 2)
        return value if math.isfinite(self.high) else -value


@dataclass(frozen=True, slots=True)
class Row:
    """``shape`` is a format of one number. ``others`` are further runs of the same (another seed), which must meet the
    target, too. ``peers`` are what each of them reached, with what has to be said of it."""

    task: str
    figure: str
    ours: float
    shape: str = "{:.3f}"
    target: Target = Target()
    spread: tuple[float, float] | None = None
    others: Mapping[str, float] = field(default_factory=dict)
    peers: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    note: str = ""

    @property
    def met(self) -> bool | None:
        """None where there is no target, or no number of ours."""
        if self.target == Target():
            return None
        return all(self.target.met(value) for value in (self.ours, *self.others.values()))

    def cells(self) -> tuple[str, ...]:
        ours = "; ".join([self.text(self.ours), *(f"{name} {self.text(v)}" for name, v in self.others.items())])
        spread = "–" if self.spread is None else " … ".join(map(self.text, self.spread))
        met = {True: "yes", False: "no", None: "–"}[self.met]
        return (self.task, self.figure, f"{ours} {self.note}".strip(), spread, self.wanted(), met, self.best())

    def text(self, value: float) -> str:
        if math.isnan(value):
            return "–"
        return "∞" if math.isinf(value) else self.shape.format(value)

    def wanted(self) -> str:
        low, high = math.isfinite(self.target.low), math.isfinite(self.target.high)
        if low and high:
            return f"{self.text(self.target.low)} … {self.text(self.target.high)}"
        return f"≥ {self.text(self.target.low)}" if low else f"≤ {self.text(self.target.high)}" if high else ""

    def best(self) -> str:
        told = {name: v for name, v in self.peers.items() if not math.isnan(v[0])}
        if not told:
            return "–"
        name = min(told, key=lambda each: self.target.worse_by(told[each][0]))
        return f"{self.text(told[name][0])} {name} {told[name][1]}".strip()

    def as_dict(self) -> dict[str, Any]:
        return {
            "task": self.task, "figure": self.figure, "ours": self.ours, "spread": self.spread, "target": self.wanted(),
            "met": self.met, "others": dict(self.others), "peers": {n: v for n, (v, _) in self.peers.items()},
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Board:
    rows: list[Row]
    notes: list[str] = field(default_factory=list)

    def table(self) -> Table:
        """For a terminal; a task is named once."""
        table = Table(*HEAD)
        seen = ""
        for row in self.rows:
            task, *rest = row.cells()
            table.add_row("" if task == seen else task, *rest, end_section=False)
            seen = task
        return table

    def markdown(self) -> str:
        """For a page."""
        lines = [HEAD, ("---",) * len(HEAD), *(row.cells() for row in self.rows)]
        table = "\n".join(f"| {' | '.join(cell.replace('|', '∣') for cell in line)} |" for line in lines)
        return "\n\n".join([table, *self.notes])


def written_into(page: Path, text: str) -> None:
    """Put ``text`` between the marks of a page. Raises TheirsError where it has none."""
    whole = page.read_text(encoding="utf-8")
    before, begun, rest = whole.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        raise TheirsError(f"{page} has no place for the table; write the lines {BEGIN!r} and {END!r} into it")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")
