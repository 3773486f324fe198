"""The rules: what becomes of each record of a pack. Pure; a reading is judged by itself, never by its neighbours.

What runs backwards or jumps is stored as read: that verdict is the ledger's. Names, units and meters are looked at once
for each run (records that share name and unit), values and times as columns over the whole pack, and rows are picked
apart only where something is wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from collector.intake.reasons import Reason
from collector.intake.roster import FOREVER_MS, Roster, Stretch
from submeter.wire.senml import Run, to_micros
from submeter.wire.topic import NAME, Topic
from submeter.words import QUANTITIES, Quantity, Series

EARLIEST_MS: Final = 946_684_800_000
"""2000-01-01: earlier times are a clock that was never set, or a relative time (RFC 8428, 4.5.3)"""
LATEST_MS: Final = 4_102_444_800_000
"""2100-01-01: what is later is no time that anybody could wait for"""

REMEMBERED: Final = 50_000
"""names that are remembered at once; whoever makes up more only costs time"""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Records of one series that passed. ``times_ms`` and ``micro`` int64, ``index`` positions in the pack.

    In the order of the pack; times may repeat and go back.
    """

    series: Series
    times_ms: NDArray[np.int64]
    micro: NDArray[np.int64]
    index: NDArray[np.intp]

    def take(self, rows: object) -> "Rows":
        i: slice = rows  # type: ignore[assignment]  # NumPy takes masks and index arrays alike
        return Rows(self.series, self.times_ms[i], self.micro[i], self.index[i])


@dataclass(frozen=True, slots=True, eq=False)
class Refused:
    """Records of one run that go to quarantine for one reason."""

    reason: Reason
    text: str
    run: Run
    point: str = ""


@dataclass(slots=True)
class Judged:
    accepted: list[Rows] = field(default_factory=list)
    held: list[Rows] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


class Place(NamedTuple):
    """What a run's name and topic say, once all of it is known."""

    series: Series
    quantity: Quantity
    stretches: list[Stretch]


class Fault(NamedTuple):
    reason: Reason
    text: str
    point: str = ""


def judge(topic: Topic, runs: Sequence[Run], roster: Roster, now_ms: int, future_ms: int) -> Judged:
    """Sort the records of a pack into accepted, held and refused; each is in exactly one.

    ``now_ms`` is the server's time; what lies more than ``future_ms`` after it is held.
    """
    judged = Judged()
    placed: list[tuple[Run, Place]] = []
    for run in runs:
        place = _remembered(topic, run.name, run.unit, roster)
        if isinstance(place, Fault):
            judged.refused.append(Refused(place.reason, place.text, run, place.point))
        else:
            placed.append((run, place))
    if placed:
        _judge_rows(placed, judged, now_ms, now_ms + future_ms)
    return judged


def _remembered(topic: Topic, name: str, unit: str, roster: Roster) -> Place | Fault:
    """:func:`place_of`, looked up: live packs say the same names every minute."""
    key = (topic, name, unit)
    found = roster.remembered.get(key)
    if found is None:
        if len(roster.remembered) >= REMEMBERED:
            roster.remembered.clear()
        found = roster.remembered[key] = place_of(topic, name, unit, roster)
    assert isinstance(found, Place | Fault)
    return found


def place_of(topic: Topic, name: str, unit: str, roster: Roster) -> Place | Fault:
    """The series that a name means under a topic, or why it means none. The topic wins over names in the payload."""
    parts = name.split("/")
    if len(parts) == 4:
        if parts[0] != topic.building:
            return Fault(
                Reason.OTHER_BUILDING,
                f"{name!r} points to building {parts[0]!r}, but came on the topic of {topic.building!r}; "
                f"publish it on submeter/v1/{topic.tenant}/{parts[0]}/{topic.gateway}/readings",
            )
        parts = parts[1:]
    if len(parts) != 3 or not all(NAME.fullmatch(part) for part in parts):
        return Fault(
            Reason.BAD_NAME, f"name {name[:200]!r} is not <point>/<device>/<quantity>, e.g. main/SN1/energy_import"
        )
    local, device, quantity = parts
    point = f"{topic.building}/{local}"
    kind = QUANTITIES.get(quantity)
    fault = _fault_of_kind(name, unit, quantity, kind, point) or _fault_of_meter(topic, point, device, roster)
    if fault is not None or kind is None:
        assert fault is not None
        return fault
    return Place(Series(point, device, quantity), kind, roster.stretches(point, device))


def _fault_of_kind(name: str, unit: str, quantity: str, kind: Quantity | None, point: str) -> Fault | None:
    if kind is None:
        return Fault(
            Reason.UNKNOWN_QUANTITY, f"{name}: no quantity is named {quantity!r}; docs/wire.md lists them", point
        )
    if unit != kind.unit:
        return Fault(
            Reason.WRONG_UNIT,
            f"{name}: unit {unit[:40]!r} where {quantity} is in {kind.unit!r}; convert in the publisher, say the unit",
            point,
        )
    return None


