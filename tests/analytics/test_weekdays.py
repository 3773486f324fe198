import numpy as np

from analytics.weekdays import day_types


def days(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[D]").astype(np.int64)


def test_a_swapped_saturday_is_a_working_day_in_china() -> None:
    types = day_types(days("2026-02-14", "2026-02-21"), "CN")
    assert types.working.tolist() == [True, False]
    assert types.swapped.tolist() == [True, False]


def test_spring_festival_is_one_long_break_with_its_weekends() -> None:
    types = day_types(days("2026-02-14", "2026-02-15", "2026-02-17", "2026-02-23", "2026-02-24"), "CN")
    assert types.long_break.tolist() == [False, True, True, True, False]
    assert types.holiday.tolist() == [False, False, True, True, False]


def test_a_lone_working_day_between_days_off_is_a_bridge() -> None:
    # 2019-05-31 in Norway: a Friday after Ascension Day
    types = day_types(days("2019-05-29", "2019-05-30", "2019-05-31", "2019-06-03"), "NO")
    assert types.bridge.tolist() == [False, False, True, False]
    assert types.holiday.tolist() == [False, True, False, False]


def test_a_country_without_a_calendar_has_weekends() -> None:
    assert day_types(days("2026-11-20", "2026-11-21"), "XX").working.tolist() == [True, False]


def test_no_days_have_no_types() -> None:
    assert len(day_types(np.empty(0, np.int64), "CN").working) == 0


def test_the_eves_are_as_good_as_holidays_where_christmas_is_one() -> None:
    eves = days("2019-12-24", "2019-12-31", "2019-12-23")  # two Tuesdays and a Monday
    assert day_types(eves, "NO").holiday.tolist() == [True, True, False]
    assert day_types(eves, "CN").working.tolist() == [True, True, True]
