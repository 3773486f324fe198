"""Intake: takes packs from MQTT, judges them, writes them, and only then answers and acknowledges.

One step takes a bounded batch. Marks in the store say which packs are being read (see ``suspects``); then everything is
judged, and one ``writing()`` block holds readings, what they touched, quarantine, and what waits. After it come the
receipts, then the acknowledgements. While the store is away nothing is answered: the batch stays in hand, the inbox
fills, and whoever sent without a receipt sends again.
"""

import itertools
import logging
import queue
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from collector.intake import quarantine, waiting
from collector.intake.health import Health
from collector.intake.hearing import Hearing
from collector.intake.lots import Spans, arrange, refused_by_store
from collector.intake.pack import Pack
from collector.intake.reasons import REPLAYED, Reason
from collector.intake.roster import Roster
from collector.intake.rules import judge
from collector.intake.status import read_status
from collector.intake.suspects import Suspects
from submeter.clock import Clock
from submeter.settings.settings import IntakeSettings
from submeter.stores import Store
from submeter.wire.mqtt import Message
from submeter.wire.receipt import encode_receipt
from submeter.wire.senml import MAX_PAYLOAD, BadRecord, decode, runs
from submeter.wire.topic import Topic, parse_topic
from submeter.words import Bug, GatewayStatus, Held, PayloadError, Portfolio, Quarantined, StoreAway

logger = logging.getLogger("submeter.intake")

BATCH_PACKS: Final = 32
BATCH_BYTES: Final = 4_000_000
IDLE_S: Final = 0.02
BACK_OFF_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
RELEASED: Final = 5000
"""held readings that one step stores at most"""
REPLAYED_A_STEP: Final = 25
"""quarantine entries that one step judges anew at most"""
STATUS_MS: Final = 10_000


class Inlet(Protocol):
    """What intake needs of a :class:`submeter.wire.mqtt.Link`."""

    @property
    def inbox(self) -> "queue.Queue[Message]": ...
    @property
    def overflowed(self) -> int: ...

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def alive(self) -> bool: ...
    def publish(self, topic: str, payload: bytes, *, correlation: bytes = b"") -> bool: ...
    def acknowledge(self, message: Message) -> None: ...


def filters(tenant: str) -> tuple[str, ...]:
    """What a collector subscribes to."""
    return tuple(f"submeter/v1/{tenant}/+/+/{leaf}" for leaf in ("readings", "status"))


def client_id(tenant: str, password: str) -> str:
    """The collector's MQTT client id: fixed, so that its session is found again, and not to be guessed, since whoever
    connects with a client's id throws that client off the broker."""
    return f"submeter-{tenant}-collector-{quarantine.digest(password.encode())[:12]}"


