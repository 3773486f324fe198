"""Faults of operation that the calendar and the peak tell.

*Holiday*: on a day off a load runs as on a working day. The model says what a plain day off and what a working day
would take in the same weather; a day's energy is a mixture of the two (least squares), and is told where its share of
the working day is near one, where the mixture explains the day, and where this meter's days off are not usually so.
*Peak*: an hour's mean power well above what calendar, weather and season explain, above what else the season has seen,
and above this meter's own habit of surprises; or above the demand that is contracted.

Chosen on Drammen's 2018, where 1 May, a Tuesday, is told of most buildings whose plant had not heard of it.
All functions are pure, over hours of a local calendar; kWh in an hour are kW. NaN = not known, and tells nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from analytics.anomalies.episode import Bools, Episode, bridged, runs
from analytics.anomalies.thermal import Against
from analytics.baseline import evaluate
from analytics.design import Design
from analytics.quality import Floats
from analytics.weekdays import DayTypes, day_types
from submeter.words import Building, Medium, Point, lineage

Ints = NDArray[np.int64]

KNOWN_H: Final = 18
"""A day with fewer known hours is not looked at."""
LIKE_WORK: Final = 0.6
MOST_LIKE: Final = 4.0
PARTLY: Final = 0.4
"""The share of a working day in days off, from … to on their mean, and least of each."""
LEAST_EXPLAINED: Final = 0.75
"""Share of a day's squared excess over a day off that its share of a working day explains."""
LEAST_CONTRAST: Final = 0.3
"""A working day takes at least this much more than a day off, as a share of that."""
HABIT: Final = 3.0
LEAST_SCATTER: Final = 0.1
"""The share stands clear of the median of days off of its kind by so many robust scatters, of at least this much."""
RARE: Final = 0.06
LEAST_RARE: Final = 6
"""What more than this share of the days off of a kind show, and more than so many, is a habit."""
LEAST_OF_DAY: Final = 0.15
"""Least surplus of a day, as a share of the meter's mean day: a chiller's winter is not worth a visit."""
WEEKEND_DAYS: Final = 2
"""A Saturday alone is an open day; a whole weekend is told."""

PEAK_SHARE: Final = 0.4
"""Least excess over what is expected of the hour, as a share of that."""
PEAK_TOP: Final = 0.15
PEAK_HABIT: Final = 1.5
"""Least excess over the :data:`NTH` highest day of the season (:data:`PEAK_DAYS` on each side), as a share of that; and
as a multiple of the :data:`NTH` largest such share of all days."""
PEAK_DAYS: Final = 30
NTH: Final = 3
PEAK_H: Final = 8
MOST_PEAK: Final = 3.0
"""What lasts longer is another level; what is higher by more than so many times is no load."""

SAME: Final = 0.7
"""Two verdicts on the same hours are one where the one makes this share of the other's energy."""


@dataclass(frozen=True, slots=True, eq=False)
class Operated:
    """One meter's hours (n): ``energy`` kWh (NaN = unknown or spoilt) · ``expected`` · ``rested`` and ``worked`` what a
    plain day off and a working day would take in the same weather · ``day`` 0 first · ``off`` not a working day ·
    ``special`` public holidays and long breaks among those."""

    point: str
    energy: Floats
    expected: Floats
    rested: Floats
    worked: Floats
    day: Ints
    off: Bools
    special: Bools


def operated(
    point: str, energy: Floats, expected: Floats, on: Design, coefficients: Floats, types: DayTypes
) -> Operated:
    """A meter as its model's ``coefficients`` (24, columns) see it, which let ``expected`` (n) be expected; ``types``
    are of each hour's day (n)."""
    of_slot = on.by_hour.max(axis=0)
    plain = types.working & ~types.swapped & ~types.bridge
    sunday = (types.weekday == 6) & ~types.working & ~types.holiday & ~types.long_break
    special = ~types.working & (types.holiday | types.long_break)
    worked = evaluate(_as_nearest(on, plain[of_slot]), coefficients)
    # a year's holidays are few, and one long break that was worked would have taught the model half of itself
    rested = np.minimum(expected, evaluate(_as_nearest(on, sunday[of_slot]), coefficients))
    rested = np.where(special, rested, expected)
    return Operated(point, energy, expected, rested, worked, on.day - int(on.day[0]), ~types.working, special)


def _as_nearest(on: Design, good: Bools) -> Design:
    """The same hours and weather, each day on the calendar of the nearest slot that is ``good``."""
    at = np.flatnonzero(good)
    if not len(at):
        return on
    here = np.arange(len(good))
    after = np.searchsorted(at, here)
    before, behind = at[np.maximum(after - 1, 0)], at[np.minimum(after, len(at) - 1)]
    source = np.where(np.abs(before - here) <= np.abs(behind - here), before, behind)
    return replace(on, daily=on.daily[source], side=on.side[source])


