"""Findings as people meet them: ranked by what they cost a month, each with the words to make its sentence."""

from dataclasses import dataclass

from dashboards.queries.reader import Reader
from submeter.words import Finding, FindingState


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding with the names of what it is about. ``kwh`` and ``yuan_month`` None = not known; ``withdrawn_ms`` is
    when it turned out not to be so, None = it stands. ``first_kind``: as what it was told live, '' = it was not;
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
    unit: str
    first_told_ms: int
    last_seen_ms: int
    withdrawn_ms: int | None
    first_kind: str
    confirmed: bool
    evidence: dict[str, float | str]


def findings(reader: Reader, building: str | None = None, state: str | None = "open") -> list[FindingView]:
    """Costliest first, what costs nothing known last; among equals the surest and the newest first."""
    found = [f for f in reader.entries(Finding, building) if state is None or f.state == state]
    return [_view(reader, f) for f in sorted(found, key=_rank)]


def _rank(finding: Finding) -> tuple[bool, float, float, int]:
    return (
        finding.yuan_month is None,
        -(finding.yuan_month or 0.0),
        -finding.confidence,
        -finding.start_ms,
    )


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
