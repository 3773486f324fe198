"""Which meter of a family is at fault: one fault at a time, put into one sub-meter of a real building.

Strategy: expectations of every child, of the parent and of the remainder (parent − Σ children) are fitted on the train
year (the first two thirds of a site that names none); in the rest one fault of a random kind, place and size is written
into one child's hours, its parent as it was. The question is who it was, the hours being told: a child, the parent, or
nobody. The peer takes the child that lies furthest from its expectation, which is what one meter alone can say.
Families of one child are told apart: there is only the parent to be blamed instead.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.baseline import fit, predict
from analytics.calendar import hour_type
from analytics.design import design
from analytics.tree.blame import Family, Usual, blamed, remainder, usual
from benchmarks.result import Result
from benchmarks.site import Site, read_site

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KINDS: Final = {
    "spike": (1, 2), "dropout": (3, 29), "stuck": (12, 59), "gap_catchup": (4, 11), "scale10": (4, 23),
    "level_up": (168, 480), "phase_loss": (120, 456), "drift": (480, 1056),
}  # fmt: skip
"""lengths in hours"""
KNOWN: Final = 0.6
VISIBLE: Final = 0.02
"""of the parent's energy over the fault (at most a day of it) must change, or there is nothing to see"""


class Home(NamedTuple):
    """A parent's family (children, then the parent itself), what is usual in it, the parent's mean kWh an hour."""

    parent: str
    family: Family
    of: Usual
    mean: float


class Fault(NamedTuple):
    home: int
    kind: str
    child: int
    hours: slice
    family: Family
    """with the fault"""


def run(site: str, cases: str = "200", seed: str = "1") -> Result:
    """``cases`` faults in the families of a site folder."""
    of_site = read_site(Path(site))
    kinds = hour_type(of_site.zone, of_site.start.astype("datetime64[s]").astype(np.int64))
    homes = list(_homes(of_site, kinds))
    faults = list(_faults(of_site, homes, int(cases), np.random.default_rng(int(seed))))
    begun = time.process_time()
    named = [blamed(homes[fault.home].of, fault.family, fault.hours) for fault in faults]
    spent = time.process_time() - begun
    plain = [_furthest(homes[fault.home], fault) for fault in faults]
    shared = [fault.family.shown.shape[1] > 2 for fault in faults]
    result = Result()
    for name, asked in (("all", [True] * len(faults)), ("families of several children", shared)):
        ours, theirs = _share(faults, named, asked), _share(faults, plain, asked)
        result.add(f"faulty child named, {name}", ours, "share", target="≥ 0.9", ratio=ours / max(theirs, 1e-9),
                   against="the child furthest from its expectation")  # fmt: skip
    result.limited("CPU", spent / max(len(faults), 1) * 1000, "ms per fault", 10)
    for kind in KINDS:
        asked = [fault.kind == kind for fault in faults]
        result.notes.append(f"{kind}: {_share(faults, named, asked):.2f} of {sum(asked)}")
    return result


def _share(faults: list[Fault], told: list[int | None], asked: list[bool]) -> float:
    right = [f.child == t for f, t, a in zip(faults, told, asked, strict=True) if a]
    return sum(right) / max(len(right), 1)


def _furthest(home: Home, fault: Fault) -> int | None:
    family, hours = fault.family, fault.hours
    off = np.abs(family.shown[hours] - family.expected[hours]) / home.of.scale[family.kind[hours], :-1]
    return int(np.argmax(np.nan_to_num(off[:, :-1]).sum(axis=0)))


def _homes(site: Site, kinds: Ints) -> Iterator[Home]:
    train = site.of_year(site.train) if site.train else np.asarray(np.arange(len(site)) < len(site) * 2 // 3, bool)
    below: dict[str, list[str]] = {}
    for meter in site.meters.values():
        if meter.role == "sub" and meter.parent in site.energy and meter.name in site.energy:
            below.setdefault(meter.parent, []).append(meter.name)
    for parent, names in below.items():
        children = [name for name in names if site.meters[name].medium == site.meters[parent].medium]
        members = [site.energy[name] for name in [*children, parent]]
        known = np.asarray(np.isfinite(members).all(axis=0), bool)
        if children and known[train].mean() > KNOWN and known[~train].mean() > KNOWN:
            family = _family(site, parent, np.column_stack(members), kinds, train)
            yield Home(parent, family, usual(family), float(np.nanmean(site.energy[parent])))


def _family(site: Site, parent: str, shown: Floats, kinds: Ints, train: NDArray[np.bool_]) -> Family:
    on = design(site.start, zone=site.zone, country=site.country, outdoor_c=site.outdoor_of(parent))
    rest = remainder(shown[:, -1], shown[:, :-1])
    expected = []
    for values in (*shown.T, rest):
        model = fit(on, np.where(train, values, np.nan), point=parent)
        mean = float(np.nanmean(values[train]))
        expected.append(np.full(len(values), mean) if model.refused else predict(model, on))
    return Family(shown, np.column_stack(expected[:-1]), rest - expected[-1], kinds, train, parent=True)


def _faults(site: Site, homes: list[Home], wanted: int, random: np.random.Generator) -> Iterator[Fault]:
    begin = int(np.argmax(site.of_year(site.test))) if site.test else len(site) * 2 // 3
    end = begin + int(site.of_year(site.test).sum()) if site.test else len(site)
    for _ in range(50 * wanted if homes else 0):
        if wanted <= 0:
            return
        row = int(random.integers(len(homes)))
        found = _fault(homes[row], row, begin, end, random)
        if found is not None:
            wanted -= 1
            yield found


def _fault(home: Home, row: int, begin: int, end: int, random: np.random.Generator) -> Fault | None:
    kind, family = str(random.choice(list(KINDS))), home.family
    low, high = KINDS[kind]
    n, child = int(random.integers(low, high + 1)), int(random.integers(family.shown.shape[1] - 1))
    at = int(random.integers(begin + 24, end - n - 48))
    hours = slice(at, at + n)
    if not np.isfinite(family.shown[at - 24 : at + n + 24]).all():
        return None
    true = family.shown[hours, child]
    more = written(kind, true, family.shown[:, child], random) - true
    if np.abs(more).sum() < VISIBLE * home.mean * min(n, 24):
        return None
    shown, rest = family.shown.copy(), family.rest.copy()
    shown[hours, child] += more
    rest[hours] -= more
    return Fault(row, kind, child, hours, replace(family, shown=shown, rest=rest))


def written(kind: str, true: Floats, year: Floats, random: np.random.Generator) -> Floats:
    """What the meter shows instead of ``true`` (hours of the fault); ``year`` are all its hours."""
    n = len(true)
    faults: dict[str, Callable[[], Floats]] = {
        "spike": lambda: true + np.nanquantile(year, 0.99) * random.uniform(2, 6),
        "dropout": lambda: np.zeros(n),
        "stuck": lambda: np.full(n, true[0]),
        "gap_catchup": lambda: np.append(np.zeros(n - 1), true.sum()),
        "scale10": lambda: true * 10,
        "level_up": lambda: true + np.nanmean(year) * random.uniform(0.2, 0.5),
        "phase_loss": lambda: true * 2 / 3,
        "drift": lambda: true * (1 + np.linspace(0, random.uniform(0.25, 0.5), n)),
    }
    return faults[kind]()
