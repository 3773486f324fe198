"""Who of a family is at fault: made-up families, and a real office with one fault at a time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.tree.blame import Family, Usual, blamed, longest_run, usual
from benchmarks.tree import run

Floats = NDArray[np.float64]
N = 120 * 24
KINDS = np.arange(N) % 24
HISTORY = np.arange(N) < 90 * 24
EPISODE = slice(100 * 24, 102 * 24)
CURVES = 10 + 5.0 * np.column_stack([np.sin(KINDS / 4), np.cos(KINDS / 4), np.sin(KINDS / 3)]) ** 2


def family(seed: int = 3) -> tuple[Family, Usual]:
    """Three children around their curves, a remainder around 5 kWh and their parent; and what is usual in it."""
    random = np.random.default_rng(seed)
    children = CURVES * random.normal(1, 0.1, CURVES.shape)
    rest = random.normal(0, 0.5, N)
    shown = np.column_stack([children, children.sum(axis=1) + 5 + rest])
    expected = np.column_stack([CURVES, CURVES.sum(axis=1) + 5])
    out = Family(shown, expected, rest, KINDS, HISTORY, parent=True)
    return out, usual(out)


def told(of: Usual, shown: Family) -> int | None:
    return blamed(of, shown, EPISODE)


def changed(of: Family, member: int, values: Floats, sign: float) -> Family:
    """A member shows these values, and the remainder the difference, times a sign."""
    shown, rest = of.shown.copy(), of.rest.copy()
    rest[EPISODE] += sign * (values - shown[EPISODE, member])
    shown[EPISODE, member] = values
    return replace(of, shown=shown, rest=rest)


def misread(of: Family, child: int, factor: float) -> Family:
    """A child shows so many times what flows; parent and the others as before."""
    return changed(of, child, of.shown[EPISODE, child] * factor, -1.0)


@pytest.mark.parametrize("child", [0, 1, 2])
@pytest.mark.parametrize("factor", [0.0, 2 / 3, 1.3, 10.0])
def test_the_child_that_shows_the_wrong_energy_is_named(child: int, factor: float) -> None:
    as_it_is, of = family()
    assert told(of, misread(as_it_is, child, factor)) == child


@pytest.mark.parametrize("factor", [2 / 3, 1.3])
def test_the_parent_is_named_while_its_children_are_as_usual(factor: float) -> None:
    as_it_is, of = family()
    assert told(of, changed(as_it_is, 3, as_it_is.shown[EPISODE, 3] * factor, 1.0)) == 3


def test_a_load_that_really_rises_blames_nobody_as_the_parent_sees_it_too() -> None:
    as_it_is, of = family()
    risen = as_it_is.shown.copy()
    risen[EPISODE, 1] *= 1.5  # the remainder stays what it was
    risen[EPISODE, 3] += risen[EPISODE, 1] / 3
    assert told(of, replace(as_it_is, shown=risen)) is None


def test_of_two_children_off_the_one_that_the_parent_does_not_follow_is_named() -> None:
    as_it_is, of = family()
    both = misread(as_it_is, 2, 1.4)
    both.shown[EPISODE, 0] *= 1.4
    assert told(of, both) == 2


def test_hours_that_are_not_known_say_nothing() -> None:
    as_it_is, of = family()
    blind = misread(as_it_is, 1, 0.5)
    blind.shown[EPISODE, 0] = np.nan
    assert told(of, blind) == 1
    assert told(of, replace(as_it_is, shown=np.full_like(as_it_is.shown, np.nan))) is None


def test_a_day_off_that_follows_on_a_shift_of_level_is_held_against_the_weeks_around_it() -> None:
    """A model that is off for a month says nothing of two days in it."""
    as_it_is, _ = family()
    shifted = as_it_is.shown.copy()
    shifted[85 * 24 :, 0] *= 1.3  # a real load, so the remainder stays
    shifted[85 * 24 :, 3] += shifted[85 * 24 :, 0] * 0.3 / 1.3
    moved = replace(as_it_is, shown=shifted)
    assert told(usual(moved), misread(moved, 1, 2 / 3)) == 1


def test_a_run_of_repeats_is_counted_without_its_first_value() -> None:
    assert longest_run(np.array([1.0, 2.0, 2.0, 2.0, 3.0, 3.0])) == 2
    assert longest_run(np.array([1.0])) == 0


def test_in_a_real_office_nearly_every_faulty_child_is_named(sites: Path) -> None:
    shares = {figure.name: figure.value for figure in run(str(sites / "rsf"), "80", "11").figures}
    assert shares["faulty child named, all"] >= 0.9
