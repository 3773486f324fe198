"""Heat and cold of one building: which meters they are, and when they work against each other."""

from functools import lru_cache

import numpy as np
import pytest

from analytics.anomalies.episode import EVIDENCE
from analytics.anomalies.thermal import against, heat_and_cold, heating_against_cooling, overlap
from analytics.design import Design, design
from submeter.words import Medium, Point

START = np.arange("2025-01-01", "2026-01-01", dtype="datetime64[h]").astype("datetime64[s]")
N = len(START)
AT = np.arange(N)
OUTDOOR = 14 - 12 * np.cos(2 * np.pi * AT / N) - 4 * np.cos(2 * np.pi * AT / 24)


@lru_cache
def on() -> Design:
    return design(START, zone="UTC", country="DE", outdoor_c=OUTDOOR)


def plant(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Heat below 12 °C and cold above 20 °C, 2 kWh a degree."""
    noise = np.random.default_rng(seed).normal(1, 0.05, (2, N))
    return 2 * np.maximum(12 - OUTDOOR, 0) * noise[0], 2 * np.maximum(OUTDOOR - 20, 0) * noise[1]


def point(name: str, medium: Medium, item: str = "01000", parent: str = "") -> Point:
    return Point(id=f"B/{name}", name=name, medium=medium, item=item, parent=parent and f"B/{parent}")


def test_meters_of_heat_and_cold_are_taken_by_medium_before_plant_by_item() -> None:
    points = [
        point("heat", Medium.HEAT, "04000"), point("heat_1", Medium.HEAT, "04000", "heat"),
        point("cold", Medium.COLD, "05000"), point("chiller", Medium.ELECTRICITY, "01B1C"),
        point("boiler", Medium.ELECTRICITY, "01B1F"), point("main", Medium.ELECTRICITY),
    ]  # fmt: skip
    assert heat_and_cold(points) == (("B/heat",), ("B/cold",))
    assert heat_and_cold(points[3:]) == (("B/boiler",), ("B/chiller",))
    assert heat_and_cold(points[4:]) == (("B/boiler",), ())


def test_the_overlap_is_the_smaller_of_the_two_and_unknown_where_one_is() -> None:
    smaller, usual = overlap(np.array([3.0, 0.0, 5.0, np.nan]), np.array([2.0, 7.0, np.nan, 1.0]), on())
    assert smaller.tolist()[:2] == [2.0, 0.0]
    assert np.isnan(smaller[2:]).all()
    assert usual.tolist() == [0.0] * 4


def test_a_year_of_heat_in_winter_and_cold_in_summer_tells_nothing() -> None:
    assert heating_against_cooling("B/heat", *plant(), on()) == []


def test_heat_in_summer_is_told_with_what_the_cold_took_away() -> None:
    heat, cold = plant()
    begin, end = 24 * 190, 24 * 200
    heat[begin:end] += 4.0
    cold[begin:end] += 4.0
    (told,) = heating_against_cooling("B/heat", heat, cold, on())
    assert (told.kind, told.point) == ("heating_cooling", "B/heat")
    assert (told.begin, told.end) == (pytest.approx(begin, abs=12), pytest.approx(end, abs=12))
    assert told.amount == pytest.approx(4.0 * 240, rel=0.1)
    assert told.evidence["hours"] == pytest.approx(240, abs=24)
    assert told.evidence["cold_kwh"] == pytest.approx(cold[begin:end].sum(), rel=0.05)
    assert set(told.evidence) == set(EVIDENCE["heating_cooling"])


def test_what_a_building_always_has_of_both_is_usual() -> None:
    heat, cold = plant()
    server_room = 6 * np.random.default_rng(3).normal(1, 0.05, N)
    assert heating_against_cooling("B/heat", heat + 5, cold + server_room, on()) == []


def test_a_single_day_of_both_is_weather() -> None:
    heat, cold = plant()
    heat[24 * 190 : 24 * 191] += 20
    assert heating_against_cooling("B/heat", heat, cold, on()) == []


def test_a_building_without_cold_is_not_looked_at() -> None:
    points = {p.id: p for p in (point("heat", Medium.HEAT), point("main", Medium.ELECTRICITY))}
    told = against(points, {"B/heat": np.ones(N), "B/main": np.ones(N)}, lambda _: on())
    assert (told.meters, told.told) == (frozenset(), ())


def test_several_meters_of_one_kind_are_one_sum() -> None:
    heat, cold = plant()
    heat[24 * 190 : 24 * 200] += 4.0
    cold[24 * 190 : 24 * 200] += 4.0
    names = [("heat_1", Medium.HEAT), ("heat_2", Medium.HEAT), ("cold", Medium.COLD)]
    points = {p.id: p for p in (point(*each) for each in names)}
    energy = {"B/heat_1": 0.25 * heat, "B/heat_2": 0.75 * heat, "B/cold": cold}
    told = against(points, energy, lambda _: on())
    assert told.meters == frozenset(points)
    assert [e.point for e in told.told] == ["B/heat_1"]
