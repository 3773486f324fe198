"""Where a command works: the settings file, what lies beside it, and the things opened from it."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from submeter.settings import Settings, Watch, config_folder, load_settings
from submeter.settings.settings import broker_of, secret
from submeter.stores import Store, open_store
from submeter.wire.mqtt import Broker
from submeter.words import ConfigError

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Place:
    """A settings file and its folder; every relative path in it is relative to that folder."""

    file: Path
    settings: Settings

    @property
    def folder(self) -> Path:
        return self.file.resolve().parent

    def path(self, text: str) -> Path:
        return self.folder / text

    def watch(self) -> Watch:
        return Watch(self.path(self.settings.portfolio), self.settings.tenant)

    def store(self) -> Store:
        s = self.settings.store
        kind, _, rest = s.url.partition(":")
        url = f"embedded:{self.path(rest)}" if kind == "embedded" else s.url
        return open_store(
            url,
            state=str(self.path(s.state)),
            token=secret(s.token_file, self.folder),
            user=s.user,
            password=secret(s.password_file, self.folder),
        )

    def broker(self) -> Broker:
        return broker_of(self.settings.broker, self.folder)


def open_place(settings: Path | None, config: Path | None) -> Place:
    """The place that ``--settings`` names, else ``settings.toml`` in ``--config`` or the configuration that ships."""
    file = settings or config_folder(config) / "settings.toml"
    if not file.is_file():
        raise ConfigError(f"{file}: there is no such settings file; copy config/settings.toml and say --settings FILE")
    return Place(file, load_settings(file))


def with_place(command: F) -> F:
    """Give a command ``--settings`` and ``--config`` and hand it the :class:`Place` first."""

    @click.option(
        "--settings", type=click.Path(path_type=Path), envvar="SUBMETER_SETTINGS", help="Settings file (TOML)."
    )
    @click.option("--config", type=click.Path(path_type=Path), help="Configuration folder instead of the shipped one.")
    @functools.wraps(command)
    def wrapped(settings: Path | None, config: Path | None, **rest: Any) -> Any:
        return command(open_place(settings, config), **rest)

    return wrapped  # type: ignore[return-value]  # click replaces the signature
