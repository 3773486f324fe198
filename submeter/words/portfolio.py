"""A portfolio: all that stands in the CSV and TOML files of a configuration folder, checked and indexed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from submeter.words.building import Building, Gateway, Measure, Quiet, Station
from submeter.words.point import Device, Point


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """Yuan per unit of a medium from a local date on, until the next row of the same name and medium."""

    name: str
    medium: str
    since: str
    yuan_per_unit: float
    source: str = ""


class CarbonFactor(msgspec.Struct, frozen=True, kw_only=True):
    """kgCO2 per unit of a medium from a local date on, until the next row of the same name and medium."""

    name: str
    medium: str
    since: str
    kg_per_unit: float
    source: str = ""


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Keys are full ids. ``devices`` of a point are in order of their ``since``."""

    tenant: str
    buildings: Mapping[str, Building]
    points: Mapping[str, Point]
    devices: Mapping[str, tuple[Device, ...]]
    stations: Mapping[str, Station]
    gateways: Mapping[str, Gateway]
    measures: Mapping[str, Measure]
    prices: tuple[Price, ...] = ()
    carbon: tuple[CarbonFactor, ...] = ()
    version: str = ""
    """digest of the files it was read from"""
    quiet: tuple[Quiet, ...] = ()
    _children: dict[str, tuple[str, ...]] = field(default_factory=dict, init=False, compare=False, repr=False)

    _of_building: dict[str, list[Point]] = field(default_factory=dict, init=False, compare=False, repr=False)

    def points_of(self, building: str) -> list[Point]:
        if not self._of_building:
            found: dict[str, list[Point]] = {}
            for p in self.points.values():
                found.setdefault(p.building, []).append(p)
            self._of_building.update(found)
        return list(self._of_building.get(building, ()))

    def children_of(self, point: str) -> tuple[str, ...]:
        if not self._children:
            found: dict[str, list[str]] = {}
            for p in self.points.values():
                found.setdefault(p.parent, []).append(p.id)
            self._children.update({parent: tuple(ids) for parent, ids in found.items()})
        return self._children.get(point, ()) if point else ()

    def main_of(self, building: str, medium: str = "electricity") -> Point | None:
        """The main meter of a medium, None where there is none (then sub-items are all there is)."""
        for p in self.points.values():
            if p.building == building and p.medium == medium and p.is_main and self.children_of(p.id):
                return p
        mains = [p for p in self.points.values() if p.building == building and p.medium == medium and p.is_main]
        return mains[0] if len(mains) == 1 else None
