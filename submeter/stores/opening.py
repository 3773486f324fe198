"""From the address in the settings to an open store."""

from submeter.stores.embedded import EmbeddedStore
from submeter.stores.memory import MemoryStore
from submeter.stores.port import Store
from submeter.words import ConfigError

FORMS = (
    "embedded:PATH, memory:, influx1://HOST:PORT/DATABASE or influx2://HOST:PORT/ORG/BUCKET"
    " (influx1s, influx2s for TLS)"
)


def open_store(url: str, *, state: str = "", token: str = "", user: str = "", password: str = "") -> Store:
    """Open the store at ``url``; ``state`` is the path of the embedded store beside an InfluxDB.

    Raises :class:`ConfigError` for an address that cannot be read, :class:`StoreAway` when the store does not answer.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "memory" and not rest:
        return MemoryStore()
    if scheme == "embedded" and rest:
        return EmbeddedStore(rest)
    raise ConfigError(f"[store] url {url!r}: is not one of {FORMS}")
