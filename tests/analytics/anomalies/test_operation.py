"""Days off, peaks and contracts of hand-made loads: 40 kW by day on working days, 10 kW otherwise."""

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.anomalies.episode import EVIDENCE, Episode
from analytics.anomalies.operation import (
    PEAK_DAYS,
    Operated,
    days_off,
    holidays_on,
    operated,
    over_contract,
    peaks,
    season_top,
    with_operation,
)
from analytics.anomalies.thermal import Against
from analytics.baseline import evaluate, regress
from analytics.design import Design, design
from analytics.weekdays import day_types
from submeter.words import Building, Point

START = np.arange("2025-01-01", "2026-01-01", dtype="datetime64[h]").astype("datetime64[s]")
N = len(START)
AT = np.arange(N)
HOUR, DAY = AT % 24, AT // 24
WEEKDAY = (DAY + 2) % 7  # 1 January 2025 was a Wednesday
LABOUR_DAY = 120
BUILDING = Building(id="B", name="B", type="office", zone="UTC", country="DE", area_m2=1000)


@lru_cache
def on() -> Design:
    return design(START, zone="UTC", country="DE")


def day_of(date: str) -> int:
    return int((np.datetime64(date) - np.datetime64("2025-01-01")).astype(int))


def usual(seed: int = 1) -> np.ndarray:
    busy = on().working & (HOUR >= 8) & (HOUR < 18)
    return (10 + 30 * busy) * np.random.default_rng(seed).normal(1, 0.03, N)


def by_hand(energy: np.ndarray) -> Operated:
    """A meter whose model is right: 10 kW on days off, 40 by day on working days."""
    types = day_types(on().day, "DE")
    day = (HOUR >= 8) & (HOUR < 18)
    rested, worked = np.full(N, 10.0), np.where(day, 40.0, 10.0)
    special = ~types.working & (types.holiday | types.long_break)
    return Operated(
        "B/main", energy, np.where(types.working, worked, rested), rested, worked, DAY, ~types.working, special
    )


def modelled(energy: np.ndarray) -> Operated:
    coefficients, _ = regress(on(), energy)
    return operated("B/main", energy, evaluate(on(), coefficients), on(), coefficients, day_types(on().day, "DE"))


def worked_on(energy: np.ndarray, *days: int) -> np.ndarray:
    """The energy with the hours of a Wednesday before on these days."""
    out = energy.copy()
    for day in days:
        source = next(d for d in range(day - 14, day) if WEEKDAY[24 * d] == 2)
        out[24 * day : 24 * day + 24] = energy[24 * source : 24 * source + 24]
    return out


def test_the_share_of_a_working_day_is_told_by_least_squares() -> None:
    energy = by_hand(np.zeros(N)).expected.copy()
    rows = slice(24 * LABOUR_DAY, 24 * LABOUR_DAY + 24)
    energy[rows] = np.where((HOUR[rows] >= 8) & (HOUR[rows] < 18), 25.0, 10.0)  # half of the 30 kW
    off = days_off(by_hand(energy))
    assert off.share[LABOUR_DAY] == pytest.approx(0.5)
    assert off.explained[LABOUR_DAY] == pytest.approx(1.0)
    assert off.surplus[LABOUR_DAY] == pytest.approx(150.0)
    assert np.isnan(off.share[LABOUR_DAY + 1])  # a Friday


def test_a_load_around_the_clock_is_explained_by_no_working_day() -> None:
    energy = by_hand(np.zeros(N)).expected.copy()
    energy[24 * LABOUR_DAY : 24 * LABOUR_DAY + 24] += 30
    off = days_off(by_hand(energy))
    assert off.explained[LABOUR_DAY] == pytest.approx(10 / 24)


def test_a_holiday_that_runs_like_a_working_day_is_told_with_its_hours_and_energy() -> None:
    (told,) = holidays_on(modelled(worked_on(usual(), LABOUR_DAY)))
    assert (told.kind, told.begin, told.end) == ("holiday_on", 24 * LABOUR_DAY + 8, 24 * LABOUR_DAY + 18)
    assert told.evidence["days"] == 1
    assert told.evidence["share"] == pytest.approx(1.0, abs=0.1)
    assert told.amount == pytest.approx(300, rel=0.1)
    assert told.evidence["actual_kwh"] - told.evidence["expected_kwh"] == pytest.approx(told.amount)


def test_days_in_a_row_are_one_episode() -> None:
    easter = range(day_of("2025-04-18"), day_of("2025-04-22"))  # Good Friday to Easter Monday
    (told,) = holidays_on(modelled(worked_on(usual(), *easter)))
    assert told.evidence["days"] == 4
    assert told.amount == pytest.approx(1200, rel=0.1)


def test_a_whole_weekend_is_told_and_a_saturday_alone_is_an_open_day() -> None:
    saturday = day_of("2025-09-06")
    assert holidays_on(modelled(worked_on(usual(), saturday))) == []
    (told,) = holidays_on(modelled(worked_on(usual(), saturday, saturday + 1)))
    assert told.evidence["days"] == 2


def test_what_happens_on_most_weekends_is_a_habit() -> None:
    saturdays = np.unique(DAY[WEEKDAY == 5])[5:45]
    assert holidays_on(modelled(worked_on(usual(), *saturdays[::3], *(saturdays[::3] + 1)))) == []


def test_a_meter_that_knows_no_days_off_has_none_that_are_worked() -> None:
    steady = 30 * np.random.default_rng(2).normal(1, 0.05, N)
    assert holidays_on(modelled(steady)) == []


