"""What does a typical day look like? The shape of the building's load, as analytics found it."""

from dataclasses import dataclass, field

from dashboards.queries.reader import Reader
from submeter.words import LoadShape


@dataclass(frozen=True, slots=True)
class KindOfDay:
    """``name`` is working (nine in ten of its days are working days), free (none in ten is) or mixed."""

    name: str
    share: float
    kwh: list[float]


@dataclass(frozen=True, slots=True)
class Shape:
    """Of the main meter over the last year; None = not known. ``kinds``: the most frequent kind of day first."""

    building: str
    days: int = 0
    start_ms: int | None = None
    end_ms: int | None = None
    base_kw: float | None = None
    peak_kw: float | None = None
    load_factor: float | None = None
    night_share: float | None = None
    off_share: float | None = None
    heating: float | None = None
    cooling: float | None = None
    heats_below: float | None = None
    cools_above: float | None = None
    kinds: list[KindOfDay] = field(default_factory=list)


def shape(reader: Reader, building: str) -> Shape:
    """An empty shape where there is no main meter, or nothing is known of it yet."""
    main = reader.portfolio.main_of(building)
    found = {s.point: s for s in reader.entries(LoadShape, building)}.get(main.id) if main else None
    if found is None:
        return Shape(building)
    return Shape(
        building, found.days, found.start_ms, found.end_ms, found.base_kw, found.peak_kw, found.load_factor,
        found.night_share, found.off_share, found.heating, found.cooling, found.heats_below, found.cools_above,
        [KindOfDay(_name(kind.working), kind.share, kind.kwh) for kind in found.typical],
    )  # fmt: skip


def _name(working: float) -> str:
    return "working" if working >= 0.9 else "free" if working <= 0.1 else "mixed"
