"""``submeter quarantine``: what was not accepted, and why."""

from collections import Counter
from datetime import UTC, datetime

import click
import msgspec
from rich.console import Console
from rich.table import Table

from submeter.roof.place import Place, with_place
from submeter.words import Quarantined


@click.group()
def command() -> None:
    """What was not accepted, and why. What was unknown comes back by itself when the meter is added.

    \b
    Example:
      submeter quarantine list --building HQ01
    """


@command.command(name="list")
@with_place
@click.option("--building", help="Only this building's.")
@click.option("--limit", default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_entries(place: Place, building: str | None, limit: int, as_json: bool) -> None:
    """List quarantined records, the newest first.

    \b
    Example:
      submeter quarantine list --building HQ01 --json
    """
    store = place.store()
    try:
        found = sorted(store.entries(Quarantined, building), key=lambda q: -q.arrived_ms)
    finally:
        store.close()
    if as_json:
        for entry in found[:limit]:
            click.echo(msgspec.json.encode(entry))
        return
    table = Table("arrived (UTC)", "gateway", "reason", "what", "record")
    for entry in found[:limit]:
        arrived = datetime.fromtimestamp(entry.arrived_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(arrived, entry.gateway, entry.reason, entry.text, entry.record[:60])
    console = Console()
    console.print(table)
    console.print(
        ", ".join(f"{reason}: {n}" for reason, n in Counter(q.reason for q in found).most_common()) or "empty"
    )
