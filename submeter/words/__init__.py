"""The glossary as code: frozen data that every room of the house shares, and nothing that does anything.

Time is aware UTC at the edges, ``datetime64[ms]`` in arrays of readings and ``datetime64[s]`` in arrays of intervals.
Numbers on their way are whole *micro-units*: int64 counts of 1e-6 of the quantity's unit (1 µkWh = 1 mWh), so that sums
telescope exactly. :mod:`submeter.words.quantity` holds the units.
"""

from submeter.words.building import Building, Gateway, Measure, Quiet, Station
from submeter.words.entry import (
    Correction,
    Entry,
    Frozen,
    GatewayStatus,
    Ground,
    Grounds,
    Held,
    Import,
    Quarantined,
    TooLate,
)
from submeter.words.errors import (
    Bug,
    ConfigError,
    FrameError,
    PayloadError,
    SourceAway,
    StoreAway,
    SubmeterError,
    TheirsError,
)
from submeter.words.finding import Finding, FindingState
from submeter.words.interval import Flag, Intervals, Known, Method, Resolution
from submeter.words.lesson import Lesson, UsualMeter
from submeter.words.point import Device, Point, lineage, parse_ratio
from submeter.words.portfolio import CarbonFactor, Portfolio, Price
from submeter.words.quantity import MICRO, QUANTITIES, Kind, Medium, Quantity
from submeter.words.reading import Block, Change, Reading, Readings, Series, Written
from submeter.words.result import Balance, Baseline, LoadShape, NonRoutine, Saving, TypicalDay
from submeter.words.watch import Watch, Watched

__all__ = [
    "MICRO", "QUANTITIES", "Balance", "Baseline", "Block", "Bug", "Building", "CarbonFactor", "Change",
    "ConfigError", "Correction", "Device", "Entry", "Finding", "FindingState", "Flag", "FrameError", "Frozen",
    "Gateway", "GatewayStatus", "Ground", "Grounds", "Held", "Import", "Intervals", "Kind", "Known", "Lesson",
    "LoadShape", "Measure", "Medium", "Method", "NonRoutine", "PayloadError", "Point", "Portfolio", "Price",
    "Quantity", "Quarantined", "Quiet", "Reading", "Readings", "Resolution", "Saving", "Series", "SourceAway",
    "Station", "StoreAway", "SubmeterError", "TheirsError", "TooLate", "TypicalDay", "UsualMeter", "Watch",
    "Watched", "Written", "lineage", "parse_ratio",
]  # fmt: skip
