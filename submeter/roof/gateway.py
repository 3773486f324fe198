"""``submeter gateway``: joins sources (a bus, a pretend world) to the one outbox and the one uplink."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from collector.gateway import Gateway, Outbox, Uplink
from submeter.clock import Clock, FastClock, WallClock
from submeter.roof.place import Place, with_place
from submeter.roof.running import run, start_logging, stop_event
from submeter.wire.mqtt import Link
from submeter.wire.source import Past, Source
from submeter.words import Block, ConfigError, Device, Portfolio, Reading


class PastAndPresent:
    """A source whose past one source knows and whose present another: a simulated past, then the bus."""

    def __init__(self, past: Past, present: Source) -> None:
        self.id = present.id
        self.period_s = present.period_s
        self._past = past
        self._present = present

    def history(self, start_ms: int, end_ms: int) -> Iterator[list[Block]]:
        return self._past.history(start_ms, end_ms)

    def history_start_ms(self) -> int:
        return self._past.history_start_ms()

    def poll(self, now_ms: int) -> list[Reading]:
        return self._present.poll(now_ms)

    def close(self) -> None:
        self._present.close()


def on_bus(devices: Mapping[str, tuple[Device, ...]], building: str) -> bool:
    """Whether any meter of the building hangs on a bus."""
    return any(d.address for point, found in devices.items() if point.startswith(f"{building}/") for d in found)
