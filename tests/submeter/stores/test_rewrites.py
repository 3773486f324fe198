"""In every store: a row that was estimated, then measured, then missing reads back exactly as it was written last.

InfluxDB merges the fields of a row that is written again and deletes none, so a write that left one out would keep the
old one for ever. Expected rows by hand: (start, micro, known, method, flags, revision).
"""

from itertools import permutations

import numpy as np
import pytest

from submeter.stores import Column, Store
from submeter.words import Flag, Intervals, Known, Method, Resolution

START = np.datetime64("2025-03-01T16:00", "s")
MIDNIGHT_S = 1_740_844_800
"""the same in epoch seconds: a local midnight in Shanghai"""
State = tuple[int, Known, Method, Flag]
ESTIMATED: State = (1_500_000, Known.ESTIMATED, Method.PROFILE, Flag.SUSPECT | Flag.RESET)
MEASURED: State = (2_000_001, Known.MEASURED, Method.REGISTER, Flag.NONE)
ZERO: State = (0, Known.MEASURED, Method.REGISTER, Flag.NONE)
MISSING: State = (0, Known.MISSING, Method.NO_CLOSING, Flag.PENDING)


def write(store: Store, resolution: Resolution, state: State, rows: list[int], revision: int) -> None:
    starts = START + np.array(rows) * np.timedelta64(resolution.seconds, "s")
    micro, known, method, flags = state
    store.write_intervals(
        Column("b/m", "energy_import", resolution),
        Intervals.of(starts, np.full(len(rows), micro, np.int64), known, method, flags, revision),
    )


def stored(store: Store, resolution: Resolution) -> list[tuple[int, ...]]:
    column = Column("b/m", "energy_import", resolution)
    (found,) = store.read_intervals([column], START, START + np.timedelta64(9_000, "D"))
    columns = (found.start.astype(np.int64), found.micro, found.known, found.method, found.flags, found.revision)
    return list(zip(*(each.tolist() for each in columns), strict=True))


@pytest.mark.parametrize("resolution", list(Resolution))
def test_estimated_then_measured_then_missing_reads_back_as_written_last(store: Store, resolution: Resolution) -> None:
    for revision, state in enumerate((ESTIMATED, MEASURED, MISSING)):
        write(store, resolution, state, [0], revision)
        assert stored(store, resolution) == [(MIDNIGHT_S, *state, revision)]


def test_a_measured_zero_and_a_missing_row_never_become_each_other(store: Store) -> None:
    for revision, state in enumerate((ZERO, MISSING, ZERO, MISSING, ESTIMATED, ZERO)):
        write(store, Resolution.QUARTER, state, [0], revision)
        assert stored(store, Resolution.QUARTER) == [(MIDNIGHT_S, *state, revision)]


def test_every_order_of_two_states_leaves_the_second_and_its_neighbours_alone(store: Store) -> None:
    write(store, Resolution.HOUR, MEASURED, [0, 2], 0)
    for revision, (one, other) in enumerate(permutations((ESTIMATED, MEASURED, ZERO, MISSING), 2), 1):
        write(store, Resolution.HOUR, one, [1], 2 * revision - 1)
        write(store, Resolution.HOUR, other, [1], 2 * revision)
        assert stored(store, Resolution.HOUR) == [
            (MIDNIGHT_S, *MEASURED, 0),
            (MIDNIGHT_S + 3600, *other, 2 * revision),
            (MIDNIGHT_S + 7200, *MEASURED, 0),
        ]


def test_a_long_stretch_is_rewritten_across_the_blocks_that_it_is_stored_in(store: Store) -> None:
    n = 3 * 800
    for revision, state in enumerate((ESTIMATED, MISSING, MEASURED)):
        write(store, Resolution.QUARTER, state, list(range(n)), revision)
    found = stored(store, Resolution.QUARTER)
    assert found == [(MIDNIGHT_S + 900 * row, *MEASURED, 2) for row in range(n)]
