"""Quarantine: what was not accepted, kept whole, with a stable id, so that a pack that comes again is kept once.

Records of one run that were refused for one reason share an entry: its ``record`` is the one resolved SenML record, or
a SenML list of them. Both can be decoded and judged anew.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from collector.intake.reasons import Reason
from collector.intake.rules import Refused
from submeter.wire.senml import BadRecord, Record, Resolved, Run, runs
from submeter.words import Quarantined

SHARE: Final = 2000
"""records in one entry at most"""
KEPT: Final = 1000
"""bytes of an unreadable payload that are kept"""


def entries_of(refused: Refused, building: str, gateway: str, arrived_ms: int) -> Iterator[Quarantined]:
    """Entries for records that can be read."""
    count = len(refused.run.index)
    more = "" if count == 1 else f" (and {count - 1:,} more of this kind in the pack)"
    for begin in range(0, count, SHARE):
        record = write_run(refused.run, slice(begin, begin + SHARE))
        yield _entry(refused.reason, refused.text + more, record, building, gateway, arrived_ms, refused.point)


def entries_of_bad(bad: Sequence[BadRecord], building: str, gateway: str, arrived_ms: int) -> Iterator[Quarantined]:
    """Entries for records that cannot be read; many share one, a line each."""
    for begin in range(0, len(bad), SHARE):
        share = bad[begin : begin + SHARE]
        more = "" if len(share) == 1 else f" (and {len(share) - 1:,} more unreadable ones)"
        text = f"record {share[0].index}: {share[0].text}{more}"
        raw = "\n".join(one.raw for one in share)
        yield _entry(Reason.BAD_RECORD, text, raw, building, gateway, arrived_ms)


def entry_of_payload(
    reason: Reason, text: str, payload: bytes, building: str, gateway: str, arrived_ms: int
) -> Quarantined:
    """A payload that is refused as a whole: its beginning, and a digest of all of it."""
    start = payload[:KEPT].decode("utf-8", "backslashreplace").replace("\0", "\\x00")
    more = "" if len(payload) <= KEPT else f"… ({len(payload):,} bytes, blake2b {digest(payload)})"
    return _entry(reason, text, start + more, building, gateway, arrived_ms)


def _entry(
    reason: Reason, text: str, record: str, building: str, gateway: str, arrived_ms: int, point: str = ""
) -> Quarantined:
    mark = digest(f"{building}\0{record}".encode())
    return Quarantined(
        id=f"{gateway}:{reason}:{mark}", building=building, gateway=gateway, reason=reason, text=text, record=record,
        point=point, arrived_ms=arrived_ms,
    )  # fmt: skip


def digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=12).hexdigest()


def write_run(run: Run, share: slice = slice(None)) -> str:
    """A run as resolved SenML: one object, or a list."""
    rows = [
        Resolved(run.name, run.unit, ms / 1000, None if value != value else value)  # noqa: PLR0124  (NaN is not itself)
        for ms, value in zip(run.times_ms[share].tolist(), run.values[share].tolist(), strict=True)
    ]
    return msgspec.json.encode(rows[0] if len(rows) == 1 else rows).decode()


def read_run(record: str) -> list[Run]:
    """What :func:`write_run` wrote."""
    text = record if record.startswith("[") else f"[{record}]"
    return runs(msgspec.json.decode(text, type=list[Record]))
