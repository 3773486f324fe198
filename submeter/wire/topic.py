"""Topics: ``submeter/v1/<tenant>/<building>/<gateway>/<leaf>``. Version and tenant cannot be added later.

Leaves: ``readings`` (gateway → server), ``receipt`` (server → gateway), ``status`` (gateway → server, retained).
For weather, a station's id stands in the building's place.
"""

import re
from typing import NamedTuple

from submeter.words import PayloadError

ROOT = "submeter/v1"
LEAVES = ("readings", "receipt", "status")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""Ids of tenants, buildings, gateways, points (local part), devices and stations."""


class Topic(NamedTuple):
    tenant: str
    building: str
    gateway: str
    leaf: str

    def __str__(self) -> str:
        return f"{ROOT}/{self.tenant}/{self.building}/{self.gateway}/{self.leaf}"


def parse_topic(text: str) -> Topic:
    """The parts of a topic.

    >>> parse_topic("submeter/v1/demo/HQ01/gw1/readings").building
    'HQ01'

    Raises :class:`PayloadError` where it is not one of ours.
    """
    parts = text.split("/")
    if len(parts) != 6 or parts[:2] != ["submeter", "v1"]:
        raise PayloadError(f"topic {text!r} is not submeter/v1/<tenant>/<building>/<gateway>/<leaf>")
    if not all(NAME.fullmatch(part) for part in parts[2:5]) or parts[5] not in LEAVES:
        raise PayloadError(f"topic {text!r}: a name or the last part is not one that we know (see docs/wire.md)")
    return Topic(*parts[2:])
