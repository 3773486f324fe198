"""Findings as people meet them: ranked by what they cost a month, each with the words to make its sentence."""

from dataclasses import dataclass

from dashboards.queries.reader import Reader
from dashboards.queries.span import instant, local_day
from submeter.words import Finding, FindingState


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding with the names of what it is about. ``kwh`` and ``yuan_month`` None = not known; ``withdrawn_ms`` is
    when it turned out not to be so, None = it stands. ``first_kind``: as what it was told live, '' = it was not;
    ``yuan_doubt``: what the energy at stake is worth where a meter counted wrongly (then there is no ``yuan_month``);
    ``confirmed`` False: looking back has not seen enough of it yet."""

    id: str
    building: str
    building_name: str
    building_name_zh: str
    point: str
    point_name: str
    point_name_zh: str
    zone: str
    kind: str
    state: str
    start_ms: int
    end_ms: int
    confidence: float
    kwh: float | None
    yuan_month: float | None
    yuan_doubt: float | None
    unit: str
    first_told_ms: int
    last_seen_ms: int
    withdrawn_ms: int | None
    first_kind: str
    confirmed: bool
    evidence: dict[str, float | str]


def findings(reader: Reader, building: str | None = None, state: str | None = "open") -> list[FindingView]:
    """Costliest first, then those that leave most money in doubt; among equals the surest and the newest first."""
    found = [f for f in reader.entries(Finding, building) if state is None or f.state == state]
    return sorted((_view(reader, f) for f in found), key=_rank)


def _rank(view: FindingView) -> tuple[bool, float, float, float, int]:
    doubt = -(view.yuan_doubt or 0.0)
    return (view.yuan_month is None, -(view.yuan_month or 0.0), doubt, -view.confidence, -view.start_ms)


def _doubt(reader: Reader, f: Finding) -> float | None:
    """Money of the energy that a meter's fault counted wrongly, at the price of its last day; None where the finding
    has a cost of its own, or no energy or price is known."""
    amount = f.kwh if f.kwh is not None else f.evidence.get("amount_m3")
    point = reader.portfolio.points.get(f.point)
    building = reader.portfolio.buildings.get(f.building)
    if f.yuan_month is not None or not isinstance(amount, (int, float)) or point is None or building is None:
        return None
    day = local_day(instant(f.end_ms - 1), building.zone).isoformat()
    mine = [
        p for p in reader.portfolio.prices if (p.name, p.medium) == (building.price, point.medium) and p.since <= day
    ]
    return abs(amount) * max(mine, key=lambda p: p.since).yuan_per_unit if mine and amount else None


def _view(reader: Reader, f: Finding) -> FindingView:
    point = reader.portfolio.points.get(f.point)
    building_id = f.building or f.point.partition("/")[0]
    building = reader.portfolio.buildings.get(building_id)
    name = building.name if building else building_id
    return FindingView(
        id=f.id,
        building=building_id,
        building_name=name,
        building_name_zh=(building.name_zh if building else "") or name,
        point=f.point,
        point_name=point.name if point else f.point,
        point_name_zh=(point.name_zh or point.name) if point else f.point,
        zone=building.zone if building else "UTC",
        kind=f.kind,
        state=FindingState(f.state).value,
        start_ms=f.start_ms,
        end_ms=f.end_ms,
        confidence=f.confidence,
        kwh=f.kwh,
        yuan_month=f.yuan_month,
        yuan_doubt=_doubt(reader, f),
        unit="m³" if point and point.quantity == "volume" else "kWh",
        first_told_ms=f.first_told_ms,
        last_seen_ms=f.last_seen_ms,
        withdrawn_ms=f.withdrawn_ms,
        first_kind=f.first_kind,
        confirmed=f.confirmed,
        evidence=dict(f.evidence),
    )


def monthly_cost(found: list[FindingView]) -> float:
    """Yuan a month of all that cost something; what happens to save is no counterweight."""
    return sum(max(f.yuan_month or 0.0, 0.0) for f in found)