class Intake:
    """One bounded piece of work a step; see the module. Raises nothing of *theirs*.

    The link is started and stopped by whoever made it.
    """

    def __init__(
        self, link: Inlet, store: Store, portfolio: Callable[[], Portfolio], settings: IntakeSettings, clock: Clock
    ) -> None:
        self.health = Health()
        self._link = link
        self._store = store
        self._portfolio = portfolio
        self._future_ms = round(settings.future_s * 1000)
        self._clock = clock
        self._hand: deque[Message] = deque()
        self._failures = 0
        self._retry_at = 0.0
        self._suspects: Suspects | None = None
        self._waiting: waiting.WaitingRoom | None = None
        self._seen: Portfolio | None = None
        self._replay: deque[Quarantined] = deque()
        self._statuses: dict[str, GatewayStatus] = {}
        self._told_ms = 0
        self._overflowed = 0
        self._hearing = Hearing(link, portfolio().tenant, clock.monotonic())

    def step(self) -> float:
        """Work once; returns the seconds until there may be more to do.

        Raises :class:`Bug` when the link's network thread has died: better ended than alive and deaf.
        """
        if not self._link.alive():
            raise Bug("intake: the network thread has died; the collector must be started anew")
        left_s = self._retry_at - self._clock.monotonic()
        if left_s > 0:
            return min(left_s, 1.0)
        try:
            worked = self._work()
        except StoreAway as fault:
            return self._back_off(fault)
        if self._failures:
            logger.info("the store is back after %d attempts", self._failures)
        self._failures = 0
        return 0.0 if worked else IDLE_S

    def _back_off(self, fault: StoreAway) -> float:
        wait_s = BACK_OFF_S[min(self._failures, len(BACK_OFF_S) - 1)]
        logger.warning("%s; nothing is acknowledged, trying again in %g s", fault, wait_s)
        self._failures += 1
        self.health.away += 1
        self._hearing.forget()
        self._retry_at = self._clock.monotonic() + wait_s
        return min(wait_s, 1.0)

    def _work(self) -> bool:
        suspects, room = self._open()
        roster = self._roster_now()
        with self.health.timing():
            worked = self._take_batch(suspects, room, roster)
        worked |= self._release(room)
        worked |= self._replay_some(room, roster)
        self._tell(room)
        self._hearing.step(self._clock.monotonic(), idle=not self._hand and self._link.inbox.empty())
        return worked

    def _open(self) -> tuple[Suspects, waiting.WaitingRoom]:
        """What the store remembers of a former life; read once."""
        if self._suspects is None or self._waiting is None:
            self._waiting = waiting.WaitingRoom(self._store)
            self._statuses = {s.id: s for s in self._store.entries(GatewayStatus)}
            self._suspects = Suspects(self._store, self._clock.now_ms())
        return self._suspects, self._waiting

    def _roster_now(self) -> Roster:
        portfolio = self._portfolio()
        seen = self._seen
        if seen is None or (portfolio is not seen and not (portfolio.version and portfolio.version == seen.version)):
            self._roster = Roster(portfolio)
            self._replay = deque(q for q in self._store.entries(Quarantined) if q.reason in REPLAYED)
            self._seen = portfolio
        return self._roster

    # packs

    def _take_batch(self, suspects: Suspects, room: waiting.WaitingRoom, roster: Roster) -> bool:
        self._fill_hand()
        if not self._hand:
            self._fetch_overflow()
            return False
        packs = self._allot(suspects)
        now_ms = self._clock.now_ms()
        digests = [pack.digest for pack in packs]
        suspects.mark(digests, now_ms)
        taken, spans = 0, Spans()
        for pack in packs:
            self._read(pack, suspects.condemned(pack.digest), roster, now_ms)
            if not spans.add(pack.lots):
                break
            taken += 1
        packs = packs[:taken]
        with self._store.writing():
            self._write_packs(packs, now_ms)
            suspects.unmark(digests)
        for _ in packs:
            self._hand.popleft()
        suspects.clear(pack.digest for pack in packs)
        for pack in packs:
            room.add(pack.held)
            self._answer(pack)
        return True

    def _fill_hand(self) -> None:
        """Take from the inbox what fits into one batch; what a former step could not write is in hand still."""
        size = sum(len(message.payload) for message in self._hand)
        while len(self._hand) < BATCH_PACKS and size < BATCH_BYTES:
            try:
                message = self._link.inbox.get_nowait()
            except queue.Empty:
                return
            if self._hearing.heard(message):
                self._link.acknowledge(message)
                continue
            self._hand.append(message)
            size += len(message.payload)

    def _fetch_overflow(self) -> None:
        """What did not fit into the inbox is unacknowledged, takes up the broker's window, and comes again only after
        a reconnect: so connect anew once the inbox is empty."""
        if self._link.overflowed != self._overflowed:
            self._overflowed = self._link.overflowed
            logger.warning("%d messages did not fit into the inbox; connecting anew for them", self._overflowed)
            self._link.stop()
            self._link.start()

    def _allot(self, suspects: Suspects) -> list[Pack]:
        """The packs of this step: up to the first suspect, which is read alone."""
        packs = [Pack(m, quarantine.digest(m.topic.encode() + b"\0" + m.payload)) for m in self._hand]
        for i, pack in enumerate(packs):
            if suspects.suspected(pack.digest):
                return packs[: max(i, 1)]
        return packs

    def _read(self, pack: Pack, condemned: bool, roster: Roster, now_ms: int) -> None:
        """Judge one message. Nothing is written here."""
        message = pack.message
        try:
            topic = parse_topic(message.topic)
            if topic.tenant != roster.tenant:
                raise PayloadError(f"topic {message.topic!r} is not of tenant {roster.tenant!r}")
        except PayloadError as fault:
            pack.refuse_whole(Reason.TOPIC, str(fault), now_ms)
            return
        pack.building, pack.gateway = topic.building, topic.gateway
        if condemned:
            text = "the collector died twice while it read this pack, so it was not read again; please report it"
            pack.refuse_whole(Reason.DEADLY, text, now_ms)
        elif topic.leaf == "status":
            self._read_status(pack, topic, roster, now_ms)
        else:
            self._read_readings(pack, topic, roster, now_ms)

    def _read_readings(self, pack: Pack, topic: Topic, roster: Roster, now_ms: int) -> None:
        payload = pack.message.payload
        try:
            records = decode(payload)
        except PayloadError as fault:
            reason = Reason.TOO_LARGE if len(payload) > MAX_PAYLOAD else Reason.UNREADABLE
            pack.refuse_whole(reason, str(fault), now_ms)
            return
        pack.take(judge(topic, runs(records), roster, now_ms, self._future_ms), now_ms)
        if bad := [record for record in records if isinstance(record, BadRecord)]:
            pack.refuse_bad(bad, now_ms)

    def _read_status(self, pack: Pack, topic: Topic, roster: Roster, now_ms: int) -> None:
        if not pack.message.payload:
            return  # a retained status was cleared
        if len(pack.message.payload) > MAX_PAYLOAD:
            text = f"a status of {len(pack.message.payload):,} bytes is larger than {MAX_PAYLOAD:,}"
            pack.refuse_whole(Reason.TOO_LARGE, text, now_ms)
            return
        if not roster.may_speak(topic.gateway, topic.building):
            text = f"gateway {topic.gateway!r} may not speak for {topic.building!r}; see gateways.csv"
            pack.refuse_whole(Reason.FOREIGN_STATUS, text, now_ms)
            return
        try:
            status = read_status(topic, pack.message.payload, self._statuses.get(topic.gateway))
        except PayloadError as fault:
            pack.refuse_whole(Reason.UNREADABLE, str(fault), now_ms)
            return
        self._statuses[status.id] = status
        pack.entries.append(status)

    def _write_packs(self, packs: Sequence[Pack], arrived_ms: int) -> None:
        """Everything that the packs hold, inside the caller's ``writing()``; the tallies are complete afterwards.

        What was there *again* is touched too: a collector may have died between a store's write and its feed.
        """
        lots = [(pack, lot) for pack in packs for lot in pack.lots]
        if lots:
            answers = self._store.write_readings([lot.block for _, lot in lots])
            self._store.touch(lot.span for _, lot in lots)
            for (pack, lot), answer in zip(lots, answers, strict=True):
                pack.tally.stored += answer.stored
                pack.tally.again += answer.again
                for refused in refused_by_store(lot, answer):
                    pack.refuse(refused, arrived_ms)
        if entries := [entry for pack in packs for entry in (*pack.entries, *pack.held)]:
            self._store.put(*entries)

    def _answer(self, pack: Pack) -> None:
        """The receipt, on the topic of the gateway that sent, whatever Response Topic says; then the PUBACK."""
        message, tally = pack.message, pack.tally
        if message.topic.endswith("/status"):
            self.health.quarantined += tally.reasons
        else:
            self.health.count(tally)
            if message.correlation:
                sent = self._link.publish(
                    receipt_topic(message.topic), encode_receipt(tally.receipt), correlation=message.correlation
                )
                self.health.receipts += sent
                self.health.unanswered += not sent
        self._link.acknowledge(message)

    # what waits, and what comes back

    def _release(self, room: waiting.WaitingRoom) -> bool:
        """Store held readings whose time has come."""
        now_ms = self._clock.now_ms()
        due = room.due(now_ms, RELEASED)
        if not due:
            return False
        lots, _, refused = arrange(waiting.rows_of(due))
        with self._store.writing():
            answers = self._store.write_readings([lot.block for lot in lots])
            self._store.touch(lot.span for lot in lots)
            refused += [r for lot, answer in zip(lots, answers, strict=True) for r in refused_by_store(lot, answer)]
            for one in refused:
                first = due[int(one.run.index[0])]
                self._store.put(*quarantine.entries_of(one, first.building, first.gateway, now_ms))
            self._store.drop(Held, [entry.id for entry in due])
        room.gone(entry.id for entry in due)
        for one in refused:
            self.health.quarantined[one.reason] += len(one.run.index)
        return True

    def _replay_some(self, room: waiting.WaitingRoom, roster: Roster) -> bool:
        """After a change of the portfolio: judge anew what an unknown meter (device, gateway) sent."""
        share = list(itertools.islice(self._replay, REPLAYED_A_STEP))
        if not share:
            return False
        with self._store.writing():
            packs = [self._replay_one(entry, roster) for entry in share]
        for pack in packs:
            self._replay.popleft()
            room.add(pack.held)
            self.health.returned += pack.tally.stored + pack.tally.again
        return True

    def _replay_one(self, entry: Quarantined, roster: Roster) -> Pack:
        topic = Topic(roster.tenant, entry.building, entry.gateway, "readings")
        pack = Pack(Message(str(topic), b"", 0, 0, 0), "", building=entry.building, gateway=entry.gateway)
        judged = judge(topic, quarantine.read_run(entry.record), roster, self._clock.now_ms(), self._future_ms)
        if judged.accepted or judged.held or [r.reason for r in judged.refused] != [entry.reason]:
            pack.take(judged, entry.arrived_ms)
            self._store.drop(Quarantined, [entry.id])
            self._write_packs([pack], entry.arrived_ms)
        return pack

    def _tell(self, room: waiting.WaitingRoom) -> None:
        """The collector's own status entry, now and then."""
        self.health.waiting = len(room)
        now_ms = self._clock.now_ms()
        if now_ms - self._told_ms >= STATUS_MS:
            self._store.put(self.health.status(now_ms, self._link.inbox.qsize()))
            self._told_ms = now_ms


def receipt_topic(topic: str) -> str:
    """The receipt topic of whoever published on ``topic``."""
    return f"{topic.rpartition('/')[0]}/receipt"
