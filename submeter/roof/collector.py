"""``submeter collector``: from MQTT into the store."""

import click

from collector.intake import Intake, client_id, filters
from submeter.clock import WallClock
from submeter.roof.place import Place, with_place
from submeter.roof.running import run, start_logging, stop_event
from submeter.wire.mqtt import Link


@click.command()
@with_place
@click.option("--verbose", is_flag=True)
def command(place: Place, verbose: bool) -> None:
    """Take readings from MQTT, judge them, keep them, and answer with receipts.

    \b
    Example:
      submeter collector --settings /etc/submeter/settings.toml
    """
    start_logging(verbose)
    stop = stop_event()
    broker, tenant = place.broker(), place.settings.tenant
    link = Link(broker, client_id(tenant, broker.password), filters(tenant))
    store = place.store()
    intake = Intake(link, store, place.watch(), place.settings.intake, WallClock())
    link.start()
    try:
        run(intake.step, stop)
    finally:
        link.stop()
        store.close()
