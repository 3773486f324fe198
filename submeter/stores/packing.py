"""The stored form of a block of columns: int64 in as few bytes as they need, with a version in front.

A column is kept as ``base + unit × k``, where ``k`` is unsigned in 0, 1, 2, 4 or 8 bytes (frame of reference); a column
that rises (times, registers) is kept as its first value and its steps. A meter polled on the quarter hour so costs
nothing for its times and one or two bytes for each value, because the unit is the register's last digit. All
arithmetic is modulo 2**64, hence exact for every int64.
"""

import struct
import zlib
from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from submeter.words import StoreAway

VERSION = 1
_HEAD = struct.Struct("<BBI")  # version, deflated, rows
_COLUMN = struct.Struct("<BQQQ")  # width, first, base, unit
_DEFLATE_FROM = 1024
"""bytes; below it deflating costs more time than it saves room"""

_WIDTHS = {width: np.dtype(f"<u{width}") for width in (1, 2, 4, 8)}
Ints = NDArray[np.int64]


class Shape(IntEnum):
    """How a column is laid out before its numbers are narrowed."""

    LEVEL = 0
    """values as they are"""
    RISING = 1
    """first value and steps"""


def pack(columns: Sequence[NDArray[np.integer]], shapes: Sequence[Shape]) -> bytes:
    """One block of whole-number columns of equal length; those that rise are int64. ``shapes`` must be the same at
    :func:`unpack`."""
    rows = len(columns[0])
    body = b"".join([_pack_column(c, s) for c, s in zip(columns, shapes, strict=True)]) if rows else b""
    deflated = len(body) >= _DEFLATE_FROM
    return _HEAD.pack(VERSION, deflated, rows) + (zlib.compress(body, 1) if deflated else body)


def unpack(data: bytes, shapes: Sequence[Shape]) -> list[Ints]:
    """The columns of a block. Raises :class:`StoreAway` for a version that this program does not know."""
    version, deflated, rows = _HEAD.unpack_from(data)
    if version != VERSION:
        raise StoreAway(f"a stored block has version {version}, this program reads {VERSION}: install a newer submeter")
    if not rows:
        return [np.empty(0, np.int64) for _ in shapes]
    body = zlib.decompress(memoryview(data)[_HEAD.size :]) if deflated else memoryview(data)[_HEAD.size :]
    columns, at = [], 0
    for shape in shapes:
        column, at = _unpack_column(body, at, rows, shape)
        columns.append(column)
    return columns


def _pack_column(column: NDArray[np.integer], shape: Shape) -> bytes:
    first = int(column[0])
    values = column[1:] - column[:-1] if shape is Shape.RISING else column
    if not len(values):
        return _COLUMN.pack(0, first % 2**64, 0, 0)
    base, highest = int(np.minimum.reduce(values)), int(np.maximum.reduce(values))
    if base == highest:
        return _COLUMN.pack(0, first % 2**64, base % 2**64, 0)
    rest = (np.ascontiguousarray(values, np.int64) - base).view(np.uint64)
    unit = int(np.gcd.reduce(rest))
    counts = rest // np.uint64(unit) if unit > 1 else rest
    width = _width((highest - base) // unit)
    narrow: bytes = counts.astype(_WIDTHS[width]).tobytes()
    return _COLUMN.pack(width, first % 2**64, base % 2**64, unit) + narrow


def _width(highest: int) -> int:
    return 1 if highest < 2**8 else 2 if highest < 2**16 else 4 if highest < 2**32 else 8


def _unpack_column(body: bytes | memoryview, at: int, rows: int, shape: Shape) -> tuple[Ints, int]:
    width, first, base, unit = _COLUMN.unpack_from(body, at)
    at += _COLUMN.size
    values = np.empty(rows, np.uint64)
    target = values[1:] if shape is Shape.RISING else values
    if width:
        counts = np.frombuffer(body, _WIDTHS[width], len(target), at)
        np.multiply(counts, np.uint64(unit), out=target, casting="unsafe")
        if base:
            target += np.uint64(base)
    else:
        target.fill(base)
    if shape is Shape.RISING:
        values[0] = first
        np.add.accumulate(values, out=values)
    return values.view(np.int64), at + width * len(target)
