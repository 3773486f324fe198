"""The profile of a gap: a slow twin, and what it takes from the days before. Expected values by hand, in kWh."""

import math
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import holidays
import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.ledger import profile
from analytics.ledger.profile import day_kinds, estimate
from analytics.weekdays import Place

SHANGHAI = Place("Asia/Shanghai", "CN")
H = 3600


def at(text: str) -> int:
    """Epoch seconds of an ISO local time in Shanghai."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai")).timestamp())


def office(start_s: int, worked: float = 9.0, closed: float = 1.0, place: Place = SHANGHAI) -> float:
    """An office: much from 8 to 18 on working days, little otherwise, holidays and swapped days as China had them."""
    when = datetime.fromtimestamp(start_s, ZoneInfo(place.zone))
    off = {"2025-10-01", "2025-10-02", "2025-10-03", "2025-10-06", "2025-10-07", "2025-10-08"}
    swapped = {"2025-09-28", "2025-10-11"}
    day = when.date().isoformat()
    open_today = day in swapped or (when.weekday() < 5 and day not in off)
    return worked if open_today and 8 <= when.hour < 18 else closed


def window(until: int, days: int = 28, worked: float = 9.0) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    starts = np.arange(until - days * 24 * H, until, H)
    return starts, np.array([office(s, worked) for s in starts.tolist()])


def hours(begin: int, n: int) -> NDArray[np.float64]:
    return begin + H * np.arange(n + 1, dtype=np.float64)


def told(begin: int, n: int, place: Place = SHANGHAI, counted: float | None = None) -> list[float]:
    cuts = hours(begin, n)
    true = sum(office(int(s)) for s in cuts[:-1])
    found = estimate(place, *window(begin), cuts, true if counted is None else counted)
    assert found is not None
    return [round(float(kwh), 1) for kwh in found]


def test_a_gap_of_two_days_takes_its_hours_from_days_of_the_same_type() -> None:
    assert told(at("2025-09-12T00:00"), 48) == pytest.approx([1] * 8 + [9] * 10 + [1] * 6 + [1] * 24, abs=0.35)


@pytest.mark.parametrize(
    ("begin", "shape"),
    [("2025-10-02T00:00", [1] * 24 * 2), ("2025-09-27T00:00", [1] * 24 + [1] * 8 + [9] * 10 + [1] * 6)],
)
def test_a_public_holiday_is_a_sunday_and_a_swapped_sunday_is_worked(begin: str, shape: list[int]) -> None:
    assert told(at(begin), 48) == pytest.approx(shape, abs=0.6)


def test_without_a_country_a_holiday_is_taken_for_a_working_day() -> None:
    found = told(at("2025-10-02T00:00"), 48, Place("Asia/Shanghai"))
    assert max(found) > 2 * min(found)


def test_a_day_that_counted_little_is_told_from_others_that_did() -> None:
    """A Wednesday on which the house was closed, as it was on one Wednesday before."""
    begin = at("2025-09-24T00:00")
    starts, energy = window(begin)
    shut = (starts >= at("2025-09-10T00:00")) & (starts < at("2025-09-11T00:00"))
    found = estimate(SHANGHAI, starts, np.where(shut, 1.0, energy), hours(begin, 24), 24.0)
    assert found is not None
    assert 0.7 < found.min() <= found.max() < 1.35, "and not one to nine, as on any other Wednesday"


def test_a_gross_error_in_the_window_hardly_moves_the_estimate() -> None:
    begin = at("2025-09-24T00:00")
    starts, energy = window(begin)
    spoilt = energy.copy()
    spoilt[starts == at("2025-09-17T03:00")] = 5e6
    clean, found = (estimate(SHANGHAI, starts, e, hours(begin, 72), 264.0) for e in (energy, spoilt))
    assert clean is not None
    assert found is not None
    assert np.abs(found - clean).sum() / clean.sum() < 0.15


def test_what_was_counted_beyond_the_typical_goes_where_hours_differ() -> None:
    """Nights are always 1 kWh, noons are 5 or 13: noon takes more of ten beyond the typical than its share."""
    begin = at("2025-09-24T00:00")
    starts = np.arange(begin - 28 * 24 * H, begin, H)
    noon = (starts - begin) // H % 24 == 12
    energy = np.where(noon, 9.0 + 4 * (-1.0) ** ((starts - begin) // (24 * H)), 1.0)
    found = estimate(SHANGHAI, starts, energy, hours(begin, 48), 2 * (23 + 9) + 10.0)
    assert found is not None
    assert found[[12, 36]].sum() > 18 * 74 / 64 + 1
    assert found.sum() == pytest.approx(74.0)


def test_a_window_of_zeros_tells_nothing() -> None:
    begin = at("2025-09-24T00:00")
    starts, energy = window(begin)
    assert estimate(SHANGHAI, starts, 0 * energy, hours(begin, 5), 7.0) is None


def test_far_less_than_typical_is_never_negative_and_adds_up() -> None:
    begin = at("2025-09-24T00:00")
    found = estimate(SHANGHAI, *window(begin), hours(begin, 72), 3.0)
    assert found is not None
    assert found.min() >= 0
    assert found.sum() == pytest.approx(3.0)


def test_day_types_are_those_of_the_wall_clock_on_either_side_of_the_date_line() -> None:
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Oslo"):
        weekday, _ = day_kinds(Place(zone))
        noon = int(datetime(2025, 6, 4, 12, tzinfo=ZoneInfo(zone)).timestamp())
        assert weekday[profile.Slots.of(zone, np.array([noon])).day[0]] == 2, "a Wednesday"


@pytest.mark.parametrize("place", [SHANGHAI, Place("Europe/Oslo", "NO"), Place("Asia/Kathmandu")])
@pytest.mark.parametrize(("begin", "length"), [("2025-03-27T22:20", 3.5), ("2025-03-28T13:00", 60), ("2025-04-18", 30)])
def test_it_is_what_a_slow_walk_finds(place: Place, begin: str, length: float) -> None:
    random = np.random.default_rng(len(begin))
    first = datetime.fromisoformat(begin).replace(tzinfo=ZoneInfo(place.zone)).timestamp()
    starts = [s for s in local_hours(place.zone, first - 28 * 86_400, first) if s + H <= first]
    energy = np.round(random.gamma(2.0, 3.0, len(starts)), 3)
    last = first + length * H
    cuts = [first, *(float(s) for s in local_hours(place.zone, first, last) if s > first), last]
    counted = 6 * length
    found = estimate(place, np.array(starts), energy, np.array(cuts), counted)
    assert found == pytest.approx(slow_estimate(place, starts, energy.tolist(), cuts, counted), rel=1e-6, abs=1e-9)


def local_hours(zone: str, begin: float, end: float) -> list[int]:
    """Starts in [begin, end) of the hours that are counted from each local midnight."""
    out: list[int] = []
    day = datetime.fromtimestamp(begin, ZoneInfo(zone)).date()
    while midnight(day, zone) < end:
        out += range(midnight(day, zone), midnight(day + timedelta(days=1), zone), H)
        day += timedelta(days=1)
    return [s for s in out if begin <= s < end]


def midnight(day: date, zone: str) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp())


def slow_estimate(
    place: Place, starts: list[int], energy: list[float], cuts: list[float], counted: float
) -> list[float]:
    """The module's words in plain Python, an hour at a time."""
    public = holidays.country_holidays(place.country, years=[2025]) if place.country else {}
    positive = sorted(e for e in energy if e > 0)
    limit = 3 * positive[int(0.97 * (len(positive) - 1))]

    def slot(instant: float) -> tuple[date, int]:
        when = datetime.fromtimestamp(instant, ZoneInfo(place.zone))
        return when.date(), when.hour

    def kind(day: date) -> int:
        if day in getattr(public, "weekend_workdays", ()):
            return 0
        return 2 if day in public or day.weekday() == 6 else 1 if day.weekday() == 5 else 0

    table = {slot(s): min(e, limit) for s, e in zip(starts, energy, strict=True)}
    days = sorted({day for day, _ in table} | {slot(cuts[0])[0]})
    pieces = [(*slot(a), (b - a) / H) for a, b in pairwise(cuts)]
    whole = sum(length for *_, length in pieces)

    def likeness(row: int) -> float:
        level = heard = 0.0
        for day, hour, length in pieces:
            to = row + (day - pieces[0][0]).days
            if to < len(days) and (days[to], hour) in table:
                level, heard = level + table[days[to], hour] * length, heard + length
        if heard <= 0.7 * whole:
            return 0.02
        off = math.log((level * whole / heard + 0.02 * counted) / (1.02 * counted)) / 0.2
        return math.exp(-off * off / 2) + 0.02

    def weight(row: int, day: date) -> float:
        old = days[row]
        out = math.exp(-(day - old).days / 14)
        out *= 1 if kind(old) == kind(day) else 0.02
        out *= 3 if kind(old) == kind(day) and old.weekday() == day.weekday() else 1
        if whole <= 36:
            ahead = row - (day - pieces[0][0]).days
            out *= likeness(ahead) if ahead >= 0 else 0.02
        return out

    def moments(day: date, hour: int) -> tuple[float, float]:
        rows = [(weight(r, day), table[d, hour]) for r, d in enumerate(days) if (d, hour) in table]
        mean = sum(w * e for w, e in rows) / sum(w for w, _ in rows)
        return mean, max(sum(w * e * e for w, e in rows) / sum(w for w, _ in rows) - mean * mean, 0.0)

    gap_days = sorted({day for day, *_ in pieces})
    every = {(day, hour): moments(day, hour) for day in gap_days for hour in range(24)}
    common = sum(v for _, v in every.values()) / sum(m * m for m, _ in every.values())
    expected, spread = [], []
    for day, hour, length in pieces:
        mean, variance = every[day, hour]
        expected.append(mean * length)
        spread.append(math.sqrt(0.7 * variance + (0.3 * common + 0.02**2) * mean * mean) * length)
    for _ in range(8):
        short = counted - sum(expected)
        expected = [max(e + w * short / sum(spread), 0.0) for e, w in zip(expected, spread, strict=True)]
        spread = [w if e > 0 else 0.0 for e, w in zip(expected, spread, strict=True)]
    return [e * counted / sum(expected) for e in expected]
