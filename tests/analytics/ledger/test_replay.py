"""Replay: whatever arrives in whatever lots and order, the ledger is that of a full re-settlement, and stands still."""

from hypothesis import given

from tests.analytics.ledger.cases import arrived, cases, odd_rows, replayed
from tests.analytics.ledger.histories import History, histories


@given(history=histories())
@cases(150)
def test_any_order_of_arrival_gives_the_ledger_of_a_full_re_settlement(history: History) -> None:
    assert odd_rows(arrived(history), replayed(history)) == []
