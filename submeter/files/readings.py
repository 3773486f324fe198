"""Readings in a table, long or wide, as columns of one series each; every row that says nothing usable is named.

*Long*: columns ``point``, ``time``, ``value``, and if they are there ``device``, ``quantity``, ``unit``. *Wide*: a
column of times, and one column for each meter, headed by its point. Values are what the register showed, before any
ratio. What is not said follows from the portfolio: the device is the one that hung at the point at that time, the
quantity the one that is settled there, the unit the quantity's own. An empty value is a reading that was not taken.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from submeter.files.table import FileError, Piece
from submeter.files.times import parse_times, show_times
from submeter.words import QUANTITIES, Portfolio, Readings, Series

HEADER: Final = ("point", "device", "quantity", "time", "value", "unit")
_LONG: Final = frozenset({"point", "time", "value"})
_INTERVALS: Final = frozenset({"start", "known", "method"})


class Bad(NamedTuple):
    """A row that is not taken, by its line in the file, and the sentence why."""

    line: int
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """Values of one series as a file tells them, in its order. ``times_ms`` int64 UTC, ``values`` float64 in ``unit``,
    ``lines`` where each stood."""

    series: Series
    unit: str
    times_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    lines: NDArray[np.int64]


@dataclass(slots=True)
class Parsed:
    told: list[Told] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read a file. ``columns``: point → column of a wide file ('' = the headers are points themselves).
    ``zone`` holds for times without offset instead of the building's own; ``quantity`` instead of the settled one."""

    time: str = "time"
    zone: str = ""
    quantity: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


def parse_readings(path: Path, piece: Piece, layout: Layout, portfolio: Portfolio) -> Parsed:
    """Readings of a piece. Raises :class:`FileError` where the columns are not those of readings."""
    names = set(piece.columns)
    if names >= _INTERVALS:
        raise FileError(
            f"{path}: holds intervals; the ledger is settled from register readings and takes no energy from a file: "
            "import the readings (`submeter export readings` writes them)"
        )
    long = names >= _LONG and not layout.columns
    parsed = _long(piece, layout, portfolio) if long else _wide(path, piece, layout, portfolio)
    parsed.bad += [Bad(line, text) for line, text in piece.torn.items()]
    return parsed


def _long(piece: Piece, layout: Layout, portfolio: Portfolio) -> Parsed:
    parsed = Parsed()
    keys = ("point", "device", "quantity", "unit")
    blank = [""] * len(piece.lines)
    for (point, device, quantity, unit), rows in _groups([piece.columns.get(key, blank) for key in keys]):
        cells = [[piece.columns[name][row] for row in rows.tolist()] for name in ("time", "value")]
        _take(parsed, portfolio, layout, (point, device, quantity, unit), cells, piece.lines[rows])
    return parsed


def _groups(keys: Sequence[Sequence[str]]) -> Iterator[tuple[tuple[str, ...], NDArray[np.intp]]]:
    """Rows that agree in all keys, in the order of their first row."""
    found: dict[tuple[str, ...], list[int]] = {}
    for row, key in enumerate(zip(*keys, strict=True)):
        found.setdefault(key, []).append(row)
    return ((key, np.array(rows, np.intp)) for key, rows in found.items())


def _wide(path: Path, piece: Piece, layout: Layout, portfolio: Portfolio) -> Parsed:
    if layout.time not in piece.columns:
        raise FileError(
            f"{path}: has no column {layout.time!r}; it has {', '.join(piece.columns)}. Readings need columns point, "
            "time and value, or a time and one column for each meter (--time, --column METER=COLUMN)"
        )
    columns = layout.columns or {name: name for name in piece.columns if name != layout.time}
    parsed = Parsed()
    for point, name in columns.items():
        if name not in piece.columns:
            raise FileError(f"{path}: has no column {name!r}; it has {', '.join(piece.columns)}")
        if point not in _places(portfolio):
            raise FileError(
                f"{path}: column {name!r} names no meter of the portfolio ({point!r}); say --column METER={name}"
            )
        cells = [piece.columns[layout.time], piece.columns[name]]
        _take(parsed, portfolio, layout, (point, "", "", ""), cells, piece.lines)
    return parsed


