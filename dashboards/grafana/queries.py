"""InfluxQL: one statement each, as text with Grafana's ``$timeFilter``; nothing here knows how it is drawn.

Every energy query says ``known > 0`` (or names one way of knowing): missing is stored as value 0. Sums of meters are
the ledger's own totals, columns that say themselves how complete they are and are withheld where they are not. Days
and months are those of the roster's zone, hence ``tz(…)``. Long spans read daily rows.
"""

from dataclasses import dataclass, replace
from typing import Final

HERE: Final = "\"building\" = '$building'"
"""the board's variable"""
METERS: Final = '"point" !~ /^=/'
"""no totals"""
COMPLETE: Final = 0.9
"""totals of which less is known are withheld (settings: analytics.completeness_limit)"""
MEASURED, ESTIMATED, KNOWN = '"known" = 2', '"known" = 1', '"known" > 0'
EXPECTED: Final = ("expected", "expected_low", "expected_high")


@dataclass(frozen=True)
class Span:
    """Rows of one quantity and resolution (1h or 1d) at some points; ``when`` is the condition on time."""

    points: str
    resolution: str
    zone: str
    quantity: str = "energy_import"
    when: str = "$timeFilter"

    @property
    def where(self) -> str:
        tags = f"\"resolution\" = '{self.resolution}' AND \"quantity\" = '{self.quantity}'"
        return f"{self.when} AND {tags} AND {self.points}"

    @property
    def tz(self) -> str:
        return f"tz('{self.zone}')"

    @property
    def rows(self) -> str:
        """Points summed row by row, known as the least known of them."""
        return (
            f'SELECT sum("value") AS "value", min("known") AS "known" FROM "interval" WHERE {self.where}'
            f' GROUP BY time({self.resolution}), "building" fill(none) {self.tz}'
        )


def total(span: Span, per: int = 1) -> str:
    """One number over the range, in ``per`` units (1000: kg as t)."""
    value = f'sum("value") / {per}' if per != 1 else 'sum("value")'
    return f'SELECT {value} FROM "interval" WHERE {span.where} AND {KNOWN} {span.tz}'


def completeness(span: Span) -> str:
    """The mean of a total's own completeness, 0 to 1, over the rows that are over."""
    told = replace(span, quantity="completeness")
    return f'SELECT mean("value") FROM "interval" WHERE {told.where} AND {KNOWN} {span.tz}'


def by_day(span: Span, by: str = "") -> str:
    """Sums of a day, over all points or by a tag."""
    group = f', "{by}"' if by else ""
    return (
        f'SELECT sum("value") FROM "interval" WHERE {span.where} AND {KNOWN}'
        f" GROUP BY time(1d){group} fill(none) {span.tz}"
    )


def load(span: Span, known: str = KNOWN, fill: str = "null") -> str:
    """Mean power in kW, from hourly kWh, in windows of the panel's width."""
    return (
        f'SELECT mean("value") FROM ({span.rows}) WHERE {span.when} AND {known}'
        f" GROUP BY time($__interval) fill({fill}) {span.tz}"
    )


def base_load(span: Span) -> str:
    """The median over days of the lowest measured hour, kW.

    The outer query asks for no time: the first day's point lies at its midnight, before the range, and with a lower
    bound InfluxDB 1.6 would drop the whole window that begins with it.
    """
    lowest = (
        f'SELECT min("value") AS "low" FROM ({span.rows}) WHERE {span.when} AND {MEASURED}'
        f" GROUP BY time(1d) fill(none) {span.tz}"
    )
    return f'SELECT median("low") FROM ({lowest}) {span.tz}'


def hour_of_day(span: Span, hour: int) -> str:
    """The energy of one local hour of each day, at the day's midnight: a row of the heat map. One point a building.

    InfluxQL has no hour of the day. So days are cut at that hour and the first row of each is taken; missing hours
    have rows too, so the first is that hour, except in the first piece, which the range cuts short: OFFSET 1.
    """
    first = (
        f'SELECT first("value") AS "value", "known" FROM "interval" WHERE {span.where}'
        f" GROUP BY time(1d, {hour}h) fill(none) LIMIT 100000 OFFSET 1 {span.tz}"
    )
    return f'SELECT sum("value") FROM ({first}) WHERE {span.when} AND {KNOWN} GROUP BY time(1d) fill(none) {span.tz}'


