"""Histories of one meter with hidden truth: what flowed, what its register showed, and in which order it was told.

Everything that happens to registers happens here, each as a small change of what an honest meter would have shown:
gaps, glitches, frozen stretches, registers that count down, kept jumps, resets, rollovers, exchanges, changed
transformers, clock steps; then corrections by hand; then an order of arrival in lots, late, twice and shuffled.
``events`` names what happened, so that a property can say for which histories it holds.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from submeter.words import MICRO, Building, Correction, Device, Medium, Point, Portfolio
from tests.analytics.ledger.small_cases import DAY_MS, HOUR_MS, METER, ms
from tests.analytics.ledger.truth import FOREVER_MS, QUARTER_MS, Flow, Hung, Step, Truth

PLACES = (
    ("Asia/Shanghai", ms("2025-03-02T16:00")),
    ("Europe/Oslo", ms("2025-03-28T23:00")),  # two days before the spring day of 23 hours
    ("Europe/Oslo", ms("2025-10-24T22:00")),  # two days before the autumn day of 25 hours
    ("Asia/Kolkata", ms("2025-01-31T18:30")),
    ("Asia/Kathmandu", ms("2025-03-01T18:15")),
    ("Australia/Lord_Howe", ms("2025-04-04T13:00")),  # the day before its clocks go back by half an hour
)
PACES = {"minute": 60_000, "quarter": QUARTER_MS, "hour": HOUR_MS, "irregular": 20 * 60_000, "day": DAY_MS}
LONGEST = {"minute": 400, "quarter": 400, "hour": 960, "irregular": 400, "day": 90}
"""polls of a history at each pace"""
MEDIA = {
    Medium.ELECTRICITY: "energy_import",
    Medium.WATER: "volume",
    Medium.GAS: "volume",
    Medium.HEAT: "heat",
    Medium.COLD: "cold",
}
RATIOS = (Fraction(1), Fraction(80), Fraction(100, 3))
EVENTS = frozenset(
    {
        "gap",
        "glitch",
        "frozen",
        "backwards",
        "jump",
        "reset",
        "rollover",
        "exchange",
        "ratio",
        "clock",
        "rejected",
        "told",
    }
)
LOSSY = frozenset({"jump", "reset", "clock", "rejected", "told", "frozen", "backwards"})
"""what makes the register, or the times of its readings, say something else than what flowed"""
PEAK = 5 * MICRO
"""the most that flows in a quarter: 20 kW in secondary units"""


class Poll(NamedTuple):
    serial: str
    time_ms: int
    micro: int


class Lot(NamedTuple):
    """What arrives together."""

    polls: tuple[Poll, ...]
    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True)
class History:
    where: Portfolio
    truth: Truth
    polls: tuple[Poll, ...]
    """in order of time"""
    glitches: frozenset[int]
    """times at which a poll shows what the register never counted"""
    corrections: tuple[Correction, ...]
    lots: tuple[Lot, ...]
    """all polls and corrections in order of arrival"""
    events: frozenset[str]

    @property
    def whole(self) -> Lot:
        """All of it at once."""
        return Lot(self.polls, self.corrections)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """For Hypothesis: what happened, to which devices, and the lots."""
        meter = self.where.points[METER], self.where.buildings["b"].zone, self.where.devices[METER]
        told = [(len(lot.polls), [tuple(p) for p in lot.polls[:60]], lot.corrections) for lot in self.lots]
        printer.text(f"History({sorted(self.events)}, {meter}, {told})")


@st.composite
def histories(
    draw: st.DrawFn,
    events: frozenset[str] = EVENTS,
    paces: tuple[str, ...] = tuple(PACES),
    polls: tuple[int, int] = (3, 0),
) -> History:
    """``polls``: fewest and most of a history, 0 = as many as its pace has at most."""
    zone, begin = draw(st.sampled_from(PLACES))
    pace = draw(st.sampled_from(paces))
    times = _times(draw, pace, begin, draw(st.integers(polls[0], polls[1] or LONGEST[pace])))
    happened = draw(st.sets(st.sampled_from(sorted(events)), max_size=4))
    truth = _truth(draw, times, happened)
    honest = [Poll((h := truth.at(t)).serial, t, truth.shown(h, t)) for t in times]
    shown, glitches = _disturbed(draw, honest, happened, truth)
    corrections = _corrections(draw, shown, happened, truth)
    return History(
        _portfolio(draw, zone, truth, happened),
        truth,
        tuple(shown),
        frozenset(glitches),
        corrections,
        _arrival(draw, shown, corrections),
        frozenset(happened),
    )


# the honest meter
def _times(draw: st.DrawFn, pace: str, begin: int, n: int) -> list[int]:
    step = PACES[pace]
    begin += draw(st.sampled_from([0, 0, 7_000, 31_000, 300_000, 7 * HOUR_MS]))
    if pace != "irregular":
        return [begin + i * step for i in range(n)]
    spacing = _random(draw).integers(1, 2 * step, n)
    return [begin + int(after) for after in np.cumsum(spacing)]


def _random(draw: st.DrawFn) -> np.random.Generator:
    return np.random.default_rng(draw(st.integers(0, 2**16)))


def _truth(draw: st.DrawFn, times: list[int], happened: set[str]) -> Truth:
    begin = times[0] - times[0] % QUARTER_MS
    resolution = draw(st.sampled_from([MICRO // 100, MICRO // 10, MICRO]))
    digits = 3 if "rollover" in happened else 8
    modulus = 10**digits * MICRO
    flow = Flow(begin, _used(draw, (times[-1] - begin) // QUARTER_MS + 1, modulus))
    first = modulus * 9 // 10 if "rollover" in happened else draw(st.sampled_from([0, 40_000 * MICRO]))
    truth = Truth(flow, tuple(_hung(draw, times, happened, flow, first)), modulus, resolution)
    return replace(truth, steps=tuple(_steps(draw, times, happened, truth)))


def _used(draw: st.DrawFn, n: int, modulus: int) -> list[int]:
    """Micro-units of each quarter, so slow that the register rolls over once at most."""
    kind = draw(st.sampled_from(["flat", "office", "random", "idle"]))
    peak = min(PEAK, modulus * 8 // 10 // n)
    hour = np.arange(n) // 4 % 24
    if kind == "flat":
        used = np.full(n, peak // 4)
    elif kind == "office":
        used = np.where((hour >= 8) & (hour < 18), peak * 9 // 10, peak // 10)
    else:
        used = _random(draw).integers(0, peak, n)
        used = used if kind == "random" else np.where(hour < 12, 0, used)
    return [int(each) for each in used]


def _hung(draw: st.DrawFn, times: list[int], happened: set[str], flow: Flow, first: int) -> list[Hung]:
    """The devices, cut where one was exchanged or its transformers were."""
    ratio = draw(st.sampled_from(RATIOS))
    kinds = [kind for kind in ("exchange", "ratio") if kind in happened]
    cuts = sorted(draw(st.sets(st.sampled_from(_instants(times)), min_size=1, max_size=3))) if kinds else []
    hung = [Hung("s1", -FOREVER_MS, FOREVER_MS, ratio, first)]
    for cut in cuts:
        last = hung[-1]
        hung[-1] = last._replace(until_ms=cut)
        went = flow.until(cut) - flow.until(max(last.since_ms, flow.begin_ms))
        if draw(st.sampled_from(kinds)) == "exchange":
            serial, shown = f"s{len(hung) + 1}", draw(st.sampled_from([0, 17 * MICRO]))
            hung.append(Hung(serial, cut, FOREVER_MS, last.ratio, shown))
        else:
            ratio = draw(st.sampled_from(RATIOS))
            hung.append(Hung(last.serial, cut, FOREVER_MS, ratio, last.shown + went))
    return hung


def _instants(times: list[int]) -> list[int]:
    """Moments at which something may be changed: at polls, and between them."""
    return sorted({t + into for t in times[1:] for into in (0, 120_000)})


def _steps(draw: st.DrawFn, times: list[int], happened: set[str], truth: Truth) -> list[Step]:
    steps: list[Step] = []
    for kind in ("jump", "reset"):
        for row in draw(st.sets(st.integers(1, len(times) - 1), min_size=1, max_size=2)) if kind in happened else ():
            device = truth.at(times[row])
            height = 7_000 * MICRO if kind == "jump" else -truth.raw(device, times[row])
            steps.append(Step(device.serial, times[row], height))
    return steps


# what goes wrong between the register and us
def _disturbed(draw: st.DrawFn, polls: list[Poll], happened: set[str], truth: Truth) -> tuple[list[Poll], set[int]]:
    glitches: set[int] = set()
    rows = st.integers(0, len(polls) - 1)
    if "frozen" in happened:
        begin, length = draw(rows), draw(st.integers(2, 40))
        for row in range(begin, min(begin + length, len(polls))):
            if polls[row].serial == polls[begin].serial:
                polls[row] = polls[row]._replace(micro=polls[begin].micro)
    if "backwards" in happened:
        _count_down(draw, polls)
    if "glitch" in happened:
        for row, high in draw(st.lists(st.tuples(rows, st.booleans()), min_size=1, max_size=6)):
            polls[row] = polls[row]._replace(micro=(polls[row].micro + truth.modulus) // 2 if high else 0)
            glitches.add(row)
    kept = np.ones(len(polls), bool)
    if "gap" in happened:
        for begin in draw(st.sets(rows, min_size=1, max_size=3)):
            kept[begin + 1 : begin + 1 + draw(st.integers(1, max(2, len(polls) // 3)))] = False
    moved = _clocked(draw, polls) if "clock" in happened else polls
    rows_kept = np.flatnonzero(kept).tolist()
    return [moved[row] for row in rows_kept], {moved[row].time_ms for row in glitches if kept[row]}


def _count_down(draw: st.DrawFn, polls: list[Poll]) -> None:
    """From a poll to another the register takes off what it should have counted, or a third of it."""
    begin = draw(st.integers(0, len(polls) - 1))
    end, part = draw(st.integers(begin, len(polls) - 1)), draw(st.sampled_from([1, 3]))
    serial, first, last = polls[begin].serial, polls[begin].micro, polls[end].micro
    for row in range(begin + 1, len(polls)):
        serial_is, _, micro = polls[row]
        went = min(micro, last) - first
        shown = micro - went - went // part // MICRO * MICRO
        if serial_is == serial and went > 0 and shown >= 0:
            polls[row] = polls[row]._replace(micro=shown)


def _clocked(draw: st.DrawFn, polls: list[Poll]) -> list[Poll]:
    """The gateway's clock steps forward or back; its times still rise strictly."""
    step = draw(st.integers(1, len(polls) - 1))
    shift = draw(st.sampled_from([-3 * HOUR_MS, -90_000, 45_000, 5 * HOUR_MS]))
    moved, last = polls[:step], polls[step - 1].time_ms
    for poll in polls[step:]:
        last = max(last + 1, poll.time_ms + shift)
        moved.append(poll._replace(time_ms=last))
    return moved


