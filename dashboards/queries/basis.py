"""What "to be expected" rests on: the baseline of the building's main meter, as analytics left it in the store."""

from dataclasses import dataclass

from dashboards.queries.reader import Reader
from submeter.words import Baseline


@dataclass(frozen=True, slots=True)
class Basis:
    """``hours`` it was fitted on; ``cvrmse`` of them, and ``oos_cvrmse`` of hours foretold from what lay before (shares
    of the mean hour; None = too little to tell). ``simpler`` is a code of the catalogue's [simpler], '' = the hourly
    model; ``refused`` one of [refusals], '' = there is a model; ``facts`` their numbers."""

    building: str
    point: str
    hours: int
    cvrmse: float
    oos_cvrmse: float | None
    simpler: str
    refused: str
    facts: dict[str, float]


def basis(reader: Reader, building: str) -> Basis | None:
    """None where there is no main meter or no study yet. Raises KeyError for a building that is not there."""
    main = reader.portfolio.main_of(reader.building(building).id)
    told = [b for b in reader.entries(Baseline, building, 60.0) if main is not None and b.point == main.id]
    if not told:
        return None
    model = max(told, key=lambda b: b.end_ms)
    return Basis(
        building, model.point, model.n, model.cvrmse, model.oos_cvrmse, model.simpler, model.refused, dict(model.facts)
    )
