"""A total never stands alone: beside it stand its completeness and how much of it is estimated.

Below the completeness limit it is withheld, and says so.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from submeter.words import Known


@dataclass(frozen=True, slots=True)
class Total:
    """``value`` in ``unit``, None when withheld (``withheld``) or when nothing was to be expected.

    ``completeness`` is the share of expected intervals that are known (measured or estimated), None for none expected;
    ``estimated`` the share of the known ones that are estimates; ``suspect`` that of the value which is suspect.
    """

    value: float | None
    unit: str
    completeness: float | None
    estimated: float
    withheld: bool
    start_ms: int = 0
    end_ms: int = 0
    suspect: float = 0.0
    expected: float | None = None
    """what would have been known if all had been, None where nobody can say"""


def total(
    value: NDArray[np.float64],
    known: NDArray[np.uint8],
    expected: NDArray[np.bool_],
    *,
    limit: float,
    unit: str = "kWh",
    start_ms: int = 0,
    end_ms: int = 0,
    suspect: NDArray[np.bool_] | None = None,
) -> Total:
    """Sum what is known among the expected intervals (arrays of one shape; NaN where missing)."""
    there = expected & (known > 0)
    wanted, have = int(expected.sum()), int(there.sum())
    completeness = have / wanted if wanted else None
    withheld = completeness is not None and completeness < limit
    doubtful = float(np.nansum(value[there & suspect])) if suspect is not None else 0.0
    return Total(
        value=float(np.nansum(value[there])) if wanted and not withheld else None,
        unit=unit,
        completeness=completeness,
        estimated=float((known[there] == Known.ESTIMATED).mean()) if have else 0.0,
        withheld=withheld,
        start_ms=start_ms,
        end_ms=end_ms,
        suspect=doubtful if not withheld else 0.0,
    )


def times(of: Total, factor: float | None, unit: str) -> Total | None:
    """The same total in another unit, as kWh/m² from kWh; None without a factor."""
    if factor is None:
        return None
    value = None if of.value is None else of.value * factor
    expected = None if of.expected is None else of.expected * factor
    return replace(of, value=value, unit=unit, suspect=of.suspect * factor, expected=expected)
