"""Random portfolios with nested meters and virtual ones, and the slow obvious sums over them, a row at a time.

The twin knows nothing of signs: it walks the tree, and asks of each meter what it counts less what its children count.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import strategies as st

from submeter.stores.port import Column, Store
from submeter.words import Building, Device, Flag, Intervals, Known, Method, Point, Portfolio, Resolution

SHANGHAI, OSLO = "Asia/Shanghai", "Europe/Oslo"
ITEMS = ("01000", "01A00", "01B00", "01B10", "01C00")
ALWAYS = np.datetime64("1990-01-01", "s"), np.datetime64("2060-01-01", "s")


def portfolio_of(points: list[Point], zones: dict[str, str] | None = None,
                 since: dict[str, str] | None = None) -> Portfolio:  # fmt: skip
    """A portfolio of these points; each that has no formula has a device."""
    names = list(dict.fromkeys(p.building for p in points))
    return Portfolio(
        tenant="t",
        buildings={
            b: Building(id=b, name=b, type="office", zone=(zones or {}).get(b, SHANGHAI), area_m2=1)
            for b in names
        },
        points={p.id: p for p in points},
        devices={
            p.id: (Device(point=p.id, serial=f"S{n}", since=(since or {}).get(p.id, "")),)
            for n, p in enumerate(points)
            if not p.formula
        },
        stations={}, gateways={}, measures={},
    )  # fmt: skip


@st.composite
def trees(draw: st.DrawFn, building: str = "B", most: int = 7) -> list[Point]:
    """Meters of one building: parents come before their children; then up to two virtual meters, one a view."""
    points: list[Point] = []
    for n in range(draw(st.integers(1, most))):
        parent = draw(st.sampled_from(["", *[p.id for p in points]]))
        points.append(Point(id=f"{building}/m{n}", name="m", item=draw(st.sampled_from(ITEMS)), parent=parent))
    meters = [p.id for p in points]
    if draw(st.booleans()):
        formula = " + ".join(draw(st.lists(st.sampled_from(meters), min_size=1, max_size=3, unique=True)))
        points.append(Point(id=f"{building}/view", name="view", formula=formula))
        if draw(st.booleans()):
            points.append(Point(id=f"{building}/rest", name="rest", item="01D00", parent=meters[0],
                                formula=f"{meters[0]} - {building}/view"))  # fmt: skip
    return points


@dataclass(frozen=True)
class Row:
    micro: int
    known: int
    flags: int = 0


Ledger = dict[tuple[str, Resolution, int], Row]
"""What a slow ledger knows: (point, resolution, start in epoch s) → row."""


def midnight_s(day: str, zone: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).timestamp())


def rows_of(found: dict[int, Row]) -> Intervals:
    starts = sorted(found)
    known = np.array([found[s].known for s in starts], np.uint8)
    return Intervals.of(
        np.array(starts, np.int64).astype("datetime64[s]"),
        np.array([found[s].micro if found[s].known else 0 for s in starts], np.int64),
        known,
        np.where(known > 0, Method.REGISTER, Method.NO_READING),
        np.array([found[s].flags for s in starts], np.uint16),
    )


def own(portfolio: Portfolio, ledger: Ledger, point: str, resolution: Resolution, start: int) -> int | None:
    """What a meter counts less what its children count, None where any of them is not known."""
    family = [point, *portfolio.children_of(point)]
    rows = [ledger.get((p, resolution, start), Row(0, 0)) for p in family]
    if any(row.known == Known.MISSING for row in rows):
        return None
    return rows[0].micro - sum(row.micro for row in rows[1:])


def virtual_row(portfolio: Portfolio, ledger: Ledger, point: str, resolution: Resolution, start: int) -> Row | None:
    """Known only if all members are; None where no member has a row at all."""
    words = portfolio.points[point].formula.split()
    signs = [1 if sign == "+" else -1 for sign in ["+", *words[1::2]]]
    rows = [
        virtual_row(portfolio, ledger, p, resolution, start)
        if portfolio.points[p].formula
        else ledger.get((p, resolution, start))
        for p in words[::2]
    ]
    if all(row is None for row in rows):
        return None
    flags = 0
    for row in rows:
        flags |= row.flags if row else 0
    if any(row is None or not row.known for row in rows):
        return Row(0, 0, flags)
    there = [row for row in rows if row]
    return Row(sum(s * r.micro for s, r in zip(signs, there, strict=True)), min(r.known for r in there), flags)


def with_virtuals(portfolio: Portfolio, ledger: Ledger) -> Ledger:
    places = {(resolution, start) for _, resolution, start in ledger}
    made = {
        (p.id, resolution, start): row
        for p in portfolio.points.values()
        if p.formula
        for resolution, start in places
        if (row := virtual_row(portfolio, ledger, p.id, resolution, start)) is not None
    }
    return {**ledger, **made}


def stored(store: Store, point: str, quantity: str, resolution: Resolution) -> dict[int, tuple[int, int]]:
    """start → (micro, known)."""
    (rows,) = store.read_intervals([Column(point, quantity, resolution)], *ALWAYS)
    starts = rows.start.astype("datetime64[s]").astype(np.int64).tolist()
    return dict(zip(starts, zip(rows.micro.tolist(), rows.known.tolist(), strict=True), strict=True))


PENDING = int(Flag.PENDING)
