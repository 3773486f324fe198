"""Days of a building: expected kinds are from the State Council's notices on public holidays."""

from datetime import date

import numpy as np
import pytest

from firmware_sim.calendar import DayKind, day_kind, in_term, make_grid, presence, spring_festival
from submeter.words import ConfigError

SATURDAY_WORKED = date(2026, 2, 14)
NATIONAL_DAY_BRIDGE = date(2026, 10, 7)


def quarter_of(text: str) -> int:
    return int(np.datetime64(text, "s").astype(np.int64)) // 900


def test_a_swapped_saturday_is_a_working_day() -> None:
    assert day_kind(SATURDAY_WORKED) is DayKind.WORKING


def test_a_day_off_that_was_swapped_is_a_holiday() -> None:
    assert day_kind(NATIONAL_DAY_BRIDGE) is DayKind.HOLIDAY


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        (date(2026, 11, 20), DayKind.WORKING),
        (date(2026, 11, 21), DayKind.SATURDAY),
        (date(2026, 11, 22), DayKind.SUNDAY),
        (date(2026, 1, 1), DayKind.HOLIDAY),
    ],
)
def test_plain_days_have_their_kind(day: date, kind: DayKind) -> None:
    assert day_kind(day) is kind


def test_other_countries_have_their_own_holidays() -> None:
    assert day_kind(date(2026, 5, 17), "NO") is DayKind.HOLIDAY
    assert day_kind(date(2026, 10, 1), "NO") is DayKind.WORKING


def test_an_unknown_country_is_named() -> None:
    with pytest.raises(ConfigError, match="country 'XX'"):
        day_kind(date(2026, 5, 17), "XX")


def test_schools_rest_in_summer_and_around_the_spring_festival() -> None:
    assert spring_festival(2026) == date(2026, 2, 17)
    assert in_term(date(2026, 5, 20))
    assert not in_term(date(2026, 7, 20))
    assert not in_term(date(2026, 2, 10))


def test_a_local_day_begins_at_local_midnight() -> None:
    grid = make_grid(quarter_of("2026-03-01T16:00:00"), 96, "Asia/Shanghai")
    assert grid.first_day == date(2026, 3, 2)
    assert grid.quarter.tolist() == list(range(96))
    assert set(grid.day.tolist()) == {0}


def test_a_day_on_which_clocks_go_forward_has_92_quarters() -> None:
    grid = make_grid(quarter_of("2026-03-28T23:00:00"), 96, "Europe/Oslo")
    assert (grid.day == 0).sum() == 92
    assert 8 not in grid.quarter[:92], "02:00 to 03:00 does not exist"


def test_an_office_is_full_on_a_swapped_saturday_and_empty_on_a_plain_one() -> None:
    grid = make_grid(quarter_of("2026-02-13T16:00:00"), 8 * 96, "Asia/Shanghai")
    shares = presence(grid, "office")
    at_ten = np.flatnonzero(grid.quarter == 40)
    assert shares.people[at_ten[0]] > 0.9
    assert shares.plant[at_ten[0]] == 1
    assert shares.people[at_ten[7]] < 0.3
    assert shares.plant[at_ten[7]] == 0


def test_a_mall_is_fuller_on_sundays_and_a_hospital_never_closes() -> None:
    grid = make_grid(quarter_of("2026-11-15T16:00:00"), 7 * 96, "Asia/Shanghai")
    mall, hospital = presence(grid, "mall"), presence(grid, "hospital")
    assert mall.people[grid.day == 6].max() > mall.people[grid.day == 0].max()
    assert hospital.people.min() > 0.2
    assert hospital.plant.min() == 1
