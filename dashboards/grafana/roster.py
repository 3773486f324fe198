"""What boards know of a portfolio: names, zone, and the ledger's totals, as InfluxQL conditions.

Totals have names of their own (:mod:`submeter.words.tree`), the same in every building, so a sub-meter that is added or
moved in the tree changes no board. A building or a main meter that is added does, and boards are pushed again.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from submeter.words import Building, Measure, Medium, Point, Portfolio
from submeter.words.tree import NOT_METERED, PORTFOLIO, roots, slice_id, total_id

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
    """electricity: the ledger's total of each building"""
    whole: str
    """electricity: the ledger's total of all buildings, in days and months"""
    mains: str
    """electricity: the meters that make the total; what is expected is told of them"""
    items: dict[str, str]
    """electricity's sub-items"""
    rest: str
    """what no sub-item's meter counts"""
    media: dict[Medium, str]
    """each other medium that there is"""
    tops: str
    """all media: what is paid for"""


def roster(portfolio: Portfolio) -> Roster:
    """What the boards of this portfolio need to know."""
    mains = [p for b in portfolio.buildings for p in roots(portfolio, b)]
    media = [m for m in Medium if any(roots(portfolio, b, m) for b in portfolio.buildings)]
    return Roster(
        zone=_zone(portfolio),
        buildings=tuple(portfolio.buildings.values()),
        measures=tuple(portfolio.measures.values()),
        gateways=tuple(portfolio.gateways),
        totals=_each(total_id(PORTFOLIO)),
        whole=f"\"building\" = '{PORTFOLIO}' AND {_named(total_id(PORTFOLIO))}",
        mains=condition(mains),
        items={code: _named(slice_id(PORTFOLIO, code)) for code in SUB_ITEMS} if mains else {},
        rest=_named(slice_id(PORTFOLIO, NOT_METERED)),
        media={m: _each(total_id(PORTFOLIO, m)) for m in media if m is not Medium.ELECTRICITY},
        tops=_each(*(total_id(PORTFOLIO, m) for m in media)),
    )


def _named(total: str) -> str:
    """A total's own name, wherever it stands."""
    return f"\"point\" = '{total.partition('/')[2]}'"


def _each(*totals: str) -> str:
    """These totals in each building, and not in all of them together."""
    names = any_of(total.partition("/")[2] for total in totals) if totals else "/^$/"
    return f'("building" !~ /^=/ AND "point" =~ {names})'


def _zone(portfolio: Portfolio) -> str:
    """The zone of most buildings: a board's days begin at one midnight."""
    zones = Counter(b.zone for b in portfolio.buildings.values())
    return zones.most_common(1)[0][0] if zones else "UTC"


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
