"""A broker in memory with the :class:`~submeter.wire.mqtt.Line` of the real one: for tests and one-process worlds.

It is as faithful as delivery needs: QoS 1 with acknowledgement, sessions that outlive a link, message expiry, retained
messages, wills, no more than RECEIVE_MAXIMUM unacknowledged; and it can be killed, which loses all it had.
Nothing happens by itself: whoever calls does the work, under one lock.
"""

import queue
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from submeter.clock import Clock, WallClock
from submeter.wire.mqtt import RECEIVE_MAXIMUM, Message, Will


def matches(pattern: str, topic: str) -> bool:
    """Whether a topic filter takes a topic (MQTT 5, 4.7).

    >>> matches("submeter/v1/+/HQ01/#", "submeter/v1/demo/HQ01/gw1/readings")
    True
    """
    wanted, parts = pattern.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted, parts = wanted[:-1], parts[: len(wanted) - 1]
    return len(wanted) == len(parts) and all(w in ("+", p) for w, p in zip(wanted, parts, strict=True))


@dataclass(slots=True)
class _Post:
    message: Message
    expires_s: float


@dataclass(slots=True)
class _Session:
    filters: tuple[str, ...] = ()
    waiting: deque[_Post] = field(default_factory=deque)
    sent: dict[int, _Post] = field(default_factory=dict)
    link: "MemoryLink | None" = None
    mid: int = 0


class MemoryBroker:
    """``clock`` decides when messages expire."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or WallClock()
        self._lock = threading.RLock()
        self._sessions: dict[str, _Session] = {}
        self._retained: dict[str, Message] = {}
        self.up = True

    def link(
        self, client_id: str, filters: Iterable[str] = (), *, will: Will | None = None, clean: bool = False
    ) -> "MemoryLink":
        """A line to this broker, not yet started."""
        return MemoryLink(self, client_id, tuple(filters), will, clean)

    def kill(self) -> None:
        """Gone, with sessions, queues and retained messages; links are down until :meth:`revive` and their restart."""
        with self._lock:
            self.up = False
            for session in self._sessions.values():
                if session.link:
                    session.link.connected = False
            self._sessions.clear()
            self._retained.clear()

    def revive(self, links: Iterable["MemoryLink"]) -> None:
        """An empty broker at the same address; the links that were up connect to it again."""
        self.up = True
        for link in links:
            self._connect(link)

    def waiting(self, client_id: str) -> int:
        """How many messages wait for a client, unexpired, delivered or not."""
        with self._lock:
            self._expire(session := self._sessions[client_id])
            return len(session.waiting) + len(session.sent)

    def _connect(self, link: "MemoryLink") -> None:
        with self._lock:
            if not self.up:
                return
            if link.clean:
                self._sessions.pop(link.client_id, None)
            session = self._sessions.setdefault(link.client_id, _Session())
            session.filters, session.link = link.filters, link
            session.waiting.extendleft(reversed(session.sent.values()))
            session.sent.clear()
            link.connection += 1
            link.connected = True
            for message in self._retained.values():
                if any(matches(f, message.topic) for f in link.filters):
                    session.waiting.append(_Post(message, float("inf")))
            self._deliver(session)

    def _disconnect(self, link: "MemoryLink", *, died: bool) -> None:
        with self._lock:
            if not link.connected:
                return
            link.connected = False
            self._sessions[link.client_id].link = None
            if link.clean:
                del self._sessions[link.client_id]
            if died and link.will:
                self._route(Message(link.will.topic, link.will.payload, 1, 0, 0), float("inf"), retain=True)

    def _route(self, message: Message, expires_s: float, *, retain: bool) -> None:
        with self._lock:
            if retain:
                self._retained[message.topic] = message
            for session in self._sessions.values():
                if any(matches(f, message.topic) for f in session.filters):
                    session.waiting.append(_Post(message, expires_s))
                    self._deliver(session)

    def _expire(self, session: _Session) -> None:
        now_s = self._clock.monotonic()
        session.waiting = deque(post for post in session.waiting if post.expires_s > now_s)

    def _deliver(self, session: _Session) -> None:
        self._expire(session)
        while session.waiting and session.link and len(session.sent) < RECEIVE_MAXIMUM:
            post = session.waiting.popleft()
            session.mid += 1
            session.sent[session.mid] = post
            m = post.message
            session.link.inbox.put_nowait(
                Message(
                    m.topic,
                    m.payload,
                    1,
                    session.mid,
                    session.link.connection,
                    m.retain,
                    m.response_topic,
                    m.correlation,
                )
            )

    def _acknowledge(self, link: "MemoryLink", mid: int) -> None:
        with self._lock:
            session = self._sessions.get(link.client_id)
            if session and session.sent.pop(mid, None):
                self._deliver(session)


@dataclass(slots=True, eq=False)
class MemoryLink:
    """See :class:`~submeter.wire.mqtt.Link`."""

    broker: MemoryBroker
    client_id: str
    filters: tuple[str, ...] = ()
    will: Will | None = None
    clean: bool = False
    inbox: "queue.Queue[Message]" = field(default_factory=queue.Queue)
    connection: int = 0
    connected: bool = False
    refusal: str = ""
    overflowed: int = 0
    acknowledged: int = 0
    pending: int = 0
    started: bool = False

    def start(self) -> None:
        self.started = True
        self.broker._connect(self)

    def stop(self) -> None:
        self.started = False
        self.broker._disconnect(self, died=False)

    def die(self) -> None:
        """As a process that is killed: no good-bye, the will speaks."""
        self.started = False
        self.broker._disconnect(self, died=True)

    def alive(self) -> bool:
        return self.started

    def acknowledge(self, message: Message) -> None:
        if message.connection == self.connection and self.connected:
            self.broker._acknowledge(self, message.mid)

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        response_topic: str = "",
        correlation: bytes = b"",
        expiry_s: int = 0,
        retain: bool = False,
    ) -> bool:
        if not self.connected:
            return False
        expires_s = self.broker._clock.monotonic() + expiry_s if expiry_s else float("inf")
        message = Message(topic, payload, 1, 0, 0, retain, response_topic, correlation)
        self.broker._route(message, expires_s, retain=retain)
        self.acknowledged += 1
        return True
