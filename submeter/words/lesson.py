"""What the meters of a portfolio teach each other."""

import msgspec

from submeter.words.entry import Entry


class UsualMeter(msgspec.Struct, frozen=True, kw_only=True):
    """The usual meter of a ``kind``: ``coefficients`` (24 × ``width``, hour by hour) of the baseline per unit of mean
    energy, the median of so many ``meters``."""

    kind: str
    width: int
    meters: int
    coefficients: list[float]


class Lesson(Entry, frozen=True, kw_only=True):
    """What the meters of a place (zone, country, subdivision) taught before ``until_ms``; nothing later is in it.

    ``id`` names the place and the local date of ``until_ms``. So many ``meters`` taught, and so many ``days`` of their
    ledger, one a meter and day, were known then. ``model`` is the baseline's that the coefficients belong to.
    """

    zone: str
    country: str = ""
    subdivision: str = ""
    until_ms: int
    model: str
    meters: int = 0
    days: int = 0
    monday: list[int] = msgspec.field(default_factory=list)
    """weeks of the last year by their Monday (days since 1970), and how far all are used less then: the term"""
    dip: list[float] = msgspec.field(default_factory=list)
    """of each, from -1 (the deepest) to 0"""
    usual: list[UsualMeter] = msgspec.field(default_factory=list)
    error_log: list[float] = msgspec.field(default_factory=list)
    """placebo years, in which nothing is known to have changed: ln(expected/actual) of each"""
    weekly: list[float] = msgspec.field(default_factory=list)
    """and the scatter of the weeks of its baseline"""
