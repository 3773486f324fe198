"""Packs of readings as SenML JSON (RFC 8428), there and back.

One pack carries one poll of a gateway's meters of one building, or many polls in a back-fill. A record's full name is
``<local point>/<device>/<quantity>``; the building comes from the topic. ``bver`` is 26 = 10 + 2**4: version 10 with
the feature *Secondary Units* (RFC 9100), which kWh needs. A run of records of one series repeats nothing:

    [{"bver":26,"bn":"main/SN1/energy_import","bt":1700000000,"bu":"kWh","v":317.76},{"t":900,"v":318.01}, …]

Pack-level facts are SenML extension labels of the first record: ``boot`` (id of the gateway's boot) and ``clock``
('synced' or 'restamped').
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from submeter.words import MICRO, QUANTITIES, Block, PayloadError

BVER: Final = 26
MAX_PAYLOAD: Final = 1_000_000
"""bytes; a larger payload is quarantined unread"""
VERSIONS: Final = (10, BVER)
"""10 is RFC 8428's; its packs differ from ours by no label"""
BASES: Final = ("bn", "bt", "bu", "bv")
RAW_LIMIT: Final = 4000
"""characters of an unreadable record that are kept"""
TIME_LIMIT_MS: Final = 1 << 52
_MUST_BE_UNDERSTOOD: Final = re.compile(rb'"([^"]*_)"\s*:')


class Record(msgspec.Struct, omit_defaults=True):
    """A SenML record as it stands in a pack, base fields and all. Unknown labels are ignored, as the RFC says.

    ``v`` None = the record has no number; an absent ``t`` is 0 (RFC 8428, 4.2).
    """

    bver: int | None = None
    bn: str | None = None
    bt: float | None = None
    bu: str | None = None
    bv: float | None = None
    boot: str | None = None
    clock: str | None = None
    n: str | None = None
    u: str | None = None
    t: float = 0.0
    v: float | None = None
    vs: str | None = None
    vb: bool | None = None


class BadRecord(msgspec.Struct, frozen=True):
    """A record that cannot be read, in the place of its :class:`Record`; the rest of the pack stands.

    ``raw`` is the record as JSON, ``text`` the sentence for an engineer. ``base`` holds those of its base fields that
    could be read: they hold for the records that follow.
    """

    index: int
    text: str
    raw: str
    base: Record


class Resolved(msgspec.Struct, omit_defaults=True):
    """A record with its base fields applied: what quarantine keeps. ``t`` in seconds since 1970."""

    n: str
    u: str
    t: float
    v: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """The records of one pack that share name and unit, as columns, in the order of the pack.

    ``times_ms`` int64, since 1970; 0 where the time is absent, not finite or out of all bounds · ``values`` float64 in
    ``unit``, NaN where the record has no number or says NaN · ``index`` intp, positions in the pack.
    """

    name: str
    unit: str
    times_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    index: NDArray[np.intp]


