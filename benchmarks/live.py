"""Live tellings over a site folder: ``live SITE --out DIR [--judge FILE]`` writes tellings.csv.

Strategy: history is the train year of the site's own energy; the test year, from ``faults/`` where that exists, comes
hour by hour, and the site's own is never looked at. Of a site that names no years the first part is the history.
"""

import csv
import math
from pathlib import Path
from time import process_time
from typing import Final

import numpy as np

from analytics.anomalies.live import Feed, State, Telling, advance, begin, packed, size_bytes
from analytics.weekdays import Place
from benchmarks.answers import add_verdict, judged, read_args
from benchmarks.result import Result
from benchmarks.site import HOUR, Floats, Site, read_hours, read_site

AT_ONCE_H: Final = 24 * 28
SINGLY_H: Final = 48
"""of the hours that come are also taken one by one, for their cost"""
TARGETS_H: Final = {
    "level_up": 120, "phase_loss": 120, "night_on": 120, "stuck": 12, "dropout": 12, "spike": 3, "scale10": 3,
}  # fmt: skip
DISTRICT: Final = 366 * 20
"""meters of a large district, all on one machine"""
MOST_US: Final = 0.01 * 3600 / DISTRICT * 1e6
"""of CPU for a meter's hour: a hundredth of one core looks live at all of them"""
MOST_KB: Final = 2e6 / DISTRICT
"""of memory for a meter's state: two gigabytes hold all of them awake"""
LEAST_HOURS: Final = 21 * 24
HISTORY_SHARE: Final = 0.4
"""of a series whose site names no years, at most a year"""


def run(*args: str) -> Result:
    """Look live, write what is told, and let the judge speak where one is named."""
    asked = read_args("live", args)
    site = read_site(asked.site)
    began = process_time()
    state, feed = prepared(site)
    prepared_s = process_time() - began
    singly_s = _singly(state, feed)
    began = process_time()
    told: list[Telling] = []
    for k in range(0, feed.energy.shape[1], AT_ONCE_H):
        state, more = advance(state, Feed(*(part[:, k : k + AT_ONCE_H] for part in feed)))
        told += more
    cpu_s = process_time() - began
    write_tellings(asked.out, told)
    result = Result()
    meters, hours = feed.energy.shape
    result.add("meters", meters, "")
    result.add("tellings", len(told), "")
    result.add("CPU time, history, per meter", prepared_s / meters * 1000, "ms")
    result.limited("CPU time, a meter and hour, learning included", cpu_s / meters / hours * 1e6, "µs", MOST_US)
    result.limited("CPU time, a meter and hour, hours one by one", singly_s / meters / SINGLY_H * 1e6, "µs", MOST_US)
    result.limited("state, per meter", size_bytes(state) / meters / 1000, "kB", MOST_KB)
    result.limited("state, per meter, as it is kept", len(packed(state)) / meters / 1000, "kB", MOST_KB)
    if asked.judge:
        verdict = judged(asked, asked.out)["anomalies"]
        delays = verdict.pop("delay_hours_median_of_kind", {})
        add_verdict(result, "judge:", verdict, {"tellings_per_meter_month": ("≤", 0.7)})
        for kind, delay in delays.items():
            limit = TARGETS_H.get(kind)
            result.add(f"judge: delay, {kind}", delay if delay is not None else math.inf, "h",
                       target=f"≤ {limit}" if limit else "", ratio=delay / limit if limit else None,
                       against="the target" if limit else "")  # fmt: skip
    return result


def _singly(state: State, feed: Feed) -> float:
    """CPU seconds of the first hours, each on its own."""
    began = process_time()
    for k in range(SINGLY_H):
        state, _ = advance(state, Feed(*(part[:, k : k + 1] for part in feed)))
    return process_time() - began


def prepared(site: Site) -> tuple[State, Feed]:
    """The state at the end of the history, and the hours that come."""
    history, coming, energy, start = _split(site)
    names = tuple(m for m, e in energy.items() if np.isfinite(e[history]).sum() >= LEAST_HOURS)
    outdoor, stations = _weathers(site, names, start)
    place = Place(site.zone, site.country)
    past = np.array([energy[m][history] for m in names])
    state = begin(
        names, place, start[history], past, tuple(None if t is None else t[history] for t in outdoor), stations
    )
    weather = np.array([np.full(len(start), np.nan) if t is None else t for t in outdoor])
    return state, Feed(np.array([energy[m][coming] for m in names]), weather[:, coming])


def _split(site: Site) -> tuple[slice, slice, dict[str, Floats], np.ndarray]:
    faults = site.folder / "faults" / "energy.parquet"
    if faults.exists() and site.train is not None:
        first, shown = read_hours(faults)
        row, n = int((first[0] - site.start[0]) // HOUR), len(first)
        begins = int(np.flatnonzero(site.of_year(site.train))[0])
        energy = {m: np.r_[site.energy[m][begins:row], values] for m, values in shown.items()}
        return slice(0, row - begins), slice(row - begins, None), energy, site.start[begins : row + n]
    if site.train is not None and site.test is not None:
        years = np.flatnonzero(site.of_year(site.train) | site.of_year(site.test))
        take, cut = slice(int(years[0]), int(years[-1]) + 1), int(np.flatnonzero(site.of_year(site.test))[0])
    else:
        take, cut = slice(0, len(site)), min(round(HISTORY_SHARE * len(site)), 8760)
    energy = {m: e[take] for m, e in site.energy.items()}
    return slice(0, cut - take.start), slice(cut - take.start, None), energy, site.start[take]


def _weathers(site: Site, names: tuple[str, ...], start: np.ndarray) -> tuple[list[Floats | None], tuple[int, ...]]:
    """Weathers that differ, on the grid of ``start``, and which is each meter's."""
    row = int((start[0] - site.start[0]) // HOUR)
    seen: dict[bytes, int] = {}
    outdoor: list[Floats | None] = []
    stations = []
    for name in names:
        t = site.outdoor_of(name)
        t = None if t is None else t[row : row + len(start)]
        key = b"" if t is None else t.tobytes()
        if key not in seen:
            seen[key] = len(outdoor)
            outdoor.append(t)
        stations.append(seen[key])
    return outdoor, tuple(stations)


def write_tellings(folder: Path, told: list[Telling]) -> None:
    """tellings.csv, as the judge reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "tellings.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["told_at", "meter", "kind", "start", "withdrawn_at"])
        out.writerows([f"{t.told}Z", t.meter, t.kind, f"{t.begin}Z", ""] for t in told)
