"""The settings file ``settings.toml``: strict, every field with a default, unknown fields refused.

Secrets are never in it: ``*_file`` names a file that holds one.
"""

from pathlib import Path
from typing import Annotated

import msgspec

from submeter.wire.mqtt import Broker
from submeter.words import ConfigError


class BrokerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    host: str = "127.0.0.1"
    port: int = 1883
    user: str = ""
    password_file: str = ""
    ca_file: str = ""


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``url``: ``embedded:PATH``, ``memory:``, ``influx1://HOST:PORT/DATABASE`` or ``influx2://HOST:PORT/ORG/BUCKET``
    (``influx2s``/``influx1s`` for TLS). ``state``: PATH of the embedded store that keeps entries, feed and cursors
    beside an InfluxDB."""

    url: str = "embedded:submeter.db"
    state: str = "submeter-state.db"
    token_file: str = ""
    user: str = ""
    password_file: str = ""
    raw_days: Annotated[int, msgspec.Meta(ge=0)] = 0
    """raw readings are kept for at least so long, 0 = for ever; then whole months are frozen, their readings dropped"""


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str = "gw1"
    outbox: str = "outbox.db"
    outbox_megabytes: int = 512
    window: int = 8
    """packs under way without a receipt"""
    poll_s: float = 60.0


class IntakeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    future_s: float = 120.0
    """a time further ahead of our clock than this is held until it has come"""


class WebSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    host: str = "127.0.0.1"
    port: int = 8080
    language: str = "en"


class AlarmSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much is told (``[analytics.alarms]``). What is left out by one of these is counted, never merely gone."""

    per_meter_month: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 0.5
    """the budget: of verdicts that rest on statistics at most so many are told, the surest. Facts (silence, a register
    that runs backwards) count towards it and are told in any case"""
    least_too_much: Annotated[float, msgspec.Meta(ge=0, le=10)] = 0.0
    """of what is usual during an episode: a smaller surplus is not told"""
    least_too_little: Annotated[float, msgspec.Meta(ge=0, le=10)] = 0.0
    """the same of a shortfall"""
    hold_h: Annotated[float, msgspec.Meta(ge=0, le=8766)] = 0.0
    """hours that a fault must have lasted before it is told live"""


class AnalyticsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    confidence: float = 0.9
    completeness_limit: float = 0.9
    """totals of which less than this share of the expected energy is known are withheld"""
    alarms: AlarmSettings = AlarmSettings()


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    tenant: str = "demo"
    portfolio: str = "."
    """folder of the portfolio's files, relative to the settings file"""
    broker: BrokerSettings = BrokerSettings()
    store: StoreSettings = StoreSettings()
    gateway: GatewaySettings = GatewaySettings()
    intake: IntakeSettings = IntakeSettings()
    analytics: AnalyticsSettings = AnalyticsSettings()
    web: WebSettings = WebSettings()


def load_settings(path: Path) -> Settings:
    """Read a settings file. Raises :class:`ConfigError` with file, line (or field) and remedy."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as fault:
        raise ConfigError(f"{path}: cannot be read ({fault.strerror}); name a settings file with --settings") from None
    except UnicodeDecodeError as fault:
        raise ConfigError(f"{path}: is not UTF-8 (byte {fault.start}); save it as UTF-8 text") from None
    try:
        return msgspec.toml.decode(text, type=Settings)
    except (msgspec.ValidationError, msgspec.DecodeError) as fault:
        raise ConfigError(f"{path}: {fault}; compare with the table in docs/settings.md") from None


def secret(path: str, beside: Path | None = None) -> str:
    """The text of a secret's file, without its line end; '' for no file. Raises :class:`ConfigError`."""
    if not path:
        return ""
    file = (beside / path) if beside else Path(path)
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as fault:
        raise ConfigError(
            f"{file}: the secret cannot be read ({fault.strerror}); `submeter secrets` makes it"
        ) from None


def broker_of(settings: BrokerSettings, beside: Path | None = None) -> Broker:
    """The broker's address with its password read from the file."""
    return Broker(
        host=settings.host,
        port=settings.port,
        user=settings.user,
        password=secret(settings.password_file, beside),
        ca_file=settings.ca_file,
    )
