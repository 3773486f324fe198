"""What the bank looks at: the hours of a site's meters, what is usual in each, and what many meters had in common.

Strategy: everything multiplicative, in logarithms. A floor of a few percent of the meter's mean is added before the
logarithm, so that an hour of zero stays a number. What is usual is fitted by :func:`analytics.baseline.regress` on
history and examined hours together: looking back, both sides of a fault are known, and robust weights keep most of it
out. What the median of the other meters shows at the same time (school holidays, a storm) is then taken out as far as
this meter has gone along with it before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from analytics.baseline import SHARED_SHARE, linear, regress, robust
from analytics.design import Design

Floats = NDArray[np.float64]
Number = TypeVar("Number", np.float32, np.float64)
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

FLOOR: Final = 0.03
"""Share of the mean that is added before the logarithm."""
BLOCK_H: Final = 4
BLOCKS: Final = 24 // BLOCK_H
LEAST_PEERS: Final = 5
PASSES: Final = 3
MOST_SPREADS: Final = 10.0
HUBER: Final = 1.5
MANY: Final = 4000
EVERY: Final = 5
"""has no factor in common with a day's hours"""
SHRINK_DAYS: Final = 20.0
"""Prior weight, in days, of following the others not at all."""


@dataclass(frozen=True, eq=False)
class Record:
    """``energy`` (meters, n) kWh, NaN = unknown, times ``sign`` (meters): −1 where a meter counts below zero · ``logs``
    (meters, n) logarithm of energy plus ``floor`` (meters), ``usual`` (meters, n) of what is usual plus floor ·
    ``hour`` 0…23 and ``working`` of the local clock (n) · ``history`` (n) hours that are known to be the meter's own
    past; the ``examined`` ones (n) are told about."""

    names: tuple[str, ...]
    hour: Ints
    working: Bools
    energy: Floats
    sign: Floats
    logs: Floats
    floor: Floats
    usual: Floats
    history: Bools
    examined: Bools

    @cached_property
    def span(self) -> slice:
        """Rows from the first to the last examined hour."""
        rows = np.flatnonzero(self.examined)
        return slice(int(rows[0]), int(rows[-1]) + 1) if len(rows) else slice(0, 0)

    @cached_property
    def residual(self) -> Floats:
        """``logs`` − ``usual`` (meters, n), NaN where unknown."""
        return np.asarray(self.logs - self.usual, float)

    def expected(self, meter: int) -> Floats:
        """kWh that would be usual in each hour, at least a fifth of the floor."""
        return np.asarray(np.maximum(np.exp(self.usual[meter]) - self.floor[meter], 0.2 * self.floor[meter]), float)


def recorded(
    names: Sequence[str], energy: Floats, designs: Sequence[Design], history: Bools, examined: Bools
) -> Record:
    """The record of meters: ``energy`` (meters, n) as it is counted; ``designs`` one a meter, all on the same hours."""
    sign = np.where((energy < 0).sum(axis=1) > (energy > 0).sum(axis=1), -1.0, 1.0)
    energy = energy * sign[:, None]
    floor = FLOOR * _means(energy, history)
    logs = logs_of(energy, floor)
    usual = np.empty_like(energy)
    share = np.isfinite(energy).mean(axis=1)
    usual[share == 0] = np.log(floor[share == 0])[:, None]
    whole = share > SHARED_SHARE
    for on in {id(d): d for d in designs}.values():
        rows = np.array([k for k, d in enumerate(designs) if d is on])
        together = rows[whole[rows]]
        if len(together):
            usual[together] = robust(on, on.even, logs[together], passes=PASSES)[1]
        for row in rows[~whole[rows] & (share[rows] > 0)]:
            usual[row] = linear(on, regress(on, logs[row])[0])
    on = designs[0]
    return Record(tuple(names), on.hour, on.working, energy, sign, logs, floor, usual, history, examined)


def logs_of(energy: Floats, floor: Floats) -> Floats:
    """Logarithm of energy (meters, n) plus a floor (meters), NaN where unknown."""
    shown = np.maximum(energy, 0)
    shown += floor[:, None]
    return np.asarray(np.log(shown, out=shown), float)


def _means(energy: Floats, history: Bools) -> Floats:
    """Mean of each meter's own past (meters), of all of it where it has none, and never nothing."""
    known = np.isfinite(energy)
    past = np.asarray(known & history)
    known[past.any(axis=1)] &= history
    total = np.where(known, energy, 0.0).sum(axis=1)
    return np.asarray(np.maximum(total / np.maximum(known.sum(axis=1), 1), 1e-9), float)


def first_midnight(hour: Ints) -> int:
    """Row at which the first whole local day begins, the end where none does."""
    return int(np.argmax(hour == 0)) if np.any(hour == 0) else len(hour)


def spread(values: Floats) -> float:
    """Robust scale about zero (1.4826 · median |value|), NaN left out; of many values every fifth is enough."""
    some = values[::EVERY] if values.ndim == 1 and len(values) > MANY else values
    known = np.abs(some[np.isfinite(some)])
    return 1.4826 * median(known) if len(known) else 0.0


