"""The bootstrap over buildings: meters of a building come together, draws are numbered, intervals are by hand."""

import math

import numpy as np
import pytest

from benchmarks.spread import drawn, interval

METERS = {"A": ["a1", "a2"], "B": ["b"], "C": ["c"]}


def test_meters_of_a_building_are_drawn_together_and_each_draw_has_as_many_buildings() -> None:
    for number in range(50):
        picked = drawn(METERS, number)
        turns = {turn: [m for t, m in picked if t == turn] for turn, _ in picked}
        assert set(turns) == {0, 1, 2}
        assert all(tuple(meters) in {("a1", "a2"), ("b",), ("c",)} for meters in turns.values())


def test_a_draw_depends_on_its_number_and_on_nothing_else() -> None:
    assert drawn(METERS, 7) == drawn(dict(reversed(METERS.items())), 7)
    assert len({tuple(drawn(METERS, k)) for k in range(50)}) > 10


def test_every_building_is_drawn_as_often_as_the_others() -> None:
    often = np.bincount(["ABC".index(m[0].upper()) for k in range(3000) for _, m in drawn(METERS, k) if m != "a2"])
    np.testing.assert_allclose(often, 3000, rtol=0.06)


def test_the_interval_holds_the_middle_nine_tenths() -> None:
    assert interval(range(101)) == (5, 95)


def test_what_never_happens_is_infinite_and_stays_so() -> None:
    assert interval([1.0] * 50 + [math.inf] * 50) == (1, math.inf)


@pytest.mark.parametrize("values", [(), (1.0,), (math.nan,) * 6 + (1.0,) * 5])
def test_too_few_draws_that_say_anything_have_no_interval(values: tuple[float, ...]) -> None:
    assert interval(values) is None


def test_the_interval_of_a_mean_is_that_of_its_standard_error() -> None:
    """The slow twin: 60 buildings of one meter each; mean ± 1.645 σ ÷ √60."""
    value = dict(zip([f"{k}" for k in range(60)], np.random.default_rng(2).normal(10, 2, 60), strict=True))
    meters = {name: [name] for name in value}
    told = interval([float(np.mean([value[m] for _, m in drawn(meters, k)])) for k in range(2000)])
    assert told is not None
    half = 1.645 * float(np.std(list(value.values()))) / math.sqrt(60)
    assert told == pytest.approx((np.mean(list(value.values())) - half, np.mean(list(value.values())) + half), abs=0.06)
