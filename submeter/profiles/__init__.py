"""Meter profiles: one data file per meter model, which registers it has and how they are read."""

from submeter.profiles.plan import Read, plan_reads, split
from submeter.profiles.profile import Profile, Register, find_profile, load_profile, load_profiles
from submeter.profiles.value import decode_value, encode_value

__all__ = [
    "Profile", "Read", "Register", "decode_value", "encode_value", "find_profile", "load_profile", "load_profiles",
    "plan_reads", "split",
]  # fmt: skip
