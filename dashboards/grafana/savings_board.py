"""Did the retrofit pay: the verdict in words, baseline against actual, cumulative avoided energy with its band."""

from typing import Final

from dashboards.colours import BAND, NOT_METERED, TOTAL
from dashboards.grafana import queries as q
from dashboards.grafana.board import Board, choice
from dashboards.grafana.findings_table import building_link, building_names
from dashboards.grafana.panels import YUAN, Json, Panel, Target, fixed, lines, mapping, number, override, table
from dashboards.grafana.roster import Roster
from dashboards.grafana.words import both

UID: Final = "submeter-savings"
NOT_KNOWN: Final = mapping({"0": ("–", "")})
"""The store writes 0 where there is no price or factor; to the last kg, no saving is."""
THIS: Final = "\"measure\" = '$measure'"


def savings_board(roster: Roster) -> Board:
    """The board of the measure that its variable names, under a table of all."""
    rows = (
        (all_measures(roster),),
        (verdict(), *figures()),
        (cumulative(roster),),
        (by_day(roster),),
    )
    options = [(m.id, f"{m.id} {m.name} {m.name_zh}".strip()) for m in roster.measures]
    return Board(
        UID,
        both("board.savings"),
        rows,
        variables=(choice("measure", both("board.measure"), options),),
        since="now-1y/d",
        zone=roster.zone,
    )


def measure_names(roster: Roster) -> Json:
    return mapping({m.id: (f"{m.name} {m.name_zh}".strip(), "") for m in roster.measures})


def all_measures(roster: Roster) -> Panel:
    headings = {
        "building": both("board.building"),
        "measure": both("board.measure"),
        "avoided": both("chart.avoided"),
        "low": both("board.band_low"),
        "high": both("board.band_high"),
        "yuan": both("board.money"),
        "t": both("savings.carbon"),
        "completeness": both("board.completeness"),
        "cvrmse": "CV(RMSE)",
    }
    energy = [override(headings[name], unit="kwatth") for name in ("avoided", "low", "high")]
    share = [override(headings[name], unit="percentunit", decimals=1) for name in ("completeness", "cvrmse")]
    link = [{"title": "", "url": f"/d/{UID}?var-measure=${{__value.raw}}"}]
    names = [
        override(headings["building"], mappings=[building_names(roster)], links=building_link()),
        override(headings["measure"], mappings=[measure_names(roster)], links=link),
        override(headings["yuan"], unit=YUAN, mappings=[NOT_KNOWN]),
        override(headings["t"], unit="masst", mappings=[NOT_KNOWN]),
    ]
    return table(
        both("savings.title"),
        [Target(q.savings_table(), table=True)],
        columns=headings,
        overrides=[*energy, *share, *names],
        sort=headings["avoided"],
        description=both("why.verdict"),
    ).sized(24, 6)


def verdict() -> Panel:
    """The one case that holds shows its name beside the number."""
    cases = {
        both("board.saved"): f'{q.SAVED} AND "low" > 0',
        both("board.more"): f'{q.SAVED} AND "high" < 0',
        both("savings.unclear"): f'{q.SAVED} AND "low" <= 0 AND "high" >= 0',
        both("savings.refused"): '"told" = 0',
        both("total.withheld"): f'"told" = 1 AND "completeness" < {q.COMPLETE}',
    }
    targets = [Target(q.savings(f"{THIS} AND {where}"), name) for name, where in cases.items()]
    hidden = [
        override(name, mappings=[{"type": "range", "options": {"from": None, "to": None, "result": {"text": "–"}}}])
        for name in (both("savings.refused"), both("total.withheld"))
    ]
    panel = number(both("building.savings"), targets, "kwatth", names=True, description=both("why.verdict"))
    return Panel(**{**panel.__dict__, "overrides": tuple(hidden)}).sized(8, 5)


def figures() -> tuple[Panel, ...]:
    """Beside the verdict: band, money, carbon, and how much of the period is known."""
    told = f"{THIS} AND {q.SAVED}"
    priced, factored = (f'{told} AND "{name}_known" = 1' for name in ("yuan", "kg"))
    return (
        number(both("board.band_low"), [Target(q.savings(told, "low"))], "kwatth").sized(3, 5),
        number(both("board.band_high"), [Target(q.savings(told, "high"))], "kwatth").sized(3, 5),
        number(both("board.money"), [Target(q.savings(priced, "yuan"))], YUAN).sized(4, 5),
        number(both("savings.carbon"), [Target(q.savings(factored, "kg", 1000))], "masst").sized(3, 5),
        number(
            both("board.completeness"), [Target(q.savings(THIS, "completeness"))], "percentunit", decimals=1,
            description=both("why.completeness"),
        ).sized(3, 5),
    )  # fmt: skip


def cumulative(roster: Roster) -> Panel:
    avoided, low, high = both("chart.avoided"), both("board.band_low"), both("board.band_high")
    return lines(
        both("chart.avoided"),
        [
            Target(q.saving_curve("low", roster.zone), low),
            Target(q.saving_curve("high", roster.zone), high),
            Target(q.saving_curve("avoided", roster.zone), avoided),
        ],
        "kwatth",
        interval="1d",
        description=both("why.curve"),
        overrides=[
            override(low, color=fixed(BAND), custom__lineWidth=0),
            override(high, color=fixed(BAND), custom__lineWidth=0, custom__fillBelowTo=low, custom__fillOpacity=35),
            override(avoided, color=fixed(TOTAL), custom__lineWidth=2),
        ],
    ).sized(24, 10)


def by_day(roster: Roster) -> Panel:
    baseline, actual = both("chart.expected"), both("chart.actual")
    return lines(
        both("board.saving_days"),
        [
            Target(q.saving_curve("expected", roster.zone), baseline),
            Target(q.saving_curve("actual", roster.zone), actual),
        ],
        "kwatth",
        interval="1d",
        description=both("why.saving_days"),
        overrides=[
            override(baseline, color=fixed(NOT_METERED), custom__lineStyle={"fill": "dash", "dash": [6, 4]},
                     custom__lineWidth=2),
            override(actual, color=fixed(TOTAL)),
        ],
    ).sized(24, 9)  # fmt: skip
