"""Who of a family is at fault: made-up families, and a real office with one fault at a time."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.tree.blame import Usual, blamed, longest_run, stacked, usual
from benchmarks.tree import run

Floats = NDArray[np.float64]
KINDS = np.arange(60 * 24) % 24
HISTORY = slice(0, 40 * 24)
EPISODE = slice(45 * 24, 47 * 24)
CURVES = 10 + 5.0 * np.column_stack([np.sin(KINDS / 4), np.cos(KINDS / 4), np.sin(KINDS / 3)]) ** 2


def family(seed: int = 3) -> tuple[Floats, Floats, Usual]:
    """Three children around their curves and a remainder around 5 kWh: as shown, as expected, as usual."""
    random = np.random.default_rng(seed)
    children = CURVES * random.normal(1, 0.1, CURVES.shape)
    shown = stacked(list(children.T), children.sum(axis=1) + random.normal(5, 0.5, len(KINDS)))
    expected = np.column_stack([CURVES, np.full(len(KINDS), 5.0)])
    return shown, expected, usual(shown[HISTORY], expected[HISTORY], KINDS[HISTORY])


def told(shown: Floats, expected: Floats, of: Usual) -> int | None:
    return blamed(of, shown[EPISODE], expected[EPISODE], KINDS[EPISODE])


def misread(shown: Floats, child: int, values: Floats) -> Floats:
    """The child shows these values; parent and the others as before."""
    out = shown.copy()
    out[EPISODE, -1] -= values - shown[EPISODE, child]
    out[EPISODE, child] = values
    return out


@pytest.mark.parametrize("child", [0, 1, 2])
@pytest.mark.parametrize("factor", [0.0, 2 / 3, 1.3, 10.0])
def test_the_child_that_shows_the_wrong_energy_is_named(child: int, factor: float) -> None:
    shown, expected, of = family()
    assert told(misread(shown, child, shown[EPISODE, child] * factor), expected, of) == child


def test_a_load_that_really_rises_blames_nobody_as_the_parent_sees_it_too() -> None:
    shown, expected, of = family()
    risen = shown.copy()
    risen[EPISODE, 1] *= 1.5  # the remainder stays what it was
    assert told(risen, expected, of) is None


def test_of_two_children_off_the_one_that_the_parent_does_not_follow_is_named() -> None:
    shown, expected, of = family()
    both = misread(shown, 2, shown[EPISODE, 2] * 1.4)
    both[EPISODE, 0] *= 3
    assert told(both, expected, of) == 2


def test_hours_that_are_not_known_say_nothing() -> None:
    shown, expected, of = family()
    blind = misread(shown, 1, shown[EPISODE, 1] * 0.5)
    blind[EPISODE, 0] = np.nan
    assert told(blind, expected, of) == 1
    assert blamed(of, np.full((5, 4), np.nan), expected[:5], KINDS[:5]) is None


def test_a_run_of_repeats_is_counted_without_its_first_value() -> None:
    assert longest_run(np.array([1.0, 2.0, 2.0, 2.0, 3.0, 3.0])) == 2
    assert longest_run(np.array([1.0])) == 0


def test_in_a_real_office_nearly_every_faulty_child_is_named(sites: Path) -> None:
    shares = {figure.name: figure.value for figure in run(str(sites / "rsf"), "80", "11").figures}
    assert shares["faulty child named, all"] >= 0.9
