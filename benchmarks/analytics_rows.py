"""The rows of the analytics table, in the order in which its targets were set.

Strategy: ours and the peers' verdicts come in, rows go out; a figure that nobody told is a dash and meets nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Final

import numpy as np

from benchmarks import tasks
from benchmarks.asking import Verdict
from benchmarks.board import Row
from benchmarks.own import FAULT_SEEDS, GIVEN, SAVINGS_SEEDS, TREE_CASES, TREE_SEEDS, Name, Own
from benchmarks.site import Site
from benchmarks.tasks import Wanted

NOBODY: Final = Verdict()
FURTHEST: Final = "furthest from its expectation"


@dataclass(frozen=True, slots=True)
class Peered:
    """What peers reached, by name of the question and of the peer, with what has to be said of it, and how fast."""

    verdicts: Mapping[Name, Mapping[str, tuple[Verdict, str]]] = field(default_factory=dict)
    speeds: Mapping[tuple[str, str], Mapping[str, float]] = field(default_factory=dict)
    """by what (savings, anomalies) and site"""
    notes: Sequence[str] = ()

    def of(self, name: Name, key: str) -> dict[str, tuple[float, str]]:
        return {peer: (verdict.number(key), note) for peer, (verdict, note) in self.verdicts.get(name, {}).items()}

    def speed(self, what: str, site: str) -> dict[str, tuple[float, str]]:
        return {peer: (speed, "") for peer, speed in self.speeds.get((what, site), {}).items()}


def rows(own: Own, verdicts: Mapping[Name, Verdict], peered: Peered) -> Iterator[Row]:
    """All rows of all sites."""
    table = _Rows(own, verdicts, peered)
    for site in own.kinds.yearly:
        yield from table.foretold(site)
        yield from table.looked_at(site)
    for site in own.kinds.labelled:
        yield from table.each(f"{site.folder.name}, labels not used", ("labels", site.folder.name, 0), tasks.LABELS)
    for site in own.kinds.trees:
        yield table.blamed(site)
    for site in own.kinds.yearly:
        yield from table.fast(site)


@dataclass(frozen=True, slots=True)
class _Rows:
    own: Own
    verdicts: Mapping[Name, Verdict]
    peered: Peered

    def each(
        self, task: str, name: Name, wanted: Sequence[Wanted], others: Sequence[int] = (), note: str = ""
    ) -> Iterator[Row]:
        verdict = self.verdicts.get(name, NOBODY)
        for w in wanted:
            again = {f"seed {s}": self.verdicts.get((*name[:2], s), NOBODY).number(w.key) for s in others}
            yield Row(
                task, w.figure, verdict.number(w.key), w.shape, w.target, verdict.spread(w.key), again,
                {} if w.alone else self.peered.of(name, w.key), note if w.shape == tasks.WHOLE else "",
            )  # fmt: skip

    def foretold(self, site: Site) -> Iterator[Row]:
        at, name = site.folder.name, f"{site.folder.name}, {site.test} from {site.train}"
        asked = self.verdicts.get(("predictions", at, 0), NOBODY).number("meters_asked")
        yield from self.each(name, ("predictions", at, 0), tasks.PREDICTIONS, note=f"of {asked:.0f}")
        judged = self.verdicts.get(("savings", at, 0), NOBODY).number("meters")
        seeds = f"seeds {SAVINGS_SEEDS[0]}–{SAVINGS_SEEDS[-1]}"
        yield from self.each(
            f"{at}, hidden savings, {seeds}", ("savings", at, 0), tasks.SAVINGS, note=f"of {judged:.0f}"
        )
        for what, target in (("own weather", tasks.OWN_WEATHER), ("one station", tasks.ONE_STATION)):
            speed = self._figure((what, at, 0), "meters")
            yield Row(f"{at}, fit, prediction and band", f"meters/s a core, {what}", speed, tasks.RATE, target,
                      peers=self.peered.speed("savings", at))  # fmt: skip

    def looked_at(self, site: Site) -> Iterator[Row]:
        at, others = site.folder.name, [s for s in FAULT_SEEDS if s != GIVEN]
        yield from self.each(f"{at}, faults, looking back", ("anomalies", at, GIVEN), tasks.FAULTS, others)
        yield from self.each(f"{at}, faults, live", ("anomalies", at, GIVEN), tasks.LIVE, others)

    def blamed(self, site: Site) -> Row:
        """The mean of the seeds, and the lowest and highest of them."""
        told = [self.own.told.get(("tree", site.folder.name, s), {}).get("faulty child named, all") for s in TREE_SEEDS]
        shares = [f.value for f in told if f]
        theirs = [f.value / f.ratio for f in told if f and f.ratio]
        peer = {FURTHEST: (float(np.mean(theirs)), "")} if theirs else {}
        note = f"({min(shares):.3f} … {max(shares):.3f} by seed)" if shares else ""
        figure = f"blamed correctly, {len(TREE_SEEDS)} × {TREE_CASES} faults"
        mean = float(np.mean(shares)) if shares else nan
        return Row(f"{site.folder.name}, tree", figure, mean, target=tasks.TREE, peers=peer, note=note)

    def fast(self, site: Site) -> Iterator[Row]:
        at = site.folder.name
        for what, target in (("rules and residual", tasks.FIRST_LOOK), ("everything", tasks.EVERYTHING)):
            speed = self._figure(("anomalies", at, GIVEN), f"speed, {what}")
            yield Row(f"{at}, detection", f"meter-years/s a core, {what}", speed, tasks.RATE, target,
                      peers=self.peered.speed("anomalies", at))  # fmt: skip

    def _figure(self, name: Name, figure: str) -> float:
        told = self.own.told.get(name, {}).get(figure)
        return nan if told is None else told.value
