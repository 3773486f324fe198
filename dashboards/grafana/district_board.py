"""The district: is anything wrong now and what does it cost, where does the energy go, how do buildings compare."""

from typing import Final

from dashboards.catalogue import text
from dashboards.grafana import queries as q
from dashboards.grafana.board import Board
from dashboards.grafana.building_board import item_colours, item_names
from dashboards.grafana.findings_table import findings_table
from dashboards.grafana.panels import YUAN, Panel, Target, bars, coloured, number, ranking, shares
from dashboards.grafana.queries import Span
from dashboards.grafana.roster import Roster
from dashboards.grafana.words import both

UID: Final = "submeter-district"


def district_board(roster: Roster) -> Board:
    """The board to begin with."""
    rows = (
        _numbers(roster),
        (findings_table(titled="building.findings", roster=roster),),
        (days(roster).sized(16, 12), month_shares(roster).sized(8, 12)),
        (by_building(roster).sized(12, 12), intensities(roster).sized(12, 12)),
    )
    return Board(UID, both("board.district"), rows, zone=roster.zone)


def _numbers(roster: Roster) -> tuple[Panel, ...]:
    energy, cost, carbon = (
        Span(points, "1d", roster.zone, quantity)
        for points, quantity in (
            (roster.whole, "energy_import"), (roster.tops, "cost"), (roster.tops, "carbon"),
        )
    )  # fmt: skip
    day = both("why.days")
    return (
        number(both("building.findings"), [Target(q.open_findings())], "short", act_above=1, none=both("board.none")),
        number(both("board.month"), [Target(q.at_stake())], YUAN, description=both("why.stake")),
        number(both("district.energy"), [Target(q.total(energy))], "kwatth", description=day),
        number(both("board.completeness"), [Target(q.completeness(energy))], "percentunit", decimals=1,
               description=both("why.complete_total")),
        number(both("district.cost"), [Target(q.total(cost))], YUAN, description=day),
        number(both("district.carbon"), [Target(q.total(carbon, 1000))], "masst", description=day),
    )  # fmt: skip


def _span(roster: Roster, points: str = "", when: str = "$timeFilter") -> Span:
    return Span(points or roster.totals, "1d", roster.zone, when=when)


def days(roster: Roster) -> Panel:
    """Daily energy of all buildings by sub-item, with what is not metered as a layer of its own."""
    names = item_names(roster)
    targets = [Target(q.by_day(_span(roster, where)), names[code]) for code, where in roster.items.items()]
    unmetered = Target(q.by_day(_span(roster, roster.rest)), names[""])
    return bars(
        both("district.where"), [*targets, unmetered], "kwatth", interval="1d",
        overrides=coloured(item_colours(roster)), description=both("why.rest"),
    )  # fmt: skip


def month_shares(roster: Roster) -> Panel:
    names, when = item_names(roster), "time > now() - 30d"
    targets = [Target(q.total(_span(roster, where, when)), names[code]) for code, where in roster.items.items()]
    unmetered = Target(q.total(_span(roster, roster.rest, when)), names[""])
    return shares(
        both("building.shares"), [*targets, unmetered], "kwatth", item_colours(roster), both("why.month")
    )  # fmt: skip


def by_building(roster: Roster) -> Panel:
    """Energy of the range, one bar a building."""
    targets = [
        Target(q.total(_span(roster, f"\"building\" = '{b.id}' AND {roster.totals}")), f"{b.name} {b.name_zh}".strip())
        for b in roster.buildings
    ]
    return ranking(both("board.by_building"), targets, "kwatth", both("why.days"))


def intensities(roster: Roster) -> Panel:
    """kWh/m² of a year, buildings of a type beside each other."""
    when = "time > now() - 365d"
    targets = [
        Target(
            q.intensity(_span(roster, f"\"building\" = '{b.id}' AND {roster.totals}", when), b.area_m2),
            f"{text('en', f'type.{b.type}')} {text('zh', f'type.{b.type}')}: {b.name}",
        )
        for b in sorted(roster.buildings, key=lambda b: b.type)
        if b.area_m2
    ]
    return ranking(both("district.of_intensity"), targets, "kWh/m²", both("why.intensity"), 0)
