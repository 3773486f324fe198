"""Baselines and savings of a site folder's test year from its train year alone, with the product's defaults.

Strategy: the test year's energy is taken away before anything is fitted; it comes back only as the actual that the
saving is reckoned from. Answers are written as the judge reads them; CPU seconds are those of fit, prediction and band.
"""

import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from threadpoolctl import threadpool_limits

from analytics.calendar import Times
from analytics.cohort import Member, fit_cohort, placebo_drift, predict_cohort
from analytics.design import Design
from analytics.savings import STATED, Drift, avoided
from analytics.weekdays import Place
from benchmarks.answers import Asked, add_verdict, judged, read_args
from benchmarks.peers.beside import beside_savings
from benchmarks.result import Result
from benchmarks.site import Bools, Floats, Meter, Site, read_site, write_hours
from submeter.words import Baseline, Measure, Saving, TheirsError

WHOLE_YEAR_H: Final = 8000
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
    told = answer(read_site(asked.site))
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
    drift = _learned_drift(site, train_year)
    site = site.between(min(train_year, test_year), max(train_year, test_year))
    train, test = site.of_year(train_year), site.of_year(test_year)
    ours = [m for m in site.meters.values() if m.role in ROLES]
    begin = time.process_time()
    members = [_member(site, m, train) for m in ours]
    cohort, models = fit_cohort(site.start, Place(site.zone, site.country), members, train)
    on, told = predict_cohort(cohort, members, models, test)
    savings = {
        model.point: _saving(model, on, site.energy[model.point][test], expected, drift)
        for model, expected in zip(models, told, strict=True)
    }
    seconds = time.process_time() - begin
    return Answers(on.start, {m.point: e for m, e in zip(members, told, strict=True)}, savings, seconds)


def _member(site: Site, meter: Meter, rows: Bools) -> Member:
    return Member(
        meter.name, meter.building, f"{meter.role}/{meter.medium}/{meter.quantity}",
        np.where(rows, site.energy[meter.name], np.nan), site.outdoor_of(meter.name),
        main=meter.role == "main" and meter.medium != "heat",
    )  # fmt: skip


def _learned_drift(site: Site, train: int) -> Drift:
    """From the year before the train year where the site holds it whole, else the stated prior."""
    before = site.of_year(train - 1)
    if before.sum() < WHOLE_YEAR_H:
        return STATED
    both = site.between(train - 1, train)
    before, after = both.of_year(train - 1), both.of_year(train)
    mains = [_member(both, m, before | after) for m in both.meters.values() if m.role == "main"]
    return placebo_drift(both.start, Place(site.zone, site.country), mains, before, after) if mains else STATED


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
