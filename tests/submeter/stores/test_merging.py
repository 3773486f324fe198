"""Readings stay as first told, intervals are replaced; each against its slow twin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from submeter.stores.merging import check_starts, insert, judge, replace
from submeter.words import Bug, Intervals

pairs = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 3)), max_size=15)


def two(rows: list[tuple[int, int]]) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], ...]:
    return np.array([t for t, _ in rows], np.int64), np.array([v for _, v in rows], np.int64)


@given(st.dictionaries(st.integers(0, 15), st.integers(0, 3)), pairs)
def test_the_verdict_is_that_of_going_row_by_row(kept: dict[int, int], rows: list[tuple[int, int]]) -> None:
    expected, told = [], dict(kept)
    for time, value in rows:
        expected.append("new" if time not in told else "again" if told[time] == value else "conflict")
        told.setdefault(time, value)

    before, arriving = two(sorted(kept.items())), two(rows)
    verdict = judge(before[0], before[1], arriving[0], arriving[1])
    after = insert(before[0], before[1], arriving[0][verdict.new], arriving[1][verdict.new])

    names = np.select([verdict.new, verdict.again, verdict.conflict], ["new", "again", "conflict"], "none")
    assert names.tolist() == expected
    assert list(zip(*(a.tolist() for a in after), strict=True)) == sorted(told.items())


@given(
    st.dictionaries(st.integers(0, 15), st.integers(0, 3)),
    st.dictionaries(st.integers(0, 15), st.integers(4, 9), min_size=1),
)
def test_replaced_rows_are_those_of_a_dictionary_updated(kept: dict[int, int], arriving: dict[int, int]) -> None:
    found = replace(_intervals(kept), _intervals(arriving))

    rows = zip(found.start.astype(np.int64).tolist(), found.micro.tolist(), strict=True)
    assert list(rows) == sorted({**kept, **arriving}.items())


def _intervals(rows: dict[int, int]) -> Intervals:
    starts = sorted(rows)
    return Intervals.of(np.array(starts, np.int64).view("datetime64[s]"), np.array([rows[s] for s in starts], np.int64))


@pytest.mark.parametrize("starts", [[3600, 0], [0, 0]])
def test_intervals_out_of_order_are_a_bug_of_the_writer(starts: list[int]) -> None:
    with pytest.raises(Bug, match="do not ascend"):
        check_starts(Intervals.of(np.array(starts).view("datetime64[s]"), np.array([1, 2])))
