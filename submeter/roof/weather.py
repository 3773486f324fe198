"""``submeter weather import``: a station's recorded weather, over the same wire as everything else."""

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

import click

from collector.gateway import Gateway
from firmware_sim.replay import ReplayStation
from submeter.clock import WallClock
from submeter.roof.gateway import open_gateway
from submeter.roof.place import Place, with_place
from submeter.roof.running import start_logging, stop_event
from submeter.words import ConfigError, Portfolio, TheirsError

PATIENCE_S = 300.0
"""without a single receipt"""
WEATHER = ("outdoor_temperature", "humidity", "irradiance", "wind_speed")


@click.group()
def command() -> None:
    """Weather of real sites.

    \b
    Example:
      submeter weather import weather.csv --station SH01 --column outdoor_temperature=temp_c
    """


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
    name = _speaker(watch(), station, gateway_id)
    source = ReplayStation(csv, _pairs(columns), station=station, time_column=time_column, zone=zone or known.zone)
    for note in source.notes:
        click.echo(note, err=True)
    outbox = place.path(f"outbox-{name}-{station}-{_digest(csv, columns, time_column, zone or known.zone)}.db")
    gateway = open_gateway(place, watch, name, outbox, WallClock(), [source], quiet=True)
    try:
        _drain(gateway)
    finally:
        gateway.close()
    for file in outbox.parent.glob(outbox.name + "*"):  # all has its receipt; kept, it would only skip a second import
        file.unlink()
    _report(gateway.tally.quarantined, csv, station)


def _speaker(portfolio: Portfolio, station: str, gateway: str | None) -> str:
    """The gateway that speaks for the station. Raises :class:`ConfigError` where none may, or not this one."""
    speakers = [g.id for g in portfolio.gateways.values() if station in g.buildings]
    if gateway is None and speakers:
        return speakers[0]
    if gateway is None or gateway not in speakers:
        who = f"gateway {gateway!r} may not" if gateway else "no gateway may"
        raise ConfigError(f"{who} speak for station {station!r}; add {station} to its row in gateways.csv")
    return gateway


def _pairs(columns: Sequence[str]) -> dict[str, str]:
    pairs = dict(text.partition("=")[::2] for text in columns)
    for quantity, column in pairs.items():
        if quantity not in WEATHER or not column:
            raise ConfigError(f"--column {quantity}={column}: say QUANTITY=COLUMN; quantities: {', '.join(WEATHER)}")
    return pairs


def _digest(csv: Path, *told: object) -> str:
    """Another recording, or another reading of it, is another import, with an outbox of its own: in one outbox the
    times of a station only rise, so that an earlier year after a later one would be passed over."""
    return hashlib.blake2b(csv.read_bytes() + repr(told).encode(), digest_size=6).hexdigest()


def _drain(gateway: Gateway) -> None:
    """Until everything has its receipt. Raises :class:`TheirsError` where none comes, or somebody says stop."""
    stop = stop_event()
    receipts, deadline = 0, time.monotonic() + PATIENCE_S
    while not stop.is_set():
        wait_s = gateway.step()
        if gateway.idle:
            return
        if gateway.tally.receipts > receipts:
            receipts, deadline = gateway.tally.receipts, time.monotonic() + PATIENCE_S
        if time.monotonic() > deadline:
            raise TheirsError(f"no receipt for {PATIENCE_S:.0f} s; is the collector running? The same command goes on")
        stop.wait(wait_s)
    raise TheirsError("stopped before the store had all of it; the same command goes on from here")


def _report(put_aside: int, csv: Path, station: str) -> None:
    if put_aside:
        raise TheirsError(
            f"the collector put {put_aside:,} readings of {csv.name} aside and stored the others; "
            "`submeter quarantine list` says why"
        )
    click.echo(f"the store has all of it ({csv.name} → {station})")
