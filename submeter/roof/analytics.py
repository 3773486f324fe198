"""``submeter analytics``: the feed job that settles, finds faults and measures savings."""

import click

from analytics.jobs import Analyst
from submeter.clock import WallClock
from submeter.roof.place import Place, with_place
from submeter.roof.running import run, start_logging, stop_event


@click.command()
@with_place
@click.option("--once", is_flag=True, help="Work off the feed, study every building, and end.")
@click.option("--verbose", is_flag=True)
def command(place: Place, once: bool, verbose: bool) -> None:
    """Settle energy from the change feed, find faults, measure savings; write all of it back to the store.

    \b
    Example:
      submeter analytics --settings settings.toml
      submeter analytics --once
    """
    start_logging(verbose)
    stop = stop_event()
    store = place.store()
    analyst = Analyst(
        store, place.watch(), place.settings.analytics, WallClock(), raw_days=place.settings.store.raw_days
    )
    try:
        if once:
            analyst.run_once()
        else:
            run(analyst.step, stop)
    finally:
        store.close()
