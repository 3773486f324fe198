"""Registers' words to micro-units and back, by hand and for any value."""

import struct
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from submeter.profiles.value import TYPES, decode_value, encode_value


@dataclass(frozen=True)
class Row:
    quantity: str
    type: str
    scale_micro: int
    order: str = "high word first"


ENERGY = Row("energy_import", "uint32", 10_000)
POWER = Row("power_active", "int32", 1_000_000)
FLOAT_ENERGY = Row("energy_import", "float32", 10_000)
RANGES = {
    "uint16": (0, 2**16 - 1), "int16": (-(2**15), 2**15 - 1), "uint32": (0, 2**32 - 1), "int32": (-(2**31), 2**31 - 1),
    "uint64": (0, 2**64 - 1), "int64": (-(2**63), 2**63 - 1),
}  # fmt: skip


def test_an_energy_register_of_two_words_is_exact() -> None:
    # 0x0001E240 = 123456 counts of 0.01 kWh
    assert decode_value(ENERGY, (0x0001, 0xE240)) == 1_234_560_000
    assert encode_value(ENERGY, 1_234_560_000) == (0x0001, 0xE240)


def test_the_last_count_of_a_register_is_exact() -> None:
    assert decode_value(ENERGY, (0xFFFF, 0xFFFF)) == 42_949_672_950_000


def test_a_power_may_be_negative() -> None:
    assert decode_value(POWER, (0xFFFF, 0xFFFF)) == -1_000_000
    assert encode_value(POWER, -1_000_000) == (0xFFFF, 0xFFFF)


def test_low_word_first_turns_the_words_not_the_bytes() -> None:
    low_first = Row("energy_import", "uint32", 10_000, "low word first")
    assert decode_value(low_first, (0xE240, 0x0001)) == 1_234_560_000
    assert encode_value(low_first, 1_234_560_000) == (0xE240, 0x0001)


def test_a_float_is_rounded_to_the_meters_resolution() -> None:
    # 0x43480000 = 200.0; 0x47F12064 = 123456.78125, the float32 nearest to 123456.78
    assert decode_value(FLOAT_ENERGY, (0x4348, 0x0000)) == 200_000_000
    assert decode_value(FLOAT_ENERGY, (0x47F1, 0x2064)) == 123_456_780_000


def test_a_float_register_loses_single_hundredths_from_131072_kwh_on() -> None:
    """The limit that the module names: below it all 0.01 kWh differ, above it neighbours fall together."""

    def shown(micro: int) -> int | None:
        return decode_value(FLOAT_ENERGY, encode_value(FLOAT_ENERGY, micro))

    below = range(131_070_000_000, 131_072_000_000, 10_000)
    assert [shown(micro) for micro in below] == list(below)
    above = range(131_072_000_000, 131_073_000_000, 10_000)
    assert [shown(micro) for micro in above] != list(above)


@pytest.mark.parametrize("words", [(0x7FC0, 0), (0x7F80, 0), (0xFF80, 0)])
def test_a_float_that_is_no_number_gives_no_value(words: tuple[int, int]) -> None:
    assert decode_value(FLOAT_ENERGY, words) is None


@pytest.mark.parametrize(
    ("kind", "words"),
    [("float32", (0x7F7F, 0xFFFF)), ("uint64", (0xFFFF,) * 4), ("int64", (0x8000, 0, 0, 0))],
)
def test_nonsense_beyond_all_counts_gives_no_value(kind: str, words: tuple[int, ...]) -> None:
    assert decode_value(Row("energy_import", kind, 10_000), words) is None


def test_a_register_shows_whole_counts_only_and_a_gauge_the_nearest() -> None:
    assert encode_value(Row("energy_import", "uint16", 10_000), 19_999) == (1,)
    assert encode_value(Row("voltage_a", "uint16", 100_000), 230_060_000) == (2301,)


def test_what_does_not_fit_the_type_is_an_error_not_another_number() -> None:
    with pytest.raises(OverflowError, match="do not fit a uint16"):
        encode_value(Row("voltage_a", "uint16", 100_000), 100_000 * 0x10000)


@given(st.sampled_from(sorted(RANGES)), st.sampled_from(["high word first", "low word first"]), st.data())
def test_every_count_of_every_whole_type_comes_back(kind: str, order: str, data: st.DataObject) -> None:
    low, high = RANGES[kind]
    counts = data.draw(st.integers(max(low, -(2**63) // 10_000 + 1), min(high, 2**63 // 10_000)))
    row = Row("energy_import", kind, 10_000, order)
    words = encode_value(row, counts * 10_000)
    assert len(words) == TYPES[kind].count
    assert decode_value(row, words) == counts * 10_000


@given(st.floats(-1e9, 1e9, width=32))
def test_a_float_is_never_further_from_its_value_than_half_the_resolution(value: float) -> None:
    row = Row("power_active", "float32", 100_000)
    micro = decode_value(row, struct.unpack(">2H", struct.pack(">f", value)))
    assert micro is not None
    assert abs(Fraction(micro, 1_000_000) - Fraction(value)) <= Fraction(Decimal("0.05"))
