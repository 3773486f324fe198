"""A building's study: baselines, expected load, savings and findings from the ledger's hours, written back to the
store.

Strategy: one bounded pass over at most two years of hours, in three steps: collect (reads), work out (a pure function,
which may run anywhere), write. The ledger is read once; every meter is fitted on its whole
history (measures give a level of their own), hours that a finding explains are left out and the fit is done again;
what comes of it is compared with what the store holds, and only differences are written. The same input gives the same
output, so a study may be repeated at any time.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from msgspec import structs
from threadpoolctl import threadpool_limits

from analytics.anomalies import Examination, examine
from analytics.anomalies.budget import quiet_days
from analytics.anomalies.episode import METER_KINDS, Bools
from analytics.anomalies.examine import Excursions
from analytics.anomalies.registers import Backwards, Glitch, backwards, glitches
from analytics.anomalies.repair import repaired
from analytics.anomalies.telling import findings_of, followed
from analytics.baseline import fit, predict, predict_band
from analytics.calendar import DAY_S, instant_ms, local_seconds
from analytics.design import Design, Floats, design
from analytics.hours import Hours, gather, joined
from analytics.ledger.frozen import past_asking
from analytics.normal import LEAST_REPORTING_DAYS, normalised, typical_rows
from analytics.origin import out_of_sample
from analytics.portrait import portrait
from analytics.savings import avoided, whole_year_width
from analytics.tariff import rates
from submeter.settings.settings import AnalyticsSettings
from submeter.stores.port import Column, Store
from submeter.words import (
    MICRO,
    Baseline,
    Finding,
    Intervals,
    Known,
    LoadShape,
    Measure,
    Method,
    Point,
    Portfolio,
    Resolution,
    Saving,
    Series,
)

EXPECTED_DAYS: Final = 366
TOLERANCE: Final = 0.01
"""A stored expectation is rewritten when it is off by more than this share of the meter's mean hour."""


@dataclass(frozen=True)
class Study:
    """What one study found (and wrote)."""

    baselines: tuple[Baseline, ...]
    savings: tuple[Saving, ...]
    findings: tuple[Finding, ...]
    untold: dict[str, int] = field(default_factory=dict)
    """how many verdicts were not told, by reason: budget, tolerance, quiet"""


@dataclass(frozen=True, eq=False)
class Material:
    """All that a study of one building looks at: no store, so that it may travel to another process or machine."""

    hours: Hours
    excursions: dict[str, Excursions]
    portfolio: Portfolio
    now_ms: int
    settings: AnalyticsSettings


@dataclass(frozen=True, eq=False)
class Expected:
    """A point's expectation (n) kWh for each hour of the material, with the band around it."""

    point: str
    middle: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, eq=False)
class Results:
    """``findings`` are as if nothing had been told before."""

    baselines: tuple[Baseline, ...]
    savings: tuple[Saving, ...]
    findings: tuple[Finding, ...]
    shapes: tuple[LoadShape, ...]
    expected: tuple[Expected, ...]
    repairs: tuple[tuple[str, Floats], ...] = ()
    """point and (n) kWh that most likely flowed while the meter was at fault, NaN elsewhere"""
    untold: dict[str, int] = field(default_factory=dict)


def study_building(
    store: Store, portfolio: Portfolio, building_id: str, now_ms: int, settings: AnalyticsSettings
) -> Study:
    """Study one building up to ``now_ms`` and write the results. Raises StoreAway; nothing of it is half written."""
    material = collect(store, portfolio, building_id, now_ms, settings)
    return Study((), (), ()) if material is None else write(store, material, work_out(material))


def collect(
    store: Store, portfolio: Portfolio, building_id: str, now_ms: int, settings: AnalyticsSettings
) -> Material | None:
    """Read what a study needs; None for a building of which the ledger holds nothing. Raises StoreAway."""
    hours = gather(store, portfolio, building_id, now_ms)
    if not len(hours):
        return None
    return Material(hours, read_excursions(store, portfolio, hours, now_ms), portfolio, now_ms, settings)


def work_out(material: Material) -> Results:
    """The study itself: a pure function, the same wherever it runs.

    With one BLAS thread: its matrices are small, and threads that wait for each other cost twenty times the CPU.
    """
    with threadpool_limits(1, "blas"):
        return _worked_out(material)


def _worked_out(material: Material) -> Results:
    hours, portfolio, now_ms = material.hours, material.portfolio, material.now_ms
    view = Desk(hours, portfolio)
    examined = examine(
        hours, view.design, material.excursions, alarms=material.settings.alarms, quiet=view.quiet_hours()
    )
    measures = [m for m in portfolio.measures.values() if m.building == hours.building.id]
    shown = [point.id for point in hours.points if shows_expected(portfolio, point)]
    shapes = [portrait(hours, point, view.design(point)) for point in shown]
    return Results(
        tuple(view.tested(model, examined) for model in examined.models.values()),
        tuple(view.saving(m, examined, now_ms, material.settings) for m in measures),
        tuple(findings_of(examined.episodes, hours, portfolio, now_ms)),
        tuple(shape for shape in shapes if shape is not None),
        tuple(expected(examined.models[p], view.design(p)) for p in shown if not examined.models[p].refused),
        tuple(repairs(hours, examined, view)),
        dict(Counter(each.reason for each in examined.untold)),
    )


