"""Receipts and correlations, there and back."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from submeter.wire.receipt import (
    Correlation,
    Receipt,
    Rejected,
    correlate,
    decode_receipt,
    encode_receipt,
    parse_correlation,
)
from submeter.words import PayloadError


def test_a_correlation_names_outbox_row_and_crc() -> None:
    assert zlib.crc32(b"123456789") == 0xCBF43926  # the check value of CRC-32/ISO-HDLC
    assert correlate("a1b2", 17, b"123456789").encode() == b"a1b2:17:cbf43926"


@given(st.text("0123456789abcdef", min_size=1), st.integers(1, 2**63 - 1), st.integers(0, 2**32 - 1))
def test_a_correlation_comes_back(outbox: str, row: int, crc: int) -> None:
    assert parse_correlation(Correlation(outbox, row, crc).encode()) == Correlation(outbox, row, crc)


@pytest.mark.parametrize("data", [b"", b"a:1", b"a:x:00", b"a:1:zz", b"\xff:1:00", b"a:1:00:2"])
def test_other_correlation_data_is_refused(data: bytes) -> None:
    with pytest.raises(PayloadError, match="is not <outbox>:<row>:<crc>"):
        parse_correlation(data)


def test_a_receipt_comes_back() -> None:
    receipt = Receipt(stored=7, again=1, held=2, quarantined=1, rejected=(Rejected(3, "unit", "Wh is not kWh"),))

    assert decode_receipt(encode_receipt(receipt)) == receipt
    assert receipt.total == 11


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b'{"stored":"7"}', b'{"rejected":[1]}', b'{"rejected":[[1,"\xff",""]]}']
)
def test_what_is_no_receipt_is_refused(payload: bytes) -> None:
    with pytest.raises(PayloadError, match="not a receipt"):
        decode_receipt(payload)
