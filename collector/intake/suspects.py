"""Packs that may kill the collector: a mark in the store before a pack is read, taken away when it is dealt with.

A mark that is found at the start names a pack that was being read when the collector died. All packs of that batch are
then suspects and are read one by one; the second death blames just the one that was being read, and it is condemned.
"""

from collections.abc import Iterable
from typing import Final

from submeter.stores import Store
from submeter.words import Entry

DEADLY: Final = 2
"""deaths after which a pack is quarantined unread"""
FORGOTTEN_MS: Final = 14 * 86_400_000
"""a suspect that has not come again for so long will not come"""


class Suspect(Entry, frozen=True, kw_only=True):
    """``id`` is the digest of topic and payload."""

    deaths: int = 0
    """how often the collector died while it was being read"""
    reading: bool = True
    since_ms: int


class Suspects:
    """The marks of one collector. Every call may raise StoreAway."""

    def __init__(self, store: Store, now_ms: int) -> None:
        self._store = store
        self._known: dict[str, Suspect] = {}
        for mark in store.entries(Suspect):
            if mark.since_ms > now_ms - FORGOTTEN_MS:
                deaths = mark.deaths + (1 if mark.reading else 0)
                self._known[mark.id] = Suspect(id=mark.id, deaths=deaths, reading=False, since_ms=mark.since_ms)
            else:
                store.drop(Suspect, [mark.id])
        store.put(*self._known.values())

    def condemned(self, digest: str) -> bool:
        return digest in self._known and self._known[digest].deaths >= DEADLY

    def suspected(self, digest: str) -> bool:
        return digest in self._known

    def mark(self, digests: Iterable[str], now_ms: int) -> None:
        """Durable when it returns."""
        self._store.put(
            *(Suspect(id=d, deaths=self._known[d].deaths if d in self._known else 0, since_ms=now_ms) for d in digests)
        )

    def unmark(self, digests: Iterable[str]) -> None:
        """Inside the block that writes what the packs held. The condemned stay condemned."""
        self._store.drop(Suspect, [d for d in digests if not self.condemned(d)])

    def clear(self, digests: Iterable[str]) -> None:
        """After that block: these have been read and lived."""
        for d in digests:
            if not self.condemned(d):
                self._known.pop(d, None)
