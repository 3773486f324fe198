"""The world as gateways see it: any span, any process, the same readings; the present joins the past."""

import hashlib
import subprocess
import sys
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest

from firmware_sim.district import district
from firmware_sim.faults import FOREVER, Fault
from firmware_sim.placement import DAY_MS
from firmware_sim.scenario import FaultSettings, Retrofit, Scenario
from firmware_sim.world import World
from submeter.wire.source import Past, Source
from submeter.words import Block, Series, SourceAway

NOW = 1_795_312_800_000
START = NOW - 40 * DAY_MS
CALM = Scenario(seed=5)
RETROFITTED = Scenario(seed=5, retrofits=(Retrofit(measure="PD01-led", point="light", saving=0.35),))


def make_world(scenario: Scenario = CALM, start_ms: int = START, buildings: int = 3) -> World:
    return World(district(1, buildings=buildings), scenario, start_ms, NOW)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


def joined(slices: Iterable[list[Block]]) -> dict[Series, tuple[list[int], list[int]]]:
    out: dict[Series, tuple[list[int], list[int]]] = {}
    for blocks in slices:
        for block in blocks:
            times, micro = out.setdefault(block.series, ([], []))
            times.extend(block.readings.times.view(np.int64).tolist())
            micro.extend(block.readings.micro.tolist())
    return out


def digest(world: World) -> str:
    """Of two days of all sources."""
    sha = hashlib.sha256()
    for source in world.sources():
        for series, (times, micro) in joined(source.history(NOW - 2 * DAY_MS, NOW)).items():
            sha.update(f"{series}{times}{micro}".encode())
    return sha.hexdigest()


def test_every_source_can_be_polled_and_knows_its_past(world: World) -> None:
    sources = world.sources()
    assert [s.id for s in sources] == ["PD01", "PD02", "PD03", "SH01"]
    assert all(isinstance(s, Source) and isinstance(s, Past) for s in sources)


def test_a_span_in_pieces_is_the_span_in_one(world: World) -> None:
    for source in (world.sources()[1], world.sources()[3]):
        whole = joined(source.history(START, NOW))
        cuts = [START, START + 3 * DAY_MS + 123, START + 17 * DAY_MS, NOW - 1, NOW]
        pieces = joined(b for a, e in pairwise(cuts) for b in source.history(a, e))
        assert pieces == whole


def test_times_rise_and_slices_are_packs_of_a_few_thousand(world: World) -> None:
    slices = list(world.sources()[1].history(START, NOW))
    for times, _ in joined(slices).values():
        assert all(a < b for a, b in pairwise(times))
        assert times[0] == START
        assert times[-1] == NOW - 900_000
    sizes = [sum(len(b.readings) for b in blocks) for blocks in slices]
    assert max(sizes) <= 6000
    assert np.median(sizes) >= 3000


def test_a_second_world_is_the_same(world: World) -> None:
    assert digest(make_world()) == digest(world)
    assert digest(make_world(Scenario(seed=6))) != digest(world)


