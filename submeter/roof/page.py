"""Before an address is told to people: what the page needs is installed, and somebody answers there."""

import importlib.util
import socket
import threading
import time
from typing import Final

from submeter.roof.broker import HOST
from submeter.roof.supervisor import Supervisor
from submeter.words import ConfigError

PATIENCE_S: Final = 30.0


def require(*packages: str) -> None:
    """Raises :class:`ConfigError` when a package is not installed; better once here than in each child's log."""
    absent = [name for name in packages if importlib.util.find_spec(name) is None]
    if absent:
        raise ConfigError(f"this needs {', '.join(absent)}, not installed here: pip install 'submeter[demo]'")


def await_page(supervisor: Supervisor, port: int, stop: threading.Event) -> None:
    """Return when the web view listens, when somebody says stop, or after half a minute."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and not listens(port) and not stop.wait(0.1):
        supervisor.look()


def listens(port: int) -> bool:
    """Whether somebody accepts connections at ``port`` of this machine."""
    try:
        with socket.create_connection((HOST, port), timeout=1.0):
            return True
    except OSError:
        return False
