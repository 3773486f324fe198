"""``submeter import readings`` and ``submeter read``: what a person brings, by the rules that every reading passes."""

import getpass
import hashlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
import msgspec
import numpy as np
from rich.console import Console
from rich.progress import Progress

from collector.intake.imports import Outcome, Refusal, Said, bring, person
from collector.intake.reasons import Reason
from submeter.clock import WallClock
from submeter.files.readings import Layout, Told, parse_readings
from submeter.files.table import Piece, read_table
from submeter.roof.place import Place, with_place
from submeter.roof.span import check_meters, meters_of
from submeter.stores import Store
from submeter.wire.senml import Run
from submeter.words import ConfigError, Portfolio, TheirsError

SHOWN = 20
"""refused rows that are listed"""


@click.group(name="import")
def command() -> None:
    """Readings that a person brings.

    \b
    Example:
      submeter import readings round.csv --by "Li Wei" --dry-run
    """


@command.command(name="readings")
@with_place
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--by", "author", help="Who brings them (default: the user of this machine).")
@click.option("--why", "reason", default="", help="Why, or where they come from.")
@click.option("--time", "time", default="time", show_default=True, help="Column of times in a wide file.")
@click.option("--column", "columns", multiple=True, metavar="METER=COLUMN", help="A meter's column in a wide file.")
@click.option("--zone", default="", help="Zone of times without offset (default: each building's own).")
@click.option("--quantity", default="", help="What the values are, where the file does not say (default: as settled).")
@click.option("--dry-run", "dry", is_flag=True, help="Say what would be taken, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line: each refused row, then the sum.")
def import_readings(
    place: Place,
    file: Path,
    author: str | None,
    reason: str,
    time: str,
    columns: tuple[str, ...],
    zone: str,
    quantity: str,
    dry: bool,
    as_json: bool,
) -> None:
    """Take register readings from a CSV or Parquet file into the store.

    Long: columns point, time, value, and perhaps device, quantity, unit. Wide: a column of times, and one column for
    each meter, headed by its id. Values are what the register showed, before any ratio. Rows that cannot be
    taken are named with line and reason (exit code 1); the others are kept. The same file twice changes nothing.

    \b
    Example:
      submeter import readings 2026-03.csv --by "Li Wei" --why "monthly round"
      submeter import readings water.csv --time date --column PD01/water=total --dry-run
    """
    layout = Layout(time, _zone(zone), quantity, _pairs(columns))
    author = author or getpass.getuser()
    said = Said(author, file.name, reason, _digest(file, layout))
    portfolio, store = place.watch()(), place.store()
    outcome = Outcome()
    try:
        for told, bad in _pieces(file, layout, portfolio):
            outcome.refused += bad
            _bring(store, portfolio, told, said, outcome, dry=dry)
    finally:
        store.close()
    _report(file.name, outcome, dry=dry, as_json=as_json)


@click.command(name="read")
@with_place
@click.argument("meter")
@click.argument("value")
@click.option("--at", "at", required=True, help="When, on the building's clock or with an offset.")
@click.option("--by", "author", required=True, help="Who read it.")
@click.option("--why", "reason", default="", help="Why, or how it was read.")
@click.option("--device", default="", help="Serial of the meter (default: the one that hung there then).")
@click.option("--quantity", default="", help="What was read (default: the register that is settled).")
@click.option("--dry-run", "dry", is_flag=True, help="Say whether it would be taken, and write nothing.")
def read_one(
    place: Place,
    meter: str,
    value: str,
    at: str,
    author: str,
    reason: str,
    device: str,
    quantity: str,
    dry: bool,
) -> None:
    """Keep one reading that a person took: what the meter's register showed, before any ratio.

    \b
    Example:
      submeter read PD01/water 4711.3 --at "2026-03-01 09:20" --by "Li Wei"
    """
    portfolio = place.watch()()
    check_meters(portfolio, (meter,))
    piece = {"point": [meter], "time": [at], "value": [value], "device": [device], "quantity": [quantity]}
    told, bad = _told(portfolio, piece)
    outcome, store = Outcome(refused=bad), place.store()
    said = Said(author, "read by hand", reason, f"read:{meter}@{told[0].times_ms[0] if told else 0}")
    try:
        _bring(store, portfolio, told, said, outcome, dry=dry)
    finally:
        store.close()
    if outcome.refused:
        _refuse(meter, outcome.refused[0])
    click.echo(_sentence(f"{meter} at {at}", outcome, dry=dry))


