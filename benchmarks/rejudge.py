"""``python -m benchmarks.rejudge JUDGE JOB``: has a judge score answers, and score them again for other buildings.

Strategy: run by the interpreter that has what the judge needs. The judge is loaded from its file and asked by its own
functions, ``judge_PART(site folder, site, answers folder)``; nothing of it is known here. For each draw of buildings
(:mod:`benchmarks.spread`) a site folder and an answers folder are written that hold the drawn meters, each under a name
of its own turn, and the judge scores those. Several sites (the same one with other seeds) are pooled in the same way:
all their meters in one folder, drawn together. JOB is a JSON file; what is found goes to the standard output.
"""

import importlib.util
import json
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pandas as pd

from benchmarks.spread import LEAST, drawn

HOURS: Final = ("energy.parquet", "labels.parquet", "faults/energy.parquet")
ROWS: Final = ("meters.csv", "faults/events.csv", "savings_truth.csv")
TOLD_HOURS: Final = ("predictions.parquet", "scores.parquet")
TOLD_ROWS: Final = ("savings.csv", "episodes.csv", "tellings.csv")
PARTS: Final = {"predictions": "judge_predictions", "savings": "judge_savings", "anomalies": "judge_anomalies"}


@dataclass(frozen=True)
class Tables:
    """What lies in a folder: columns of meters over hours, and rows about meters, by file name."""

    hours: dict[str, pd.DataFrame]
    rows: dict[str, pd.DataFrame]

    def write(self, folder: Path, picked: Sequence[tuple[str, str]]) -> None:
        """These meters alone, each under its new name: (old, new)."""
        for name, table in self.hours.items():
            here = [(old, new) for old, new in picked if old in table.columns]
            out = table[[old for old, _ in here]]
            out.columns = pd.Index([new for _, new in here])
            _put(folder / name).unlink(missing_ok=True)
            out.to_parquet(folder / name, compression=None)
        for name, table in self.rows.items():
            by_meter = dict(tuple(table.groupby("meter", sort=False)))
            parts = [by_meter[old].assign(meter=new) for old, new in picked if old in by_meter]
            (pd.concat(parts) if parts else table.iloc[:0]).to_csv(_put(folder / name), index=False)


def _put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def read(folder: Path, hours: Sequence[str], rows: Sequence[str]) -> Tables:
    """Those of these files that are there."""
    return Tables(
        {n: pd.read_parquet(folder / n) for n in hours if (folder / n).exists()},
        {n: pd.read_csv(folder / n, dtype={"meter": str}) for n in rows if (folder / n).exists()},
    )


def joined(tables: Mapping[str, Tables]) -> Tables:
    """Several as one, each meter's name behind its pool's."""
    hours: dict[str, list[pd.DataFrame]] = {}
    rows: dict[str, list[pd.DataFrame]] = {}
    for pool, each in tables.items():
        for name, table in each.hours.items():
            hours.setdefault(name, []).append(table.add_prefix(pool))
        for name, table in each.rows.items():
            rows.setdefault(name, []).append(table.assign(meter=pool + table.meter))
    return Tables(
        {n: pd.concat(t, axis=1) for n, t in hours.items()},
        {n: pd.concat(t, ignore_index=True) for n, t in rows.items()},
    )


class Bench:
    """Pooled sites and answers, and the judge's function that scores a part of them."""

    def __init__(self, judge: Path, part: str, pools: Mapping[str, tuple[Path, Path]]) -> None:
        first = next(iter(pools.values()))[0]
        self.about = tomllib.loads((first / "site.toml").read_text(encoding="utf-8"))
        self.judge = getattr(loaded(judge), PARTS[part])
        self.site = joined({k: self._cut(read(site, HOURS, ROWS), part) for k, (site, _) in pools.items()})
        self.answers = joined({k: read(told, TOLD_HOURS, TOLD_ROWS) for k, (_, told) in pools.items()})
        asked = self.site.hours.get("faults/energy.parquet", self.site.hours["energy.parquet"]).columns
        self.meters = self.site.rows["meters.csv"].set_index("meter").loc[asked]

    def _cut(self, tables: Tables, part: str) -> Tables:
        """Without what the part's judge does not look at: other years and, for savings, other meters."""
        energy, meters = tables.hours["energy.parquet"], tables.rows["meters.csv"].set_index("meter")
        if "test" in self.about:
            local = energy.index.tz_convert(self.about["timezone"])
            energy = energy[(local.year >= self.about["train"]) & (local.year <= self.about["test"])]
        if part != "anomalies":
            energy = energy[
                [m for m in energy if meters.role[m] == "main" and meters.medium[m] in ("electricity", "gas")]
            ]
        hours = {n: t for n, t in tables.hours.items() if part == "anomalies"} | {"energy.parquet": energy}
        return Tables(hours, tables.rows)

    def buildings(self) -> dict[str, list[str]]:
        """Meters by building; a site that names none has each meter in a building of its own."""
        found: dict[str, list[str]] = {}
        for meter, building in self.meters.building.fillna("").astype(str).items():
            found.setdefault(building or str(meter), []).append(str(meter))
        return found

    def verdict(self, picked: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """What the judge says of these meters: (old name, new name)."""
        with tempfile.TemporaryDirectory() as scratch:
            site, answers = Path(scratch, "site"), Path(scratch, "answers")
            self.site.write(site, picked)
            self.answers.write(answers, picked)
            told: dict[str, Any] = self.judge(site, self.about, answers)
            return told

    def all(self) -> dict[str, Any]:
        return self.verdict([(m, m) for meters in self.buildings().values() for m in meters])

    def draws(self, numbers: Sequence[int]) -> Iterator[dict[str, Any]]:
        by_building = self.buildings()
        for number in numbers if len(by_building) >= LEAST else ():
            yield self.verdict([(meter, f"{turn}:{meter}") for turn, meter in drawn(by_building, number)])


def loaded(judge: Path) -> ModuleType:
    """The judge as a module; what lies beside it can be imported, as when it is run."""
    sys.path.insert(0, str(judge.resolve().parent))
    spec = importlib.util.spec_from_file_location("judge", judge)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    judge, job = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    pools = {name: (Path(site), Path(answers)) for name, (site, answers) in job["pools"].items()}
    bench = Bench(judge, job["part"], pools)
    told = {"all": bench.all() if job["whole"] else {}, "draws": list(bench.draws(job["draws"]))}
    print(json.dumps(told, default=float))


if __name__ == "__main__":
    main()
