"""``submeter gateway``: joins sources (a bus, a pretend world) to the one outbox and the one uplink.

Whether a building is real or pretended is decided here and nowhere else: meters with an address hang on the bus that
``--port`` names; with ``--world`` the others, and every past, come from the pretend world.
"""

import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from collector.gateway import Gateway, Outbox, Rules, Uplink, gateway_link
from collector.gateway.bus import Bus
from submeter.clock import Clock, FastClock, WallClock
from submeter.profiles import load_profiles
from submeter.roof.place import Place, with_place
from submeter.roof.running import run, start_logging, stop_event
from submeter.settings import Watch, config_folder
from submeter.wire.source import Past, Source
from submeter.words import Block, ConfigError, Device, Portfolio, Reading

logger = logging.getLogger("submeter.gateway")


class PastAndPresent:
    """A source whose past one source knows and whose present another: a simulated past, then the bus."""

    def __init__(self, past: Past, present: Source) -> None:
        self.id = present.id
        self.period_s = present.period_s
        self._past = past
        self._present = present

    def history(self, start_ms: int, end_ms: int) -> Iterator[list[Block]]:
        return self._past.history(start_ms, end_ms)

    def history_start_ms(self) -> int:
        return self._past.history_start_ms()

    def poll(self, now_ms: int) -> list[Reading]:
        return self._present.poll(now_ms)

    def close(self) -> None:
        self._present.close()


class Wired:
    """A building's bus that follows the portfolio: a meter is added, exchanged or renamed without a restart."""

    def __init__(self, bus: Bus, building: str, portfolio: Callable[[], Portfolio]) -> None:
        self.id = building
        self.period_s = bus.period_s
        self._bus, self._portfolio, self._version = bus, portfolio, portfolio().version
        self._told: set[str] = set()
        if bus.predicted_cycle_s > bus.period_s:
            logger.warning(
                "%s: one poll of all meters takes %.1f s, longer than the period of %.0f s; raise gateway.poll_s",
                building, bus.predicted_cycle_s, bus.period_s,
            )  # fmt: skip

    def poll(self, now_ms: int) -> list[Reading]:
        portfolio = self._portfolio()
        if portfolio.version != self._version:
            self._version = portfolio.version
            self._bus.attach(bus_devices(portfolio.devices, self.id))
        readings = self._bus.poll(now_ms)
        self._tell(self._bus.faults)
        return readings

    def _tell(self, faults: dict[str, str]) -> None:
        """Say what is new: a meter that fell silent, a meter that came back."""
        for point in faults.keys() - self._told:
            logger.warning("%s: %s", point, faults[point])
        for point in self._told - faults.keys():
            logger.info("%s: answers again", point)
        self._told = set(faults)

    def close(self) -> None:
        self._bus.close()


def on_bus(devices: Mapping[str, tuple[Device, ...]], building: str) -> bool:
    """Whether any meter of the building hangs on a bus."""
    return bool(bus_devices(devices, building))


def bus_devices(devices: Mapping[str, tuple[Device, ...]], building: str) -> list[Device]:
    """The building's devices that hang there now and have a bus address."""
    now = [found[-1] for point, found in devices.items() if point.startswith(f"{building}/")]
    return [device for device in now if device.address and not device.until]


def buildings_of(portfolio: Portfolio, gateway: str) -> tuple[str, ...]:
    """Raises :class:`ConfigError` for a gateway that is not in the portfolio."""
    found = portfolio.gateways.get(gateway)
    if found is None:
        known = ", ".join(portfolio.gateways) or "none"
        raise ConfigError(f"gateway {gateway!r} is not in gateways.csv (there: {known}); add it or say --id")
    return found.buildings


def sources_of(
    watch: Callable[[], Portfolio], gateway: str, *, port: str, world_file: Path | None, period_s: float
) -> list[Source]:
    """What this gateway polls. Raises :class:`ConfigError` when a building has neither a bus nor a pretend world."""
    portfolio = watch()
    simulated = _simulated(portfolio, world_file, period_s)
    sources: list[Source] = []
    for building in buildings_of(portfolio, gateway):
        devices = bus_devices(portfolio.devices, building) if port else []
        past = simulated.get(building)
        if devices:
            bus = Bus(port, devices, load_profiles(config_folder() / "profiles"), id=building, period_s=period_s)
            present = Wired(bus, building, watch)
            sources.append(PastAndPresent(past, present) if isinstance(past, Past) else present)
        elif past is not None:
            sources.append(past)
        else:
            raise ConfigError(
                f"building {building!r} has no source: give its meters an address like modbus:1 in meters.csv and name "
                "the port with --port, or say --simulate"
            )
    return sources


