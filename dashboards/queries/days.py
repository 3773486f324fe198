"""What kind of day it is where a building stands: public holidays with their names, weekends, swapped working days."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import holidays

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Day:
    """``kind``: work, rest (weekend), holiday; ``name`` of the holiday in English and Chinese, '' for none."""

    day: str
    kind: str
    name: str = ""
    name_zh: str = ""


@lru_cache(maxsize=64)
def _calendar(country: str, subdivision: str, year: int, language: str) -> holidays.HolidayBase | None:
    if country not in holidays.list_supported_countries():
        return None
    subdivisions = holidays.list_supported_countries()[country]
    known = country in holidays.list_localized_countries() and language in holidays.list_localized_countries()[country]
    return holidays.country_holidays(
        country,
        subdiv=subdivision if subdivision in subdivisions else None,
        years=year,
        language=language if known else None,
    )


def day_of(day: date, country: str, subdivision: str = "") -> Day:
    """A country without a known calendar has weekends only."""
    calendar = _calendar(country, subdivision, day.year, "en_US")
    if calendar is None:
        return Day(day.isoformat(), "rest" if day.weekday() >= SATURDAY else "work")
    if day in calendar:
        chinese = _calendar(country, subdivision, day.year, "zh_CN")
        name = calendar.get(day) or ""
        return Day(day.isoformat(), "holiday", name, (chinese.get(day) if chinese else "") or name)
    return Day(day.isoformat(), "work" if calendar.is_working_day(day) else "rest")
