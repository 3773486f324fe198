"""What the processes of the whole path are told and tell: a line of JSON each way, so that no password is an argument.

A child reads its :class:`Job`, answers when it is ready, then works when it is told to go, and answers with its stages.
"""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from benchmarks.pipeline import NOW_MS
from submeter.wire.mqtt import Broker
from submeter.words import TheirsError

T = TypeVar("T")


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One district, its broker and its store, as a child sees them."""

    seed: int
    buildings: int
    days: int
    broker: Broker
    folder: str
    gateway: str = ""
    kind: str = "memory"
    url: str = "memory:"
    state: str = ""
    token: str = ""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a child did: readings, its CPU seconds by stage, and its wall seconds."""

    readings: int = 0
    cpu_s: dict[str, float] = {}
    wall_s: float = 0.0


class StandingClock:
    """A day that does not pass, while time for waiting does."""

    def now_ms(self) -> int:
        return NOW_MS

    def monotonic(self) -> float:
        return time.monotonic()


def hear(kind: type[T]) -> T:
    """In a child: the next line that it is told."""
    return msgspec.json.decode(sys.stdin.buffer.readline(), type=kind)


def tell(what: Any) -> None:
    """In a child: a line to whoever started it."""
    sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
    sys.stdout.buffer.flush()


@dataclass
class Child:
    """In the parent: a child process, one line at a time."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @classmethod
    def start(cls, module: str, job: Job) -> "Child":
        log = Path(job.folder) / f"{module}-{job.gateway}.log"
        with log.open("ab") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err
            )
        child = cls(process, log)
        child.say(job)
        return child

    def say(self, what: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(msgspec.json.encode(what) + b"\n")
        self.process.stdin.flush()

    def hear(self) -> Told:
        """Waits for the child's next line. Raises :class:`TheirsError` when it died instead."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise TheirsError(f"a process of the path ended early: {self.log.read_text(errors='replace')[-800:]}")
        return msgspec.json.decode(line, type=Told)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
