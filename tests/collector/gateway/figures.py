"""What the gateway's way costs, by stage, with mosquitto: ``python -m tests.collector.gateway.figures [DAYS]``."""

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from collector.gateway import Gateway, Outbox, Uplink, gateway_link
from collector.gateway.backfill import batches
from submeter.wire import senml
from submeter.wire.mqtt import Broker, Link
from submeter.wire.receipt import Receipt, encode_receipt
from submeter.words import Portfolio
from tests.collector.gateway.child import StandingClock
from tests.collector.gateway.meters import DAY_MS, Remembering
from tests.submeter.wire.brokers import mosquitto, until

T0 = 1_799_971_200_000


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


def stage(name: str, readings: int, work: Callable[[], object]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    say(f"{name:28} {cpu / readings * 1e6:6.2f} µs CPU/reading  {wall / readings * 1e6:6.2f} µs wall/reading")


def encode_and_keep(folder: Path) -> None:
    blocks = [
        b for piece in Remembering("HQ01", T0 - 7 * DAY_MS, 12, 7 * DAY_MS).history(T0 - 7 * DAY_MS, T0) for b in piece
    ]
    count = sum(len(b.readings) for b in blocks)
    pack = senml.encode(blocks)
    say(f"a pack of {count} readings has {len(pack)} bytes")
    stage("senml.encode", 50 * count, lambda: [senml.encode(blocks) for _ in range(50)])
    stage("senml.decode", 50 * count, lambda: [senml.decode(pack) for _ in range(50)])
    records = senml.decode(pack)
    stage("senml.runs", 50 * count, lambda: [senml.runs(records) for _ in range(50)])
    outbox = Outbox(folder / "stages.db")
    moved = [
        [type(b)(b.series, type(b.readings)(b.readings.times + k * 7 * DAY_MS, b.readings.micro)) for b in blocks]
        for k in range(48)
    ]
    packs = [batches(m, "b7") for m in moved]
    stage("encode + outbox (4 packs/tx)", 48 * count, lambda: [
        outbox.append([b for p in packs[i : i + 4] for b in p]) for i in range(0, 48, 4)
    ])  # fmt: skip
    outbox.close()


def backfill(folder: Path, days: int) -> None:
    with mosquitto(folder) as server:
        peer = Link(Broker(port=server.port), "peer", ("submeter/v1/demo/+/+/readings",))
        peer.start()
        until(lambda: peer.connected)
        ended = threading.Event()
        got = [0, 0, 0]

        def serve() -> None:
            while not ended.is_set():
                if peer.inbox.empty():
                    time.sleep(0.002)
                    continue
                message = peer.inbox.get()
                count = message.payload.count(b'"v":')
                peer.publish(
                    message.response_topic, encode_receipt(Receipt(stored=count)), correlation=message.correlation
                )
                peer.acknowledge(message)
                got[:] = got[0] + count, got[1] + len(message.payload), got[2] + 1

        thread = threading.Thread(target=serve)
        thread.start()
        link = gateway_link(Broker(port=server.port), tenant="demo", gateway="gw1", home="HQ01", now_ms=T0)
        link.start()
        clock = StandingClock(T0)
        outbox = Outbox(folder / "outbox.db")
        uplink = Uplink(link, outbox, tenant="demo", gateway="gw1", clock=clock, random=lambda: 0.5)
        portfolio = Portfolio("demo", {}, {}, {}, {}, {}, {})
        sources = [Remembering(f"HQ{i:02}", T0 - days * DAY_MS, 12, 7 * DAY_MS) for i in range(13)]
        gateway = Gateway(sources=sources, outbox=outbox, uplink=uplink, portfolio=lambda: portfolio, clock=clock)
        wall, cpu = time.perf_counter(), time.process_time()
        while gateway.polls < 13 or outbox.waiting:
            time.sleep(gateway.step())
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        say(
            f"whole gateway, with the peer: {got[0]:,} readings, {got[1] / 1e6:.0f} MB, {got[2]} packs, {wall:.1f} s: "
            f"{cpu / got[0] * 1e6:.2f} µs CPU/reading, {got[0] / wall / 1e3:.0f} k readings/s, "
            f"{got[1] / wall / 1e6:.1f} MB/s, {got[2] / wall:.0f} packs/s"
        )
        ended.set()
        thread.join()
        gateway.close()
        peer.stop()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        encode_and_keep(Path(place))
        backfill(Path(place), int(sys.argv[1]) if len(sys.argv) > 1 else 365)
