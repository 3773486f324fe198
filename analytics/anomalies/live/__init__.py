"""Live: hour by hour, from the past alone (see :mod:`analytics.anomalies.live.watch`)."""

from analytics.anomalies.live.watch import Feed, State, Telling, advance, begin, size_bytes

__all__ = ["Feed", "State", "Telling", "advance", "begin", "size_bytes"]
