"""``submeter config``: is everything in order before it starts?"""

import json

import click

from submeter.roof.place import Place, with_place


@click.group()
def command() -> None:
    """Check settings and portfolio."""


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
