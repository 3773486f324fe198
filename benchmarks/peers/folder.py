"""A site folder as a peer is shown it, and the answers that it leaves: NumPy and pyarrow alone.

Strategy: read here once more, independently of what the product's own benchmark reads, so that a mistake in one shows
as a difference. Everything stands on one grid of whole hours in UTC, NaN where nothing was read.
"""

import csv
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Times = NDArray[np.datetime64]
HOUR: Final = np.timedelta64(3600, "s")
TIME_IS_THE_INDEX: Final = {
    "index_columns": ["time"],
    "column_indexes": [],
    "columns": [
        {"name": "time", "field_name": "time", "pandas_type": "datetimetz", "numpy_type": "datetime64[us]",
         "metadata": {"timezone": "UTC"}},
    ],
}  # fmt: skip
"""what pandas keeps beside a table (its documented ``pandas`` metadata)"""


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """A stretch of one meter: ``start`` (n) datetime64[s] UTC · ``kwh`` and ``outdoor_c`` (n), NaN = not known ·
    ``medium`` as meters.csv has it."""

    start: Times
    kwh: Floats
    outdoor_c: Floats
    medium: str = "electricity"


@dataclass(frozen=True, slots=True, eq=False)
class Folder:
    """What is asked about: ``zone`` · local calendar years, None where none are named · meters.csv by meter."""

    path: Path
    zone: str
    train: int | None
    test: int | None
    meters: dict[str, dict[str, str]]
    start: Times
    energy: dict[str, Floats]
    outdoor_c: dict[str, Floats]

    def year(self, year: int) -> slice:
        """Rows of a local calendar year."""
        first, last = (
            np.datetime64(int(datetime(y, 1, 1, tzinfo=ZoneInfo(self.zone)).timestamp()), "s") for y in (year, year + 1)
        )
        return slice(int(np.searchsorted(self.start, first)), int(np.searchsorted(self.start, last)))

    def hours(self, meter: str, rows: slice) -> Hours:
        about = self.meters[meter]
        outdoor = self.outdoor_c.get(about.get("station", ""), np.full(len(self.start), np.nan))
        return Hours(self.start[rows], self.energy[meter][rows], outdoor[rows], about.get("medium", "electricity"))


def read_folder(path: Path) -> Folder:
    about = tomllib.loads((path / "site.toml").read_text(encoding="utf-8"))
    start, energy = read_hours(path / "energy.parquet")
    with (path / "meters.csv").open(encoding="utf-8", newline="") as file:
        meters = {row["meter"]: row for row in csv.DictReader(file)}
    outdoor = read_outdoor(path / "weather.parquet", start)
    return Folder(path, about["timezone"], about.get("train"), about.get("test"), meters, start, energy, outdoor)


def read_hours(path: Path) -> tuple[Times, dict[str, Floats]]:
    """A column ``time`` and one a meter, on a grid from the first to the last hour."""
    table = pq.read_table(path)
    at = _seconds(table.column("time"))
    start = np.arange(at.min(), at.max() + HOUR, HOUR)
    names = [name for name in table.column_names if name != "time"]
    return start, {name: _on_grid(table.column(name), at, start) for name in names}


def read_outdoor(path: Path, start: Times) -> dict[str, Floats]:
    """Outdoor temperature by station, empty where a site has no weather."""
    if not path.exists():
        return {}
    table = pq.read_table(path, columns=["time", "station", "outdoor_c"])
    at = _seconds(table.column("time"))
    station = np.array(table.column("station").cast(pa.string()).to_pylist())
    values = table.column("outdoor_c")
    rows = {str(name): np.flatnonzero(station == name) for name in np.unique(station)}
    return {name: _on_grid(values.take(pa.array(mine)), at[mine], start) for name, mine in rows.items()}


def _seconds(column: pa.ChunkedArray) -> Times:
    return np.asarray(column.cast(pa.timestamp("s", tz="UTC")).to_numpy(), "datetime64[s]")


def _on_grid(column: pa.ChunkedArray, at: Times, start: Times) -> Floats:
    out = np.full(len(start), np.nan)
    inside = (at >= start[0]) & (at <= start[-1])
    out[((at - start[0]) // HOUR)[inside]] = column.cast(pa.float64()).to_numpy()[inside]
    return out


def write_hours(path: Path, start: Times, columns: Mapping[str, Floats]) -> None:
    """Columns over hours; the metadata is what makes ``time`` the index for pandas."""
    time = pa.array(start.astype("datetime64[us]"), pa.timestamp("us", tz="UTC"))
    table = pa.table({"time": time, **{name: pa.array(values) for name, values in columns.items()}})
    pq.write_table(table.replace_schema_metadata({b"pandas": json.dumps(TIME_IS_THE_INDEX).encode()}), path)


def write_rows(path: Path, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])
