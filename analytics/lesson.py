"""What a portfolio's meters teach each other, up to an instant: learnt from arrays, kept as a
:class:`~submeter.words.Lesson`, and lent to each building's study.

Strategy: a lesson holds what :mod:`analytics.cohort` learns from the year before an instant (the term, the usual meter
of each kind) and the placebo years before it (:mod:`analytics.drift`). Hours at or after the instant are cut off before
anything is looked at. A study is lent, for each of its questions, the lessons that end before what is foretold: a
saving's baseline those before the works, an origin's forecast those before the origin; looking back, all of them. Of
several the last one speaks, and those before it for the weeks of the term that it does not hold itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from analytics.baseline import MODEL
from analytics.calendar import Times, instant_ms, local_seconds
from analytics.cohort import Cohort, Member, Usual, learn_cohort, placebo_years
from analytics.design import Design, Floats
from analytics.drift import learn_drift
from analytics.savings import LEAST_BASELINE_DAYS, STATED, Drift
from analytics.term import Term
from analytics.weekdays import Place
from submeter.words import Lesson, Medium, UsualMeter

PLACEBO_YEARS: Final = 3
"""Pairs of years before a lesson's end that teach the drift; older use says little of today's."""
HISTORY_YEARS: Final = PLACEBO_YEARS + 1
"""What a lesson looks at."""
WHOLE_YEAR_H: Final = 8760
LEAST_KNOWN_H: Final = LEAST_BASELINE_DAYS * 24
"""of the last year, for a meter to teach"""
LEAST_KNOWN: Final = 0.9
"""share of a placebo's baseline year"""

Changes = Mapping[str, Sequence[int]]
"""Instants (epoch ms) by point at which something is known to have changed: its measures."""


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """What lessons say: the term, the usual meter by (kind, columns), the drift of use. ``lesson`` is the id of the
    last of them, '' = there is none."""

    lesson: str = ""
    term: Term | None = None
    usual: dict[tuple[str, int], Usual] = field(default_factory=dict)
    drift: Drift = STATED

    def cohort(self, start: Times, place: Place, fitted: NDArray[np.bool_]) -> Cohort:
        """To fit members in the ``fitted`` hours (n) with it."""
        return Cohort(start, place, fitted, self.term, dict(self.usual))

    def toward(self, on: Design, kind: str) -> Floats | None:
        """Coefficients (24, columns) of the usual meter per unit of mean energy, None where none was taught. Levels of
        measures are each meter's own: for them the usual is nothing."""
        own = on.extra.shape[2]
        usual = self.usual.get((kind, on.width - own))
        return None if usual is None else np.pad(usual.coefficients, ((0, 0), (0, own)))


def kind_of(role: str, medium: str, quantity: str) -> str:
    """Meters of one kind learn from each other."""
    return f"{role}/{medium}/{quantity}"


def shows_use(role: str, medium: str) -> bool:
    """Whether a meter may teach the term and the drift: heat shows the weather, a sub-meter a machine."""
    return role == "main" and medium != Medium.HEAT


# learning
def learn(
    start: Times, place: Place, members: Sequence[Member], until_ms: int, changes: Changes | None = None
) -> Lesson:
    """What ``members`` (n hours of ``start``) teach of the time before ``until_ms``. Few meters, or little of a year,
    teach nothing, and the lesson is empty."""
    return learn_year(start, place, members, until_ms, changes)[0]


def learn_year(
    start: Times, place: Place, members: Sequence[Member], until_ms: int, changes: Changes | None = None
) -> tuple[Lesson, Cohort]:
    """The same, and the last year's hours with their tables, for whoever fits all members in it at once."""
    edge = edges(start, place.zone, until_ms)
    year = slice(edge[1], edge[0])
    teachers = [m for m in _between(members, year) if _known_h(m) >= LEAST_KNOWN_H]
    lesson = Lesson(
        id=name_of(place, until_ms), zone=place.zone, country=place.country, subdivision=place.subdivision,
        until_ms=until_ms, model=MODEL, meters=len(teachers),
    )  # fmt: skip
    all_of = np.ones(edge[0] - edge[1], bool)
    if not teachers:
        return lesson, Cohort(start[year], place, all_of)
    cohort = learn_cohort(start[year], place, teachers, all_of)
    error, weekly = _placebos(start, place, [m for m in members if m.main], edge, changes or {})
    term = cohort.term or Term((), (), place.country)
    usual = [_kept(*each) for each in cohort.usual.items()]
    lesson = structs.replace(
        lesson, monday=list(term.monday), dip=list(term.dip), usual=usual, error_log=error, weekly=weekly
    )
    return lesson, cohort


