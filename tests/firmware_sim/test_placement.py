from collections.abc import Sequence

import pytest

from firmware_sim.district import district
from firmware_sim.faults import FOREVER, Fault
from firmware_sim.placement import DAY_MS, place, related
from firmware_sim.scenario import KINDS, Scenario, load_scenario
from submeter.settings import config_folder
from submeter.words import Portfolio

NOW = 1_795_312_800_000
START = NOW - 366 * DAY_MS
SEEDS = (1, 2, 3, 11, 47)


@pytest.fixture(scope="module")
def portfolio() -> Portfolio:
    return district(1)


def scenario(seed: int) -> Scenario:
    demo = load_scenario(config_folder() / "scenarios" / "demo.toml")
    return Scenario(seed=seed, faults=demo.faults, retrofits=demo.retrofits)


def placed(portfolio: Portfolio, seed: int) -> Sequence[Fault]:
    return place(portfolio, scenario(seed), START, NOW)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_kind_happens_and_several_still_go_on(portfolio: Portfolio, seed: int) -> None:
    faults = placed(portfolio, seed)
    assert {f.kind for f in faults} == set(KINDS)
    assert len(faults) == sum(f.count for f in scenario(seed).faults.values())
    assert sum(f.end_ms == FOREVER for f in faults) >= 5


@pytest.mark.parametrize("seed", SEEDS)
def test_no_meter_has_two_faults_nor_have_its_neighbours_in_the_tree(portfolio: Portfolio, seed: int) -> None:
    faults = placed(portfolio, seed)
    for i, fault in enumerate(faults):
        near = related(portfolio.points, fault.point)
        assert not near & {f.point for f in faults[i + 1 :]}


@pytest.mark.parametrize("seed", SEEDS)
def test_retrofits_and_main_meters_are_left_alone(portfolio: Portfolio, seed: int) -> None:
    points = {f.point for f in placed(portfolio, seed)}
    for measure in portfolio.measures.values():
        for point in measure.points:
            assert not points & related(portfolio.points, point)
    assert not any(portfolio.points[p].item == "01000" for p in points)


@pytest.mark.parametrize("seed", SEEDS)
def test_all_lie_in_the_past_that_is_known(portfolio: Portfolio, seed: int) -> None:
    for fault in placed(portfolio, seed):
        assert START < fault.start_ms < NOW
        assert fault.end_ms == FOREVER or fault.start_ms < fault.end_ms <= NOW - DAY_MS
        assert fault.start_ms % 900_000 == 0


def test_the_same_scenario_gives_the_same_faults(portfolio: Portfolio) -> None:
    assert placed(portfolio, 3) == placed(portfolio, 3)
    assert placed(portfolio, 3) != placed(portfolio, 4)


def test_faults_move_with_now(portfolio: Portfolio) -> None:
    later = place(portfolio, scenario(1), START + 30 * DAY_MS, NOW + 30 * DAY_MS)
    assert [f.start_ms - 30 * DAY_MS for f in later] == [f.start_ms for f in placed(portfolio, 1)]


def test_night_and_schedule_faults_need_a_building_that_closes(portfolio: Portfolio) -> None:
    for seed in range(20):
        for fault in placed(portfolio, seed):
            if fault.kind in ("night_on", "schedule"):
                building = portfolio.buildings[fault.point.split("/")[0]]
                assert building.type not in ("hotel", "hospital")


def test_a_short_past_has_shorter_faults(portfolio: Portfolio) -> None:
    start = NOW - 20 * DAY_MS
    for fault in place(portfolio, scenario(1), start, NOW):
        assert start <= fault.start_ms < NOW
