"""``submeter secrets``: passwords and tokens, made by a command; nothing has a default one."""

import secrets as random
from pathlib import Path

import click

NAMES = (
    "mqtt-collector", "mqtt-gw1", "mqtt-gw2", "influx-admin-password", "influx-operator-token",
    "grafana-admin-password",
)  # fmt: skip


@click.group()
def command() -> None:
    """Make passwords and tokens; nothing has a default one."""


@command.command()
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=Path("secrets"), show_default=True)
@click.argument("names", nargs=-1)
def create(folder: Path, names: tuple[str, ...]) -> None:
    """Write a random secret into a file each, readable by you alone; those that exist stay as they are.

    \b
    Example:
      submeter secrets create
      submeter secrets create mqtt-gw3
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in names or NAMES:
        path = folder / name
        if path.exists():
            click.echo(f"kept    {path}")
            continue
        path.touch(mode=0o600)
        path.write_text(random.token_urlsafe(32) + "\n", encoding="utf-8")
        click.echo(f"created {path}")