EXACT: Final = 10**15
_encoder: Final = msgspec.json.Encoder()
_decoder: Final[msgspec.json.Decoder[list[Record | BadRecord]]] = msgspec.json.Decoder(list[Record])


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

    Times are written as seconds relative to the block's first, exact to the millisecond; values are exact too.
    """
    parts: list[bytes] = []
    head = f'"bver":{BVER},"boot":{json.dumps(boot)},"clock":{json.dumps(clock)},' if boot else f'"bver":{BVER},'
    for block in blocks:
        if not len(block.readings):
            continue
        series, times = block.series, block.readings.times.view(np.int64)
        name = json.dumps(f"{series.point.partition('/')[2]}/{series.device}/{series.quantity}")
        unit = QUANTITIES[series.quantity].unit
        begin = f'{{{head}"bn":{name},"bt":{_seconds(int(times[0]))},"bu":"{unit}","v":'
        pieces = [begin.encode()] * (2 * len(times))
        pieces[2::2] = _offsets((times[1:] - times[0]).tobytes())
        pieces[1::2] = _decimals(block.readings.micro)
        parts.append(b"".join(pieces))
        head = ""
    return b"[" + b"},".join(parts) + b"}]" if parts else b"[]"


def _decimals(micro: NDArray[np.int64]) -> list[bytes]:
    """Each count as a decimal of the unit.

    Below 1e15 a count has at most 15 digits, so the shortest decimal that names the double nearest to it *is* it, and
    the encoder that writes doubles may do the work; :func:`decimal` does the rest.
    """
    if (micro > -EXACT).all() and (micro < EXACT).all():
        return _encoder.encode((micro / MICRO).tolist())[1:-1].split(b",")
    return [decimal(m).encode() for m in micro.tolist()]


@lru_cache(maxsize=64)
def _offsets(offsets_ms: bytes) -> list[bytes]:
    """What stands between two values. Meters that are polled together share their times: made once, used by all."""
    return [f'}},{{"t":{_seconds(ms)},"v":'.encode() for ms in np.frombuffer(offsets_ms, np.int64).tolist()]


def _seconds(ms: int) -> str:
    return decimal(ms * 1000) if ms % 1000 else str(ms // 1000)


def decode(payload: bytes) -> list[Record | BadRecord]:
    """The records of a pack as they stand; one that cannot be read is a :class:`BadRecord` in its place.

    Raises :class:`PayloadError` where the payload as a whole is too large, no JSON list, or of a version or with a
    label that must be understood and is not. NaN and Infinity, which JSON does not know, are read as numbers.
    """
    if len(payload) > MAX_PAYLOAD:
        raise PayloadError(
            f"payload of {len(payload):,} bytes is over the limit of {MAX_PAYLOAD:,}; send smaller packs"
        )
    if label := _MUST_BE_UNDERSTOOD.search(payload):
        raise PayloadError(f"label {label[1].decode(errors='replace')!r} must be understood (RFC 8428, 4.4) and is not")
    try:
        records = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        records = _salvage(payload, str(fault))
    if records and isinstance(first := records[0], Record) and first.bver not in (None, *VERSIONS):
        raise PayloadError(
            f"SenML version {first.bver} is not one of {VERSIONS}; send bver {BVER} (RFC 8428, RFC 9100)"
        )
    return records


def _salvage(payload: bytes, fault: str) -> list[Record | BadRecord]:
    """Record by record, where the fast decoder gave up. Slow, and for bad packs only."""
    try:
        items = json.loads(payload.decode())
    except (ValueError, RecursionError):
        raise PayloadError(f"payload is not JSON: {fault}") from None
    if not isinstance(items, list):
        raise PayloadError(f"payload is a JSON {type(items).__name__}; a SenML pack is a list of records")
    lost: dict[str, int] = {}
    return [_convert(index, item, lost) for index, item in enumerate(items)]


def _convert(index: int, item: object, lost: dict[str, int]) -> Record | BadRecord:
    """One record. ``lost`` names base fields that could not be read, and where: what leans on them is bad too, since
    the base before the lost one would give it another meter's name."""
    labels = item if isinstance(item, dict) else {}
    base, unreadable = _bases(labels)
    for label in BASES:
        if label in labels:
            lost.pop(label, None)
    lost.update(dict.fromkeys(unreadable, index))
    text = _fault(item)
    if not text and (leans := [label for label in lost if not (label == "bu" and "u" in labels)]):
        text = f"leans on {leans[0]!r} of record {lost[leans[0]]}, which cannot be read"
    return BadRecord(index, text, json.dumps(item)[:RAW_LIMIT], base) if text else msgspec.convert(item, Record)


def _bases(labels: dict[str, object]) -> tuple[Record, list[str]]:
    """The base fields of a record that can be read, and the names of those that cannot."""
    kept: dict[str, object] = {}
    unreadable: list[str] = []
    for label in BASES:
        if label in labels:
            if _fault({label: labels[label]}):
                unreadable.append(label)
            else:
                kept[label] = labels[label]
    return msgspec.convert(kept, Record), unreadable