def repairs(hours: Hours, examined: Examination, view: "Desk") -> Iterator[tuple[str, Floats]]:
    """The repaired series of each meter that has a model and was at fault."""
    for point in sorted({e.point for e in examined.episodes if e.kind in METER_KINDS}):
        model = examined.models[point]
        if not model.refused:
            shown = np.where(np.isfinite(hours.energy[point]), hours.energy[point], hours.suspect[point])
            yield point, repaired(examined.episodes, point, shown, predict(model, view.design(point)))


def write(store: Store, material: Material, results: Results) -> Study:
    """Follow what was told before, and write what differs."""
    hours, now_ms = material.hours, material.now_ms
    told = [each for each in store.entries(Finding, hours.building.id) if not past_asking(store, each)]
    findings = tuple(followed(results.findings, told, now_ms, int(hours.start_ms[0])))
    with store.writing():
        store.put(*results.baselines, *results.savings, *findings, *results.shapes)
        for one in results.expected:
            write_expected(store, hours, one)
        write_repairs(store, hours, dict(results.repairs))
    return Study(results.baselines, results.savings, findings, results.untold)


def read_excursions(store: Store, portfolio: Portfolio, hours: Hours, now_ms: int) -> dict[str, Excursions]:
    """What the raw readings of each meter tell of its register."""
    out = {}
    for point in hours.points:
        up: list[Glitch] = []
        down: list[Backwards] = []
        for device in portfolio.devices.get(point.id, ()):
            series = Series(point.id, device.serial, point.quantity)
            readings = store.read_readings(series, int(hours.start_ms[0]), now_ms)
            times, modulus = readings.times.astype(np.int64), round(10**device.digits * device.resolution * MICRO)
            up += glitches(times, readings.micro, modulus)
            down += backwards(times, readings.micro, modulus)
            ratio = float(device.ratio)
        if up or down:
            out[point.id] = Excursions(tuple(up), tuple(down), ratio)
    return out


def shows_expected(portfolio: Portfolio, point: Point) -> bool:
    """Main meters and the sub-items right below them."""
    parent = portfolio.points.get(point.parent)
    return parent is None or parent.is_main


