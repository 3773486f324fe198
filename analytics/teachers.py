"""Lessons that are due: which ones a place's studies need, who teaches them, and when they are learnt anew.

Strategy: a lesson ends with a quarter of the local calendar, and a study needs those of the two years that it looks at,
so it is the same whenever it is made, expectations change four times a year and not every night, and a saving never has
to wait for a lesson of its own. A lesson is learnt a week after its end, by when late readings are in, and lent from
then on. Once a day it is looked whether what it was learnt from is more, or less, by a hundredth (an import, a
back-fill, corrections). Mains teach, at most :data:`~analytics.cohort.MOST_TEACHERS` of them, and as many sub-meters:
so the memory is bounded, whatever the portfolio's size. Each lesson is written when it is learnt; killed between two,
the rest is due again.

Measured on Drammen's mains with their injected faults: a new quarter's lesson moves a sixth of a year's expected hours
by more than a hundredth of the mean hour (median of meters), and none of 106 findings.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from msgspec import structs
from threadpoolctl import threadpool_limits

from analytics.baseline import MODEL
from analytics.calendar import Times, instant_ms, local_seconds
from analytics.cohort import MOST_TEACHERS, Member
from analytics.design import Floats
from analytics.hours import HISTORY_DAYS, HOUR_S, read_measured, read_outdoor
from analytics.lesson import HISTORY_YEARS, Changes, edges, kind_of, learn, shows_use
from analytics.term import LEAST_METERS
from analytics.weekdays import Place
from submeter.stores.port import Column, Store
from submeter.words import Building, Known, Lesson, Point, Portfolio, Resolution, lineage

DAY_MS: Final = 86_400_000
CHECKED: Final = "lessons"
"""with a place: when it was last looked whether its lessons are due (epoch ms)"""
WAIT_MS: Final = 7 * DAY_MS
"""from a lesson's end until it is learnt; a saving is refused with less of a reporting period, so none misses it"""
OUTGROWN: Final = 0.01
YEAR_H: Final = 366 * 24
QUARTERS: Final = (1, 4, 7, 10)


@dataclass(frozen=True, slots=True, eq=False)
class Teachers:
    """Hours ``start`` (n) of a place, who teaches of them, and when something is known to have changed."""

    start: Times
    members: tuple[Member, ...]
    changes: Changes


def place_of(building: Building) -> Place:
    return Place(building.zone, building.country, building.subdivision)


def lessons_of(store: Store, place: Place, now_ms: int) -> tuple[Lesson, ...]:
    """A place's lessons that a study at that time looks at, the earliest first."""
    wanted = quarters(place.zone, now_ms)
    mine = [each for each in store.entries(Lesson) if (each.zone, each.country, each.subdivision) == place]
    return tuple(sorted((each for each in mine if each.until_ms in wanted), key=lambda each: each.until_ms))


def learn_due(store: Store, portfolio: Portfolio, place: Place, now_ms: int, every_ms: int = DAY_MS) -> int:
    """Learn the lessons of a place that a study at that time needs and that are missing or outgrown; returns how many
    were. Raises StoreAway."""
    points = teachers_of(portfolio, place)
    if len([p for p in points if p.is_main]) < LEAST_METERS:
        return 0
    wanted = quarters(place.zone, now_ms)
    kept = {each.until_ms: each for each in lessons_of(store, place, now_ms) if each.model == MODEL}
    job = " ".join((CHECKED, *place))
    if set(wanted) <= set(kept) and now_ms - store.cursor(job) < every_ms:
        return 0
    days = known_days(store, points, place, wanted)
    due = [each for each in wanted if each not in kept or _outgrown(kept[each].days, days[each])]
    if due:
        _learn(store, read_teachers(store, portfolio, points, place, due), place, {each: days[each] for each in due})
    store.set_cursor(job, max(now_ms, store.cursor(job)))
    return len(due)


def _learn(store: Store, teachers: Teachers, place: Place, days: Mapping[int, int]) -> None:
    with threadpool_limits(1, "blas"):
        for until_ms, count in days.items():
            lesson = learn(teachers.start, place, teachers.members, until_ms, teachers.changes)
            store.put(structs.replace(lesson, days=count))


