"""The first screen: what is wrong and what it costs, is today normal, where the energy goes, how buildings compare."""

from dataclasses import dataclass

import numpy as np

from dashboards.queries.asof import as_of, district_as_of, month_to
from dashboards.queries.findings import FindingView, findings, monthly_cost
from dashboards.queries.month import Month, Share, intensity, month
from dashboards.queries.peers import Place, places
from dashboards.queries.reader import Reader
from dashboards.queries.today import Today, today
from dashboards.queries.total import Total


@dataclass(frozen=True, slots=True)
class Row:
    """One building on the overview; ``places`` are its ranks within its type by figure (intensity, base_share)."""

    id: str
    name: str
    name_zh: str
    type: str
    area_m2: float
    today: Today
    month: Month
    intensity: Total | None
    findings: int
    fresh: bool
    places: dict[str, Place]


@dataclass(frozen=True, slots=True)
class District:
    """``energy``, ``cost`` and ``carbon`` are of the thirty days to ``end_ms``; ``without`` lists buildings whose own
    total is withheld and so not in the sum. ``filling`` is the share of the past read while a back-fill runs."""

    id: str
    buildings: int
    meters: int
    end_ms: int
    fresh: bool
    filling: float | None
    days_known: int
    first_ms: int | None
    energy: Total
    cost: Total
    carbon: Total
    without: list[str]
    shares: list[Share]
    rows: list[Row]
    findings: list[FindingView]
    yuan_month: float


def district(reader: Reader) -> District:
    return reader.kept("district", lambda: _district(reader), 3.0)


def _district(reader: Reader) -> District:
    portfolio = reader.portfolio
    upto = district_as_of(reader)
    found = findings(reader)
    rows = [_row(reader, b, found, upto.end) for b in portfolio.buildings]
    months = [r.month for r in rows]
    return District(
        id=portfolio.tenant,
        buildings=len(portfolio.buildings),
        meters=len(portfolio.points),
        end_ms=upto.end_ms,
        fresh=upto.fresh,
        filling=reader.backfill(),
        days_known=max((as_of(reader, b).days_known for b in portfolio.buildings), default=0),
        first_ms=min((f for b in portfolio.buildings if (f := as_of(reader, b).first_ms) is not None), default=None),
        energy=_together([m.energy for m in months], "kWh", reader.limit),
        cost=_together([m.cost for m in months], "yuan", reader.limit),
        carbon=_together([m.carbon for m in months], "kg", reader.limit),
        without=[r.id for r in rows if r.month.energy.value is None],
        shares=_add_shares([m.shares for m in months if m.energy.value is not None]),
        rows=rows,
        findings=found,
        yuan_month=monthly_cost(found),
    )


def _row(reader: Reader, building: str, found: list[FindingView], end: np.datetime64) -> Row:
    at = reader.building(building)
    return Row(
        id=at.id,
        name=at.name,
        name_zh=at.name_zh or at.name,
        type=at.type,
        area_m2=at.area_m2,
        today=today(reader, building),
        month=month(reader, building, end),
        intensity=intensity(reader, building),
        findings=sum(f.building == building for f in found),
        fresh=as_of(reader, building).fresh,
        places=places(reader, building),
    )


def _together(parts: list[Total], unit: str, limit: float) -> Total:
    """Sum of the buildings' totals. Completeness is by what is expected of each (the mean of the others', where nobody
    can say), and none of a withheld one is in the sum."""
    if not parts:
        return Total(None, unit, None, 0.0, False)
    known = [p for p in parts if p.value is not None]
    told = [p.expected for p in parts if p.expected]
    usual = sum(told) / len(told) if told else 1.0
    weights = [p.expected or usual for p in parts]
    there = [p.completeness or 0.0 if p.value is not None else 0.0 for p in parts]
    completeness = sum(w * c for w, c in zip(weights, there, strict=True)) / sum(weights)
    withheld = not known or completeness < limit
    return Total(
        value=None if withheld else sum(p.value or 0.0 for p in known),
        unit=unit,
        completeness=completeness,
        estimated=_weighed([(p.estimated, p.value or 0.0) for p in known]),
        withheld=withheld,
        start_ms=min(p.start_ms for p in parts),
        end_ms=max(p.end_ms for p in parts),
        suspect=sum(p.suspect for p in known),
    )


def _weighed(pairs: list[tuple[float, float]]) -> float:
    whole = sum(weight for _, weight in pairs)
    return sum(value * weight for value, weight in pairs) / whole if whole > 0 else 0.0


def _add_shares(many: list[list[Share]]) -> list[Share]:
    kwh: dict[str, float] = {}
    estimated: dict[str, bool] = {}
    for share in (s for shares in many for s in shares):
        kwh[share.item] = kwh.get(share.item, 0.0) + share.kwh
        estimated[share.item] = estimated.get(share.item, False) or share.estimated
    whole = sum(kwh.values())
    return [Share(i, kwh[i], kwh[i] / whole, estimated[i]) for i in sorted(kwh, key=lambda i: i or "~") if whole > 0]


def district_month_start(reader: Reader, zone: str) -> np.datetime64:
    """Where the district's thirty days begin, in ``zone``."""
    return month_to(district_as_of(reader).end, zone).start
