"""``submeter secrets``: passwords and tokens, made by a command; nothing has a default one."""

import secrets as random
from pathlib import Path

import click

from submeter.settings.settings import secret
from submeter.wire.topic import NAME
from submeter.words import ConfigError

NAMES = (
    "mqtt-collector", "mqtt-gw1", "mqtt-gw2", "influx-admin-password", "influx-operator-token",
    "grafana-admin-password",
)  # fmt: skip


@click.group()
def command() -> None:
    """Make passwords and tokens; nothing has a default one.

    \b
    Example:
      submeter secrets create
    """


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
    for name in names or NAMES:
        if not NAME.fullmatch(name):
            raise ConfigError(f"{name!r} is no name of a secret; use letters, digits, '-', '_' and '.'")
        path = folder / name
        click.echo(f"{'created' if make_secret(path) else 'kept   '} {path}")


def make_secret(path: Path) -> bool:
    """Write 256 random bits, readable by the owner alone; False when the file is there already."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists():
        return False
    path.touch(mode=0o600)
    path.write_text(random.token_urlsafe(32) + "\n", encoding="utf-8")
    return True


@command.command()
@click.option("--url", default="http://127.0.0.1:8086", show_default=True)
@click.option("--org", "organisation", default="submeter", show_default=True)
@click.option("--bucket", default="submeter", show_default=True)
@click.option("--password-file", type=click.Path(path_type=Path), default=Path("secrets/influx-admin-password"))
@click.option("--operator-token-file", type=click.Path(path_type=Path), default=Path("secrets/influx-operator-token"))
@click.option("--out", type=click.Path(path_type=Path), default=Path("secrets"), help="Folder for the scoped tokens.")
def influx(url: str, organisation: str, bucket: str, password_file: Path, operator_token_file: Path, out: Path) -> None:
    """Set up an InfluxDB 2.x at its first start and make scoped tokens, handed over in files.

    \b
    Example:
      submeter secrets influx --url http://127.0.0.1:8086 --out secrets
    """
    from submeter.roof.influx_setup import Setup, set_up

    given = Setup(url, organisation, bucket, secret(str(password_file)), secret(str(operator_token_file)))
    for sentence in set_up(given, out):
        click.echo(sentence)
