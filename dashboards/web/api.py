"""The read-only JSON API under ``/api/v1``, described at ``/api/docs``. Thin: parameters in, a view model out.

Energies are kWh (volumes m³), money yuan, carbon kgCO2, times epoch milliseconds UTC, shares 0 … 1; null = not known.
Each answer carries an ETag; ask with If-None-Match and hear 304 while nothing changed.
"""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import msgspec
import numpy as np
from fastapi import APIRouter, HTTPException, Query, Request, Response

from dashboards.catalogue import LANGUAGES
from dashboards.catalogue.sentence import Sentence
from dashboards.queries.basis import Basis, basis
from dashboards.queries.district import District, district
from dashboards.queries.findings import FindingView, findings
from dashboards.queries.heat import Heat, heat
from dashboards.queries.meter import MeterDay, meter_day, sane_day
from dashboards.queries.meters import Health, Node, meters, tree
from dashboards.queries.month import BaseLoad, Month, base_load, month
from dashboards.queries.operations import Operations, operations
from dashboards.queries.peers import Peers, peers
from dashboards.queries.reader import Reader
from dashboards.queries.savings import SavingView, savings
from dashboards.queries.shape import Shape, shape
from dashboards.queries.span import Span, instant
from dashboards.queries.today import Today, numbers, today
from dashboards.web.answer import json_answer
from dashboards.web.telling import tell
from submeter.stores.port import Column
from submeter.words import Flag, Known, Method, Portfolio, Resolution

LATEST_MS = 7_258_118_400_000
"""the year 2200"""
ROWS_MOST = 40_000
"""intervals in one answer: a year of quarters and some"""


@dataclass(frozen=True, slots=True)
class Pulse:
    """``filling``: share of the past that has been read, null when no back-fill runs."""

    now_ms: int
    filling: float | None
    portfolio: str


@dataclass(frozen=True, slots=True)
class BuildingView:
    id: str
    name: str
    name_zh: str
    type: str
    zone: str
    area_m2: float
    station: str
    price: str
    carbon: str
    points: list[str]


@dataclass(frozen=True, slots=True)
class PointView:
    id: str
    building: str
    name: str
    name_zh: str
    medium: str
    item: str
    parent: str
    rating: float
    quantity: str


@dataclass(frozen=True, slots=True)
class IntervalColumns:
    """Columns of equal length; ``value`` null where missing; ``known``, ``method``, ``flags`` as in ``legend``."""

    point: str
    quantity: str
    resolution: str
    start_ms: list[int]
    value: list[float | None]
    known: list[int]
    method: list[int]
    flags: list[int]
    revision: list[int]
    legend: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class FindingTold:
    finding: FindingView
    sentence: Sentence


def api_router(reader: Reader) -> APIRouter:
    router = APIRouter(prefix="/api/v1")
    _describe(router, reader)
    _district(router, reader)
    _building(router, reader)
    _point(router, reader)
    return router


def _describe(router: APIRouter, reader: Reader) -> None:
    @router.get("/pulse", response_model=Pulse, tags=["state"], summary="Is it alive, and how far is the past read")
    def pulse(request: Request) -> Response:
        return json_answer(request, Pulse(reader.now_ms(), reader.backfill(), reader.portfolio.version))

    @router.get("/operations", response_model=Operations, tags=["state"], summary="Gateways, outbox, quarantine, held")
    def read_operations(request: Request) -> Response:
        return json_answer(request, operations(reader))

    @router.get("/meters", response_model=list[Health], tags=["meters"], summary="Last seen, register, completeness")
    def read_meters(request: Request, building: str | None = None) -> Response:
        _known_building(reader.portfolio, building)
        return json_answer(request, meters(reader, building))

    @router.get("/points", response_model=list[PointView], tags=["meters"], summary="Points of the portfolio")
    def read_points(request: Request, building: str | None = None) -> Response:
        _known_building(reader.portfolio, building)
        points = reader.portfolio.points.values()
        return json_answer(request, [point_view(p) for p in points if building in (None, p.building)])


def _district(router: APIRouter, reader: Reader) -> None:
    @router.get("/districts", response_model=list[District], tags=["district"], summary="Districts: this one")
    def read_districts(request: Request) -> Response:
        return json_answer(request, [district(reader)])

    @router.get("/findings", response_model=list[FindingTold], tags=["findings"], summary="Costliest first, with words")
    def read_findings(
        request: Request,
        building: str | None = None,
        state: Annotated[str, Query(pattern="^(open|closed|withdrawn|all)$")] = "open",
        lang: Annotated[str, Query(pattern="^(en|zh)$")] = LANGUAGES[0],
    ) -> Response:
        found = findings(reader, building, None if state == "all" else state)
        return json_answer(request, [FindingTold(f, tell(f, lang)) for f in found])

    @router.get("/savings", response_model=list[SavingView], tags=["savings"], summary="Avoided energy of each measure")
    def read_savings(request: Request, building: str | None = None) -> Response:
        _known_building(reader.portfolio, building)
        return json_answer(request, savings(reader, building))