def _fault(item: object) -> str:
    """What is wrong with a record by itself, '' = nothing."""
    try:
        msgspec.convert(item, Record)
        json.dumps(item, ensure_ascii=False).encode()
    except msgspec.ValidationError as fault:
        return str(fault)
    except UnicodeEncodeError:
        return "text with half a surrogate pair is no Unicode"
    return ""


def resolve(records: Iterable[Record | BadRecord]) -> Iterator[Resolved | BadRecord]:
    """Apply the base fields, record by record (RFC 8428, 4.6); a bad record passes through, so positions stay.

    Absent time is 0, which intake refuses.
    """
    name, time, unit, base_value = "", 0.0, "", 0.0
    for record in records:
        r = record.base if isinstance(record, BadRecord) else record
        name = r.bn if r.bn is not None else name
        time = r.bt if r.bt is not None else time
        unit = r.bu if r.bu is not None else unit
        base_value = r.bv if r.bv is not None else base_value
        if isinstance(record, BadRecord):
            yield record
            continue
        value = None if r.v is None else r.v + base_value
        yield Resolved(name + (r.n or ""), r.u or unit, time + r.t, value)


class _Span(NamedTuple):
    """Records [start, …) of a pack for which the same base fields hold."""

    start: int
    name: str
    unit: str
    time: float
    value: float
    bad: bool


def runs(records: Sequence[Record | BadRecord]) -> list[Run]:
    """A pack as columns, one :class:`Run` for each name and unit, in order of first appearance, without bad records.

    Costs about 1 µs a record; :func:`resolve` is its slow twin.
    """
    spans = _spans(records)
    if not spans:
        return []
    plain: list[Record] = [r.base if isinstance(r, BadRecord) else r for r in records]
    starts = np.array([s.start for s in spans], np.intp)
    lengths = np.diff(starts, append=len(plain))
    with np.errstate(invalid="ignore", over="ignore"):
        seconds = np.array([r.t for r in plain], np.float64) + np.repeat([s.time for s in spans], lengths)
        values = np.array([r.v for r in plain], np.float64) + np.repeat([s.value for s in spans], lengths)
        ms = np.rint(seconds * 1000)
        times = np.where(np.abs(ms) < TIME_LIMIT_MS, ms, 0).astype(np.int64)
    found: dict[tuple[str, str], list[NDArray[np.intp]]] = {}
    for span, length in zip(spans, lengths.tolist(), strict=True):
        if not span.bad:
            found.setdefault((span.name, span.unit), []).append(np.arange(span.start, span.start + length))
    return [
        Run(name, unit, times[i], values[i], i)
        for (name, unit), parts in found.items()
        for i in (parts[0] if len(parts) == 1 else np.concatenate(parts),)
    ]


def _spans(records: Sequence[Record | BadRecord]) -> list[_Span]:
    """Cut a pack wherever a base field, a name or a unit of its own, or a bad record begins or ends."""
    spans: list[_Span] = []
    name, unit, time, value, fresh = "", "", 0.0, 0.0, True
    for i, record in enumerate(records):
        bad = isinstance(record, BadRecord)
        r: Record = record.base if isinstance(record, BadRecord) else record
        if r.bn is not None:
            name, fresh = r.bn, True
        if r.bt is not None:
            time, fresh = r.bt, True
        if r.bu is not None:
            unit, fresh = r.bu, True
        if r.bv is not None:
            value, fresh = r.bv, True
        alone = bad or r.n is not None or r.u is not None
        if fresh or alone:
            spans.append(_Span(i, name + (r.n or ""), r.u or unit, time, value, bad))
            fresh = alone
    return spans


def to_micro(value: float) -> int | None:
    """A value of the wire in micro-units; None where it is not a finite number that fits."""
    return round(value * MICRO) if math.isfinite(value) and abs(value) < 9e12 else None


def to_micros(values: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """:func:`to_micro` for a column: micro-units (0 where there is none), and a mask of where there is one."""
    with np.errstate(invalid="ignore"):
        fits = np.abs(values) < 9e12
    return np.rint(np.where(fits, values, 0.0) * MICRO).astype(np.int64), fits