class Desk:
    """One building's hours with the designs made of them, each made once."""

    def __init__(self, hours: Hours, portfolio: Portfolio) -> None:
        self.hours = hours
        self.portfolio = portfolio
        self._designs: dict[tuple[int, ...], Design] = {}

    def design(self, point: str) -> Design:
        """The design of a meter: its own measures and those below it each have a level of their own."""
        return self.design_with(self.changes(point))

    def quiet_hours(self) -> dict[str, Bools]:
        """(n) hours of each meter in which no fault of operation is told; meters without any are left out."""
        rows, building = self.portfolio.quiet, self.hours.building.id
        masks = {p.id: quiet_days(rows, building, p.id, self.design(p.id).day) for p in self.hours.points if rows}
        return {point: mask for point, mask in masks.items() if mask.any()}

    def changes(self, point: str) -> tuple[int, ...]:
        zone = self.hours.building.zone
        return tuple(sorted({instant_ms(m.works_start or m.start, zone) for m in self.portfolio.measures.values()
                             if any(point in lineage(self.portfolio, p) for p in m.points)}))  # fmt: skip

    def design_with(self, changes_ms: tuple[int, ...]) -> Design:
        inside = tuple(ms for ms in changes_ms if self.hours.start_ms[0] < ms < self.hours.start_ms[-1])
        if inside not in self._designs:
            b = self.hours.building
            self._designs[inside] = design(
                self.hours.start, zone=b.zone, country=b.country, subdivision=b.subdivision,
                outdoor_c=self.hours.outdoor_c, changes_ms=inside,
            )  # fmt: skip
        return self._designs[inside]

    def tested(self, model: Baseline, examined: Examination) -> Baseline:
        """A main meter's baseline with its error out of sample; others would cost the night without being looked at."""
        if model.refused or not self.portfolio.points[model.point].is_main:
            return model
        told = out_of_sample(self.design(model.point), examined.clean[model.point])
        return model if told is None else structs.replace(model, oos_cvrmse=told.cvrmse, oos_nmbe=told.nmbe)

    def saving(self, measure: Measure, examined: Examination, now_ms: int, settings: AnalyticsSettings) -> Saving:
        """Fit on what lies before the works, compare what lies after, both without hours in which a meter was at
        fault."""
        zone, hours = self.hours.building.zone, self.hours
        start_ms, works_ms = instant_ms(measure.start, zone), instant_ms(measure.works_start or measure.start, zone)
        on = self.design_with(())
        energy = joined(hours, measure.points)
        energy[np.any([examined.spoilt[p] for p in measure.points], axis=0)] = np.nan
        clean = np.sum([examined.clean[p] for p in measure.points], axis=0)
        before = np.where(hours.start_ms < works_ms, clean, np.nan)
        model = fit(on, before, point="+".join(measure.points), building=measure.building)
        after = (hours.start_ms >= start_ms) & (np.arange(len(hours)) < hours.past)
        expected = np.zeros(len(hours)) if model.refused else predict(model, on)
        medium = self.portfolio.points[measure.points[0]].medium
        told = avoided(
            measure, model, start_ms=start_ms, end_ms=max(now_ms, start_ms), day=on.day[after],
            actual_kwh=energy[after], expected_kwh=expected[after], confidence=settings.confidence,
            yuan_per_kwh=rates(self.portfolio.prices, hours.building.price, medium, on.day[after]),
            kg_per_kwh=rates(self.portfolio.carbon, hours.building.carbon, medium, on.day[after]),
            began=self._others(measure, zone),
        )  # fmt: skip
        return told if told.refused else self._normalised(told, model, on, np.where(after, energy, np.nan))

    def _others(self, measure: Measure, zone: str) -> list[int]:
        """Local days on which other measures of the same meters, or of meters below them, began."""
        return [
            int(local_seconds(np.array([instant_ms(m.start, zone) // 1000]).astype("datetime64[s]"), zone)[0] // DAY_S)
            for m in self.portfolio.measures.values()
            if m.id != measure.id and any(p in lineage(self.portfolio, q) for p in measure.points for q in m.points)
        ]

    def _normalised(self, told: Saving, model: Baseline, on: Design, reporting_kwh: Floats) -> Saving:
        """The saving with what it is in a year of typical weather, where the reporting period is long enough."""
        typical = typical_rows(on.day, self.hours.outdoor_c)
        if typical is None or np.isfinite(reporting_kwh).sum() < LEAST_REPORTING_DAYS * 24:
            return told
        later = fit(on, reporting_kwh, point=model.point, building=model.building)
        if later.refused:
            return told
        widths = [whole_year_width(m, told.confidence) for m in (model, later)]
        saving, low, high = normalised(predict(model, on)[typical], predict(later, on)[typical], *widths)
        return structs.replace(told, normalised_kwh=saving, normalised_low_kwh=low, normalised_high_kwh=high)


def lineage(portfolio: Portfolio, point: str) -> list[str]:
    """A meter and all meters above it."""
    chain = []
    while point and point not in chain:
        chain.append(point)
        found = portfolio.points.get(point)
        point = found.parent if found else ""
    return chain


def expected(model: Baseline, on: Design) -> Expected:
    """What a model expects of each hour."""
    low, high = predict_band(model, on)
    return Expected(model.point, predict(model, on), low, high)


def write_expected(store: Store, hours: Hours, one: Expected) -> None:
    """Write the expected load and its band for the last year to the end of today, where it differs from what is
    there."""
    begin = max(0, hours.past - EXPECTED_DAYS * 24)
    for name, values in (("expected", one.middle), ("expected_low", one.low), ("expected_high", one.high)):
        column = Column(one.point, name, Resolution.HOUR)
        rows = _differing(store, column, hours, values, begin)
        if len(rows):
            micro = np.round(values[rows] * 1e6).astype(np.int64)
            store.write_intervals(column, Intervals.of(hours.start[rows], micro, Known.ESTIMATED, Method.MODEL))


def write_repairs(store: Store, hours: Hours, repairs: dict[str, Floats]) -> None:
    """Write what most likely flowed where a meter was at fault; hours that no finding names any more become missing."""
    end = hours.start[-1] + np.timedelta64(3600, "s")
    for point in hours.points:
        column = Column(point.id, "repaired", Resolution.HOUR)
        (stored,) = store.read_intervals([column], hours.start[0], end)
        values = repairs.get(point.id, np.full(len(hours), np.nan))
        there = np.zeros(len(hours), np.int64)
        there[np.searchsorted(hours.start, stored.start)] = np.where(stored.known > 0, stored.micro + 1, 0)
        known = np.isfinite(values)
        fresh = np.where(known, np.round(np.nan_to_num(values) * 1e6).astype(np.int64) + 1, 0)
        rows = np.flatnonzero(fresh != there)
        if len(rows):
            how = np.where(known[rows], Known.ESTIMATED, Known.MISSING)
            why = np.where(known[rows], Method.MODEL, Method.NONE)
            store.write_intervals(column, Intervals.of(hours.start[rows], np.maximum(fresh[rows] - 1, 0), how, why))


def _differing(
    store: Store, column: Column, hours: Hours, values: Floats, begin: int
) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Rows from ``begin`` on whose stored value is absent or further off than the tolerance."""
    stored = store.read_intervals([column], hours.start[begin], hours.start[-1] + np.timedelta64(3600, "s"))[0]
    there = np.full(len(hours), np.nan)
    there[np.searchsorted(hours.start, stored.start)] = stored.micro / 1e6
    near = np.abs(there - values) <= TOLERANCE * float(values.mean())
    near[:begin] = True
    return np.flatnonzero(~near)
