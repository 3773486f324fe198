"""Estimated gaps beside the truth: holes cut into the registers of real meters, settled by the product's own ledger.

Strategy: each column of each site becomes a register of whole steps of the meter's resolution, and is settled whole:
that ledger is the truth. Then readings are taken out, so that holes of some lengths stand at random places, and what is
left is settled in a store of its own: the estimator has nothing but the register with the hole. Holes stand where every
hour of the truth is measured and not suspect and something was counted, four weeks or more apart, so that each has its
window to itself, and with half of that window known. The peers fill the same holes with the same sums: evenly (linear
interpolation of the register), or as the same hours a week before.

Negative energy: a column that is negative in sum is generation and turned round; other negative hours are a register of
import that stands still. Where the file has no value, the register has no reading and counts nothing.

WAPE is Σ|estimate − true| ÷ Σ true. MAPE is the mean of |estimate − true| ÷ true over hours above a twentieth of the
meter's mean, since a percentage of next to nothing says nothing. Both for each meter, then the mean over meters.
"""

import os
import time
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.ledger import settle_point
from analytics.ledger.gaps import HISTORY_S
from benchmarks.result import Result
from benchmarks.site import read_hours
from submeter.stores import Column
from submeter.stores.memory import MemoryStore
from submeter.words import (
    MICRO,
    Block,
    Building,
    ConfigError,
    Device,
    Flag,
    Intervals,
    Known,
    Point,
    Portfolio,
    Readings,
    Resolution,
    Series,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LENGTHS_H: Final = (3, 12, 24, 72, 168)
STEPS: Final = (1.0, 0.1, 0.01, 0.001)
"""resolutions of a register in kWh, the coarsest on which all hours of the file lie is the meter's"""
WINDOW_H: Final = HISTORY_S // 3600
MORE: Final = 3
"""so many times more holes of a few hours, since each holds so little"""
DAY_H: Final = 24
WEEK_H: Final = 168
ROUNDS: Final = 12
"""a meter's holes are cut in so many rounds at most, so that a short series has its share"""
LEAST: Final = 30
"""holes of each length in a site of few meters"""
STRETCH_H: Final = 2 * 8760
"""of a longer series a random stretch of so many hours is taken"""
SMALL: Final = 0.05
POINT: Final = "b/m"
FILES: Final = ("energy.parquet", "transformer.parquet")
CHOSEN: Final = ("rsf", "drammen, even buildings")
"""what the constants of :mod:`analytics.ledger.profile` were chosen on; all else is held out"""


class Meter(NamedTuple):
    """A register read every hour: ``times_s`` (n + 1) and ``micro`` (n + 1), ``read`` where it was."""

    group: str
    name: str
    zone: str
    country: str
    resolution: float
    times_s: Ints
    micro: Ints
    read: NDArray[np.bool_]


class Hole(NamedTuple):
    """Hours [first, first + length) of the register."""

    first: int
    length: int


class Filled(NamedTuple):
    """A hole's hours in kWh: true, and as each estimates them."""

    meter: str
    length: int
    mean: float
    true: Floats
    told: dict[str, Floats]


def run(folder: str = "", holes: str = "3", seed: str = "1", *sites: str) -> Result:
    """``holes`` of every length in every meter of the site folders in ``folder`` (default: SUBMETER_SITES); 1 is a
    short form."""
    root = Path(folder or os.environ.get("SUBMETER_SITES", "../shared/data"))
    found = [p for p in sorted(root.iterdir()) if (p / "site.toml").is_file()] if root.is_dir() else []
    if not found:
        raise ConfigError(f"{root} holds no site folders; say python -m benchmarks gaps FOLDER, or set SUBMETER_SITES")
    result, by_group, spent = Result(), defaultdict[str, list[Filled]](list), 0.0
    for each in found:
        meters = list(meters_of(each)) if not sites or each.name in sites else []
        wanted = max(int(holes), -(-LEAST // max(len(meters), 1))) if int(holes) > 1 else 1
        for meter in meters:
            begun = time.process_time()
            by_group[meter.group] += filled(meter, wanted, np.random.default_rng([int(seed), *meter.name.encode()]))
            spent += time.process_time() - begun
    for group, rows in by_group.items():
        _tell(result, group, rows)
    count = sum(len(rows) for rows in by_group.values())
    off = sum(abs(float(r.true.sum() - r.told["profile"].sum())) > 1e-6 for rows in by_group.values() for r in rows)
    result.add(
        "holes that do not add up to the register", off, f"of {count:,}", target="0", ratio=off / max(count, 1),
        against="all holes",
    )  # fmt: skip
    result.add("settled twice, holes filled", spent / max(count, 1) * 1e3, "CPU ms per hole")
    result.notes.append(f"the constants were chosen on {' and '.join(CHOSEN)}; everything else is held out")
    return result


def meters_of(folder: Path) -> Iterator[Meter]:
    """Every column of a site that can be read as energy. Of a transformer's features those are the useful loads (UFL):
    the others are reactive, and the oil's temperature."""
    about = tomllib.loads((folder / "site.toml").read_text(encoding="utf-8"))
    file = next((folder / name for name in FILES if (folder / name).is_file()), None)
    if file is None:
        return
    start, energy = read_hours(file)
    for name, kwh in energy.items():
        if file.name != FILES[1] or name.endswith("UFL"):
            group = _group(folder.name, name)
            yield as_register(group, name, about["timezone"], about.get("country", ""), start.astype(np.int64), kwh)


def _group(site: str, meter: str) -> str:
    if site != "drammen":
        return site
    building = meter.partition(".")[0]
    return f"drammen, {'odd' if building.isdigit() and int(building) % 2 else 'even'} buildings"


def as_register(group: str, name: str, zone: str, country: str, starts_s: Ints, kwh: Floats) -> Meter:
    """Hours of energy as what a meter showed at their ends."""
    known = np.isfinite(kwh)
    kwh = np.where(known, kwh, 0.0)
    kwh = np.maximum(kwh if kwh.sum() >= 0 else -kwh, 0.0)
    step = next((s for s in STEPS if np.allclose(kwh, np.round(kwh / s) * s, rtol=1e-6, atol=2e-5)), STEPS[-1])
    shown = np.round(np.concatenate([[0.0], np.cumsum(kwh)]) / step).astype(np.int64)
    read = np.append(known, True) & np.append(True, known)
    times = np.append(starts_s, starts_s[-1] + 3600)
    return Meter(group, name, zone, country, step, times, shown * round(step * MICRO), read)


def filled(meter: Meter, wanted: int, random: np.random.Generator) -> list[Filled]:
    """``wanted`` holes of every length (more of the shortest), if the series has the room, filled by the ledger and by
    the peers."""
    meter = stretch(meter, random)
    truth = hours_of(meter, meter.read)
    good = np.zeros(len(meter.times_s) - 1, bool)
    measured = (truth.known == Known.MEASURED) & (truth.flags & Flag.SUSPECT == 0)
    good[np.searchsorted(meter.times_s, truth.start[measured].astype(np.int64))] = True
    counts = [wanted * (MORE if length < DAY_H // 2 else 1) for length in LENGTHS_H]
    lengths = random.permutation(np.repeat(LENGTHS_H, counts)).tolist()
    out: list[Filled] = []
    for _ in range(ROUNDS):
        holes = place(good, np.diff(meter.micro), lengths, random)
        out += _round(meter, holes, good) if holes else []
    return out


def stretch(meter: Meter, random: np.random.Generator) -> Meter:
    """At most :data:`STRETCH_H` hours of a long series, from a random one on."""
    first = int(random.integers(max(len(meter.times_s) - STRETCH_H, 1)))
    rows = slice(first, first + STRETCH_H + 1)
    return meter._replace(times_s=meter.times_s[rows], micro=meter.micro[rows], read=meter.read[rows])


def place(good: NDArray[np.bool_], micro: Ints, lengths: list[int], random: np.random.Generator) -> list[Hole]:
    """Holes one after another at random places, each with its window to itself; takes their lengths from the list."""
    holes: list[Hole] = []
    known, at = np.concatenate([[0], np.cumsum(good)]), WINDOW_H
    while lengths:
        first = at + int(random.integers(WEEK_H))
        end = first + lengths[-1]
        if end > len(good):
            break
        inside = good[first:end].all() and micro[first:end].sum() > 0
        if inside and known[first] - known[first - WINDOW_H] >= WINDOW_H // 2:
            holes.append(Hole(first, lengths.pop()))
            at = end + WINDOW_H
        else:
            at = first + 24 - int(random.integers(24))
    return holes


def _round(meter: Meter, holes: list[Hole], good: NDArray[np.bool_]) -> Iterator[Filled]:
    read = meter.read.copy()
    for hole in holes:
        read[hole.first + 1 : hole.first + hole.length] = False
    found = hours_of(meter, read)
    starts, true = found.start.astype(np.int64), np.diff(meter.micro) / MICRO
    mean = float(true[good].mean())
    for hole in holes:
        row = int(np.searchsorted(starts, meter.times_s[hole.first]))
        part = true[hole.first : hole.first + hole.length]
        told = {
            "profile": found.micro[row : row + hole.length] / MICRO,
            "linear": np.full(hole.length, part.mean()),
            "last week": last_week(np.where(good, true, np.nan), hole) * float(part.sum()),
        }
        yield Filled(meter.name, hole.length, mean, part, told)


def last_week(kwh: Floats, hole: Hole) -> Floats:
    """Shares of the hole's energy as the same hours had them a week before; evenly where nothing is known of them."""
    before = kwh[hole.first - WEEK_H + np.arange(hole.length) % WEEK_H]
    known = before[np.isfinite(before)]
    if not len(known) or known.sum() <= 0:
        return np.full(hole.length, 1 / hole.length)
    level = np.where(np.isfinite(before), before, known.mean())
    return np.asarray(level / level.sum(), np.float64)


def hours_of(meter: Meter, read: NDArray[np.bool_]) -> Intervals:
    """The ledger's hours of a register of which only some readings arrived, in a store that knows nothing else."""
    store, portfolio = MemoryStore(), _portfolio(meter)
    readings = Readings.of(meter.times_s[read] * 1000, meter.micro[read])
    store.write_readings([Block(Series(POINT, "s", "energy_import"), readings)])
    settle_point(store, portfolio, POINT)
    column = Column(POINT, "energy_import", Resolution.HOUR)
    (hours,) = store.read_intervals([column], np.datetime64("1990", "s"), np.datetime64("2060", "s"))
    return hours


def _portfolio(meter: Meter) -> Portfolio:
    device = Device(point=POINT, serial="s", digits=12, resolution=meter.resolution)
    building = Building(id="b", name="b", type="other", zone=meter.zone, country=meter.country, area_m2=0.0)
    return Portfolio(
        tenant="t", buildings={"b": building}, points={POINT: Point(id=POINT, name="m")}, devices={POINT: (device,)},
        stations={}, gateways={}, measures={},
    )  # fmt: skip


def errors(rows: list[Filled], who: str) -> tuple[float, float]:
    """(WAPE, MAPE) in percent: of each meter, then the mean over meters."""
    meters = {r.meter for r in rows}
    pairs = [_errors([r for r in rows if r.meter == name], who) for name in sorted(meters)]
    return float(np.nanmean([wape for wape, _ in pairs])), float(np.nanmean([mape for _, mape in pairs]))


def _errors(rows: list[Filled], who: str) -> tuple[float, float]:
    true, told = np.concatenate([r.true for r in rows]), np.concatenate([r.told[who] for r in rows])
    off = np.abs(told - true)
    large = true > SMALL * rows[0].mean
    mape = float((off[large] / true[large]).mean()) if large.any() else float("nan")
    return 100 * float(off.sum() / true.sum()), 100 * mape


def _tell(result: Result, group: str, rows: list[Filled]) -> None:
    for length in LENGTHS_H:
        mine = [r for r in rows if r.length == length]
        if not mine:
            continue
        told = {who: errors(mine, who) for who in mine[0].told}
        for at, what in enumerate(("WAPE", "MAPE")):
            mean, linear, week = (told[who][at] for who in ("profile", "linear", "last week"))
            result.add(
                f"{group}: {length} h, {what}", mean, "%", target="below linear", ratio=mean / max(linear, 1e-9),
                against=f"linear {linear:.1f} %; last week {week:.1f} %",
            )  # fmt: skip
        if length > DAY_H:
            days, linear = (errors([_daily(r) for r in mine], who)[0] for who in ("profile", "linear"))
            result.add(
                f"{group}: {length} h, WAPE of its days", days, "%", ratio=days / max(linear, 1e-9),
                against=f"linear {linear:.1f} %",
            )  # fmt: skip
        result.notes.append(_worst(group, length, mine))


def _daily(row: Filled) -> Filled:
    """Sums of 24 hours from the hole's beginning on."""
    told = {who: kwh.reshape(-1, DAY_H).sum(axis=1) for who, kwh in row.told.items()}
    return row._replace(mean=row.mean * DAY_H, true=row.true.reshape(-1, DAY_H).sum(axis=1), told=told)


def _worst(group: str, length: int, rows: list[Filled]) -> str:
    """How many meters the profile serves worse than a straight line."""
    meters = sorted({r.meter for r in rows})
    pairs = [
        (_errors(mine, "profile")[0], _errors(mine, "linear")[0])
        for name in meters
        for mine in ([r for r in rows if r.meter == name],)
    ]
    worse = sum(profile > linear for profile, linear in pairs)
    return f"{group}, {length} h: {len(rows)} holes in {len(meters)} meters; {worse} of them nearer by linear"
