"""``submeter ledger``: how each number is known; the commands that check and correct it are files of their own."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import click
import msgspec
from rich.console import Console
from rich.table import Table

from analytics.audit.totals import sums_of
from analytics.calendar import edges
from analytics.ledger.explain import Told, explained, told
from analytics.ledger.meter import Meter, meter_of
from submeter.roof.corrections import correct, list_corrections, revoke
from submeter.roof.ledger_check import check
from submeter.roof.ledger_words import how_known, number, plain, reasons, when
from submeter.roof.place import Place, with_place
from submeter.roof.span import check_meters, instant_of
from submeter.words import QUANTITIES, ConfigError, Point, Portfolio, Resolution

LENGTHS = {"day": Resolution.HOUR, "month": Resolution.DAY, "year": Resolution.MONTH}
"""what is shown of a span, unless something else is asked for"""


@click.group()
def ledger() -> None:
    """How each number is known.

    \b
    Example:
      submeter ledger show HQ01/main --month 2026-03 --explain
      submeter ledger check
    """


for each in (check, correct, list_corrections, revoke):
    ledger.add_command(each)


@ledger.command()
@with_place
@click.argument("meter")
@click.option("--day", help="Local date, e.g. 2026-03-01 (default: today).")
@click.option("--month", help="Local month, e.g. 2026-03.")
@click.option("--year", help="Local year, e.g. 2026.")
@click.option("--resolution", type=click.Choice([r.value for r in Resolution]), help="Default: 1h, 1d, 1mo.")
@click.option("--explain", "why", is_flag=True, help="Below each number the readings, devices and events behind it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with all that --explain says.")
def show(
    place: Place,
    meter: str,
    day: str | None,
    month: str | None,
    year: str | None,
    resolution: str | None,
    why: bool,
    as_json: bool,
) -> None:
    """Show a meter's intervals of a day, a month or a year, and how each is known; or those of a virtual meter, or of a
    total such as PD01/=electricity.

    \b
    Example:
      submeter ledger show PD01/main --day 2026-03-01 --resolution 15m
      submeter ledger show PD01/main --month 2026-03 --explain
    """
    portfolio = place.watch()()
    found, members = _found(portfolio, meter)
    zone = ZoneInfo(found.zone)
    length, first_s, last_s = _span(zone, {"day": day, "month": month, "year": year})
    coarse = meter.startswith("=") and length == "day"  # sums of several buildings have days and months only
    chosen = Resolution(resolution) if resolution else Resolution.DAY if coarse else LENGTHS[length]
    grid = edges(found.zone, chosen, first_s, last_s)
    store = place.store()
    try:
        rows = (explained if why or as_json else told)(store, found, chosen, int(grid[0]), int(grid[-1]))
    finally:
        store.close()
    if as_json:
        for row in rows:
            click.echo(msgspec.json.encode(plain(row, found, chosen)))
    elif why:
        _explain(rows, found, zone, chosen)
        if members:
            click.echo(f"\nsum of {members}; ask for those")
    else:
        _print(rows, found, zone, chosen)
    if not rows and not as_json:
        click.echo(
            f"nothing is settled then at {chosen.value}: another --resolution, or a time after the first reading? "
            "If not, see whether the meter's gateway sends (submeter web, Operations)."
        )


def _found(portfolio: Portfolio, name: str) -> tuple[Meter, str]:
    """A meter, or a sum as if it were one without devices, and what it adds up. Raises :class:`ConfigError`."""
    meter = meter_of(portfolio, name)
    of = next((each for each in sums_of(portfolio) if each.sum.point == name), None)
    if meter is not None or of is None:
        check_meters(portfolio, (name,))
        assert meter is not None
        return meter, ""
    terms = " ".join(f"{'-' if term.sign < 0 else '+'} {term.point}" for term in of.sum.terms)
    return Meter(Point(id=name, name=name, quantity=of.sum.quantity), of.zone, ()), terms.removeprefix("+ ")


def _span(zone: ZoneInfo, asked: dict[str, str | None]) -> tuple[str, int, int]:
    """Which of day, month and year was asked for, and its bounds (epoch s). Raises :class:`ConfigError`."""
    said = [(name, text) for name, text in asked.items() if text]
    if len(said) > 1:
        raise click.UsageError(f"say one of --{said[0][0]} and --{said[1][0]}")
    name, text = said[0] if said else ("day", datetime.now(zone).date().isoformat())
    try:
        first = date.fromisoformat({"day": text, "month": f"{text}-01", "year": f"{text}-01-01"}[name])
        after = {
            "day": date.fromordinal(first.toordinal() + 1),
            "month": date(first.year + first.month // 12, first.month % 12 + 1, 1),
            "year": date(first.year + 1, 1, 1),
        }[name]
    except (ValueError, OverflowError):
        forms = {"day": "2026-03-01", "month": "2026-03", "year": "2026"}
        raise ConfigError(f"--{name} {text}: is no {name}; write it like {forms[name]}") from None
    return name, instant_of(first.isoformat(), zone.key) // 1000, instant_of(after.isoformat(), zone.key) // 1000


def _unit(meter: Meter) -> str:
    return QUANTITIES[meter.point.quantity].unit


def _print(rows: list[Told], meter: Meter, zone: ZoneInfo, resolution: Resolution) -> None:
    click.echo(f"{meter.point.id}, {resolution}, {zone.key}")
    table = Table("from", "to", _unit(meter), "how it is known", "rev.")
    table.columns[2].justify = table.columns[4].justify = "right"
    for row in rows:
        table.add_row(
            when(row.start_s, zone), when(row.end_s, zone), number(row.micro), how_known(row), str(row.revision)
        )
    if rows:
        Console().print(table)


def _explain(rows: list[Told], meter: Meter, zone: ZoneInfo, resolution: Resolution) -> None:
    click.echo(f"{meter.point.id}, {resolution}, {zone.key}")
    for row in rows:
        value = f"{number(row.micro)} {_unit(meter)}: " if row.micro is not None else ""
        text = how_known(row) + (f" (revision {row.revision})" if row.revision else "")
        click.echo(f"\n{when(row.start_s, zone)} to {when(row.end_s, zone)}  {value}{text}")
        for reason in reasons(row, meter, zone):
            click.echo(f"  {reason}")
