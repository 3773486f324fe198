"""Intervals in a table: each number with how it is known beside it, in words that need no other table."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from submeter.files.readings import decimal
from submeter.files.times import show_times
from submeter.words import QUANTITIES, Flag, Intervals, Known, Method

HEADER: Final = (
    "point", "quantity", "resolution", "start", "end", "value", "unit", "known", "method", "flags", "revision", "zone",
)  # fmt: skip
UNITS: Final = {"cost": "yuan", "carbon": "kg"}


def written(
    named: tuple[str, str, str], rows: Intervals, ends: NDArray[np.datetime64], zone: str, *, as_text: bool
) -> dict[str, Any]:
    """Rows of one column (point, quantity, resolution) as columns of :data:`HEADER`; a missing value is empty."""
    point, quantity, resolution = named
    count = len(rows)
    unit = QUANTITIES[quantity].unit if quantity in QUANTITIES else UNITS.get(quantity, "kWh")
    return {
        "point": [point] * count,
        "quantity": [quantity] * count,
        "resolution": [resolution] * count,
        "start": _times(rows.start, zone, as_text=as_text),
        "end": _times(ends, zone, as_text=as_text),
        "value": _values(rows, as_text=as_text),
        "unit": [unit] * count,
        "known": [Known(each).name.lower() for each in rows.known.tolist()],
        "method": [Method(each).name.lower() for each in rows.method.tolist()],
        "flags": [flag_names(each) for each in rows.flags.tolist()],
        "revision": rows.revision.tolist(),
        "zone": [zone] * count,
    }


def _times(instants: NDArray[np.datetime64], zone: str, *, as_text: bool) -> Any:
    ms = instants.astype("datetime64[ms]")
    return show_times(ms.astype(np.int64), zone) if as_text else ms


def _values(rows: Intervals, *, as_text: bool) -> list[Any]:
    known = rows.known.tolist()
    if as_text:
        return [decimal(micro) if there else "" for micro, there in zip(rows.micro.tolist(), known, strict=True)]
    return [micro / 1e6 if there else None for micro, there in zip(rows.micro.tolist(), known, strict=True)]


def flag_names(flags: int) -> str:
    """Flags by name, separated by spaces.

    >>> flag_names(5), flag_names(0)
    ('suspect rollover', '')
    """
    return " ".join(each.name.lower() for each in Flag if each.value and flags & each.value and each.name)
