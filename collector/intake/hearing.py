"""Whether the collector still hears: it publishes to itself now and then, and what comes back is the only honest proof.

A connection may look whole while its subscription is gone. When nothing has come back for a minute, and nothing waits
to be read, the link is taken down and set up anew. The topic is one that the collector's user may write and hear: the
status of a gateway named after it.
"""

import logging
from typing import Final, Protocol

from submeter.wire.mqtt import Message
from submeter.wire.topic import Topic

logger = logging.getLogger("submeter.intake")

EVERY_S: Final = 20.0
PATIENCE_S: Final = 60.0
NAME: Final = "collector"


class Ear(Protocol):
    """What this needs of a link."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def publish(self, topic: str, payload: bytes) -> bool: ...


class Hearing:
    def __init__(self, link: Ear, tenant: str, now_s: float) -> None:
        self.topic = str(Topic(tenant, NAME, NAME, "status"))
        self._link = link
        self._next_s = now_s + EVERY_S
        self._asked_s: float | None = None

    def heard(self, message: Message) -> bool:
        """Whether this is our own voice; then all is well."""
        if message.topic != self.topic:
            return False
        self._asked_s = None
        return True

    def forget(self) -> None:
        """Nothing could be read for a while (the store is away), so silence proves nothing."""
        self._asked_s = None

    def step(self, now_s: float, idle: bool) -> None:
        """``idle``: everything that arrived has been read."""
        if self._asked_s is not None and idle and now_s - self._asked_s > PATIENCE_S:
            logger.error("intake: connected, but hears nothing of what it says for %g s; connecting anew", PATIENCE_S)
            self._asked_s = None
            self._link.stop()
            self._link.start()
        elif now_s >= self._next_s:
            self._next_s = now_s + EVERY_S
            said = self._link.publish(self.topic, b"{}")
            if not said:
                self._asked_s = None
            elif self._asked_s is None:
                self._asked_s = now_s
