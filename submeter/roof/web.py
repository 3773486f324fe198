"""``submeter web``: the built-in web view."""

import click
import uvicorn

from dashboards.web import create_app
from submeter.clock import WallClock
from submeter.roof.broker import free_port
from submeter.roof.place import Place, with_place


@click.command()
@with_place
@click.option("--port", type=int, help="Another port than the settings'.")
def command(place: Place, port: int | None) -> None:
    """Serve the web view and its read-only JSON API (/api/docs).

    \b
    Example:
      submeter web --settings settings.toml --port 9000
    """
    web = place.settings.web
    wanted = port or web.port
    bound, _ = free_port(wanted, web.host)
    if bound != wanted:
        click.echo(f"port {wanted} is busy, the web view takes {bound}", err=True)
    store = place.store()
    click.echo(f"http://{web.host}:{bound}/")
    app = create_app(store, place.watch(), WallClock(), place.settings)
    try:
        uvicorn.run(app, host=web.host, port=bound, log_level="warning", timeout_graceful_shutdown=1)
    finally:
        store.close()
