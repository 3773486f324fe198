"""Findings as sentences: kind, parameters and evidence in, words of one language out. Stored findings hold no text.

Evidence keys end in what they are: ``…_kwh`` energy, ``…_kw`` power, ``share…`` a share of one, ``hours``, ``nights``
and ``days`` counts. A detail whose numbers are missing is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.catalogue import figures, fill, table, text

CERTAIN = 0.95
LIKELY = 0.75


@dataclass(frozen=True, slots=True)
class Sentence:
    """What, where, since when, how sure, what to do, what it costs; and the short name of the kind. ``told`` is when it
    was first told, ``withdrawn`` that it was taken back, and when; ``live`` that looking back has yet to confirm it, or
    as what it was told live if as something else ('' = none of it)."""

    title: str
    what: str
    detail: str
    since: str
    sure: str
    do: str
    cost: str
    at_stake: str
    told: str
    withdrawn: str
    live: str


@dataclass(frozen=True, slots=True)
class Told:
    """What a sentence is made of."""

    kind: str
    place: str
    zone: str
    start_ms: int
    end_ms: int
    is_open: bool
    confidence: float
    kwh: float | None
    yuan_month: float | None
    unit: str
    evidence: Mapping[str, float | str]
    told_ms: int | None = None
    withdrawn_ms: int | None = None
    first_kind: str = ""
    confirmed: bool = True


def kinds() -> list[str]:
    return sorted(table("findings"))


def sentence(told: Told, language: str) -> Sentence:
    row = table("findings").get(told.kind) or table("findings")["other"]
    values = {**_evidence(told, language), "place": told.place, "kind": told.kind}
    return Sentence(
        title=row["title"][language],
        what=fill(row["what"][language], values),
        detail=_detail(row, values, told, language),
        since=_since(told, language),
        sure=_sure(told.confidence, language),
        do=fill(row["do"][language], values),
        cost=figures.money(told.yuan_month) if told.yuan_month is not None else text(language, "finding.no_cost"),
        at_stake=_at_stake(told, language),
        told=_moment("finding.told", told.told_ms, told, language),
        withdrawn=_moment("finding.withdrawn_at", told.withdrawn_ms, told, language),
        live=_live(told, language),
    )


def _detail(row: Mapping[str, Any], values: Mapping[str, object], told: Told, language: str) -> str:
    """The first detail whose numbers are all there."""
    for detail in row.get("detail", ()):
        if all(key in values for key in detail["needs"]) and _fits(detail.get("is", {}), told):
            return fill(detail[language], values)
    return ""


def _fits(wanted: Mapping[str, float], told: Told) -> bool:
    return all(told.evidence.get(key) == value for key, value in wanted.items())


def _evidence(told: Told, language: str) -> dict[str, object]:
    """Figures under the names that templates use: cubic metres of water and gas stand where kWh of others do."""
    named = {key.replace("_m3h", "_kw").replace("_m3", "_kwh"): value for key, value in told.evidence.items()}
    return {key: _figure(key, value, told.unit, language) for key, value in named.items()}


def _figure(key: str, value: float | str, unit: str, language: str) -> str:
    if isinstance(value, str):
        return value
    if key.endswith("_kwh"):
        return figures.energy(value, unit)
    if key.endswith("_kw"):
        return f"{figures.plain(value)} {'kW' if unit == 'kWh' else 'm³/h'}"
    if key.startswith("share"):
        return figures.percent(value, 0 if abs(value) >= 0.1 else 1)
    if key in ("hours", "shift_h"):
        return f"{figures.number(value)}{'小时' if language == 'zh' else ' h'}"
    return figures.number(value, 0 if value == int(value) else 1)


def _at_stake(told: Told, language: str) -> str:
    amount = told.kwh if told.kwh is not None else told.evidence.get("amount_m3")
    if not amount or isinstance(amount, str):
        return ""
    return text(language, "finding.at_stake", kwh=figures.energy(abs(amount), told.unit))


def _since(told: Told, language: str) -> str:
    start = figures.moment(told.start_ms, told.zone, language)
    if told.is_open:
        return text(language, "finding.since", date=start)
    return text(language, "finding.span", start=start, end=figures.moment(told.end_ms, told.zone, language))


def _moment(key: str, ms: int | None, told: Told, language: str) -> str:
    """'' where nothing is known of it."""
    return "" if ms is None else text(language, key, date=figures.moment(ms, told.zone, language))


def _live(told: Told, language: str) -> str:
    if not told.confirmed:
        return text(language, "finding.unconfirmed")
    if told.first_kind in ("", told.kind):
        return ""
    row = table("findings").get(told.first_kind) or table("findings")["other"]
    return text(language, "finding.told_as", title=row["title"][language])


def _sure(confidence: float, language: str) -> str:
    level = "high" if confidence >= CERTAIN else "mid" if confidence >= LIKELY else "low"
    word = text(language, f"finding.sure_{level}")
    return text(language, "finding.sure", word=word, share=figures.percent(confidence))
