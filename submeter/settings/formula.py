"""What may be wrong with a virtual meter's formula, in sentences for whoever keeps the portfolio's files.

Members are of one medium and register quantity, so that the sum has a unit, and of buildings of one zone, so that its
days are theirs; the building itself may be another. Coefficients are +1 and -1, so that sums stay whole counts.
"""

from collections.abc import Iterator

from submeter.words import Point, Portfolio, lineage
from submeter.words.point import Term


def formula_faults(point: Point, portfolio: Portfolio) -> Iterator[str]:
    """A sentence for each fault; nothing for a meter that has a device."""
    if not point.formula:
        return
    try:
        terms = point.terms
    except ValueError as fault:
        yield f"{fault}, with spaces around + and -"
        return
    names = [term.point for term in terms]
    known = [portfolio.points[name] for name in names if name in portfolio.points]
    for name in dict.fromkeys(names):
        if name not in portfolio.points:
            yield f"formula names {name!r}, which is no point in meters.csv; mend the name or add the meter"
        if names.count(name) > 1:
            yield f"formula names {name!r} more than once; each meter counts once, added or taken away"
    yield from _unlike(point, known, portfolio)
    circle = _circle(point, portfolio)
    if circle:
        yield f"formula runs in a circle through {circle!r}; a virtual meter cannot be made of itself"
    elif len(known) == len(names):
        yield from _twice(point, portfolio)


def _unlike(point: Point, members: list[Point], portfolio: Portfolio) -> Iterator[str]:
    zone = _zone(point, portfolio)
    for member in members:
        if (member.medium, member.quantity) != (point.medium, point.quantity):
            yield (
                f"formula adds {member.id!r}, which counts {member.medium} as {member.quantity}, to a sum of"
                f" {point.medium} as {point.quantity}; sum meters of one medium and quantity"
            )
        elif zone and _zone(member, portfolio) not in ("", zone):
            yield f"formula adds {member.id!r}, whose days are of another zone than {zone}; sum meters of one zone"


def _zone(point: Point, portfolio: Portfolio) -> str:
    building = portfolio.buildings.get(point.building)
    return building.zone if building else ""


def _terms(name: str, portfolio: Portfolio) -> tuple[Term, ...]:
    """Of a virtual meter whose formula can be read; none of others."""
    try:
        return portfolio.points[name].terms
    except (KeyError, ValueError):
        return ()


def _circle(point: Point, portfolio: Portfolio) -> str:
    """A point through which the formula comes back to itself, '' for none."""
    seen: set[str] = set()
    waiting = [term.point for term in _terms(point.id, portfolio)]
    while waiting:
        name = waiting.pop()
        if name == point.id:
            return name
        if name not in seen:
            seen.add(name)
            waiting += [term.point for term in _terms(name, portfolio)]
    return ""


def _twice(point: Point, portfolio: Portfolio) -> Iterator[str]:
    """A virtual meter that stands in the tree must not add what the tree counts elsewhere."""
    if not point.parent and not portfolio.children_of(point.id):
        return
    above = set(lineage(portfolio.points, point.id)[1:])
    for term in _expanded(point, portfolio, 1):
        if term.sign > 0 and term.point not in above and point.id not in lineage(portfolio.points, term.point)[1:]:
            yield (
                f"formula adds {term.point!r}, which the tree counts beside it, so that it would count twice; make it a"
                f" child of {point.id!r} (its parent), or leave {point.id!r} without parent and children"
            )


def _expanded(point: Point, portfolio: Portfolio, sign: int) -> Iterator[Term]:
    """The terms, with those of views in their place."""
    for term in _terms(point.id, portfolio):
        member = portfolio.points.get(term.point)
        if member is None:
            continue
        if member.formula and not member.parent and not portfolio.children_of(member.id):
            yield from _expanded(member, portfolio, sign * term.sign)
        else:
            yield Term(sign * term.sign, term.point)
