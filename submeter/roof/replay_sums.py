"""Yearly sums of a replayed building in the ledger, beside those of its file."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from firmware_sim.recording import in_recording, read_recording
from submeter.roof.place import Place
from submeter.roof.replay_folder import Replay
from submeter.stores import Column
from submeter.words import Flag, Resolution


@dataclass(frozen=True)
class YearSum:
    point: str
    year: int
    file_kwh: float
    ledger_kwh: float
    suspect_hours: int


def compare(place: Place, replay: Replay) -> list[YearSum]:
    """One row for each meter and local year of the file."""
    recording = read_recording(Path(replay.csv), replay.time_column, in_recording(replay.columns), replay.zone)
    starts = recording.times_ms.astype("datetime64[ms]").astype("datetime64[s]")
    zone = ZoneInfo(replay.zone)
    first, last = _year(starts[0], zone), _year(starts[-1], zone)
    store = place.store()
    rows = []
    try:
        for local, name in replay.columns.items():
            for year in range(first, last + 1):
                begin, end = _new_year(year, zone), _new_year(year + 1, zone)
                inside = (starts >= begin) & (starts < end)
                column = Column(f"{replay.building}/{local}", "energy_import", Resolution.HOUR)
                hours = store.read_intervals([column], begin, end)[0]
                rows.append(
                    YearSum(
                        column.point,
                        year,
                        float(np.nansum(recording.columns[name][inside])),
                        float(hours.micro[hours.known > 0].sum()) / 1e6,
                        int(((hours.flags & Flag.SUSPECT) > 0).sum()),
                    )
                )
    finally:
        store.close()
    return rows


def _year(instant: np.datetime64, zone: ZoneInfo) -> int:
    return datetime.fromtimestamp(int(instant.astype(np.int64)), UTC).astimezone(zone).year


def _new_year(year: int, zone: ZoneInfo) -> np.datetime64:
    return np.datetime64(int(datetime(year, 1, 1, tzinfo=zone).timestamp()), "s")
