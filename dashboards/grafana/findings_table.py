"""Open findings as a table: ranked by yuan a month, the kind in words, unknown money said to be unknown."""

from dashboards.catalogue import table as catalogue
from dashboards.grafana import queries as q
from dashboards.grafana.panels import YUAN, Json, Panel, Target, mapping, override, table
from dashboards.grafana.roster import Roster
from dashboards.grafana.words import both


def kinds() -> Json:
    """Each kind's title in both languages."""
    rows = catalogue("findings")
    return mapping({kind: (f"{row['title']['en']} {row['title']['zh']}", "") for kind, row in rows.items()})


def building_names(roster: Roster) -> Json:
    return mapping({b.id: (f"{b.name} {b.name_zh}".strip(), "") for b in roster.buildings})


def building_link() -> list[Json]:
    """From a building's name to its board."""
    return [{"title": "", "url": "/d/submeter-building?var-building=${__value.raw}"}]


def findings_table(where: str = "", *, titled: str, roster: Roster | None = None) -> Panel:
    """Whatever is open now, whenever it began. Without a roster the building's column is left out."""
    headings = {
        "building": both("board.building"),
        "kind": both("finding.title"),
        "point": both("board.meter"),
        "yuan_month": both("board.month"),
        "kwh": both("board.stake"),
        "confidence": both("board.confidence"),
        "first_told": both("board.told"),
    }
    if roster is None:
        del headings["building"]
    overrides = [
        override(headings["kind"], mappings=[kinds()], custom__width=240),
        override(headings["yuan_month"], unit=YUAN, noValue=both("board.unknown")),
        override(headings["kwh"], unit="kwatth", mappings=[mapping({"0": ("–", "")})]),
        override(headings["confidence"], unit="percentunit", decimals=0),
        override(headings["first_told"], unit="dateTimeFromNow"),
    ]
    if roster is not None:
        overrides.append(override(headings["building"], mappings=[building_names(roster)], links=building_link()))
    panel = table(
        both(titled),
        [Target(q.findings(where, money), table=True) for money in (True, False)],
        columns=headings,
        overrides=overrides,
        sort=headings["yuan_month"],
        description=both("why.findings"),
        hidden=[] if roster else ["building"],
    )
    return panel.sized(24, 8)
