"""Packed columns come back exactly, and small."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from submeter.stores.packing import VERSION, Shape, pack, unpack
from submeter.words import StoreAway

int64 = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(int64, max_size=300), st.sampled_from(Shape))
def test_any_column_comes_back(values: list[int], shape: Shape) -> None:
    column = np.array(values, np.int64)

    (found,) = unpack(pack([column], [shape]), [shape])

    assert found.dtype == np.dtype(np.int64)
    assert found.tolist() == values


@given(int64, st.integers(0, 300), int64)
def test_even_steps_come_back_whatever_they_are(first: int, rows: int, step: int) -> None:
    values = (
        np.full(rows, first, np.int64).view(np.uint64) + np.arange(rows, dtype=np.uint64) * np.uint64(step % 2**64)
    ).view(np.int64)

    (found,) = unpack(pack([values], [Shape.RISING]), [Shape.RISING])

    assert np.array_equal(found, values)


def test_columns_of_one_block_keep_their_places() -> None:
    shapes = [Shape.RISING, Shape.LEVEL, Shape.LEVEL]
    columns = [np.arange(5) * 900, np.array([7, 0, -7, 70, 700]), np.zeros(5, np.int64)]

    found = unpack(pack(columns, shapes), shapes)

    assert [c.tolist() for c in found] == [c.tolist() for c in columns]


def test_a_day_of_quarter_hours_takes_two_bytes_a_reading() -> None:
    times = 1_750_000_000_000 + np.arange(96) * 900_000
    register = 123_456_780_000 + np.cumsum(np.random.default_rng(1).integers(0, 200, 96)) * 10_000

    assert len(pack([times, register], [Shape.RISING, Shape.RISING])) < 2 * 96


def test_a_block_of_another_version_is_refused_with_a_remedy() -> None:
    data = bytearray(pack([np.arange(3)], [Shape.LEVEL]))
    data[0] = VERSION + 1

    with pytest.raises(StoreAway, match="install a newer submeter"):
        unpack(bytes(data), [Shape.LEVEL])


def test_the_stored_form_is_the_one_that_was_published() -> None:
    """Files of version 1 must be readable for ever: these bytes are what the first release wrote."""
    data = pack([np.array([1000, 2000, 3000]), np.array([5, 15, 35])], [Shape.RISING, Shape.RISING])

    assert data.hex() == (
        "010003000000"
        "00" "e803000000000000" "e803000000000000" "0000000000000000"
        "01" "0500000000000000" "0a00000000000000" "0a00000000000000" "0001"
    )  # fmt: skip