def _simulated(portfolio: Portfolio, world_file: Path | None, period_s: float) -> dict[str, Source]:
    if world_file is None:
        return {}
    from submeter.roof.worlds import open_world

    sources: Sequence[Source] = open_world(world_file, portfolio).sources()
    for source in sources:
        source.period_s = period_s
    return {source.id: source for source in sources}


def clock_of(speed: float, begin: datetime | None, outbox: Path, port: str) -> Clock:
    """The wall clock, or that of a fast world, which goes on where its outbox ends. Raises :class:`ConfigError` for a
    speed without a beginning, and for a fast clock on a bus, whose readings are of now."""
    if begin is None:
        if speed != 1.0:
            raise ConfigError("--speed is for a fast world: say with --from where it begins")
        return WallClock()
    if port:
        raise ConfigError(f"the meters on {port} show the present; leave out --from and --speed, or --port")
    return FastClock(max(round(begin.replace(tzinfo=UTC).timestamp() * 1000), _issued_ms(outbox)), speed)


def _issued_ms(file: Path) -> int:
    """The newest time that an outbox has issued; 0 = none, or there is no such file."""
    if not file.is_file():
        return 0
    box = Outbox(file)
    try:
        return box.newest_ms
    finally:
        box.close()


@click.command()
@with_place
@click.option("--id", "gateway_id", help="Which gateway of gateways.csv this is (default: the settings').")
@click.option("--port", default="", help="Serial port of the RS-485 line, e.g. /dev/serial/by-id/usb-….")
@click.option("--outbox", type=click.Path(path_type=Path), help="Another outbox file than the settings'.")
@click.option("--simulate", type=click.Path(path_type=Path), help="A scenario: pretend the meters that have no port.")
@click.option("--replay", type=click.Path(path_type=Path), help="A replay.json: recorded meters.")
@click.option("--world", type=click.Path(path_type=Path), help="Anchor file of the pretend world (made when absent).")
@click.option(
    "--speed", type=click.FloatRange(min=1.0), default=1.0, show_default=True,
    help="A fast world: so many times real time until it meets now.",
)  # fmt: skip
@click.option("--from", "begin", type=click.DateTime(), help="Where a fast world begins (UTC).")
@click.option("--verbose", is_flag=True)
def command(
    place: Place,
    gateway_id: str | None,
    port: str,
    outbox: Path | None,
    simulate: Path | None,
    replay: Path | None,
    world: Path | None,
    speed: float,
    begin: datetime | None,
    verbose: bool,
) -> None:
    """Poll meters, keep what they said in the outbox, send it, and forget it when the store has it.

    \b
    Example:
      submeter gateway --id gw1 --port /dev/serial/by-id/usb-FTDI_FT232R-if00-port0
      submeter gateway --simulate config/scenarios/demo.toml --speed 600 --from 2026-11-01
    """
    start_logging(verbose)
    stop = stop_event()
    settings = place.settings.gateway
    name = gateway_id or settings.id
    file = outbox or place.path(settings.outbox)
    clock = clock_of(speed, begin, file, port)
    watch = place.watch()
    sources = (
        _recorded(replay)
        if replay
        else sources_of(
            watch, name, port=port, world_file=_world_file(simulate, world, file, clock), period_s=settings.poll_s
        )
    )
    gateway = open_gateway(place, watch, name, file, clock, sources)
    try:
        run(gateway.step, stop)
    finally:
        gateway.close()


def _world_file(simulate: Path | None, world: Path | None, outbox: Path, clock: Clock) -> Path | None:
    if simulate is None:
        return world
    from submeter.roof.worlds import anchor_world

    file = world or outbox.with_name("world.json")
    anchor_world(file, simulate, clock.now_ms())
    return file


def _recorded(replay: Path) -> list[Source]:
    from submeter.roof.replay_folder import read_replay

    return read_replay(replay).sources()


def open_gateway(
    place: Place, watch: Watch, name: str, file: Path, clock: Clock, sources: Sequence[Source], *, quiet: bool = False
) -> Gateway:
    """The gateway of this name with its outbox and a link that is being set up. ``quiet``: it tells no status, since
    another process tells that of this name."""
    settings = place.settings.gateway
    home = buildings_of(watch(), name)[0]
    box = Outbox(file, limit_bytes=settings.outbox_megabytes * 1_000_000)
    tenant = place.settings.tenant
    link = gateway_link(
        place.broker(), tenant=tenant, gateway=name, home=home, now_ms=clock.now_ms(), with_will=not quiet
    )
    rules = Rules(window=settings.window)
    uplink = Uplink(link, box, tenant=tenant, gateway=name, clock=clock, random=random.random, rules=rules)
    link.start()
    return Gateway(sources=sources, outbox=box, uplink=uplink, portfolio=watch, clock=clock, quiet=quiet)
