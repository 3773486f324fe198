"""What a full outbox may forget, against the ledger's question: what did the register count up to a boundary?"""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from collector.gateway.thin import HOUR_MS, QUARTER_MS, keep_gauge, keep_register, thin
from submeter.wire import senml
from submeter.words import Block, Readings, Series

MIN = 60_000
MAIN = Series("HQ01/main", "SN1", "energy_import")
POWER = Series("HQ01/main", "SN1", "power_active")


def kept(minutes: list[float], micro: list[int] | None = None, step_ms: int = QUARTER_MS) -> list[float]:
    times = np.array([round(m * MIN) for m in minutes], np.int64)
    values = np.arange(len(times)) if micro is None else np.array(micro)
    return [m for m, keep in zip(minutes, keep_register(times, values.astype(np.int64), step_ms), strict=True) if keep]


def test_the_last_before_and_the_first_after_a_boundary_stay() -> None:
    assert kept([1, 5, 14, 16, 20, 29, 31, 40]) == [1, 14, 16, 29, 31, 40]


def test_a_reading_on_the_boundary_needs_no_one_before_it() -> None:
    assert kept([1, 5, 14, 15, 20, 29, 30, 40]) == [1, 15, 30, 40]


def test_hours_are_thinner_than_quarters() -> None:
    assert kept([0, 15, 30, 45, 60, 75], step_ms=HOUR_MS) == [0, 60, 75]


def test_both_sides_of_a_fall_stay() -> None:
    assert kept([1, 2, 3, 4, 5], [10, 11, 12, 0, 1]) == [1, 3, 4, 5]


def test_gauges_keep_the_first_of_each_hour() -> None:
    times = np.array([5, 10, 59, 60, 61, 200]) * MIN

    assert keep_gauge(times, HOUR_MS).tolist() == [True, False, False, True, False, True]


def test_nothing_thins_to_nothing() -> None:
    empty = np.empty(0, np.int64)

    assert keep_register(empty, empty, QUARTER_MS).tolist() == []
    assert keep_gauge(empty, HOUR_MS).tolist() == []


def counted(times: list[int], micro: list[int]) -> int:
    """What a register counted from the first reading to the last: rises add up, a fall begins again at zero."""
    return sum(b - a if b >= a else b for a, b in itertools.pairwise(micro))


def around(times: list[int], micro: list[int], boundary: int) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """The last reading at or before a boundary and the first at or after it: all that settlement there needs."""
    before = [(t, m) for t, m in zip(times, micro, strict=True) if t <= boundary]
    after = [(t, m) for t, m in zip(times, micro, strict=True) if t >= boundary]
    return (before[-1] if before else None), (after[0] if after else None)


READINGS = st.dictionaries(st.integers(0, 6 * HOUR_MS), st.integers(0, 1000), min_size=1, max_size=60)


@given(READINGS, st.sampled_from([QUARTER_MS, HOUR_MS]))
def test_no_energy_is_lost_and_each_boundary_settles_as_before(readings: dict[int, int], step_ms: int) -> None:
    times = sorted(readings)
    micro = [readings[t] for t in times]
    mask = keep_register(np.array(times), np.array(micro), step_ms)
    thin_times = [t for t, keep in zip(times, mask, strict=True) if keep]
    thin_micro = [m for m, keep in zip(micro, mask, strict=True) if keep]

    assert counted(thin_times, thin_micro) == counted(times, micro)
    for boundary in range(0, 6 * HOUR_MS + 1, step_ms):
        assert around(thin_times, thin_micro, boundary) == around(times, micro, boundary)


def test_packs_are_merged_by_series_and_what_went_is_counted() -> None:
    packs = [
        senml.encode([Block(MAIN, Readings.of([m * MIN], [m])), Block(POWER, Readings.of([m * MIN], [7]))])
        for m in range(31)
    ]

    blocks, lost = thin("HQ01", packs, 2)

    assert [(b.series, b.readings.micro.tolist()) for b in blocks] == [(MAIN, [0, 15, 30]), (POWER, [7])]
    assert lost == 28 + 30


def test_the_first_level_leaves_registers_alone_and_the_last_drops_gauges() -> None:
    packs = [senml.encode([Block(MAIN, Readings.of([0, 1, 2], [0, 1, 2])), Block(POWER, Readings.of([0, 1], [7, 7]))])]

    assert [len(b.readings) for b in thin("HQ01", packs, 1)[0]] == [3, 1]
    assert [(b.series, len(b.readings)) for b in thin("HQ01", packs, 3)[0]] == [(MAIN, 2)]
