"""Why a number of the ledger is what it is: the readings at its boundaries, the meter in force, what happened in it.

For people and for nothing else; it looks at the same window of readings that settlement looks at
(:mod:`analytics.ledger.window`), and at what the register showed at its knots. Viewers make the sentences.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.calendar import edges
from analytics.ledger.book import corrections_of
from analytics.ledger.meter import Meter, Segment
from analytics.ledger.settle import tolerance_ms
from analytics.ledger.window import Window, fetch
from submeter.stores.port import Column, Store
from submeter.words import Correction, Flag, Import, Intervals, Known, Method, Resolution

EVENTS = (Flag.ROLLOVER, Flag.RESET, Flag.EXCHANGE, Flag.SUSPECT)


class Shown(NamedTuple):
    """What a register showed (micro-units, before any ratio), and who says so: '' = it was read over the wire."""

    time_ms: int
    micro: int
    device: str
    by: str = ""


class Event(NamedTuple):
    """Something that happened to the register between two accepted readings: a flag's name in small letters,
    'left_out' (a reading that settlement dropped), 'held' (one that waits to be confirmed)."""

    kind: str
    before: Shown
    after: Shown | None = None


@dataclass(frozen=True, slots=True)
class Boundary:
    """The accepted readings at or before an instant (epoch s), and at or after it. ``exact``: one is near enough."""

    at_s: int
    before: Shown | None
    after: Shown | None
    exact: bool


@dataclass(frozen=True, slots=True)
class Told:
    """One stored interval with its reasons. ``micro`` of the unit, None = missing."""

    start_s: int
    end_s: int
    micro: int | None
    known: Known
    method: Method
    flags: Flag
    revision: int
    begin: Boundary | None = None
    end: Boundary | None = None
    events: tuple[Event, ...] = ()
    corrections: tuple[Correction, ...] = ()
    segments: tuple[Segment, ...] = ()


def told(store: Store, meter: Meter, resolution: Resolution, start_s: int, end_s: int) -> list[Told]:
    """The stored intervals that begin in [start_s, end_s) (epoch s), without their reasons."""
    column = Column(meter.point.id, meter.point.quantity, resolution)
    (rows,) = store.read_intervals([column], np.datetime64(start_s, "s"), np.datetime64(end_s, "s"))
    starts = rows.start.astype("datetime64[s]").astype(np.int64)
    grid = edges(meter.zone, resolution, start_s, end_s)
    ends = grid[np.minimum(np.searchsorted(grid, starts, "right"), len(grid) - 1)]
    return [_row(rows, i, int(starts[i]), int(ends[i])) for i in range(len(rows))]


def _row(rows: Intervals, i: int, start_s: int, end_s: int) -> Told:
    known = Known(int(rows.known[i]))
    return Told(
        start_s, end_s, int(rows.micro[i]) if known else None, known, Method(int(rows.method[i])),
        Flag(int(rows.flags[i])), int(rows.revision[i]),
    )  # fmt: skip


def explained(store: Store, meter: Meter, resolution: Resolution, start_s: int, end_s: int) -> list[Told]:
    """:func:`told`, each with the readings at its boundaries and all that happened in it."""
    rows = told(store, meter, resolution, start_s, end_s)
    if not rows or not meter.segments:
        return rows
    corrections = corrections_of(store, meter.point.id)
    window = fetch(store, meter, rows[0].start_s * 1000, rows[-1].end_s * 1000, corrections)
    if not len(window.track):
        return rows
    shown = _shown(store, meter, window, corrections)
    return [_explain(meter, resolution, row, window, shown, corrections) for row in rows]


def _shown(store: Store, meter: Meter, window: Window, corrections: tuple[Correction, ...]) -> dict[int, Shown]:
    """What stands at each time of the window: as read, as people told, as entered at an exchange."""
    first, last = int(window.track.times[0]), int(max(window.track.times[-1], window.times[-1]))
    brought = [e for e in store.entries(Import, meter.point.building) if meter.point.id in e.points]
    found: dict[int, Shown] = {}
    for segment in meter.segments:
        low, high = max(first, segment.since_ms), min(last + 1, segment.until_ms)
        if low < high:
            read = store.read_readings(segment.series, low, high)
            for time, micro in zip(read.times.astype(np.int64).tolist(), read.micro.tolist(), strict=True):
                found[time] = Shown(time, micro, segment.series.device, _bringer(brought, time))
        for time, entry, name in (
            (segment.since_ms, segment.opening, "opening reading"),
            (segment.until_ms, segment.closing, "closing reading"),
        ):
            if entry is not None and first <= time <= last:
                found.setdefault(time, Shown(time, entry, segment.series.device, name))
    for said in corrections:
        if said.kind == "reading" and said.micro is not None:
            device = next((s.series.device for s in meter.segments if s.since_ms <= said.start_ms < s.until_ms), "")
            found[said.start_ms] = Shown(said.start_ms, said.micro, device, said.author)
    return found


def _bringer(brought: list[Import], time_ms: int) -> str:
    """Who brought a reading, as far as an import of that span says."""
    return next((f"{e.author}, {e.source}" for e in brought if e.start_ms <= time_ms < e.end_ms), "")


def _explain(
    meter: Meter,
    resolution: Resolution,
    row: Told,
    window: Window,
    shown: dict[int, Shown],
    corrections: tuple[Correction, ...],
) -> Told:
    begin_ms, end_ms = row.start_s * 1000, row.end_s * 1000
    return Told(
        row.start_s, row.end_s, row.micro, row.known, row.method, row.flags, row.revision,
        _boundary(row.start_s, window, shown, resolution),
        _boundary(row.end_s, window, shown, resolution),
        tuple(_events(window, shown, begin_ms, end_ms)),
        tuple(c for c in corrections if c.start_ms < end_ms and begin_ms < c.end_ms),
        tuple(s for s in meter.segments if s.since_ms < end_ms and begin_ms < s.until_ms),
    )  # fmt: skip


def _boundary(at_s: int, window: Window, shown: dict[int, Shown], resolution: Resolution) -> Boundary:
    times = window.track.times
    before = int(np.searchsorted(times, at_s * 1000, "right")) - 1
    after = int(np.searchsorted(times, at_s * 1000, "left"))
    one = shown.get(int(times[before])) if before >= 0 else None
    other = shown.get(int(times[after])) if after < len(times) else None
    near = [abs(each.time_ms - at_s * 1000) for each in (one, other) if each is not None]
    return Boundary(at_s, one, other, min(near, default=2**53) <= tolerance_ms(resolution))


def _events(window: Window, shown: dict[int, Shown], begin_ms: int, end_ms: int) -> Iterator[Event]:
    """What happened between the accepted readings around an interval, in order of time."""
    times, flags = window.track.times, window.track.flags
    links: NDArray[np.intp] = np.flatnonzero((flags > 0) & (times[:-1] < end_ms) & (times[1:] > begin_ms))
    for link in links.tolist():
        one, other = shown.get(int(times[link])), shown.get(int(times[link + 1]))
        names = [flag.name.lower() for flag in EVENTS if int(flags[link]) & flag and flag.name]
        if one is not None:
            yield from (Event(name, one, other) for name in names)
    kept = set(times.tolist())
    held_ms = window.track.held_ms
    inside = window.times[(window.times >= begin_ms) & (window.times < end_ms)]
    for time in inside.tolist():
        if time not in kept and time in shown:
            yield Event("held" if held_ms is not None and time >= held_ms else "left_out", shown[time])
