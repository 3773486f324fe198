"""Live polls between two boundaries: they move none, so they need not be settled one by one.

Readings that carry a meter's newest ones on within one quarter of an hour change nothing in the ledger, as long as no
judgement can turn on them: the register rose plausibly through the whole hold time before, under one device, nobody
corrected anything, and the readings come often enough for quarters. The next change looks back far enough to see them,
also after a kill; a meter that falls silent is swept. Whatever is not sure is settled.
"""

from dataclasses import dataclass

import numpy as np

from analytics.ledger.book import QUARTER_SPACING_MS, Settled
from analytics.ledger.meter import Meter
from analytics.ledger.unroll import HOLD_MS
from submeter.stores.port import Store
from submeter.words import Change

QUARTER_MS = 900_000
"""every boundary of every zone lies on one of these"""
_ENOUGH = 10
"""readings after which no spacing but theirs decides whether a day has quarters"""


@dataclass(frozen=True, slots=True)
class _Last:
    """A meter's newest reading, of which it is sure that nothing before it is doubtful."""

    meter: Meter
    time_ms: int


class Newest:
    """The newest reading of each point, where it is certain."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._settled: dict[str, int] = {}
        """newest reading of points of which all readings are accepted"""
        self._calm: dict[str, _Last] = {}

    def settled(self, settled: Settled) -> None:
        self._calm.pop(settled.point, None)
        if settled.last_ms is None:
            self._settled.pop(settled.point, None)
        else:
            self._settled[settled.point] = settled.last_ms

    def carries_on(self, change: Change, meter: Meter, *, corrected: bool) -> bool:
        """Whether a change only carries a point's newest readings on within one quarter, so that no boundary between
        readings moves, and nothing that was settled can look different in its light."""
        newest = self._settled.get(change.point)
        if newest is None or corrected or change.start_ms <= newest:
            return False
        if (change.end_ms - 1) // QUARTER_MS != newest // QUARTER_MS or not self._is_calm(meter, newest, change.end_ms):
            return False
        self._settled[change.point] = change.end_ms - 1
        self._calm[change.point] = _Last(meter, change.end_ms - 1)
        return True

    def _is_calm(self, meter: Meter, newest: int, end_ms: int) -> bool:
        known = self._calm.get(meter.point.id)
        goes_on = known is not None and known.meter == meter and known.time_ms == newest
        since_ms = newest if goes_on else newest - 2 * HOLD_MS
        segment = meter.segments[-1]
        if not segment.since_ms <= since_ms or end_ms > segment.until_ms:
            return False
        found = self._store.read_readings(segment.series, since_ms, end_ms)
        times, register = found.times.astype(np.int64), found.micro
        if len(times) < (2 if goes_on else _ENOUGH):
            return False
        spans, rises = np.diff(times), np.diff(register)
        counted = np.diff(segment.register.primary(register))
        return bool(
            (rises >= 0).all()
            and (counted <= segment.register.ceiling(spans)).all()
            and (spans[-_ENOUGH:] <= QUARTER_SPACING_MS).all()
        )