def _building(router: APIRouter, reader: Reader) -> None:
    @router.get("/buildings", response_model=list[BuildingView], tags=["building"], summary="Buildings")
    def read_buildings(request: Request) -> Response:
        return json_answer(request, [building_view(reader.portfolio, b) for b in reader.portfolio.buildings])

    @router.get("/buildings/{building}", response_model=BuildingView, tags=["building"], summary="One building")
    def read_building(request: Request, building: str) -> Response:
        _known_building(reader.portfolio, building)
        return json_answer(request, building_view(reader.portfolio, building))

    def picture(path: str, view: Any, summary: str, make: Any) -> None:
        @router.get(f"/buildings/{{building}}/{path}", response_model=view, tags=["building"], summary=summary)
        def read(request: Request, building: str) -> Response:
            _known_building(reader.portfolio, building)
            return json_answer(request, make(reader, building))

    @router.get(
        "/buildings/{building}/today", response_model=Today, tags=["building"], summary="A day against its band"
    )
    def read_today(request: Request, building: str, day: date | None = None) -> Response:
        _known_building(reader.portfolio, building)
        return json_answer(request, today(reader, building, _day(day)))

    picture("month", Month, "Thirty days: energy, money, carbon, shares", month)
    picture("heat", Heat, "A year, day × hour", heat)
    picture("base", BaseLoad, "Base load and its trend", base_load)
    picture("shape", Shape, "Typical days and figures of the main meter's load", shape)
    picture("baseline", Basis | None, "How good the main meter's baseline is, null while there is none", basis)
    picture("peers", Peers, "Figures beside those of buildings of the same type", peers)
    picture("tree", list[Node], "Meter tree with balance", tree)


def _point(router: APIRouter, reader: Reader) -> None:
    @router.get(
        "/meters/{building}/{local}", response_model=MeterDay, tags=["meters"], summary="A meter's day: how it is known"
    )
    def read_meter(request: Request, building: str, local: str, day: date | None = None) -> Response:
        _known_point(reader.portfolio, f"{building}/{local}")
        return json_answer(request, meter_day(reader, f"{building}/{local}", _day(day)))

    @router.get("/points/{building}/{local}", response_model=PointView, tags=["meters"], summary="One point")
    def read_point(request: Request, building: str, local: str) -> Response:
        _known_point(reader.portfolio, f"{building}/{local}")
        return json_answer(request, point_view(reader.portfolio.points[f"{building}/{local}"]))

    @router.get(
        "/intervals", response_model=IntervalColumns, tags=["meters"], summary="Intervals of a point, half-open"
    )
    def read_intervals(
        request: Request,
        point: str,
        start_ms: Annotated[int, Query(ge=0, le=LATEST_MS)],
        end_ms: Annotated[int, Query(ge=0, le=LATEST_MS)],
        resolution: Resolution = Resolution.HOUR,
        quantity: str = "",
    ) -> Response:
        _known_point(reader.portfolio, point)
        if end_ms <= start_ms or (end_ms - start_ms) / 1000 / resolution.seconds > ROWS_MOST:
            raise HTTPException(422, f"start_ms must lie before end_ms, with at most {ROWS_MOST} intervals between")
        column = Column(point, quantity or reader.portfolio.points[point].quantity, resolution)
        return json_answer(request, interval_columns(reader, column, Span(instant(start_ms), instant(end_ms))))


def _day(day: date | None) -> str | None:
    try:
        return sane_day(day.isoformat()).isoformat() if day else None
    except ValueError as fault:
        raise HTTPException(422, str(fault)) from None


def _known_building(portfolio: Portfolio, building: str | None) -> None:
    if building is not None and building not in portfolio.buildings:
        raise HTTPException(404, f"building {building!r} is not in the portfolio; GET /api/v1/buildings lists them")


def _known_point(portfolio: Portfolio, point: str) -> None:
    if point not in portfolio.points:
        raise HTTPException(404, f"point {point!r} is not in the portfolio; GET /api/v1/points lists them")


def building_view(portfolio: Portfolio, building: str) -> BuildingView:
    at = portfolio.buildings[building]
    return BuildingView(
        at.id, at.name, at.name_zh or at.name, at.type, at.zone, at.area_m2, at.station, at.price, at.carbon,
        [p.id for p in portfolio.points_of(building)],
    )  # fmt: skip


def point_view(point: Any) -> PointView:
    return msgspec.convert({**msgspec.structs.asdict(point), "building": point.building}, PointView)


def interval_columns(reader: Reader, column: Column, span: Span) -> IntervalColumns:
    (rows,) = reader.intervals([column], span.start, span.end)
    return IntervalColumns(
        point=column.point,
        quantity=column.quantity,
        resolution=column.resolution,
        start_ms=(rows.start.astype(np.int64) * 1000).tolist(),
        value=numbers(rows.value, 6),
        known=rows.known.tolist(),
        method=rows.method.tolist(),
        flags=rows.flags.tolist(),
        revision=rows.revision.tolist(),
        legend={
            "known": {k.name.lower(): int(k) for k in Known},
            "method": {m.name.lower(): int(m) for m in Method},
            "flags": {f.name.lower(): int(f) for f in Flag if f.name},
        },
    )