def edges(start: Times, zone: str, until_ms: int) -> list[int]:
    """Rows of ``start`` at which a lesson's last year ends, at which it begins, and so on back by local years; the
    first row where there are no hours so early."""
    end = (
        local_seconds(np.array([until_ms // 1000]).astype("datetime64[s]"), zone).astype("datetime64[s]").astype("O")[0]
    )
    instants = [instant_ms(_years_before(end, k).isoformat(), zone) for k in range(HISTORY_YEARS + 1)]
    return [int(row) for row in np.searchsorted(start, np.array(instants, "datetime64[ms]"))]


def _years_before(when: datetime, years: int) -> datetime:
    leap_day = (when.month, when.day) == (2, 29)
    return when.replace(year=when.year - years, day=28 if leap_day else when.day)


def name_of(place: Place, until_ms: int) -> str:
    """The id of a place's lesson."""
    day = local_seconds(np.array([until_ms // 1000]).astype("datetime64[s]"), place.zone).astype("datetime64[s]")[0]
    return f"{place.zone} {place.country} {place.subdivision}@{day.astype('datetime64[D]')}"


def _between(members: Iterable[Member], rows: slice) -> list[Member]:
    """The members in some hours; weather that they share stays one array."""
    cut: dict[int, Floats] = {}
    out = []
    for m in members:
        outdoor = m.outdoor_c
        if outdoor is not None:
            outdoor = cut.setdefault(id(outdoor), outdoor[rows])
        out.append(replace(m, energy_kwh=m.energy_kwh[rows], outdoor_c=outdoor))
    return out


def _known_h(member: Member) -> int:
    return int(np.isfinite(member.energy_kwh).sum())


def _placebos(
    start: Times, place: Place, mains: Sequence[Member], edge: Sequence[int], changes: Changes
) -> tuple[list[float], list[float]]:
    """Examples of all pairs of years, the last pair first."""
    error: list[float] = []
    weekly: list[float] = []
    for end, middle, begin in zip(edge, edge[1:], edge[2:], strict=False):
        if middle - begin < WHOLE_YEAR_H:
            break
        first_ms, last_ms = (int(t.astype("datetime64[ms]").astype(np.int64)) for t in start[[begin, end - 1]])
        same = [m for m in mains if not any(first_ms < at <= last_ms for at in changes.get(m.point, ()))]
        before = np.arange(begin, end) < middle
        able = [m for m in _between(same, slice(begin, end)) if np.isfinite(m.energy_kwh[before]).mean() > LEAST_KNOWN]
        if able:
            told = placebo_years(start[begin:end], place, able, before, ~before)
            error, weekly = error + told[0], weekly + told[1]
    return error, weekly


def _kept(key: tuple[str, int], usual: Usual) -> UsualMeter:
    kind, width = key
    return UsualMeter(kind=kind, width=width, meters=usual.meters, coefficients=usual.coefficients.ravel().tolist())


# lending
def taught(lessons: Iterable[Lesson], before_ms: int) -> Taught:
    """What the lessons of one place that end at or before an instant say."""
    mine = sorted((each for each in lessons if each.until_ms <= before_ms and each.model == MODEL), key=_until)
    if not mine:
        return Taught()
    dips: dict[int, float] = {}
    for each in mine:
        dips |= dict(zip(each.monday, each.dip, strict=True))
    monday = sorted(dips)
    term = Term(tuple(monday), tuple(dips[m] for m in monday), mine[-1].country) if monday else None
    usual = {(u.kind, u.width): _usual(u) for u in mine[-1].usual}
    return Taught(mine[-1].id, term, usual, learn_drift(mine[-1].error_log, mine[-1].weekly))


def _until(lesson: Lesson) -> int:
    return lesson.until_ms


def _usual(kept: UsualMeter) -> Usual:
    return Usual(np.array(kept.coefficients).reshape(24, kept.width), kept.meters)
