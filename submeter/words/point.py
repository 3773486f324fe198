"""A point is a place where energy is metered; a device is the meter that hangs there between two dates.

A *virtual* meter is a point without a device, whose energy is a sum or difference of other points' energy.
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

import msgspec

from submeter.words.quantity import Medium


def parse_ratio(text: str) -> Fraction:
    """A transformer ratio as on the name plate: '400/5', '80' or '' for none.

    >>> parse_ratio("400/5"), parse_ratio("")
    (Fraction(80, 1), Fraction(1, 1))
    """
    if not text.strip():
        return Fraction(1)
    primary, _, secondary = text.partition("/")
    ratio = Fraction(primary.strip()) / Fraction(secondary.strip() or "1")
    if ratio <= 0:
        raise ValueError(f"ratio {text!r} is not positive")
    return ratio


class Term(NamedTuple):
    """One point in a sum, and whether it is added (+1) or taken away (-1)."""

    sign: int
    point: str


_TERM = re.compile(r"([+-]?)\s*([^\s+-]\S*)\s*")


def parse_formula(text: str) -> tuple[Term, ...]:
    """The terms of a sum or difference of full point ids; '' has none. Signs stand between spaces, for ids hold '-'.

    >>> parse_formula("PD01/main - PD01/pv-roof")
    (Term(sign=1, point='PD01/main'), Term(sign=-1, point='PD01/pv-roof'))

    Raises :class:`ValueError` where it is not one.
    """
    terms: list[Term] = []
    at, text = 0, text.strip()
    while at < len(text):
        found = _TERM.match(text, at)
        if found is None or (terms and not found[1]) or found[2].count("/") != 1:
            raise ValueError(f"formula {text!r} is no sum of points; write e.g. PD01/main - PD01/lift + PD01/pump")
        terms.append(Term(-1 if found[1] == "-" else 1, found[2]))
        at = found.end()
    return tuple(terms)


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """``id`` is full (``building/local``) and fixed for ever: it is the identity in topics and stores.

    ``item`` is the five-character MOHURD code ('01A00' lighting & sockets, '01B00' HVAC, '01C00' power, '01D00'
    special; '01000' the electricity total; '02000' water; '03000' gas). ``parent`` is the full id of the meter
    immediately upstream, '' for a main meter. ``rating`` is the circuit's limit: kW for energy, m3/h for volume.
    """

    id: str
    name: str
    name_zh: str = ""
    medium: Medium = Medium.ELECTRICITY
    item: str = "01000"
    parent: str = ""
    rating: float = 0.0
    quantity: str = "energy_import"
    """the register that is settled"""
    contract_kw: float = 0.0
    """of a main meter of electricity: the demand contracted with the supplier, 0 = none"""
    formula: str = ""
    """of a virtual meter: its sum, as :func:`parse_formula` reads it"""

    @property
    def terms(self) -> tuple[Term, ...]:
        return parse_formula(self.formula)

    @property
    def building(self) -> str:
        return self.id.partition("/")[0]

    @property
    def local(self) -> str:
        return self.id.partition("/")[2]

    @property
    def is_main(self) -> bool:
        return not self.parent


def lineage(points: Mapping[str, Point], point: str) -> list[str]:
    """A meter and all meters above it, nearest first; a parent that is not there ends it, and so does a circle."""
    chain = [point]
    while point in points and (point := points[point].parent) in points and point not in chain:
        chain.append(point)
    return chain


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A meter at a point from ``since`` until ``until`` (ISO local dates or instants, '' = open).

    The register shows ``digits`` digits in all, the last worth ``resolution`` units: it rolls over at
    10**digits × resolution, before the ratio. ``opening`` and ``closing`` are register values at exchange, in units.
    """

    point: str
    serial: str
    model: str = ""
    digits: int = 8
    resolution: float = 0.01
    accuracy_class: str = "1"
    ct: str = ""
    pt: str = ""
    since: str = ""
    until: str = ""
    opening: float | None = None
    closing: float | None = None
    address: str = ""
    """how the gateway reaches it, e.g. 'modbus:7'; '' for sources that need none"""

    @property
    def ratio(self) -> Fraction:
        return parse_ratio(self.ct) * parse_ratio(self.pt)
