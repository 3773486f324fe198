"""Which meter is bad? Health of each meter, and the tree with its balance and the band that accuracy allows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import numpy as np

from dashboards.queries.asof import as_of
from dashboards.queries.grid import read_points
from dashboards.queries.reader import Reader
from dashboards.queries.span import day_edges, instant, local_day
from submeter.words import Balance, Device, Point, Resolution, Series

LATE_S = 2 * 3600
SILENT_S = 24 * 3600
LOOK_DAYS = 30
VIRTUAL = "virtual"


@dataclass(frozen=True, slots=True)
class Health:
    """``state``: ok, late (over two hours), silent (over a day), never, or virtual (a sum of others: ``device`` is then
    its formula). ``register`` is what the meter shows, before any ratio, in ``unit``. ``completeness`` of the last
    thirty days' daily intervals; ``gaps``: days not known of them.
    """

    point: str
    building: str
    name: str
    name_zh: str
    medium: str
    item: str
    parent: str
    device: str
    model: str
    address: str
    ratio: str
    quantity: str
    unit: str
    last_seen_ms: int | None
    register: float | None
    state: str
    completeness: float | None
    gaps: int


@dataclass(frozen=True, slots=True)
class Node:
    """A meter in the tree; ``gap_kwh`` = main − children, ``outside`` when it is beyond ± ``band_kwh``.

    ``cause`` is the likeliest one of a gap outside the band ('' = within), ``blamed`` the meter it names ('' = none).
    """

    point: str
    name: str
    name_zh: str
    item: str
    depth: int
    state: str
    unit: str
    main_kwh: float | None
    children_kwh: float | None
    gap_kwh: float | None
    band_kwh: float | None
    completeness: float | None
    outside: bool
    start_ms: int | None
    end_ms: int | None
    cause: str
    blamed: str
    blamed_zh: str
    factor: float | None
    base_kw: float
    explained: float
    either: bool


def meters(reader: Reader, building: str | None = None) -> list[Health]:
    """In order of the portfolio."""
    wanted = [building] if building else list(reader.portfolio.buildings)
    return [h for b in wanted for h in reader.kept(("meters", b), partial(_meters, reader, b), 5.0)]


def _meters(reader: Reader, building: str) -> list[Health]:
    points = reader.portfolio.points_of(building)
    shares, gaps = _completeness(reader, building, points)
    heard = {s for s in reader.series() if s.point.partition("/")[0] == building}
    return [_health(reader, p, heard, share, gap) for p, share, gap in zip(points, shares, gaps, strict=True)]


def _completeness(reader: Reader, building: str, points: Sequence[Point]) -> tuple[list[float | None], list[int]]:
    """Of the thirty whole local days before the end of what the building has come to."""
    zone = reader.building(building).zone
    last = local_day(as_of(reader, building).end - np.timedelta64(1, "s"), zone)
    edges = day_edges(last - timedelta(LOOK_DAYS), LOOK_DAYS, zone)
    grid = read_points(reader, [p.id for p in points], Resolution.DAY, edges)
    known = (grid.known > 0).sum(axis=1).tolist()
    return [n / LOOK_DAYS if grid.present.any() else None for n in known], [LOOK_DAYS - n for n in known]


def current_device(devices: Sequence[Device]) -> Device | None:
    """The one that hangs there now: the last that has not been taken down, else the last."""
    hanging = [d for d in devices if not d.until] or list(devices)
    return hanging[-1] if hanging else None


def _health(reader: Reader, point: Point, heard: set[Series], share: float | None, gaps: int) -> Health:
    device = current_device(reader.portfolio.devices.get(point.id, ()))
    mine = Series(point.id, device.serial, point.quantity) if device else None
    last = reader.last_reading(mine) if mine in heard and mine is not None else None
    return Health(
        point=point.id,
        building=point.building,
        name=point.name,
        name_zh=point.name_zh or point.name,
        medium=point.medium,
        item=point.item,
        parent=point.parent,
        device=device.serial if device else point.formula,
        model=device.model if device else "",
        address=device.address if device else "",
        ratio=str(device.ratio) if device else "1",
        quantity=point.quantity,
        unit="m³" if point.quantity == "volume" else "kWh",
        last_seen_ms=last[0] if last else None,
        register=last[1] / 1e6 if last else None,
        state=VIRTUAL if point.formula else state_of(reader.now_ms(), last[0] if last else None),
        completeness=share,
        gaps=gaps,
    )


def state_of(now_ms: int, last_ms: int | None) -> str:
    if last_ms is None:
        return "never"
    age_s = (now_ms - last_ms) / 1000
    return "ok" if age_s <= LATE_S else "late" if age_s <= SILENT_S else "silent"


def tree(reader: Reader, building: str) -> list[Node]:
    """Depth first, parents before children; without views, which stand nowhere in the tree."""
    health = {h.point: h for h in meters(reader, building)}
    balances = {b.point: b for b in reader.entries(Balance, building)}
    sums = _leaf_sums(reader, building, list(balances.values()))
    nodes: list[Node] = []

    def walk(point: Point, depth: int) -> None:
        balance = balances.get(point.id)
        blamed = reader.portfolio.points.get(balance.blamed) if balance else None
        nodes.append(_node(point, depth, health[point.id].state, balance, sums.get(point.id), blamed))
        for child in reader.portfolio.children_of(point.id):
            walk(reader.portfolio.points[child], depth + 1)

    for top in (p for p in reader.portfolio.points_of(building) if p.is_main):
        if not top.formula or reader.portfolio.children_of(top.id):
            walk(top, 0)
    return nodes


def _leaf_sums(reader: Reader, building: str, balances: list[Balance]) -> dict[str, float]:
    """What each meter counted in the hours of the balances' span; none without balances."""
    if not balances:
        return {}
    start, end = min(b.start_ms for b in balances), max(b.end_ms for b in balances)
    points = [p.id for p in reader.portfolio.points_of(building)]
    columns = reader.point_intervals(points, Resolution.HOUR, instant(start), instant(end))
    return {p: float(c.value[c.known > 0].sum()) for p, c in zip(points, columns, strict=True) if (c.known > 0).any()}


def _node(
    point: Point, depth: int, state: str, balance: Balance | None, counted: float | None, blamed: Point | None
) -> Node:
    gap = balance.main_kwh - balance.children_kwh if balance else None
    return Node(
        point=point.id,
        name=point.name,
        name_zh=point.name_zh or point.name,
        item=point.item,
        depth=depth,
        state=state,
        unit="m³" if point.quantity == "volume" else "kWh",
        main_kwh=balance.main_kwh if balance else counted,
        children_kwh=balance.children_kwh if balance else None,
        gap_kwh=gap,
        band_kwh=balance.band_kwh if balance else None,
        completeness=balance.completeness if balance else None,
        outside=balance is not None and gap is not None and gap < -balance.band_kwh,
        start_ms=balance.start_ms if balance else None,
        end_ms=balance.end_ms if balance else None,
        cause=balance.cause if balance else "",
        blamed=blamed.name if blamed else "",
        blamed_zh=(blamed.name_zh or blamed.name) if blamed else "",
        factor=balance.factor if balance else None,
        base_kw=balance.base_kw if balance else 0.0,
        explained=balance.explained if balance else 0.0,
        either=balance.either if balance else False,
    )
