"""A profile is one TOML file per meter model: registers, types, scales, and the manual that says so.

Decoding is strict: an unknown field, an unknown quantity, another unit than the glossary's, a scale that is not a
whole number of micro-units or two registers on one address refuse the file. ``value.py`` turns registers into
readings, ``plan.py`` decides which are read together.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Literal

import msgspec

from submeter.profiles.value import TYPES
from submeter.words import MICRO, QUANTITIES, ConfigError

MAX_COUNT = 125
"""registers that one Modbus answer can carry"""


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the register table was read, and how it was checked."""

    manual: str
    revision: str
    table: str
    checked: str


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the meter speaks on RS-485 as it leaves the factory, and how patient one must be."""

    format: str
    """e.g. '9600 8N1'"""
    turnaround_ms: int
    """usual time from the end of a request to the begin of the answer: for predicting cycles"""
    answer_ms: int
    """after this time without an answer the exchange has failed"""
    worst_answer_ms: int
    """after a failure the line is left quiet for so long, for the answer may still come"""
    max_registers: int
    """the most to ask for at once"""
    max_gap: int
    """registers in between that may be read along and thrown away"""


class Register(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One value. ``address`` counts from 0, as on the line. One count of it is ``scale`` units of ``unit``.

    For float32, ``scale`` is the resolution to which the meter's number is rounded.
    """

    quantity: str
    address: int
    type: str
    scale: Decimal
    unit: str
    order: Literal["high word first", "low word first"] = "high word first"
    note: str = ""

    @property
    def count(self) -> int:
        """16-bit registers that it takes."""
        return TYPES[self.type].count

    @property
    def end(self) -> int:
        return self.address + self.count

    @property
    def scale_micro(self) -> int:
        """One count in micro-units."""
        return int(self.scale * MICRO)


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One meter model. ``models`` are the names by which a meter list may call it."""

    id: str
    maker: str
    models: tuple[str, ...]
    protocol: Literal["modbus-rtu"]
    function: Literal[3, 4]
    """3 reads holding registers, 4 input registers"""
    note: str = ""
    source: Source
    line: Line
    register: tuple[Register, ...]

    def registers_of(self, quantities: frozenset[str] | None = None) -> tuple[Register, ...]:
        """Those of the quantities asked for, None = all, in order of address."""
        wanted = (r for r in self.register if quantities is None or r.quantity in quantities)
        return tuple(sorted(wanted, key=lambda r: r.address))


def load_profile(path: Path) -> Profile:
    """Read one file. Raises :class:`ConfigError`, a line for each fault."""
    try:
        profile = msgspec.toml.decode(path.read_text(encoding="utf-8"), type=Profile)
    except OSError as fault:
        raise ConfigError(f"{path}: cannot be read ({fault.strerror})") from None
    except (msgspec.ValidationError, msgspec.DecodeError) as fault:
        raise ConfigError(f"{path}: {fault}; compare with the other files in this folder") from None
    faults = list(_faults(path, profile))
    if faults:
        raise ConfigError("\n".join(f"{path}: {fault}" for fault in faults))
    return profile


def load_profiles(folder: Path) -> dict[str, Profile]:
    """All ``*.toml`` of a folder by their id. Raises :class:`ConfigError` with the faults of all of them."""
    profiles: dict[str, Profile] = {}
    faults: list[str] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            profiles[path.stem] = load_profile(path)
        except ConfigError as fault:
            faults.append(str(fault))
    if faults:
        raise ConfigError("\n".join(faults))
    return profiles


def find_profile(profiles: Mapping[str, Profile], model: str) -> Profile:
    """The profile that knows a model by id or name, whatever the case. Raises :class:`ConfigError` where none does."""
    wanted = model.strip().casefold()
    for profile in profiles.values():
        if wanted in (name.casefold() for name in (profile.id, *profile.models)):
            return profile
    known = ", ".join(name for profile in profiles.values() for name in profile.models) or "none"
    raise ConfigError(f"meter model {model!r} has no profile; known are: {known}. Add a file to config/profiles")


def _faults(path: Path, profile: Profile) -> Iterator[str]:
    if profile.id != path.stem:
        yield f"id is {profile.id!r}, must be the file's name {path.stem!r}"
    if not profile.register:
        yield "has no [[register]]"
    for register in profile.register:
        yield from (f"register {register.quantity}: {fault}" for fault in _register_faults(register, profile.line))
    if all(register.type in TYPES for register in profile.register):
        yield from _overlaps(profile)


def _register_faults(register: Register, line: Line) -> Iterator[str]:
    quantity = QUANTITIES.get(register.quantity)
    if quantity is None:
        yield f"no such quantity; there are {', '.join(QUANTITIES)}"
    elif quantity.unit != register.unit:
        yield f"unit is {register.unit!r}, must be {quantity.unit!r} (put the factor into scale)"
    scale = register.scale * MICRO
    if not scale.is_finite() or scale <= 0 or scale != scale.to_integral_value():
        yield f"scale {register.scale} must be a positive multiple of 0.000001"
    if register.type not in TYPES:
        yield f"no type {register.type!r}; there are {', '.join(TYPES)}"
    elif not 0 <= register.address <= 0x10000 - register.count or register.count > line.max_registers:
        yield f"address {register.address:#06x} with {register.count} registers cannot be read"


def _overlaps(profile: Profile) -> Iterator[str]:
    ordered = profile.registers_of()
    for before, after in pairwise(ordered):
        if after.address < before.end:
            yield f"registers {before.quantity} and {after.quantity} share address {after.address:#06x}"
    names = [register.quantity for register in ordered]
    yield from (f"quantity {name} stands twice" for name in sorted({n for n in names if names.count(n) > 1}))