def holidays_on(of: Operated) -> list[Episode]:
    """Days off on which the load runs as on a working day, one episode for days in a row."""
    off = days_off(of)
    special = np.bincount(of.day, of.special, len(off.share)) > 0
    bar = np.where(special, _bar(off.share, special), _bar(off.share, ~special))
    near = (np.nan_to_num(off.share) >= PARTLY) & (off.explained >= LEAST_EXPLAINED) & np.isfinite(bar)
    near &= off.surplus >= LEAST_OF_DAY * 24 * float(np.nanmean(of.energy))
    out = []
    for begin, end in runs(near):
        like, least = float(off.share[begin:end].mean()), max(float(bar[begin:end].mean()), LIKE_WORK)
        if least <= like <= MOST_LIKE and (special[begin:end].any() or end - begin >= WEEKEND_DAYS):
            out.append(_holiday(of, begin, end, like))
    return out


class DaysOff(NamedTuple):
    """Of each day (0 first) the ``share`` of a working day in it, 0 = as a day off, 1 = as a working day, NaN where the
    day is worked or not known, or where working days take hardly more; the share of its squared excess that this has
    ``explained``; and its ``surplus`` kWh over a day off."""

    share: Floats
    explained: Floats
    surplus: Floats


def days_off(of: Operated) -> DaysOff:
    """What each day off was like."""
    days = int(of.day[-1]) + 1
    known = np.isfinite(of.energy) & of.off
    span, above = np.maximum(of.worked - of.rested, 0.0), of.energy - of.rested

    def a_day(values: Floats) -> Floats:
        return np.bincount(of.day, np.where(known, values, 0.0), days).astype(float)

    cross, power, squares = a_day(span * above), a_day(span * span), a_day(above * above)
    seen = (a_day(np.ones(len(span))) >= KNOWN_H) & (a_day(span) > LEAST_CONTRAST * a_day(of.rested))
    share = np.divide(cross, power, out=np.full(days, np.nan), where=seen & (power > 0))
    return DaysOff(share, np.divide(share * cross, squares, out=np.zeros(days), where=squares > 0), a_day(above))


def _bar(share: Floats, kind: Bools) -> float:
    """What the share of a day of a kind must reach, to stand clear of the others; infinite where being like a working
    day is their habit. The scatter is that below the median: the days that are looked for lie above."""
    mine = share[kind & np.isfinite(share)]
    near = kind & (np.nan_to_num(share) >= LIKE_WORK)
    if not len(mine) or near.sum() > max(RARE * len(mine), LEAST_RARE + _longest(near)):
        return float("inf")
    middle = float(np.median(mine))
    below = middle - mine[mine < middle]
    scatter = max(1.4826 * float(np.median(below)) if len(below) else 0.0, LEAST_SCATTER)
    return middle + HABIT * scatter if middle < LIKE_WORK / 2 else float("inf")


def _longest(mask: Bools) -> int:
    return max((end - begin for begin, end in runs(mask)), default=0)


def _holiday(of: Operated, first: int, last: int, share: float) -> Episode:
    """From the first hour to the last in which the load was nearer to a working day than to a day off."""
    rows = np.flatnonzero((of.day >= first) & (of.day < last))
    busy = of.worked > of.rested + (of.worked - of.rested)[rows].max() / 3
    on = rows[busy[rows] & (np.nan_to_num(of.energy[rows]) > (of.worked + of.rested)[rows] / 2)]
    begin, end = (int(on[0]), int(on[-1]) + 1) if len(on) else (int(rows[0]), int(rows[-1]) + 1)
    known = np.isfinite(of.energy[begin:end])
    actual, usual = (float(x[begin:end][known].sum()) for x in (of.energy, of.rested))
    facts = {"days": float(last - first), "share": share, "actual_kwh": actual, "expected_kwh": usual}
    return Episode(of.point, "holiday_on", begin, end, min(0.75 + 0.2 * min(share, 1.0), 0.95), actual - usual, facts)


def peaks(of: Operated) -> list[Episode]:
    """Hours whose demand is far above what explains it; at most one a day, begun and ended at half of the excess."""
    days = int(of.day[-1]) + 1
    known = np.isfinite(of.energy)
    highest = _of_days(np.where(known, of.energy, 0.0), of.day, days)
    top = season_top(highest)
    over = np.divide(highest, top, out=np.zeros(days), where=top > 0) - 1
    bar = max(PEAK_TOP, PEAK_HABIT * float(np.sort(over)[-NTH:][0]))
    above = np.where(known, of.energy - of.expected, 0.0)
    high = (_highest_hour(of, int(day)) for day in np.flatnonzero((over >= bar) & (over <= MOST_PEAK)))
    out = [_peak(of, at, above, float(top[of.day[at]])) for at in high if above[at] > PEAK_SHARE * of.expected[at]]
    return [e for e in out if e.end - e.begin <= PEAK_H]


def over_contract(of: Operated, contract_kw: float) -> list[Episode]:
    """Hours above the demand that is contracted; one episode while a month does not go by without. A contract says
    nothing of what is usual, so none of them is kept out of baselines."""
    above = np.nan_to_num(of.energy - contract_kw)
    return [_over(of, a, b, above, contract_kw) for a, b in runs(bridged(np.asarray(above > 0, bool), 24 * PEAK_DAYS))]


