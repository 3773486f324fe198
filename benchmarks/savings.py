"""Baselines and savings of a site folder's test year from its train year alone, with the product's defaults.

Strategy: the test year's energy is taken away before anything is learnt; it comes back only as the actual that the
saving is reckoned from. The site is a portfolio: its meters teach each other a lesson that ends with the train year, as
the ledger's do (:mod:`analytics.lesson`). Answers are written as the judge reads them; CPU seconds are those of lesson,
fit, prediction and band.
"""

import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from threadpoolctl import threadpool_limits

from analytics.calendar import Times, instant_ms
from analytics.cohort import Member, fit_members, predict_cohort
from analytics.design import Design
from analytics.lesson import kind_of, learn_year, shows_use, taught
from analytics.savings import Drift, avoided
from analytics.weekdays import Place
from benchmarks.answers import Asked, add_verdict, judged, read_args
from benchmarks.peers.beside import beside_savings
from benchmarks.result import Result
from benchmarks.site import Bools, Floats, Site, read_site, write_hours
from submeter.words import Baseline, Measure, Saving, TheirsError

ROLES: Final = ("main", "sub")
PREDICTION_TARGETS: Final = {
    "cvrmse_hourly_median": ("≤", 0.205), "cvrmse_daily_median": ("≤", 0.142), "cvrmse_monthly_median": ("≤", 0.098),
    "abs_bias_median": ("≤", 0.04), "abs_bias_p90": ("≤", 0.105),
}  # fmt: skip
SAVING_TARGETS: Final = {
    "interval_score_vs_last_year": ("≤", 0.70), "refused_or_unusable": ("≤", 2),
    "saving_10%_called_significant": ("≥", 0.5), "saving_20%_called_significant": ("≥", 0.85),
    "false_savings_called_significant": ("≤", 0.12),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """``start`` (n) of the test year's hours · ``expected`` (n) kWh by meter, NaN where there is no model."""

    start: Times
    expected: dict[str, Floats]
    savings: dict[str, Saving]
    cpu_s: float


def run(*args: str) -> Result:
    """Answer for ``SITE --out DIR``; ``--judge`` scores the answers."""
    asked = read_args("savings", args)
    site = read_site(asked.site)
    answer(site)  # CPU seconds are those of a second call, as the peers' are: calendars are made, pages are mapped
    told = answer(site)
    write_answers(told, asked.out)
    result = Result()
    per_second = len(told.expected) / max(told.cpu_s, 1e-9)
    result.add("fit, prediction and band", 1e3 * told.cpu_s / max(len(told.expected), 1), "CPU ms/meter")
    result.add("meters", per_second, "meters/s", target="≥ 120", ratio=per_second / 120, against="the target")
    if asked.judge is not None:
        _judge(result, asked)
    if asked.peers:
        beside_savings(result, asked, per_second)
    return result


def answer(site: Site) -> Answers:
    """What the product says of every main and sub-meter. Raises TheirsError where the site names no years."""
    if site.train is None or site.test is None:
        raise TheirsError(f"{site.folder}/site.toml names no train and test year: there is no saving to state")
    with threadpool_limits(1, "blas"):  # as the nightly job does: small matrices, and a core is what is told of
        return _answer(site, site.train, site.test)


def _answer(site: Site, train_year: int, test_year: int) -> Answers:
    """A lesson as the product learns it, of the train year and those before it; then each meter with it."""
    place, until_ms = Place(site.zone, site.country), instant_ms(f"{train_year + 1}-01-01", site.zone)
    teachers, train = _members(site, ~site.of_year(test_year)), site.between(train_year, train_year)
    fitted, start = _members(train, np.ones(len(train), bool)), site.start
    site = site.between(min(train_year, test_year), max(train_year, test_year))
    test = site.of_year(test_year)
    members = _members(site, ~test)
    begin = time.process_time()
    lesson, year = learn_year(start, place, teachers, until_ms)
    known = taught([lesson], until_ms)
    models = fit_members(year, fitted)
    on, told = predict_cohort(known.cohort(site.start, place, ~test), members, models, test)
    savings = {
        model.point: _saving(model, on, site.energy[model.point][test], expected, known.drift)
        for model, expected in zip(models, told, strict=True)
    }
    seconds = time.process_time() - begin
    return Answers(on.start, {m.point: e for m, e in zip(members, told, strict=True)}, savings, seconds)


def _members(site: Site, rows: Bools) -> list[Member]:
    """Mains and sub-meters with what they used in some of the hours (n)."""
    return [
        Member(
            m.name, m.building, kind_of(m.role, m.medium, m.quantity), np.where(rows, site.energy[m.name], np.nan),
            site.outdoor_of(m.name), main=shows_use(m.role, m.medium),
        )
        for m in site.meters.values()
        if m.role in ROLES
    ]  # fmt: skip


def _saving(model: Baseline, on: Design, actual_kwh: Floats, expected_kwh: Floats, drift: Drift) -> Saving:
    """As if a measure had begun with the test year."""
    start, end = (int(t.astype("datetime64[ms]").astype(np.int64)) for t in on.start[[0, -1]])
    measure = Measure(id=model.point, building=model.building, name=model.point, points=(model.point,), start="")
    return avoided(
        measure, model, start_ms=start, end_ms=end + 3_600_000, day=on.day, actual_kwh=actual_kwh,
        expected_kwh=expected_kwh, drift=drift,
    )  # fmt: skip


def write_answers(told: Answers, out: Path) -> None:
    """predictions.parquet and savings.csv."""
    out.mkdir(parents=True, exist_ok=True)
    write_hours(out / "predictions.parquet", told.start, told.expected)
    rows = [(m, s.avoided_kwh, s.low_kwh, s.high_kwh, s.refused) for m, s in told.savings.items()]
    _write_csv(out / "savings.csv", ("meter", "avoided_kwh", "low_kwh", "high_kwh", "refused"), rows)


def _write_csv(path: Path, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])


def _judge(result: Result, asked: Asked) -> None:
    verdict = judged(asked, asked.out)
    add_verdict(result, "predictions", verdict["predictions"], PREDICTION_TARGETS)
    add_verdict(result, "savings", verdict["savings"], SAVING_TARGETS)
