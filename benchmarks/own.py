"""Our own answers for the analytics table: which commands are run on which sites, and what the judge is asked of them.

Strategy: a job is a name and a call; names say what, which site, and which seed (0: the faults that a site came with).
Answers lie by site and command, so that a savings answer is never scored with another site's anomalies.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.asking import Crew, Pools, figures
from benchmarks.made import Maker
from benchmarks.result import Figure
from benchmarks.site import Site, read_site
from submeter.words import TheirsError

SAVINGS_SEEDS: Final = (1, 2, 3, 4, 5)
GIVEN: Final = 0
FAULT_SEEDS: Final = (GIVEN, 2)
TREE_CASES: Final = "200"
TREE_SEEDS: Final = (1, 2, 3)
Name = tuple[str, str, int]
"""command (or part of the judge's verdict), site, seed"""
Question = tuple[str, Pools, bool]
"""part, answers to score, and whether drawn buildings are scored as well"""
Told = dict[Name, Mapping[str, Figure]]


@dataclass(frozen=True, slots=True)
class Kinds:
    """Sites by what can be asked of them: those that name the years of a main meter, have labels, or sub-meters below
    a parent."""

    yearly: tuple[Site, ...]
    labelled: tuple[Site, ...]
    trees: tuple[Site, ...]


def kinds_of(folder: Path) -> Kinds:
    """All site folders in a folder. Raises TheirsError where there is nothing to ask."""
    sites = [
        read_site(each.parent)
        for each in sorted(folder.glob("*/site.toml"))
        if (each.parent / "energy.parquet").exists()
    ]
    found = Kinds(
        tuple(s for s in sites if s.train is not None and s.test is not None and has_main(s)),
        tuple(s for s in sites if (s.folder / "labels.parquet").exists()),
        tuple(sorted((s for s in sites if has_tree(s)), key=lambda s: s.train is not None)),
    )
    if not (found.yearly or found.labelled or found.trees):
        raise TheirsError(f"{folder} holds no site folder with years, labels or sub-meters; see docs/benchmarks.md")
    return found


def has_main(site: Site) -> bool:
    """Whether there is a meter that is judged over its years."""
    return any(m.role == "main" and m.medium in ("electricity", "gas") for m in site.meters.values())


def has_tree(site: Site) -> bool:
    """Whether some sub-meter's parent of the same medium is there as well."""
    subs = [m for m in site.meters.values() if m.role == "sub" and m.parent in site.energy]
    return any(m.medium == site.meters[m.parent].medium for m in subs)


@dataclass(slots=True)
class Own:
    """What is asked of ours, and what they told (``told``, by name of the job)."""

    kinds: Kinds
    maker: Maker
    out: Path
    told: Told = field(default_factory=dict)

    def answer(self, crew: Crew) -> None:
        """Make the sites, measure speeds one by one, then run all else side by side."""
        crew.do("making sites", self._sites(), cores=1)
        self.told |= crew.do("speeds, one at a time", self._speeds(), cores=1)
        self.told |= crew.do("answers", self._answers())

    def hidden(self, site: Site, seed: int) -> Path:
        return self.maker.with_savings(site.folder, seed)

    def faulty(self, site: Site, seed: int) -> Path:
        """The site with its own faults, or with others (with others where it has none)."""
        own = seed == GIVEN and (site.folder / "faults" / "energy.parquet").exists()
        return site.folder if own else self.maker.with_faults(site.folder, seed or 1)

    def answers(self, site: Path, what: str) -> Path:
        return self.out / site.name / what

    def questions(self) -> dict[Name, Question]:
        """What the judge is asked: drawn buildings only for what is shown with its spread."""
        asked: dict[Name, Question] = {}
        for site in self.kinds.yearly:
            asked["predictions", site.folder.name, 0] = "predictions", self._pool(site.folder, "savings"), True
            pools = {f"{seed}:": (self.hidden(site, seed), self.answers(self.hidden(site, seed), "savings"))
                     for seed in SAVINGS_SEEDS}  # fmt: skip
            asked["savings", site.folder.name, 0] = "savings", pools, True
            for seed in FAULT_SEEDS:
                pool = self._pool(self.faulty(site, seed), "anomalies")
                asked["anomalies", site.folder.name, seed] = "anomalies", pool, seed == GIVEN
        for site in self.kinds.labelled:
            asked["labels", site.folder.name, 0] = "anomalies", self._pool(site.folder, "anomalies"), True
        return asked

    def _pool(self, site: Path, what: str) -> Pools:
        return {"": (site, self.answers(site, what))}

    def _sites(self) -> dict[Name, Callable[[], object]]:
        jobs: dict[Name, Callable[[], object]] = {}
        for site in self.kinds.yearly:
            for seed in SAVINGS_SEEDS:
                jobs["hidden", site.folder.name, seed] = partial(self.hidden, site, seed)
            for seed in FAULT_SEEDS:
                jobs["faulty", site.folder.name, seed] = partial(self.faulty, site, seed)
        return jobs

    def _speeds(self) -> dict[Name, Callable[[], Mapping[str, Figure]]]:
        """Of fitting and of looking back; what is looked at is also scored."""
        jobs: dict[Name, Callable[[], Mapping[str, Figure]]] = {}
        for site in self.kinds.yearly:
            if site.outdoor_c:
                for what, one in (("own weather", False), ("one station", True)):
                    made = self.maker.mains(site.folder, one_station=one)
                    jobs[what, site.folder.name, 0] = self._job("savings", made, "savings")
            jobs["anomalies", site.folder.name, GIVEN] = self._job("anomalies", self.faulty(site, GIVEN), "anomalies")
        return jobs

    def _answers(self) -> dict[Name, Callable[[], Mapping[str, Figure]]]:
        jobs: dict[Name, Callable[[], Mapping[str, Figure]]] = {}
        for site in self.kinds.yearly:
            for seed in FAULT_SEEDS:  # the longest first
                jobs["live", site.folder.name, seed] = self._job("live", self.faulty(site, seed), "anomalies")
                if seed != GIVEN:
                    jobs["anomalies", site.folder.name, seed] = self._job(
                        "anomalies", self.faulty(site, seed), "anomalies"
                    )
            jobs["savings", site.folder.name, 0] = self._job("savings", site.folder, "savings")
            for seed in SAVINGS_SEEDS:
                jobs["savings", site.folder.name, seed] = self._job("savings", self.hidden(site, seed), "savings")
        for site in self.kinds.labelled:
            jobs["labels", site.folder.name, 0] = self._job("anomalies", site.folder, "anomalies")
        for site in self.kinds.trees:
            for seed in TREE_SEEDS:
                jobs["tree", site.folder.name, seed] = partial(figures, "tree", site.folder, TREE_CASES, str(seed))
        return jobs

    def _job(self, command: str, site: Path, what: str) -> Callable[[], Mapping[str, Figure]]:
        return lambda: figures(command, site, "--out", self.answers(site, what))
