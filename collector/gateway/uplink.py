"""From the outbox to the broker, and receipts back: which rows go now is a pure decision, :class:`Uplink` the shell.

The broker is not trusted. A row that was sent is *under way* until its receipt comes or its retry time has come; the
copy at the broker expires at that same time, so a row never has two copies waiting there, and no more than ``window``
rows are under way. The retry time grows exponentially, with jitter. Part of the window is kept for fresh readings, part
for old ones, so neither a back-fill nor a backlog starves what is measured now, nor the other way round.
"""

import logging
import math
import queue
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from collector.gateway.outbox import Outbox, Waiting
from submeter.clock import Clock
from submeter.wire.mqtt import Broker, Line, Link, Message, Will
from submeter.wire.receipt import Receipt, correlate, decode_receipt, parse_correlation
from submeter.wire.topic import Topic, parse_topic
from submeter.words import Bug, GatewayStatus, PayloadError

log: Final = logging.getLogger(__name__)
SILENCE_S: Final = 60.0
"""a connected link without a single acknowledgement for so long is taken down and set up anew"""


@dataclass(frozen=True, slots=True)
class Rules:
    """``window`` rows under way at most; a quarter of it is kept for rows with readings of the last ``fresh_ms``."""

    window: int = 8
    first_s: float = 10.0
    longest_s: float = 300.0
    fresh_ms: int = 900_000

    @property
    def kept_for_fresh(self) -> int:
        return self.window // 4

    def delay_s(self, attempt: int, random: float) -> float:
        """How long to wait for a receipt: doubled at each attempt (the first is 1), ±25 % by ``random`` in [0, 1)."""
        return min(self.longest_s, self.first_s * 2.0 ** min(attempt - 1, 30)) * (0.75 + 0.5 * random)


class Flight(NamedTuple):
    """A row that was sent and has no receipt. It is under way until ``due_s`` (monotonic)."""

    attempt: int
    due_s: float
    fresh: bool


def choose(
    old: Sequence[Waiting], fresh: Sequence[Waiting], flights: Mapping[int, Flight], now_s: float, rules: Rules
) -> list[tuple[Waiting, bool]]:
    """Which rows to send now, and whether as fresh ones. ``old`` is oldest first, ``fresh`` newest first.

    Fresh ones go first but leave a place for an old one; old ones leave a quarter of the window for fresh ones.
    """
    under_way = {row: f for row, f in flights.items() if f.due_s > now_s}
    count_fresh = sum(f.fresh for f in under_way.values())
    count_old = len(under_way) - count_fresh
    chosen: dict[int, tuple[Waiting, bool]] = {}
    for waiting in fresh:
        if (
            waiting.row not in under_way
            and count_fresh < max(1, rules.window - 1)
            and count_fresh + count_old < rules.window
        ):
            chosen[waiting.row] = (waiting, True)
            count_fresh += 1
    for waiting in old:
        if waiting.row in under_way or waiting.row in chosen:
            continue
        if count_old < rules.window - rules.kept_for_fresh and count_fresh + count_old < rules.window:
            chosen[waiting.row] = (waiting, False)
            count_old += 1
    return list(chosen.values())


class Tally(msgspec.Struct):
    """What an uplink has done since it started."""

    sent: int = 0
    again: int = 0
    """of these, sent for a second time or more"""
    receipts: int = 0
    ignored: int = 0
    """receipts that matched no row in all three, or could not be read"""
    quarantined: int = 0
    """records that the collector put aside"""
    restarts: int = 0
    """links that were silent and were set up anew"""


