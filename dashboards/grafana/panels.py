"""Panels as Grafana 9.3 to 12 read them (schemaVersion 37): each function makes one, of types that both know.

A panel is a frozen value until a board gives it a place and an id. Colours come from :mod:`dashboards.colours`; every
series has a fixed one, because Grafana's own palette begins to use red at the fifth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from dashboards.colours import ACT, HVAC, NOT_METERED, TOTAL

DATA_SOURCE_UID: Final = "submeter-influxdb"
DATA_SOURCE: Final = {"type": "influxdb", "uid": DATA_SOURCE_UID}
Json = dict[str, Any]
YUAN: Final = "currency:¥"


@dataclass(frozen=True)
class Target:
    """A statement and how its series is called; ``$tag_…`` in the alias is the tag's value."""

    query: str
    alias: str = ""
    table: bool = False


@dataclass(frozen=True)
class Panel:
    """``body`` is what the type needs beside title and queries; ``wide`` and ``high`` in Grafana's 24-column grid."""

    type: str
    title: str
    targets: tuple[Target, ...] = ()
    description: str = ""
    wide: int = 24
    high: int = 8
    unit: str = ""
    decimals: int | None = None
    defaults: Json = field(default_factory=dict)
    overrides: tuple[Json, ...] = ()
    options: Json = field(default_factory=dict)
    more: Json = field(default_factory=dict)

    def sized(self, wide: int, high: int) -> "Panel":
        return replace(self, wide=wide, high=high)

    def json(self, id_: int, x: int, y: int) -> Json:
        """The panel at its place."""
        defaults = {"unit": self.unit, "decimals": self.decimals, "noValue": "–", **self.defaults}
        return {
            "id": id_,
            "type": self.type,
            "title": self.title,
            "description": self.description,
            "gridPos": {"x": x, "y": y, "w": self.wide, "h": self.high},
            "datasource": DATA_SOURCE if self.targets else None,
            "targets": [_target(t, n) for n, t in enumerate(self.targets)],
            "fieldConfig": {
                "defaults": {k: v for k, v in defaults.items() if v not in ("", None)},
                "overrides": list(self.overrides),
            },
            "options": self.options,
            **self.more,
        }


def _target(target: Target, n: int) -> Json:
    return {
        "refId": _ref(n),
        "datasource": DATA_SOURCE,
        "rawQuery": True,
        "query": target.query,
        "alias": target.alias,
        "resultFormat": "table" if target.table else "time_series",
    }


def _ref(n: int) -> str:
    """A … Z, then AA …"""
    return chr(65 + n) if n < 26 else "A" + chr(65 + n - 26)


def fixed(colour: str) -> Json:
    return {"mode": "fixed", "fixedColor": colour}


