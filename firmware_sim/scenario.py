"""A scenario: what goes wrong in the pretend world, how often and how strongly, and what retrofits save (TOML)."""

from pathlib import Path

import msgspec

from submeter.words import ConfigError


class FaultSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many of a kind, how large (a range; the meaning is the kind's, see :mod:`firmware_sim.faults`), how many days
    long (a range), and the share that is still going on now."""

    count: int = 0
    size: tuple[float, float] = (0.0, 0.0)
    days: tuple[float, float] = (2.0, 20.0)
    open: float = 0.0


class Retrofit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``measure`` is an id of the portfolio's measures.csv (which says since when); ``saving`` the true share saved at
    all loads below ``point`` (the local id)."""

    measure: str
    point: str
    saving: float


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    seed: int = 1
    faults: dict[str, FaultSettings] = msgspec.field(default_factory=dict)
    retrofits: tuple[Retrofit, ...] = ()


KINDS = (
    "stuck", "missing", "spike", "drift", "night_on", "schedule", "base_step", "phase_loss", "reversed_ct",
    "lost_submeter", "holiday_on", "peak_demand", "time_shift", "heating_cooling",
)  # fmt: skip


def load_scenario(path: Path) -> Scenario:
    """Read a scenario. Raises :class:`ConfigError` with file, field and remedy."""
    try:
        scenario = msgspec.toml.decode(path.read_bytes(), type=Scenario)
    except OSError as fault:
        raise ConfigError(f"{path}: cannot be read ({fault.strerror}); name a scenario file") from None
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise ConfigError(f"{path}: {fault}; compare with config/scenarios/demo.toml") from None
    _check(path, scenario)
    return scenario


def _check(path: Path, scenario: Scenario) -> None:
    for kind, settings in scenario.faults.items():
        if kind not in KINDS:
            raise ConfigError(f"{path}: faults.{kind} is no kind of fault; known are {', '.join(KINDS)}")
        if settings.count < 0 or settings.days[0] <= 0 or settings.days[0] > settings.days[1]:
            raise ConfigError(f"{path}: faults.{kind}: count must not be negative, days must be a rising range above 0")
        if not 0 <= settings.open <= 1:
            raise ConfigError(f"{path}: faults.{kind}.open is {settings.open}; it is a share, 0 to 1")
    for retrofit in scenario.retrofits:
        if not 0 < retrofit.saving < 1:
            raise ConfigError(f"{path}: retrofit {retrofit.measure}: saving {retrofit.saving} is not between 0 and 1")
