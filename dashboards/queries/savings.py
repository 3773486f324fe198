"""Did the retrofit pay? Baseline against actual and cumulative avoided energy, as analytics left them in the store."""

from dataclasses import dataclass

from dashboards.queries.reader import Reader
from submeter.words import Measure, Saving


@dataclass(frozen=True, slots=True)
class Event:
    """A non-routine event: from ``since`` on the level is higher by ``share`` of what is expected."""

    since: str
    share: float
    kwh_a_day: float
    explained: bool


@dataclass(frozen=True, slots=True)
class SavingView:
    """``verdict``: saved, more (uses more than before), unclear (not distinguishable from zero), refused, waiting.

    ``refused`` is a code of the catalogue's [refusals], ``simpler`` one of [simpler] ('' = its baseline is the hourly
    model), ``facts`` the numbers of either. Energies in kWh since ``start``; the band is at ``confidence``, and its
    drift of use was learned from ``drift_years`` unchanged meter-years (0 = stated prior). Lists are daily;
    ``avoided``, ``low`` and ``high`` are cumulative.
    """

    measure: str
    building: str
    building_name: str
    building_name_zh: str
    name: str
    name_zh: str
    start: str
    works_start: str
    points: list[str]
    verdict: str
    refused: str
    simpler: str
    facts: dict[str, float]
    actual_kwh: float | None
    expected_kwh: float | None
    avoided_kwh: float | None
    low_kwh: float | None
    high_kwh: float | None
    share: float | None
    confidence: float | None
    completeness: float | None
    withheld: bool
    avoided_yuan: float | None
    low_yuan: float | None
    high_yuan: float | None
    avoided_kg: float | None
    low_kg: float | None
    high_kg: float | None
    drift_years: int | None
    guideline_kwh: float | None
    normalised_kwh: float | None
    normalised_low_kwh: float | None
    normalised_high_kwh: float | None
    gate: list[str]
    events: list[Event]
    cvrmse: float | None
    nmbe: float | None
    end_ms: int | None
    days: list[str]
    avoided: list[float]
    low: list[float]
    high: list[float]
    actual_daily: list[float]
    expected_daily: list[float]


def savings(reader: Reader, building: str | None = None) -> list[SavingView]:
    """One for each measure, also for those that wait for their numbers."""
    told = {s.measure: s for s in reader.entries(Saving, building)}
    measures = [m for m in reader.portfolio.measures.values() if building in (None, m.building)]
    return [_view(reader, m, told.get(m.id)) for m in measures]


def verdict(saving: Saving | None, limit: float) -> str:
    if saving is None or (saving.completeness < limit and not saving.refused):
        return "waiting"
    if saving.refused:
        return "refused"
    if not saving.distinguishable:
        return "unclear"
    return "saved" if saving.low_kwh > 0 else "more"


def _view(reader: Reader, measure: Measure, told: Saving | None) -> SavingView:
    at = reader.portfolio.buildings.get(measure.building)
    word = verdict(told, reader.limit)
    shown = told if told is not None and word not in ("refused", "waiting") else None
    return SavingView(
        measure=measure.id,
        building=measure.building,
        building_name=at.name if at else measure.building,
        building_name_zh=(at.name_zh or at.name) if at else measure.building,
        name=measure.name,
        name_zh=measure.name_zh or measure.name,
        start=measure.start,
        works_start=measure.works_start,
        points=list(measure.points),
        verdict=word,
        refused=told.refused if told else "",
        simpler=shown.simpler if shown else "",
        facts=dict(told.facts) if told else {},
        actual_kwh=shown.actual_kwh if shown else None,
        expected_kwh=shown.expected_kwh if shown else None,
        avoided_kwh=shown.avoided_kwh if shown else None,
        low_kwh=shown.low_kwh if shown else None,
        high_kwh=shown.high_kwh if shown else None,
        share=shown.avoided_kwh / shown.expected_kwh if shown and shown.expected_kwh else None,
        confidence=shown.confidence if shown else None,
        completeness=told.completeness if told else None,
        withheld=told is not None and not told.refused and word == "waiting",
        avoided_yuan=shown.avoided_yuan if shown else None,
        low_yuan=shown.low_yuan if shown else None,
        high_yuan=shown.high_yuan if shown else None,
        avoided_kg=shown.avoided_kg if shown else None,
        low_kg=shown.low_kg if shown else None,
        high_kg=shown.high_kg if shown else None,
        drift_years=shown.drift_years if shown else None,
        guideline_kwh=shown.guideline_kwh if shown else None,
        normalised_kwh=shown.normalised_kwh if shown else None,
        normalised_low_kwh=shown.normalised_low_kwh if shown else None,
        normalised_high_kwh=shown.normalised_high_kwh if shown else None,
        gate=list(shown.gate) if shown else [],
        events=[Event(e.since, e.share, e.kwh_a_day, e.explained) for e in shown.events] if shown else [],
        cvrmse=told.cvrmse if told else None,
        nmbe=told.nmbe if told else None,
        end_ms=told.end_ms if told else None,
        days=list(shown.days) if shown else [],
        avoided=list(shown.avoided) if shown else [],
        low=list(shown.low) if shown else [],
        high=list(shown.high) if shown else [],
        actual_daily=list(shown.actual_daily) if shown else [],
        expected_daily=list(shown.expected_daily) if shown else [],
    )
