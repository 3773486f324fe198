"""A feed job that is killed at any write and started again makes the ledger that an undisturbed one makes."""

import functools
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from submeter.stores import Store
from submeter.stores.embedded import EmbeddedStore
from submeter.stores.memory import MemoryStore
from submeter.words import StoreAway
from tests.analytics.ledger.cases import arrived, cases, deliver, odd_rows, quantity_of, replayed
from tests.analytics.ledger.histories import History, histories
from tests.analytics.ledger.small_cases import analyst

FOR_EVER = 2**53


WRITES = frozenset({"write_intervals", "set_cursor", "forget_changes", "put", "drop", "touch"})


class Mortal:
    """A store that dies at its n-th write: that one and all later ones fail, until it is revived.

    Around the memory store it keeps what was written before, as an InfluxDB does; around the embedded one the
    transaction is taken back.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.lives = FOR_EVER

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        return functools.partial(self._spent, method) if name in WRITES else method

    def _spent(self, method: Callable[..., None], *what: Any) -> None:
        self.lives -= 1
        if self.lives < 0:
            raise StoreAway("killed by the test")
        method(*what)


def killed_and_resumed(mortal: Mortal, history: History, deaths: list[int]) -> None:
    """The job dies once in each lot, at the write that ``deaths`` says; a new one works the rest off."""
    for lot, death in zip(history.lots, deaths * len(history.lots), strict=False):
        store: Any = mortal
        deliver(store, lot, quantity_of(history))
        mortal.lives = death
        with suppress(StoreAway):
            analyst(store, history.where).step()
        mortal.lives = FOR_EVER
        analyst(store, history.where).step()


@given(history=histories(), deaths=st.lists(st.integers(0, 9), min_size=1, max_size=6))
@cases(60)
def test_killed_at_any_write_in_memory_it_comes_out_the_same(history: History, deaths: list[int]) -> None:
    store = MemoryStore()
    killed_and_resumed(Mortal(store), history, deaths)
    assert odd_rows(store, replayed(history)) == []
    assert odd_rows(store, arrived(history)) == []


@given(history=histories(), deaths=st.lists(st.integers(0, 9), min_size=1, max_size=6))
@cases(10)
def test_killed_at_any_write_on_disk_it_comes_out_the_same(history: History, deaths: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddedStore(Path(folder) / "store.db")
        killed_and_resumed(Mortal(store), history, deaths)
        again = EmbeddedStore(Path(folder) / "store.db")
        try:
            assert odd_rows(again, replayed(history)) == []
        finally:
            again.close()
            store.close()


def test_the_mortal_store_dies_at_the_write_it_is_told() -> None:
    store = Mortal(MemoryStore())
    store.lives = 1
    store.set_cursor("job", 1)
    with pytest.raises(StoreAway):
        store.set_cursor("job", 2)
    assert store.cursor("job") == 1
