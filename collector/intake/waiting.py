"""Readings whose time is still to come: kept in the store as entries, and here in order of time.

A server whose clock is slow holds what is fresh until its clock gets there; nothing is lost or quarantined.
"""

import heapq
from collections.abc import Iterable, Iterator

import numpy as np

from collector.intake.rules import Rows
from submeter.stores import Store
from submeter.words import Held, Series


def entries_of(rows: Rows, building: str, gateway: str, arrived_ms: int) -> Iterator[Held]:
    """The value is part of the id: of two that contradict each other, both wait, and the store judges the second."""
    point, device, quantity = rows.series
    for time_ms, micro in zip(rows.times_ms.tolist(), rows.micro.tolist(), strict=True):
        yield Held(
            id=f"{point}/{device}/{quantity}@{time_ms}={micro}", building=building, gateway=gateway, point=point,
            device=device, quantity=quantity, time_ms=time_ms, micro=micro, arrived_ms=arrived_ms,
        )  # fmt: skip


def rows_of(held: Iterable[Held]) -> list[Rows]:
    """Back to columns; the positions are those in ``held``."""
    by_series: dict[Series, list[tuple[int, int, int]]] = {}
    for i, one in enumerate(held):
        by_series.setdefault(Series(one.point, one.device, one.quantity), []).append((one.time_ms, one.micro, i))
    return [
        Rows(series, np.array(t, np.int64), np.array(v, np.int64), np.array(i, np.intp))
        for series, rows in by_series.items()
        for t, v, i in (zip(*rows, strict=True),)
    ]


class WaitingRoom:
    """All held entries of the store, mirrored in order of time."""

    def __init__(self, store: Store) -> None:
        self._entries = {entry.id: entry for entry in store.entries(Held)}
        self._heap = [(entry.time_ms, id_) for id_, entry in self._entries.items()]
        heapq.heapify(self._heap)

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entries: Iterable[Held]) -> None:
        for entry in entries:
            if entry.id not in self._entries:
                self._entries[entry.id] = entry
                heapq.heappush(self._heap, (entry.time_ms, entry.id))

    def due(self, now_ms: int, limit: int) -> list[Held]:
        """The oldest whose time has come. They stay until they are said to be :meth:`gone`."""
        if not self._heap or self._heap[0][0] > now_ms:
            return []
        taken = [heapq.heappop(self._heap) for _ in range(min(limit, len(self._heap)))]
        for pair in taken:
            heapq.heappush(self._heap, pair)
        return [self._entries[id_] for time_ms, id_ in taken if time_ms <= now_ms]

    def gone(self, ids: Iterable[str]) -> None:
        for id_ in ids:
            self._entries.pop(id_, None)
        while self._heap and self._heap[0][1] not in self._entries:
            heapq.heappop(self._heap)
