"""Which meter measures which end use: a portfolio's meter tree matched with a building type's end uses.

An end use belongs to the meter whose MOHURD code says most about it ('01B10' before '01B00' before '01000'); several
such meters share it. What matches only a meter that has others below it is its unmetered residual.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from firmware_sim.loads import END_USES, THERMAL, VOLUMES, EndUse
from firmware_sim.seeds import stream
from submeter.words import Building, Medium, Point, lineage


@dataclass(frozen=True, slots=True)
class Share:
    """``part`` of an end use of the building flows through ``point`` and no meter below it."""

    point: str
    use: EndUse
    part: float


def covers(item: str, code: str) -> int:
    """How many characters of an end use's code a meter's item names; 0 = it does not hold it.

    >>> covers("01B10", "01B1"), covers("01B00", "01B1"), covers("01000", "01B1"), covers("01A00", "01B1")
    (4, 3, 2, 0)
    """
    stem = item.rstrip("0") if len(item) > 2 else item
    stem = stem if len(stem) >= 2 else item[:2]
    return len(stem) if code.startswith(stem) else 0


def shares(building: Building, points: list[Point], seed: int) -> list[Share]:
    """Every end use of a building, shared out over its meters. Media without a meter use nothing."""
    out: list[Share] = []
    for medium in (Medium.ELECTRICITY, Medium.WATER, Medium.GAS, Medium.HEAT, Medium.COLD):
        meters = [p for p in points if p.medium == medium]
        for use in _uses(building.type, medium):
            out.extend(_spread(use, meters, seed))
    return out


def _uses(building_type: str, medium: Medium) -> tuple[EndUse, ...]:
    if medium == Medium.ELECTRICITY:
        return END_USES.get(building_type, END_USES["other"])
    if medium.value in THERMAL:
        return (THERMAL[medium.value],)
    table = VOLUMES[medium.value]
    return (table.get(building_type, table["office"]),)


def _spread(use: EndUse, meters: list[Point], seed: int) -> list[Share]:
    fits = {p.id: covers(p.item, use.code) for p in meters}
    best = max(fits.values(), default=0)
    chosen = [p for p in meters if best and fits[p.id] == best]
    above = {p.parent for p in chosen}
    leaves = [p.id for p in chosen if p.id not in above]
    weights = [stream(seed, "share", point, use.code).uniform(0.6, 1.4) for point in leaves]
    return [Share(point, use, weight / sum(weights)) for point, weight in zip(leaves, weights, strict=True)]


def below(points: Mapping[str, Point], point: str) -> set[str]:
    """A meter and all meters below it."""
    return {p for p in points if point in lineage(points, p)}
