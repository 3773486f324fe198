import numpy as np
import pytest

from analytics.anomalies.scan import LENGTHS, best_segment, daily, hour_ends, identifiable, joint_amplitude, noise

DAYS = 200
DAY = np.repeat(np.arange(DAYS), 24)


def slow_best(cross: np.ndarray, power: np.ndarray) -> tuple[int, int]:
    best, where, scale = 0.0, (0, 0), 1.0
    for length in (n for n in LENGTHS if n <= len(cross)):
        z = np.array([
            cross[a : a + length].sum() / np.sqrt(power[a : a + length].sum()) for a in range(len(cross) - length + 1)
        ])  # fmt: skip
        if length <= 15:
            scale = max(1.4826 * np.median(np.abs(z)), 0.7)
        a = int(np.argmax(np.abs(z)))
        if abs(z[a]) / scale > best:
            best, where = abs(z[a]) / scale, (a, a + length)
    return where


def noisy(begin: int, end: int, size: float, seed: int = 0) -> np.ndarray:
    residual = np.random.default_rng(seed).normal(0, 1, len(DAY))
    residual[(begin <= DAY) & (end > DAY)] += size
    return residual


@pytest.mark.parametrize("seed", range(4))
def test_a_step_is_found_where_it_is(seed: int) -> None:
    residual = noisy(60, 97, 0.8, seed)
    found = best_segment(*daily(np.ones(len(DAY)), residual, np.ones(len(DAY)), DAY))
    assert found is not None
    assert abs(found.begin - 60) <= 1
    assert abs(found.end - 97) <= 1
    assert found.amplitude == pytest.approx(0.8, abs=0.1)


@pytest.mark.parametrize("seed", range(4))
def test_the_scan_begins_where_its_slow_twin_does(seed: int) -> None:
    cross, power = daily(np.ones(len(DAY)), noisy(100, 128, 1.0, seed), np.ones(len(DAY)), DAY)
    begin, end = slow_best(cross, power)
    found = best_segment(cross, power)
    assert found is not None
    assert abs(found.begin - begin) <= max(2, 0.3 * (end - begin))


def test_noise_alone_stays_far_below_any_threshold() -> None:
    z = [abs(best_segment(*daily(np.ones(len(DAY)), noisy(0, 0, 0, s), np.ones(len(DAY)), DAY)).z) for s in range(30)]  # type: ignore[union-attr]  # found in noise too
    assert max(z) < 7


def test_only_the_wanted_sign_is_found() -> None:
    cross, power = daily(np.ones(len(DAY)), noisy(60, 97, -2.0), np.ones(len(DAY)), DAY)
    found = best_segment(cross, power, sign=1)
    assert found is not None
    assert found.z < 7


def test_unknown_hours_count_for_nothing() -> None:
    residual = np.array([1.0, np.nan, 3.0])
    cross, power = daily(np.array([1.0, 1.0, 2.0]), residual, np.ones(3), np.array([0, 0, 1]))
    assert (cross.tolist(), power.tolist()) == ([1, 6], [1, 4])


def test_ends_are_put_to_the_hour() -> None:
    residual = np.zeros(480)
    residual[103:331] = 2.0
    assert hour_ends(np.ones(480), residual, 2.0, 96, 336) == (103, 331)


def test_joint_amplitude_is_that_of_a_fit_with_the_template_among_its_columns() -> None:
    rng = np.random.default_rng(1)
    x, t = rng.normal(size=(300, 4)), np.r_[np.zeros(200), np.ones(100)]
    y = x @ [1, 2, 3, 4] + 5 * t + rng.normal(0, 0.1, 300)
    hat = x @ np.linalg.pinv(x)
    whole = np.linalg.lstsq(np.column_stack([x, t]), y, rcond=None)[0][-1]
    assert joint_amplitude(t, hat @ t, y - hat @ y, np.ones(300, bool)) == pytest.approx(whole)


def test_what_the_columns_hold_already_is_not_identifiable() -> None:
    t = np.r_[np.zeros(50), np.ones(50)]
    known = np.ones(100, bool)
    assert identifiable(t, t, known) == 0
    assert identifiable(t, np.zeros(100), known) == 1


def test_noise_grows_with_the_level() -> None:
    level = np.r_[np.full(3000, 10.0), np.full(3000, 100.0)]
    residual = np.random.default_rng(0).normal(0, 1, 6000) * np.r_[np.full(3000, 2.0), np.full(3000, 20.0)]
    sigma = noise(residual, level)
    assert sigma[0] == pytest.approx(2.8, rel=0.2)  # √(2² + (0.2·10)²)
    assert sigma[-1] == pytest.approx(20, rel=0.1)
