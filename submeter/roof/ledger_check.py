"""``submeter ledger check``: the ledger's invariant over everything stored, told in sentences, with an exit code."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import click
import msgspec
import numpy as np
from rich.console import Console
from rich.progress import track

from analytics.audit.check import NEAR_DAYS, Checked, Violation, absent, check_point, unsettled
from analytics.audit.totals import check_sum, sums_of
from analytics.ledger.suspect import REACH_DAYS
from analytics.tree.plan import Planned
from submeter.roof.place import Place, with_place
from submeter.roof.span import check_meters, metered, meters_of
from submeter.stores import Store
from submeter.words import QUANTITIES, Portfolio

WAITING_S = (REACH_DAYS + NEAR_DAYS) * 86_400
"""how far before a reading that is not settled yet a total may still change"""


@click.command()
@with_place
@click.argument("meters", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Go on after the first violation and list them all.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line: each violation, then the sum of it.")
def check(place: Place, meters: tuple[str, ...], every: bool, as_json: bool) -> None:
    """Check that everything stored adds up: against the registers, the calendar, a fresh settlement, the prices.

    Ends with exit code 1 at the first number that is not as it should be. Readings that arrived and are not settled
    yet are no violation. It only reads, and may run beside everything else.

    \b
    Example:
      submeter ledger check
      submeter ledger check PD01/main --all
    """
    portfolio = place.watch()()
    check_meters(portfolio, meters)
    chosen = meters or metered(portfolio)
    store = place.store()
    total = _Total()
    try:
        for checked in _checks(store, portfolio, chosen, lost=not meters):
            total.add(checked)
            for violation in checked.violations[: None if every else 1]:
                _tell(portfolio, violation, as_json=as_json)
            if total.violations and not every:
                break
    finally:
        store.close()
    _sum_up(total, as_json=as_json)
    if total.violations:
        sys.exit(1)


class _Total:
    """What the check has come to so far."""

    def __init__(self) -> None:
        self.meters = self.rows = self.bracketed = self.waiting = self.violations = 0

    def add(self, checked: Checked) -> None:
        self.meters += 1 if checked.point else 0
        self.rows += checked.rows
        self.bracketed += checked.bracketed
        self.waiting += checked.waiting
        self.violations += len(checked.violations)


def _checks(store: Store, portfolio: Portfolio, points: tuple[str, ...], *, lost: bool) -> Iterator[Checked]:
    waits = unsettled(store)
    if lost and (columns := absent(store, portfolio)):
        yield Checked("", violations=columns)
    for point in track(points, "checking", console=Console(stderr=True)):
        checked = check_point(store, portfolio, point, waits.get(point))
        if checked.violations:  # looked at again: the ledger may have been settling this meter just then
            checked = check_point(store, portfolio, point, unsettled(store).get(point))
        yield checked
    for each in sums_of(portfolio) if lost else ():
        yield _sum_checked(store, each)


def _sum_checked(store: Store, of: Planned) -> Checked:
    """A total or virtual meter, up to where readings wait that it may be made of."""
    found = check_sum(store, of)
    if found:
        steady = np.datetime64(min(unsettled(store).values(), default=2**53) // 1000 - WAITING_S, "s")
        found = [each for each in check_sum(store, of) if each.end <= steady]
    return Checked("", violations=found)


def _tell(portfolio: Portfolio, violation: Violation, *, as_json: bool) -> None:
    column = violation.column
    if as_json:
        plain = {
            "meter": column.point, "quantity": column.quantity, "resolution": column.resolution.value,
            "start": f"{violation.start}Z", "end": f"{violation.end}Z", "rule": violation.rule.value,
            "stored": violation.stored, "should": violation.should, "do": violation.do,
        }  # fmt: skip
        click.echo(msgspec.json.encode(plain))
        return
    building = portfolio.buildings.get(column.point.partition("/")[0])
    zone: tzinfo = ZoneInfo(building.zone) if building else UTC
    unit = QUANTITIES[column.quantity].unit if column.quantity in QUANTITIES else column.quantity
    click.echo(
        f"{column.point}, {column.quantity} ({unit}), {column.resolution}, "
        f"{_local(violation.start, zone)} to {_local(violation.end, zone)} ({zone}): "
        f"stored is {violation.stored}; it should be {violation.should} [{violation.rule}]. {violation.do}."
    )


def _local(instant: np.datetime64, zone: tzinfo) -> str:
    """Local minute of an instant."""
    return datetime.fromtimestamp(int(instant.astype(np.int64)), UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _sum_up(total: _Total, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(vars(total)))
        return
    end = f"{total.violations:,} violations" if total.violations else "everything adds up"
    click.echo(
        f"{meters_of(total.meters)}, {total.rows:,} intervals checked "
        f"({total.bracketed:,} against the registers): {end}",
        err=bool(total.violations),
    )
    if total.waiting:
        click.echo(
            f"{total.waiting:,} intervals wait to be settled anew: readings, meter data, prices or corrections are "
            "newer (is analytics running? or `submeter settle`)"
        )
