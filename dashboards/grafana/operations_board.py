"""Is the plumbing healthy: gateways, what waits for a receipt, what was quarantined and why, gaps in what arrived."""

from typing import Final

from dashboards.colours import HVAC, ITEMS, TOTAL
from dashboards.grafana import queries as q
from dashboards.grafana.board import Board
from dashboards.grafana.panels import Panel, Target, bars, lines, mapping, override, table
from dashboards.grafana.roster import Roster
from dashboards.grafana.words import both

UID: Final = "submeter-operations"


def operations_board(roster: Roster) -> Board:
    rows = (
        (gateways(),),
        (waiting(roster).sized(12, 9), errors(roster).sized(12, 9)),
        (quarantined().sized(14, 9), quarantine_table().sized(10, 9)),
        (arrivals(),),
    )
    return Board(UID, both("board.operations"), rows, since="now-24h", zone=roster.zone, refresh="1m")


def gateways() -> Panel:
    columns = {
        "gateway": both("board.gateway"), "online": both("board.online"), "waiting": both("board.waiting"),
        "oldest": both("board.oldest"), "errors": both("board.errors"), "polls": both("board.polls"),
        "synced": both("board.clock"),
    }  # fmt: skip
    yes_no = mapping({"1": (both("board.yes"), ""), "0": (both("board.no"), "")})
    clock = mapping({"1": (both("board.synced"), ""), "0": (both("board.unsynced"), "")})
    return table(
        both("board.gateways"),
        [Target(q.gateways(), table=True)],
        columns=columns,
        overrides=[
            override(both("board.last_told"), unit="dateTimeFromNow"),
            override(columns["online"], mappings=[yes_no]),
            override(columns["synced"], mappings=[clock]),
            override(columns["oldest"], unit="dateTimeFromNow", mappings=[mapping({"0": (both("board.none"), "")})]),
        ],
        description=both("why.oldest"),
        time=both("board.last_told"),
    ).sized(24, 6)


def _colours(roster: Roster) -> list[dict[str, object]]:
    shades = [HVAC, *(c for c in ITEMS.values() if c not in (HVAC, TOTAL)), TOTAL]
    names = ["collector", *roster.gateways]
    return [
        override(name, color={"mode": "fixed", "fixedColor": shades[n % len(shades)]}) for n, name in enumerate(names)
    ]


def waiting(roster: Roster) -> Panel:
    return lines(
        both("board.waiting_over"), [Target(q.gateway_field("waiting"), "$tag_gateway")], "short", interval="1m",
        overrides=_colours(roster), spanNulls=True,
    )  # fmt: skip


def errors(roster: Roster) -> Panel:
    return lines(
        both("board.errors"), [Target(q.gateway_field("errors"), "$tag_gateway")], "short", interval="1m",
        overrides=_colours(roster), spanNulls=True,
    )  # fmt: skip


def quarantined() -> Panel:
    name = both("board.quarantine")
    return bars(name, [Target(q.quarantine(), name)], "short", interval="15m", description=both("why.quarantine"))


def quarantine_table() -> Panel:
    columns = {
        "reason": both("board.reason"), "building": both("board.building"), "gateway": both("board.gateway"),
        "records": both("board.records"),
    }  # fmt: skip
    return table(
        both("board.quarantine"), [Target(q.quarantine_table(), table=True)], columns=columns,
        sort=columns["records"], description=both("why.quarantine"),
    )  # fmt: skip


def arrivals() -> Panel:
    return bars(
        both("board.arrivals"), [Target(q.arrivals(), both("board.arrivals"))], "short", interval="5m",
        description=both("why.arrivals"),
    )  # fmt: skip
