"""Line protocol, as InfluxDB 1, 2 and 3 take it: what each measurement's lines look like.

    reading   building, device, point, quantity              value
    interval  building, point, quantity, resolution          value, known, method, flags, revision
    finding   building, id, kind, point                      open, kwh, kwh_known, yuan_month, yuan_known, confidence, …
    gateway   gateway                                        waiting, polls, errors, online, backfill, oldest
    quarantine building, gateway, reason                     count
    saving    building, measure                              avoided, low, high, expected, actual, completeness, …
    saving_day building, measure                             avoided, low, high (so far), expected, actual (of the day)

Tags are identity only. Every field is a float, for ever (a field that is once an integer has two types from then on),
and each write carries every field (InfluxDB merges fields): a missing interval is ``known=0`` with value 0. Values are
in the unit itself; a float's shortest decimal form names it exactly, so micro-units come back by rounding.
"""

import re
from collections.abc import Iterable, Mapping

import numpy as np

from submeter.stores.port import Column
from submeter.words import (
    ConfigError,
    Finding,
    FindingState,
    GatewayStatus,
    Intervals,
    Quarantined,
    Readings,
    Saving,
    Series,
)

_SPECIAL = re.compile(r"([,= ])")
_UNSAYABLE = re.compile(r"[\n\r]|\\(?=[,= ]|$)")
"""a line break has no escape in a tag, and a backslash before a delimiter would escape it"""


class UnsayableError(ConfigError):
    """A name that line protocol has no way to carry; rename the point or the device."""


def tag_value(text: str) -> str:
    """Escaped for line protocol. Raises :class:`UnsayableError`."""
    if _UNSAYABLE.search(text):
        raise UnsayableError(
            f"{text!r} holds a line break, or a backslash before a comma, a space, an = or the end;"
            " InfluxDB cannot keep such a name: rename it in the portfolio"
        )
    return _SPECIAL.sub(r"\\\1", text)


def key(measurement: str, tags: Mapping[str, str]) -> str:
    """Measurement and tags, sorted as the server wants them; an empty tag is left out, which a query reads as ''."""
    said = [f"{name}={tag_value(value)}" for name, value in sorted(tags.items()) if value]
    return ",".join([measurement, *said])


def _listed(measurement: str, tags: Mapping[str, str]) -> str:
    """A key for what is only listed, and may come from a stranger's topic: what has no escape becomes '?'."""
    return key(measurement, {name: _UNSAYABLE.sub("?", value) for name, value in tags.items()})


def split_point(point: str) -> tuple[str, str]:
    """The tags building and point (the local part) of a full id."""
    building, _, local = point.partition("/")
    return building, local


def series_tags(series: Series) -> dict[str, str]:
    building, local = split_point(series.point)
    return {"building": building, "device": series.device, "point": local, "quantity": series.quantity}


def column_tags(column: Column) -> dict[str, str]:
    building, local = split_point(column.point)
    return {"building": building, "point": local, "quantity": column.quantity, "resolution": str(column.resolution)}


def reading_lines(series: Series, readings: Readings) -> list[str]:
    """One line a reading, time in milliseconds."""
    prefix = key("reading", series_tags(series)) + " value="
    times = readings.times.astype("datetime64[ms]").astype(np.int64).tolist()
    return [f"{prefix}{value!r} {time}" for time, value in zip(times, (readings.micro / 1e6).tolist(), strict=True)]


def interval_lines(column: Column, intervals: Intervals) -> list[str]:
    """One line an interval, time in seconds."""
    prefix = key("interval", column_tags(column)) + " value="
    columns = (
        intervals.start.astype("datetime64[s]").astype(np.int64),
        np.where(intervals.known > 0, intervals.micro, 0) / 1e6,
        intervals.known,
        intervals.method,
        intervals.flags,
        intervals.revision,
    )
    return [
        f"{prefix}{value!r},known={known},method={method},flags={flags},revision={revision} {start}"
        for start, value, known, method, flags, revision in zip(*(c.tolist() for c in columns), strict=True)
    ]


_OPEN = {FindingState.CLOSED: 0, FindingState.OPEN: 1, FindingState.WITHDRAWN: 2}


