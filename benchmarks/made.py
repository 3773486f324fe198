"""Site folders that are made for judging: hidden savings, other faults, and stations for the speed of fitting.

Strategy: the programs beside the judge hide savings and inject faults (``inject_savings.py``, ``inject_faults.py``), by
the judge's interpreter; they are called, never copied. A site that was made is kept beside the answers and made again
only where it is not there, or where the site or those programs have changed since.
"""

import csv
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.digest import digest
from submeter.words import TheirsError

DONE: Final = ".made"
FAULTS: Final = "faults"
FILES: Final = ("site.toml", "meters.csv", "energy.parquet", "weather.parquet")


@dataclass(frozen=True, slots=True)
class Maker:
    """``judge``'s file, whose neighbours inject · ``python`` that runs them · ``out``: where what is made goes."""

    judge: Path
    python: str
    out: Path

    def with_savings(self, site: Path, seed: int) -> Path:
        """A copy with a saving hidden in each main meter's test year."""
        return self._made(site, f"savings-{seed}", lambda to: self._inject("savings", site, to, seed))

    def with_faults(self, site: Path, seed: int) -> Path:
        """A copy with other faults in the test year."""

        def make(to: Path) -> None:
            to.mkdir()
            linked(site, to, without=(FAULTS,))
            self._inject("faults", to, None, seed)

        return self._made(site, f"faults-{seed}", make)

    def mains(self, site: Path, *, one_station: bool) -> Path:
        """The main meters alone: each with a weather of its own, or all with that of the first."""

        def make(to: Path) -> None:
            to.mkdir()
            linked(site, to, without=(FAULTS, "meters.csv", "energy.parquet", "weather.parquet"))
            stationed(site, to, one_station=one_station)

        return self._made(site, "one-station" if one_station else "own-weather", make)

    def mark(self, site: Path) -> str:
        """What the sites that are made of this one depend on."""
        programs = [self.judge, *sorted(self.judge.parent.glob("inject_*.py"))]
        return digest([site / name for name in FILES] + programs)

    def _made(self, site: Path, what: str, make: Callable[[Path], None]) -> Path:
        to = self.out / f"{site.name}-{what}"
        mark = self.mark(site)
        if not (to / DONE).exists() or (to / DONE).read_text(encoding="utf-8") != mark:
            shutil.rmtree(to, ignore_errors=True)
            self.out.mkdir(parents=True, exist_ok=True)
            make(to)
            (to / DONE).write_text(mark, encoding="utf-8")
        return to

    def _inject(self, what: str, site: Path, to: Path | None, seed: int) -> None:
        program = self.judge.with_name(f"inject_{what}.py")
        if not program.exists():
            raise TheirsError(f"{program} is not there: it stands beside the judge and makes the sites that are judged")
        call = [self.python, str(program), str(site), *([str(to)] if to else []), "--seed", str(seed)]
        done = subprocess.run(
            call, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
        )
        if done.returncode:
            raise TheirsError(f"{program} on {site}: {(done.stderr.strip().splitlines() or ['no reason'])[-1]}")


def linked(site: Path, to: Path, without: tuple[str, ...]) -> None:
    """All files and folders of a site but some, by links."""
    for each in site.resolve().iterdir():
        if each.name not in without:
            (to / each.name).symlink_to(each)


def stationed(site: Path, to: Path, *, one_station: bool) -> None:
    """meters.csv, energy and weather of the main meters. Its own weather is that of its station, made different from
    all others by the meter's number in millionths of a kelvin, so that nothing can be shared."""
    with (site / "meters.csv").open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["role"] == "main" and r["medium"] in ("electricity", "gas")]
    weather = pq.read_table(site / "weather.parquet", columns=["time", "station", "outdoor_c"])
    known = set(weather.column("station").cast(pa.string()).to_pylist())
    rows = [r for r in rows if r["station"] in known]
    tables = []
    for k, row in enumerate(rows):
        station = rows[0]["station"] if one_station else row["station"]
        if k == 0 or not one_station:
            mine = weather.filter(pc.equal(weather.column("station").cast(pa.string()), station))
            shifted = pc.add(mine.column("outdoor_c").cast(pa.float64()), k * 1e-6)
            tables.append(
                pa.table({"time": mine.column("time"), "station": [f"W{k}"] * len(mine), "outdoor_c": shifted})
            )
        row["station"] = "W0" if one_station else f"W{k}"
    pq.write_table(pa.concat_tables(tables), to / "weather.parquet")
    pq.write_table(
        pq.read_table(site / "energy.parquet", columns=["time", *(r["meter"] for r in rows)]), to / "energy.parquet"
    )
    with (to / "meters.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, list(rows[0]))
        out.writeheader()
        out.writerows(rows)