@pytest.mark.parametrize("seed", range(4))
def test_a_year_without_faults_has_no_holiday_and_no_peak(seed: int) -> None:
    of = modelled(usual(seed))
    assert holidays_on(of) + peaks(of) == []


def test_unknown_hours_tell_nothing() -> None:
    energy = worked_on(usual(), LABOUR_DAY)
    energy[24 * LABOUR_DAY : 24 * LABOUR_DAY + 12] = np.nan
    assert holidays_on(modelled(energy)) == []


def test_a_peak_is_told_with_what_is_usual_and_what_the_season_reaches() -> None:
    energy = by_hand(np.zeros(N)).expected.copy()
    at = 24 * day_of("2025-06-11") + 11  # a Wednesday
    energy[at : at + 2] = 66.0, 60.0
    (told,) = peaks(by_hand(energy))
    assert (told.kind, told.begin, told.end) == ("peak_demand", at, at + 2)
    assert told.evidence == {
        "peak_kw": 66.0, "usual_kw": 40.0, "top_kw": 40.0, "hours": 2.0, "share": pytest.approx(0.65),
    }  # fmt: skip
    assert told.amount == pytest.approx(26 + 20)


def test_a_night_that_is_high_for_a_night_is_no_demand_peak() -> None:
    energy = by_hand(np.zeros(N)).expected.copy()
    energy[24 * 200 + 3] = 39.0
    assert peaks(by_hand(energy)) == []


def test_a_load_that_peaks_three_times_a_month_is_not_told_of_it() -> None:
    energy = usual()
    energy[24 * np.arange(5, 360, 10) + 11] = 70.0
    assert peaks(modelled(energy)) == []


def test_what_is_above_the_contract_is_told_once_while_it_comes_again_within_a_month() -> None:
    energy = by_hand(np.zeros(N)).expected.copy()
    first = 24 * day_of("2025-06-04") + 10  # a Wednesday
    energy[[first, first + 168, first + 4000]] = 52.0, 55.0, 51.0
    one, other = over_contract(by_hand(energy), 50.0)
    assert (one.begin, one.end, one.amount) == (first, first + 169, pytest.approx(2 + 5))
    assert one.evidence == {"peak_kw": 55.0, "usual_kw": 40.0, "contract_kw": 50.0, "hours": 2.0}
    assert (other.begin, other.amount, other.fact) == (first + 4000, pytest.approx(1.0), True)


def test_a_year_above_the_contract_is_a_year_to_learn_from() -> None:
    (whole,) = over_contract(by_hand(by_hand(np.zeros(N)).expected), 35.0)
    assert whole.end - whole.begin > N - 24 * 7
    assert not whole.covers(N).any()


@given(st.lists(st.floats(0, 100), min_size=70, max_size=90), st.integers(0, 69))
def test_the_seasons_top_is_the_third_highest_of_the_other_days(highest: list[float], day: int) -> None:
    around = [v for d, v in enumerate(highest) if 2 <= abs(d - day) <= PEAK_DAYS]
    assert season_top(np.array(highest))[day] == sorted(around)[-3]


POINTS = {
    p.id: p
    for p in (
        Point(id="B/main", name="main"),
        Point(id="B/light", name="light", item="01A10", parent="B/main"),
        Point(id="B/fans", name="fans", item="01B20", parent="B/main"),
    )
}


def joined(energy: dict[str, np.ndarray], *loads: Episode) -> list[tuple[str, str]]:
    """Kind and meter of all that is told."""
    fits = {p: regress(on(), e)[0] for p, e in energy.items()}
    expected = {p: evaluate(on(), c) for p, c in fits.items()}
    told = with_operation(BUILDING, POINTS, energy, fits, expected, lambda _: on(), list(loads), Against())
    assert all(set(e.evidence) <= set(EVIDENCE[e.kind]) for e in told)
    return sorted((e.kind, e.point) for e in told)


def house(light: np.ndarray, fans: np.ndarray) -> dict[str, np.ndarray]:
    return {"B/main": light + fans, "B/light": light, "B/fans": fans}


def test_a_holiday_is_told_of_the_meter_that_ran_and_not_of_those_above() -> None:
    assert joined(house(worked_on(usual(1), LABOUR_DAY), usual(2))) == [("holiday_on", "B/light")]


def test_a_holiday_of_what_nobody_meters_is_told_of_the_main_meter() -> None:
    energy = house(usual(1), usual(2))
    assert joined(energy | {"B/main": worked_on(energy["B/main"], LABOUR_DAY)}) == [("holiday_on", "B/main")]


EASTER = day_of("2025-04-18")


def left_on(kind: str, begin: int, end: int, amount: float) -> Episode:
    return Episode("B/light", kind, begin, end, 0.9, amount, {"actual_kwh": amount, "expected_kwh": 0.0})


def test_a_load_left_on_that_is_no_more_than_a_stretch_of_days_off_is_a_holiday() -> None:
    energy = house(worked_on(usual(1), *range(EASTER, EASTER + 4)), usual(2))
    on_at_easter = left_on("night_on", 24 * EASTER, 24 * (EASTER + 4), 1200.0)
    assert joined(energy, on_at_easter) == [("holiday_on", "B/light")]


def test_days_off_within_a_longer_fault_are_part_of_it() -> None:
    energy = house(worked_on(usual(1), *range(EASTER, EASTER + 4)), usual(2))
    all_month = left_on("base_step", 24 * (EASTER - 14), 24 * (EASTER + 14), 9000.0)
    assert joined(energy, all_month) == [("base_step", "B/light")]
