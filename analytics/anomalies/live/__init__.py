"""Live: hour by hour, from the past alone (see :mod:`analytics.anomalies.live.watch`)."""

from analytics.anomalies.live.keeping import packed, packed_feed, unpacked, unpacked_feed
from analytics.anomalies.live.verdicts import Limits, Telling
from analytics.anomalies.live.watch import Feed, State, advance, begin, size_bytes

__all__ = [
    "Feed", "Limits", "State", "Telling", "advance", "begin", "packed", "packed_feed", "size_bytes", "unpacked",
    "unpacked_feed",
]  # fmt: skip
