"""A state as bytes, so that it outlives a kill, and sleeps in half the room while nothing happens.

Strategy: MessagePack of the state's own fields, arrays as their bytes, deflated quickly (most of it is the window of
the past). What was written by another layout of the fields is not read: the state is then learnt anew from the ledger.
"""

import zlib
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from analytics.anomalies.live.watch import Feed, State

LAYOUT: Final = 1
"""raise it when a field of the state means something else than before"""
QUICK: Final = 1

Array = NDArray[Any]


def packed(state: State) -> bytes:
    return _packed((LAYOUT, state))


def unpacked(data: bytes) -> State | None:
    """None for what another version has written."""
    try:
        _, state = msgspec.msgpack.decode(zlib.decompress(data), type=tuple[int, State], dec_hook=_array, strict=True)
        layout: int = msgspec.msgpack.decode(zlib.decompress(data))[0]
    except (msgspec.MsgspecError, zlib.error):
        return None
    return state if layout == LAYOUT else None


def packed_feed(feed: Feed) -> bytes:
    return _packed(feed)


def unpacked_feed(data: bytes) -> Feed:
    return msgspec.msgpack.decode(zlib.decompress(data), type=Feed, dec_hook=_array)


def _packed(what: object) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(what, enc_hook=_plain), QUICK)


def _plain(what: object) -> object:
    if isinstance(what, np.ndarray):
        return what.dtype.str, what.shape, what.tobytes()
    if isinstance(what, np.generic):
        return what.item()
    raise NotImplementedError(f"a state holds no {type(what).__name__}")


def _array(_: type, told: tuple[str, list[int], bytes]) -> Array:
    dtype, shape, data = told
    return np.frombuffer(data, dtype).reshape(shape).copy()
