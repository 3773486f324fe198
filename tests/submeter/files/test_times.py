"""What a time in a file means; a slow obvious twin by zoneinfo, one text at a time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from submeter.files.times import parse_times, show_times

BERLIN, SHANGHAI, KATHMANDU = "Europe/Berlin", "Asia/Shanghai", "Asia/Kathmandu"


def one(text: str, zone: str) -> str:
    found = parse_times([text], zone)
    return found.faults.get(0) or datetime.fromtimestamp(int(found.ms[0]) / 1000, UTC).isoformat()


@pytest.mark.parametrize(
    ("text", "zone", "utc"),
    [
        ("2026-03-01", SHANGHAI, "2026-02-28T16:00:00+00:00"),
        ("2026-03-01 08:15", SHANGHAI, "2026-03-01T00:15:00+00:00"),
        ("2026-03-01T08:15:00", SHANGHAI, "2026-03-01T00:15:00+00:00"),
        ("2026-03-01T08:15:00+01:00", SHANGHAI, "2026-03-01T07:15:00+00:00"),
        ("2026-03-01T08:15:00Z", SHANGHAI, "2026-03-01T08:15:00+00:00"),
        ("2026-03-01 08:15:00.250", SHANGHAI, "2026-03-01T00:15:00.250000+00:00"),
        ("2026/3/1 8:15", SHANGHAI, "2026-03-01T00:15:00+00:00"),
        ("2026-03-01 00:00", KATHMANDU, "2026-02-28T18:15:00+00:00"),
        ("2026-10-25 01:59", BERLIN, "2026-10-24T23:59:00+00:00"),
        ("2026-10-25 03:00", BERLIN, "2026-10-25T02:00:00+00:00"),
    ],
)
def test_a_time_is_an_instant_or_the_buildings_clock(text: str, zone: str, utc: str) -> None:
    assert one(text, zone) == utc


def test_an_hour_that_came_twice_or_never_is_named_and_not_guessed() -> None:
    assert one("2026-10-25 02:30", BERLIN) == (
        "2026-10-25 02:30 happened twice in Europe/Berlin (the clock went back); write the offset behind the time"
    )
    assert "never was" in one("2026-03-29 02:30", BERLIN)
    assert one("2026-10-25T02:30+01:00", BERLIN) == "2026-10-25T01:30:00+00:00"


@pytest.mark.parametrize("text", ["yesterday", "now", "NaT", "25.10.2026", "2026-13-01", "12", "", "2026-03"])
def test_what_is_no_time_is_refused_alone(text: str) -> None:
    found = parse_times(["2026-03-01T00:00", text, "2026-03-01T02:00"], SHANGHAI)
    assert set(found.faults) == {1}
    assert found.ms[2] - found.ms[0] == 7_200_000


WALLS = st.datetimes(datetime(1991, 1, 1), datetime(2050, 1, 1)).map(lambda d: d.replace(microsecond=0))  # noqa: DTZ001


@given(st.lists(WALLS, min_size=1, max_size=5), st.sampled_from([BERLIN, SHANGHAI, KATHMANDU, "America/Sao_Paulo"]))
def test_local_times_are_what_zoneinfo_says_of_each(walls: list[datetime], zone: str) -> None:
    found = parse_times([wall.isoformat() for wall in walls], zone)
    for row, wall in enumerate(walls):
        first, second = (wall.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset() for fold in (0, 1))
        assert (row in found.faults) == (first != second)
        if first == second:
            assert first is not None
            assert int(found.ms[row]) == int((wall.replace(tzinfo=UTC) - first).timestamp() * 1000)


@given(st.integers(662_688_000_000, 2_524_608_000_000), st.sampled_from([BERLIN, KATHMANDU]))
def test_what_is_shown_is_read_back(ms: int, zone: str) -> None:
    shown = show_times(np.array([ms]), zone)
    assert parse_times(shown, "UTC").ms.tolist() == [ms]
    assert timedelta(0) != datetime.fromisoformat(shown[0]).utcoffset()
