"""Entries are small records with a stable id that a store keeps beside the arrays: it replaces one by its id.

Every entry names the building it belongs to ('' = none), so that a viewer can ask for one building's.
"""

import msgspec


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    building: str = ""


class Correction(Entry, frozen=True, kw_only=True):
    """What a person says about readings; readings themselves are never edited, and nor is a correction.

    ``kind`` 'reject' takes the readings in [start_ms, end_ms) out of settlement; 'reading' adds one (``micro``, what
    the register showed at ``start_ms``, before any ratio); 'revoke' takes back the correction named in ``revokes``.
    The later word holds: a reading told after a rejection stands, one told before it goes with the others.
    """

    point: str
    kind: str
    start_ms: int
    end_ms: int
    micro: int | None = None
    author: str
    reason: str
    told_ms: int
    revokes: str = ""


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """One device of a meter, as far as its energy depends on it; micro-units of the register, epoch ms."""

    serial: str
    modulus: int
    ratio: str
    resolution: int
    since_ms: int
    until_ms: int
    opening: int | None = None
    closing: int | None = None


class Grounds(Entry, frozen=True, kw_only=True):
    """The dated meter data that a meter's ledger was last settled and priced with (id = point; no devices = no meter).

    ``price`` and ``carbon`` are rows of (local date, rate), ascending. For a building (id = building) only ``study``
    is filled: a digest of all that its studies look at.
    """

    zone: str = ""
    country: str = ""
    subdivision: str = ""
    quantity: str = ""
    rating: float = 0.0
    devices: list[Ground] = msgspec.field(default_factory=list)
    price: list[tuple[str, float]] = msgspec.field(default_factory=list)
    carbon: list[tuple[str, float]] = msgspec.field(default_factory=list)
    study: str = ""


class Import(Entry, frozen=True, kw_only=True):
    """Readings that a person brought, in a file or read by hand: who, from what, why, and which they were.

    ``source`` names the file, or how it was read. ``points`` got readings between ``start_ms`` and ``end_ms``
    (half-open), ``stored`` of them were new. ``told_ms`` is when they were brought first.
    """

    author: str
    source: str
    reason: str
    points: tuple[str, ...]
    start_ms: int
    end_ms: int
    stored: int
    told_ms: int


class Frozen(Entry, frozen=True, kw_only=True):
    """Up to when a meter's stored intervals are never touched again, for their raw readings were dropped (id = point).

    ``reading_ms`` is the last accepted reading at or before ``until_ms`` (a month's end), ``counted`` the energy from
    there to ``until_ms`` in primary micro-units: so what is settled later goes on where the frozen part ends. Readings
    before ``raw_ms`` are dropped.
    """

    until_ms: int
    reading_ms: int
    counted: int
    raw_ms: int
    told_ms: int


class TooLate(Entry, frozen=True, kw_only=True):
    """Something that would have changed frozen intervals: kept and told, not settled (id = point, what and start).

    ``what`` is 'readings' (``device``, ``times_ms`` and register ``micro`` are they, as far as they lie before the raw
    readings that are kept) or 'meter data' (dated rows of the portfolio).
    """

    point: str
    what: str
    start_ms: int
    end_ms: int
    until_ms: int
    """everything before it is frozen"""
    told_ms: int
    device: str = ""
    times_ms: list[int] = msgspec.field(default_factory=list)
    micro: list[int] = msgspec.field(default_factory=list)


class Quarantined(Entry, frozen=True, kw_only=True):
    """A record that was not accepted, kept whole, with a reason that an engineer understands.

    ``reason`` is a short code (see docs/wire.md), ``text`` the sentence. ``record`` is the SenML record as JSON, fully
    resolved, or the start of an unreadable payload.
    """

    gateway: str
    reason: str
    text: str
    record: str
    point: str = ""
    arrived_ms: int


class Held(Entry, frozen=True, kw_only=True):
    """A reading whose time is still to come; it is stored when ``time_ms`` has come."""

    gateway: str
    point: str
    device: str
    quantity: str
    time_ms: int
    micro: int
    arrived_ms: int


class GatewayStatus(Entry, frozen=True, kw_only=True):
    """What a gateway last said of itself (id = gateway id)."""

    told_ms: int
    waiting: int
    """packs in the outbox"""
    oldest_ms: int
    """time of the oldest pack without receipt, 0 = none"""
    polls: int
    errors: int
    clock: str = "synced"
    text: str = ""
    backfill: float | None = None
    """share of a running back-fill that has been read, None = none runs"""
    online: bool = True
