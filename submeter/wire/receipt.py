"""The receipt: what became of a pack, and the correlation that ties it to one row of one outbox.

Correlation = random id of the outbox file · AUTOINCREMENT number of the row · CRC-32 of the payload. All three must
match: row ids alone are reused once a table is empty, and a late second receipt would then delete an unsent row.
"""

import zlib
from typing import NamedTuple

import msgspec

from submeter.words import PayloadError


class Correlation(NamedTuple):
    outbox: str
    row: int
    crc: int

    def encode(self) -> bytes:
        return f"{self.outbox}:{self.row}:{self.crc:08x}".encode()


def correlate(outbox: str, row: int, payload: bytes) -> Correlation:
    return Correlation(outbox, row, zlib.crc32(payload))


def parse_correlation(data: bytes) -> Correlation:
    """Raises :class:`PayloadError` where it is not one of ours."""
    try:
        outbox, row, crc = data.decode("ascii").split(":")
        return Correlation(outbox, int(row), int(crc, 16))
    except (UnicodeDecodeError, ValueError):
        raise PayloadError(f"correlation data {data[:40]!r} is not <outbox>:<row>:<crc>") from None


class Rejected(msgspec.Struct, frozen=True):
    """A record that went to quarantine: its position in the pack (-1 = the whole pack), and why."""

    record: int
    reason: str
    text: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Every record is in exactly one of the four counts. ``rejected`` lists at most the first 100 quarantined."""

    stored: int = 0
    again: int = 0
    """stored before, with the same value"""
    held: int = 0
    quarantined: int = 0
    rejected: tuple[Rejected, ...] = ()

    @property
    def total(self) -> int:
        return self.stored + self.again + self.held + self.quarantined


_decoder = msgspec.json.Decoder(Receipt)


def encode_receipt(receipt: Receipt) -> bytes:
    return msgspec.json.encode(receipt)


def decode_receipt(payload: bytes) -> Receipt:
    """Raises :class:`PayloadError` where it is not a receipt."""
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise PayloadError(f"not a receipt: {fault}") from None
