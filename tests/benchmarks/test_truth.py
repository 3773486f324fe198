"""The ledger beside the hidden truth, in a short form: one episode of each kind of fault."""

import numpy as np
import pytest

from benchmarks import truth
from benchmarks.truth import Seen, estimate_errors, name_of, watch
from firmware_sim.faults import Fault
from firmware_sim.scenario import KINDS
from submeter.words import Known

SEEDS = (301, 302)


@pytest.fixture(scope="module")
def seen() -> list[Seen]:
    return [each for seed in SEEDS for each in watch(seed, each=2)]


def test_every_kind_of_fault_is_there(seen: list[Seen]) -> None:
    assert {each.fault.kind for each in seen} == set(KINDS)


def test_what_says_it_is_measured_and_is_not_suspect_is_what_the_meter_counted(seen: list[Seen]) -> None:
    assert {name_of(each.fault): int(each.violations.sum()) for each in seen if each.violations.any()} == {}


def test_a_meter_that_did_not_answer_is_estimated_to_what_flowed(seen: list[Seen]) -> None:
    mine = [each for each in seen if each.fault.kind == "missing"]
    profile, evenly = estimate_errors(mine)
    assert profile < 0.5 * evenly
    for each in mine:
        assert (each.known[each.inside] == Known.ESTIMATED).mean() > 0.9
        assert each.settled[each.inside].sum() == pytest.approx(each.flowed[each.inside].sum(), abs=2 * each.step)


def test_a_register_that_lies_is_believed_and_shows_its_error(seen: list[Seen]) -> None:
    for each in seen:
        if each.fault.kind in ("drift", "phase_loss") or name_of(each.fault) == "reversed_ct":
            settled, counted, flowed = (row[each.inside].sum() for row in (each.settled, each.counted, each.flowed))
            assert settled == pytest.approx(counted, abs=2 * each.step)
            assert abs(settled / flowed - 1) > 0.005, each.fault


def test_a_fault_of_the_load_is_energy_like_any_other(seen: list[Seen]) -> None:
    for each in seen:
        if each.fault.is_load:
            assert each.settled[each.inside].sum() == pytest.approx(each.flowed[each.inside].sum(), abs=2 * each.step)
            assert (each.known[each.inside] == Known.MEASURED).all()


def test_a_lost_sub_meter_is_missing_and_not_zero(seen: list[Seen]) -> None:
    for each in seen:
        if each.fault.kind == "lost_submeter":
            assert (each.known[each.inside] == 0).all()


def test_what_a_peak_took_back_is_no_energy(seen: list[Seen]) -> None:
    for each in seen:
        if each.fault.kind == "spike":
            assert each.settled.sum() == pytest.approx(each.counted.sum(), abs=2 * each.step)


def test_a_quarter_that_is_wrong_without_saying_so_is_a_violation() -> None:
    """By hand: wrong and measured; wrong by less than a step; wrong but suspect; wrong but estimated; missing."""
    row = Seen(
        Fault("missing", "b/m", 0, 1), 0.01, np.ones(5), np.ones(5), np.array([1.02, 1.009, 9.0, 9.0, 0.0]),
        np.array([Known.MEASURED] * 3 + [Known.ESTIMATED, Known.MISSING], np.uint8),
        np.array([False, False, True, False, False]), np.ones(5, bool),
    )  # fmt: skip
    assert row.violations.tolist() == [True, False, False, False, False]


def test_an_even_spread_is_that_of_each_run_of_estimates_alone() -> None:
    row = Seen(
        Fault("missing", "b/m", 0, 1), 0.01, np.array([1.0, 3.0, 7.0, 5.0]), np.ones(4),
        np.array([2.0, 2.0, 7.0, 4.0]), np.array([Known.ESTIMATED, Known.ESTIMATED, Known.MEASURED, Known.ESTIMATED]),
        np.zeros(4, bool), np.ones(4, bool),
    )  # fmt: skip
    assert estimate_errors([row]) == pytest.approx((3 / 9, 3 / 9))


def test_the_command_tells_a_line_for_each_kind() -> None:
    result = truth.run("303")
    assert result.figures[0].value == 0
    assert {note.split()[0].rstrip(",") for note in result.notes[1:]} == set(KINDS)
