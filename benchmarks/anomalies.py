"""Anomalies over a site folder: ``anomalies SITE --out DIR [--judge FILE]`` writes scores.parquet and episodes.csv.

Strategy: history is the train year of the site's own energy; its test year is taken from ``faults/`` where that
exists, and the site's own is never looked at. A site that names no years is examined whole.
"""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Final

import numpy as np
from threadpoolctl import threadpool_limits

from analytics.anomalies.bank import LookedBack, Record, first_look, look_back, recorded
from analytics.design import Design, Floats, design, grid
from benchmarks.answers import add_verdict, judged, read_args
from benchmarks.peers.beside import beside_anomalies
from benchmarks.result import Result
from benchmarks.site import HOUR, Bools, Site, read_hours, read_site, write_hours

TARGETS: Final = {
    "f1_half": ("≥", 0.8), "told_hours_right": ("≥", 0.75), "auc": ("≥", 0.92), "auc_mean_of_kinds": ("≥", 0.95),
    "kind_named_of_matched": ("≥", 0.95), "episodes_per_meter_month": ("≤", 0.7),
}  # fmt: skip
LABEL_TARGETS: Final = {"auc": ("≥", 0.97), "auc_without_ones": ("≥", 0.9), "f1_half": ("≥", 0.55)}
LEAST_HOURS: Final = 21 * 24
SAME_WEATHER_K: Final = 1.0
"""median distance of two stations that see the same weather"""


def run(*args: str) -> Result:
    """Examine the site, write the answers, and let the judge speak where one is named."""
    asked = read_args("anomalies", args)
    site = read_site(asked.site)
    with threadpool_limits(1, "blas"):  # as the nightly job does: small matrices, and a core is what is told of
        warm_up(site)
        record, start, fit_s = prepared(site)
        _, first_s = _timed(first_look, record)
        found, look_s = _timed(look_back, replace(record))  # a copy: what the first look has worked out is not lent
    write_answers(asked.out, record, start, found)
    result = Result()
    years = record.examined.sum() / 8766 * len(record.names)
    speed = years / (fit_s + look_s)
    result.add("meters", len(record.names), "")
    result.add("episodes told", len(found.told), "")
    result.add("CPU time per meter", (fit_s + look_s) / len(record.names) * 1000, "ms")
    for name, rate, least in (("rules and residual", years / (fit_s + first_s), 200), ("everything", speed, 60)):
        result.add(f"speed, {name}", rate, "meter-years/s", target=f"≥ {least}", ratio=rate / least,
                   against="the target")  # fmt: skip
    if asked.judge:
        targets = TARGETS if (site.folder / "faults").exists() else LABEL_TARGETS
        add_verdict(result, "judge:", judged(asked, asked.out)["anomalies"], targets)
    if asked.peers:
        beside_anomalies(result, asked, speed, len(found.told))
    return result


def warm_up(site: Site) -> None:
    """Load the library of holidays: an import, which is nobody's speed."""
    grid(site.start[:24], site.zone, site.country)


def _timed(look: Callable[[Record], LookedBack], record: Record) -> tuple[LookedBack, float]:
    """What is found, and the CPU seconds that it took."""
    began = process_time()
    found = look(record)
    return found, process_time() - began


def prepared(site: Site) -> tuple[Record, np.ndarray[tuple[int], np.dtype[np.datetime64]], float]:
    """The record of the meters that are asked about, its hours, and the CPU seconds that fitting took."""
    keep, examined, energy = _grid(site)
    start = site.start[keep]
    history = np.zeros(len(start), bool) if site.train is None else site.of_year(site.train)[keep]
    names = [m for m, e in energy.items() if np.isfinite(e).sum() >= LEAST_HOURS]
    began = process_time()
    designs: list[tuple[Floats | None, Design]] = []
    of_meter = [_designed(designs, site, start, _cut(site.outdoor_of(name), keep)) for name in names]
    record = recorded(names, np.array([energy[m] for m in names]), of_meter, history, examined)
    return record, start, process_time() - began


def _cut(outdoor_c: Floats | None, keep: slice) -> Floats | None:
    return None if outdoor_c is None else outdoor_c[keep]


def _designed(
    made: list[tuple[Floats | None, Design]],
    site: Site,
    start: np.ndarray[tuple[int], np.dtype[np.datetime64]],
    outdoor_c: Floats | None,
) -> Design:
    """The design of a meter's weather; stations that show nearly the same share one, as meters of a building do."""
    for seen, on in made:
        if _alike(seen, outdoor_c):
            return on
    on = design(start, zone=site.zone, country=site.country, outdoor_c=outdoor_c)
    made.append((outdoor_c, on))
    return on


def _alike(one: Floats | None, other: Floats | None) -> bool:
    if one is None or other is None:
        return one is other
    apart = np.abs(one - other)
    both = np.isfinite(apart)
    return bool(both.any() and np.median(apart[both]) <= SAME_WEATHER_K)


def _grid(site: Site) -> tuple[slice, Bools, dict[str, Floats]]:
    """Rows from the first to the last hour of train and test year; which are examined; energy by meter, where the
    test year is the faulty one."""
    faults = site.folder / "faults" / "energy.parquet"
    if site.train is None or site.test is None:
        return slice(0, len(site)), np.ones(len(site), bool), site.energy
    train, test = site.of_year(site.train), site.of_year(site.test)
    rows = np.flatnonzero(train | test)
    keep = slice(int(rows[0]), int(rows[-1]) + 1)
    if not faults.exists():
        return keep, test[keep], {m: np.where(train | test, e, np.nan)[keep] for m, e in site.energy.items()}
    start, shown = read_hours(faults)
    row = (start - site.start[0]) // HOUR
    energy = {}
    for name, values in shown.items():
        whole = np.where(train, site.energy[name], np.nan)
        whole[row] = values
        energy[name] = whole[keep]
    return keep, test[keep], energy


def write_answers(
    folder: Path, record: Record, start: np.ndarray[tuple[int], np.dtype[np.datetime64]], found: LookedBack
) -> None:
    """scores.parquet and episodes.csv, as the judge reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = record.examined
    write_hours(folder / "scores.parquet", start[rows], {m: found.scores[k][rows] for k, m in enumerate(record.names)})
    with (folder / "episodes.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["meter", "start", "end", "kind", "excess_kwh", "confidence"])
        for t in found.told:
            out.writerow([t.meter, f"{start[t.begin]}Z", f"{start[t.end - 1]}Z", t.kind, f"{t.excess_kwh:.3f}",
                          f"{t.confidence:.3f}"])  # fmt: skip
