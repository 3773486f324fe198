"""Replay: whatever arrives in whatever lots and order, the ledger is that of a full re-settlement, and stands still."""

from hypothesis import given

from analytics.ledger import settle_point
from submeter.stores import Store
from submeter.stores.memory import MemoryStore
from tests.analytics.ledger.cases import cases, deliver, quantity_of, same_ledger
from tests.analytics.ledger.histories import History, histories
from tests.analytics.ledger_cases import METER, analyst


def arrived(history: History) -> Store:
    """The ledger that the feed job made of lot after lot."""
    store = MemoryStore()
    job = analyst(store, history.where)
    for lot in history.lots:
        deliver(store, lot, quantity_of(history))
        job.step()
    return store


def replayed(history: History) -> Store:
    """The ledger of a full re-settlement of everything at once."""
    store = MemoryStore()
    deliver(store, history.whole, quantity_of(history))
    settle_point(store, history.where, METER)
    return store


@given(history=histories())
@cases(150)
def test_any_order_of_arrival_gives_the_ledger_of_a_full_re_settlement(history: History) -> None:
    assert same_ledger(arrived(history), replayed(history)) == []
