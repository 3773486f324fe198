"""From the address in the settings to an open store."""

from urllib.parse import unquote, urlsplit

from submeter.stores.embedded import EmbeddedStore
from submeter.stores.memory import MemoryStore
from submeter.stores.port import Store
from submeter.words import ConfigError

FORMS = (
    "embedded:PATH, memory:, influx1://HOST:PORT/DATABASE or influx2://HOST:PORT/ORG/BUCKET"
    " (influx1s, influx2s for TLS)"
)
_PORT = 8086


def open_store(url: str, *, state: str = "", token: str = "", user: str = "", password: str = "") -> Store:
    """Open the store at ``url``; ``state`` is the path of the embedded store beside an InfluxDB.

    Raises :class:`ConfigError` for an address that cannot be read, :class:`StoreAway` when the store does not answer.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "memory" and not rest:
        return MemoryStore()
    if scheme == "embedded" and rest:
        return EmbeddedStore(rest)
    if scheme in ("influx1", "influx1s", "influx2", "influx2s"):
        return _open_influx(url, state, token, user, password)
    raise ConfigError(f"[store] url {url!r}: is not one of {FORMS}")


def _open_influx(url: str, state: str, token: str, user: str, password: str) -> Store:
    # imported here: only who uses an InfluxDB needs its client
    from submeter.stores.influx import InfluxStore, Transport  # noqa: PLC0415
    from submeter.stores.influx1 import Influx1  # noqa: PLC0415

    scheme, host, port, names = _parts(url)
    if not state:
        raise ConfigError("[store] state: name a file for what InfluxDB cannot keep (entries, change feed, cursors)")
    transport: Transport
    if scheme.startswith("influx1"):
        transport = Influx1(host, port, names[0], user, password, tls=scheme.endswith("s"))
    else:
        try:
            from submeter.stores.influx2 import Influx2  # noqa: PLC0415
        except ImportError:
            raise ConfigError("[store] url: influxdb-client is not installed; pip install 'submeter[server]'") from None
        transport = Influx2(host, port, names[0], names[1], token, tls=scheme.endswith("s"))
        transport.check()
    return InfluxStore(transport, EmbeddedStore(state))


def _parts(url: str) -> tuple[str, str, int, list[str]]:
    """Scheme, host, port and the names in the path."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORT
    except ValueError as fault:
        raise ConfigError(f"[store] url {url!r}: {fault}; it is one of {FORMS}") from None
    names = [unquote(name) for name in parts.path.split("/") if name]
    if not parts.hostname or len(names) != (1 if parts.scheme.startswith("influx1") else 2):
        raise ConfigError(f"[store] url {url!r}: is not one of {FORMS}")
    return parts.scheme, parts.hostname, port, names
