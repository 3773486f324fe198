"""The peer of the ledger: the same energies by a walk in plain Python, a reading at a time, in one pass.

It knows nothing of gaps, rollovers, exchanges, suspects or revisions: only how a register's difference is shared out
over the quarters, hours and days that it spans. So it is what a ledger can cost at the least without arrays.
"""

from collections import defaultdict
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

QUARTER_MS = 900_000
Sums = dict[int, float]


def walk(times_ms: list[int], micro: list[int], zone: ZoneInfo) -> tuple[Sums, Sums, dict[str, float]]:
    """Micro-units by quarter and hour (their starts in ms) and by local date."""
    quarters: Sums = defaultdict(float)
    for (t0, m0), (t1, m1) in pairwise(zip(times_ms, micro, strict=True)):
        at = t0 - t0 % QUARTER_MS
        while at < t1:
            inside = min(t1, at + QUARTER_MS) - max(t0, at)
            quarters[at] += (m1 - m0) * inside / (t1 - t0)
            at += QUARTER_MS
    hours: Sums = defaultdict(float)
    days: dict[str, float] = defaultdict(float)
    for start, amount in quarters.items():
        hours[start - start % 3_600_000] += amount
        days[datetime.fromtimestamp(start / 1000, zone).date().isoformat()] += amount
    return quarters, hours, days
