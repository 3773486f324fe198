"""A pack on its way through intake: rows in the shape that stores want, and a tally that becomes the receipt."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from collector.intake.reasons import Reason
from collector.intake.rules import Refused, Rows, show_time
from submeter.wire.receipt import Receipt, Rejected
from submeter.wire.senml import Run, decimal
from submeter.words import QUANTITIES, Block, Readings, Series

LISTED: Final = 100
"""rejected records that a receipt lists at most"""


@dataclass(frozen=True, slots=True, eq=False)
class Lot:
    """Rows of one series of one pack, times ascending and unique: a block, and where each row stood in the pack."""

    block: Block
    index: NDArray[np.intp]

    @property
    def span(self) -> tuple[str, int, int]:
        """(point, start, end) as the change feed wants it: half-open."""
        times = self.block.readings.times.view(np.int64)
        return self.block.series.point, int(times[0]), int(times[-1]) + 1


@dataclass(slots=True)
class Tally:
    """What became of a pack's records, each counted once."""

    stored: int = 0
    again: int = 0
    held: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)
    rejected: list[Rejected] = field(default_factory=list)

    def refuse(self, refused: Refused) -> None:
        self.reasons[refused.reason] += len(refused.run.index)
        self.rejected.extend(Rejected(i, refused.reason, refused.text) for i in refused.run.index[:LISTED].tolist())

    def refuse_one(self, record: int, reason: Reason, text: str) -> None:
        """One record by its position, -1 = the whole pack."""
        self.reasons[reason] += 1
        if len(self.rejected) < 10 * LISTED:
            self.rejected.append(Rejected(record, reason, text))

    @property
    def receipt(self) -> Receipt:
        return Receipt(
            stored=self.stored,
            again=self.again,
            held=self.held,
            quarantined=self.reasons.total(),
            rejected=tuple(sorted(self.rejected, key=lambda r: r.record)[:LISTED]),
        )


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
        lots.append(Lot(Block(whole.series, Readings.of(whole.times_ms, whole.micro)), whole.index))
    return lots, again, refused


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
    point, device, quantity = rows.series
    unit = QUANTITIES[quantity].unit
    run = Run(f"{point.partition('/')[2]}/{device}/{quantity}", unit, rows.times_ms, rows.micro / 1e6, rows.index)
    text = (
        f"{point}, device {device}, {quantity}: {decimal(int(rows.micro[0]))} {unit} at "
        f"{show_time(int(rows.times_ms[0]))}, but another value stands {where}, and stays; look for two publishers "
        "with one serial, or a clock that was set back"
    )
    return Refused(Reason.CONFLICT, text, run, point)


def contradicted(lot: Lot, rows: NDArray[np.intp], where: str = "in the store") -> Refused:
    """The rows of a lot that a store named as conflicts."""
    readings = lot.block.readings
    times = readings.times.view(np.int64)
    return contradiction(Rows(lot.block.series, times[rows], readings.micro[rows], lot.index[rows]), where)
