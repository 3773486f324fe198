"""Which sums a portfolio asks for, prepared once: virtual meters, totals of buildings, totals of all buildings.

What a sum adds up is :mod:`submeter.words.tree`'s to say; here it gets its zone, the time in which each of its members
hangs, and a fingerprint, by which the ledger knows that a building's tree is no longer the one it was summed by.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

from analytics.calendar import instant_ms
from submeter.words import Building, Medium, Point, Portfolio, Resolution
from submeter.words.tree import Sum, building_sums, portfolio_sums, total_id, virtual_sums

EVERY = tuple(Resolution)
PLANT = (Resolution.HOUR, Resolution.DAY, Resolution.MONTH)
"""of a building's totals: nothing shows their quarters, and they would be most of the rows"""
CITY = (Resolution.DAY, Resolution.MONTH)
"""of the totals of all buildings, which may stand in several zones, whose days are what they have in common"""
ALWAYS_S = (-(2**53), 2**53)

Life = tuple[int, int]
"""epoch seconds from which, and until which, something is expected"""


@dataclass(frozen=True, slots=True)
class Planned:
    """A sum with what it takes to make it. ``lives`` and ``zones`` are the members', in the order of their terms."""

    sum: Sum
    zone: str
    zones: tuple[str, ...]
    lives: tuple[Life, ...]
    resolutions: tuple[Resolution, ...]
    shares: bool = False
    """whether how complete it is, and how much of it is estimated, are columns of their own"""
    priced: Point | None = None
    """the point as which its days have a cost and carbon"""
    of_totals: bool = False
    """whether its members are totals"""

    @property
    def place(self) -> str:
        return self.sum.point.partition("/")[0]

    @property
    def members(self) -> tuple[str, ...]:
        return tuple(term.point for term in self.sum.terms)


@dataclass(frozen=True, slots=True)
class Plan:
    """``virtuals`` come in an order in which each is made of earlier ones; ``buildings`` and ``marks`` by building, a
    mark being the fingerprint of all of a place's sums and prices; the portfolio's own has the key ''."""

    virtuals: tuple[Planned, ...]
    buildings: Mapping[str, tuple[Planned, ...]]
    portfolio: tuple[Planned, ...]
    marks: Mapping[str, int]


class _Same:
    """A portfolio as the key of a cache: the same object, not an equal one."""

    def __init__(self, portfolio: Portfolio) -> None:
        self.portfolio = portfolio

    def __hash__(self) -> int:
        return id(self.portfolio)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.portfolio is self.portfolio


def plan_of(portfolio: Portfolio) -> Plan:
    return _plan(_Same(portfolio))


@lru_cache(maxsize=4)
def _plan(same: _Same) -> Plan:
    portfolio = same.portfolio
    virtuals = tuple(_virtual(portfolio, each) for each in virtual_sums(portfolio))
    buildings = {b.id: tuple(_total(portfolio, b, each) for each in building_sums(portfolio, b.id))
                 for b in portfolio.buildings.values()}  # fmt: skip
    zone = portfolio_zone(portfolio)
    city = tuple(_of_all(portfolio, buildings, each, zone) for each in portfolio_sums(portfolio))
    marks = {b: _mark(*buildings[b], *(v for v in virtuals if v.place == b), *_worth(portfolio, b)) for b in buildings}
    return Plan(virtuals, buildings, city, {**marks, "": _mark(*city)})


def _mark(*parts: object) -> int:
    return crc32(repr(parts).encode())


def _worth(portfolio: Portfolio, building: str) -> list[object]:
    """What prices the building's energy."""
    at = portfolio.buildings[building]
    return [*(p for p in portfolio.prices if p.name == at.price), *(c for c in portfolio.carbon if c.name == at.carbon)]


def portfolio_zone(portfolio: Portfolio) -> str:
    """The zone of most buildings, the first of them among equals: at its midnight the portfolio's days are stored."""
    zones = Counter(b.zone for b in portfolio.buildings.values())
    return zones.most_common(1)[0][0] if zones else "UTC"


def _virtual(portfolio: Portfolio, of: Sum) -> Planned:
    zone = portfolio.buildings[of.point.partition("/")[0]].zone
    return Planned(of, zone, (zone,) * len(of.terms), _lives(portfolio, of, zone), EVERY, False,
                   portfolio.points[of.point])  # fmt: skip


def _total(portfolio: Portfolio, building: Building, of: Sum) -> Planned:
    media = {total_id(building.id, medium): medium for medium in Medium}
    medium = media.get(of.point)
    priced = Point(id=of.point, name=of.point, medium=medium, quantity=of.quantity) if medium else None
    zones = (building.zone,) * len(of.terms)
    return Planned(of, building.zone, zones, _lives(portfolio, of, building.zone), PLANT, True, priced)


def _of_all(portfolio: Portfolio, buildings: Mapping[str, tuple[Planned, ...]], of: Sum, zone: str) -> Planned:
    """A building is expected from the first of its meters to the last."""
    parts = [next(p for p in buildings[t.point.partition("/")[0]] if p.sum.point == t.point) for t in of.terms]
    lives = tuple((min(a for a, _ in p.lives), max(b for _, b in p.lives)) for p in parts)
    return Planned(of, zone, tuple(p.zone for p in parts), lives, CITY, True, of_totals=True)


def _lives(portfolio: Portfolio, of: Sum, zone: str) -> tuple[Life, ...]:
    return tuple(_life(portfolio, term.point, zone) for term in of.terms)


def _life(portfolio: Portfolio, point: str, zone: str) -> Life:
    """From the mounting of a point's first device to the taking down of its last one; without dates always."""
    devices = portfolio.devices.get(point, ())
    if not devices:
        return ALWAYS_S
    since, until = devices[0].since, devices[-1].until
    return (
        instant_ms(since, zone) // 1000 if since else ALWAYS_S[0],
        instant_ms(until, zone) // 1000 if until else ALWAYS_S[1],
    )
