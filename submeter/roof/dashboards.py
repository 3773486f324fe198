"""``submeter dashboards``: Grafana's boards built, compared with what is committed, and pushed."""

from pathlib import Path

import click

from dashboards.grafana import files
from dashboards.grafana.boards import boards
from dashboards.grafana.provisioning import compose_files, write_provisioning
from dashboards.grafana.provisioning import files as provisioning_files
from dashboards.grafana.push import push as push_boards
from submeter.roof.place import Place, with_place
from submeter.settings import config_folder, load_portfolio
from submeter.settings.settings import secret


@click.group()
def command() -> None:
    """Grafana boards: build, compare, push.

    \b
    Example:
      submeter dashboards build --settings settings.toml --out boards
    """


@command.command()
@with_place
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the boards' JSON.")
def build(place: Place, out: Path) -> None:
    """Write the boards of your portfolio as JSON, for Grafana's provisioning.

    \b
    Example:
      submeter dashboards build --settings settings.toml --out boards
    """
    for path in files.write_boards(boards(place.watch()()), out):
        click.echo(path)


@command.command()
@click.option("--write", is_flag=True, help="Write them instead.")
def check(write: bool) -> None:
    """Compare the committed boards and provisioning files (those of the demo district) with what the code makes.

    \b
    Example:
      submeter dashboards check
    """
    shipped = boards(load_portfolio(config_folder() / "demo"))
    provisioning = files.FOLDER.parent / "provisioning"
    if write:
        files.write_boards(shipped, files.FOLDER)
        write_provisioning(provisioning, compose_files())
    found = files.differences(shipped, files.FOLDER)
    for name, text in compose_files().items():
        path = provisioning / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            found.append(f"{path}: is not what the code makes")
    for sentence in found:
        click.echo(sentence)
    if found:
        raise click.ClickException("write them anew: submeter dashboards check --write")
    click.echo(f"{len(shipped)} boards are what the code makes")


@command.command()
@with_place
@click.option("--url", default="http://127.0.0.1:3000", show_default=True, help="Where Grafana is.")
@click.option("--token-file", type=click.Path(path_type=Path), help="A service account's token (role Editor).")
@click.option("--user", default="", help="Instead of a token: a user, with --password-file.")
@click.option("--password-file", type=click.Path(path_type=Path))
def push(place: Place, url: str, token_file: Path | None, user: str, password_file: Path | None) -> None:
    """Push the boards of your portfolio into a running Grafana; those that are there are replaced.

    \b
    Example:
      submeter dashboards push --url http://127.0.0.1:3000 --token-file secrets/grafana-token
      submeter dashboards push --user admin --password-file secrets/grafana-admin-password
    """
    if bool(token_file) == bool(user and password_file):
        raise click.UsageError("say either --token-file, or --user with --password-file")
    credential = secret(str(token_file)) if token_file else (user, secret(str(password_file)))
    for address in push_boards(boards(place.watch()()), url, credential):
        click.echo(address)


@command.command()
@click.option("--influx-url", required=True, help="As Grafana reaches it.")
@click.option("--database", default="submeter", show_default=True, help="InfluxDB 1: database; 2: bucket.")
@click.option("--token-file", default="", help="InfluxDB 2: file with a token that may read, as Grafana reaches it.")
@click.option("--boards", "folder", required=True, help="Folder with the boards' JSON, as Grafana reaches it.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Grafana's provisioning folder.")
def provisioning(influx_url: str, database: str, token_file: str, folder: str, out: Path) -> None:
    """Write Grafana's provisioning files: the data source, and where the boards lie.

    \b
    Example:
      submeter dashboards provisioning --influx-url http://127.0.0.1:8086 --boards /srv/boards --out provisioning
    """
    for path in write_provisioning(out, provisioning_files(influx_url, database, token_file, folder)):
        click.echo(path)
