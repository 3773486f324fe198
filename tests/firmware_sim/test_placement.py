from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from firmware_sim.calendar import DayKind, day_kind
from firmware_sim.district import district, with_thermal_meters
from firmware_sim.faults import FOREVER, Fault
from firmware_sim.placement import DAY_MS, place, related
from firmware_sim.scenario import KINDS, FaultSettings, Scenario, load_scenario
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
    assert {f.kind for f in faults} == set(KINDS) - {"heating_cooling"}, "the district has no meters of heat and cold"
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


def test_faults_move_with_now_unless_the_calendar_holds_them(portfolio: Portfolio) -> None:
    later = place(portfolio, scenario(1), START + 30 * DAY_MS, NOW + 30 * DAY_MS)
    both = zip(later, placed(portfolio, 1), strict=True)
    free = [(a.start_ms, b.start_ms) for a, b in both if a.kind not in ("holiday_on", "peak_demand")]
    assert len(free) > 20
    assert all(a - 30 * DAY_MS == b for a, b in free)


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


SHANGHAI = ZoneInfo("Asia/Shanghai")


def only(portfolio: Portfolio, kind: str, days: tuple[float, float] = (1.0, 2.0)) -> Sequence[Fault]:
    asked = {kind: FaultSettings(count=4, size=(0.3, 0.5), days=days)}
    return [f for seed in SEEDS for f in place(portfolio, Scenario(seed=seed, faults=asked), START, NOW)]


def test_a_holiday_is_a_whole_stretch_of_days_off(portfolio: Portfolio) -> None:
    faults = only(portfolio, "holiday_on")
    assert len(faults) == 20
    for fault in faults:
        begin, end = (datetime.fromtimestamp(ms / 1000, SHANGHAI) for ms in (fault.start_ms, fault.end_ms))
        assert begin.time() == end.time() == time(0)
        inside = [begin.date() + timedelta(days=n) for n in range((end - begin).days)]
        assert len(inside) >= 2
        assert all(day_kind(day) is not DayKind.WORKING for day in inside)
        assert day_kind(end.date()) is day_kind(begin.date() - timedelta(days=1)) is DayKind.WORKING
        assert portfolio.buildings[fault.point.split("/")[0]].type == "office"


def test_a_peak_is_put_into_a_working_day(portfolio: Portfolio) -> None:
    faults = only(portfolio, "peak_demand", (0.042, 0.084))
    assert len(faults) == 20
    for fault in faults:
        begin = datetime.fromtimestamp(fault.start_ms / 1000, SHANGHAI)
        assert day_kind(begin.date()) is DayKind.WORKING
        assert begin.hour in range(10, 15)
        assert 3600 <= (fault.end_ms - fault.start_ms) / 1000 <= 7200 + 900


def test_heat_works_against_cold_where_both_are_metered_and_in_the_season_of_cold(portfolio: Portfolio) -> None:
    assert only(portfolio, "heating_cooling") == []
    both = with_thermal_meters(portfolio, 1, "PD02")
    faults = only(both, "heating_cooling", (3.0, 9.0))
    assert {(f.point, f.partner) for f in faults} == {("PD02/heat", "PD02/cold")}
    assert {datetime.fromtimestamp(f.start_ms / 1000, SHANGHAI).month for f in faults} <= set(range(5, 10))
