"""A year looked back upon: faults put in by hand come back with kind, place and energy; nothing peeks."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from analytics.anomalies.bank import LookedBack, Record, first_look, look_back, recorded
from analytics.anomalies.bank.record import logs_of, without_common
from analytics.design import design

START = np.arange("2022-12-31T23", "2024-12-31T23", dtype="datetime64[h]").astype("datetime64[s]")
N = len(START)
AT = np.arange(N)
OUTDOOR = 7 - 10 * np.cos(2 * np.pi * AT / 8766) + 3 * np.sin(2 * np.pi * (AT - 8) / 24)
ON = design(START, zone="Europe/Oslo", country="NO", outdoor_c=OUTDOOR)
HISTORY = AT < N // 2
BEGIN = N // 2 + 24 * 100 + 1


def normal(seed: int) -> np.ndarray:
    rng, busy = np.random.default_rng(seed), ON.working & (ON.hour >= 7) & (ON.hour < 17)
    heat = np.maximum(12 - OUTDOOR, 0)
    return (20 + 40 * busy + 1.5 * heat) * np.exp(rng.normal(0, 0.04, N // 24 + 1)[AT // 24] + rng.normal(0, 0.06, N))


def record(*energy: np.ndarray) -> Record:
    names = [f"m{k}" for k in range(len(energy))]
    return recorded(names, np.array(energy), [ON] * len(energy), HISTORY, ~HISTORY)


def look(energy: np.ndarray) -> LookedBack:
    return look_back(record(energy))


def faulty(kind: str, days: int) -> np.ndarray:
    energy = normal(3)
    rows = slice(BEGIN, BEGIN + 24 * days)
    hour = ON.hour[rows]
    if kind == "level_up":
        energy[rows] += 0.4 * energy.mean()
    elif kind == "phase_loss":
        energy[rows] *= 2 / 3
    elif kind == "night_on":
        energy[rows] += 30 * ((hour >= 20) | (hour < 6))
    elif kind == "drift":
        energy[rows] *= 1 + 0.5 * np.linspace(0, 1, 24 * days)
    elif kind == "time_shift":
        energy[rows] = energy[rows.start - 5 : rows.stop - 5]
    return energy


KINDS = [("level_up", 14), ("phase_loss", 12), ("night_on", 10), ("drift", 35), ("time_shift", 14)]


@lru_cache
def seen(kind: str, days: int) -> LookedBack:
    return look(faulty(kind, days))


@pytest.mark.parametrize(("kind", "days"), KINDS)
def test_a_lasting_fault_is_told_with_its_kind_and_place(kind: str, days: int) -> None:
    (told,) = seen(kind, days).told
    assert told.kind == kind
    both = min(told.end, BEGIN + 24 * days) - max(told.begin, BEGIN)
    assert both / (max(told.end, BEGIN + 24 * days) - min(told.begin, BEGIN)) > 0.7


@pytest.mark.parametrize(("kind", "days"), KINDS)
def test_its_energy_is_what_was_put_in(kind: str, days: int) -> None:
    (told,) = seen(kind, days).told
    rows = slice(BEGIN, BEGIN + 24 * days)
    put_in = 0.0 if kind == "time_shift" else (faulty(kind, days) - normal(3))[rows].sum()
    assert told.excess_kwh == pytest.approx(put_in, abs=0.06 * normal(3)[rows].sum())


@pytest.mark.parametrize(("kind", "days"), KINDS)
def test_scores_are_higher_in_the_fault_than_outside(kind: str, days: int) -> None:
    scores = seen(kind, days).scores[0]
    assert np.isnan(scores[HISTORY]).all()
    inside = (AT >= BEGIN + 24) & (BEGIN + 24 * (days - 1) > AT)
    assert np.median(scores[inside]) > np.quantile(scores[~inside & ~HISTORY], 0.97)


@pytest.mark.parametrize("seed", range(3))
def test_a_year_without_faults_has_no_episode(seed: int) -> None:
    assert look(normal(seed)).told == ()


def test_what_all_meters_show_together_is_nobodys_fault() -> None:
    meters = [normal(seed) for seed in range(8)]
    for energy in meters:
        energy[BEGIN : BEGIN + 24 * 12] *= 2 / 3
    assert look_back(record(*meters)).told == ()
    assert {t.kind for t in look(meters[0]).told} == {"phase_loss"}


def test_what_a_meter_has_in_common_is_the_median_of_the_others() -> None:
    rng = np.random.default_rng(5)
    plain = record(*[normal(seed) for seed in range(7)])
    shared = rng.normal(0, 0.2, N // 24 + 1)[AT // 24]
    energy = plain.energy * np.exp(shared)
    moved = replace(plain, energy=energy, logs=logs_of(energy, plain.floor))
    spoilt = np.zeros(moved.energy.shape, bool)
    before = np.std(moved.residual[0])
    after = np.std(without_common(moved, spoilt)[0].residual[0])
    assert before > 0.2
    assert after < 0.5 * before


def test_a_budget_of_nothing_tells_one_at_most_unless_it_is_certain() -> None:
    energy = faulty("level_up", 14)
    energy[BEGIN + 24 * 60 : BEGIN + 24 * 72] *= 2 / 3
    told = look_back(record(energy), budget=0.0).told
    assert all(t.confidence > 0.85 for t in told[1:])


def test_times_far_from_any_history_do_not_matter() -> None:
    """Without a year of its own past, and without weather, a meter is examined all the same."""
    on = design(START[: N // 2], zone="UTC", country="")
    energy = normal(1)[: N // 2]
    energy[5000:5020] = energy[5000]
    alone = recorded(["m"], energy[None], [on], np.zeros(N // 2, bool), np.ones(N // 2, bool))
    assert [(t.kind, t.begin, t.end) for t in look_back(alone).told] == [("stuck", 5000, 5020)]


@pytest.mark.parametrize(("kind", "days"), [("level_up", 14), ("phase_loss", 12)])
def test_its_ends_are_known_to_a_few_hours(kind: str, days: int) -> None:
    (told,) = seen(kind, days).told
    assert abs(told.begin - BEGIN) <= 3
    assert abs(told.end - (BEGIN + 24 * days)) <= 3


@pytest.mark.parametrize("kind", ["stuck", "level_up"])
def test_a_first_look_tells_of_sudden_faults_as_the_whole_look_does_and_of_no_others(kind: str) -> None:
    energy = faulty("level_up", 14) if kind == "level_up" else normal(3)
    if kind == "stuck":
        energy[BEGIN : BEGIN + 30] = energy[BEGIN]
    seen_first = first_look(record(energy))
    assert seen_first.told == tuple(t for t in look(energy).told if t.kind == "stuck")
    inside = (AT >= BEGIN + 24) & (BEGIN + 24 * 13 > AT) if kind == "level_up" else (AT >= BEGIN) & (BEGIN + 30 > AT)
    scores = seen_first.scores[0]
    assert np.isnan(scores[HISTORY]).all()
    assert np.median(scores[inside]) > np.quantile(scores[~inside & ~HISTORY], 0.8)


def test_a_meter_that_fails_all_the_time_tells_of_twice_the_budget_at_most() -> None:
    year = slice(N // 2, N)
    energy, on = normal(4)[year], design(START[year], zone="Europe/Oslo", country="NO")
    for begin in range(24, 24 * 350, 24 * 28):
        energy[begin : begin + 20] = energy[begin]
    everything = np.ones(len(on), bool)
    alone = recorded(["m"], energy[None], [on], ~everything, everything)
    assert len(look_back(alone, budget=1.0).told) == 13
    assert len(look_back(alone, budget=0.25).told) == 6


def test_an_hour_that_is_odd_for_its_weeks_scores_above_all_that_is_as_its_weeks_are() -> None:
    energy = normal(5)
    energy[BEGIN : BEGIN + 24 * 60] *= 1.5
    energy[BEGIN + 24 * 30 + 12] /= 2
    assert np.nanargmax(first_look(record(energy)).scores[0]) == BEGIN + 24 * 30 + 12


YEAR_ON = design(START[: N // 2], zone="Asia/Kolkata", country="")


def oddities() -> dict[str, np.ndarray]:
    rng, n = np.random.default_rng(0), N // 2
    sun = np.maximum(0, np.sin((YEAR_ON.hour - 6) / 12 * np.pi))
    return {
        "nothing known": np.full(n, np.nan), "one reading": np.r_[np.full(n - 1, np.nan), 5.0],
        "all zero": np.zeros(n), "one value": np.full(n, 5.0), "fed in, below zero": -50 * sun * rng.uniform(0.1, 1, n),
        "net": normal(1)[:n] - 35, "half missing": np.where(rng.random(n) < 0.5, np.nan, normal(2)[:n]),
        "charger": np.where(rng.random(n) < 0.05, rng.uniform(3, 11, n), 0), "every fourth": (AT[:n] % 4 == 0) * 80.0,
    }  # fmt: skip


@pytest.mark.parametrize("name", oddities())
@pytest.mark.parametrize("hours", [20, 120, 24 * 40, N // 2])
def test_no_meter_is_too_odd_and_no_record_too_short_to_be_looked_at(name: str, hours: int) -> None:
    on = design(START[:hours], zone="Asia/Kolkata", country="")
    everything = np.ones(hours, bool)
    alone = recorded([name], oddities()[name][None, :hours], [on], ~everything, everything)
    for found in (look_back(alone), first_look(alone)):
        assert np.isfinite(found.scores).all()
        assert len(found.told) <= max(1, hours // 1400)


def test_where_nothing_is_examined_nothing_is_told() -> None:
    everything = np.ones(N, bool)
    found = look_back(recorded(["m"], normal(1)[None], [ON], everything, ~everything))
    assert found.told == ()
    assert np.isnan(found.scores).all()


def test_a_meter_that_counts_below_zero_is_told_of_as_one_that_counts_above() -> None:
    (above,), (below,) = seen("level_up", 14).told, look(-faulty("level_up", 14)).told
    assert (below.kind, below.begin, below.end) == (above.kind, above.begin, above.end)
    assert below.excess_kwh == pytest.approx(-above.excess_kwh)
    assert below.evidence["step_kw"] == pytest.approx(-above.evidence["step_kw"])
