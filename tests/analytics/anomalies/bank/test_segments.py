"""Every number that prefix sums give, once more the slow and obvious way."""

import numpy as np
import pytest

from analytics.anomalies.bank.compete import competed, of_days, stretches
from analytics.anomalies.bank.noise import LAGS, Evidence, evidence, evidence_of_levels, noise_of, noises, persistence
from analytics.anomalies.bank.record import BLOCKS
from analytics.anomalies.bank.segments import (
    DRIFTS,
    KINDS,
    LEAST,
    LENGTHS,
    LONGEST,
    PERSIST,
    RATE,
    SHORTEST,
    TEMPER,
    drift_behind,
    drift_inside,
    segment_odds,
)
from analytics.anomalies.bank.templates import BANK, DRIFT_STEP, DRIFT_STEPS, SLOPES

DAYS = 90
RNG = np.random.default_rng(4)


def random_evidence(rows: int) -> Evidence:
    def part() -> np.ndarray:
        return RNG.normal(0, 1, (rows, DAYS)).astype(np.float32)

    return Evidence(tuple(part() for _ in range(len(LAGS) + 1)), tuple(part() for _ in range(len(LAGS))))


def variant(offset: int) -> int:
    """How many lags of a day so far behind an edge reach no more over it."""
    return sum(offset >= lag for lag in LAGS)


def slow_sum(found: Evidence, row: int, begin: int, length: int) -> float:
    inside = sum(found.inside[variant(d)][row, begin + d] for d in range(length))
    behind = range(min(max(LAGS), DAYS - begin - length))
    return float(inside + sum(found.after[variant(d)][row, begin + length + d] for d in behind))


def test_odds_of_a_segment_are_the_sum_over_its_days_and_the_week_behind() -> None:
    bank, drift = random_evidence(len(BANK)), random_evidence(DRIFT_STEPS)
    spread = np.linspace(1, 3, len(LENGTHS))
    odds = segment_odds(bank, drift, spread)
    kind, length, begin = KINDS.index("level_up"), 9, 31
    at = LENGTHS.index(length)
    rows = [k for k, t in enumerate(BANK) if t.kind == "level_up"]
    temper = TEMPER / spread[at] ** PERSIST
    likely = [BANK[r].prior * np.exp(temper * slow_sum(bank, r, begin, length)) for r in rows]
    rate = RATE["level_up"] / 30 / sum(SHORTEST["level_up"] <= n <= LONGEST for n in LENGTHS)
    assert odds[kind, at, begin] == pytest.approx(np.log(rate * np.sum(likely)), abs=1e-3)


def test_no_segment_reaches_over_the_end() -> None:
    odds = segment_odds(random_evidence(len(BANK)), random_evidence(DRIFT_STEPS), np.ones(len(LENGTHS)))
    for at, length in enumerate(LENGTHS):
        assert (odds[:, at, DAYS + 1 - length :] == LEAST).all()


@pytest.mark.parametrize("length", DRIFTS[:3])
def test_a_drift_reads_each_day_at_the_level_it_has_come_to(length: int) -> None:
    drift, begin, slope = random_evidence(DRIFT_STEPS), 20, 1
    way = np.log1p(SLOPES[slope] * (np.arange(length) + 0.5) / length) / DRIFT_STEP
    steps = np.arange(DRIFT_STEPS)
    slow = sum(np.interp(way[d], steps, drift.inside[max(variant(d), 1)][:, begin + d]) for d in range(length))
    assert drift_inside(drift)[DRIFTS.index(length), slope, begin] == pytest.approx(slow, abs=1e-3)
    gone = np.log1p(SLOPES[slope]) / DRIFT_STEP
    behind = sum(np.interp(gone, steps, drift.after[variant(d)][:, begin + length + d]) for d in range(max(LAGS)))
    assert drift_behind(drift)[slope, begin + length] == pytest.approx(behind, abs=1e-3)


