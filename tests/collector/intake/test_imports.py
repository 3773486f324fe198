"""What a person brings: one entry for a file however many pieces it came in, and nothing that intake would not take."""

import numpy as np

from collector.intake.imports import Said, bring, person
from submeter.stores import ALWAYS_MS
from submeter.stores.memory import MemoryStore
from submeter.wire.senml import Run
from submeter.words import Import, Portfolio, Quarantined
from tests.analytics.ledger.small_cases import DAY_MS, METER, ms, portfolio

BEGIN = ms("2026-03-01")
SAID = Said("Li", "w.csv", "round", "w.csv:1")
WHERE: Portfolio = portfolio()


def run_of(*values: float, first: int = 0, name: str = "m/s1/energy_import", unit: str = "kWh") -> Run:
    rows = np.arange(first, first + len(values))
    return Run(name, unit, BEGIN + rows * DAY_MS, np.array(values), rows.astype(np.intp) + 2)


def test_pieces_of_a_file_grow_one_entry_and_the_feed_hears_of_each() -> None:
    store, roster = MemoryStore(), person(WHERE)
    for first in (0, 2):
        told = bring(store, roster, "b", [run_of(first + 1.0, first + 2.0, first=first)], SAID, BEGIN + 9 * DAY_MS)
        assert (told.stored, told.again, told.refused) == (2, 0, [])
    (entry,) = store.entries(Import, "b")
    assert (entry.stored, entry.start_ms, entry.end_ms) == (4, BEGIN, BEGIN + 3 * DAY_MS + 1)
    assert [change.point for change in store.changes(0)] == [METER, METER]
    again = bring(store, roster, "b", [run_of(1.0, 2.0)], Said("Wang", "w.csv", "", "w.csv:1"), BEGIN + 10 * DAY_MS)
    assert (again.stored, again.again) == (0, 2)
    assert store.entries(Import, "b") == [entry], "who brought it first stays"


def test_a_dry_run_says_the_same_and_writes_nothing() -> None:
    store, roster = MemoryStore(), person(WHERE)
    bring(store, roster, "b", [run_of(1.0, 2.0)], SAID, BEGIN + 9 * DAY_MS)
    before = store.changes(0)
    dry = bring(store, roster, "b", [run_of(1.0, 2.5, 3.0)], SAID, BEGIN + 9 * DAY_MS, dry=True)
    assert (dry.stored, dry.again, [each.line for each in dry.refused]) == (1, 1, [3])
    assert store.changes(0) == before
    real = bring(store, roster, "b", [run_of(1.0, 2.5, 3.0)], SAID, BEGIN + 9 * DAY_MS)
    assert (real.stored, real.again, real.refused) == (dry.stored, dry.again, dry.refused)


def test_refused_rows_are_told_by_line_and_neither_held_nor_put_into_quarantine() -> None:
    store, roster = MemoryStore(), person(WHERE)
    runs = [run_of(1.0, -5.0, 3.0, 4.0), run_of(1.0, name="nobody/s1/energy_import"), run_of(1.0, unit="m3")]
    told = bring(store, roster, "b", runs, SAID, BEGIN + 2 * DAY_MS)
    assert sorted((each.line, each.reason) for each in told.refused) == [
        (2, "unknown_meter"), (2, "wrong_unit"), (3, "out_of_range"), (5, "future"),
    ]  # fmt: skip
    assert told.stored == 2
    assert store.entries(Quarantined) == []
    (series,) = store.series()
    assert len(store.read_readings(series, *ALWAYS_MS)) == 2
