"""Baselines of a portfolio's meters, fitted at once: what they share is learnt from all and helps each.

Strategy: meters of one place have the calendar in common, many the weather too, and then one factorisation serves them
all. Two things are learnt from the training period and lent to each: the *term* (:mod:`analytics.term`), and the usual
meter, the median of all meters' coefficients per unit of mean energy, which the ridge shrinks towards instead of
towards nothing. A portfolio of few meters, or one building alone, simply has neither.

By rolling origin inside Drammen's history the usual meter gained 1 % of CV(RMSE); the term 5 % of it by day and 10 % by
month. Shrinking more, or towards the usual meter of the same category, gained nothing; nor does the regression that it
is learnt from have to be robust, as the median over meters is.

Tried by 2019 → 2018 (recency turned round), 2020/21 → 2021/22 and two origins in autumn 2018, and left out: the mean of
models with half-lives of 30, 90 and 365 days (at most 2 % of CV(RMSE), none of bias, at three times the cost); any
other single half-life from 30 days to none (each is best somewhere); and multiplying a model so that its last months'
sum is that of the meter (5 % less bias backwards and in autumn, none in 2020/21 → 2021/22, the one pair of years
forwards).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from analytics.baseline import (
    HALF_LIFE_DAYS,
    SHARED_SHARE,
    follows_or_simpler,
    long_enough,
    of_little,
    plain,
    predict_all,
    refusal,
    robust,
)
from analytics.calendar import Times
from analytics.design import Design, Floats, Solver, design, factorise, grid, recency
from analytics.outdoor import knows_weather, weather_felt
from analytics.term import LEAST_METERS, Term, learn_term
from analytics.weekdays import Place
from submeter.words import Baseline

Bools = NDArray[np.bool_]

PASSES: Final = 3
STRIDE: Final = 1.3
"""From the usual meter on, three long passes are as good as five plain ones (rolling origin inside 2018, 2019 → 2018,
2020/21 → 2021/22)."""
MOST_TEACHERS: Final = 64
"""What is shared is learnt from at most so many meters, evenly picked."""
MOST_AT_ONCE: Final = 64
"""So many meters are fitted together."""
MOST_TABLES: Final = 128
MOST_WEATHERS: Final = 512
"""So many tables of the training period (3 MB a year) and weathers (0.5 MB) are kept; more are made anew, so that a
city in which each building has a station of its own fits into memory."""
SAMPLED: Final = 97
"""Every so manieth hour is looked at first, to tell temperatures apart."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A meter: ``energy_kwh`` (n), NaN = leave out, and ``outdoor_c`` (n) or None. Meters of one ``kind`` (mains of
    electricity, heat pumps …) learn from each other; the term is learnt from ``main`` meters alone, as sub-meters show
    what a machine does and not when a building is closed."""

    point: str
    building: str
    kind: str
    energy_kwh: Floats
    outdoor_c: Floats | None
    main: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Usual:
    """Coefficients (24, columns) of the usual meter per unit of mean energy, and how many it was learnt from."""

    coefficients: Floats
    meters: int


@dataclass
class Cohort:
    """Hours of one place with what its meters share. ``fitted`` (n) are the training period's hours."""

    start: Times
    place: Place
    fitted: Bools
    term: Term | None = None
    usual: dict[tuple[str, int], Usual] = field(default_factory=dict)
    half_life_days: float = HALF_LIFE_DAYS
    _seen: dict[int, tuple[Floats, int]] = field(default_factory=dict, repr=False)
    _alike: dict[bytes, list[int]] = field(default_factory=dict, repr=False)
    _series: list[Floats] = field(default_factory=list, repr=False)
    _felt: dict[int, Floats] = field(default_factory=dict, repr=False)
    _plain: dict[tuple[bool, bytes], Design] = field(default_factory=dict, repr=False)
    _training: dict[int, Design] = field(default_factory=dict, repr=False)

    def weather(self, outdoor_c: Floats | None) -> int:
        """The same number for the same temperatures: stations may hold one series. 0 = none."""
        if outdoor_c is None:
            return 0
        seen = self._seen.get(id(outdoor_c))
        if seen is None or seen[0] is not outdoor_c:
            seen = self._seen[id(outdoor_c)] = (outdoor_c, self._code(outdoor_c))  # kept: no other gets its id
        return seen[1]

    def _code(self, outdoor_c: Floats) -> int:
        alike = self._alike.setdefault(outdoor_c[::SAMPLED].tobytes(), [])
        for code in alike:
            if np.array_equal(self._series[code - 1], outdoor_c, equal_nan=True):
                return code
        self._series.append(outdoor_c)
        alike.append(len(self._series))
        return len(self._series)

    def design(self, outdoor_c: Floats | None, rows: Bools | None = None) -> Design:
        """The table of some (n) of the hours, or of all, for a meter of that weather."""
        rows = np.ones(len(self.start), bool) if rows is None else rows
        return self._hours(rows, knows_weather(outdoor_c)).under(self._felt_of(outdoor_c)[:, _one_stretch(rows)])

    def training(self, outdoor_c: Floats | None) -> Design:
        """The same for the training period; made once for all meters that share the weather."""
        key = self.weather(outdoor_c)
        if key in self._training:
            return self._training[key]
        on = self.design(outdoor_c, self.fitted)
        if len(self._training) < MOST_TABLES:  # who came first stays: whoever goes round needs the same ones again
            self._training[key] = on
        return on

    def _felt_of(self, outdoor_c: Floats | None) -> Floats:
        key = self.weather(outdoor_c)
        if key in self._felt:
            return self._felt[key]
        on = grid(self.start, self.place.zone, self.place.country, self.place.subdivision)
        felt = weather_felt(outdoor_c, on.year_day[on.day - on.days[0]])
        if len(self._felt) < MOST_WEATHERS:
            self._felt[key] = felt
        return felt

    def _hours(self, rows: Bools, weather: bool) -> Design:
        """The calendar of some hours, without their weather, but with room for it."""
        key = (weather, rows.tobytes())
        if key not in self._plain:
            place = self.place
            at = grid(self.start, place.zone, place.country, place.subdivision)
            outdoor = np.zeros(len(self.start)) if weather else None
            whole = design(
                self.start, zone=place.zone, country=place.country, subdivision=place.subdivision,
                outdoor_c=outdoor, term=None if self.term is None else self.term.on(at.days),
            )  # fmt: skip
            self._plain[key] = whole.rows(rows)
        return self._plain[key]


