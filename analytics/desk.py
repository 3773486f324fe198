"""A study's desk: one building's hours, the designs made of them, and its savings, each with what the lessons of its
place may say of it.

Strategy: looking back (examination, expectation), all lessons up to now speak. What foretells is lent those alone that
end before what it foretells: a saving's baseline, its term and its drift those before the works; an origin's forecast
those before the origin. Designs are made once for each set of lessons and levels.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
from msgspec import structs

from analytics.anomalies import Examination
from analytics.anomalies.budget import quiet_days
from analytics.anomalies.episode import Bools
from analytics.baseline import fit, predict, regress
from analytics.calendar import DAY_S, instant_ms, local_seconds
from analytics.cohort import Cohort, Member, fit_members
from analytics.design import Design, Floats, design, grid
from analytics.hours import Hours, joined
from analytics.lesson import Taught, taught
from analytics.normal import LEAST_REPORTING_DAYS, normalised, typical_rows
from analytics.origin import out_of_sample
from analytics.savings import avoided, whole_year_width
from analytics.tariff import rates
from analytics.teachers import changes_of, kind_of_point, place_of
from submeter.settings.settings import AnalyticsSettings
from submeter.words import Baseline, Lesson, Measure, Portfolio, Saving, lineage


class Desk:
    """One building's hours with the designs made of them, each made once, and what the lessons of its place say."""

    def __init__(self, hours: Hours, portfolio: Portfolio, lessons: tuple[Lesson, ...] = ()) -> None:
        self.hours = hours
        self.portfolio = portfolio
        self.lessons = lessons
        self.place = place_of(hours.building)
        self._taught: dict[int, Taught] = {}
        self._designs: dict[tuple[int, tuple[int, ...]], Design] = {}

    def taught(self, before_ms: int) -> Taught:
        """What lessons say that end at or before an instant."""
        known = sum(each.until_ms <= before_ms for each in self.lessons)
        if known not in self._taught:
            self._taught[known] = taught(self.lessons, before_ms)
        return self._taught[known]

    @property
    def now_ms(self) -> int:
        """The end of all hours: looking back, every lesson may speak."""
        return int(self.hours.start_ms[-1]) + 1

    def design(self, point: str) -> Design:
        """The design of a meter: its own measures and those below it each have a level of their own."""
        return self.design_with(changes_of(self.portfolio, point, self.place.zone), self.now_ms)

    def design_with(self, changes_ms: Sequence[int], before_ms: int) -> Design:
        """The design with levels for measures, and with the term as it was known at an instant."""
        inside = tuple(ms for ms in changes_ms if self.hours.start_ms[0] < ms < self.hours.start_ms[-1])
        term = self.taught(before_ms).term
        key = sum(each.until_ms <= before_ms for each in self.lessons), inside
        if key not in self._designs:
            zone, country, subdivision = self.place
            days = grid(self.hours.start, zone, country, subdivision).days
            self._designs[key] = design(
                self.hours.start, zone=zone, country=country, subdivision=subdivision,
                outdoor_c=self.hours.outdoor_c, changes_ms=inside, term=None if term is None else term.on(days),
            )  # fmt: skip
        return self._designs[key]

    def quiet_hours(self) -> dict[str, Bools]:
        """(n) hours of each meter in which no fault of operation is told; meters without any are left out."""
        rows, building = self.portfolio.quiet, self.hours.building.id
        masks = {p.id: quiet_days(rows, building, p.id, self.design(p.id).day) for p in self.hours.points if rows}
        return {point: mask for point, mask in masks.items() if mask.any()}

    def fitted(self, point: str, on: Design, energy_kwh: Floats) -> tuple[Floats, int]:
        """A meter's coefficients, looking back, with what its place taught."""
        return regress(on, energy_kwh, toward=self.taught(self.now_ms).toward(on, self.kind(point)))

    def forecast(self, point: str, examined: Examination) -> Baseline:
        """What is expected of a meter as of late and from now on: the last weeks weigh most, as in every baseline. (An
        examination looks at all weeks alike: in a pretended district its middle of the day on a Sunday in November lay
        5 % off at the median, this one's 2.5 %.) A meter that is new has a simpler model."""
        on = self.design(point)
        toward = self.taught(self.now_ms).toward(on, self.kind(point))
        return fit(on, examined.clean[point], point=point, building=self.hours.building.id, toward=toward)

    def kind(self, point: str) -> str:
        return kind_of_point(self.portfolio.points[point])

    def tested(self, model: Baseline, examined: Examination) -> Baseline:
        """A main meter's baseline with its error out of sample; others would cost the night without being looked at."""
        if model.refused or not self.portfolio.points[model.point].is_main:
            return model
        told = out_of_sample(
            self.design(model.point), examined.clean[model.point], lent=partial(self._lent, model.point)
        )
        return model if told is None else structs.replace(model, oos_cvrmse=told.cvrmse, oos_nmbe=told.nmbe)

    def _lent(self, point: str, origin: int) -> tuple[Design, Floats | None]:
        """What was known at an hour."""
        before_ms = int(self.hours.start_ms[origin])
        on = self.design_with(changes_of(self.portfolio, point, self.place.zone), before_ms)
        return on, self.taught(before_ms).toward(on, self.kind(point))

    def baseline(
        self, points: Sequence[str], energy_kwh: Floats, rows: Bools, before_ms: int
    ) -> tuple[Baseline, Cohort]:
        """The model of some meters' sum on some of the hours (n), with lessons that end before an instant, and what
        foretells with it."""
        hours = self.hours
        cohort = self.taught(before_ms).cohort(hours.start, self.place, rows)
        member = Member("+".join(points), hours.building.id, self.kind(points[0]), energy_kwh, hours.outdoor_c)
        return fit_members(cohort, [member])[0], cohort

    def saving(self, measure: Measure, examined: Examination, now_ms: int, settings: AnalyticsSettings) -> Saving:
        """Fit on what lies before the works, with lessons that end before them, compare what lies after; both without
        hours in which a meter was at fault. What the building did stays in, be it a finding or not: a step that lasts
        to the works is the level that they began from, and to leave it out is a saving, or a loss, made up."""
        zone, hours = self.hours.building.zone, self.hours
        start_ms, works_ms = instant_ms(measure.start, zone), instant_ms(measure.works_start or measure.start, zone)
        spoilt = np.any([examined.spoilt[p] for p in measure.points], axis=0)
        energy = np.where(spoilt, np.nan, joined(hours, measure.points))
        measured = np.where(spoilt, np.nan, np.sum([hours.measured[p] for p in measure.points], axis=0))
        model, cohort = self.baseline(measure.points, measured, hours.start_ms < works_ms, works_ms)
        on = cohort.design(hours.outdoor_c)
        after = (hours.start_ms >= start_ms) & (np.arange(len(hours)) < hours.past)
        expected = np.zeros(len(hours)) if model.refused else predict(model, on)
        medium = self.portfolio.points[measure.points[0]].medium
        told = avoided(
            measure, model, start_ms=start_ms, end_ms=max(now_ms, start_ms), day=on.day[after],
            actual_kwh=energy[after], expected_kwh=expected[after], confidence=settings.confidence,
            yuan_per_kwh=rates(self.portfolio.prices, hours.building.price, medium, on.day[after]),
            kg_per_kwh=rates(self.portfolio.carbon, hours.building.carbon, medium, on.day[after]),
            began=self._others(measure, zone), drift=self.taught(works_ms).drift,
        )  # fmt: skip
        if told.refused:
            return told
        told = structs.replace(told, lesson=self.taught(works_ms).lesson)
        later, _ = self.baseline(measure.points, energy, after, works_ms)
        return self._normalised(told, model, later, on, works_ms)

    def _others(self, measure: Measure, zone: str) -> list[int]:
        """Local days on which other measures of the same meters, or of meters below them, began."""
        return [
            int(local_seconds(np.array([instant_ms(m.start, zone) // 1000]).astype("datetime64[s]"), zone)[0] // DAY_S)
            for m in self.portfolio.measures.values()
            if m.id != measure.id
            and any(p in lineage(self.portfolio.points, q) for p in measure.points for q in m.points)
        ]

    def _normalised(self, told: Saving, model: Baseline, later: Baseline, on: Design, works_ms: int) -> Saving:
        """The saving with what it is in a year of typical weather, where that of the reporting period knows one."""
        typical = typical_rows(on.day, self.hours.outdoor_c)
        if typical is None or later.refused or later.n < LEAST_REPORTING_DAYS * 24:
            return told
        drift = self.taught(works_ms).drift
        widths = [whole_year_width(m, told.confidence, drift) for m in (model, later)]
        saving, low, high = normalised(predict(model, on)[typical], predict(later, on)[typical], *widths)
        return structs.replace(told, normalised_kwh=saving, normalised_low_kwh=low, normalised_high_kwh=high)
