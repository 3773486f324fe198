"""A gateway in a process of its own, to be killed: ``python -m tests.collector.gateway.child PORT OUTBOX DAYS NOW_MS``.

Its meters remember DAYS before NOW_MS, where its clock stands; it ends by itself when all that has a receipt.
"""

import random
import sys
import time

from collector.gateway import Gateway, Outbox, Rules, Uplink, gateway_link
from submeter.wire.mqtt import Broker
from submeter.words import Portfolio
from tests.collector.gateway.meters import DAY_MS, Remembering

BUILDINGS = ("HQ01", "HQ02")


class StandingClock:
    """Always the same instant; only waiting goes on."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic(self) -> float:
        return time.monotonic()


def open_gateway(port: int, outbox: Outbox, days: int, now_ms: int) -> Gateway:
    clock = StandingClock(now_ms)
    link = gateway_link(Broker(port=port), tenant="demo", gateway="gw1", home="HQ01", now_ms=now_ms)
    link.start()
    uplink = Uplink(
        link, outbox, tenant="demo", gateway="gw1", clock=clock, random=random.random,
        rules=Rules(window=4, first_s=1, longest_s=4),
    )  # fmt: skip
    sources = [Remembering(b, now_ms - days * DAY_MS, meters=4, slice_ms=7 * DAY_MS) for b in BUILDINGS]
    portfolio = Portfolio("demo", {}, {}, {}, {}, {}, {})
    return Gateway(sources=sources, outbox=outbox, uplink=uplink, portfolio=lambda: portfolio, clock=clock)


def run(gateway: Gateway, outbox: Outbox) -> None:
    """Until everything known has its receipt."""
    while True:
        time.sleep(gateway.step())
        if gateway.polls == len(BUILDINGS) and gateway.progress is None and not outbox.waiting:
            return


if __name__ == "__main__":
    box = Outbox(sys.argv[2])
    it = open_gateway(int(sys.argv[1]), box, int(sys.argv[3]), int(sys.argv[4]))
    run(it, box)
    it.close()
