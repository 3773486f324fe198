"""The frame of a board: places panels row by row, gives ids by position, links the boards to each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dashboards.grafana.panels import Json, Panel

SCHEMA: Final = 37
TAG: Final = "submeter"
FOLDER_TITLE: Final = "submeter"
FOLDER_UID: Final = "submeter"


@dataclass(frozen=True)
class Board:
    """``uid`` is stable: addresses in mails and bookmarks name it. ``rows`` are placed top to bottom."""

    uid: str
    title: str
    rows: tuple[tuple[Panel, ...], ...]
    description: str = ""
    variables: tuple[Json, ...] = ()
    since: str = "now-30d/d"
    zone: str = "utc"
    refresh: str = "5m"

    def json(self) -> Json:
        """What Grafana imports; without an id and a version, which are the server's."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": [TAG],
            "timezone": self.zone,
            "weekStart": "monday",
            "schemaVersion": SCHEMA,
            "editable": True,
            "graphTooltip": 1,
            "refresh": self.refresh,
            "time": {"from": self.since, "to": "now"},
            "templating": {"list": list(self.variables)},
            "annotations": {"list": []},
            "links": [_link()],
            "panels": placed(self.rows),
        }


def placed(rows: Sequence[Sequence[Panel]]) -> list[Json]:
    """Each row under the one before; within a row from the left."""
    found: list[Json] = []
    top = 0
    for row in rows:
        left = 0
        for panel in row:
            found.append(panel.json(len(found) + 1, left, top))
            left += panel.wide
        assert left <= 24, f"{row[0].title}: {left} columns"
        top += max(panel.high for panel in row)
    return found


def _link() -> Json:
    return {
        "type": "dashboards", "title": "submeter", "tags": [TAG], "asDropdown": False, "includeVars": False,
        "keepTime": False, "targetBlank": False, "icon": "external link", "tooltip": "", "url": "",
    }  # fmt: skip


def choice(name: str, label: str, options: Sequence[tuple[str, str]]) -> Json:
    """A variable with (value, text) to choose one from; the first is preset."""
    listed: list[Json] = [{"value": value, "text": text, "selected": not n} for n, (value, text) in enumerate(options)]
    return {
        "type": "custom", "name": name, "label": label, "hide": 0, "multi": False, "includeAll": False,
        "query": ", ".join(f"{_plain(text)} : {_plain(value)}" for value, text in options),
        "options": listed, "current": listed[0] if listed else {}, "skipUrlSync": False,
    }  # fmt: skip


def _plain(text: str) -> str:
    """A comma would end the option, a colon between blanks its text."""
    return text.replace(" : ", " – ").replace(",", "\\,")