def intensity(span: Span, area_m2: float) -> str:
    """kWh/m² of the span, withheld when too few days of a year are known (365.0: a WHERE divides whole numbers)."""
    year = (
        f'SELECT sum("value") / {area_m2:g} AS "eui", count("value") / 365.0 AS "share", min("known") AS "known"'
        f" FROM ({span.rows}) WHERE {span.when} AND {KNOWN} {span.tz}"
    )
    return f'SELECT "eui" FROM ({year}) WHERE {span.when} AND "share" >= {COMPLETE}'


def knownness(resolution: str, window: str, zone: str) -> str:
    """How the least known row of each window is known, by meter of the board's building; cost and model left out."""
    rows = f'{METERS} AND "resolution" = \'{resolution}\' AND "quantity" =~ /^(energy_import|volume|heat|cold)$/'
    return (
        f'SELECT min("known") FROM "interval" WHERE $timeFilter AND {HERE} AND {rows}'
        f" GROUP BY time({window}), \"point\" fill(none) tz('{zone}')"
    )


def gaps(zone: str) -> str:
    """Share of known hours by meter."""
    rows = f'{METERS} AND "resolution" = \'1h\' AND "quantity" =~ /^(energy_import|volume|heat|cold)$/'
    return (
        'SELECT count("value") / count("row") AS "share" FROM'
        f' (SELECT "value" FROM "interval" WHERE $timeFilter AND {rows} AND {KNOWN}),'
        f' (SELECT "known" AS "row" FROM "interval" WHERE $timeFilter AND {rows})'
        f' WHERE $timeFilter GROUP BY "building", "point" tz(\'{zone}\')'
    )


# what is not energy: entries and registers, as the store mirrors them
def findings(where: str, money: bool) -> str:
    """Open findings whose cost is known, or (without that column) not; the time is their begin."""
    yuan = '"yuan_month", ' if money else ""
    return (
        f'SELECT "building", "point", "kind", {yuan}"kwh", "confidence", "first_told" FROM "finding"'
        f' WHERE "open" = 1 AND "yuan_known" = {int(money)}' + (f" AND {where}" if where else "")
    )


def open_findings(where: str = "") -> str:
    """How many are open."""
    return 'SELECT count("open") FROM "finding" WHERE "open" = 1' + (f" AND {where}" if where else "")


def at_stake() -> str:
    """Yuan a month of all open findings whose cost is known."""
    return 'SELECT sum("yuan_month") FROM "finding" WHERE "open" = 1 AND "yuan_known" = 1'


def savings(where: str, field: str = "avoided", per: int = 1) -> str:
    """The newest number of each measure in ``per`` units; savings lie at their start, so no time is asked."""
    value = f'last("{field}") / {per}' if per != 1 else f'last("{field}")'
    return f'SELECT {value} FROM "saving" WHERE {where} GROUP BY "measure"'


SAVED: Final = f'"told" = 1 AND "completeness" >= {COMPLETE}'


def savings_table() -> str:
    return (
        'SELECT "building", "measure", "avoided", "low", "high", "yuan", "kg" / 1000 AS "t", "completeness", "cvrmse"'
        f' FROM "saving" WHERE {SAVED}'
    )


def saving_days(field: str) -> str:
    return f'SELECT mean("{field}") FROM "saving_day" WHERE $timeFilter AND "measure" = \'$measure\''


def saving_curve(field: str, zone: str) -> str:
    return f"{saving_days(field)} GROUP BY time(1d) fill(none) tz('{zone}')"


def last_heard(where: str = HERE) -> str:
    """The newest register reading of each meter, at its time."""
    registers = '"quantity" =~ /^(energy_import|volume|heat|cold)$/'
    return f'SELECT last("value") AS "register" FROM "reading" WHERE {registers} AND {where} GROUP BY "point", "device"'


def gateways() -> str:
    """The newest status of each gateway, at its time."""
    return (
        'SELECT last("waiting") AS "waiting", "oldest", "errors", "online", "synced", "polls" FROM "gateway"'
        ' GROUP BY "gateway"'
    )


def gateway_field(field: str, function: str = "max") -> str:
    windows = 'GROUP BY time($__interval), "gateway" fill(none)'
    return f'SELECT {function}("{field}") FROM "gateway" WHERE $timeFilter {windows}'


def quarantine() -> str:
    return 'SELECT sum("count") FROM "quarantine" WHERE $timeFilter GROUP BY time($__interval) fill(none)'


def quarantine_table() -> str:
    return (
        'SELECT sum("count") AS "records" FROM "quarantine" WHERE $timeFilter GROUP BY "gateway", "building", "reason"'
    )


def arrivals() -> str:
    """Readings kept, by building, in windows of the panel's width (by the time of reading)."""
    return 'SELECT count("value") FROM "reading" WHERE $timeFilter GROUP BY time($__interval) fill(none)'
