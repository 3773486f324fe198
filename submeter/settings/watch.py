"""A portfolio that is read again when its files change: a meter is added or renamed without a restart.

A changed file that is broken is refused: the running portfolio stays, and :attr:`Watch.refusal` says why.
"""

import logging
import threading
from pathlib import Path

from submeter.clock import Clock, WallClock
from submeter.settings.portfolio import FILES, load_portfolio
from submeter.words import ConfigError, Portfolio

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0


class Watch:
    """Call it (or :meth:`current`) for the portfolio as it stands. Safe from several threads.

    Raises :class:`ConfigError` at construction when the files are broken: nothing starts on a broken portfolio.
    """

    def __init__(self, folder: Path, tenant: str = "demo", clock: Clock | None = None) -> None:
        self._folder = folder
        self._tenant = tenant
        self._clock = clock or WallClock()
        self._lock = threading.Lock()
        self._stamp = self._look()
        self._looked = self._clock.monotonic()
        self._portfolio = load_portfolio(folder, tenant)
        self.refusal = ""

    def __call__(self) -> Portfolio:
        return self.current()

    def current(self) -> Portfolio:
        """The newest portfolio that was whole; looks at the files at most every two seconds."""
        with self._lock:
            if self._clock.monotonic() - self._looked >= LOOK_EVERY_S:
                self._looked = self._clock.monotonic()
                self._refresh()
            return self._portfolio

    def _refresh(self) -> None:
        stamp = self._look()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._portfolio = load_portfolio(self._folder, self._tenant)
        except (ConfigError, OSError) as fault:
            self.refusal = str(fault)
            logger.error("the changed portfolio is refused, the running one stays: %s", fault)
            return
        self.refusal = ""
        logger.info("portfolio %s: %d points", self._portfolio.version, len(self._portfolio.points))

    def _look(self) -> tuple[tuple[int, int], ...]:
        return tuple(_stamp(self._folder / name) for name in FILES)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return (0, 0)
    return (stat.st_mtime_ns, stat.st_size)
