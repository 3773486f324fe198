"""Three meters of a pretend site, without a fault and with three: what the tests of live looking share."""

from functools import cache

import numpy as np

from analytics.anomalies.live import Feed, State, begin
from analytics.weekdays import Place

HISTORY_D, LIVE_D = 84, 35
PLACE = Place("Europe/Oslo", "NO")
START = np.datetime64("2023-01-01T23:00:00", "s")
NAMES = ("school", "office", "plant")
DAY = 24
FAULT_D = 10
"""Day of the live weeks on which faults begin, a Thursday."""


def site() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Start, energy (3, n) and outdoor temperature (n) of three meters without a fault, on a grid of 0.01 kWh."""
    rng = np.random.default_rng(7)
    n = (HISTORY_D + LIVE_D) * DAY
    start = START + np.arange(n) * np.timedelta64(3600, "s")
    hour, day = np.arange(n) % 24, np.arange(n) // 24
    outdoor = 2 + 5 * np.sin(2 * np.pi * day / 60) + 3 * np.sin(2 * np.pi * (hour - 9) / 24) + rng.normal(0, 0.5, n)
    busy = (hour >= 7) & (hour < 18) & (day % 7 < 5)
    use = np.stack([20 + 40 * busy + 1.0 * (15 - outdoor), 30 + 60 * busy, np.full(n, 50.0) + 10 * busy])
    return start, np.round(use * np.exp(rng.normal(0, 0.04, use.shape)), 2), outdoor


@cache
def begun() -> State:
    start, energy, outdoor = site()
    past = slice(0, HISTORY_D * DAY)
    return begin(NAMES, PLACE, start[past], energy[:, past], (outdoor[past], None), (0, 1, 1))


def healthy() -> Feed:
    """The live weeks, not a fault in them."""
    _, energy, outdoor = site()
    coming = slice(HISTORY_D * DAY, None)
    weather = np.stack([outdoor[coming], np.full(LIVE_D * DAY, np.nan)])
    return Feed(energy[:, coming].copy(), weather)


def part_of(feed: Feed, first: int, last: int) -> Feed:
    return Feed(feed.energy[:, first:last], feed.outdoor_c[:, first:last])


def with_faults() -> Feed:
    feed = healthy()
    feed.energy[0, 5 * DAY + 9 : 5 * DAY + 15] = 0.0
    feed.energy[1, 6 * DAY + 3] += 400.0
    feed.energy[2, FAULT_D * DAY :] += 25.0
    return feed
