"""What a benchmark says: figures with units, and ratios against a peer or a limit of the same run."""

from dataclasses import dataclass, field
from typing import Any

from benchmarks.board import Board


@dataclass(frozen=True)
class Figure:
    """``target`` is in words where there is one; ``ratio`` is the value by that of ``against``."""

    name: str
    value: float
    unit: str
    target: str = ""
    ratio: float | None = None
    against: str = ""


@dataclass
class Result:
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    board: Board | None = None
    """a table of another form, which then stands in the place of the figures"""

    def add(
        self, name: str, value: float, unit: str, *, target: str = "", ratio: float | None = None, against: str = ""
    ) -> None:
        self.figures.append(Figure(name, value, unit, target, ratio, against))

    def limited(self, name: str, value: float, unit: str, limit: float) -> None:
        """A figure that is to stay at or below a limit; the ratio is the share of it that was used."""
        self.add(name, value, unit, target=f"≤ {limit:g}", ratio=value / limit, against="the limit")

    def as_dict(self) -> dict[str, Any]:
        told = {"rows": [row.as_dict() for row in self.board.rows], "notes": self.board.notes} if self.board else {}
        return {"figures": [vars(f) for f in self.figures], "notes": self.notes} | told
