"""``submeter export``: readings as they were read, intervals with how each is known, as CSV or Parquet."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.progress import track

from analytics.calendar import edges
from submeter.files import intervals, readings
from submeter.files.table import PARQUET, open_writer
from submeter.roof.place import Place, with_place
from submeter.roof.span import Span, meters_of, zone_of
from submeter.stores import Column, Store
from submeter.words import ConfigError, Portfolio, Resolution, Series

SLICE_MS = 56 * 86_400_000
"""how much of a series is read and written at a time"""
Rows = Mapping[str, Any]


@click.group(name="export")
def command() -> None:
    """Readings and intervals as files.

    \b
    Example:
      submeter export intervals --resolution 1d -o days.csv
    """


@command.command(name="readings")
@with_place
@click.argument("meters", nargs=-1)
@click.option("--from", "begin", default="", help="First local date (or instant) of the span.")
@click.option("--to", "end", default="", help="Local date (or instant) at which the span ends, left out itself.")
@click.option("--quantity", help="Only this one (default: all that are stored).")
@click.option("-o", "--output", "file", type=click.Path(path_type=Path, dir_okay=False), required=True)
def export_readings(
    place: Place, meters: tuple[str, ...], begin: str, end: str, quantity: str | None, file: Path
) -> None:
    """Write readings as they were read, before any ratio or correction; `submeter import readings` takes them back.

    \b
    Example:
      submeter export readings -o all.csv
      submeter export readings PD01/main --from 2026-01-01 --to 2026-02-01 -o january.parquet
    """
    portfolio, store = place.watch()(), place.store()
    try:
        chosen = _chosen(portfolio, meters)
        every = [s for s in store.series() if s.point in chosen and quantity in (None, s.quantity)]
        pieces = _readings(store, portfolio, every, Span(begin, end), as_text=_as_text(file))
        count = _write(file, readings.HEADER, pieces)
    finally:
        store.close()
    click.echo(f"{file}: {count:,} readings of {meters_of(len({s.point for s in every}))}")


@command.command(name="intervals")
@with_place
@click.argument("meters", nargs=-1)
@click.option("--resolution", type=click.Choice([r.value for r in Resolution]), default="1d", show_default=True)
@click.option("--from", "begin", default="", help="First local date (or instant) of the span.")
@click.option("--to", "end", default="", help="Local date (or instant) at which the span ends, left out itself.")
@click.option("--quantity", help="Another one than the meter's energy, e.g. cost or carbon (with 1d).")
@click.option("-o", "--output", "file", type=click.Path(path_type=Path, dir_okay=False), required=True)
def export_intervals(
    place: Place, meters: tuple[str, ...], resolution: str, begin: str, end: str, quantity: str | None, file: Path
) -> None:
    """Write settled intervals, each with how it is known: measured, estimated (method) or missing, flags, revision.

    \b
    Example:
      submeter export intervals --resolution 1d --from 2026-01-01 -o days.csv
      submeter export intervals PD01/main --resolution 15m -o main.parquet
    """
    portfolio, store = place.watch()(), place.store()
    try:
        columns = [
            Column(point, quantity or portfolio.points[point].quantity, Resolution(resolution))
            for point in _chosen(portfolio, meters)
            if point in portfolio.points
        ]
        count = _write(
            file, intervals.HEADER, _intervals(store, portfolio, columns, Span(begin, end), as_text=_as_text(file))
        )
    finally:
        store.close()
    click.echo(f"{file}: {count:,} intervals of {meters_of(len(columns))}")


def _chosen(portfolio: Portfolio, meters: tuple[str, ...]) -> list[str]:
    """The meters that are named; all, and the stations, where none is."""
    known = [*portfolio.points, *(station.point for station in portfolio.stations.values())]
    for meter in meters:
        if meter not in known:
            raise ConfigError(f"{meter!r} is no meter of the portfolio; ids look like {next(iter(known), '-')}")
    return list(meters or known)


def _as_text(file: Path) -> bool:
    return file.suffix.lower() not in PARQUET


def _readings(store: Store, portfolio: Portfolio, every: list[Series], span: Span, *, as_text: bool) -> Iterator[Rows]:
    for series in track(every, "writing", console=Console(stderr=True)):
        zone = zone_of(portfolio, series.point)
        begin, end = span.of(zone)
        first, last = store.after(series, begin), store.before(series, end)
        if first is None or last is None:
            continue
        for start in range(first[0], last[0] + 1, SLICE_MS):
            found = store.read_readings(series, start, min(start + SLICE_MS, last[0] + 1))
            if len(found):
                yield readings.written(series, found, zone, as_text=as_text)


def _intervals(
    store: Store, portfolio: Portfolio, columns: list[Column], span: Span, *, as_text: bool
) -> Iterator[Rows]:
    for column in track(columns, "writing", console=Console(stderr=True)):
        zone = zone_of(portfolio, column.point)
        begin, end = (np.datetime64(ms // 1000, "s") for ms in span.of(zone))
        (found,) = store.read_intervals([column], begin, end)
        if not len(found):
            continue
        starts = found.start.astype("datetime64[s]").astype(np.int64)
        grid = edges(zone, column.resolution, int(starts[0]), int(starts[-1]) + 1)
        ends = grid[np.searchsorted(grid, starts, "right")].astype("datetime64[s]")
        yield intervals.written(
            (column.point, column.quantity, column.resolution.value), found, ends, zone, as_text=as_text
        )


def _write(file: Path, header: tuple[str, ...], pieces: Iterable[Rows]) -> int:
    """All pieces, under another name until the file is whole; returns the number of rows."""
    draft = file.with_name(f"{file.stem}.part{file.suffix}")
    count = 0
    try:
        writer = open_writer(draft, header)
        with contextlib.closing(writer):
            for piece in pieces:
                writer.write(piece)
                count += len(piece["point"])
        if draft.exists():
            draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return count
