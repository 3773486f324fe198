"""What stands where: building, weather station, gateway, measures taken (retrofits), and quiet days."""

import msgspec


class Building(msgspec.Struct, frozen=True, kw_only=True):
    """``zone`` is an IANA time zone, ``country`` (and ``subdivision``) name the calendar of public holidays,
    ``price`` and ``carbon`` name rows in the portfolio's price and carbon tables."""

    id: str
    name: str
    name_zh: str = ""
    type: str
    """office, mall, hotel, hospital, school, gym, other"""
    zone: str
    country: str = "CN"
    subdivision: str = ""
    area_m2: float
    """floor area; 0 = not known, and then nothing is shown per square metre"""
    station: str = ""
    price: str = ""
    carbon: str = ""


class Station(msgspec.Struct, frozen=True, kw_only=True):
    """Where weather is read. Its readings travel as points ``<id>/weather`` (the id stands in the building's place)."""

    id: str
    name: str
    zone: str
    latitude: float = 0.0
    longitude: float = 0.0

    @property
    def point(self) -> str:
        return f"{self.id}/weather"


class Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """Polls meters and sends; may speak only for the buildings (and stations) listed. Its id is its MQTT user."""

    id: str
    buildings: tuple[str, ...]


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A retrofit: from ``start`` on (local midnight, ISO date) the points use less, it is hoped.

    ``works_start`` is when works began; the days between are in neither period.
    """

    id: str
    building: str
    name: str
    name_zh: str = ""
    points: tuple[str, ...]
    """full point ids whose energy is compared (option B), or the main meter (option C)"""
    start: str
    works_start: str = ""


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """Local days ``first`` to ``last`` (ISO, both included) on which no fault of operation is told: works, a fair.

    Of ``points`` (full ids), or of all meters of ``building``, or of all buildings where both are empty.
    """

    building: str = ""
    points: tuple[str, ...] = ()
    first: str
    last: str
    reason: str = ""

    def holds(self, building: str, point: str) -> bool:
        """Whether it speaks of a meter of a building."""
        return point in self.points if self.points else self.building in ("", building)
