"""Small pictures drawn by the server as SVG geometry, so that the first screen needs no script.

Coordinates are in a box of WIDTH × HEIGHT; None where a line is broken. Attributes only: the content policy allows no
inline style.
"""

from dataclasses import dataclass

from dashboards.queries.month import Share
from dashboards.queries.peers import Standing
from dashboards.queries.today import Today

WIDTH, HEIGHT = 132.0, 26.0


@dataclass(frozen=True, slots=True)
class Spark:
    """Paths of a day: the expected band (closed) and the actual load (broken where missing)."""

    band: str
    line: str


def spark(day: Today) -> Spark:
    shown = [v for row in (day.actual, day.high) for v in row if v is not None]
    top = max(shown, default=0.0) or 1.0
    high, low = _dots(day.high, top), _dots(day.low, top)
    both = [(h, v) for h, v in zip(high, low, strict=True) if h and v]
    band = _path([h for h, _ in both] + [v for _, v in reversed(both)]) + "Z" if both else ""
    return Spark(band, _pieces(_dots(day.actual, top)))


Dot = tuple[float, float]


def _dots(values: list[float | None], top: float) -> list[Dot | None]:
    step = WIDTH / max(len(values) - 1, 1)
    return [None if v is None else (n * step, HEIGHT - 1 - v / top * (HEIGHT - 2)) for n, v in enumerate(values)]


def _path(dots: list[Dot]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in dots) if dots else ""


def _pieces(dots: list[Dot | None]) -> str:
    """One path for each unbroken run; a lone dot becomes a short dash."""
    runs: list[list[Dot]] = [[]]
    for dot in dots:
        if dot is None:
            runs.append([])
        else:
            runs[-1].append(dot)
    return "".join(_path(r if len(r) > 1 else [r[0], (r[0][0] + 1.5, r[0][1])]) for r in runs if r)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar of width 1000."""

    item: str
    x: float
    width: float
    share: Share


def bar(shares: list[Share]) -> list[Piece]:
    pieces: list[Piece] = []
    x = 0.0
    for share in shares:
        pieces.append(Piece(share.item or "none", round(x, 1), round(share.share * 1000, 1), share))
        x += share.share * 1000
    return pieces


STRIP_WIDTH, STRIP_EDGE = 200.0, 8.0


@dataclass(frozen=True, slots=True)
class Strip:
    """Places on a line from zero to the most: the others' dots, ours, the others' middle (None = not known)."""

    others: list[float]
    ours: float | None
    middle: float | None


def strip(one: Standing) -> Strip:
    """A building's figure among its peers; no dots where nothing is known."""
    known = [p.value for p in one.peers] + ([] if one.value is None else [one.value])
    top, low = max([*known, 0.0]), min([*known, 0.0])
    wide = (top - low) or 1.0

    def x(value: float) -> float:
        return round(STRIP_EDGE + (value - low) / wide * (STRIP_WIDTH - 2 * STRIP_EDGE), 1)

    return Strip(
        [x(p.value) for p in one.peers],
        None if one.value is None else x(one.value),
        None if one.median is None else x(one.median),
    )
