"""Which registers are read together. The bus is the bottleneck: one read of twenty takes less than two of two.

A read costs its own frames, the meter's turn-around and two silences, about as much as twenty registers more; so
registers with a gap of up to ``max_gap`` in between are read in one go and the gap is thrown away.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from submeter.profiles.profile import Profile, Register


@dataclass(frozen=True, slots=True)
class Read:
    """One request: ``count`` registers from ``address`` on, and the profile's registers that lie in them."""

    function: int
    address: int
    count: int
    registers: tuple[Register, ...]


def plan_reads(profile: Profile, quantities: Iterable[str] | None = None) -> tuple[Read, ...]:
    """The reads that fetch the quantities (None = all that the profile has), energy first.

    Greedy by address: a register joins the read before it if the gap and the length allow it.
    """
    wanted = None if quantities is None else frozenset(quantities)
    groups: list[list[Register]] = []
    for register in profile.registers_of(wanted):
        if groups and _joins(register, groups[-1], profile):
            groups[-1].append(register)
        else:
            groups.append([register])
    reads = (_read(profile.function, group) for group in groups)
    return tuple(sorted(reads, key=lambda read: not _has_energy(read)))


def split(read: Read) -> tuple[Read, ...]:
    """The same registers, each in a read of its own: for a meter that lacks one of them and refuses all."""
    return tuple(_read(read.function, [register]) for register in read.registers)


def _joins(register: Register, group: list[Register], profile: Profile) -> bool:
    gap = register.address - group[-1].end
    return gap <= profile.line.max_gap and register.end - group[0].address <= profile.line.max_registers


def _read(function: int, group: list[Register]) -> Read:
    return Read(function, group[0].address, group[-1].end - group[0].address, tuple(group))


def _has_energy(read: Read) -> bool:
    return any(register.quantity.startswith("energy") for register in read.registers)