def _fault_of_meter(topic: Topic, point: str, device: str, roster: Roster) -> Fault | None:
    gateway, building = topic.gateway, topic.building
    if not roster.knows_gateway(gateway):
        return Fault(Reason.UNKNOWN_GATEWAY, f"gateway {gateway!r} is not in gateways.csv; add it there", point)
    if not roster.may_speak(gateway, building):
        return Fault(
            Reason.NOT_ALLOWED,
            f"gateway {gateway!r} may not speak for {building!r}; add {building} to its row in gateways.csv",
            point,
        )
    if point not in roster.points:
        return Fault(Reason.UNKNOWN_METER, f"point {point} is not in the portfolio; add it to meters.csv", point)
    if not roster.stretches(point, device):
        return Fault(
            Reason.UNKNOWN_DEVICE,
            f"device {device!r} is not listed at {point}; if the meter was exchanged, add a row to meters.csv",
            point,
        )
    return None


def _judge_rows(placed: list[tuple[Run, Place]], judged: Judged, now_ms: int, held_from_ms: int) -> None:
    """Values and times of all runs at once; run by run only where something is not plainly in order."""
    lengths = np.array([len(run.index) for run, _ in placed])
    times = np.concatenate([run.times_ms for run, _ in placed])
    values = np.concatenate([run.values for run, _ in placed])
    micro, fits = to_micros(values)
    lowest = np.repeat([place.quantity.lowest for _, place in placed], lengths)
    highest = np.repeat([place.quantity.highest for _, place in placed], lengths)
    since = np.repeat([max(place.stretches[0][0], EARLIEST_MS) for _, place in placed], lengths)
    until = np.repeat([min(place.stretches[0][1], LATEST_MS) for _, place in placed], lengths)
    plain = fits & (values >= lowest) & (values <= highest) & (times >= since) & (times < until)
    plain &= times <= held_from_ms
    ends = np.cumsum(lengths)
    bad_before = np.concatenate(([0], np.cumsum(~plain)))
    for (run, place), end, length in zip(placed, ends.tolist(), lengths.tolist(), strict=True):
        begin = end - length
        rows = Rows(place.series, run.times_ms, micro[begin:end], run.index)
        if bad_before[end] == bad_before[begin]:
            judged.accepted.append(rows)
        else:
            _pick_apart(run, place, rows, fits[begin:end], judged, held_from_ms)


def _pick_apart(run: Run, place: Place, rows: Rows, fits: NDArray[np.bool_], judged: Judged, held_from_ms: int) -> None:
    """One run in which not every row is plainly in order. Each row goes to the first reason that holds for it."""
    left = np.ones(len(rows.index), bool)
    hung = np.zeros(len(rows.index), bool)
    for since, until in place.stretches:
        hung |= (rows.times_ms >= since) & (rows.times_ms < until)
    q = place.quantity
    for reason, wrong in (
        (Reason.NO_VALUE, ~np.isfinite(run.values)),
        (Reason.OUT_OF_RANGE, ~fits | (run.values < q.lowest) | (run.values > q.highest)),
        (Reason.BAD_TIME, (run.times_ms < EARLIEST_MS) | (run.times_ms >= LATEST_MS)),
        (Reason.UNKNOWN_DEVICE, ~hung),
    ):
        picked = np.flatnonzero(wrong & left)
        if len(picked):
            left[picked] = False
            text = _sentence(reason, run, place, int(picked[0]))
            part = Run(run.name, run.unit, run.times_ms[picked], run.values[picked], run.index[picked])
            judged.refused.append(Refused(reason, text, part, place.series.point))
    late = rows.times_ms > held_from_ms
    for mask, target in ((left & ~late, judged.accepted), (left & late, judged.held)):
        if mask.any():
            target.append(rows.take(mask))


def _sentence(reason: Reason, run: Run, place: Place, row: int) -> str:
    """About the first record of a group, naming the meter, what was wrong and what to do."""
    who = f"{place.series.point}, device {place.series.device}, {place.series.quantity}"
    value, time_ms, q = run.values[row], int(run.times_ms[row]), place.quantity
    if reason is Reason.NO_VALUE:
        return f"{who}: no finite number at {show_time(time_ms)}; send nothing where nothing was read"
    if reason is Reason.OUT_OF_RANGE:
        return (
            f"{who}: {value:g} {q.unit} at {show_time(time_ms)} is outside of {q.lowest:g} to {q.highest:g} {q.unit}; "
            "check register address, scale and word order"
        )
    if reason is Reason.BAD_TIME:
        return (
            f"{who}: time {time_ms / 1000:.0f} s since 1970 ({show_time(time_ms)}) is absent, relative or not between "
            "2000 and 2100; set the publisher's clock"
        )
    hung = " and ".join(f"from {show_time(a)} until {show_time(b)}" for a, b in place.stretches)
    return (
        f"{who}: read at {show_time(time_ms)}, but this device hung here {hung}; correct since/until in meters.csv "
        "or list the exchange"
    )


def show_time(ms: int) -> str:
    """For people: ISO with seconds, or in words where no calendar reaches."""
    if ms >= FOREVER_MS:
        return "now on"
    if ms <= -FOREVER_MS:
        return "ever"
    if not -62_135_596_800_000 <= ms < 253_402_300_800_000:
        return "beyond all calendars"
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