def _corrections(draw: st.DrawFn, polls: list[Poll], happened: set[str], truth: Truth) -> tuple[Correction, ...]:
    found: list[Correction] = []
    rows = st.integers(0, len(polls) - 1)
    for row in draw(st.sets(rows, min_size=1, max_size=2)) if "rejected" in happened else ():
        end = polls[min(row + draw(st.integers(0, 30)), len(polls) - 1)].time_ms + 1
        found.append(_correction(f"r{row}", "reject", polls[row].time_ms, end, None))
    for row in draw(st.sets(rows, min_size=1, max_size=2)) if "told" in happened else ():
        at = polls[row].time_ms + draw(st.sampled_from([0, 60_001, 50 * HOUR_MS]))
        found.append(_correction(f"t{row}", "reading", at, at + 1, truth.shown(truth.at(at), at)))
    return tuple(found)


def _correction(local: str, kind: str, start_ms: int, end_ms: int, micro: int | None) -> Correction:
    return Correction(
        id=local, building="b", point=METER, kind=kind, start_ms=start_ms, end_ms=end_ms, micro=micro,
        author="li", reason="read by hand", told_ms=0,
    )  # fmt: skip


# what the portfolio knows of it
def _portfolio(draw: st.DrawFn, zone: str, truth: Truth, happened: set[str]) -> Portfolio:
    medium = draw(st.sampled_from(sorted(MEDIA)))
    highest = 4 * PEAK / MICRO * float(max(h.ratio for h in truth.hung))
    rating = draw(st.sampled_from([highest, 0.0]))
    devices = [
        Device(
            point=METER, serial=h.serial, digits=_digits(truth), resolution=truth.resolution / MICRO,
            ct=f"{h.ratio.numerator}/{h.ratio.denominator}",
            since=_iso(h.since_ms), until=_iso(h.until_ms),
            opening=_told(draw, truth, h, h.since_ms), closing=_told(draw, truth, h, h.until_ms),
        )
        for h in truth.hung
    ]  # fmt: skip
    return Portfolio(
        tenant="t",
        buildings={"b": Building(id="b", name="b", type="office", zone=zone, area_m2=1000.0)},
        points={METER: Point(id=METER, name="m", rating=rating, medium=medium, quantity=MEDIA[medium])},
        devices={METER: tuple(devices)},
        stations={},
        gateways={},
        measures={},
        prices=(),
        carbon=(),
    )


