import numpy as np
import pytest

from analytics.design import grid
from analytics.term import Term, dips, easter, learn_term


def day(text: str) -> int:
    return int(np.datetime64(text, "D").astype(int))


@pytest.mark.parametrize(
    ("year", "sunday"), [(2018, "2018-04-01"), (2019, "2019-04-21"), (2000, "2000-04-23"), (2038, "2038-04-25")]
)
def test_easter_by_the_almanac(year: int, sunday: str) -> None:
    assert easter(year) == day(sunday)


def test_a_dip_moves_to_the_same_week_number_and_holy_week_with_easter() -> None:
    # 2018: week 40 begins on 1 October, holy week on 26 March; 2019: on 30 September and 15 April
    term = Term((day("2018-03-26"), day("2018-10-01")), (-0.5, -1.0), "NO")
    asked = np.array([day(t) for t in ("2019-10-02", "2019-04-16", "2019-03-26", "2018-10-05")])
    assert term.on(asked).tolist() == [-1.0, -0.5, 0.0, -1.0]


def test_in_china_what_surrounds_the_spring_festival_moves_with_it() -> None:
    # first days off in a row: 2025-01-28 and 2026-02-15
    term = Term((day("2025-01-20"),), (-1.0,), "CN")
    assert term.on(np.array([day("2026-02-04"), day("2026-01-20")])).tolist() == [-1.0, 0.0]


def test_the_shared_vector_is_found_among_noise_and_only_its_dips_are_kept() -> None:
    rng = np.random.default_rng(1)
    true = np.zeros(50)
    true[27:31] = -0.3
    weekly = rng.uniform(0.2, 1.5, (20, 1)) * true + rng.normal(0, 0.02, (20, 50))
    found = dips(weekly)
    assert found.max() == 0
    assert sorted(np.argsort(found)[:4].tolist()) == [27, 28, 29, 30]


def test_one_meter_that_changes_its_use_makes_no_term() -> None:
    weekly = np.zeros((12, 50))
    weekly[0, 30:] = 5.0
    weekly[1:, 10] = -0.4
    assert int(dips(weekly).argmin()) == 10


def test_few_meters_or_half_a_year_have_no_term() -> None:
    start = np.arange("2018-01-01", "2018-07-01", dtype="datetime64[h]").astype("datetime64[s]")
    on = grid(start, "UTC", "NO")
    loads = [np.random.default_rng(k).uniform(1, 2, len(start)) for k in range(6)]
    assert learn_term(on, loads, [None] * 6, "NO") is None
    assert learn_term(on, loads[:3], [None] * 3, "NO") is None
