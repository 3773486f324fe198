"""How a number is known, in words that a person understands; and the same as plain data for a script."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from analytics.ledger.explain import Boundary, Event, Shown, Told
from analytics.ledger.meter import FOREVER_MS, Meter, Segment
from submeter.files.intervals import flag_names
from submeter.files.readings import decimal
from submeter.words import QUANTITIES, Flag, Known, Method, Resolution

METHODS: Final = {
    Method.REGISTER: "difference of the register's readings",
    Method.PROFILE: "the register's difference over a gap, spread like this meter's usual days",
    Method.LINEAR: "the register's difference, spread evenly",
    Method.MODEL: "computed by a model",
    Method.SUM: "sum of other intervals",
    Method.NO_READING: "nothing was read",
    Method.NO_CLOSING: "the register was reset or exchanged without a closing reading",
    Method.INCOMPLETE: "of its meters too little is known to show a sum",
    Method.REFUTED: "what was read was taken back by the register",
    Method.NONE: "no method is stored",
}
FLAGS: Final = {
    Flag.SUSPECT: "suspect: counted and kept by the register, though implausible",
    Flag.ROLLOVER: "the register rolled over",
    Flag.RESET: "the register was reset",
    Flag.EXCHANGE: "the meter was exchanged",
    Flag.INCOMPLETE: "incomplete: without those of its meters that are missing, and not scaled up",
}
EVENTS: Final = {
    "rollover": "the register rolled over: {before}, then {after}",
    "reset": "the register fell and stayed: {before}, then {after}",
    "exchange": "the meter was exchanged: {before}, then {after}",
    "suspect": "an implausible rise that the register kept: {before}, then {after}",
    "left_out": "left out, as the register took it back: {before}",
    "held": "waits to be confirmed by later readings: {before}",
}


def when(at_s: int, zone: ZoneInfo) -> str:
    """A minute on the building's clock; the day alone where it is midnight."""
    local = datetime.fromtimestamp(at_s, zone)
    return local.strftime("%Y-%m-%d" if (local.hour, local.minute) == (0, 0) else "%Y-%m-%d %H:%M")


def number(micro: int | None) -> str:
    """Energy for people, to the thousandth; '' = missing."""
    return "" if micro is None else f"{micro / 1e6:,.3f}"


def how_known(row: Told) -> str:
    """One line: measured, estimated and how, missing and why; then what else is to be known."""
    if row.flags & Flag.PENDING:
        return "pending: not over yet, or waits for its closing reading"
    text = row.known.name.lower()
    if row.known != Known.MEASURED or row.method != Method.REGISTER:
        text += f": {METHODS[row.method]}"
    more = [words for flag, words in FLAGS.items() if row.flags & flag]
    return "; ".join([text, *more])


def reasons(row: Told, meter: Meter, zone: ZoneInfo) -> Iterator[str]:
    """The readings, devices, events and corrections behind an interval, a line each."""
    unit = QUANTITIES[meter.point.quantity].unit
    for name, boundary in (("begins", row.begin), ("ends", row.end)):
        if boundary is not None:
            yield f"{name}: {_boundary(boundary, unit, zone)}"
    for segment in row.segments:
        yield f"meter: {_segment(segment, zone)}"
    for event in row.events:
        yield f"! {_event(event, unit, zone)}"
    for said in row.corrections:
        what = "readings left out" if said.kind == "reject" else "a reading told"
        yield f"correction {said.id}: {what} by {said.author}, as {said.reason!r}"


def _boundary(boundary: Boundary, unit: str, zone: ZoneInfo) -> str:
    one, other = boundary.before, boundary.after
    if one is None and other is None:
        return "no reading"
    if one is None or other is None:
        only, side = (one, "no reading follows") if one is not None else (other, "no reading before")
        assert only is not None
        return f"{_shown(only, unit, zone)}; {side}"
    if one.time_ms == other.time_ms:
        return _shown(one, unit, zone)
    near = min((one, other), key=lambda each: abs(each.time_ms - boundary.at_s * 1000))
    if boundary.exact:
        return f"{_shown(near, unit, zone)}, near enough"
    return f"between {_shown(one, unit, zone)} and {_shown(other, unit, zone)}"


def _shown(shown: Shown, unit: str, zone: ZoneInfo) -> str:
    at = datetime.fromtimestamp(shown.time_ms / 1000, zone).strftime("%Y-%m-%d %H:%M:%S")
    return f"{decimal(shown.micro)} {unit} at {at}" + (f" ({shown.by})" if shown.by else "")


def _segment(segment: Segment, zone: ZoneInfo) -> str:
    register = segment.register
    life = [
        f"{word} {when(ms // 1000, zone)}"
        for word, ms in (("since", segment.since_ms), ("until", segment.until_ms))
        if abs(ms) < FOREVER_MS
    ]
    rolls = f"rolls over at {decimal(register.modulus)}"
    return ", ".join([segment.series.device, *life, f"ratio {register.ratio}", rolls])


def _event(event: Event, unit: str, zone: ZoneInfo) -> str:
    after = _shown(event.after, unit, zone) if event.after else "no reading"
    return EVENTS[event.kind].format(before=_shown(event.before, unit, zone), after=after)


def plain(row: Told, meter: Meter, resolution: Resolution) -> dict[str, object]:
    """An interval as data: times in UTC (ISO), values in the unit."""
    return {
        "meter": meter.point.id, "quantity": meter.point.quantity, "unit": QUANTITIES[meter.point.quantity].unit,
        "resolution": resolution.value, "start": _iso(row.start_s * 1000), "end": _iso(row.end_s * 1000),
        "value": None if row.micro is None else row.micro / 1e6, "known": row.known.name.lower(),
        "method": row.method.name.lower(), "flags": flag_names(row.flags).split(), "revision": row.revision,
        "begin_readings": _ends(row.begin), "end_readings": _ends(row.end),
        "devices": [s.series.device for s in row.segments],
        "ratios": [str(s.register.ratio) for s in row.segments],
        "events": [
            {"kind": e.kind, "before": _data(e.before), "after": _data(e.after) if e.after else None}
            for e in row.events
        ],
        "corrections": [said.id for said in row.corrections],
    }  # fmt: skip


def _ends(boundary: Boundary | None) -> list[dict[str, object]]:
    if boundary is None:
        return []
    both = {each.time_ms: _data(each) for each in (boundary.before, boundary.after) if each is not None}
    return list(both.values())


def _data(shown: Shown) -> dict[str, object]:
    return {"time": _iso(shown.time_ms), "shown": shown.micro / 1e6, "device": shown.device, "by": shown.by}


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat().replace("+00:00", "Z")
