"""A *site folder* as arrays: real buildings' hours, what their meters are, and their weather.

Strategy: the layout is that of the shared data (one folder a site, see docs/benchmarks.md); nothing is assumed of
country, years, weather or labels. Everything stands on one hourly grid in UTC, from the first to the last hour of the
energy, and of the years that the site names (whose hours may have been taken away), NaN where nothing was read.
pyarrow reads and writes Parquet, so that pandas is needed by the judge alone.
"""

import csv
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from analytics.calendar import Times, instant_ms, local_seconds
from submeter.words import TheirsError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

HOUR: Final = np.timedelta64(3600, "s")


@dataclass(frozen=True, slots=True)
class Meter:
    """A row of meters.csv. ``role`` is main, sub, generation, export or virtual; ``changed``: something documented
    changed between train and test year."""

    name: str
    building: str
    medium: str
    role: str
    parent: str
    quantity: str
    station: str
    category: str
    changed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """``start`` (n) datetime64[s] UTC, every hour · ``energy`` (n) kWh by meter and ``outdoor_c`` (n) by station, NaN
    = not known · ``train`` and ``test`` are local calendar years, None where the site names none."""

    folder: Path
    name: str
    country: str
    zone: str
    train: int | None
    test: int | None
    start: Times
    meters: dict[str, Meter]
    energy: dict[str, Floats]
    outdoor_c: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.start)

    def of_year(self, year: int) -> Bools:
        """(n) hours of a local calendar year."""
        local = local_seconds(self.start, self.zone).astype("datetime64[s]").astype("datetime64[Y]")
        return np.asarray(local.astype(int) + 1970 == year, bool)

    def between(self, first: int, last: int) -> "Site":
        """The same with the hours of local calendar years alone, first and last included."""
        rows = np.flatnonzero(self.of_year(first) | self.of_year(last))
        take = slice(int(rows[0]), int(rows[-1]) + 1)
        cut = {id(t): t[take] for t in self.outdoor_c.values()}  # one array stays one
        return replace(
            self, start=self.start[take], energy={m: e[take] for m, e in self.energy.items()},
            outdoor_c={s: cut[id(t)] for s, t in self.outdoor_c.items()},
        )  # fmt: skip

    def outdoor_of(self, meter: str) -> Floats | None:
        """Outdoor temperature of a meter's station, None without."""
        return self.outdoor_c.get(self.meters[meter].station)


def read_site(folder: Path) -> Site:
    """Read a site folder. Raises TheirsError where it is none."""
    try:
        about = tomllib.loads((folder / "site.toml").read_text(encoding="utf-8"))
        years = [about[each] for each in ("train", "test") if each in about]
        start, energy = _with_years(*read_hours(folder / "energy.parquet"), about["timezone"], years)
        meters = _read_meters(folder / "meters.csv")
        outdoor = _read_weather(folder / "weather.parquet", start)
    except OSError as fault:
        raise TheirsError(f"{folder} is no site folder ({fault}); see docs/benchmarks.md for what one holds") from fault
    return Site(
        folder, about["name"], about.get("country", ""), about["timezone"], about.get("train"), about.get("test"),
        start, {m: meters[m] for m in energy}, energy, outdoor,
    )  # fmt: skip


