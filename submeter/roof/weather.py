"""``submeter weather import``: a station's recorded weather, over the same wire as everything else."""

import time
from pathlib import Path

import click

from collector.gateway import Gateway
from firmware_sim.replay import ReplayStation
from submeter.clock import WallClock
from submeter.roof.gateway import open_gateway
from submeter.roof.place import Place, with_place
from submeter.roof.running import start_logging, stop_event
from submeter.words import ConfigError, TheirsError

PATIENCE_S = 300.0


@click.group()
def command() -> None:
    """Weather of real sites."""


@command.command(name="import")
@with_place
@click.argument("csv", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--station", required=True, help="Id in stations.csv.")
@click.option("--gateway", "gateway_id", help="A gateway of gateways.csv that may speak for the station.")
@click.option("--column", "columns", multiple=True, required=True, help="QUANTITY=COLUMN, once for each.")
@click.option("--time", "time_column", default="timestamp", show_default=True)
@click.option("--zone", help="Time zone of the file's times (default: the station's).")
def import_csv(
    place: Place,
    csv: Path,
    station: str,
    gateway_id: str | None,
    columns: tuple[str, ...],
    time_column: str,
    zone: str | None,
) -> None:
    """Send a CSV of weather as readings of a station, and wait for the receipts. The collector must be running.

    \b
    Example:
      submeter weather import shanghai.csv --station SH01 --column outdoor_temperature=temp_c
    """
    start_logging()
    watch = place.watch()
    known = watch().stations.get(station)
    if known is None:
        raise ConfigError(f"station {station!r} is not in stations.csv; add it there, and to a gateway of gateways.csv")
    pairs = dict(text.partition("=")[::2] for text in columns)
    source = ReplayStation(csv, pairs, station=station, time_column=time_column, zone=zone or known.zone)
    for note in source.notes:
        click.echo(note, err=True)
    name = gateway_id or next((g.id for g in watch().gateways.values() if station in g.buildings), "")
    outbox = place.path(f"outbox-{name}-weather.db")
    gateway = open_gateway(place, watch, name, outbox, WallClock(), [source])
    try:
        _drain(gateway)
    finally:
        gateway.close()
    click.echo(f"the store has all of it ({csv.name} → {station})")


def _drain(gateway: Gateway) -> None:
    stop = stop_event()
    deadline = time.monotonic() + PATIENCE_S
    while not stop.is_set():
        wait_s = gateway.step()
        if gateway.idle:
            return
        if time.monotonic() > deadline:
            raise TheirsError(f"no receipts within {PATIENCE_S:.0f} s; is the collector running? Try again later")
        stop.wait(wait_s)
