"""A day's evidence, all meters at once, against the bank's own measure of a whole record."""

import numpy as np

from analytics.anomalies.bank.noise import LAGS, Noise, evidence
from analytics.anomalies.bank.record import BLOCKS
from analytics.anomalies.bank.templates import BANK
from analytics.anomalies.live.days import LONGEST, Habits, a_day_on, no_sums

DAYS, METERS = 12, 2


def _habits(rng: np.random.Generator) -> Habits:
    root = np.linalg.inv(np.linalg.cholesky(0.4 * np.ones((BLOCKS, BLOCKS)) + 0.6 * np.eye(BLOCKS))).T
    one = np.ones(METERS)
    return Habits(
        rng.uniform(0, 0.5, (METERS, len(LAGS))), rng.uniform(5, 20, (METERS, 2, BLOCKS)), np.stack([root] * METERS),
        np.ones((METERS, LONGEST)), one, one, one, np.zeros((METERS, BLOCKS)), one, one,
    )  # fmt: skip


def test_sums_of_days_are_the_banks_evidence_since_each_beginning() -> None:
    rng = np.random.default_rng(3)
    habits, own = _habits(rng), rng.normal(0, 0.1, (DAYS, METERS, BLOCKS))
    undone = own[:, :, None] - rng.uniform(0, 0.3, (1, METERS, len(BANK), BLOCKS))
    sums = no_sums(METERS)
    for day in range(DAYS):
        sums = a_day_on(habits, sums, own[day], undone[day], working=day % 7 < 5)
    for meter in range(METERS):
        weight = np.stack([habits.weight[meter, int(d % 7 < 5)] for d in range(DAYS)])
        noise = Noise(
            habits.follow[meter], weight.astype(np.float32), habits.root[meter].astype(np.float32),
            own[:, meter].astype(np.float32), np.ones((DAYS, BLOCKS), bool), np.zeros(DAYS, np.float32),
        )  # fmt: skip
        found = evidence(noise, undone[:, meter].transpose(1, 0, 2).astype(np.float32))
        for age in range(DAYS):
            reach = [sum(d >= lag for lag in LAGS) for d in range(age + 1)]
            expected = sum(found.inside[v][:, DAYS - 1 - age + d] for d, v in enumerate(reach))
            np.testing.assert_allclose(sums.since[meter, :, age], expected, rtol=1e-3, atol=2e-3)


def test_a_day_that_has_only_begun_is_judged_by_the_blocks_that_are_over() -> None:
    rng = np.random.default_rng(4)
    habits, own = _habits(rng), rng.normal(0, 0.1, (METERS, BLOCKS))
    undone = own[:, None] - np.full((METERS, len(BANK), BLOCKS), 0.2)
    half = own.copy()
    half[:, 3:] = np.nan
    other = own.copy()
    other[:, 3:] += 1.0
    other[:, 3:] = np.nan
    shown = a_day_on(habits, no_sums(METERS), half, np.where(np.isfinite(half)[:, None], undone, np.nan), working=True)
    again = a_day_on(habits, no_sums(METERS), other, undone, working=True)
    np.testing.assert_allclose(shown.since[..., 0], again.since[..., 0])
    assert np.all(shown.since[..., 0] != a_day_on(habits, no_sums(METERS), own, undone, working=True).since[..., 0])
