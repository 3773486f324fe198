"""True energy: parents are what hangs below them, a little lost on the way, and what nobody meters."""

import numpy as np
import pytest

from firmware_sim.building import LINE_LOSS, Flows, simulate
from firmware_sim.district import district
from firmware_sim.faults import FOREVER, Fault
from firmware_sim.weather import Weather, make_weather
from submeter.words import Portfolio

FIRST = int(np.datetime64("2025-06-01", "s").astype(np.int64)) // 900
ROWS = 60 * 96


@pytest.fixture(scope="module")
def portfolio() -> Portfolio:
    return district(1)


@pytest.fixture(scope="module")
def weather() -> Weather:
    return make_weather(1, "SH01", FIRST, ROWS, 31.23, 121.53)


def flows_of(portfolio: Portfolio, weather: Weather, building: str, *effects: Fault, seed: int = 1) -> Flows:
    return simulate(portfolio.buildings[building], portfolio.points_of(building), weather, effects, seed)


@pytest.fixture(scope="module")
def office(portfolio: Portfolio, weather: Weather) -> Flows:
    return flows_of(portfolio, weather, "PD02")


def test_every_parent_is_its_children_and_a_small_rest(portfolio: Portfolio, office: Flows) -> None:
    for point in portfolio.points_of("PD02"):
        children = portfolio.children_of(point.id)
        if children:
            below = (1 + LINE_LOSS) * sum(office.energy[c] for c in children)
            rest = office.energy[point.id] - below
            assert rest.min() >= -1e-9, "never less than what flows on"
            assert rest.sum() < 0.25 * office.energy[point.id].sum()


def test_nothing_flows_backwards_or_is_unknown(office: Flows) -> None:
    for energy in office.energy.values():
        assert np.isfinite(energy).all()
        assert energy.min() >= 0


def test_an_office_sleeps_at_night_and_on_sundays(office: Flows) -> None:
    main, grid = office.energy["PD02/main"], office.grid
    night, noon = main[grid.quarter < 16].mean(), main[(grid.quarter >= 40) & (grid.quarter < 64)].mean()
    assert night < 0.3 * noon


def test_chillers_follow_the_heat(portfolio: Portfolio, office: Flows, weather: Weather) -> None:
    running = office.energy["PD02/plant"] > office.energy["PD02/plant"].max() * 0.05
    plant, outdoor = office.energy["PD02/plant"][running], weather.outdoor_c[running]
    assert np.corrcoef(plant, outdoor)[0, 1] > 0.7


def test_no_circuit_is_over_its_rating(portfolio: Portfolio, weather: Weather) -> None:
    for building in portfolio.buildings:
        for point, energy in flows_of(portfolio, weather, building).energy.items():
            unit = 4 * energy.max()
            assert unit <= portfolio.points[point].rating, point


def test_a_load_fault_reaches_every_meter_above_and_no_other(portfolio: Portfolio, weather: Weather) -> None:
    fault = Fault("night_on", "PD02/light_low", (FIRST + 3000) * 900_000, FOREVER, 0.8)
    plain, faulty = flows_of(portfolio, weather, "PD02"), flows_of(portfolio, weather, "PD02", fault)
    moved = {p for p in plain.energy if not np.array_equal(plain.energy[p], faulty.energy[p])}
    assert moved == {"PD02/light_low", "PD02/light", "PD02/main"}
    for point in moved:
        np.testing.assert_allclose(faulty.untouched[point], plain.energy[point])
        np.testing.assert_array_equal(faulty.energy[point][:3000], plain.energy[point][:3000])


def test_another_seed_is_another_building(portfolio: Portfolio, weather: Weather, office: Flows) -> None:
    other = flows_of(portfolio, weather, "PD02", seed=2)
    assert not np.allclose(other.energy["PD02/main"], office.energy["PD02/main"])
