"""``submeter ledger``: how each number is known; the commands that check and correct it are files of their own."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import click
import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

from analytics.ledger import Row, show_day
from submeter.roof.corrections import correct, list_corrections, revoke
from submeter.roof.ledger_check import check
from submeter.roof.place import Place, with_place
from submeter.words import ConfigError, Portfolio, Resolution


@click.group()
def ledger() -> None:
    """How each number is known."""


for each in (check, correct, list_corrections, revoke):
    ledger.add_command(each)


@ledger.command()
@with_place
@click.argument("meter")
@click.option("--day", help="Local date, e.g. 2026-03-01 (default: today).")
@click.option("--resolution", type=click.Choice([r.value for r in Resolution]), default="1h", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def show(place: Place, meter: str, day: str | None, resolution: str, as_json: bool) -> None:
    """Show a meter's intervals of a day, and how each is known.

    \b
    Example:
      submeter ledger show PD01/main --day 2026-03-01 --resolution 15m
    """
    portfolio = place.watch()()
    zone = _zone(portfolio, meter)
    store = place.store()
    try:
        rows = show_day(store, portfolio, meter, day or _today(zone))
    finally:
        store.close()
    chosen = [row for row in rows if row.resolution == resolution]
    if as_json:
        for row in chosen:
            click.echo(msgspec.json.encode(_plain(row)))
        return
    table = Table("from", "to", "energy", "known", "method", "flags", "rev.", title=f"{meter}, {zone.key}")
    for row in chosen:
        table.add_row(*_cells(row, zone))
    Console().print(table)
    if not chosen:
        click.echo("nothing is settled for that day; is the meter's gateway sending (submeter web, Operations)?")


def _zone(portfolio: Portfolio, meter: str) -> ZoneInfo:
    point = portfolio.points.get(meter)
    if point is None:
        raise ConfigError(f"{meter!r} is no meter of the portfolio; ids look like {next(iter(portfolio.points), '-')}")
    return ZoneInfo(portfolio.buildings[point.building].zone)


def _today(zone: ZoneInfo) -> str:
    return datetime.now(zone).date().isoformat()


def _plain(row: Row) -> dict[str, object]:
    return {
        "resolution": row.resolution.value, "start": f"{row.start}Z", "end": f"{row.end}Z", "value": row.value,
        "known": row.known.name.lower(), "method": row.method.name.lower(), "flags": row.flags.value,
        "revision": row.revision,
    }  # fmt: skip


def _cells(row: Row, zone: ZoneInfo) -> tuple[str, ...]:
    value = "" if row.value is None else f"{row.value:,.3f}"
    flags = (row.flags.name or "").lower().replace("|", ", ") if row.flags else ""
    return (
        _clock(row.start, zone), _clock(row.end, zone), value, row.known.name.lower(), row.method.name.lower(), flags,
        str(row.revision),
    )  # fmt: skip


def _clock(instant: np.datetime64, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(int(instant.astype(np.int64)), UTC).astimezone(zone).strftime("%d. %H:%M")
