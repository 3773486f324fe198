"""A virtual RS-485 line: a pseudo-terminal whose other end is a :class:`Slave`. The only file that opens one.

A gateway opens the path of the line as it would open /dev/ttyUSB0. A pseudo-terminal passes bytes on at once, whatever
its baud rate, so the time that the frames would take on the wire is added here; it also has no parity on many kernels,
so the port is to be opened with parity N.
"""

import os
import select
import threading
import time
import tty
from collections.abc import Callable
from heapq import heappop, heappush
from pathlib import Path

from firmware_sim.slave import Slave
from submeter.protocols.serial_format import SerialFormat

_CHUNK = 4096
_LONGEST_WAIT_S = 0.2
_FORGET_S = 0.1
"""half a frame that is so old is no frame any more (far longer than 3.5 characters, for the host may be busy)"""


class Terminal:
    """Opens at once. ``path`` (if given) becomes a symbolic link to the port, replacing an older link.

    Drive it with ``step()``, or with ``start()`` in a thread of its own; ``close()`` ends both, and then the port is
    gone as if the adapter had been pulled out.
    """

    def __init__(
        self,
        slave: Slave,
        path: Path | None = None,
        serial: SerialFormat | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.slave = slave
        self.serial = serial or SerialFormat()
        self._monotonic = monotonic
        self._master, self._port = os.openpty()
        tty.setraw(self._port)
        os.set_blocking(self._master, False)
        self._link = path
        self.port = os.ttyname(self._port)
        """the device's own name"""
        if path is not None:
            path.unlink(missing_ok=True)
            path.symlink_to(self.port)
        self._waiting: list[tuple[float, int, bytes]] = []
        self._count = 0
        self._heard_s = 0.0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        """What a gateway opens: the link where there is one, else the device."""
        return str(self._link or self.port)

    def step(self, wait_s: float = 0.0) -> None:
        """Hear and say what is due; waits up to ``wait_s`` for something to happen."""
        due_s = self._waiting[0][0] - self._monotonic() if self._waiting else wait_s
        if select.select([self._master], [], [], max(0.0, min(wait_s, due_s)))[0]:
            self._hear(os.read(self._master, _CHUNK))
        while self._waiting and self._waiting[0][0] <= self._monotonic():
            self._say(heappop(self._waiting)[2])

    def start(self) -> None:
        """Serve in a thread until ``close()``."""
        self._thread = threading.Thread(target=self._serve, name=f"terminal {self.name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._master < 0:
            return
        if self._link is not None and self._link.is_symlink() and str(self._link.readlink()) == self.port:
            self._link.unlink()
        os.close(self._port)
        os.close(self._master)
        self._master = -1

    def _serve(self) -> None:
        while not self._stop.is_set():
            self.step(_LONGEST_WAIT_S)

    def _hear(self, data: bytes) -> None:
        now_s = self._monotonic()
        if now_s - self._heard_s > _FORGET_S:
            self.slave.forget()
        self._heard_s = now_s
        heard_s = now_s + self.serial.frame_s(len(data))
        for saying in self.slave.hear(data):
            due_s = heard_s + saying.after_s + self.serial.frame_s(len(saying.data))
            self._count += 1
            heappush(self._waiting, (due_s, self._count, saying.data))

    def _say(self, data: bytes) -> None:
        try:
            os.write(self._master, data)
        except BlockingIOError:
            return  # nobody listens and the line's buffer is full: what is said is lost, as on a wire