class Uplink:
    """``random`` gives numbers in [0, 1). The link is started by whoever made it and stopped by :meth:`close`."""

    def __init__(
        self,
        link: Line,
        outbox: Outbox,
        *,
        tenant: str,
        gateway: str,
        clock: Clock,
        random: Callable[[], float],
        rules: Rules | None = None,
    ) -> None:
        self._link, self._outbox, self._clock, self._random = link, outbox, clock, random
        self.tenant, self.gateway = tenant, gateway
        self.rules = rules or Rules()
        self.tally = Tally()
        self.complaint = ""
        """why the collector last put a record aside, or the broker refused us"""
        self._flights: dict[int, Flight] = {}
        self._connection = 0
        self._refusal = ""
        self._heard_s = clock.monotonic()
        self._acknowledged = (0, clock.monotonic())

    @property
    def connected(self) -> bool:
        return self._link.connected

    @property
    def connection(self) -> int:
        return self._link.connection

    def step(self) -> float:
        """Take the receipts that came and send what may go; returns the seconds until something may be due.

        Raises :class:`Bug` when the link's network thread has died.
        """
        if not self._link.alive():
            raise Bug("uplink: the network thread has died; the gateway must be started anew")
        now_s = self._clock.monotonic()
        self._settle(now_s)
        self._report_refusal()
        if not self._link.connected:
            self._acknowledged = (self._link.acknowledged, now_s)
            return 0.5
        self._watch(now_s)
        if self._link.connection != self._connection:
            self._connection = self._link.connection
            self._flights = {row: f._replace(due_s=now_s) for row, f in self._flights.items()}
        self._send(now_s)
        return 0.02 if self._flights else 0.2

    def tell(self, status: GatewayStatus) -> bool:
        """Publish what the gateway says of itself, retained. False while there is no connection."""
        topic = str(Topic(self.tenant, status.building, self.gateway, "status"))
        return self._link.publish(topic, msgspec.json.encode(status), retain=True)

    def close(self) -> None:
        self._link.stop()

    def _send(self, now_s: float) -> None:
        rules = self.rules
        if not self._outbox.waiting or sum(f.due_s > now_s for f in self._flights.values()) >= rules.window:
            return
        if len(self._flights) > 4 * rules.window:  # rows that were thinned away since
            self._flights = {row: f for row, f in self._flights.items() if f.due_s > now_s}
        old = self._outbox.oldest(2 * rules.window)
        fresh = self._outbox.fresh(self._clock.now_ms() - rules.fresh_ms, 2 * rules.window)
        for waiting, is_fresh in choose(old, fresh, self._flights, now_s, rules):
            if not self._publish(waiting, is_fresh, now_s):
                return

    def _publish(self, waiting: Waiting, fresh: bool, now_s: float) -> bool:
        payload = self._outbox.payload(waiting.row)
        if payload is None:
            return True
        before = self._flights.get(waiting.row)
        attempt = before.attempt + 1 if before else 1
        delay = self.rules.delay_s(attempt, self._random())
        taken = self._link.publish(
            str(Topic(self.tenant, waiting.building, self.gateway, "readings")),
            payload,
            response_topic=str(Topic(self.tenant, waiting.building, self.gateway, "receipt")),
            correlation=correlate(self._outbox.id, waiting.row, payload).encode(),
            expiry_s=math.ceil(delay),
        )
        if taken:
            self._flights[waiting.row] = Flight(attempt, now_s + delay, fresh)
            self.tally.sent += 1
            self.tally.again += attempt > 1
        return taken

    def _settle(self, now_s: float) -> None:
        """Take all receipts that wait; rows that they name go, in one transaction."""
        gone: dict[int, tuple[Waiting, Receipt]] = {}
        while (message := self._next()) is not None:
            try:
                waiting, receipt = self._read(message)
            except PayloadError as fault:
                self.tally.ignored += 1
                log.info("receipt ignored: %s", fault)
                continue
            self.tally.ignored += waiting.row in gone
            gone[waiting.row] = waiting, receipt
        if not gone:
            return
        self._outbox.settle([waiting for waiting, _ in gone.values()])
        self.tally.receipts += len(gone)
        for waiting, receipt in gone.values():
            self._flights.pop(waiting.row, None)
            self._report(waiting, receipt)
        self._wake(now_s)

    def _next(self) -> Message | None:
        try:
            message = self._link.inbox.get_nowait()
        except queue.Empty:
            return None
        self._link.acknowledge(message)
        return message

    def _read(self, message: Message) -> tuple[Waiting, Receipt]:
        """The row that a receipt lets go. Raises :class:`PayloadError` where it lets none go."""
        topic = parse_topic(message.topic)
        if (topic.tenant, topic.gateway, topic.leaf) != (self.tenant, self.gateway, "receipt"):
            raise PayloadError(f"{message.topic} is not a receipt topic of {self.gateway}")
        named, receipt = parse_correlation(message.correlation), decode_receipt(message.payload)
        waiting = self._outbox.find(named)
        if waiting is None:
            raise PayloadError(
                f"{named.encode().decode()} names no row of this outbox (a second receipt, or another's)"
            )
        if receipt.total != waiting.records and not any(r.record < 0 for r in receipt.rejected):
            raise PayloadError(
                f"row {waiting.row} has {waiting.records} records, its receipt speaks of {receipt.total}"
            )
        return waiting, receipt

    def _report(self, waiting: Waiting, receipt: Receipt) -> None:
        if not receipt.quarantined:
            return
        self.tally.quarantined += receipt.quarantined
        why = receipt.rejected[0] if receipt.rejected else None
        self.complaint = f"{why.reason}: {why.text}" if why else "no reason given"
        log.warning(
            "%s: %d of %d records were put aside by the collector; the first: %s",
            waiting.building, receipt.quarantined, waiting.records, self.complaint,
        )  # fmt: skip

    def _report_refusal(self) -> None:
        """What the broker refuses (a password, a topic) is said once, not at each attempt."""
        if self._link.refusal and self._link.refusal != self._refusal:
            self.complaint = f"broker: {self._link.refusal}"
            log.error("%s; compare user and topics with the broker's configuration", self.complaint)
        self._refusal = self._link.refusal

    def _wake(self, now_s: float) -> None:
        """A receipt after a silence: the collector is back, so what backed off need not wait for its turn."""
        if now_s - self._heard_s > 2 * self.rules.first_s:
            self._flights = {row: f._replace(due_s=now_s) if f.attempt > 1 else f for row, f in self._flights.items()}
        self._heard_s = now_s

    def _watch(self, now_s: float) -> None:
        """Set the link up anew when it is connected, has messages under way, and hears nothing for a minute."""
        count, since = self._acknowledged
        if self._link.acknowledged != count or not self._link.pending:
            self._acknowledged = (self._link.acknowledged, now_s)
        elif now_s - since > SILENCE_S:
            log.error("uplink: connected, but nothing was acknowledged for %.0f s; connecting anew", now_s - since)
            self.tally.restarts += 1
            self._acknowledged = (count, now_s)
            self._link.stop()
            self._link.start()


def gateway_link(broker: Broker, *, tenant: str, gateway: str, home: str, now_ms: int, with_will: bool = True) -> Link:
    """The link of a gateway: its receipts, and a will that says it is gone. ``home`` is the building of its status.

    Its client id is new at each start (it keeps no session): whoever connects with a client's id throws it off.
    """
    gone = GatewayStatus(
        id=gateway, building=home, told_ms=now_ms, waiting=0, oldest_ms=0, polls=0, errors=0, online=False
    )
    return Link(
        broker,
        client_id=f"submeter-{tenant}-{gateway}-{secrets.token_hex(6)}",
        filters=(str(Topic(tenant, "+", gateway, "receipt")),),
        will=Will(str(Topic(tenant, home, gateway, "status")), msgspec.json.encode(gone)) if with_will else None,
        clean=True,
    )