def _with_years(
    start: Times, energy: dict[str, Floats], zone: str, years: Sequence[int]
) -> tuple[Times, dict[str, Floats]]:
    """The grid with every hour of these local years on it."""
    if not years:
        return start, energy
    first, end = (np.datetime64(instant_ms(f"{y}-01-01", zone), "ms") for y in (min(years), max(years) + 1))
    before = max(int((start[0] - first) // HOUR), 0)
    after = max(int((end.astype("datetime64[s]") - start[-1]) // HOUR) - 1, 0)
    grid = start[0] + HOUR * np.arange(-before, len(start) + after)
    return grid, {m: np.pad(e, (before, after), constant_values=np.nan) for m, e in energy.items()}


def read_hours(path: Path) -> tuple[Times, dict[str, Floats]]:
    """A Parquet file with a column ``time`` and one column a meter, laid on a grid of every hour."""
    table = pq.read_table(path)
    at = _seconds(table.column("time"))
    start = np.arange(at.min(), at.max() + HOUR, HOUR)
    row = (at - start[0]) // HOUR
    return start, {name: _placed(table.column(name), row, len(start)) for name in table.column_names if name != "time"}


def read_marks(path: Path, start: Times) -> dict[str, Bools]:
    """Experts' marks (labels.parquet) on the grid of ``start``: True where an hour is marked."""
    at, marks = read_hours(path)
    row = (at - start[0]) // HOUR
    inside = (row >= 0) & (row < len(start))
    out = {name: np.zeros(len(start), bool) for name in marks}
    for name, values in marks.items():
        out[name][row[inside]] = np.nan_to_num(values[inside]) > 0
    return out


def write_hours(path: Path, start: Times, columns: Mapping[str, NDArray[np.generic]]) -> None:
    """Write columns over hours, so that pandas takes ``time`` for the index, as the judge expects."""
    time = pa.array(start.astype("datetime64[us]"), pa.timestamp("us", tz="UTC"))
    table = pa.table({"time": time, **{name: pa.array(values) for name, values in columns.items()}})
    pq.write_table(table.replace_schema_metadata({b"pandas": json.dumps(_index(columns)).encode()}), path)


def _index(columns: Mapping[str, NDArray[np.generic]]) -> dict[str, object]:
    """What pandas keeps beside a table (its documented ``pandas`` metadata): which column is the index."""
    time = {"name": "time", "field_name": "time", "pandas_type": "datetimetz", "numpy_type": "datetime64[us]",
            "metadata": {"timezone": "UTC"}}  # fmt: skip
    rest = [
        {"name": n, "field_name": n, "pandas_type": str(v.dtype), "numpy_type": str(v.dtype), "metadata": None}
        for n, v in columns.items()
    ]
    return {"index_columns": ["time"], "column_indexes": [], "columns": [time, *rest], "pandas_version": "2.0.0"}


def _seconds(column: pa.ChunkedArray) -> Times:
    return np.asarray(column.cast(pa.timestamp("s", tz="UTC")).to_numpy().astype("datetime64[s]"))


def _placed(column: pa.ChunkedArray, row: NDArray[np.int64], n: int) -> Floats:
    out = np.full(n, np.nan)
    out[row] = column.cast(pa.float64()).to_numpy()
    return out


def _read_meters(path: Path) -> dict[str, Meter]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {r["meter"]: _meter(r) for r in rows}


def _meter(row: Mapping[str, str]) -> Meter:
    told = {k: row.get(k) or "" for k in ("building", "medium", "role", "parent", "quantity", "station", "category")}
    return Meter(name=row["meter"], changed=_true(row.get("changed")), **told)


def _true(text: str | None) -> bool:
    return (text or "").strip() not in ("", "0", "0.0")


def _read_weather(path: Path, start: Times) -> dict[str, Floats]:
    """Outdoor temperature by station; a site may have no weather at all."""
    if not path.exists():
        return {}
    table = pq.read_table(path, columns=["time", "station", "outdoor_c"])
    row = (_seconds(table.column("time")) - start[0]) // HOUR
    coded = table.column("station").cast(pa.string()).combine_chunks().dictionary_encode()
    station = coded.indices.to_numpy()
    value = table.column("outdoor_c").cast(pa.float64()).to_numpy()
    inside = (row >= 0) & (row < len(start)) & np.isfinite(value)
    out: dict[str, Floats] = {}
    same: dict[bytes, Floats] = {}
    for code, name in enumerate(coded.dictionary.to_pylist()):
        mine = inside & (station == code)
        if not mine.any():
            continue
        values = np.full(len(start), np.nan)
        values[row[mine]] = value[mine]
        out[name] = same.setdefault(values.tobytes(), values)  # stations may hold one series
    return out