def fit_cohort(start: Times, place: Place, members: Sequence[Member], fitted: Bools) -> tuple[Cohort, list[Baseline]]:
    """Learn what the members share in the ``fitted`` hours (n) of ``start``, one stretch, then fit each on them. Energy
    of other hours is never looked at. Members that cannot be fitted are refused, with the reason."""
    cohort = learn_cohort(start, place, members, fitted)
    return cohort, fit_members(cohort, members)


def learn_cohort(start: Times, place: Place, members: Sequence[Member], fitted: Bools) -> Cohort:
    """What the members share in the ``fitted`` hours (n) of ``start``."""
    able = [m for m in _held(members, fitted) if not refusal(m.energy_kwh)]
    cohort = Cohort(start, place, fitted, _term(start[fitted], place, fitted, able))
    for kind in dict.fromkeys(m.kind for m in able):
        _learn_usual(cohort, [m for m in able if m.kind == kind])
    return cohort


def fit_members(cohort: Cohort, members: Sequence[Member]) -> list[Baseline]:
    """Fit each member on the cohort's fitted hours with what the cohort has learnt, from these members or others."""
    held = _held(members, cohort.fitted)
    models = dict(_fit_all(cohort, [m for m in held if long_enough(m.energy_kwh)]))
    for m in held:
        if m.point not in models:
            on = cohort.training(m.outdoor_c)
            models[m.point] = of_little(on, m.energy_kwh, point=m.point, building=m.building)
    return [models[m.point] for m in members]


def _held(members: Sequence[Member], fitted: Bools) -> list[Member]:
    """The members in those hours alone."""
    return [replace(m, energy_kwh=m.energy_kwh[fitted]) for m in members]


def predict_cohort(
    cohort: Cohort, members: Sequence[Member], models: Sequence[Baseline], rows: Bools
) -> tuple[Design, list[Floats]]:
    """Expected kWh of each member in some of the hours (n), NaN where it is refused; and one table of those hours."""
    out = [np.full(int(rows.sum()), np.nan)] * len(members)
    on = cohort.design(members[0].outdoor_c, rows)
    made = [k for k in range(len(members)) if not models[k].refused]
    for some in _sharing(cohort, made, lambda k: members[k]):
        on = cohort.design(members[some[0]].outdoor_c, rows)
        for k, values in zip(some, predict_all([models[k] for k in some], on), strict=True):
            out[k] = values
    return on, out


