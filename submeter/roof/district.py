"""``submeter district``: the pretend world's hardware: its RS-485 lines; and portfolios for simulated cities."""

import os
from datetime import datetime
from pathlib import Path

import click

from firmware_sim.slave import Slave, slave_of
from firmware_sim.terminal import Terminal
from firmware_sim.truth import write_truth
from firmware_sim.world import World
from submeter.clock import Clock, WallClock
from submeter.profiles import load_profiles
from submeter.roof.gateway import bus_devices
from submeter.roof.place import Place, with_place
from submeter.roof.running import start_logging, stop_event
from submeter.roof.worlds import open_world
from submeter.settings import config_folder
from submeter.words import Device


@click.group()
def command() -> None:
    """The pretend world's RS-485 lines, and portfolios of simulated cities.

    \b
    Example:
      submeter district portfolio --buildings 40 --seed 7 city
    """


@command.command()
@with_place
@click.option("--world", type=click.Path(path_type=Path), required=True, help="Anchor file of the pretend world.")
@click.option("--lines", type=click.Path(path_type=Path), required=True, help="Folder for the virtual ports.")
def run(place: Place, world: Path, lines: Path) -> None:
    """Serve every RS-485 line of the portfolio on a virtual port, and write the hidden truth beside the world.

    \b
    Example:
      submeter district run --world .submeter/demo/world.json --lines .submeter/demo
    """
    start_logging()
    stop = stop_event()
    portfolio = place.watch()()
    pretended = open_world(world, portfolio)
    clock = WallClock()
    terminals = []
    for gateway in portfolio.gateways.values():
        devices = [d for building in gateway.buildings for d in bus_devices(portfolio.devices, building)]
        if devices:
            terminals.append(Terminal(line_of(pretended, devices, clock), lines / f"ttyRS485-{gateway.id}"))
    for terminal in terminals:
        terminal.start()
    os.nice(15)  # this thread only: the truth is nobody's hurry
    write_truth(world.with_name("truth.json"), pretended.truth())
    stop.wait()
    for terminal in terminals:
        terminal.close()


def line_of(world: World, devices: list[Device], clock: Clock) -> Slave:
    """All meters of one line, each showing what its register in the pretend world shows now.

    The world is asked once before anybody waits for an answer: the first time it makes the building's whole past.
    """
    world.register_micro(devices[0].point, clock.now_ms())
    profiles = load_profiles(config_folder() / "profiles")
    return slave_of(devices, profiles, lambda d: world.register_micro(d.point, clock.now_ms()))


@command.command()
@click.option("--seed", default=1, show_default=True)
@click.option("--buildings", default=13, show_default=True)
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), help="Date the retrofits from this day on.")
@click.argument("folder", type=click.Path(path_type=Path))
def portfolio(seed: int, buildings: int, today: datetime | None, folder: Path) -> None:
    """Write the portfolio of a simulated city as CSV files.

    \b
    Example:
      submeter district portfolio --buildings 366 --seed 7 city
    """
    from firmware_sim.district import COMMITTED_TODAY, district
    from firmware_sim.portfolio_files import write_portfolio

    made = district(seed, buildings, today.date() if today else COMMITTED_TODAY)
    write_portfolio(folder, made)
    click.echo(f"{len(made.buildings)} buildings with {len(made.points)} meters are in {folder}")
