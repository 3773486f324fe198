import numpy as np
import pytest

from analytics.normal import normalised, typical_rows

DAY = np.repeat(np.arange("2023-01-01", "2026-01-01", dtype="datetime64[D]").astype(np.int64), 24)
MONTH = DAY.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def test_of_each_month_the_year_nearest_to_its_mean_is_taken() -> None:
    outdoor = np.where(DAY.astype("datetime64[D]").astype("datetime64[Y]").astype(int) == 54, 11.0, 0.0)  # 2024
    outdoor += 10.0 * (MONTH == (2025 - 1970) * 12)  # January 2025 is 10, of 2024 11, of 2023 0: the mean is 7
    rows = typical_rows(DAY, outdoor)
    assert rows is not None
    chosen = np.unique(MONTH[rows])
    assert len(chosen) == 12
    assert (2025 - 1970) * 12 in chosen


def test_without_weather_the_last_months_are_the_typical_ones() -> None:
    rows = typical_rows(DAY, None)
    assert rows is not None
    assert np.unique(MONTH[rows]).tolist() == [(2025 - 1970) * 12 + m for m in range(12)]


def test_eleven_months_make_no_year() -> None:
    assert typical_rows(DAY[: 334 * 24], None) is None


def test_the_saving_of_a_typical_year_by_hand() -> None:
    saving, low, high = normalised(np.full(10, 100.0), np.full(10, 80.0), np.log(1.03), np.log(1.05))
    assert saving == pytest.approx(200)
    half = np.hypot(1000 * 0.03, 800 * 0.05)  # 50
    assert [low, high] == [pytest.approx(200 - half), pytest.approx(200 + half)]
