"""The balance of real meter trees: one known fault at a time is put into a month of a parent and its children.

Strategy: of each family of the site a random month is taken, and of its children one that counts at least a twentieth;
the fault is a lost child, a wrong ratio (child or parent), a reversed or a lost phase, a double count, a base load of a
tenth, or none. A lost child that draws the same all day is a base load, and called so rightly. The site must be one
whose parts add up: where much is not metered on purpose, "missing child" is the truth whatever else is wrong. The peer
is plain arithmetic: whichever single meter's energy comes nearest to the difference.
"""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.calendar import day_of, hour_type
from analytics.tree.imbalance import FLAT, NOBODY, PARENT, Cause, explain
from benchmarks.result import Result
from benchmarks.site import Site, read_site

Floats = NDArray[np.float64]

HOURS: Final = 30 * 24
LEAST_SHARE: Final = 0.05
BAND: Final = 0.015
"""of both sides: class 1 meters behind transformers of class 0.5"""
NONE: Final = "none"
FAULTS: Final = (*(c.value for c in Cause if c is not Cause.UNKNOWN), "parent_ratio", NONE)
FACTORS: Final = (0.5, 0.6, 0.75, 1.25, 1.5, 2.0, 3.0)


class Case(NamedTuple):
    """A family's month, spoilt: ``blamed`` as in :class:`~analytics.tree.imbalance.Imbalance`."""

    fault: str
    parent: Floats
    children: Floats
    starts_s: NDArray[np.int64]
    causes: tuple[str, ...]
    blamed: int


def run(site: str, cases: str = "200", seed: str = "1") -> Result:
    """``cases`` months of the families of a site folder."""
    of_site = read_site(Path(site))
    tried = list(_cases(of_site, int(cases), np.random.default_rng(int(seed))))
    result, begun = Result(), time.process_time()
    told = [_ask(case, of_site.zone) for case in tried]
    spent = time.process_time() - begun
    faulty = [(case, one) for case, one in zip(tried, told, strict=True) if case.fault != NONE]
    clean = [one for case, one in zip(tried, told, strict=True) if case.fault == NONE]
    visible = [(case, one) for case, one in faulty if one[0] != NONE]
    right = _share(one[0] in case.causes and one[1] == case.blamed for case, one in visible)
    plain = _share(_plain(case) == case.blamed for case, _ in visible)
    result.add("faults outside the band", len(visible) / max(len(faulty), 1), "share of faults")
    result.add(
        "cause and meter named", right, "share of those", target="≥ 0.8", ratio=right / max(plain, 1e-9),
        against="the meter whose energy is nearest to the difference",
    )  # fmt: skip
    result.limited("blamed though nothing was wrong", _share(one[1] != NOBODY for one in clean), "share", 0.05)
    result.add("CPU", spent / max(len(tried), 1) * 1000, "ms per balance", ratio=spent, against="a second for them all")
    result.notes += [_line(fault, visible) for fault in FAULTS if fault != NONE]
    return result


def _share(rights: Iterable[bool]) -> float:
    every = list(rights)
    return sum(every) / max(len(every), 1)


def _cases(site: Site, wanted: int, random: np.random.Generator) -> Iterator[Case]:
    families = _families(site)
    for _ in range(20 * wanted if families else 0):
        if wanted <= 0:
            return
        parent, children = families[int(random.integers(len(families)))]
        found = _month(site, parent, children, random)
        if found is not None:
            wanted -= 1
            yield found


def _families(site: Site) -> list[tuple[str, list[str]]]:
    below: dict[str, list[str]] = {}
    for meter in site.meters.values():
        counted = meter.role == "sub" and meter.parent in site.energy and meter.name in site.energy
        if counted and meter.medium == site.meters[meter.parent].medium:
            below.setdefault(meter.parent, []).append(meter.name)
    return [(parent, children) for parent, children in below.items() if len(children) > 1]


def _month(site: Site, parent: str, children: list[str], random: np.random.Generator) -> Case | None:
    at = int(random.integers(0, max(len(site) - HOURS, 1)))
    above = site.energy[parent][at : at + HOURS]
    below = np.column_stack([site.energy[child][at : at + HOURS] for child in children])
    known = np.isfinite(above) & np.isfinite(below).all(axis=1)
    large = np.flatnonzero(np.nansum(below, axis=0) >= LEAST_SHARE * np.nansum(above))
    if known.sum() < HOURS * 0.8 or not len(large):
        return None
    starts = site.start[at : at + HOURS][known].astype("datetime64[s]").astype(np.int64)
    fault = str(random.choice(FAULTS))
    return _spoilt(fault, int(random.choice(large)), above[known], below[known], starts, random)


def _spoilt(
    fault: str, child: int, above: Floats, below: Floats, starts: NDArray[np.int64], random: np.random.Generator
) -> Case:
    shown, blamed, factor = below.copy(), child, float(random.choice(FACTORS))
    causes: tuple[str, ...] = (fault,)
    if fault == Cause.MISSING_CHILD:
        lost = below[:, child]
        flat = np.mean(np.abs(lost - lost.mean())) <= FLAT * lost.mean()
        causes = (Cause.BASE_LOAD.value, fault) if flat else causes
        shown, blamed = np.delete(below, child, axis=1), NOBODY
    elif fault == Cause.BASE_LOAD:
        above, blamed = above + 0.1 * above.mean(), NOBODY
    elif fault == Cause.DOUBLE_COUNT:
        above = above - below[:, child]
    elif fault == "parent_ratio":
        above, blamed, causes = above * factor, PARENT, (Cause.WRONG_RATIO.value,)
    elif fault != NONE:
        shown[:, child] *= {Cause.REVERSED_PHASE: 1 / 3, Cause.LOST_PHASE: 2 / 3}.get(Cause(fault), factor)
    else:
        blamed = NOBODY
    return Case(fault, above, shown, starts, causes, blamed)


def _ask(case: Case, zone: str) -> tuple[str, int]:
    band = BAND * float(case.parent.sum() + case.children.sum())
    days, kinds = day_of(zone, case.starts_s), hour_type(zone, case.starts_s)
    told = explain(case.parent, case.children, days, kinds, band)
    return (NONE, NOBODY) if told is None else (told.cause.value, told.blamed)


def _plain(case: Case) -> int:
    """Whose whole energy comes nearest to the difference."""
    off = abs(float(case.parent.sum() - case.children.sum()))
    return int(np.argmin(np.abs(case.children.sum(axis=0) - off)))


def _line(fault: str, visible: list[tuple[Case, tuple[str, int]]]) -> str:
    of_fault = [one[0] in case.causes and one[1] == case.blamed for case, one in visible if case.fault == fault]
    return f"{fault}: {sum(of_fault)} of {len(of_fault)} named"
