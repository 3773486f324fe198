"""What boards know of a portfolio: names, zone, and which meters make a total, as InfluxQL conditions.

The store's tags are identity only, so that a renamed meter stays one series; what a meter is *for* stands in the
portfolio and is written into the queries here. After a meter was added, boards are pushed again.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from submeter.words import Building, Measure, Medium, Point, Portfolio

SUB_ITEMS: Final = ("01A", "01B", "01C", "01D")
NOTHING: Final = "\"building\" = ''"


@dataclass(frozen=True)
class Roster:
    """Conditions are InfluxQL, in parentheses; ``items`` maps '01A' … '01D' to one each."""

    zone: str
    buildings: tuple[Building, ...]
    measures: tuple[Measure, ...]
    gateways: tuple[str, ...]
    totals: str
    """electricity: the main meter of each building, or its top meters where there is no main one"""
    single: bool
    """each of ``totals`` is one meter"""
    items: dict[str, str]
    """electricity's sub-items right below the main meter"""
    media: dict[Medium, str]
    """top meters of each other medium that there is"""
    tops: str
    """top meters of all media: what is paid for"""


def roster(portfolio: Portfolio) -> Roster:
    """What the boards of this portfolio need to know."""
    power = [p for p in portfolio.points.values() if p.medium == Medium.ELECTRICITY]
    totals = [p for b in portfolio.buildings for p in _totals(portfolio, b)]
    below = [p for b in portfolio.buildings for p in _below(portfolio, b)]
    others = [p for p in portfolio.points.values() if p.medium not in (Medium.ELECTRICITY, Medium.WEATHER)]
    tops = [p for p in others if p.is_main]
    return Roster(
        zone=_zone(portfolio),
        buildings=tuple(portfolio.buildings.values()),
        measures=tuple(portfolio.measures.values()),
        gateways=tuple(portfolio.gateways),
        totals=condition(totals),
        single=len({p.building for p in totals}) == len(totals),
        items={code: condition(p for p in below if p.item[:3] == code) for code in SUB_ITEMS} if power else {},
        media={m: condition(p for p in tops if p.medium == m) for m in Medium if any(p.medium == m for p in tops)},
        tops=condition([*totals, *tops]),
    )


def _zone(portfolio: Portfolio) -> str:
    """The zone of most buildings: a board's days begin at one midnight."""
    zones = Counter(b.zone for b in portfolio.buildings.values())
    return zones.most_common(1)[0][0] if zones else "UTC"


def _totals(portfolio: Portfolio, building: str) -> list[Point]:
    main = portfolio.main_of(building)
    return [main] if main else _top(portfolio, building)


def _below(portfolio: Portfolio, building: str) -> list[Point]:
    main = portfolio.main_of(building)
    return [portfolio.points[p] for p in portfolio.children_of(main.id)] if main else _top(portfolio, building)


def _top(portfolio: Portfolio, building: str) -> list[Point]:
    return [p for p in portfolio.points_of(building) if p.medium == Medium.ELECTRICITY and p.is_main]


def condition(points: Iterable[Point]) -> str:
    """These points and no others; buildings whose meters have the same names share a term.

    >>> condition([Point(id="b1/main", name=""), Point(id="b2/main", name="")])
    '(("building" =~ /^(b1|b2)$/ AND "point" =~ /^(main)$/))'
    """
    named: dict[str, list[str]] = defaultdict(list)
    for point in points:
        named[point.building].append(point.local)
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for building, names in named.items():
        alike[tuple(sorted(names))].append(building)
    terms = [f'("building" =~ {any_of(bs)} AND "point" =~ {any_of(names)})' for names, bs in alike.items()]
    return f"({' OR '.join(terms) or NOTHING})"


def any_of(names: Iterable[str]) -> str:
    """A regular expression, between slashes, that matches these names alone."""
    return "/^(" + "|".join(_escaped(name) for name in names) + ")$/"


def _escaped(name: str) -> str:
    return re.sub(r"([.^$*+?()\[\]{}|\\/])", r"\\\1", name)
