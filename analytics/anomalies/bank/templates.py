"""The bank: what each long fault does to a reading, turned round, so that it can be undone.

Strategy: one hypothesis per kind and size; the prior over sizes is broad and says what is worth telling at all, not
what a benchmark injects. Additive faults are undone in kWh hour by hour, as they hide more of a large load than of a
small one; factors are a constant of the logarithm. *Unlike* is no fault: a stretch in which the meter runs at another
level for reasons of its own; it competes for the same days, so that not all that is unusual becomes a fault.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.anomalies.bank.noise import Singles
from analytics.anomalies.bank.record import Bools, Floats, Ints, Record, blocked, quantile

LONG: Final = ("level_up", "night_on", "phase_loss", "time_shift", "drift")
UNLIKE: Final = "unlike"
NIGHT_H: Final = (20, 6)
"""A load left on is looked for from eight in the evening to six in the morning."""
LEVELS: Final = ((0.15, 0.1), (0.22, 0.2), (0.3, 0.25), (0.38, 0.2), (0.47, 0.15), (0.6, 0.1))
"""Shares of the mean, with their prior."""
NIGHTS: Final = ((0.3, 0.1), (0.42, 0.3), (0.55, 0.25), (0.7, 0.25), (0.9, 0.1))
"""Shares of the span between a quiet and a busy hour."""
PHASES: Final = ((0.62, 0.2), (2 / 3, 0.6), (0.72, 0.2))
"""Counted shares: a lost phase leaves two thirds where the load is even."""
SHIFTS_H: Final = (-6, -5, -4, -3, 3, 4, 5, 6)
MOST_SHIFT_H: Final = max(map(abs, SHIFTS_H))
FACTORS: Final = (0.8, 0.9, 1.12, 1.25)
SLOPES: Final = (0.2, 0.3, 0.4, 0.55)
"""How far a drift has come at its end."""
DRIFT_STEP: Final = 0.06
DRIFT_STEPS: Final = 9
"""Levels of a drift on its way, in logarithms."""
MOST_SPREADS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Template:
    """``size`` is a share of the mean (level), of the span (night), a counted share, or hours (shift)."""

    kind: str
    size: float
    prior: float


BANK: Final = (
    *(Template("level_up", s, p) for s, p in LEVELS),
    *(Template("night_on", s, p) for s, p in NIGHTS),
    *(Template("phase_loss", s, p) for s, p in PHASES),
    *(Template("time_shift", s, 1 / len(SHIFTS_H)) for s in SHIFTS_H),
    *(Template(UNLIKE, s, 1 / len(FACTORS)) for s in FACTORS),
)


FLAT: Final = tuple(row for row, t in enumerate(BANK) if t.kind in ("phase_loss", UNLIKE))
"""Rows of the bank that are a factor: a constant of the logarithm, which needs no hours."""
SHAPED: Final = tuple(row for row in range(len(BANK)) if row not in FLAT)


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """What sizes are shares of, in kWh: the ``mean`` hour and the ``span`` from the 10 % to the 75 % hour."""

    mean: float
    span: float


def scale_of(energy: Floats, past: Bools) -> Scale:
    """From a meter's own past, or from all of it where there is none."""
    known = np.isfinite(energy)
    values = energy[known & past] if (known & past).any() else energy[known]
    low, high = quantile(values, 0.1), quantile(values, 0.75)
    return Scale(float(values.mean()), high - low)


def night_hours(hour: Ints) -> Bools:
    return np.asarray((hour >= NIGHT_H[0]) | (hour < NIGHT_H[1]), bool)


def undone_cells(record: Record, meter: int, logs: Floats, rows: slice, wide: float) -> tuple[Singles, Singles]:
    """Cells (templates, days, blocks) of the log residual as it would be without each of the :data:`SHAPED` templates,
    and as it is (days, blocks), over ``rows``, which are whole days. ``logs`` (n) has sudden faults taken out (NaN);
    ``wide`` is the residual's spread."""
    most, size = np.float32(MOST_SPREADS * wide), scale_of(record.energy[meter], record.history)
    usual = record.usual[meter][rows].astype(np.float32)
    energy = np.where(np.isfinite(logs[rows]), record.energy[meter][rows], np.nan).astype(np.float32)
    night, floor = night_hours(record.hour[rows]).astype(np.float32), np.float32(record.floor[meter])
    apart = np.full(len(logs) + 2 * MOST_SHIFT_H, np.nan, np.float32)
    apart[MOST_SHIFT_H : MOST_SHIFT_H + len(logs)] = logs
    hours = np.empty((len(SHAPED) + 1, len(usual)), np.float32)
    hours[-1] = logs[rows]
    for at, t in enumerate(BANK[row] for row in SHAPED):
        if t.kind == "time_shift":  # what a late clock showed is further on
            first = rows.start + int(t.size) + MOST_SHIFT_H
            hours[at] = apart[first : first + len(usual)]
        else:
            extra = np.float32(t.size * (size.span if t.kind == "night_on" else size.mean))
            _less(energy, extra * night if t.kind == "night_on" else extra, floor, hours[at])
    hours -= usual
    cells = blocked(np.clip(hours, -most, most, out=hours), 0, len(usual) // 24)
    return cells[:-1], cells[-1]


def _less(energy: Singles, extra: Singles | np.float32, floor: np.float32, out: Singles) -> None:
    """Logarithm of the energy without an extra load."""
    np.subtract(energy, extra, out=out)
    np.maximum(out, 0, out=out)
    out += floor
    np.log(out, out=out)
