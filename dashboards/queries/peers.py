"""How does a building compare with its own kind? Its figures beside those of buildings of the same type.

Strategy: five figures that do not grow with the building: electricity a year per area, the base load as a share of the
mean load, the shares used at night and on days off, and what a warmer degree costs per area. Each is what the store
holds of the main meter (:class:`~submeter.words.LoadShape`) or of the ledger's totals; a building of which too little
is known takes no part. A rank among fewer than four others would be chance, so there is none, and it is said why.
"""

from dataclasses import dataclass
from math import nan
from typing import Final

import numpy as np

from dashboards.queries.month import intensity
from dashboards.queries.reader import Reader
from submeter.words import LoadShape
from submeter.words.standing import rank_among

LEAST_PEERS: Final = 4
"""others; with them a quarter of all is one building at least"""
ALIKE: Final = 0.05
"""within this share of the others' middle a rank says nothing, and the word says so"""
FIGURES: Final = ("intensity", "base_share", "night_share", "off_share", "cooling_area")

ON_OVERVIEW: Final = ("intensity", "base_share")
WITHOUT_AREA: Final = ("base_share", "night_share", "off_share")


@dataclass(frozen=True, slots=True)
class Peer:
    """A building of the same type with its known figure."""

    id: str
    name: str
    name_zh: str
    value: float


@dataclass(frozen=True, slots=True)
class Standing:
    """``figure`` is intensity (kWh/m² of 365 days), base_share (base load ÷ mean load), night_share, off_share (shares
    of the energy), or cooling_area (kWh a day, °C and 1,000 m²).

    ``word``: low, below, above, high (quarters of the others, from the least), alike (near their middle), few (fewer
    than four others), alone (no other), unknown (this building's figure is). ``rank`` counts from 1 = the least among
    ``n``, None where there are too few. ``median`` is of ``peers``, the others with a known figure, from the least.
    """

    figure: str
    value: float | None
    word: str
    rank: int | None
    n: int
    median: float | None
    peers: list[Peer]


@dataclass(frozen=True, slots=True)
class Peers:
    """The building among those of its type."""

    building: str
    type: str
    standings: list[Standing]


def peers(reader: Reader, building: str) -> Peers:
    """All figures of a building. Raises KeyError for one that the portfolio does not have."""
    at = reader.building(building)
    known = known_figures(reader)
    alike = [b for b in reader.portfolio.buildings.values() if b.type == at.type and b.id != building]
    told = []
    for figure in FIGURES if at.area_m2 > 0 else WITHOUT_AREA:
        values = known[figure]
        there = [Peer(b.id, b.name, b.name_zh or b.name, values[b.id]) for b in alike if b.id in values]
        told.append(standing(figure, values.get(building), sorted(there, key=lambda p: (p.value, p.id))))
    return Peers(building, at.type, told)


@dataclass(frozen=True, slots=True)
class Place:
    """A standing without its peers: ``rank`` of ``n`` from the least, None where there is none."""

    value: float | None
    rank: int | None
    n: int


def places(reader: Reader, building: str) -> dict[str, Place]:
    """Where a building stands, for the overview: of intensity and base_share. Raises KeyError for an unknown one."""
    return reader.kept("places of all", lambda: _places(reader), 60.0)[building]


def _places(reader: Reader) -> dict[str, dict[str, Place]]:
    """Of every building at once: a city has too many pairs of them."""
    known = known_figures(reader)
    types: dict[str, list[str]] = {}
    for at in reader.portfolio.buildings.values():
        types.setdefault(at.type, []).append(at.id)
    found: dict[str, dict[str, Place]] = {building: {} for building in reader.portfolio.buildings}
    for alike in types.values():
        for figure in ON_OVERVIEW:
            values = known[figure]
            there = np.sort([values[b] for b in alike if b in values])
            for b in alike:
                ranked = b in values and len(there) > LEAST_PEERS
                rank = 1 + int(np.searchsorted(there, values[b])) if ranked else None
                found[b][figure] = Place(values.get(b), rank, len(there))
    return found


def standing(figure: str, value: float | None, others: list[Peer]) -> Standing:
    """Where ``value`` stands among the others, who come from the least."""
    values = np.array([p.value for p in others])
    median = float(np.median(values)) if len(values) else None
    word = _word(value, values)
    rank = 1 + int((values < value).sum()) if value is not None and word not in ("few", "alone", "unknown") else None
    return Standing(figure, value, word, rank, len(others) + (value is not None), median, others)


def _word(value: float | None, others: np.ndarray) -> str:
    if value is None:
        return "unknown"
    if len(others) < LEAST_PEERS:
        return "few" if len(others) else "alone"
    if abs(value - float(np.median(others))) <= ALIKE * abs(float(np.median(others))):
        return "alike"
    share = rank_among(value, others)
    if share < 0.25:
        return "low"
    if share > 0.75:
        return "high"
    return "below" if share < 0.5 else "above"


def known_figures(reader: Reader) -> dict[str, dict[str, float]]:
    """Of each figure the buildings where it is known."""
    return reader.kept("figures of all", lambda: _known_figures(reader), 60.0)


def _known_figures(reader: Reader) -> dict[str, dict[str, float]]:
    shapes = {s.point: s for s in reader.entries(LoadShape)}
    found: dict[str, dict[str, float]] = {figure: {} for figure in FIGURES}
    for at in reader.portfolio.buildings.values():
        main = reader.portfolio.main_of(at.id)
        told = _of_shape(shapes.get(main.id) if main else None, at.area_m2)
        year = intensity(reader, at.id)
        told["intensity"] = nan if year is None or year.value is None else year.value
        for figure, value in told.items():
            if np.isfinite(value):
                found[figure][at.id] = value
    return found


def _of_shape(shape: LoadShape | None, area_m2: float) -> dict[str, float]:
    """NaN where a figure is not known."""
    if shape is None:
        return {}
    mean_kw = _or_nan(shape.peak_kw) * _or_nan(shape.load_factor)
    return {
        "base_share": _or_nan(shape.base_kw) / mean_kw if mean_kw > 0 else nan,
        "night_share": _or_nan(shape.night_share),
        "off_share": _or_nan(shape.off_share),
        "cooling_area": _or_nan(shape.cooling) / area_m2 * 1000 if area_m2 > 0 else nan,
    }


def _or_nan(value: float | None) -> float:
    return nan if value is None else value
