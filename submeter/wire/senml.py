"""Packs of readings as SenML JSON (RFC 8428), there and back.

One pack carries one poll of a gateway's meters of one building, or many polls in a back-fill. A record's full name is
``<local point>/<device>/<quantity>``; the building comes from the topic. ``bver`` is 26 = 10 + 2**4: version 10 with the
feature *Secondary Units* (RFC 9100), which kWh needs. A run of records of one series repeats nothing:

    [{"bver":26,"bn":"main/SN1/energy_import","bt":1700000000,"bu":"kWh","v":317.76},{"t":900,"v":318.01}, …]

Pack-level facts are SenML extension labels of the first record: ``boot`` (id of the gateway's boot) and ``clock``
('synced' or 'restamped').
"""

import json
import math
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
import numpy as np

from submeter.words import MICRO, QUANTITIES, Block, PayloadError

BVER: Final = 26
MAX_PAYLOAD: Final = 1_000_000
"""bytes; a larger payload is quarantined unread"""


class Record(msgspec.Struct, omit_defaults=True):
    """A SenML record as it stands in a pack, base fields and all. Unknown labels are ignored, as the RFC says."""

    bver: int | None = None
    bn: str | None = None
    bt: float | None = None
    bu: str | None = None
    bv: float | None = None
    boot: str | None = None
    clock: str | None = None
    n: str | None = None
    u: str | None = None
    t: float | None = None
    v: float | None = None
    vs: str | None = None
    vb: bool | None = None


class Resolved(msgspec.Struct, omit_defaults=True):
    """A record with its base fields applied: what quarantine keeps. ``t`` in seconds since 1970."""

    n: str
    u: str
    t: float
    v: float | None = None


_decoder: Final = msgspec.json.Decoder(list[Record])
_encoder: Final = msgspec.json.Encoder()


def decimal(micro: int) -> str:
    """A count of micro-units as the shortest decimal of the unit.

    >>> decimal(317_760_000), decimal(-1), decimal(5_000_000)
    ('317.76', '-0.000001', '5')
    """
    whole, part = divmod(abs(micro), MICRO)
    text = f"{whole}.{part:06d}".rstrip("0").rstrip(".") if part else str(whole)
    return "-" + text if micro < 0 else text


def encode(blocks: Iterable[Block], *, boot: str = "", clock: str = "synced") -> bytes:
    """One pack of blocks that all belong to one building (the topic names it).

    Times are written as seconds relative to the block's first, exact to the millisecond.
    """
    parts: list[str] = []
    head = f'"bver":{BVER},"boot":{json.dumps(boot)},"clock":{json.dumps(clock)},' if boot else f'"bver":{BVER},'
    for block in blocks:
        series = block.series
        local = series.point.partition("/")[2]
        times = block.readings.times.view(np.int64)
        if not len(times):
            continue
        unit = QUANTITIES[series.quantity].unit
        base = int(times[0])
        values = block.readings.micro.tolist()
        parts.append(
            f'{{{head}"bn":"{local}/{series.device}/{series.quantity}","bt":{_seconds(base)},"bu":"{unit}",'
            f'"v":{decimal(values[0])}}}'
        )
        head = ""
        offsets = (times[1:] - base).tolist()
        parts.extend(
            f'{{"t":{_seconds(o)},"v":{decimal(v)}}}' for o, v in zip(offsets, values[1:], strict=True)
        )
    return ("[" + ",".join(parts) + "]").encode()


def _seconds(ms: int) -> str:
    whole, part = divmod(ms, 1000)
    return f"{whole}.{part:03d}" if part else str(whole)


def decode(payload: bytes) -> list[Record]:
    """The records of a pack as they stand. Raises :class:`PayloadError` with the place of the fault."""
    if len(payload) > MAX_PAYLOAD:
        raise PayloadError(
            f"payload of {len(payload):,} bytes is over the limit of {MAX_PAYLOAD:,}; send smaller packs"
        )
    try:
        return _decoder.decode(payload)
    except (msgspec.ValidationError, msgspec.DecodeError) as fault:
        raise PayloadError(f"payload is not a SenML JSON pack: {fault}") from None


def resolve(records: Iterable[Record]) -> Iterator[Resolved]:
    """Apply the base fields, record by record (RFC 8428, 4.6). Absent time is 0, which intake refuses."""
    name, time, unit, base_value = "", 0.0, "", 0.0
    for r in records:
        name = r.bn if r.bn is not None else name
        time = r.bt if r.bt is not None else time
        unit = r.bu if r.bu is not None else unit
        base_value = r.bv if r.bv is not None else base_value
        value = None if r.v is None else r.v + base_value
        yield Resolved(name + (r.n or ""), r.u or unit, time + (r.t or 0.0), value)


def to_micro(value: float) -> int | None:
    """A value of the wire in micro-units; None where it is not a finite number that fits."""
    return round(value * MICRO) if math.isfinite(value) and abs(value) < 9e12 else None
