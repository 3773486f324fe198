"""Local days as boundaries, through clock changes and odd offsets. Expected values by hand."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics.calendar import edges, hour_type, instant_ms, local_date_s, local_seconds, midnights
from submeter.words import Resolution


def day_edges(zone: str, day: str, resolution: Resolution) -> list[str]:
    start = local_date_s(day, zone)
    return [str(np.datetime64(int(e), "s"))[:16] for e in edges(zone, resolution, start, start + 1)]


def test_a_day_in_shanghai_begins_at_sixteen_hours_utc() -> None:
    assert day_edges("Asia/Shanghai", "2025-03-01", Resolution.DAY) == ["2025-02-28T16:00", "2025-03-01T16:00"]


@pytest.mark.parametrize(
    ("day", "hours"), [("2025-03-30", 23), ("2025-10-26", 25), ("2025-06-01", 24)], ids=["spring", "autumn", "summer"]
)
def test_days_in_oslo_have_as_many_hours_as_the_clock_gives_them(day: str, hours: int) -> None:
    assert len(day_edges("Europe/Oslo", day, Resolution.HOUR)) == hours + 1
    assert len(day_edges("Europe/Oslo", day, Resolution.QUARTER)) == 4 * hours + 1


def test_hours_in_kathmandu_begin_at_a_quarter_past() -> None:
    found = day_edges("Asia/Kathmandu", "2025-03-01", Resolution.HOUR)
    assert found[:2] == ["2025-02-28T18:15", "2025-02-28T19:15"]
    assert len(found) == 25


def test_half_an_hour_of_clock_change_shortens_the_last_hour_of_the_day() -> None:
    found = edges("Australia/Lord_Howe", Resolution.HOUR, *(local_date_s("2025-10-05", "Australia/Lord_Howe"),) * 2)
    assert np.diff(found).tolist() == [3600] * 23 + [1800]


def test_where_midnight_is_skipped_the_day_begins_at_the_change() -> None:
    begins = local_date_s("2018-11-04", "America/Sao_Paulo")
    assert datetime.fromtimestamp(begins, ZoneInfo("America/Sao_Paulo")).isoformat() == "2018-11-04T01:00:00-02:00"


ODD_ZONES = ["Africa/Casablanca", "Africa/Cairo", "America/Sao_Paulo", "Antarctica/Troll", "Asia/Gaza", "Pacific/Apia"]


@pytest.mark.parametrize("zone", ODD_ZONES)
def test_every_midnight_is_the_one_that_the_zone_gives_when_asked_for_it_alone(zone: str) -> None:
    asked = [local_date_s(str(day), zone) for day in np.arange("1990-01-01", "2060-01-02", dtype="datetime64[D]")]
    assert midnights(zone).tolist() == sorted(set(asked))


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Oslo", "Pacific/Apia"])
def test_months_begin_with_their_first_day(zone: str) -> None:
    found = edges(zone, Resolution.MONTH, local_date_s("2024-02-10", zone), local_date_s("2024-04-01", zone))
    assert found.tolist() == [local_date_s(f"2024-{month:02}-01", zone) for month in (2, 3, 4)]
    assert len(edges(zone, Resolution.MONTH, int(found[0]), int(found[0]))) == 2


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Oslo", "Asia/Kathmandu", "Australia/Lord_Howe", "Etc/UTC"])
def test_every_day_is_a_whole_number_of_hours_and_quarters(zone: str) -> None:
    start, end = local_date_s("2024-01-01", zone), local_date_s("2025-01-01", zone)
    days, hours, quarters = (
        edges(zone, each, start, end) for each in (Resolution.DAY, Resolution.HOUR, Resolution.QUARTER)
    )
    assert len(days) == 367
    assert set(days.tolist()) <= set(hours.tolist()) <= set(quarters.tolist())


@pytest.mark.parametrize(
    "zone", ["Asia/Shanghai", "Europe/Oslo", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland"]
)
def test_hour_types_agree_with_the_local_wall_clock(zone: str) -> None:
    begins = midnights(zone)[12_000:12_100]
    starts = np.concatenate([edges(zone, Resolution.HOUR, int(b), int(b) + 1)[:-1] for b in begins])
    for start, kind in zip(starts.tolist(), hour_type(zone, starts).tolist(), strict=True):
        local = datetime.fromtimestamp(start, ZoneInfo(zone))
        day = max(local.weekday() - 4, 0)
        assert kind // 24 == day
        begin = local.replace(hour=0, minute=0, fold=0)
        assert kind % 24 == min((start - int(begin.timestamp())) // 3600, 23)


def test_the_local_clock_jumps_with_summer_time() -> None:
    start = np.array(["2026-03-29T00:00", "2026-03-29T01:00"], "datetime64[s]")
    local = local_seconds(start, "Europe/Oslo").view("datetime64[s]")
    assert local.tolist() == np.array(["2026-03-29T01:00", "2026-03-29T03:00"], "datetime64[s]").tolist()


def test_midnight_in_shanghai_is_sixteen_hours_into_the_utc_day_before() -> None:
    assert np.datetime64(instant_ms("2026-01-01", "Asia/Shanghai"), "ms") == np.datetime64("2025-12-31T16:00")
    assert instant_ms("2026-01-01T12:00+00:00", "Asia/Shanghai") == 1_767_268_800_000
    assert instant_ms("2026-01-01T20:00", "Asia/Shanghai") == 1_767_268_800_000
