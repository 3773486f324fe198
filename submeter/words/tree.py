"""The meter tree as sums: which meters make a building's total, its sub-items, and what nobody meters.

One rule for the ledger and for every viewer. A medium's *roots* are what is paid for: the parentless meters of its
whole ('01000'), or, where a building has none of those, all of its parentless meters. A meter's *own* energy is what it
counts less what its children count, and belongs to its sub-item; that of a main meter, or of any other meter of the
whole that has children, is not metered further. So in the sum of a sub-item a meter stands once or not at all, whatever
is nested in what (a child of the same sub-item cancels out), and the slices add up to the roots, to the last count.

A virtual meter (:attr:`Point.formula`) is part of the tree if it has a parent or children. Otherwise it is a view,
which counts nowhere. Meters of another quantity than the medium's own (energy exported) are in no total.

Totals have ids of their own, that no point can have: a name never begins with '='. ``PD01/=electricity`` is a
building's medium, ``PD01/=01A00`` a sub-item, ``PD01/=unmetered`` the rest; ``=/=electricity`` and
``=office/=electricity`` are the whole portfolio's and that of a type of building.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from submeter.words.point import Point, Term
from submeter.words.portfolio import Portfolio
from submeter.words.quantity import Medium

NOT_METERED: Final = ""
"""the slice of what no sub-item's meter counts"""
PORTFOLIO: Final = "="
"""stands in a building's place for all of them"""
COMPLETENESS: Final = "completeness"
ESTIMATED: Final = "estimated"
"""quantities of the two columns beside each total: the known share of what is expected, and the estimated share"""
QUANTITIES_SUMMED: Final = {
    Medium.ELECTRICITY: "energy_import",
    Medium.WATER: "volume",
    Medium.GAS: "volume",
    Medium.HEAT: "heat",
    Medium.COLD: "cold",
}


class Sum(NamedTuple):
    """A total or a virtual meter: the point that it is stored as, its register quantity, and what it adds up."""

    point: str
    quantity: str
    terms: tuple[Term, ...]


def total_id(place: str, medium: str = Medium.ELECTRICITY) -> str:
    """The total of a medium in a building, in all (:data:`PORTFOLIO`) or in a type of building (:func:`type_place`)."""
    return f"{place}/={medium}"


def slice_id(building: str, key: str) -> str:
    """Of a slice's key: '01A' … , '01' for the whole where it is not divided, or :data:`NOT_METERED`."""
    return f"{building}/={key:0<5}" if key else f"{building}/=unmetered"


def type_place(building_type: str) -> str:
    return f"={building_type}"


def is_total(point: str) -> bool:
    return "/=" in point


def key_of(code: str) -> str:
    """Sub-item or whole of a five-character code: '01B1A' → '01B', '01000' → '01'."""
    return code[:3] if code[2:3].isalpha() else code[:2]


def roots(portfolio: Portfolio, building: str, medium: str = Medium.ELECTRICITY) -> list[Point]:
    """The meters whose sum is the building's total of a medium."""
    mine = _members(portfolio, building, medium)
    tops = [p for p in mine if p.is_main and not _is_view(portfolio, p)]
    return [p for p in tops if len(key_of(p.item)) == 2] or tops


def slices(portfolio: Portfolio, building: str, medium: str = Medium.ELECTRICITY) -> dict[str, tuple[Term, ...]]:
    """Each slice's meters, sorted by key with :data:`NOT_METERED` last; together they are the roots."""
    signs: dict[str, dict[str, int]] = {}
    for point, parent_key in _walk(portfolio, roots(portfolio, building, medium)):
        key = _key(portfolio, point)
        mine = signs.setdefault(key, {})
        mine[point.id] = mine.get(point.id, 0) + 1
        if parent_key is not None:
            above = signs[parent_key]
            above[point.id] = above.get(point.id, 0) - 1
    found = {k: tuple(Term(n, p) for p, n in signs[k].items() if n) for k in sorted(signs, key=lambda k: k or "~")}
    return {key: terms for key, terms in found.items() if terms}


def building_sums(portfolio: Portfolio, building: str) -> list[Sum]:
    """All totals of a building: of each medium that it has, then electricity's slices."""
    found = []
    for medium, quantity in QUANTITIES_SUMMED.items():
        tops = roots(portfolio, building, medium)
        if tops:
            found.append(Sum(total_id(building, medium), quantity, tuple(Term(1, p.id) for p in tops)))
    quantity = QUANTITIES_SUMMED[Medium.ELECTRICITY]
    parts = slices(portfolio, building).items()
    return [*found, *(Sum(slice_id(building, key), quantity, terms) for key, terms in parts)]


def portfolio_sums(portfolio: Portfolio) -> list[Sum]:
    """The totals of the whole portfolio and of each type of building, by medium; they add up buildings' totals."""
    found: dict[tuple[str, Medium], list[str]] = {}
    for building in portfolio.buildings.values():
        for medium in QUANTITIES_SUMMED:
            if roots(portfolio, building.id, medium):
                for place in (PORTFOLIO, type_place(building.type)):
                    found.setdefault((place, medium), []).append(building.id)
    return [
        Sum(total_id(place, medium), QUANTITIES_SUMMED[medium], tuple(Term(1, total_id(b, medium)) for b in buildings))
        for (place, medium), buildings in sorted(found.items())
    ]


def virtual_sums(portfolio: Portfolio) -> list[Sum]:
    """The virtual meters, each after those that it is made of. Raises :class:`ValueError` for a circle."""
    waiting = {p.id: p for p in portfolio.points.values() if p.formula}
    found: list[Sum] = []
    while waiting:
        ready = [p for p in waiting.values() if not any(term.point in waiting for term in p.terms)]
        if not ready:
            raise ValueError(f"virtual meters are made of each other: {', '.join(sorted(waiting))}")
        found += [Sum(p.id, p.quantity, p.terms) for p in ready]
        for p in ready:
            del waiting[p.id]
    return found


def _members(portfolio: Portfolio, building: str, medium: str) -> list[Point]:
    return [p for p in portfolio.points_of(building) if _is_member(p, medium)]


def _is_member(point: Point, medium: str) -> bool:
    return point.medium == medium and point.quantity == QUANTITIES_SUMMED.get(point.medium)


def _is_view(portfolio: Portfolio, point: Point) -> bool:
    return bool(point.formula) and not point.parent and not portfolio.children_of(point.id)


def _children(portfolio: Portfolio, point: Point) -> list[Point]:
    below = (portfolio.points[child] for child in portfolio.children_of(point.id))
    return [p for p in below if _is_member(p, point.medium)]


def _walk(portfolio: Portfolio, tops: Iterable[Point]) -> Iterator[tuple[Point, str | None]]:
    """Each meter from the top down, with the slice of its parent."""
    waiting: list[tuple[Point, str | None]] = [(p, None) for p in tops]
    while waiting:
        point, above = waiting.pop(0)
        yield point, above
        key = _key(portfolio, point)
        waiting += [(child, key) for child in _children(portfolio, point)]


def _key(portfolio: Portfolio, point: Point) -> str:
    key = key_of(point.item)
    return key if len(key) == 3 or not _children(portfolio, point) else NOT_METERED
