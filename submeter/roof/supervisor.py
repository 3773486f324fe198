"""Starts, watches and stops the processes of a demo. A process that dies is started anew, and it is said so.

Each process leads its own session, so that Ctrl-C reaches the supervisor alone, which then stops them in order:
those that produce first, the web view and the broker last; within four seconds, by force if need be.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from submeter.words import TheirsError

GRACE_S = 3.0
RESTARTS_MAX = 5
RESTARTS_WITHIN_S = 60.0


class ServiceFailed(TheirsError):  # noqa: N818
    """A process died again and again; its log says why."""


@dataclass
class Service:
    """A sub-command of ours as a process of its own; its output goes to a log file."""

    name: str
    arguments: Sequence[str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None
    deaths: list[float] = field(default_factory=list)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "submeter", *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def code(self) -> int | None:
        return self.process.poll() if self.process else None

    def tail(self, lines: int = 6) -> str:
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.is_file() else ""
        return "\n".join(text.splitlines()[-lines:])


@dataclass
class Supervisor:
    """The processes in the order of their start."""

    services: list[Service]
    say: Callable[[str], None]

    def start(self) -> None:
        for service in self.services:
            service.start()

    def look(self) -> None:
        """Start anew what died. Raises :class:`ServiceFailed` for one that keeps dying."""
        for service in self.services:
            code = service.code()
            if code is None:
                continue
            now = time.monotonic()
            service.deaths = [t for t in service.deaths if now - t < RESTARTS_WITHIN_S] + [now]
            if code == 3 or len(service.deaths) > RESTARTS_MAX:
                raise ServiceFailed(
                    f"{service.name} ended {len(service.deaths)} times within a minute (exit code {code}); "
                    f"the end of {service.log}:\n{service.tail()}"
                )
            self.say(f"{service.name} ended with code {code}; it is started anew (log: {service.log})")
            service.start()

    def stop(self) -> None:
        """Ask all to stop, wait, and kill what is left."""
        running = [s.process for s in reversed(self.services) if s.process and s.process.poll() is None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + GRACE_S
        for process in running:
            try:
                process.wait(max(0.05, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
        for process in running:
            process.wait()
