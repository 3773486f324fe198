"""Which meter is bad: when each was last heard, how each quarter of a day is known, the shares of known hours."""

from typing import Final

from dashboards.colours import HVAC, NOT_METERED
from dashboards.grafana import queries as q
from dashboards.grafana.board import Board, choice
from dashboards.grafana.findings_table import building_link, building_names
from dashboards.grafana.panels import Panel, Target, history, override, table
from dashboards.grafana.roster import Roster
from dashboards.grafana.words import both

UID: Final = "submeter-meters"
ESTIMATED: Final = "#9CC3E0"
"""the measured's blue, lighter"""


def meters_board(roster: Roster) -> Board:
    options = [(b.id, f"{b.name} {b.name_zh}".strip()) for b in roster.buildings]
    return Board(
        UID,
        both("board.meters"),
        ((knownness(roster),), (heard().sized(12, 12), worst(roster).sized(12, 12))),
        variables=(choice("building", both("board.building"), options),),
        since="now-14d/d",
        zone=roster.zone,
    )


def knownness(roster: Roster) -> Panel:
    states = {
        2: (both("known.measured"), HVAC),
        1: (both("known.estimated"), ESTIMATED),
        0: (both("known.missing"), NOT_METERED),
    }
    target = Target(q.knownness("1h", "6h", roster.zone), "$tag_point")
    return history(both("board.known"), [target], states, both("why.known"))


def heard() -> Panel:
    columns = {"point": both("board.meter"), "device": both("board.device"), "register": both("board.register")}
    return table(
        both("board.heard"),
        [Target(q.last_heard(), table=True)],
        columns=columns,
        overrides=[
            override(both("board.last_told"), unit="dateTimeFromNow"),
            override(columns["register"], decimals=2),
        ],
        description=both("why.heard"),
        time=both("board.last_told"),
    )


def worst(roster: Roster) -> Panel:
    columns = {"building": both("board.building"), "point": both("board.meter"), "share": both("board.completeness")}
    panel = table(
        both("board.share"),
        [Target(q.gaps(roster.zone), table=True)],
        columns=columns,
        overrides=[
            override(columns["building"], mappings=[building_names(roster)], links=building_link()),
            override(columns["share"], unit="percentunit", decimals=1),
        ],
        description=both("why.completeness"),
    )
    ascending = {"sortBy": [{"displayName": columns["share"], "desc": False}]}
    return Panel(**{**panel.__dict__, "options": {**panel.options, **ascending}})