def slow_competition(odds: np.ndarray, days: int) -> dict[tuple[int, int, int], float]:
    """Probability of each (kind, length, begin) by listing every way through the days."""
    ways: list[tuple[float, list[tuple[int, int, int]]]] = []

    def go(day: int, weight: float, path: list[tuple[int, int, int]]) -> None:
        if day == days:
            ways.append((weight, path))
            return
        go(day + 1, weight, path)
        for k in range(len(KINDS)):
            for at, length in enumerate(LENGTHS):
                if day + length <= days and odds[k, at, day] > LEAST:
                    go(day + length, weight * np.exp(odds[k, at, day]), [*path, (k, at, day)])

    go(0, 1.0, [])
    total = sum(w for w, _ in ways)
    out: dict[tuple[int, int, int], float] = {}
    for weight, path in ways:
        for each in path:
            out[each] = out.get(each, 0.0) + weight / total
    return out


def test_competition_weighs_every_way_through_the_days() -> None:
    days = 9
    odds = np.full((1, len(KINDS), len(LENGTHS), days + 1), LEAST, np.float32)
    for at, length in enumerate(LENGTHS):
        if length <= days:
            odds[0, :3, at, : days + 1 - length] = RNG.normal(0, 1, (3, days + 1 - length))
    probability = competed(odds)[0]
    slow = slow_competition(odds[0], days)
    assert len(slow) > 50
    for (k, at, begin), expected in slow.items():
        assert probability[k, at, begin] == pytest.approx(expected, abs=1e-5)
    daily = of_days(probability)
    own = sum(p for (k, at, begin), p in slow.items() if k == 1 and begin <= 4 < begin + LENGTHS[at])
    assert daily[1, 4] == pytest.approx(own, abs=1e-5)


def test_an_episode_gathers_all_segments_that_agree_with_it() -> None:
    probability = np.zeros((len(KINDS), len(LENGTHS), DAYS + 1), np.float32)
    night, ten = KINDS.index("night_on"), LENGTHS.index(10)
    probability[night, ten, 20:23] = 0.2, 0.3, 0.2
    probability[KINDS.index("unlike"), ten, 50] = 0.9
    (one,) = stretches(probability, least=0.5)
    assert (one.kind, one.begin, one.end) == ("night_on", 21, 31)
    assert one.probability == pytest.approx(0.7)


def test_days_that_go_on_alike_make_long_segments_less_sure() -> None:
    rng = np.random.default_rng(1)
    apart = rng.normal(0, 1, 700)
    walk = np.convolve(rng.normal(0, 1, 730), np.ones(30), "valid")[:700]
    assert persistence(apart.astype(np.float32), LENGTHS).max() < 2
    assert persistence(walk.astype(np.float32), LENGTHS)[-1] > 5


def test_evidence_favours_the_hypothesis_that_makes_days_usual_again() -> None:
    rng = np.random.default_rng(2)
    cells = rng.normal(0, 0.1, (400, BLOCKS))
    cells[300:320] += 0.5
    noise = noise_of(cells, np.ones(400, bool), np.arange(400) % 365)
    undone = np.stack([cells - 0.5, cells - 0.25, cells + 0.5]).astype(np.float32)
    inside = evidence(noise, undone).inside[-1][:, 308:320].sum(axis=1)
    assert inside[0] > inside[1] > 0 > inside[2]


def test_evidence_of_levels_is_that_of_days_with_the_level_taken_out() -> None:
    rng = np.random.default_rng(6)
    cells = rng.normal(0, 0.1, (60, BLOCKS)).astype(np.float32)
    cells[20:22, 3] = np.nan
    noise = noise_of(cells.astype(float), np.arange(60) % 7 < 5, np.arange(60))
    levels = np.array([-0.4, 0.0, 0.06, 0.5])
    shown = evidence_of_levels(noise, cells, levels)
    slow = evidence(noise, (cells - levels[:, None, None]).astype(np.float32))
    for one, other in zip((*shown.inside, *shown.after), (*slow.inside, *slow.after), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


def test_many_meters_noise_is_that_of_each() -> None:
    rng = np.random.default_rng(7)
    cells = rng.normal(0, 0.1, (3, 300, BLOCKS))
    cells[1, 40:60] = np.nan
    working, of_year = np.arange(300) % 7 < 5, np.arange(300)
    for one, alone in zip(noises(cells, working, of_year), cells, strict=True):
        other = noise_of(alone, working, of_year)
        np.testing.assert_array_equal(one.weight, other.weight)
        np.testing.assert_array_equal(one.root, other.root)
