"""What a register says of itself: readings that it takes back, and a register that runs backwards.

Strategy: look at falls only. A register falls when it rolls over or is reset, after a reading that was too high, at
one that is too low, or hour after hour because it counts backwards (two transformers the wrong way round). Readings
are raw, before the ratio, and are never changed here.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

MOST_READINGS: Final = 4
"""A longer excursion is not a glitch."""
BACKWARDS_FALLS: Final = 8
"""Falls within :data:`BACKWARDS_GAP_MS` of each other that make a register that runs backwards."""
BACKWARDS_GAP_MS: Final = 12 * 3_600_000
HALF: Final = 0.5


@dataclass(frozen=True, slots=True)
class Glitch:
    """Readings at [start_ms, end_ms] were taken back; ``jump`` in micro-units of the register, + = too high."""

    start_ms: int
    end_ms: int
    readings: int
    jump: int


@dataclass(frozen=True, slots=True)
class Backwards:
    """The register fell by ``fall`` micro-units from start to end."""

    start_ms: int
    end_ms: int
    fall: int


def glitches(times_ms: Ints, micro: Ints, modulus: int) -> list[Glitch]:
    """Excursions of at most :data:`MOST_READINGS` readings that the register takes back."""
    found = []
    for row in np.flatnonzero(np.diff(micro) < 0).tolist():
        glitch = _glitch(times_ms, micro, row, modulus)
        if glitch is not None:
            found.append(glitch)
    return found


def _glitch(times_ms: Ints, micro: Ints, row: int, modulus: int) -> Glitch | None:
    """The fall is from ``row`` to the next: were the last readings too high, or are the next ones too low?

    Neither, if the register falls on afterwards, or fell before.
    """
    falls_on = row + 2 < len(micro) and micro[row + 2] < micro[row + 1]
    fell = row > 0 and micro[row] < micro[row - 1]
    for k in range(1, MOST_READINGS + 1):
        before, after = row - k, row + 1 + k
        if not falls_on and before >= 0 and micro[row + 1] >= micro[before]:
            height = int(micro[before + 1 : row + 1].max() - micro[row + 1])
            return Glitch(int(times_ms[before + 1]), int(times_ms[row]), k, height)
        if not fell and after < len(micro) and 0 <= micro[after] - micro[row] < HALF * modulus:
            depth = int(micro[row + 1 : after].min() - micro[row])
            return Glitch(int(times_ms[row + 1]), int(times_ms[after - 1]), k, depth)
    return None


def backwards(times_ms: Ints, micro: Ints, modulus: int) -> list[Backwards]:
    """Stretches in which the register falls again and again without being taken back."""
    step = np.diff(micro)
    falls = np.flatnonzero((step < 0) & (step > -HALF * modulus))
    falls = falls[~_near_glitch(times_ms[falls + 1], glitches(times_ms, micro, modulus))]
    if not len(falls):
        return []
    cut = np.flatnonzero(np.diff(times_ms[falls]) > BACKWARDS_GAP_MS) + 1
    groups = [g for g in np.split(falls, cut) if len(g) >= BACKWARDS_FALLS]
    return [
        Backwards(int(times_ms[g[0]]), int(times_ms[g[-1] + 1]), int(micro[g[0]] - micro[g[-1] + 1])) for g in groups
    ]


def _near_glitch(times_ms: Ints, found: list[Glitch]) -> NDArray[np.bool_]:
    """Times at or right after a glitch."""
    near = np.zeros(len(times_ms), bool)
    for g in found:
        near |= (times_ms >= g.start_ms) & (times_ms <= g.end_ms + 3_600_000)
    return near
