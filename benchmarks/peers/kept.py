"""Peers' answers that are kept: a peer is asked once about a site, and again only when the site has changed.

Strategy: peers take minutes, ours seconds; so each peer's answers about each site lie in a folder of their own beside
what it was asked (``asked.json``, written last), and a run that is broken off carries on with the next peer. A
detector's scores do not depend on the alarm budget; its episodes are made of them anew for whatever ours told.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from benchmarks.digest import digest
from benchmarks.peers.beside import Child, ask
from benchmarks.peers.catalogue import SAVINGS
from benchmarks.peers.episodes import episodes
from benchmarks.peers.folder import read_hours, write_rows

LOOKED_AT: Final = ("site.toml", "meters.csv", "energy.parquet", "weather.parquet", "faults/energy.parquet")
ASKED: Final = "asked.json"


@dataclass(frozen=True, slots=True)
class Kept:
    """``answers`` of one peer about one site · ``cpu_s`` of all meters asked · ``why`` it has none, '' = it has."""

    answers: Path
    meters: int
    cpu_s: float
    failed: int
    why: str = ""


def question(peer: str, site: Path) -> dict[str, object]:
    """What a peer is asked about a site; another digest is another question."""
    looked_at = digest(site / name for name in LOOKED_AT)
    return {"peer": peer, "site": looked_at, "meters": meters_of(peer, site)}


def meters_of(peer: str, site: Path) -> list[str]:
    """Those that the judge asks about: mains, or all that are shown with faults (or labels)."""
    faults = site / "faults" / "energy.parquet"
    shown = faults if peer not in SAVINGS and faults.exists() else site / "energy.parquet"
    names = [name for name in pq.read_schema(shown).names if name != "time"]
    if peer not in SAVINGS:
        return names
    with (site / "meters.csv").open(encoding="utf-8", newline="") as file:
        about = {row["meter"]: row for row in csv.DictReader(file)}
    return [m for m in names if about[m]["role"] == "main" and about[m]["medium"] in ("electricity", "gas")]


def is_kept(peer: str, site: Path, out: Path) -> bool:
    """Whether the answers there are to the question as it is now."""
    told = out / ASKED
    return told.exists() and json.loads(told.read_text(encoding="utf-8")) == question(peer, site)


def answered(peer: str, site: Path, out: Path, python: str, budget: float | None = None) -> Kept:
    """The peer's answers about a site, asked for where they are not kept; of a detector with episodes at ``budget``."""
    asked = question(peer, site)
    meters: Sequence[str] = meters_of(peer, site)
    if not is_kept(peer, site, out):
        child = ask((peer, str(site.resolve()), str(out.resolve()), *meters), out, python)
        if child.fault or not child.installed:
            return Kept(out, len(meters), 0.0, len(meters), _why(peer, child))
        (out / ASKED).write_text(json.dumps(asked), encoding="utf-8")
    cost = json.loads((out / "cost.json").read_text(encoding="utf-8"))
    if budget is not None:
        _told_again(out, budget)
    return Kept(out, len(meters), sum(cost["cpu_s"].values()), len(cost["failed"]))


def _why(peer: str, child: Child) -> str:
    return f"{peer} is not installed where --peer-python points" if not child.installed else f"{peer}: {child.fault}"


def _told_again(out: Path, budget: float) -> None:
    start, scores = read_hours(out / "scores.parquet")
    rows = [(m, f"{start[a]}Z", f"{start[b]}Z", "odd", "") for m, a, b in episodes(scores, budget)]
    write_rows(out / "episodes.csv", ("meter", "start", "end", "kind", "excess_kwh"), rows)
