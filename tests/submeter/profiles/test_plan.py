"""Which registers are read together."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from submeter.profiles import Profile, Read, Register, load_profile, plan_reads, split

FOLDER = Path(__file__).parents[3] / "config" / "profiles"
ADL400 = load_profile(FOLDER / "acrel-adl400.toml")


def spans(reads: tuple[Read, ...]) -> list[tuple[int, int]]:
    return [(read.address, read.count) for read in reads]


def test_the_first_profile_takes_three_reads_energy_first() -> None:
    assert spans(plan_reads(ADL400)) == [(0x000A, 12), (0x0061, 6), (0x016A, 22)]


def test_float_meters_are_read_from_whole_values_to_whole_values() -> None:
    reads = plan_reads(load_profile(FOLDER / "eastron-sdm630.toml"))
    assert spans(reads) == [(0x0034, 24), (0x0000, 12)]
    assert all(read.address % 2 == 0 and read.count % 2 == 0 for read in reads)


def test_only_what_is_wanted_is_read() -> None:
    reads = plan_reads(ADL400, ["energy_import", "power_active"])
    assert spans(reads) == [(0x000A, 2), (0x016A, 2)]


def test_split_asks_each_register_by_itself() -> None:
    assert spans(split(plan_reads(ADL400)[0])) == [(0x000A, 2), (0x0014, 2)]


def profile_of(rows: list[tuple[int, str]], max_gap: int, max_registers: int) -> Profile:
    line = msgspec.structs.replace(ADL400.line, max_gap=max_gap, max_registers=max_registers)
    register = tuple(
        msgspec.structs.replace(ADL400.register[0], quantity=f"q{address}", address=address, type=kind)
        for address, kind in rows
    )
    return msgspec.structs.replace(ADL400, line=line, register=register)


@pytest.mark.parametrize(
    ("max_gap", "max_registers", "expected"),
    [
        (0, 125, [(0, 4), (6, 2)]),
        (1, 125, [(0, 4), (6, 2)]),
        (2, 125, [(0, 8)]),
        (2, 7, [(0, 4), (6, 2)]),
        (9, 2, [(0, 2), (2, 2), (6, 2)]),
    ],
)
def test_gap_and_length_decide(max_gap: int, max_registers: int, expected: list[tuple[int, int]]) -> None:
    profile = profile_of([(6, "uint32"), (0, "uint32"), (2, "uint32")], max_gap, max_registers)
    assert spans(plan_reads(profile)) == expected


@given(
    st.sets(st.integers(0, 200), max_size=40),
    st.integers(0, 30),
    st.integers(1, 60),
)
def test_every_register_lies_whole_in_exactly_one_read_that_is_not_too_long(
    addresses: set[int], max_gap: int, max_registers: int
) -> None:
    reads = plan_reads(profile_of([(a, "uint16") for a in addresses], max_gap, max_registers))
    read_once: list[Register] = [register for read in reads for register in read.registers]
    assert sorted(r.address for r in read_once) == sorted(addresses)
    for read in reads:
        assert read.count <= max_registers
        assert all(read.address <= r.address and r.end <= read.address + read.count for r in read.registers)