def finding_line(finding: Finding) -> str:
    """At the finding's start, in milliseconds. ``open``: 0 closed, 1 open, 2 withdrawn. ``told_live``: it was told live
    first, perhaps as another kind; ``confirmed`` 0: live alone says so as yet."""
    building, local = split_point(finding.point)
    tags = {"building": finding.building or building, "id": finding.id, "kind": finding.kind, "point": local}
    fields = {
        "open": _OPEN[finding.state],
        "kwh": finding.kwh or 0.0,
        "kwh_known": float(finding.kwh is not None),
        "yuan_month": finding.yuan_month or 0.0,
        "yuan_known": float(finding.yuan_month is not None),
        "confidence": finding.confidence,
        "end": finding.end_ms,
        "first_told": finding.first_told_ms,
        "last_seen": finding.last_seen_ms,
        "told_live": float(bool(finding.first_kind)),
        "confirmed": float(finding.confirmed),
    }
    return _line(_listed("finding", tags), fields, finding.start_ms)


def gateway_line(status: GatewayStatus) -> str:
    """At the time it was told, in milliseconds. ``backfill`` is -1 while none runs."""
    fields = {
        "waiting": status.waiting,
        "oldest": status.oldest_ms,
        "polls": status.polls,
        "errors": status.errors,
        "online": float(status.online),
        "synced": float(status.clock == "synced"),
        "backfill": -1.0 if status.backfill is None else status.backfill,
    }
    return _line(_listed("gateway", {"gateway": status.id}), fields, status.told_ms)


def quarantine_lines(records: Iterable[Quarantined]) -> list[str]:
    """How many records arrived in quarantine, by building, gateway and reason, at the newest one's time in ms."""
    counts: dict[str, tuple[int, int]] = {}
    for one in records:
        tags = _listed("quarantine", {"building": one.building, "gateway": one.gateway, "reason": one.reason})
        count, newest = counts.get(tags, (0, one.arrived_ms))
        counts[tags] = (count + 1, max(newest, one.arrived_ms))
    return [_line(tags, {"count": count}, newest) for tags, (count, newest) in counts.items()]


_DAY_MS = 86_400_000


def saving_lines(saving: Saving) -> list[str]:
    """A measure's saving so far, at its start, and one line a day of its curve; in milliseconds, energies in kWh.

    A day lies at the instant of the local clock at which the reporting period began, its midnight (an hour beside it
    while summer time differs).
    """
    tags = {"building": saving.building, "measure": saving.measure}
    whole = {
        "avoided": saving.avoided_kwh,
        "low": saving.low_kwh,
        "high": saving.high_kwh,
        "expected": saving.expected_kwh,
        "actual": saving.actual_kwh,
        "confidence": saving.confidence,
        "completeness": saving.completeness,
        "cvrmse": saving.cvrmse,
        "nmbe": saving.nmbe,
        "told": float(not saving.refused),
        "yuan": saving.avoided_yuan or 0.0,
        "yuan_known": float(saving.avoided_yuan is not None),
        "kg": saving.avoided_kg or 0.0,
        "kg_known": float(saving.avoided_kg is not None),
        "end": saving.end_ms,
    }
    curve = _listed("saving_day", tags)
    columns = (saving.avoided, saving.low, saving.high, saving.expected_daily, saving.actual_daily)
    names = ("avoided", "low", "high", "expected", "actual")
    return [
        _line(_listed("saving", tags), whole, saving.start_ms),
        *(
            _line(curve, dict(zip(names, values, strict=True)), time)
            for time, *values in zip(_midnights(saving), *columns, strict=True)
        ),
    ]


def _midnights(saving: Saving) -> list[int]:
    """The local midnights of its days: as far from UTC's as the start, which is one, is."""
    ahead = -saving.start_ms % _DAY_MS
    ahead -= _DAY_MS if ahead > _DAY_MS // 2 else 0
    days = np.array(saving.days, "datetime64[D]").astype(np.int64) * _DAY_MS
    return [int(day) - ahead for day in days]


def _line(tags: str, fields: Mapping[str, float], time: int) -> str:
    return f"{tags} {','.join(f'{name}={float(value)!r}' for name, value in fields.items())} {time}"