def _over(of: Operated, begin: int, end: int, above: Floats, contract_kw: float) -> Episode:
    at = begin + int(np.argmax(above[begin:end]))
    beyond = np.maximum(above[begin:end], 0.0)
    facts = {
        "peak_kw": float(of.energy[at]), "usual_kw": float(of.expected[at]), "contract_kw": contract_kw,
        "hours": float((beyond > 0).sum()),
    }  # fmt: skip
    return Episode(of.point, "peak_demand", begin, end, 0.99, float(beyond.sum()), facts, ((at, at),), fact=True)


def season_top(highest: Floats) -> Floats:
    """Of each day the :data:`NTH` highest of the days (n) around it, itself and its neighbours left out."""
    others = np.ones(2 * PEAK_DAYS + 1, bool)
    others[PEAK_DAYS - 1 : PEAK_DAYS + 2] = False
    around = sliding_window_view(np.pad(highest, PEAK_DAYS), len(others))[:, others]
    return np.asarray(np.partition(around, -NTH, axis=1)[:, -NTH], float)


def _of_days(values: Floats, day: Ints, days: int) -> Floats:
    out = np.full(days, -np.inf)
    np.maximum.at(out, day, values)
    return np.asarray(np.maximum(out, 0.0), float)


def _highest_hour(of: Operated, day: int) -> int:
    rows = np.flatnonzero(of.day == day)
    return int(rows[np.argmax(np.nan_to_num(of.energy[rows]))])


def _peak(of: Operated, at: int, above: Floats, top: float) -> Episode:
    begin, end = next((a, b) for a, b in runs(above >= above[at] / 2) if a <= at < b)
    actual, usual = float(of.energy[at]), float(of.expected[at])
    facts = {"peak_kw": actual, "usual_kw": usual, "top_kw": top, "hours": float(end - begin)}
    if usual > 0:
        facts["share"] = actual / usual - 1
    return Episode(of.point, "peak_demand", begin, end, 0.9, float(above[begin:end].sum()), facts)


def with_operation(
    building: Building, points: Mapping[str, Point], energy: Mapping[str, Floats], fits: Mapping[str, Floats],
    expected: Mapping[str, Floats], designs: Callable[[str], Design], loads: Sequence[Episode], against: Against,
) -> list[Episode]:  # fmt: skip
    """A building's faults of load (``loads``) joined by those of operation, and by heat ``against`` cold; of the same
    hours the most specific is told. ``energy`` (n) kWh of each point with the hours of ``loads`` in it, those of meter
    faults NaN; ``fits`` the coefficients of those that have a model, ``expected`` (n) kWh what they give."""
    types = day_types(designs(next(iter(points))).day, building.country, building.subdivision)
    of = {p: operated(p, energy[p], expected[p], designs(p), fits[p], types) for p in fits}
    mains = [p for p in of if points[p].parent not in points and points[p].medium == Medium.ELECTRICITY]
    days = _at_their_cause([e for p in of for e in holidays_on(of[p])], points)
    explained = {p for p in points if any(p in lineage(points, m) for m in against.meters)}
    kept, days = (
        [e for e in each if e.point not in explained or not _within(e, against.told)] for each in (loads, days)
    )
    kept = [e for e in kept if not _is_one(e, days)]
    contracts = [e for p in mains if points[p].contract_kw for e in over_contract(of[p], points[p].contract_kw)]
    tops = [e for p in mains for e in peaks(of[p])]
    others = [*days, *(e for e in tops if not _within(e, [o for o in contracts if o.point == e.point]))]
    others = [e for e in others if not _within(e, [o for o in kept if o.point == e.point])]
    return [*kept, *contracts, *against.told, *others]


def _at_their_cause(days: Sequence[Episode], points: Mapping[str, Point]) -> list[Episode]:
    """A parent's day is left out where its children's make at least half of it, else theirs are."""
    out = list(days)
    for episode in days:
        below = [e for e in days if points[e.point].parent == episode.point and _within(e, [episode])]
        amount = sum(e.amount or 0.0 for e in below)
        gone = [episode] if amount >= SAME / 2 * (episode.amount or 0.0) and below else below
        out = [e for e in out if e not in gone]
    return out


def _is_one(load: Episode, days: Sequence[Episode]) -> bool:
    """Whether a fault of load is no more than one stretch of days off."""
    inside = [e for e in days if e.point == load.point and _within(e, [load])]
    return len(inside) == 1 and (inside[0].amount or 0.0) >= SAME * (load.amount or 0.0)


def _within(episode: Episode, others: Sequence[Episode]) -> bool:
    """Whether most of its hours are also those of one of the others."""
    least = (episode.end - episode.begin) / 2
    return any(min(o.end, episode.end) - max(o.begin, episode.begin) > least for o in others)