@pytest.mark.service
def test_another_process_sees_the_same_world(world: World) -> None:
    code = (
        "import importlib.util as u; s = u.spec_from_file_location('t', " + repr(__file__) + ");"
        "m = u.module_from_spec(s); s.loader.exec_module(m); print(m.digest(m.make_world()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest(world)


def test_the_past_stays_when_the_world_is_started_later() -> None:
    later = World(district(1, buildings=3), CALM, START, NOW + 5 * DAY_MS)
    assert digest(later) == digest(make_world())


def test_registers_never_run_backwards_from_the_past_into_the_present(world: World) -> None:
    source = world.sources()[1]
    last = {series: micro[-1] for series, (_, micro) in joined(source.history(NOW - DAY_MS, NOW + 1)).items()}
    for minutes in (0, 1, 7, 14, 15, 16, 61, 24 * 60, 45 * 24 * 60):
        for reading in source.poll(NOW + minutes * 60_000):
            if reading.series.quantity != "power_active":
                assert reading.micro >= last[reading.series]
                last[reading.series] = reading.micro


def test_a_poll_on_the_quarter_hour_is_what_history_says(world: World) -> None:
    source = world.sources()[1]
    then = NOW - 900_000
    polled = {r.series: r.micro for r in source.poll(then) if r.series.quantity != "power_active"}
    assert polled == {series: micro[0] for series, (_, micro) in joined(source.history(then, then + 1)).items()}


def test_power_agrees_with_the_register(world: World) -> None:
    source = world.sources()[1]
    readings = source.poll(NOW + 60_000)
    later = {r.series: r.micro for r in source.poll(NOW + 660_000)}
    power = {r.series.point: r.micro / 1e6 for r in readings if r.series.quantity == "power_active"}
    for reading in readings:
        if reading.series.quantity == "energy_import":
            kwh = (later[reading.series] - reading.micro) / 1e6
            assert abs(kwh * 6 * 1000 - power[reading.series.point]) < 0.02 * 6000 + 0.05 * power[reading.series.point]


def test_shown_values_lie_on_the_resolution_of_the_meter(world: World) -> None:
    for _, micro in joined(world.sources()[0].history(NOW - DAY_MS, NOW)).values():
        assert all(m % 10_000 == 0 for m in micro)


def test_a_main_meter_is_its_sub_meters_and_a_small_rest(world: World) -> None:
    rows = joined(world.sources()[1].history(START, NOW))
    kwh = {
        s.point: (m[-1] - m[0]) % 10**12 / 1e6 * float(world.portfolio.devices[s.point][-1].ratio)
        for s, (_, m) in rows.items()
    }
    parts = sum(kwh[c] for c in world.portfolio.children_of("PD02/main"))
    assert 1.005 < kwh["PD02/main"] / parts < 1.06


def test_a_building_on_a_bus_is_not_polled_but_shows_its_registers(world: World) -> None:
    source = world.sources()[2]
    assert {r.series.point for r in source.poll(NOW)} == {"PD03/water"}
    past = {s.point: m[0] for s, (_, m) in joined(source.history(NOW - 900_000, NOW)).items()}
    shown = world.register_micro("PD03/main", NOW - 900_000)
    assert shown["energy_import"] == past["PD03/main"]
    assert world.register_image("PD03/main", NOW - 900_000)["energy_import"] == past["PD03/main"] / 1e6
    assert {"power_active", "voltage_a", "current_c", "frequency", "power_factor"} < set(shown)


def test_a_year_ahead_can_be_polled_and_then_the_world_ends(world: World) -> None:
    assert world.sources()[1].poll(NOW + 366 * DAY_MS)
    for source in world.sources():
        with pytest.raises(SourceAway, match="start it anew"):
            source.poll(NOW + 500 * DAY_MS)


def test_the_year_before_is_hourly_and_only_for_buildings_with_a_measure() -> None:
    world = make_world(RETROFITTED, start_ms=NOW - 732 * DAY_MS, buildings=2)
    measured, plain, station = world.sources()
    assert measured.history_start_ms() == station.history_start_ms() == NOW - 732 * DAY_MS
    assert plain.history_start_ms() == NOW - 366 * DAY_MS
    early = joined(measured.history(NOW - 400 * DAY_MS, NOW - 399 * DAY_MS))
    late = joined(measured.history(NOW - 100 * DAY_MS, NOW - 99 * DAY_MS))
    assert {len(times) for times, _ in early.values()} == {24}
    assert {len(times) for times, _ in late.values()} == {96}


def test_weather_is_read_each_hour_of_the_past_and_now(world: World) -> None:
    station = world.sources()[3]
    rows = joined(station.history(NOW - DAY_MS, NOW))
    assert {s.quantity for s in rows} == {"outdoor_temperature", "humidity", "irradiance"}
    assert {s.point for s in rows} == {"SH01/weather"}
    assert all(len(times) == 24 for times, _ in rows.values())
    polled = {r.series: r.micro for r in station.poll(NOW - 3_600_000)}
    assert polled == {s: micro[-1] for s, (_, micro) in rows.items()}


def test_the_truth_knows_faults_and_savings() -> None:
    scenario = Scenario(
        seed=5,
        faults={"night_on": FaultSettings(count=1, size=(0.7, 0.7), days=(10, 10), open=1.0),
                "lost_submeter": FaultSettings(count=1, days=(10, 10), open=1.0)},
        retrofits=RETROFITTED.retrofits,
    )  # fmt: skip
    truth = make_world(scenario, start_ms=NOW - 300 * DAY_MS).truth()
    by_kind = {f.kind: f for f in truth.faults}
    assert by_kind["night_on"].end_ms is None
    assert 0 < by_kind["night_on"].kwh < by_kind["night_on"].flow_kwh
    assert by_kind["lost_submeter"].kwh == -by_kind["lost_submeter"].flow_kwh
    (saved,) = truth.retrofits
    assert saved.points == ["PD01/light"]
    assert sum(saved.months.values()) == pytest.approx(saved.kwh, abs=0.1)
    used = truth.annual["PD01/light"]
    assert saved.kwh < used, "35 % saved leaves 65 %, of which the whole year is counted"
    assert set(truth.annual) == set(district(1, buildings=3).points)


def test_a_faulty_meter_is_faulty_in_the_past_and_now() -> None:
    world = make_world(Scenario(seed=5, faults={"lost_submeter": FaultSettings(count=1, days=(10, 10), open=1.0)}))
    (fault,) = world.faults
    assert fault == Fault("lost_submeter", fault.point, NOW - 10 * DAY_MS, FOREVER)
    source = next(s for s in world.sources() if fault.point.startswith(s.id))
    rows = {s.point: times for s, (times, _) in joined(source.history(START, NOW)).items()}
    assert rows[fault.point][-1] == NOW - 10 * DAY_MS - 900_000
    assert world.register_image(fault.point, NOW) == {}
    assert fault.point not in {r.series.point for r in source.poll(NOW)}
