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
from threadpoolctl import threadpool_limits

from analytics.anomalies import Examination, examine
from analytics.anomalies.episode import METER_KINDS
from analytics.anomalies.examine import Excursions
from analytics.anomalies.registers import Backwards, Glitch, backwards, glitches
from analytics.anomalies.repair import repaired
from analytics.anomalies.telling import findings_of, followed, looked_back
from analytics.baseline import predict, predict_band
from analytics.design import Design, Floats
from analytics.desk import Desk
from analytics.hours import Hours, gather
from analytics.ledger.frozen import past_asking
from analytics.portrait import portrait
from analytics.teachers import learn_due, lessons_of, place_of
from submeter.settings.settings import AnalyticsSettings
from submeter.stores.port import Column, Store
from submeter.words import (
    MICRO,
    Baseline,
    Finding,
    Intervals,
    Known,
    Lesson,
    LoadShape,
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
    lessons: tuple[Lesson, ...] = ()
    """what the meters of its place taught, up to then"""


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
    """Study one building up to ``now_ms`` and write the results, after the lessons of its place that are due. Raises
    StoreAway; nothing of it is half written."""
    learn_due(store, portfolio, place_of(portfolio.buildings[building_id]), now_ms)
    material = collect(store, portfolio, building_id, now_ms, settings)
    return Study((), (), ()) if material is None else write(store, material, work_out(material))


def collect(
    store: Store, portfolio: Portfolio, building_id: str, now_ms: int, settings: AnalyticsSettings
) -> Material | None:
    """Read what a study needs; None for a building of which the ledger holds nothing. Raises StoreAway."""
    hours = gather(store, portfolio, building_id, now_ms)
    if not len(hours):
        return None
    excursions = read_excursions(store, portfolio, hours, now_ms)
    lessons = lessons_of(store, place_of(hours.building), now_ms)
    return Material(hours, excursions, portfolio, now_ms, settings, lessons)


def work_out(material: Material) -> Results:
    """The study itself: a pure function, the same wherever it runs.

    With one BLAS thread: its matrices are small, and threads that wait for each other cost twenty times the CPU.
    """
    with threadpool_limits(1, "blas"):
        return _worked_out(material)


def _worked_out(material: Material) -> Results:
    hours, portfolio, now_ms = material.hours, material.portfolio, material.now_ms
    view = Desk(hours, portfolio, material.lessons)
    examined = examine(
        hours, view.design, material.excursions, view.fitted, alarms=material.settings.alarms, quiet=view.quiet_hours()
    )
    measures = [m for m in portfolio.measures.values() if m.building == hours.building.id]
    shown = [point.id for point in hours.points if shows_expected(portfolio, point)]
    shapes = [portrait(hours, point, view.design(point)) for point in shown]
    models = examined.models | {point: view.forecast(point, examined) for point in shown}
    return Results(
        tuple(view.tested(model, examined) for model in models.values()),
        tuple(view.saving(m, examined, now_ms, material.settings) for m in measures),
        tuple(findings_of(examined.episodes, hours, portfolio, now_ms)),
        tuple(shape for shape in shapes if shape is not None),
        tuple(expected(models[p], view.design(p)) for p in shown if not models[p].refused),
        tuple(repairs(hours, examined, view)),
        dict(Counter(each.reason for each in examined.untold)),
    )


def repairs(hours: Hours, examined: Examination, view: Desk) -> Iterator[tuple[str, Floats]]:
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
    alive_ms = int(hours.start_ms[0]) + max(hours.last.values(), default=0) * 3_600_000
    findings = tuple(followed(results.findings, told, now_ms, int(hours.start_ms[0]), alive_ms))
    with store.writing():
        store.put(*results.baselines, *results.savings, *findings, *results.shapes)
        store.set_cursor(looked_back(hours.building.id), max(alive_ms, store.cursor(looked_back(hours.building.id))))
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
