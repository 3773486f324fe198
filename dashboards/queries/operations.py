"""Is the plumbing healthy? Gateways, what waits unreceipted, what was quarantined and why, what is held or too late."""

from dataclasses import dataclass

from dashboards.queries.reader import Reader
from submeter.words import Frozen, GatewayStatus, Held, Quarantined, TooLate

EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class GatewayView:
    """``state``: online, offline, never. ``oldest_ms``: time of the oldest pack without receipt, None for none."""

    id: str
    buildings: list[str]
    state: str
    told_ms: int | None
    waiting: int
    oldest_ms: int | None
    polls: int
    errors: int
    clock: str
    text: str
    backfill: float | None


@dataclass(frozen=True, slots=True)
class Example:
    arrived_ms: int
    gateway: str
    point: str
    text: str
    record: str


@dataclass(frozen=True, slots=True)
class Reason:
    reason: str
    count: int
    newest_ms: int
    examples: list[Example]


@dataclass(frozen=True, slots=True)
class HeldView:
    count: int
    next_ms: int | None
    gateways: list[str]


@dataclass(frozen=True, slots=True)
class LateView:
    """Something that came for months that are frozen: kept, not settled. ``what``: readings or meter data."""

    point: str
    what: str
    start_ms: int
    end_ms: int
    until_ms: int
    told_ms: int


@dataclass(frozen=True, slots=True)
class Operations:
    now_ms: int
    gateways: list[GatewayView]
    waiting: int
    oldest_ms: int | None
    quarantine: list[Reason]
    quarantined: int
    held: HeldView
    late: list[LateView]
    frozen: int
    """meters of which months are frozen"""
    filling: float | None


def operations(reader: Reader) -> Operations:
    gateways = _gateways(reader)
    reasons = quarantine(reader)
    return Operations(
        now_ms=reader.now_ms(),
        gateways=gateways,
        waiting=sum(g.waiting for g in gateways),
        oldest_ms=min((g.oldest_ms for g in gateways if g.oldest_ms), default=None),
        quarantine=reasons,
        quarantined=sum(r.count for r in reasons),
        held=_held(reader),
        late=_late(reader),
        frozen=len(reader.entries(Frozen, seconds=30.0)),
        filling=reader.backfill(),
    )


def _gateways(reader: Reader) -> list[GatewayView]:
    told = {s.id: s for s in reader.entries(GatewayStatus)}
    names = {**{g: list(row.buildings) for g, row in reader.portfolio.gateways.items()}}
    return [_gateway(g, names.get(g, []), told.get(g)) for g in sorted({*names, *told})]


def _gateway(gateway: str, buildings: list[str], told: GatewayStatus | None) -> GatewayView:
    if told is None:
        return GatewayView(gateway, buildings, "never", None, 0, None, 0, 0, "", "", None)
    return GatewayView(
        id=gateway,
        buildings=buildings,
        state="online" if told.online else "offline",
        told_ms=told.told_ms,
        waiting=told.waiting,
        oldest_ms=told.oldest_ms or None,
        polls=told.polls,
        errors=told.errors,
        clock=told.clock,
        text=told.text,
        backfill=told.backfill,
    )


def quarantine(reader: Reader) -> list[Reason]:
    """By reason, the fullest first, each with its newest examples."""
    groups: dict[str, list[Quarantined]] = {}
    for record in reader.entries(Quarantined, seconds=5.0):
        groups.setdefault(record.reason, []).append(record)
    return sorted((_reason(name, rows) for name, rows in groups.items()), key=lambda r: (-r.count, r.reason))


def _reason(name: str, rows: list[Quarantined]) -> Reason:
    newest = sorted(rows, key=lambda r: -r.arrived_ms)[:EXAMPLES]
    shown = [Example(r.arrived_ms, r.gateway, r.point, r.text, r.record[:300]) for r in newest]
    return Reason(name, len(rows), newest[0].arrived_ms, shown)


def _held(reader: Reader) -> HeldView:
    rows = reader.entries(Held)
    return HeldView(len(rows), min((h.time_ms for h in rows), default=None), sorted({h.gateway for h in rows}))


def _late(reader: Reader) -> list[LateView]:
    """The newest first."""
    rows = sorted(reader.entries(TooLate, seconds=5.0), key=lambda r: -r.told_ms)
    return [LateView(r.point, r.what, r.start_ms, r.end_ms, r.until_ms, r.told_ms) for r in rows]
