"""Which readings a full outbox may forget: pure masks over the columns of one series.

A register counts on, so its differences telescope: whatever stands between two kept readings can go without losing a
unit of energy, only its time is known less well. Kept are, for each boundary of the grid, the last reading before it
and the first at or after it (the one before is not needed where one lies on the boundary itself), the first and the
last of the column, and both sides of every fall (a reset or a rollover inside an interval would lose what was counted
before it).
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from submeter.wire import senml
from submeter.words import QUANTITIES, Block, Bug, Kind, Readings, Series

LEVELS: Final = (1, 2, 3)
"""1: an hourly reading of each gauge · 2: registers at quarter-hour boundaries · 3: registers hourly, no gauges"""
QUARTER_MS: Final = 900_000
HOUR_MS: Final = 3_600_000


def keep_register(times_ms: NDArray[np.int64], micro: NDArray[np.int64], step_ms: int) -> NDArray[np.bool_]:
    """Mask of the readings of a register that stay. Times rise strictly; boundaries are multiples of ``step_ms``."""
    keep = np.zeros(len(times_ms), np.bool_)
    if not len(keep):
        return keep
    keep[[0, -1]] = True
    crossed = np.diff(times_ms // step_ms)
    falls = np.diff(micro) < 0
    onto = (crossed == 1) & (times_ms[1:] % step_ms == 0)
    keep[1:] |= (crossed > 0) | falls
    keep[:-1] |= ((crossed > 0) & ~onto) | falls
    return keep


def keep_gauge(times_ms: NDArray[np.int64], step_ms: int) -> NDArray[np.bool_]:
    """Mask of the first reading of a gauge in each interval of the grid."""
    keep = np.ones(len(times_ms), np.bool_)
    keep[1:] = np.diff(times_ms // step_ms) > 0
    return keep


def is_register(series: Series) -> bool:
    return QUANTITIES[series.quantity].kind is Kind.REGISTER


def thin(building: str, payloads: Iterable[bytes], level: int) -> tuple[list[Block], int]:
    """Packs of one building merged and thinned to a level, one block a series; and how many readings went."""
    parts: dict[Series, list[senml.Run]] = {}
    for payload in payloads:
        for run in senml.runs(senml.decode(payload)):
            parts.setdefault(_series(building, run.name), []).append(run)
    whole = [_merge(series, runs) for series, runs in parts.items()]
    kept = [block for block in (_thin(block, level) for block in whole) if len(block.readings)]
    return kept, sum(len(b.readings) for b in whole) - sum(len(b.readings) for b in kept)


def _series(building: str, name: str) -> Series:
    local, _, rest = name.partition("/")
    device, _, quantity = rest.rpartition("/")
    return Series(f"{building}/{local}", device, quantity)


def _merge(series: Series, runs: Sequence[senml.Run]) -> Block:
    times = np.concatenate([run.times_ms for run in runs])
    micro, fits = senml.to_micros(np.concatenate([run.values for run in runs]))
    if not fits.all():
        raise Bug(f"outbox: a pack of {series} holds what this gateway never writes")
    order = np.argsort(times, kind="stable")
    return Block(series, Readings.of(times[order], micro[order]))


def _thin(block: Block, level: int) -> Block:
    times, micro = block.readings.times.view(np.int64), block.readings.micro
    keep = np.ones(len(times), np.bool_)
    if is_register(block.series):
        if level > 1:
            keep = keep_register(times, micro, QUARTER_MS if level == 2 else HOUR_MS)
    else:
        keep = keep_gauge(times, HOUR_MS) & (level < 3)
    return Block(block.series, Readings(block.readings.times[keep], micro[keep]))
