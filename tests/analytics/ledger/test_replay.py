"""Replay: whatever arrives in whatever lots and order, the ledger is that of a full re-settlement, and stands still."""

from hypothesis import given

from analytics.ledger import settle_point
from submeter.stores import Column, Store
from submeter.stores.memory import MemoryStore
from submeter.words import Resolution
from tests.analytics.ledger.cases import arrived, cases, deliver, odd_rows, quantity_of, replayed
from tests.analytics.ledger.histories import History, histories
from tests.analytics.ledger.small_cases import METER, analyst, content, rows

Revisions = dict[tuple[Column, int], tuple[tuple[int, ...], int]]


@given(history=histories())
@cases(120)
def test_any_order_of_arrival_gives_the_ledger_of_a_full_re_settlement(history: History) -> None:
    assert odd_rows(arrived(history), replayed(history)) == []


@given(history=histories(paces=("hour",), polls=(62 * 24, 130 * 24)))
@cases(8)
def test_so_do_months_in_which_profiles_and_limits_look_at_weeks_far_away(history: History) -> None:
    assert odd_rows(arrived(history), replayed(history)) == []


@given(history=histories())
@cases(30)
def test_a_full_re_settlement_of_what_was_settled_changes_nothing(history: History) -> None:
    store = arrived(history)
    before = revisions(store, history)
    again = settle_point(store, history.where, METER)
    assert {each: len(changed) for each, changed in again.changed.items() if len(changed)} == {}
    assert revisions(store, history) == before


@given(history=histories())
@cases(30)
def test_a_revision_rises_by_one_where_a_row_changed_and_nowhere_else(history: History) -> None:
    store = MemoryStore()
    job = analyst(store, history.where)
    before: Revisions = {}
    for lot in history.lots:
        deliver(store, lot, quantity_of(history))
        job.step()
        after = revisions(store, history)
        assert before.keys() <= after.keys()
        for key, (row, revision) in after.items():
            old, was = before.get(key, (row, 0))
            assert revision == was + (row != old), key
        before = after


def revisions(store: Store, history: History) -> Revisions:
    """Of each row of the meter: what it says, and its revision."""
    found: Revisions = {}
    for column, of in content(store).items():
        if column.quantity == quantity_of(history):
            said = rows(store, Resolution(column.resolution), column.quantity).revision.tolist()
            found |= {(column, row[0]): (row[1:], revision) for row, revision in zip(of, said, strict=True)}
    return found
