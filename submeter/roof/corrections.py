"""``submeter ledger correct``, ``corrections`` and ``revoke``: what a person knows better, with a name and a reason."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

import click
import msgspec

from analytics.ledger import corrections as book
from submeter.clock import WallClock
from submeter.files.readings import decimal
from submeter.roof.place import Place, with_place
from submeter.roof.span import check_meters, instant_of, zone_of
from submeter.words import QUANTITIES, ConfigError, Correction, Portfolio


@click.command()
@with_place
@click.argument("meter")
@click.option("--reject", nargs=2, metavar="FROM TO", help="Leave out the readings of this span (TO is not in it).")
@click.option("--reading", nargs=2, metavar="TIME VALUE", help="What the register showed, before any ratio.")
@click.option("--by", "author", required=True, help="Who says so.")
@click.option("--why", "reason", required=True, help="Why.")
def correct(
    place: Place,
    meter: str,
    reject: tuple[str, str] | None,
    reading: tuple[str, str] | None,
    author: str,
    reason: str,
) -> None:
    """Say that readings are wrong, or what the register showed. Readings stay as read; an entry stands beside them.

    \b
    Example:
      submeter ledger correct PD01/main --reject "2026-03-01 08:00" "2026-03-01 12:00" \\
          --by "Li Wei" --why "CT clamp was open"
      submeter ledger correct PD01/main --reading "2026-03-01 12:00" 4711.25 \\
          --by "Li Wei" --why "read on site"
    """
    if (reject is None) == (reading is None):
        raise click.UsageError("say either --reject FROM TO or --reading TIME VALUE")
    portfolio = place.watch()()
    check_meters(portfolio, (meter,))
    store = place.store()
    try:
        kept = book.correct(store, portfolio, _entry(portfolio, meter, reject, reading, author, reason))
    finally:
        store.close()
    click.echo(f"{kept.id}: {_what(portfolio, kept)}. Analytics settles it; or `submeter settle {meter}` now")


@click.command()
@with_place
@click.argument("correction")
@click.option("--by", "author", required=True, help="Who takes it back.")
@click.option("--why", "reason", required=True, help="Why.")
def revoke(place: Place, correction: str, author: str, reason: str) -> None:
    """Take a correction back by its id; both stay in the list.

    \b
    Example:
      submeter ledger revoke PD01/main@1772323200000.1 --by "Li Wei" --why "the clamp was closed after all"
    """
    store = place.store()
    try:
        kept = book.revoke(store, correction, author=author, reason=reason, told_ms=WallClock().now_ms())
    finally:
        store.close()
    click.echo(f"{correction} is revoked. Analytics settles it; or `submeter settle {kept.point}` now")


@click.command(name="corrections")
@with_place
@click.argument("meter", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_corrections(place: Place, meter: str | None, as_json: bool) -> None:
    """List what people said about readings, the oldest first, revoked ones too.

    \b
    Example:
      submeter ledger corrections PD01/main
    """
    portfolio = place.watch()()
    if meter is not None:
        check_meters(portfolio, (meter,))
    store = place.store()
    try:
        found = [c for c in store.entries(Correction) if meter in (None, c.point)]
    finally:
        store.close()
    found.sort(key=lambda each: (each.told_ms, each.id))
    if as_json:
        for entry in found:
            click.echo(msgspec.json.encode(entry))
        return
    _print(portfolio, found)


def _print(portfolio: Portfolio, found: list[Correction]) -> None:
    """A paragraph each, as an id that a table cuts off cannot be revoked."""
    holds = {each.id for each in book.standing(found)}
    for each in found:
        told = datetime.fromtimestamp(each.told_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
        click.echo(each.id + ("" if each.id in holds or each.kind == "revoke" else "  (revoked)"))
        click.echo(f"  {_what(portfolio, each)}\n  {each.author}, {told}: {each.reason}")
    if not found:
        click.echo("no corrections")


def _entry(
    portfolio: Portfolio,
    meter: str,
    reject: tuple[str, str] | None,
    reading: tuple[str, str] | None,
    author: str,
    reason: str,
) -> Correction:
    zone, told_ms, building = zone_of(portfolio, meter), WallClock().now_ms(), portfolio.points[meter].building
    if reject is not None:
        start_ms, end_ms = (instant_of(text, zone) for text in reject)
        return Correction(
            id="", building=building, point=meter, kind="reject", start_ms=start_ms, end_ms=end_ms, author=author,
            reason=reason, told_ms=told_ms,
        )  # fmt: skip
    assert reading is not None
    start_ms = instant_of(reading[0], zone)
    return Correction(
        id="", building=building, point=meter, kind="reading", start_ms=start_ms, end_ms=start_ms + 1,
        micro=micro_of(reading[1]), author=author, reason=reason, told_ms=told_ms,
    )  # fmt: skip


def micro_of(value: str) -> int:
    """Micro-units of a value as a person writes it. Raises :class:`ConfigError`."""
    try:
        return int((Decimal(value) * 10**6).to_integral_value())
    except (InvalidOperation, ValueError, OverflowError):
        raise ConfigError(f"value {value!r} is no number; write it like 1234.56") from None


def _what(portfolio: Portfolio, entry: Correction) -> str:
    """An entry in words, on the building's clock."""
    point = portfolio.points.get(entry.point)
    zone = ZoneInfo(zone_of(portfolio, entry.point)) if point else ZoneInfo("UTC")
    if entry.kind == "revoke":
        return f"revokes {entry.revokes}"
    if entry.kind == "reject":
        return f"{entry.point}: readings from {_local(entry.start_ms, zone)} to {_local(entry.end_ms, zone)} left out"
    unit = QUANTITIES[point.quantity].unit if point else ""
    return f"{entry.point}: the register showed {decimal(entry.micro or 0)} {unit} at {_local(entry.start_ms, zone)}"


def _local(ms: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(ms / 1000, zone).strftime("%Y-%m-%d %H:%M")
