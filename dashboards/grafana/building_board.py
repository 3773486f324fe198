"""One building: is today normal, where does the energy go, when is it wasted, what is wrong."""

from dataclasses import replace
from typing import Final

from dashboards.colours import BAND, ITEMS, MEDIA, NOT_METERED, TOTAL
from dashboards.grafana import queries as q
from dashboards.grafana.board import Board, choice
from dashboards.grafana.findings_table import findings_table
from dashboards.grafana.panels import (
    YUAN,
    Panel,
    Target,
    bars,
    coloured,
    fixed,
    heat_map,
    lines,
    number,
    override,
    shares,
)
from dashboards.grafana.queries import HERE, Span
from dashboards.grafana.roster import Roster
from dashboards.grafana.words import both
from submeter.words import Medium

UID: Final = "submeter-building"
UNITS: Final = {Medium.WATER: "m3", Medium.GAS: "m3", Medium.HEAT: "kwatth", Medium.COLD: "kwatth"}
QUANTITY: Final = {Medium.WATER: "volume", Medium.GAS: "volume", Medium.HEAT: "heat", Medium.COLD: "cold"}


def building_board(roster: Roster) -> Board:
    """The board of the building that its variable names."""
    hours, days = _span(roster, "1h"), _span(roster, "1d")
    rows = (
        _numbers(roster, hours, days),
        (expected_load(hours, f"{HERE} AND {roster.mains}").sized(16, 12), month_shares(roster).sized(8, 12)),
        (sub_items(roster).sized(24, 9),),
        (year(hours),),
        (findings_table(HERE, titled="building.findings"),),
        (day_sums(roster).sized(12, 8), *_media(roster)),
    )
    options = [(b.id, f"{b.name} {b.name_zh}".strip()) for b in roster.buildings]
    return Board(
        UID,
        both("board.building"),
        rows,
        variables=(choice("building", both("board.building"), options),),
        since="now-7d/d",
        zone=roster.zone,
    )


def _span(roster: Roster, resolution: str, when: str = "$timeFilter", points: str = "") -> Span:
    return Span(f"{HERE} AND {points or roster.totals}", resolution, roster.zone, when=when)


def _numbers(roster: Roster, hours: Span, days: Span) -> tuple[Panel, ...]:
    tops = f"{HERE} AND {roster.tops}"
    cost, carbon = Span(tops, "1d", roster.zone, "cost"), Span(tops, "1d", roster.zone, "carbon")
    return (
        number(both("district.energy"), [Target(q.total(days))], "kwatth", description=both("why.days")),
        number(
            both("board.completeness"),
            [Target(q.completeness(hours))],
            "percentunit",
            description=both("why.complete_total"),
        ),
        number(both("district.cost"), [Target(q.total(cost))], YUAN, description=both("why.days")),
        number(both("district.carbon"), [Target(q.total(carbon, 1000))], "masst", description=both("why.days")),
        number(both("building.base"), [Target(q.base_load(hours))], "kwatt", description=both("why.base")),
        number(
            both("building.findings"), [Target(q.open_findings(HERE))], "short", act_above=1, none=both("board.none")
        ),
    )


def expected_load(hours: Span, mains: str) -> Panel:
    """Measured load in the band of what this hour, this weather and this kind of day lead to expect."""
    low, high = (both("board.low"), both("board.high"))
    actual, guessed = both("chart.actual"), both("chart.estimated")

    def expected(quantity: str) -> str:
        return q.load(Span(mains, "1h", hours.zone, quantity))

    return lines(
        both("building.normal"),
        [
            Target(expected("expected_low"), low),
            Target(expected("expected_high"), high),
            Target(q.load(hours, q.MEASURED), actual),
            Target(q.load(hours, q.ESTIMATED), guessed),
        ],
        "kwatt",
        interval="1h",
        description=both("building.load_text"),
        overrides=[
            override(low, color=fixed(BAND), custom__lineWidth=0,
                     custom__hideFrom={"legend": True, "tooltip": False, "viz": False}),
            override(high, color=fixed(BAND), custom__lineWidth=0,
                     custom__fillBelowTo=low, custom__fillOpacity=35),
            override(actual, color=fixed(TOTAL), custom__lineWidth=2),
            override(guessed, color=fixed(NOT_METERED), custom__lineWidth=1,
                     custom__showPoints="always", custom__pointSize=4,
                     custom__lineStyle={"fill": "dash", "dash": [4, 4]}),
        ],
    )  # fmt: skip


def item_names(roster: Roster) -> dict[str, str]:
    """The sub-items that there are, and what no sub-meter counts, with their names in both languages."""
    return {code: both(f"item.{code}") for code in roster.items} | {"": both("item.none")}


def item_colours(roster: Roster) -> dict[str, str]:
    return {name: ITEMS[code] for code, name in item_names(roster).items()}


def sub_items(roster: Roster) -> Panel:
    """Mean power by sub-item, stacked; what is not metered is a named layer."""
    names = item_names(roster)
    targets = [Target(q.load(_span(roster, "1h", points=where)), names[code]) for code, where in roster.items.items()]
    unmetered = q.load(_span(roster, "1h", points=roster.rest))
    return lines(
        both("building.where"), [*targets, Target(unmetered, names[""])], "kwatt", interval="1h", stacked=True,
        overrides=coloured(item_colours(roster)),
        description=both("why.rest"),
    )  # fmt: skip


def month_shares(roster: Roster) -> Panel:
    names, when = item_names(roster), "time > now() - 30d"
    targets = [Target(q.total(_span(roster, "1d", when, where)), names[code]) for code, where in roster.items.items()]
    unmetered = q.total(_span(roster, "1d", when, roster.rest))
    return shares(
        both("building.shares"), [*targets, Target(unmetered, names[""])], "kwatth", item_colours(roster),
        both("why.month"),
    )  # fmt: skip


def year(hours: Span) -> Panel:
    panel = heat_map(
        both("building.waste"),
        [Target(q.hour_of_day(hours, hour), f"{hour:02}") for hour in range(24)],
        "kwatth",
        both("why.year"),
    )
    return replace(panel, more={**panel.more, "timeFrom": "365d"})


def day_sums(roster: Roster) -> Panel:
    """Daily energy by sub-item."""
    names = item_names(roster)
    targets = [Target(q.by_day(_span(roster, "1d", points=where)), names[code]) for code, where in roster.items.items()]
    unmetered = q.by_day(_span(roster, "1d", points=roster.rest))
    return bars(
        both("board.days"), [*targets, Target(unmetered, names[""])], "kwatth", interval="1d",
        overrides=coloured(item_colours(roster)),
    )  # fmt: skip


def _media(roster: Roster) -> tuple[Panel, ...]:
    """Daily water, gas, heat and cold, as many as there are."""
    found = []
    for medium, where in roster.media.items():
        span = Span(f"{HERE} AND {where}", "1d", roster.zone, QUANTITY[medium])
        name = both(f"medium.{medium}")
        panel = bars(name, [Target(q.by_day(span), name)], UNITS[medium], colour=MEDIA[medium], interval="1d")
        panel = replace(panel, defaults={**panel.defaults, "noValue": both("board.no_meter")})
        found.append(panel.sized(12 // max(1, len(roster.media)), 8))
    return tuple(found)
