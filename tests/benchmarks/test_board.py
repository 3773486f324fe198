"""The table: what meets its target, who is the best peer, and how it gets into a page."""

import math
from pathlib import Path

import pytest

from benchmarks.board import BEGIN, END, Board, Row, Target, written_into
from submeter.words import TheirsError


def row(ours: float = 0.2, **more: object) -> Row:
    return Row(**{"task": "t", "figure": "f", "ours": ours, "target": Target(high=0.2)} | more)  # type: ignore[arg-type]  # a row's fields, by name


def test_a_value_on_the_edge_meets_its_target_and_one_beyond_or_none_does_not() -> None:
    assert [row(v).met for v in (0.2, 0.2001, math.nan, math.inf)] == [True, False, False, False]
    assert row(target=Target()).met is None


def test_every_seed_has_to_meet_it() -> None:
    again = row(0.1, others={"seed 2": 0.3})
    assert again.met is False
    assert again.cells()[2] == "0.100; seed 2 0.300"


@pytest.mark.parametrize(
    ("target", "best"),
    [(Target(high=0.5), "0.100 a"), (Target(low=0.5), "0.970 c"), (Target(0.85, 0.97), "0.900 b (3 of 4)")],
)
def test_the_best_peer_is_the_nearest_to_the_target_among_those_that_say_anything(target: Target, best: str) -> None:
    peers = {"a": (0.1, ""), "b": (0.9, "(3 of 4)"), "c": (0.97, ""), "mute": (math.nan, "")}
    assert row(target=target, peers=peers).best() == best
    assert row(peers={"mute": (math.nan, "")}).best() == "–"


def test_targets_and_spreads_are_written_in_the_rows_own_shape() -> None:
    told = row(0.9, shape="{:.1%}", target=Target(0.85, 0.97), spread=(0.8, 0.95)).cells()
    assert told[2:6] == ("90.0%", "80.0% … 95.0%", "85.0% … 97.0%", "yes")
    assert row(math.inf, shape="{:.0f} h", target=Target(high=3)).cells()[2:6] == ("∞", "–", "≤ 3 h", "no")


def test_the_page_is_a_table_with_a_row_each_and_the_notes_below() -> None:
    page = Board([row(), row(0.3)], ["a note"]).markdown().splitlines()
    assert page[0].startswith("| task | figure | ours |")
    assert [line.split(" | ")[5] for line in page[2:4]] == ["yes", "no"]
    assert page[-1] == "a note"


def test_a_page_is_renewed_between_its_marks_alone_and_refused_without_them(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", "utf-8")
    for _ in range(2):
        written_into(page, "new")
        assert page.read_text("utf-8") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    page.write_text("nothing", "utf-8")
    with pytest.raises(TheirsError, match="has no place for the table"):
        written_into(page, "new")
