"""Lots: accepted rows in the shape that stores want, and what a store says about them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collector.intake.reasons import Reason
from collector.intake.rules import Refused, Rows, show_time
from submeter.wire.senml import Run, decimal
from submeter.words import QUANTITIES, Block, Readings, Series, Written


@dataclass(frozen=True, slots=True, eq=False)
class Lot:
    """Rows of one series of one pack, times ascending and unique: a block, and where each row stood in the pack."""

    block: Block
    index: NDArray[np.intp]
    start_ms: int
    end_ms: int
    """just after the last time"""

    @property
    def span(self) -> tuple[str, int, int]:
        """(point, start, end) as the change feed wants it: half-open."""
        return self.block.series.point, self.start_ms, self.end_ms


def arrange(rows: Sequence[Rows]) -> tuple[list[Lot], int, list[Refused]]:
    """Lots with ascending, unique times; how many rows said the same once more; what contradicts an earlier row."""
    by_series: dict[Series, list[Rows]] = {}
    for one in rows:
        by_series.setdefault(one.series, []).append(one)
    lots: list[Lot] = []
    again, refused = 0, []
    for parts in by_series.values():
        whole = parts[0] if len(parts) == 1 else _join(parts)
        times = whole.times_ms
        if len(times) > 1 and not (times[1:] > times[:-1]).all():
            whole, repeated, contradicted = _settle(whole)
            again += repeated
            if len(contradicted.index):
                refused.append(contradiction(contradicted, "earlier in the same pack"))
        lots.append(_lot(whole))
    return lots, again, refused


def _lot(rows: Rows) -> Lot:
    times = rows.times_ms
    return Lot(Block(rows.series, Readings.of(times, rows.micro)), rows.index, int(times[0]), int(times[-1]) + 1)


def _join(parts: Sequence[Rows]) -> Rows:
    order = np.argsort(np.concatenate([p.index for p in parts]), kind="stable")
    return Rows(
        parts[0].series,
        np.concatenate([p.times_ms for p in parts]),
        np.concatenate([p.micro for p in parts]),
        np.concatenate([p.index for p in parts]),
    ).take(order)


def _settle(rows: Rows) -> tuple[Rows, int, Rows]:
    """The first row of each time, how many later ones agree with it, and the later ones that do not."""
    ordered = rows.take(np.argsort(rows.times_ms, kind="stable"))
    fresh = np.concatenate(([True], ordered.times_ms[1:] != ordered.times_ms[:-1]))
    first = ordered.micro[np.flatnonzero(fresh)][np.cumsum(fresh) - 1]
    agrees = ordered.micro == first
    return ordered.take(fresh), int((~fresh & agrees).sum()), ordered.take(~fresh & ~agrees)


def contradiction(rows: Rows, where: str) -> Refused:
    """Rows whose identity stands with another value, ``where``."""
    text = (
        f"{_first_of(rows)}, but another value stands {where}, and stays; look for two publishers with one serial, "
        "or a clock that was set back"
    )
    return Refused(Reason.CONFLICT, text, _run_of(rows), rows.series.point)


def refused_by_store(lot: Lot, answer: Written) -> Iterator[Refused]:
    """What a store did not take of a lot: what contradicts it, and what it would not have at all."""
    if len(answer.conflicts):
        yield contradiction(_rows_of(lot, answer.conflicts), "in the store")
    if len(answer.refused):
        rows = _rows_of(lot, answer.refused)
        text = f"{_first_of(rows)}: the store refuses this reading whatever else it is sent; see the store's own log"
        yield Refused(Reason.REFUSED, text, _run_of(rows), rows.series.point)


def _rows_of(lot: Lot, positions: NDArray[np.intp]) -> Rows:
    readings = lot.block.readings
    times = readings.times.view(np.int64)
    return Rows(lot.block.series, times[positions], readings.micro[positions], lot.index[positions])


def _run_of(rows: Rows) -> Run:
    point, device, quantity = rows.series
    name = f"{point.partition('/')[2]}/{device}/{quantity}"
    return Run(name, QUANTITIES[quantity].unit, rows.times_ms, rows.micro / 1e6, rows.index)


def _first_of(rows: Rows) -> str:
    point, device, quantity = rows.series
    value = f"{decimal(int(rows.micro[0]))} {QUANTITIES[quantity].unit}"
    return f"{point}, device {device}, {quantity}: {value} at {show_time(int(rows.times_ms[0]))}"


class Spans:
    """Which times of which series a batch holds already: no two packs of a batch may speak of the same reading, so
    that the store's answer to each block is the truth about its pack."""

    def __init__(self) -> None:
        self._held: dict[Series, list[tuple[int, int]]] = {}

    def add(self, lots: Sequence[Lot]) -> bool:
        """False, and nothing added, where one overlaps."""
        for lot in lots:
            if any(lot.start_ms < b and a < lot.end_ms for a, b in self._held.get(lot.block.series, ())):
                return False
        for lot in lots:
            self._held.setdefault(lot.block.series, []).append((lot.start_ms, lot.end_ms))
        return True
