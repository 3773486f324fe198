"""A point is a place where energy is metered; a device is the meter that hangs there between two dates."""

from fractions import Fraction

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

    @property
    def building(self) -> str:
        return self.id.partition("/")[0]

    @property
    def local(self) -> str:
        return self.id.partition("/")[2]

    @property
    def is_main(self) -> bool:
        return not self.parent


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