def override(name: str, **properties: object) -> Json:
    """Properties of the series or column with this name; ``custom__lineWidth`` is ``custom.lineWidth``."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()],
    }


def coloured(colours: Mapping[str, str]) -> tuple[Json, ...]:
    return tuple(override(name, color=fixed(colour)) for name, colour in colours.items())


LEGEND: Final[Json] = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
TOOLTIP: Final[Json] = {"mode": "multi", "sort": "none"}


def lines(
    title: str,
    targets: Sequence[Target],
    unit: str,
    *,
    axis: str = "",
    interval: str = "",
    overrides: Sequence[Json] = (),
    colour: str = TOTAL,
    stacked: bool = False,
    description: str = "",
    **custom: object,
) -> Panel:
    """Series over time; ``interval`` is the narrowest window, that of the rows."""
    style = {
        "drawStyle": "line", "lineWidth": 1, "fillOpacity": 70 if stacked else 0, "showPoints": "never",
        "spanNulls": False, "axisLabel": axis, "axisPlacement": "auto", "axisSoftMin": 0,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"}, "lineInterpolation": "linear",
    }  # fmt: skip
    more: Json = {"interval": interval} if interval else {}
    return Panel(
        "timeseries", title, tuple(targets), description, unit=unit, overrides=tuple(overrides), more=more,
        defaults={"custom": {**style, **custom}, "color": fixed(colour)},
        options={"legend": LEGEND, "tooltip": TOOLTIP},
    )  # fmt: skip


def bars(title: str, targets: Sequence[Target], unit: str, **more: Any) -> Panel:
    """Amounts of a day (or a window), stacked."""
    style: Json = {"drawStyle": "bars", "lineWidth": 0, "fillOpacity": 90, "barAlignment": 1, "barWidthFactor": 0.85}
    return lines(title, targets, unit, **{"stacked": True, **style, **more})


def number(
    title: str, targets: Sequence[Target], unit: str, *, decimals: int | None = None, description: str = "",
    act_above: float | None = None, names: bool = False, none: str = "–",
) -> Panel:  # fmt: skip
    """A number, or one beside its name for each series. ``act_above``: red from there on: somebody should act."""
    steps: list[Json] = [{"color": "text", "value": None}]
    if act_above is not None:
        steps.append({"color": ACT, "value": act_above})
    options: Json = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "colorMode": "value",
        "graphMode": "none", "justifyMode": "auto", "orientation": "auto",
        "textMode": "value_and_name" if names else "value",
    }  # fmt: skip
    return Panel(
        "stat", title, tuple(targets), description, 4, 4, unit, decimals, options=options,
        defaults={"color": {"mode": "thresholds"}, "noValue": none, "thresholds": {"mode": "absolute", "steps": steps}},
    )  # fmt: skip


def shares(title: str, targets: Sequence[Target], unit: str, colours: Mapping[str, str], description: str) -> Panel:
    """A ring of at most five slices, each with its value and share in the legend."""
    assert len(targets) <= 5
    options: Json = {
        "pieType": "donut", "displayLabels": ["percent"], "tooltip": {"mode": "single"},
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "legend": {"displayMode": "table", "placement": "bottom", "showLegend": True, "values": ["value", "percent"]},
    }  # fmt: skip
    return Panel("piechart", title, tuple(targets), description, unit=unit, options=options,
                 defaults={"color": fixed(NOT_METERED)}, overrides=coloured(colours))  # fmt: skip


def ranking(title: str, targets: Sequence[Target], unit: str, description: str, decimals: int | None = None) -> Panel:
    """Horizontal bars, one a series."""
    options: Json = {
        "displayMode": "basic", "orientation": "horizontal", "showUnfilled": False, "minVizHeight": 8,
        "minVizWidth": 0, "valueMode": "text", "text": {"titleSize": 13, "valueSize": 14},
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }  # fmt: skip
    return Panel("bargauge", title, tuple(targets), description, unit=unit, decimals=decimals, options=options,
                 defaults={"color": fixed(HVAC), "min": 0})  # fmt: skip


def table(
    title: str, targets: Sequence[Target], *, columns: Mapping[str, str], overrides: Sequence[Json] = (),
    sort: str = "", description: str = "", time: str = "", hidden: Sequence[str] = (),
) -> Panel:  # fmt: skip
    """Rows of an answer. ``columns``: the answer's names in order, each with its heading; ``sort`` and ``time`` are
    headings; without the latter the time is left out."""
    order = (["Time"] if time else []) + list(columns)
    organise: Json = {
        "excludeByName": dict.fromkeys([*hidden, *([] if time else ["Time"])], True),
        "indexByName": {name: n for n, name in enumerate(order)},
        "renameByName": {**({"Time": time} if time else {}), **columns},
    }
    more: Json = {"transformations": [{"id": "merge", "options": {}}] if len(targets) > 1 else []}
    more["transformations"].append({"id": "organize", "options": organise})
    return Panel(
        "table", title, tuple(targets), description, overrides=tuple(overrides), more=more,
        defaults={"custom": {"align": "auto", "filterable": False}, "color": fixed(TOTAL)},
        options={"showHeader": True, "footer": {"show": False, "reducer": ["sum"], "fields": ""},
                 "sortBy": [{"displayName": sort, "desc": True}] if sort else []},
    )  # fmt: skip


def heat_map(title: str, targets: Sequence[Target], unit: str, description: str) -> Panel:
    """Day × hour: one series an hour, days across. Cividis prints in grey and needs no hue; its dark end means
    much on a light page, little on a dark one (the legend says which)."""
    options: Json = {
        "calculate": False, "cellGap": 0, "showValue": "never", "tooltip": {"show": True, "yHistogram": False},
        "color": {"mode": "scheme", "scheme": "Cividis", "steps": 64, "exponent": 0.5, "fill": "dark-orange",
                  "reverse": False, "scale": "exponential"},
        "rowsFrame": {"layout": "unknown", "value": "kWh"}, "cellValues": {"unit": unit},
        "yAxis": {"axisPlacement": "left", "reverse": True}, "legend": {"show": True}, "filterValues": {"le": 1e-9},
        "exemplars": {"color": HVAC},
    }  # fmt: skip
    more: Json = {"interval": "1d"}
    return Panel("heatmap", title, tuple(targets), description, unit=unit, options=options, more=more, high=11,
                 defaults={"custom": {"hideFrom": {"legend": False, "tooltip": False, "viz": False}}})  # fmt: skip


def history(title: str, targets: Sequence[Target], states: Mapping[int, tuple[str, str]], description: str) -> Panel:
    """One row a series, one cell a window; ``states``: what a value is called and its colour."""
    options: Json = {
        "showValue": "never", "rowHeight": 0.85, "colWidth": 1, "legend": LEGEND, "tooltip": {"mode": "single"},
    }  # fmt: skip
    return Panel(
        "status-history", title, tuple(targets), description, high=12, options=options,
        defaults={
            "custom": {"fillOpacity": 100, "lineWidth": 0},
            "color": fixed(NOT_METERED),
            "mappings": [mapping({str(value): (name, colour) for value, (name, colour) in states.items()})],
        },
    )  # fmt: skip


def words(content: str, high: int = 3) -> Panel:
    """A text in Markdown."""
    return Panel("text", "", high=high, options={"mode": "markdown", "content": content}, more={"transparent": True})


def mapping(texts: Mapping[str, tuple[str, str]]) -> Json:
    """Shown instead of a value: text and colour ('' = none)."""
    options = {}
    for n, (value, (shown, colour)) in enumerate(texts.items()):
        options[value] = {"text": shown, "index": n, **({"color": colour} if colour else {})}
    return {"type": "value", "options": options}
