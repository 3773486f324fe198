"""``submeter settle``: history settled again from raw readings, entries and dated meter data, and what that changed."""

from collections import Counter
from collections.abc import Iterable

import click
import msgspec
import numpy as np
from rich.console import Console
from rich.progress import track

from analytics.ledger import Settled, settle_point
from analytics.tariff import repriced
from analytics.tree.totals import rebuild_totals, settle_totals
from submeter.files.times import show_times
from submeter.roof.place import Place, with_place
from submeter.roof.span import Span, check_meters, metered, meters_of, zone_of
from submeter.stores import Store
from submeter.words import Portfolio, Resolution

MONEY = "cost, carbon"
FEW = 20
"""meters that are told one by one"""


@click.command()
@with_place
@click.argument("meters", nargs=-1)
@click.option("--from", "begin", default="", help="First local date (or instant) to settle (default: the beginning).")
@click.option("--to", "end", default="", help="Local date (or instant) to stop at (default: the last reading).")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line: each meter that changed, then the sum.")
def command(place: Place, meters: tuple[str, ...], begin: str, end: str, as_json: bool) -> None:
    """Settle meters again from their raw readings (all of them, when none is named); says what changed.

    Only what differs is written, and only that has its revision raised: the second time nothing changes. Cost and
    carbon are worked out anew by today's price tables, totals and virtual meters are summed anew.

    \b
    Example:
      submeter settle PD01/main
      submeter settle --from 2026-03-01 --to 2026-04-01 --json
    """
    portfolio = place.watch()()
    check_meters(portfolio, meters)
    chosen = meters or metered(portfolio)
    store, total, every = place.store(), Counter[str](), list[Settled]()
    try:
        for point in track(chosen, "settling", console=Console(stderr=True)):
            settled, changed = _settle(store, portfolio, point, Span(begin, end))
            every.append(settled)
            total += changed
            if as_json or len(chosen) <= FEW:
                _tell(settled, changed, zone_of(portfolio, point), as_json=as_json)
        _sum(store, portfolio, every if meters else None, place.settings.analytics.completeness_limit)
    finally:
        store.close()
    if as_json:
        click.echo(msgspec.json.encode({"meters": len(chosen), "changed": dict(total)}))
    else:
        click.echo(f"{meters_of(len(chosen))} settled: {_sentence(total)}")


def _settle(store: Store, portfolio: Portfolio, point: str, span: Span) -> tuple[Settled, Counter[str]]:
    """What changed, and how many rows by resolution and of money."""
    begin, end = span.of(portfolio.buildings[portfolio.points[point].building].zone)
    settled = settle_point(store, portfolio, point, begin, end)
    changed = Counter({each.value: len(rows) for each, rows in settled.changed.items() if len(rows)})
    money = repriced(store, portfolio, portfolio.points[point], span.begin[:10])
    with store.writing():
        for column, rows in money.items():
            store.write_intervals(column, rows)
    changed[MONEY] = sum(len(rows) for rows in money.values())
    return settled, +changed


def _sum(store: Store, portfolio: Portfolio, settled: list[Settled] | None, limit: float) -> None:
    """Totals of what changed; None = all of them, also those that a kill left behind."""
    if settled is None:
        rebuild_totals(store, portfolio, limit)
        return
    with store.writing():
        settle_totals(store, portfolio, settled, limit)


def _tell(settled: Settled, changed: Counter[str], zone: str, *, as_json: bool) -> None:
    """A line for a meter that changed, or that is frozen, up to when."""
    frozen = show_times(np.array([settled.frozen_ms]), zone)[0] if settled.frozen_ms else ""
    if as_json and (changed or frozen):
        click.echo(msgspec.json.encode({"meter": settled.point, "changed": dict(changed), "frozen_until": frozen}))
    elif not as_json and changed:
        click.echo(f"{settled.point}: {_sentence(changed)}")
    if frozen and not as_json:
        click.echo(f"{settled.point}: left as it is before {frozen[:10]}, whose raw readings were dropped")


def _sentence(changed: Counter[str]) -> str:
    names: Iterable[str] = (*(each.value for each in Resolution), MONEY)
    parts = [f"{changed[name]:,} of {name}" for name in names if changed[name]]
    return f"intervals changed: {', '.join(parts)}" if parts else "nothing changed"