def _take(
    parsed: Parsed,
    portfolio: Portfolio,
    layout: Layout,
    named: tuple[str, str, str, str],
    cells: Sequence[Sequence[str]],
    lines: NDArray[np.int64],
) -> None:
    """Rows of one point: times and values read, one device after another."""
    point, device, quantity, unit = named
    place = _places(portfolio).get(point)
    if place is None:
        text = f"point {point!r} is not in the portfolio; add it to meters.csv" if point else "the row names no point"
        parsed.bad += [Bad(line, text) for line in lines.tolist()]
        return
    if not place.devices:
        text = f"{point} is a virtual meter (formula) and has no register; bring the readings of its members"
        parsed.bad += [Bad(line, text) for line, value in zip(lines.tolist(), cells[1], strict=True) if value]
        return
    texts, values = cells
    said = np.array([bool(text) for text in values])
    times = parse_times([text for text, there in zip(texts, said, strict=True) if there], layout.zone or place.zone)
    lines = lines[said]
    numbers, faults = _numbers([text for text, there in zip(values, said, strict=True) if there])
    faults |= times.faults
    parsed.bad += [Bad(int(lines[row]), f"{point}: {faults[row]}") for row in sorted(faults)]
    good = np.ones(len(lines), bool)
    good[list(faults)] = False
    quantity = quantity or layout.quantity or place.quantity
    unit = unit or (QUANTITIES[quantity].unit if quantity in QUANTITIES else "")
    for serial, mask in _devices(place, device, times.ms):
        rows = np.flatnonzero(good & mask)
        if len(rows):
            series = Series(point, serial, quantity)
            parsed.told.append(Told(series, unit, times.ms[rows], numbers[rows], lines[rows]))


def _numbers(texts: Sequence[str]) -> tuple[NDArray[np.float64], dict[int, str]]:
    try:
        return np.array(texts, np.float64) if texts else np.empty(0), {}
    except ValueError:
        pass
    found, faults = np.full(len(texts), np.nan), {}
    for row, text in enumerate(texts):
        try:
            found[row] = float(text)
        except ValueError:
            faults[row] = f"value {text[:40]!r} is no number; write it like 1234.56, without unit or thousands sign"
    return found, faults


class _Place(NamedTuple):
    """What a point's rows may leave out."""

    zone: str
    quantity: str
    devices: tuple[tuple[str, int, int], ...]
    """serial, since and until in epoch ms"""


_FOREVER_MS: Final = 1 << 60
_remembered: dict[int, tuple[Portfolio, dict[str, _Place]]] = {}


def _places(portfolio: Portfolio) -> dict[str, _Place]:
    """Every meter and station of a portfolio; made once for each."""
    kept = _remembered.get(id(portfolio))
    if kept is None or kept[0] is not portfolio:
        _remembered.clear()
        kept = _remembered[id(portfolio)] = (portfolio, _made(portfolio))
    return kept[1]


def _made(portfolio: Portfolio) -> dict[str, _Place]:
    places = {
        s.point: _Place(s.zone, "outdoor_temperature", ((s.id, -_FOREVER_MS, _FOREVER_MS),))
        for s in portfolio.stations.values()
    }
    for point in portfolio.points.values():
        zone = portfolio.buildings[point.building].zone
        dated = [
            (d.serial, _instant(d.since, zone, -_FOREVER_MS), _instant(d.until, zone, _FOREVER_MS))
            for d in portfolio.devices.get(point.id, ())
        ]
        places[point.id] = _Place(zone, point.quantity, tuple(dated))
    return places


def _instant(text: str, zone: str, otherwise: int) -> int:
    return int(parse_times([text], zone).ms[0]) if text else otherwise


def _devices(place: _Place, device: str, times_ms: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """The device that is named, or those that hung there, each with the rows of its time.

    Rows outside of all lives go to the last device: intake's rules say of them what is wrong.
    """
    if device:
        yield device, np.ones(len(times_ms), bool)
        return
    left = np.ones(len(times_ms), bool)
    for row, (serial, since, until) in enumerate(place.devices):
        last = row == len(place.devices) - 1
        mine = left if last else left & (times_ms >= since) & (times_ms < until)
        left = left & ~mine
        yield serial, mine


def written(series: Series, readings: Readings, zone: str, *, as_text: bool) -> dict[str, Any]:
    """Readings of one series as columns of :data:`HEADER`: times on the zone's clock with offset (CSV), or as UTC
    ``datetime64[ms]``; values as exact decimals (CSV) or numbers."""
    count = len(readings)
    ms = readings.times.astype("datetime64[ms]")
    return {
        "point": [series.point] * count,
        "device": [series.device] * count,
        "quantity": [series.quantity] * count,
        "time": show_times(ms.astype(np.int64), zone) if as_text else ms,
        "value": [decimal(micro) for micro in readings.micro.tolist()] if as_text else readings.micro / 1e6,
        "unit": [QUANTITIES[series.quantity].unit] * count,
    }


def decimal(micro: int) -> str:
    """A count of micro-units as the shortest decimal of the unit.

    >>> decimal(317_760_000), decimal(-1)
    ('317.76', '-0.000001')
    """
    whole, part = divmod(abs(micro), 10**6)
    text = f"{whole}.{part:06d}".rstrip("0") if part else str(whole)
    return "-" + text if micro < 0 else text