def _digits(truth: Truth) -> int:
    return len(str(truth.modulus // truth.resolution)) - 1


def _iso(time_ms: int) -> str:
    return "" if abs(time_ms) == FOREVER_MS else f"{np.datetime64(time_ms, 'ms')}+00:00"


def _told(draw: st.DrawFn, truth: Truth, device: Hung, time_ms: int) -> float | None:
    """Who exchanges a meter may write down what it showed; who changes its transformers need not."""
    if abs(time_ms) == FOREVER_MS or not draw(st.booleans()):
        return None
    return truth.shown(device, time_ms) / MICRO


# how it arrives
def _arrival(draw: st.DrawFn, polls: list[Poll], corrections: tuple[Correction, ...]) -> tuple[Lot, ...]:
    lots: list[list[Poll]] = [[] for _ in range(draw(st.integers(1, 6)))]
    n, chunk = len(lots), max(1, len(polls) // 12)
    how = draw(st.sampled_from(["in order", "late piece", "shuffled"]))
    for row, poll in enumerate(polls):
        lots[min(row * n // len(polls), n - 1)].append(poll)
    if how == "late piece":
        lots.append(lots.pop(draw(st.integers(0, n - 1))))
    elif how == "shuffled":
        of = draw(st.lists(st.integers(0, n - 1), min_size=13, max_size=13))
        lots = [[p for row, p in enumerate(polls) if of[min(row // chunk, 12)] == lot] for lot in range(n)]
    again = [p for lot in lots[: draw(st.integers(0, n - 1))] for p in lot[:5]]
    lots[-1] = sorted({*lots[-1], *again}, key=lambda p: p.time_ms)
    told = [draw(st.integers(0, len(lots) - 1)) for _ in corrections]
    return tuple(
        Lot(tuple(lot), tuple(c for c, at in zip(corrections, told, strict=True) if at == row))
        for row, lot in enumerate(lots)
    )
