"""An intake at a desk: a memory store, a portfolio of two buildings, a line that tests speak into, a clock by hand."""

import json
import queue
from collections.abc import Sequence

import msgspec

from collector.intake import Intake
from submeter.clock import HandClock
from submeter.settings.settings import IntakeSettings
from submeter.stores import ALWAYS_MS, Store, open_store
from submeter.wire.mqtt import Message
from submeter.wire.receipt import Receipt, decode_receipt
from submeter.words import Building, Device, Gateway, Held, Point, Portfolio, Quarantined, Series, Station

NOON_MS = 1_767_240_000_000
"""2026-01-01T04:00:00Z, noon in Shanghai: the desk's present"""
NOON_S = NOON_MS // 1000
MAIN = Series("HQ01/main", "SN1", "energy_import")


class Line:
    """A fake of ``wire.mqtt.Link``: what is put into ``inbox`` arrives; what is published and acknowledged is kept.

    What the collector says to itself comes back, unless the line is ``deaf``."""

    def __init__(self) -> None:
        self.inbox: queue.Queue[Message] = queue.Queue()
        self.published: list[tuple[str, bytes, bytes]] = []
        self.acknowledged: list[int] = []
        self.events: list[str] = []
        self.overflowed = 0
        self.starts = 0
        self.dead = False
        self.takes = True
        self.deaf = False

    def start(self) -> None:
        self.starts += 1

    def stop(self) -> None: ...

    def alive(self) -> bool:
        return not self.dead

    def publish(self, topic: str, payload: bytes, *, correlation: bytes = b"") -> bool:
        if topic.endswith("/status"):
            if not self.deaf:
                self.inbox.put(Message(topic, payload, 1, 0, 1))
        elif self.takes:
            self.events.append("receipt")
            self.published.append((topic, payload, correlation))
        return self.takes

    def acknowledge(self, message: Message) -> None:
        if message.topic == "submeter/v1/demo/collector/collector/status":
            return
        self.events.append("puback")
        self.acknowledged.append(message.mid)


def make_portfolio(version: str = "1", meters: Sequence[str] = ("main", "hvac", "light")) -> Portfolio:
    """HQ01 (gw1) with the meters, the first of them exchanged at 2026-01-01 local; HQ02 (gw2); station CN01 (gw1)."""
    buildings = {
        b: Building(id=b, name=b, type="office", zone="Asia/Shanghai", area_m2=1000.0) for b in ("HQ01", "HQ02")
    }
    points = {p: Point(id=p, name=p) for p in (*(f"HQ01/{m}" for m in meters), "HQ02/main")}
    devices: dict[str, tuple[Device, ...]] = {p: (Device(point=p, serial=f"SN{i + 1}"),) for i, p in enumerate(points)}
    devices["HQ01/main"] = (
        Device(point="HQ01/main", serial="SN0", until="2026-01-01"),
        Device(point="HQ01/main", serial="SN1", since="2026-01-01"),
    )
    stations = {"CN01": Station(id="CN01", name="Pudong", zone="Asia/Shanghai")}
    gateways = {
        "gw1": Gateway(id="gw1", buildings=("HQ01", "CN01")),
        "gw2": Gateway(id="gw2", buildings=("HQ02",)),
    }
    return Portfolio("demo", buildings, points, devices, stations, gateways, {}, version=version)


class Desk:
    def __init__(self, store: Store | None = None) -> None:
        self.store = store or open_store("memory:")
        self.portfolio = make_portfolio()
        self.line = Line()
        self.clock = HandClock(NOON_MS)
        self.sent = 0
        self.begin()

    def begin(self) -> None:
        """The collector (again), as after a start of its process."""
        self.intake = Intake(self.line, self.store, lambda: self.portfolio, IntakeSettings(), self.clock)

    def send(
        self,
        payload: bytes | list[object],
        topic: str = "submeter/v1/demo/HQ01/gw1/readings",
        correlation: bytes | None = None,
        response_topic: str = "",
    ) -> None:
        """Put a message into the inbox; its correlation is new unless given."""
        self.sent += 1
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        correlation = b"box:%d:0" % self.sent if correlation is None else correlation
        self.line.inbox.put(Message(topic, data, 1, self.sent, 1, False, response_topic, correlation))

    def work(self) -> None:
        """Step until there is nothing left to do."""
        while self.intake.step() == 0.0:
            pass

    def receive(self, payload: bytes | list[object], topic: str = "submeter/v1/demo/HQ01/gw1/readings") -> Receipt:
        """Send, work, and hand back the receipt."""
        before = len(self.line.published)
        self.send(payload, topic)
        self.work()
        assert len(self.line.published) == before + 1
        return decode_receipt(self.line.published[-1][1])

    def rows(self, series: Series = MAIN) -> list[tuple[int, int]]:
        """(seconds after noon, micro) of all that is stored of a series."""
        kept = self.store.read_readings(series, *ALWAYS_MS)
        return [
            (int(t) // 1000 - NOON_S, v) for t, v in zip(kept.times.astype("int64"), kept.micro.tolist(), strict=True)
        ]

    def quarantined(self) -> list[Quarantined]:
        return self.store.entries(Quarantined)

    def held(self) -> list[Held]:
        return self.store.entries(Held)


def record(
    value: float | None = 1.5, at: float = -60, name: str = "main/SN1/energy_import", unit: str = "kWh"
) -> object:
    """A SenML record with a time in seconds after noon."""
    whole = {"n": name, "u": unit, "t": NOON_S + at}
    return whole if value is None else {**whole, "v": value}


def counts(receipt: Receipt) -> tuple[int, int, int, int]:
    """stored, again, held, quarantined"""
    return receipt.stored, receipt.again, receipt.held, receipt.quarantined


def as_json(entry: Quarantined) -> object:
    return msgspec.json.decode(entry.record)
