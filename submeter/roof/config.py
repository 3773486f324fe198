"""``submeter config``: is everything in order before it starts?"""

import json
from pathlib import Path

import click

from submeter.profiles import load_profiles
from submeter.roof.place import Place, with_place
from submeter.settings import config_folder


@click.group()
def command() -> None:
    """Check settings and portfolio.

    \b
    Example:
      submeter config check --settings settings.toml
    """


@command.command()
@with_place
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(place: Place, as_json: bool) -> None:
    """Read settings and portfolio and say what is there; every fault with file, row and remedy (exit code 3).

    \b
    Example:
      submeter config check --settings settings.toml
    """
    portfolio = place.watch()()
    counts = {
        "settings": str(place.file),
        "buildings": len(portfolio.buildings),
        "meters": len(portfolio.points),
        "stations": len(portfolio.stations),
        "gateways": len(portfolio.gateways),
        "measures": len(portfolio.measures),
        "version": portfolio.version,
    }
    if as_json:
        click.echo(json.dumps(counts))
        return
    for name, value in counts.items():
        click.echo(f"{name:10} {value}")


@command.command()
@click.option("--config", type=click.Path(path_type=Path), help="Configuration folder instead of the shipped one.")
def meters(config: Path | None) -> None:
    """List the meter models that have a profile, as the table of docs/meters.md.

    \b
    Example:
      submeter config meters
    """
    profiles = {p.id: p for p in load_profiles(config_folder(config) / "profiles").values()}
    click.echo("| model in meters.csv | maker | protocol | line | quantities | source |")
    click.echo("| --- | --- | --- | --- | --- | --- |")
    for p in profiles.values():
        quantities = ", ".join(register.quantity for register in p.registers_of())
        cells = (", ".join(p.models), p.maker, p.protocol, p.line.format, quantities, p.source.manual)
        click.echo(f"| {' | '.join(cells)} |")
