"""Faults of operation in a small site made here: what is put in, what is told, what the plain rule says."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.operation import Fault, House, asked, fitted, houses_of, plain_score, run
from benchmarks.site import read_site, write_hours

START = np.arange("2022-12-31T23", "2023-12-31T23", dtype="datetime64[h]").astype("datetime64[s]")
N = len(START)
WORKED = ((np.arange(N) // 24 + 6) % 7 < 5) & (np.arange(N) % 24 >= 6) & (np.arange(N) % 24 < 16)


def energy(seed: int, day: float = 40) -> np.ndarray:
    return (20 + day * WORKED) * np.random.default_rng(seed).normal(1, 0.05, N)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """An office with heat and cold in one circuit each, and a main meter."""
    (tmp_path / "site.toml").write_text('name = "made"\ncountry = "NO"\ntimezone = "Europe/Oslo"\ntest = 2023\n')
    season = np.cos(2 * np.pi * np.arange(N) / N)
    heat, cold = (energy(k, 10) * np.maximum(sign * season - 0.1, 0.0) for k, sign in ((1, 1), (2, -1)))
    meters = {"main": energy(3) + heat + cold, "heating": heat, "cooling": cold}
    head = "meter,building,medium,role,parent,quantity,station,category,floor_area_m2,notes"
    rows = [f"{m},b,electricity,{'main,' if m == 'main' else 'sub,main'},{m},,,," for m in meters]
    (tmp_path / "meters.csv").write_text("\n".join([head, *rows]) + "\n")
    write_hours(tmp_path / "energy.parquet", START, meters)
    return tmp_path


def drawn(house: House, kind: str, cases: int) -> list[Fault]:
    found = asked([house], [fitted(house, house.energy)], [[]], kind, cases, np.random.default_rng(1))
    faults = [each.fault for each in found]
    assert len(faults) == cases
    return faults


def test_every_kind_is_put_in_found_and_held_against_the_plain_rule(site: Path) -> None:
    told = {figure.name: figure for figure in run(str(site), "5", "1").figures}
    assert told["told of the year as it is"].value == 0
    for kind in ("holiday_on", "peak_demand", "heating_cooling"):
        assert told[f"{kind}: found"].unit == "of 5"
        assert told[f"{kind}: found"].value >= 0.8
        assert told[f"{kind}: of what is told anew, the fault put in"].value >= 0.8
        assert "z-score" in told[f"{kind}: found"].against


def test_a_holiday_takes_the_hours_of_days_that_were_worked_and_is_shown_above(site: Path) -> None:
    (house,) = houses_of(read_site(site))
    for fault in drawn(house, "holiday_on", 4):
        rows = slice(fault.begin, fault.end)
        assert not house.types.working[rows].any()
        assert (fault.end - fault.begin) % 24 == 0
        assert "b/main" in fault.more
        shown = (house.energy[fault.point] + fault.more[fault.point])[rows]
        assert np.isin(shown.round(9), house.energy[fault.point][house.types.working].round(9)).all()


def test_a_peak_is_the_highest_hour_of_its_season(site: Path) -> None:
    (house,) = houses_of(read_site(site))
    for fault in drawn(house, "peak_demand", 4):
        energy_kwh = house.energy["b/main"]
        shown = energy_kwh + fault.more["b/main"]
        assert fault.end - fault.begin in (1, 2)
        assert shown[fault.begin] == pytest.approx(1.6 * energy_kwh[fault.begin])
        assert shown[fault.begin] >= 1.2 * energy_kwh[max(fault.begin - 720, 0) : fault.begin + 720].max()


def test_heat_in_vain_is_shown_by_both_and_twice_above(site: Path) -> None:
    (house,) = houses_of(read_site(site))
    for fault in drawn(house, "heating_cooling", 3):
        heat, cold = fault.more["b/heating"], fault.more["b/cooling"]
        assert set(fault.more) == {"b/main", "b/heating", "b/cooling"}
        assert fault.more["b/main"] == pytest.approx(heat + cold)
        assert (heat > 0).sum() == (cold > 0).sum() > 0


def test_the_plain_rule_is_a_robust_z_score_of_the_hour_of_the_week(site: Path) -> None:
    (house,) = houses_of(read_site(site))
    on = house.designs["b/main"]
    cell = (on.day + 3) % 7 * 24 + on.hour
    rows = np.flatnonzero(cell == cell[3000])
    values = house.energy["b/main"][rows]
    scale = 1.4826 * np.median(np.abs(values - np.median(values)))
    least = 0.02 * house.energy["b/main"].mean()
    expected = (house.energy["b/main"][3000] - np.median(values)) / max(scale, least)
    assert plain_score(house.energy["b/main"], on)[3000] == pytest.approx(expected, rel=1e-6)