def median(values: NDArray[Number]) -> float:
    """The median of at least one value (n), without NaN; np.median's checks take longer than its work."""
    half = len(values) // 2
    order = np.partition(values, half)
    return float(order[half]) if len(values) % 2 else float(order[:half].max() + order[half]) / 2


def medians(values: NDArray[Number]) -> Floats:
    """The median over the last axis, NaN left out; NaN where all are."""
    order = np.sort(values, axis=-1)  # NaN last
    count = np.isfinite(order).sum(axis=-1)
    ranks = np.stack([np.maximum(count - 1, 0) // 2, np.minimum(count // 2, values.shape[-1] - 1)], axis=-1)
    return np.asarray(np.take_along_axis(order, ranks, axis=-1).mean(axis=-1), float)


def quantile(values: NDArray[Number], share: float) -> float:
    """The quantile of at least one value (n), without NaN, on a straight line between ranks (as np.quantile)."""
    at = share * (len(values) - 1)
    low = int(at)
    order = np.partition(values, low)
    if at == low:
        return float(order[low])
    return float(order[low] + (at - low) * (order[low + 1 :].min() - order[low]))


def blocked(values: NDArray[Number], begin: int, days: int) -> NDArray[Number]:
    """Means of blocks of :data:`BLOCK_H` hours (…, days, blocks), NaN where more than half of one is unknown."""
    part = values[..., begin : begin + days * 24]
    mean = part[..., ::BLOCK_H].copy()
    for k in range(1, BLOCK_H):
        mean += part[..., k::BLOCK_H]
    mean /= BLOCK_H
    some = np.isnan(mean)
    if some.any():
        hours = part.reshape(*mean.shape, BLOCK_H)[some]
        known = np.isfinite(hours)
        total, count = np.where(known, hours, 0).sum(axis=-1), known.sum(axis=-1)
        mean[some] = np.where(count >= BLOCK_H / 2, total / np.maximum(count, 1), np.nan)
    return np.asarray(mean.reshape(*part.shape[:-1], days, BLOCKS), values.dtype)


def without_common(record: Record, spoilt: Bools) -> tuple[Record, Floats]:
    """The record with what meters have in common moved into ``usual``, and its cells: log residuals (meters, days,
    blocks) of whole days, NaN = unknown. ``spoilt`` (meters, n) hours tell nothing.

    Each meter goes along with the median of the others by a loading of its own per block of the day, robust and
    shrunk towards none; in a site of fewer than six meters nobody does.
    """
    begin = first_midnight(record.hour)
    days = (len(record.hour) - begin) // 24
    cells = np.empty((len(record.names), days, BLOCKS))
    for meter in range(len(record.names)):
        residual = np.where(spoilt[meter], np.nan, record.residual[meter])
        most = MOST_SPREADS * spread(residual)
        cells[meter] = blocked(np.clip(residual, -most, most), begin, days)
    if len(record.names) <= LEAST_PEERS:
        return record, cells
    scale = np.array([max(spread(c), 1e-6) for c in cells])[:, None, None]
    usual = record.usual.copy()
    for meter, common in enumerate(medians_of_others(cells / scale)):
        along = loading(cells[meter] / scale[meter], common) * common * scale[meter]
        usual[meter, begin : begin + days * 24] += np.repeat(along.ravel(), BLOCK_H)
        cells[meter] -= along
    return replace(record, usual=usual), cells


def medians_of_others(cells: Floats) -> Floats:
    """(meters, days, blocks): the median over all meters but this one.

    Taking one out moves the median by half a rank at most, so one sort serves all meters.
    """
    flat = cells.reshape(len(cells), -1)
    order = np.sort(flat, axis=0)  # NaN last
    count = np.isfinite(order).sum(axis=0) - np.isfinite(flat)
    below = (flat <= _at(order, (count - 1) // 2)) & np.isfinite(flat)
    low = _at(order, (count - 1) // 2 + below)
    below = (flat <= _at(order, count // 2)) & np.isfinite(flat)
    high = _at(order, count // 2 + below)
    return np.asarray(np.nan_to_num((low + high) / 2).reshape(cells.shape), float)


def _at(order: Floats, rank: NDArray[np.intp]) -> Floats:
    """The value of each rank in each column of sorted rows."""
    return np.asarray(np.take_along_axis(order, np.clip(rank, 0, len(order) - 1), axis=0), float)


def loading(own: Floats, common: Floats) -> Floats:
    """How far a meter goes along with the others, per block (blocks), 0 … 1.5, by robust ridge; both (days, blocks)."""
    y, x = np.ascontiguousarray(own.T), np.ascontiguousarray(common.T)
    known = np.isfinite(y)
    y, xx = np.where(known, y, 0.0), x * x
    along = np.full((len(y), 1), 0.5)
    for _ in range(4):
        error = np.abs(y - along * x)
        edge = HUBER * 1.4826 * np.array([[median(row)] for row in error])
        weight = known * np.minimum(edge / np.maximum(error, 1e-9), 1)
        along = ((weight * x * y).sum(axis=1) / ((weight * xx).sum(axis=1) + SHRINK_DAYS))[:, None]
    return np.asarray(np.clip(along[:, 0], 0, 1.5), float)
