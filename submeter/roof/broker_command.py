"""``submeter broker``: the embedded MQTT broker, or a native mosquitto with our files."""

from pathlib import Path

import click

from submeter.roof.broker import start_embedded, start_mosquitto
from submeter.roof.place import Place, with_place
from submeter.roof.running import run, start_logging, stop_event


@click.command()
@with_place
@click.option("--folder", type=click.Path(path_type=Path), default=Path(".submeter/broker"), show_default=True)
@click.option("--mosquitto", is_flag=True, help="Start a native mosquitto, with users and access rules, instead.")
@click.option("--secrets", type=click.Path(path_type=Path), default=Path("secrets"), show_default=True)
def command(place: Place, folder: Path, mosquitto: bool, secrets: Path) -> None:
    """Serve MQTT on loopback, at the settings' port.

    \b
    Example:
      submeter broker
      submeter secrets create && submeter broker --mosquitto
    """
    start_logging()
    stop = stop_event()
    port = place.settings.broker.port
    broker = (
        start_mosquitto(folder, port, secrets, say=click.echo)
        if mosquitto
        else start_embedded(folder, port, say=click.echo)
    )
    click.echo(f"mqtt://{broker.host}:{broker.port}")
    try:
        run(broker.step, stop)
    finally:
        broker.stop()
