"""Corrections: told once with author and reason, heard by the ledger, revoked by another word, never edited."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from analytics.ledger.corrections import CorrectionError, correct, revoke, standing
from submeter.stores import Store, open_store
from submeter.stores.memory import MemoryStore
from submeter.words import Correction, Resolution
from tests.analytics.ledger.small_cases import METER, QUARTER_MS, analyst, content, device, ms, portfolio, table, write

START = ms("2025-03-02T16:00")
AT = START + 8 * QUARTER_MS
NOW = START + 30 * QUARTER_MS


def told(**other: Any) -> Correction:
    said: dict[str, Any] = {
        "id": "", "building": "b", "point": METER, "kind": "reject", "start_ms": AT, "end_ms": AT + 1,
        "author": "Li Wei", "reason": "test load on site", "told_ms": NOW,
    }  # fmt: skip
    return Correction(**{**said, **other})


def a_day(high: float = 50.0) -> list[tuple[int, float]]:
    """Quarters of 1 kWh, with one reading too high."""
    return [(START + i * QUARTER_MS, 1000.0 + i + (high if i == 8 else 0.0)) for i in range(97)]


@pytest.fixture(params=["memory", "embedded"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return open_store("memory:" if request.param == "memory" else f"embedded:{tmp_path / 'store.db'}")


def test_a_correction_settles_by_itself_what_depends_on_it(store: Store) -> None:
    write(store, a_day(0.4))
    job = analyst(store, portfolio())
    job.step()
    assert table(store, Resolution.QUARTER)["2025-03-02T17:45"][0] == 1.4
    correct(store, portfolio(), told())
    correct(store, portfolio(), told(kind="reading", micro=1_008_000_000, reason="read by hand"))
    job.step()
    assert [table(store, Resolution.QUARTER)[f"2025-03-02T{t}"][0] for t in ("17:45", "18:00")] == [1.0, 1.0]


def test_a_revoked_correction_leaves_the_ledger_as_if_it_had_never_been_said(store: Store) -> None:
    write(store, a_day(0.4))
    job = analyst(store, portfolio())
    job.step()
    before = content(store)
    kept = correct(store, portfolio(), told())
    job.step()
    assert content(store) != before
    revoke(store, kept.id, author="Wang", reason="the wrong meter", told_ms=NOW + 1)
    job.step()
    assert content(store) == before
    assert [each.kind for each in store.entries(Correction)] == ["reject", "revoke"], "both words stay"


def test_the_later_word_holds_whatever_the_ids_are() -> None:
    first, second = told(id="z", told_ms=1), told(id="a", kind="reading", micro=5, told_ms=2)
    assert [each.id for each in standing([second, first])] == ["z", "a"]


def test_the_same_correction_twice_keeps_one_and_another_under_its_id_is_refused(store: Store) -> None:
    kept = correct(store, portfolio(), told())
    assert correct(store, portfolio(), told()) == kept == correct(store, portfolio(), kept)
    assert store.entries(Correction) == [kept]
    with pytest.raises(CorrectionError, match="not edited"):
        correct(store, portfolio(), msgspec.structs.replace(kept, reason="changed my mind"))


def test_two_corrections_of_one_instant_have_ids_of_their_own(store: Store) -> None:
    ids = {correct(store, portfolio(), told(reason=reason)).id for reason in ("one", "two")}
    assert len(ids) == len(store.entries(Correction)) == 2


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"point": "b/nobody"}, "no meter"),
        ({"building": "c"}, "belongs to 'b'"),
        ({"author": " "}, "no author"),
        ({"reason": ""}, "no reason"),
        ({"kind": "edit"}, "not 'reject' or 'reading'"),
        ({"micro": 1}, "no value"),
        ({"end_ms": AT}, "ends before it begins"),
        ({"end_ms": NOW + 2 * 86_400_000}, "future"),
        ({"kind": "reading"}, "has no value"),
        ({"kind": "reading", "micro": 1, "end_ms": AT + 5}, "one time"),
        ({"kind": "reading", "micro": 1, "start_ms": NOW + 1, "end_ms": NOW + 2}, "future"),
        ({"kind": "reading", "micro": -1}, "cannot show"),
        ({"kind": "reading", "micro": 10**12}, "cannot show"),
    ],
)
def test_a_correction_that_says_nothing_sensible_is_refused_and_not_kept(other: dict[str, Any], why: str) -> None:
    store = MemoryStore()
    with pytest.raises(CorrectionError, match=why):
        correct(store, portfolio(), told(**other))
    assert store.entries(Correction) == []
    assert store.changes(0) == []


def test_a_hand_reading_of_a_time_without_a_device_is_refused() -> None:
    where = portfolio(device(until="2025-03-02"))
    with pytest.raises(CorrectionError, match="no device"):
        correct(MemoryStore(), where, told(kind="reading", micro=1))


def test_what_cannot_be_revoked_is_said(store: Store) -> None:
    who: dict[str, Any] = {"author": "Wang", "reason": "wrong", "told_ms": NOW}
    with pytest.raises(CorrectionError, match="no such"):
        revoke(store, "nothing", **who)
    kept = correct(store, portfolio(), told())
    with pytest.raises(CorrectionError, match="no reason"):
        revoke(store, kept.id, author="Wang", reason=" ", told_ms=NOW)
    taken_back = revoke(store, kept.id, **who)
    with pytest.raises(CorrectionError, match="before"):
        revoke(store, kept.id, **who)
    with pytest.raises(CorrectionError, match="itself"):
        revoke(store, taken_back.id, **who)


def test_an_entry_of_before_there_were_revocations_is_read() -> None:
    old = b'{"id":"1","building":"b","point":"b/m","kind":"reject","start_ms":1,"end_ms":2,"author":"li",' \
        b'"reason":"r","told_ms":0}'  # fmt: skip
    assert msgspec.json.decode(old, type=Correction).revokes == ""
