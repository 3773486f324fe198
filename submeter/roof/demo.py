"""``submeter demo``: a district of buildings, live, in one command; ``submeter demo score``: findings against truth."""

import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from submeter.clock import WallClock
from submeter.roof.broker import HOST, free_port
from submeter.roof.demo_folder import DemoFolder
from submeter.roof.gateway import on_bus
from submeter.roof.page import await_page, require
from submeter.roof.place import open_place
from submeter.roof.running import stop_event
from submeter.roof.supervisor import Service, ServiceFailed, Supervisor
from submeter.settings import load_portfolio
from submeter.stores import Store
from submeter.words import ConfigError, GatewayStatus, StoreAway

BROKER_PORT = 1883
WEB_PORT = 8080


@click.group(invoke_without_command=True)
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=Path(".submeter/demo"), show_default=True)
@click.option("--config", type=click.Path(path_type=Path), help="Configuration folder instead of the shipped one.")
@click.option("--port", default=WEB_PORT, show_default=True, help="Port of the web view.")
@click.option("--broker-port", default=BROKER_PORT, show_default=True, help="Port of the embedded broker.")
@click.option("--seed", type=int, help="Another world than the shipped scenario's (only when the demo is new).")
@click.pass_context
def command(
    context: click.Context, folder: Path, config: Path | None, port: int, broker_port: int, seed: int | None
) -> None:
    """A simulated district, live, on embedded defaults. Ctrl-C stops it; the same command goes on where it stopped.

    \b
    Example:
      submeter demo
      submeter demo --dir /tmp/another --port 9000 --seed 7
      submeter demo score
    """
    context.obj = DemoFolder(folder.absolute())
    if context.invoked_subcommand is None:
        run_demo(context.obj, config, port, broker_port, seed)


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_obj
def score(demo: DemoFolder, as_json: bool) -> None:
    """Compare what was found with the hidden truth of the demo's world.

    \b
    Example:
      submeter demo score --json
    """
    from submeter.roof.scoring import print_score, score_store

    if not demo.settings.is_file():
        raise ConfigError(
            f"{demo.root}: there is no demo; start one with `submeter demo`, or name its folder: "
            "submeter demo --dir FOLDER score"
        )
    place = open_place(demo.settings, None)
    store = place.store()
    try:
        print_score(score_store(store, place.watch()(), demo.truth), as_json)
    finally:
        store.close()


def run_demo(demo: DemoFolder, config: Path | None, port: int, broker_port: int, seed: int | None) -> None:
    console = Console(stderr=True)
    require("iotcore", "scipy", "uvicorn")
    stop = stop_event()
    new = demo.prepare(WallClock().now_ms(), config, seed)
    web_port, mqtt_port = _port(console, "web view", port), _port(console, "broker", broker_port)
    demo.write_settings(mqtt_port, web_port)
    supervisor = Supervisor(services_of(demo), console.print)
    start = Start(frozenset(load_portfolio(demo.root / "portfolio").gateways), time.monotonic(), WallClock().now_ms())
    try:
        supervisor.start()
        console.print(f"[bold]submeter[/] {'starts' if new else 'goes on with'} the district in {demo.root}")
        await_page(supervisor, web_port, stop)
        click.echo(f"http://{HOST}:{web_port}/")
        console.print("The page fills while the past is read. Ctrl-C stops everything.")
        store = open_place(demo.settings, None).store()
        try:
            _watch(console, supervisor, store, stop, start)
        finally:
            store.close()
    except ServiceFailed as fault:
        console.print(str(fault), style="red", markup=False)  # a log may hold anything in brackets
        sys.exit(1)
    finally:
        supervisor.stop()
        console.print("stopped; the same command goes on from here")


def services_of(demo: DemoFolder) -> list[Service]:
    """The processes of a demo, in the order of their start."""
    portfolio = load_portfolio(demo.root / "portfolio")
    settings = ["--settings", str(demo.settings)]
    arguments = {
        "broker": ["broker", *settings, "--folder", str(demo.root / "broker")],
        "district": ["district", "run", *settings, "--world", str(demo.world), "--lines", str(demo.root)],
        "collector": ["collector", *settings],
        "web": ["web", *settings],
        "analytics": ["analytics", *settings],
    }
    for gateway in portfolio.gateways.values():
        wired = any(on_bus(portfolio.devices, building) for building in gateway.buildings)
        line = ["--port", str(demo.line(gateway.id))] if wired else []
        arguments[f"gateway-{gateway.id}"] = [
            "gateway", *settings, "--id", gateway.id, "--world", str(demo.world),
            "--outbox", str(demo.root / f"outbox-{gateway.id}.db"), *line,
        ]  # fmt: skip
    return [Service(name, given, demo.logs / f"{name}.log") for name, given in arguments.items()]


def _port(console: Console, what: str, wanted: int) -> int:
    port, _ = free_port(wanted)
    if port != wanted:
        console.print(f"[yellow]port {wanted} is busy, so the {what} takes {port}[/]")
    return port


class Start(NamedTuple):
    """When the processes were started, and whose pasts are waited for."""

    gateways: frozenset[str]
    begun_s: float
    now_ms: int


def _watch(console: Console, supervisor: Supervisor, store: Store, stop: threading.Event, start: Start) -> None:
    """Look after the processes; while the past is read, show how far it got."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        tasks: dict[str, TaskID] = {}
        while not stop.wait(0.5):
            supervisor.look()
            if progressed(store, progress, tasks, start):
                break
    if not stop.is_set():
        console.print(
            f"the past is stored and settled after {time.monotonic() - start.begun_s:.0f} s; from here on it is live"
        )
    while not stop.wait(0.5):
        supervisor.look()


def progressed(store: Store, progress: Progress, tasks: dict[str, TaskID], start: Start) -> bool:
    """Draw the bars; True when every gateway's back-fill is over and the ledger has seen the whole feed.

    What a gateway told before this start, before the last stop, says nothing of what it has missed since."""
    try:
        statuses = [s for s in store.entries(GatewayStatus) if s.id in start.gateways]
        done = store.cursor("ledger")
        behind = store.changes(done, 1)
    except StoreAway:
        return False
    for status in statuses:
        if status.id not in tasks:
            tasks[status.id] = progress.add_task(f"reading the past, {status.id}", total=1.0)
        share = 1.0 if status.backfill is None else status.backfill
        progress.update(tasks[status.id], completed=share)
    over = {s.id for s in statuses if s.told_ms >= start.now_ms and s.backfill is None and s.waiting == 0}
    return over == start.gateways and done > 0 and not behind
