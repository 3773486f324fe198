"""Each cause of an imbalance, put into a family whose truth is known: made up, and a real office whose parts add up."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analytics.calendar import day_of, hour_type
from analytics.tree.imbalance import NOBODY, PARENT, Cause, Imbalance, explain
from benchmarks.balance import run

ZONE = "Asia/Shanghai"
HOURS = 1_740_787_200 + 3600 * np.arange(30 * 24)
"""from 2025-03-01 00:00 UTC"""
DAYS, KINDS = day_of(ZONE, HOURS), hour_type(ZONE, HOURS)

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Break = Callable[[Floats, Floats], tuple[Floats, Floats]]


def family(seed: int = 1) -> tuple[Floats, Floats]:
    """A parent and three children that are alike by day and hour: lighting, cooling, lifts (kWh)."""
    random = np.random.default_rng(seed)
    busy = ((KINDS < 24) & (KINDS % 24 > 7) & (KINDS % 24 < 19)).astype(float)
    warm = np.repeat(random.uniform(0.4, 1.6, 30), 24)
    lighting = 10 + 40 * busy * random.uniform(0.9, 1.1, len(HOURS))
    cooling = 5 + 80 * busy * warm * random.uniform(0.9, 1.1, len(HOURS))
    lifts = 2 + 15 * busy * random.uniform(0.6, 1.4, len(HOURS))
    children = np.column_stack([lighting, cooling, lifts])
    return children.sum(axis=1), children


def found(parent: Floats, children: Floats) -> Imbalance | None:
    return explain(parent, children, DAYS, KINDS, 0.015 * float(parent.sum() + children.sum()))


def scaled(column: int, factor: float) -> Break:
    def spoil(parent: Floats, children: Floats) -> tuple[Floats, Floats]:
        shown = children.copy()
        shown[:, column] *= factor
        return parent, shown

    return spoil


@pytest.mark.parametrize(
    ("spoil", "cause", "blamed", "factor"),
    [
        (scaled(1, 1 / 3), Cause.REVERSED_PHASE, 1, 1 / 3),
        (scaled(1, 2 / 3), Cause.LOST_PHASE, 1, 2 / 3),
        (scaled(0, 1.5), Cause.WRONG_RATIO, 0, 1.5),
        (scaled(1, 0.5), Cause.WRONG_RATIO, 1, 0.5),
        (lambda p, c: (p - c[:, 0], c), Cause.DOUBLE_COUNT, 0, None),
        (lambda p, c: (p * 2, c), Cause.WRONG_RATIO, PARENT, 2.0),
        (lambda p, c: (p / 3, c), Cause.REVERSED_PHASE, PARENT, 1 / 3),
        (lambda p, c: (p * 2 / 3, c), Cause.LOST_PHASE, PARENT, 2 / 3),
        (lambda p, c: (p + 12.0, c), Cause.BASE_LOAD, NOBODY, None),
        (lambda p, c: (p, c[:, :2]), Cause.MISSING_CHILD, NOBODY, None),
        (lambda p, c: (p, c[:, [0, 2]]), Cause.MISSING_CHILD, NOBODY, None),
    ],
)  # fmt: skip
def test_the_cause_is_named_with_the_meter_and_its_factor(
    spoil: Break, cause: Cause, blamed: int, factor: float | None
) -> None:
    told = found(*spoil(*family()))
    assert told is not None
    assert (told.cause, told.blamed) == (cause, blamed)
    if factor is not None:
        assert told.factor == pytest.approx(factor, rel=0.03)


def test_sums_that_agree_within_the_band_have_no_cause() -> None:
    parent, children = family()
    assert found(parent * 1.01, children) is None


def test_a_base_load_beside_a_wrong_ratio_is_told_with_its_size() -> None:
    parent, children = scaled(1, 0.5)(*family())
    told = found(parent + 10.0, children)
    assert told is not None
    assert (told.cause, told.blamed) == (Cause.WRONG_RATIO, 1)
    assert told.base_kw == pytest.approx(10.0, rel=0.1)


def test_with_one_child_nobody_can_say_which_of_both_is_wrong() -> None:
    _, children = family()
    told = found(children[:, 1], children[:, 1:2] * 0.5)
    assert told is not None
    assert told.either
    assert told.cause is Cause.WRONG_RATIO


def test_children_that_count_more_without_a_constant_factor_blame_nobody() -> None:
    parent, children = family()
    shown = children.copy()
    shown[:, 2] += 60 * np.random.default_rng(2).random(len(HOURS))
    told = found(parent, shown)
    assert told is not None
    assert (told.cause, told.blamed) == (Cause.UNKNOWN, NOBODY)


def test_in_a_real_office_whose_parts_add_up_most_causes_are_named(sites: Path) -> None:
    result = run(str(sites / "rsf"), "60", "7")
    shares = {figure.name: figure.value for figure in result.figures}
    assert shares["cause and meter named"] >= 0.8
    assert shares["blamed though nothing was wrong"] == 0
