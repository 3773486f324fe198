"""The repaired series of a meter at fault: what most likely flowed, hour by hour, while the meter told something else.

Strategy: the ledger stays what the register said; beside it stands a column 'repaired' with rows for the hours of meter
faults alone, each marked as a model's estimate. What a fault leaves intact is used: a lost phase showed a known share,
a wrong decimal ten times too much, a catch-up the right sum in the wrong hours, a drift a factor that grew. Where the
meter told nothing of the load, the baseline's expectation stands. A fault of the *load* is no fault of the meter and
has no repair. The finding with the same meter and hours is the provenance.
"""

from collections.abc import Iterable

import numpy as np

from analytics.anomalies.episode import METER_KINDS, Episode
from analytics.quality import Floats

TAKEN_BACK = ("spike", "missing")
"""the register itself took the spike back, or goes on after the gap: the ledger is right already"""
SAME_SUM = ("gap_catchup", "time_shift")
"""the energy is right, its hours are not"""


def repaired(episodes: Iterable[Episode], point: str, shown_kwh: Floats, expected_kwh: Floats) -> Floats:
    """(n) kWh for each hour in which the meter was at fault, NaN elsewhere and where nothing better is known.

    ``shown_kwh`` (n) as the ledger has it, ``expected_kwh`` (n) by the baseline; NaN = unknown. Where two faults
    overlap the later episode stands.
    """
    out = np.full(len(shown_kwh), np.nan)
    for episode in sorted(episodes, key=lambda e: (e.begin, e.end)):
        if episode.point == point and episode.kind in METER_KINDS and episode.kind not in TAKEN_BACK:
            hours = slice(episode.begin, min(episode.end, len(out)))
            out[hours] = _flowed(episode, shown_kwh[hours], expected_kwh[hours])
    return out


def _flowed(episode: Episode, shown: Floats, expected: Floats) -> Floats:
    share = episode.evidence.get("share")
    if episode.kind == "scale10":
        return np.where(np.isfinite(shown), shown / 10, expected)
    if episode.kind == "phase_loss":
        return np.where(np.isfinite(shown), shown / (share if share and share > 0 else 2 / 3), expected)
    if episode.kind == "drift" and share is not None and share > -1:
        growing = 1 + share * np.linspace(0, 1, len(shown))
        return np.where(np.isfinite(shown), shown / growing, expected)
    if episode.kind in SAME_SUM and np.nansum(expected) > 0 and np.isfinite(shown).all():
        return np.asarray(expected * (shown.sum() / np.nansum(expected)), float)
    return expected
