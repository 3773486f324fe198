"""One place that runs a service's ``step()`` until somebody says stop.

A step that raises one of *theirs* is reported and tried again a little later; anything else ends the process loudly,
and whoever watches it (systemd, compose, ``submeter demo``) starts it anew.
"""

import logging
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from submeter.words import ConfigError, TheirsError

logger = logging.getLogger("submeter")

RETRY_S = 2.0


def start_logging(verbose: bool = False) -> None:
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
    )
    logging.getLogger("paho").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)


def stop_event() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    event = threading.Event()

    def told(_number: int, _frame: FrameType | None) -> None:
        event.set()

    signal.signal(signal.SIGTERM, told)
    signal.signal(signal.SIGINT, told)
    return event


def run(step: Callable[[], float], stop: threading.Event) -> None:
    """Call ``step`` for ever; it returns the seconds that it may be left alone. Returns when ``stop`` is set."""
    while not stop.is_set():
        try:
            wait_s = step()
        except ConfigError:
            raise
        except TheirsError as fault:
            logger.warning("%s: %s; trying again", type(fault).__name__, fault)
            wait_s = RETRY_S
        if wait_s > 0:
            stop.wait(wait_s)
