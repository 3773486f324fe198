"""The peers' part of the analytics table: the same sites, the same judge, the best of them beside ours.

Strategy: asked last and one after the other, since each takes minutes; what was answered before is kept and judged
again. Without ``ask`` only what is kept is shown. The plain ones that are written here (last year's level) show nothing
beside what a package does and are left out of the savings' rows; as detectors they are peers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.analytics_rows import Peered
from benchmarks.asking import Crew, Judge, Verdict
from benchmarks.own import GIVEN, SAVINGS_SEEDS, Name, Own
from benchmarks.peers.catalogue import ANOMALIES, SAVINGS
from benchmarks.peers.episodes import HOURS_OF_MONTH
from benchmarks.peers.kept import Kept, answered, is_kept
from benchmarks.site import Site, read_hours
from submeter.words import TheirsError

FORECASTERS: Final = [name for name, peer in SAVINGS.items() if peer.package]
HOURS_OF_YEAR: Final = 8766
Pooled = dict[str, tuple[Path, Kept]]


@dataclass(frozen=True, slots=True)
class Rivals:
    """``out``: where answers are kept · ``python`` that has the peers · ``ask``: whether those that are not kept are
    asked for."""

    own: Own
    out: Path
    python: str
    judge: Judge
    ask: bool

    def beside(self, crew: Crew) -> Peered:
        """What peers reached. One that is missing, or breaks off, is named in a note and in no row."""
        notes: list[str] = []
        asked = crew.do("peers, one at a time", self._jobs(notes), cores=1)
        answers = {name: pools for name, pools in asked.items() if pools}
        verdicts = crew.do(
            "judging peers", {name: self._judging(name, pools, notes) for name, pools in answers.items()}
        )
        by_question: dict[Name, dict[str, tuple[Verdict, str]]] = {}
        for (question, peer), verdict in verdicts.items():
            by_question.setdefault(question, {})[peer] = verdict, _told(answers[question, peer])
        return Peered(by_question, self._speeds(answers), tuple(notes))

    def _jobs(self, notes: list[str]) -> dict[tuple[Name, str], Callable[[], Pooled | None]]:
        jobs: dict[tuple[Name, str], Callable[[], Pooled | None]] = {}
        for peer in ANOMALIES:
            for site in self.own.kinds.yearly:
                faulty = self.own.faulty(site, GIVEN)
                jobs[("anomalies", site.folder.name, GIVEN), peer] = self._asking(peer, {"": faulty}, notes, site)
            for site in self.own.kinds.labelled:
                jobs[("labels", site.folder.name, 0), peer] = self._asking(peer, {"": site.folder}, notes, site)
        for peer in FORECASTERS:
            for site in self.own.kinds.yearly:
                hidden = {f"{seed}:": self.own.hidden(site, seed) for seed in SAVINGS_SEEDS}
                jobs[("predictions", site.folder.name, 0), peer] = self._asking(peer, {"": site.folder}, notes)
                jobs[("savings", site.folder.name, 0), peer] = self._asking(peer, hidden, notes)
        return jobs

    def _asking(
        self, peer: str, sites: Mapping[str, Path], notes: list[str], budget: Site | None = None
    ) -> Callable[[], Pooled | None]:
        def job() -> Pooled | None:
            found: Pooled = {}
            for pool, site in sites.items():
                out = self.out / site.name / peer
                if not self.ask and not is_kept(peer, site, out):
                    return None
                kept = answered(peer, site, out, self.python, self._budget(site, budget) if budget else None)
                if kept.why:
                    notes.append(kept.why)
                    return None
                found[pool] = site, kept
            return found

        return job

    def _budget(self, site: Path, about: Site) -> float:
        """Episodes a meter-month, as many as ours told."""
        what = "labels" if (site / "labels.parquet").exists() else "anomalies"
        told = self.own.told[what, about.folder.name, 0]["episodes told"].value
        faults = site / "faults" / "energy.parquet"
        start, shown = read_hours(faults if faults.exists() else site / "energy.parquet")
        return told * HOURS_OF_MONTH / max(len(start) * len(shown), 1)

    def _judging(self, name: tuple[Name, str], pools: Pooled, notes: list[str]) -> Callable[[], Verdict]:
        part = "anomalies" if name[0][0] == "labels" else name[0][0]

        def job() -> Verdict:
            try:
                return self.judge.ask(part, {pool: (site, kept.answers) for pool, (site, kept) in pools.items()})
            except TheirsError as fault:
                notes.append(f"{name[1]}: its answers could not be judged ({fault})")
                return Verdict()

        return job

    def _speeds(self, answers: Mapping[tuple[Name, str], Pooled]) -> dict[tuple[str, str], dict[str, float]]:
        """Meters (or meter-years) a CPU second."""
        speeds: dict[tuple[str, str], dict[str, float]] = {}
        for (question, peer), pools in answers.items():
            what, (site, kept) = question[0], next(iter(pools.values()))
            if what in ("predictions", "anomalies"):
                faults = site / "faults" / "energy.parquet"
                years = len(read_hours(faults)[0]) / HOURS_OF_YEAR if what == "anomalies" else 1.0
                key = "savings" if what == "predictions" else what, question[1]
                speeds.setdefault(key, {})[peer] = kept.meters * years / max(kept.cpu_s, 1e-9)
        return speeds


def _told(pools: Pooled) -> str:
    """How many meters a peer raised an error for, where it did."""
    failed, meters = (sum(getattr(kept, each) for _, kept in pools.values()) for each in ("failed", "meters"))
    return f"({failed} of {meters} raised an error)" if failed else ""
