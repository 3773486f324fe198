"""The hidden truth of a pretend world: what is wrong, what retrofits really save. The pipeline never reads it."""

from pathlib import Path

import msgspec

from submeter.words import ConfigError

VERSION = 1


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """A fault. ``end_ms`` is null while it goes on. ``kwh`` up to now, signed (see :func:`faults.at_stake_kwh`);
    ``size`` as described in :mod:`firmware_sim.faults`; ``flow_kwh`` truly flowed meanwhile."""

    kind: str
    point: str
    start_ms: int
    end_ms: int | None
    kwh: float
    flow_kwh: float
    size: float
    spells: list[tuple[int, int]] = msgspec.field(default_factory=list)


class Retrofitted(msgspec.Struct, frozen=True, kw_only=True):
    """A measure: what it truly saved so far, in all and by local month ('2026-05')."""

    measure: str
    points: list[str]
    start_ms: int
    share: float
    kwh: float
    months: dict[str, float]


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """``annual`` is the true energy (kWh, m³) of each point in the 365 days before now (or since the start)."""

    version: int = VERSION
    seed: int
    start_ms: int
    now_ms: int
    faults: list[Episode]
    retrofits: list[Retrofitted]
    annual: dict[str, float]


def write_truth(path: Path, truth: Truth) -> None:
    """As JSON that a person can read."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(truth), indent=1) + b"\n")


def read_truth(path: Path) -> Truth:
    """Raises :class:`ConfigError` where there is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Truth)
    except OSError as fault:
        raise ConfigError(f"{path}: cannot be read ({fault.strerror}); the demo writes it at its start") from None
    except (msgspec.ValidationError, msgspec.DecodeError) as fault:
        raise ConfigError(f"{path}: not a truth file of this version: {fault}") from None
