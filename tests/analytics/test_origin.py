import numpy as np

from analytics.design import Design, design
from analytics.origin import out_of_sample

START = np.arange("2025-01-01", "2026-01-01", dtype="datetime64[h]").astype("datetime64[s]")
N = len(START)
OUTDOOR = 16 - 12 * np.cos(2 * np.pi * np.arange(N) / 8760)


def grid() -> Design:
    return design(START, zone="Asia/Shanghai", country="CN", outdoor_c=OUTDOOR)


def load(on: Design) -> np.ndarray:
    return (20 + 60 * (on.working & (on.hour >= 8) & (on.hour < 19))) * np.random.default_rng(1).normal(1, 0.05, N)


def test_a_steady_meter_is_foretold_about_as_well_as_it_is_fitted() -> None:
    on = grid()
    told = out_of_sample(on, load(on))
    assert told is not None
    assert told.origins == 3
    assert 0.04 < told.cvrmse < 0.1
    assert abs(told.nmbe) < 0.03


def test_a_level_that_drifts_is_seen_out_of_sample() -> None:
    on = grid()
    rising = load(on) * np.linspace(1, 1.5, N)
    told = out_of_sample(on, rising)
    assert told is not None
    assert told.nmbe > 0.02  # more was used than was foretold


def test_what_comes_after_the_stretch_that_is_foretold_changes_nothing() -> None:
    on, energy = grid(), load(grid())
    changed = energy.copy()
    changed[-24:] = np.nan
    first = out_of_sample(on, np.where(np.arange(N) < N - 24, energy, np.nan))
    assert first == out_of_sample(on, changed)


def test_little_history_has_no_such_figure() -> None:
    on = grid()
    assert out_of_sample(on, np.where(np.arange(N) < 100 * 24, load(on), np.nan)) is None
    assert out_of_sample(on, np.full(N, np.nan)) is None