def _outgrown(before: int, now: int) -> bool:
    return abs(now - before) > OUTGROWN * before


def known_days(store: Store, points: Sequence[Point], place: Place, wanted: Sequence[int]) -> dict[int, int]:
    """How many days of the ledger, one a meter and day, each lesson would be learnt from: days, as they are few."""
    first = np.datetime64(min(wanted) // 1000, "s") - np.timedelta64(HISTORY_YEARS * 366, "D")
    last = np.datetime64(max(wanted) // 1000, "s")
    out = dict.fromkeys(wanted, 0)
    for point in points:
        (rows,) = store.read_intervals([Column(point.id, point.quantity, Resolution.DAY)], first, last)
        known = rows.start[rows.known > Known.MISSING]
        for until_ms in wanted:
            edge = edges(known, place.zone, until_ms)
            out[until_ms] += edge[0] - edge[-1]
    return out


def quarters(zone: str, now_ms: int) -> list[int]:
    """Where the lessons end that a study at that time may look at: quarters' first instants (epoch ms), ascending."""
    today = local_seconds(np.array([now_ms // 1000]).astype("datetime64[s]"), zone).astype("datetime64[s]")
    year = int(today.astype("datetime64[Y]").astype(int)[0]) + 1970
    firsts = [date(y, m, 1) for y in range(year - HISTORY_DAYS // 365 - 1, year + 1) for m in QUARTERS]
    instants = [instant_ms(day.isoformat(), zone) for day in firsts]
    return [each for each in instants if now_ms - HISTORY_DAYS * DAY_MS < each <= now_ms - WAIT_MS]


# who teaches
def teachers_of(portfolio: Portfolio, place: Place) -> list[Point]:
    """Metered points of a place that teach: mains and sub-meters, each evenly picked."""
    there = [p for p in portfolio.points.values() if place_of(portfolio.buildings[p.building]) == place]
    metered = sorted((p for p in there if not p.formula), key=lambda p: (p.item, p.id))
    mains, subs = [p for p in metered if p.is_main], [p for p in metered if not p.is_main]
    return [*_evenly(mains), *_evenly(subs)]


def _evenly(points: Sequence[Point]) -> Sequence[Point]:
    return points[:: max(-(-len(points) // MOST_TEACHERS), 1)]


def kind_of_point(point: Point) -> str:
    return kind_of(_role(point), point.medium, point.item)


def _role(point: Point) -> str:
    return "main" if point.is_main else "sub"


def read_teachers(
    store: Store, portfolio: Portfolio, points: Sequence[Point], place: Place, wanted: Sequence[int]
) -> Teachers:
    """Their hours as far as lessons that end at the ``wanted`` instants look at them."""
    end_s = max(wanted) // 1000
    hours = HISTORY_YEARS * YEAR_H + (end_s - min(wanted) // 1000) // HOUR_S
    start = (end_s + HOUR_S * np.arange(-hours, 0)).astype("datetime64[s]")
    outdoor: dict[str, Floats | None] = {}
    members = []
    for point in points:
        station = portfolio.buildings[point.building].station
        if station not in outdoor:
            there = portfolio.stations.get(station)
            outdoor[station] = None if there is None else read_outdoor(store, there, start)
        energy = read_measured(store, point, start)
        if np.isfinite(energy).any():
            shows = shows_use(_role(point), point.medium)
            members.append(Member(point.id, point.building, kind_of_point(point), energy, outdoor[station], shows))
    return Teachers(start, tuple(members), dict(_changes(portfolio, points, place.zone)))


def _changes(portfolio: Portfolio, points: Sequence[Point], zone: str) -> Iterator[tuple[str, list[int]]]:
    """A meter's own measures and those of meters below it."""
    for point in points:
        yield point.id, changes_of(portfolio, point.id, zone)


def changes_of(portfolio: Portfolio, point: str, zone: str) -> list[int]:
    """When works began at a meter or at one below it (epoch ms, ascending)."""
    return sorted({instant_ms(m.works_start or m.start, zone) for m in portfolio.measures.values()
                   if any(point in lineage(portfolio.points, p) for p in m.points)})  # fmt: skip
