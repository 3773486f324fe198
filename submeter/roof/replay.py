"""``submeter replay``: a recorded building (CSV of interval energy) over the same wire, into the same pages."""

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from submeter.roof.broker import HOST, free_port
from submeter.roof.page import await_page, require
from submeter.roof.place import open_place
from submeter.roof.replay_folder import Replay, guess_columns, prepare
from submeter.roof.replay_sums import YearSum, compare
from submeter.roof.running import stop_event
from submeter.roof.supervisor import Service, Supervisor
from submeter.stores import Store
from submeter.words import ConfigError, GatewayStatus, StoreAway

PATIENCE_S = 900.0


@click.command()
@click.argument("csv", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--building", default="replayed", show_default=True, help="Id of the building.")
@click.option("--name", default="A recorded building", show_default=True)
@click.option("--zone", default="Asia/Shanghai", show_default=True, help="Time zone of the file's local times.")
@click.option("--area", "area_m2", default=0.0, help="Floor area in m² (0 = not known).")
@click.option("--time", "time_column", default="timestamp", show_default=True, help="Column with the interval's start.")
@click.option("--interval", type=click.Choice(["15m", "30m", "1h"]), default="1h", show_default=True)
@click.option("--meter", "meters", multiple=True, help="ID=COLUMN, once for each (default: columns ending in 'kwh').")
@click.option("--weather", multiple=True, help="QUANTITY=COLUMN, e.g. outdoor_temperature=temp_c.")
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=Path(".submeter/replay"), show_default=True)
@click.option("--store", default="embedded:store.db", show_default=True, help="Another store's URL.")
@click.option("--token-file", type=click.Path(path_type=Path, exists=True), help="Holds the token of an InfluxDB 2.")
@click.option("--mosquitto", is_flag=True, help="A native mosquitto in the place of the embedded broker.")
@click.option("--port", default=8081, show_default=True, help="Port of the web view.")
@click.option("--once", is_flag=True, help="End when everything is settled, and print yearly sums beside the file's.")
@click.option("--json", "as_json", is_flag=True, help="With --once: print JSON.")
def command(  # click hands options over by name
    csv: Path,
    building: str,
    name: str,
    zone: str,
    area_m2: float,
    time_column: str,
    interval: str,
    meters: tuple[str, ...],
    weather: tuple[str, ...],
    folder: Path,
    store: str,
    token_file: Path | None,
    mosquitto: bool,
    port: int,
    once: bool,
    as_json: bool,
) -> None:
    """Play a recorded building as meters: registers through gateway, broker, collector, store and ledger.

    \b
    Example:
      submeter replay office.csv --zone Asia/Shanghai --weather outdoor_temperature=temp_c
      submeter replay office.csv --once
    """
    replay = Replay(
        csv=str(csv.resolve()), building=building, name=name, zone=zone, area_m2=area_m2, interval=interval,
        time_column=time_column, columns=_pairs(meters) or guess_columns(csv), weather=_pairs(weather),
    )  # fmt: skip
    console = Console(stderr=True)
    stop = stop_event()
    root = folder.absolute()
    require("scipy", "uvicorn", *(() if mosquitto else ("iotcore",)))
    broker_port, web_port = free_port(0)[0], free_port(port)[0]
    if not once and web_port != port:
        console.print(f"[yellow]port {port} is busy, so the web view takes {web_port}[/]")
    for note in prepare(root, replay, broker_port, web_port, _store(store, token_file), mosquitto):
        console.print(f"[yellow]{note}[/]")
    services = [s for s in services_of(root, mosquitto) if not (once and s.name == "web")]
    supervisor = Supervisor(services, console.print)
    try:
        supervisor.start()
        if not once:
            await_page(supervisor, web_port, stop)
            click.echo(f"http://{HOST}:{web_port}/")
        settled = _follow(root, supervisor, stop, console, once)
        if once and not settled:
            raise click.ClickException(f"stopped before all was settled; the same command goes on in {root}")
        if once:
            _print_sums(compare(open_place(root / "settings.toml", None), replay), as_json)
    finally:
        supervisor.stop()


def _store(url: str, token_file: Path | None) -> dict[str, str]:
    return {"url": url, **({"token_file": str(token_file.resolve())} if token_file else {})}


def _pairs(given: Sequence[str]) -> dict[str, str]:
    pairs = dict(text.partition("=")[::2] for text in given)
    wrong = [text for text in given if "=" not in text]
    if wrong:
        raise ConfigError(f"{wrong[0]!r} is not of the form NAME=COLUMN, e.g. light=light_kwh")
    return pairs


def services_of(root: Path, mosquitto: bool) -> list[Service]:
    settings = ["--settings", str(root / "settings.toml")]
    broker = ["broker", *settings, "--folder", str(root / "broker")]
    arguments = {
        "broker": [*broker, "--mosquitto", "--secrets", str(root / "secrets")] if mosquitto else broker,
        "collector": ["collector", *settings],
        "web": ["web", *settings],
        "analytics": ["analytics", *settings],
        "gateway": ["gateway", "--settings", str(root / "gateway.toml"), "--replay", str(root / "replay.json")],
    }
    return [Service(name, given, root / "logs" / f"{name}.log") for name, given in arguments.items()]


def _follow(root: Path, supervisor: Supervisor, stop: threading.Event, console: Console, once: bool) -> bool:
    """Until somebody says stop; with ``once`` until everything has arrived and is settled. True when it is."""
    store = open_place(root / "settings.toml", None).store()
    begun, since_ms = time.monotonic(), int(time.time() * 1000)
    told = False
    try:
        while not stop.wait(0.3):
            supervisor.look()
            if not told and _settled(store, since_ms):
                told = True
                console.print(f"all of it is stored and settled after {time.monotonic() - begun:.0f} s")
            if once and told:
                break
            if once and time.monotonic() - begun > PATIENCE_S:
                raise ConfigError(f"not settled after {PATIENCE_S:.0f} s; the logs are in {root / 'logs'}")
        return told
    finally:
        store.close()


def _settled(store: Store, since_ms: int) -> bool:
    """What the gateway told before ``since_ms`` is of an earlier run, perhaps of another file, and says nothing."""
    try:
        statuses = [s for s in store.entries(GatewayStatus) if s.id == "replay"]
        done = store.cursor("ledger")
        return bool(
            statuses
            and done
            and all(s.told_ms >= since_ms and s.backfill is None and not s.waiting and s.polls for s in statuses)
            and not store.changes(done, 1)
        )
    except StoreAway:
        return False


def _print_sums(rows: list[YearSum], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([vars(row) for row in rows]))
        return
    table = Table("meter", "year", "file kWh", "ledger kWh", "difference", "suspect hours")
    for r in rows:
        difference = r.ledger_kwh - r.file_kwh
        table.add_row(r.point, str(r.year), f"{r.file_kwh:,.2f}", f"{r.ledger_kwh:,.2f}", f"{difference:+.4f}",
                      str(r.suspect_hours))  # fmt: skip
    Console().print(table)
