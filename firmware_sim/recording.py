"""Reads a recorded CSV: times of starts of intervals and columns of numbers; what cannot be read is a gap, and named.

Local times are taken as the zone's; an hour that a clock change repeats is taken twice, in order. Times that are not
unique or not in order are an error, because nobody can know which row is right.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import nan
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from submeter.words import ConfigError


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """``times_ms`` int64 ms since 1970 UTC, rising; ``columns`` float64, NaN where nothing was recorded. ``notes`` says
    which rows were left out and why, a sentence each."""

    times_ms: NDArray[np.int64]
    columns: dict[str, NDArray[np.float64]]
    notes: tuple[str, ...]


def read_recording(path: Path, time_column: str, columns: Sequence[str], zone: str) -> Recording:
    """Raises :class:`ConfigError` with file, row (the header is row 1) and remedy."""
    header, rows = _rows(path)
    places = {name: _place(path, header, name) for name in (time_column, *columns)}
    timed = [(n, row) for n, row in enumerate(rows, start=2) if row[places[time_column]].strip()]
    notes = [f"{path.name}, row {n}: has no time and was left out" for n, row in enumerate(rows, start=2)
             if not row[places[time_column]].strip()]  # fmt: skip
    times = _times(path, [(n, row[places[time_column]]) for n, row in timed], _zone(path, zone))
    values = {name: np.array([_number(path, n, name, row[places[name]]) for n, row in timed]) for name in columns}
    return Recording(times, values, tuple(notes))


def _rows(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise ConfigError(f"{path}: cannot be read as UTF-8 CSV: {fault}") from None
    if len(rows) < 2:
        raise ConfigError(f"{path}: has no rows; the first line names the columns")
    width = len(rows[0])
    return rows[0], [row + [""] * (width - len(row)) for row in rows[1:] if any(row)]


def _place(path: Path, header: list[str], name: str) -> int:
    if name not in header:
        raise ConfigError(f"{path}: has no column {name!r}; it has {', '.join(header)}")
    return header.index(name)


def _zone(path: Path, zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(f"{path}: {zone!r} is no time zone; use an IANA name such as Asia/Shanghai or UTC") from None


def _number(path: Path, row: int, column: str, text: str) -> float:
    if not text.strip():
        return nan
    try:
        value = float(text)
    except ValueError:
        raise ConfigError(f"{path}, row {row}: {column} {text!r} is not a number; leave it empty for a gap") from None
    return value if np.isfinite(value) else nan


def _times(path: Path, cells: list[tuple[int, str]], zone: ZoneInfo) -> NDArray[np.int64]:
    out = np.empty(len(cells), np.int64)
    last = -(1 << 62)
    for i, (row, text) in enumerate(cells):
        local = _time(path, row, text)
        out[i] = _instant(local, zone, last)
        if out[i] <= last:
            how = "stands there twice" if out[i] == last else "is earlier than the row before"
            raise ConfigError(f"{path}, row {row}: time {text.strip()} {how}; sort the file and keep one row a time")
        last = int(out[i])
    return out


def _time(path: Path, row: int, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConfigError(f"{path}, row {row}: {text!r} is not a time; write 2015-01-31 14:00:00") from None


def _instant(local: datetime, zone: ZoneInfo, last: int) -> int:
    """UTC milliseconds; of a repeated hour the second one when the first has been."""
    if local.tzinfo is not None:
        return _ms(local)
    first = _ms(local.replace(tzinfo=zone))
    return first if first > last else _ms(local.replace(tzinfo=zone, fold=1))


def _ms(aware: datetime) -> int:
    return (aware.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def in_recording(columns: Mapping[str, str]) -> list[str]:
    """The file's names of a mapping, each once, in order."""
    return list(dict.fromkeys(columns.values()))