def _refuse(meter: str, refused: Refusal) -> NoReturn:
    """Raises :class:`TheirsError` with the sentence, and what a person at a meter may do about it."""
    if refused.reason == Reason.CONFLICT:
        raise TheirsError(
            f"{refused.text.partition(', but another')[0]}: another value of that time is stored, and readings are "
            f"never edited; say `submeter ledger correct {meter} --reading TIME VALUE --by NAME --why …` instead"
        )
    raise TheirsError(refused.text)


def _pieces(file: Path, layout: Layout, portfolio: Portfolio) -> Iterator[tuple[list[Told], list[Refusal]]]:
    """The file piece by piece, with a count of rows on the way."""
    with Progress(*Progress.get_default_columns()[:1], "{task.completed:,} rows", console=Console(stderr=True)) as bar:
        task = bar.add_task(f"reading {file.name}", total=None)
        for piece in read_table(file):
            parsed = parse_readings(file, piece, layout, portfolio)
            yield parsed.told, [Refusal(*each) for each in parsed.bad]
            bar.advance(task, len(piece.lines) + len(piece.torn))


def _told(portfolio: Portfolio, columns: dict[str, list[str]]) -> tuple[list[Told], list[Refusal]]:
    """One reading, as if it were a file of one row."""
    piece = Piece(columns, np.array([0], np.int64))
    parsed = parse_readings(Path("reading"), piece, Layout(), portfolio)
    return parsed.told, [Refusal(*each) for each in parsed.bad]


def _bring(
    store: Store, portfolio: Portfolio, told: Sequence[Told], said: Said, outcome: Outcome, *, dry: bool
) -> None:
    """Building by building, each in one transaction."""
    roster, now_ms = person(portfolio), WallClock().now_ms()
    by_building: dict[str, list[Run]] = {}
    for each in told:
        building, _, local = each.series.point.partition("/")
        name = f"{local}/{each.series.device}/{each.series.quantity}"
        run = Run(name, each.unit, each.times_ms, each.values, each.lines.astype(np.intp))
        by_building.setdefault(building, []).append(run)
    for building, runs in by_building.items():
        outcome.add(bring(store, roster, building, runs, said, now_ms, dry=dry))


def _report(name: str, outcome: Outcome, *, dry: bool, as_json: bool) -> None:
    refused = sorted(outcome.refused)
    if as_json:
        for each in refused:
            click.echo(
                msgspec.json.encode({"line": each.line, "reason": each.reason or "unreadable", "text": each.text})
            )
        total = {"stored": outcome.stored, "again": outcome.again, "refused": len(refused)}
        click.echo(msgspec.json.encode({**total, "points": sorted(outcome.points), "dry_run": dry}))
    else:
        for each in refused[:SHOWN]:
            click.echo(f"line {each.line}: {each.text}")
        if len(refused) > SHOWN:
            click.echo(f"… and {len(refused) - SHOWN:,} more lines; --json lists them all")
        click.echo(_sentence(name, outcome, dry=dry))
    if refused:
        sys.exit(1)


def _sentence(name: str, outcome: Outcome, *, dry: bool) -> str:
    """What became of it, and what comes next."""
    would = "would be" if dry else ("were" if outcome.stored != 1 else "was")
    meters = meters_of(len(outcome.points))
    text = f"{name}: {outcome.stored:,} of {_count(outcome):,} readings {would} stored, of {meters}"
    text += f"; {outcome.again:,} were there already" if outcome.again else ""
    text += f"; {len(outcome.refused):,} refused" if outcome.refused else ""
    return text if dry or not outcome.stored else f"{text}. Analytics settles them; or `submeter settle METER` now"


def _count(outcome: Outcome) -> int:
    return outcome.stored + outcome.again + len(outcome.refused)


def _pairs(columns: Sequence[str]) -> dict[str, str]:
    pairs = dict(text.partition("=")[::2] for text in columns)
    for meter, column in pairs.items():
        if not meter or not column:
            raise ConfigError(f"--column {meter}={column}: say METER=COLUMN, e.g. PD01/water=total")
    return pairs


def _zone(zone: str) -> str:
    try:
        return zone and ZoneInfo(zone).key
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(f"--zone {zone}: is no IANA time zone; write e.g. Asia/Shanghai") from None


def _digest(file: Path, layout: Layout) -> str:
    """The same file read in the same way is the same import."""
    found = hashlib.blake2b(repr(layout).encode(), digest_size=8)
    with file.open("rb") as stream:
        while part := stream.read(1 << 20):
            found.update(part)
    return f"{file.name}:{found.hexdigest()}"
