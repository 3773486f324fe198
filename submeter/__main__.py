"""The command on the roof: ``submeter``. It joins the rooms and holds no logic of its own.

Sub-commands are imported when they are called, so that a gateway on a Raspberry Pi needs no SciPy and no web server.
"""

import importlib
import sys
from typing import Final

import click

from submeter import __version__
from submeter.words import ConfigError, TheirsError

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "demo": ("submeter.roof.demo", "A simulated district, live, on embedded defaults."),
    "gateway": ("submeter.roof.gateway", "Poll meters, keep what they said, send it."),
    "collector": ("submeter.roof.collector", "Take readings from MQTT into the store."),
    "analytics": ("submeter.roof.analytics", "Settle energy, find faults, measure savings."),
    "study": ("submeter.roof.study", "Study buildings now, on all cores or a cluster."),
    "web": ("submeter.roof.web", "The built-in web view."),
    "broker": ("submeter.roof.broker_command", "The embedded MQTT broker."),
    "district": ("submeter.roof.district", "The pretend world's RS-485 lines and portfolios."),
    "replay": ("submeter.roof.replay", "Play recorded energy (CSV) as meters, over the same wire."),
    "weather": ("submeter.roof.weather", "Weather of real sites."),
    "settle": ("submeter.roof.settle", "Settle meters again from their raw readings."),
    "ledger": ("submeter.roof.ledger:ledger", "How each number is known."),
    "import": ("submeter.roof.import_files", "Readings that a person brings, from CSV or Parquet."),
    "read": ("submeter.roof.import_files:read_one", "Keep one reading that a person took."),
    "export": ("submeter.roof.export_files", "Readings and intervals as CSV or Parquet."),
    "quarantine": ("submeter.roof.quarantine", "What was not accepted, and why."),
    "config": ("submeter.roof.config", "Check settings and portfolio."),
    "secrets": ("submeter.roof.secrets", "Make passwords and tokens; nothing has a default one."),
    "dashboards": ("submeter.roof.dashboards", "Grafana boards: build, compare, push."),
}


class Roof(click.Group):
    """Finds a sub-command's module only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        place, _ = COMMANDS[cmd_name]
        module, _, name = place.partition(":")
        try:
            found: click.Command = getattr(importlib.import_module(module), name or "command")
        except ModuleNotFoundError as absent:
            if absent.name and absent.name.split(".")[0] in ("submeter", "collector", "analytics", "dashboards"):
                raise
            raise click.ClickException(
                f"`submeter {cmd_name}` needs the package {absent.name!r}: pip install 'submeter[server]' (or [demo])"
            ) from None
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=Roof, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="submeter")
def roof() -> None:
    """Sub-metering of public buildings: from the RS-485 bus to a verified kWh saved.

    \b
    Example:
      submeter demo              a simulated district at http://127.0.0.1:8080
      submeter config check      is everything in order before it starts?
    """


def main() -> None:
    """Entry point. Exit codes: 0 done, 1 it could not be done, 2 wrong usage, 3 the configuration is broken."""
    try:
        roof.main(prog_name="submeter", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as fault:
        fault.show()
        sys.exit(fault.exit_code)
    except ConfigError as fault:
        click.echo(f"submeter: {fault}", err=True)
        sys.exit(3)
    except TheirsError as fault:
        click.echo(f"submeter: {fault}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as fault:
        if fault.filename is None:
            raise
        click.echo(
            f"submeter: {fault.filename}: {fault.strerror}; check that it is there, is of the right kind (file or "
            "folder), and that this user may read and write it",
            err=True,
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
