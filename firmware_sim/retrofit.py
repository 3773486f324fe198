"""A retrofit as an effect on loads: from a local date on, everything below a point uses less by a true share."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np

from firmware_sim.calendar import Grid
from firmware_sim.loads import Drive, EndUse, Row
from firmware_sim.scenario import Scenario
from submeter.words import ConfigError, Measure, Portfolio


@dataclass(frozen=True, slots=True)
class Retrofitting:
    """Works bring the saving in, evenly, between ``works_ms`` and ``start_ms``."""

    measure: str
    point: str
    works_ms: int
    start_ms: int
    share: float

    def redrive(self, use: EndUse, drive: Drive, grid: Grid) -> Drive:
        return drive

    def reload(self, use: EndUse, power: Row, grid: Grid) -> Row:
        works, start = grid.position(self.works_ms), grid.position(self.start_ms)
        done = np.zeros(grid.count)
        done[works:start] = np.linspace(0, 1, start - works, endpoint=False)
        done[start:] = 1
        return power * (1 - self.share * done)


def retrofits(portfolio: Portfolio, scenario: Scenario) -> tuple[Retrofitting, ...]:
    """The scenario's retrofits on the portfolio's measures; those of buildings that are not there are left out.

    Raises :class:`ConfigError` for a point that does not exist.
    """
    out = []
    for retrofit in scenario.retrofits:
        measure = portfolio.measures.get(retrofit.measure)
        if measure is None:
            continue
        point = f"{measure.building}/{retrofit.point}"
        if point not in portfolio.points:
            raise ConfigError(f"scenario: retrofit {retrofit.measure}: no point {point}; name one of meters.csv")
        zone = ZoneInfo(portfolio.buildings[measure.building].zone)
        start = midnight_ms(measure.start, zone)
        works = midnight_ms(works_start(measure), zone)
        out.append(Retrofitting(measure.id, point, min(works, start), start, retrofit.saving))
    return tuple(out)


def works_start(measure: Measure) -> str:
    return measure.works_start or measure.start


def midnight_ms(day: str, zone: ZoneInfo) -> int:
    """Local midnight of an ISO date as milliseconds since 1970 UTC."""
    at = datetime.combine(date.fromisoformat(day), datetime.min.time(), tzinfo=zone)
    return round(at.timestamp() * 1000)