def placebo_years(
    start: Times, place: Place, members: Sequence[Member], before: Bools, after: Bools
) -> tuple[list[float], list[float]]:
    """The examples that :func:`~analytics.drift.learn_drift` learns from: ln(expected/actual) of each member whose
    stretch ``after`` (n), in which nothing is known to have changed, is known, foretold from the one ``before`` (n);
    and the scatter of the weeks of its baseline."""
    cohort, models = fit_cohort(start, place, members, before)
    _, expected = predict_cohort(cohort, members, models, after)
    error, weekly = [], []
    for member, model, told in zip(members, models, expected, strict=True):
        actual = member.energy_kwh[after]
        known = np.isfinite(actual) & np.isfinite(told)
        if known.mean() > SHARED_SHARE and actual[known].sum() > 0 and told[known].sum() > 0:
            error.append(float(np.log(told[known].sum() / actual[known].sum())))
            weekly.append(model.coefficients["weekly"][0])
    return error, weekly


def _term(start: Times, place: Place, fitted: Bools, members: Sequence[Member]) -> Term | None:
    teachers = _evenly([m for m in members if m.main])
    if len(teachers) < LEAST_METERS:
        return None
    on = grid(start, place.zone, place.country, place.subdivision)
    outdoor = [None if m.outdoor_c is None else m.outdoor_c[fitted] for m in teachers]
    return learn_term(on, [m.energy_kwh for m in teachers], outdoor, place.country)


def _learn_usual(cohort: Cohort, members: Sequence[Member]) -> None:
    by_width: dict[int, list[Floats]] = {}
    for group in _sharing(cohort, _evenly(members), lambda m: m):
        on = cohort.training(group[0].outdoor_c)
        found = plain(on, on.solver(cohort.half_life_days), _scaled(group))
        by_width.setdefault(on.width, []).extend(found.transpose(1, 0, 2))
    for width, meters in by_width.items():
        if len(meters) >= LEAST_METERS:
            cohort.usual[members[0].kind, width] = Usual(np.median(meters, axis=0), len(meters))


def _fit_all(cohort: Cohort, members: Sequence[Member]) -> Iterator[tuple[str, Baseline]]:
    for group in _sharing(cohort, members, lambda m: m):
        on = cohort.training(group[0].outdoor_c)
        for taught in (True, False):
            part = [m for m in group if ((m.kind, on.width) in cohort.usual) is taught]
            for some, solver in _solvers(on, part, cohort.half_life_days):
                toward = None
                if taught:
                    toward = np.stack([cohort.usual[m.kind, on.width].coefficients for m in some], axis=1)
                sizes = [_mean(m.energy_kwh) for m in some]
                scaled = np.stack([m.energy_kwh / size for m, size in zip(some, sizes, strict=True)])
                found, fitted = robust(on, solver, scaled, toward, first=toward, passes=PASSES, stride=STRIDE)
                for k, (member, scale) in enumerate(zip(some, sizes, strict=True)):
                    yield member.point, follows_or_simpler(
                        on, member.energy_kwh, fitted[k] * scale, found[:, k] * scale, solver.freedom,
                        point=member.point, building=member.building,
                    )  # fmt: skip


def _solvers(on: Design, group: list[Member], half_life_days: float) -> Iterator[tuple[list[Member], Solver]]:
    """Those of whom nearly all hours are known share one factorisation; each other has its own."""
    known_of = [np.isfinite(m.energy_kwh) for m in group]
    whole = [m for m, known in zip(group, known_of, strict=True) if known.mean() > SHARED_SHARE]
    if whole:
        yield whole, on.solver(half_life_days)
    for member, known in zip(group, known_of, strict=True):
        if known.mean() <= SHARED_SHARE:
            yield [member], factorise(on, known * recency(on.day, known, half_life_days))


def _sharing(cohort: Cohort, all_of: Sequence[T], member: Callable[[T], Member]) -> list[list[T]]:
    """Those of one weather together, not more than fit into memory."""
    groups: dict[int, list[T]] = {}
    for each in all_of:
        groups.setdefault(cohort.weather(member(each).outdoor_c), []).append(each)
    return [group[k : k + MOST_AT_ONCE] for group in groups.values() for k in range(0, len(group), MOST_AT_ONCE)]


def _one_stretch(rows: Bools) -> slice | Bools:
    """The same rows without copying, where they lie together."""
    first, count = int(rows.argmax()), int(rows.sum())
    return slice(first, first + count) if rows[first : first + count].all() else rows


def _evenly(members: Sequence[Member]) -> Sequence[Member]:
    step = -(-len(members) // MOST_TEACHERS)
    return members[:: max(step, 1)]


def _scaled(members: Sequence[Member]) -> Floats:
    """(k, n) energies per unit of their mean."""
    return np.stack([m.energy_kwh / _mean(m.energy_kwh) for m in members])


def _mean(energy_kwh: Floats) -> float:
    known = np.isfinite(energy_kwh)
    return float(np.where(known, np.abs(energy_kwh), 0.0).sum() / known.sum())
