"""The slow twin of settlement: counts at boundaries and how they are known, from the rules as they are written.

Plain loops over plain integers; nothing of the fast code is used. What a gap of more than two hours makes of its
energy by the meter's profile is not said again here: inside it only the bounds are.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, pairwise
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

from submeter.words import Correction, Flag, Known, Resolution
from tests.analytics.ledger.histories import History
from tests.analytics.ledger.small_cases import METER
from tests.analytics.ledger.truth import FOREVER_MS, Hung
from tests.analytics.ledger.twin_register import SHORT_MS, Link, Path, Plate, Shown, walk

TOLERANCE_MS = {"15m": 30_000, "1h": 120_000, "1d": 48 * 60_000, "1mo": 24 * 3_600_000}
GRACE_MS = 30_000


class Row(NamedTuple):
    """``micro`` is None where a profile decides it."""

    micro: int | None
    known: Known
    flags: Flag


@dataclass(frozen=True)
class Slow:
    """The path through all devices, and what it makes of intervals."""

    path: Path
    zone: str
    read: list[int]
    """times of all readings, accepted or not"""

    def rows(self, resolution: Resolution) -> dict[int, Row]:
        """start (epoch s) → row, from the first reading to the one that the last reading lies in."""
        if not self.path.times:
            return {}
        first, last = self.path.times[0], self.read[-1]
        spans = [
            (a, b)
            for a, b in pairwise(boundaries(self.zone, resolution, first, last))
            if a >= first - GRACE_MS and a <= last
        ]
        if resolution is Resolution.QUARTER:
            days = boundaries(self.zone, Resolution.DAY, first, last)
            fine = {end for end in days if self._fine(end)}
            spans = [(a, b) for a, b in spans if days[bisect_right(days, a)] in fine]
        return {a // 1000: self._row(a, b, TOLERANCE_MS[resolution.value]) for a, b in spans}

    def _fine(self, end: int) -> bool:
        """Whether the last nine readings of the day that ends then came every twenty minutes, in the median."""
        spacing = [b - a for a, b in pairwise(self.read)]
        if not spacing:
            return False
        last = sum(t < end for t in self.read) - 2
        picked = [spacing[min(max(last - i, 0), len(spacing) - 1)] for i in range(8)]
        return median(picked) <= 20 * 60_000

    def _row(self, begin: int, end: int, tolerance: int) -> Row:
        if end > self.path.times[-1]:
            return Row(0, Known.MISSING, Flag.PENDING)
        touched = self.path.links[max(bisect_right(self.path.times, begin) - 1, 0) : bisect_left(self.path.times, end)]
        flags = Flag.NONE
        for link in touched:
            flags |= link.flags
        if any(link.lost for link in touched):
            return Row(0, Known.MISSING, flags)
        exact = all(self._nearest(at) <= tolerance for at in (begin, end))
        whole = exact and not flags & (Flag.RESET | Flag.EXCHANGE)
        low, high = self._count(begin), self._count(end)
        micro = None if low is None or high is None else high - low
        return Row(micro, Known.MEASURED if whole else Known.ESTIMATED, flags)

    def _nearest(self, at: int) -> int:
        """How far the nearest accepted reading is."""
        row = bisect_left(self.path.times, at)
        return min(abs(t - at) for t in self.path.times[max(row - 1, 0) : row + 1])

    def _count(self, at: int) -> int | None:
        """The cumulative count at an instant, on the line between the readings beside it."""
        row = bisect_right(self.path.times, at) - 1
        if row < 0 or row == len(self.path.links):
            return self.totals[max(row, 0)]
        link, begin, end = self.path.links[row], self.path.times[row], self.path.times[row + 1]
        if at > begin and end - begin > SHORT_MS and link.counted and not link.lost:
            return None
        return self.totals[row] + link.counted * (at - begin) // (end - begin)

    @cached_property
    def totals(self) -> list[int]:
        """What was counted up to each accepted reading."""
        return list(accumulate((link.counted for link in self.path.links), initial=0))


def boundaries(zone: str, resolution: Resolution, first_ms: int, last_ms: int) -> list[int]:
    """Epoch ms of the boundaries of every local day, or month, that the span touches."""
    place = ZoneInfo(zone)
    day = datetime.fromtimestamp(first_ms / 1000, place).date().replace(day=1)
    until = datetime.fromtimestamp(last_ms / 1000, place).date() + timedelta(40)
    days = [day + timedelta(n) for n in range((until - day).days)]
    midnights = [_midnight(each, place) for each in days]
    if resolution is Resolution.MONTH:
        return [at for at, each in zip(midnights, days, strict=True) if each.day == 1]
    low = max(n for n, at in enumerate(midnights) if at <= first_ms)
    near = [at for at in midnights[low:] if at <= last_ms + 48 * 3_600_000]
    if resolution is Resolution.DAY:
        return near
    return [at for a, b in pairwise(near) for at in range(a, b, resolution.seconds * 1000)] + near[-1:]


def _midnight(day: date, place: ZoneInfo) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=place).timestamp()) * 1000


def slowly(history: History) -> Slow:
    """Everything of a history, settled at once."""
    shown = [_corrected(history, hung) for hung in history.truth.hung]
    told = [[_micro(d.opening), _micro(d.closing)] for d in history.where.devices[METER]]
    _bridge(history, shown, told)
    whole = Path()
    for row, hung in enumerate(history.truth.hung):
        path = _device(history, hung, shown[row], told[row], begins=row == 0)
        whole = _joined(whole, path)
    read = sorted(s.time_ms for of in shown for s in of)
    return Slow(whole, history.where.buildings["b"].zone, read)


def _corrected(history: History, hung: Hung) -> list[Shown]:
    """What the device showed while it hung there, as people corrected it."""
    found = {p.time_ms: p.micro for p in history.polls if p.serial == hung.serial and _hangs(hung, p.time_ms)}
    for entry in sorted(history.corrections, key=lambda c: c.id):
        _correct(found, entry, hung)
    return [Shown(t, found[t]) for t in sorted(found)]


def _correct(found: dict[int, int], entry: Correction, hung: Hung) -> None:
    if entry.kind == "reject":
        for time_ms in [t for t in found if entry.start_ms <= t < entry.end_ms]:
            del found[time_ms]
    elif entry.micro is not None and _hangs(hung, entry.start_ms):
        found[entry.start_ms] = entry.micro


def _hangs(hung: Hung, time_ms: int) -> bool:
    return hung.since_ms <= time_ms < hung.until_ms


def _plate(history: History, hung: Hung) -> Plate:
    rating = Fraction(str(history.where.points[METER].rating))
    return Plate(history.truth.modulus, history.truth.resolution, hung.ratio, rating)


def _bridge(history: History, shown: list[list[Shown]], told: list[list[int | None]]) -> None:
    """A meter that stayed when its ratio changed showed at that moment what lies between the readings beside it."""
    for row, (one, other) in enumerate(pairwise(history.truth.hung)):
        if one.serial != other.serial or told[row][1] is not None or told[row + 1][0] is not None:
            continue
        if not shown[row] or not shown[row + 1]:
            continue
        both = shown[row] + shown[row + 1]
        accepted = walk(both, _plate(history, one), begins=False, open_end=True).times
        before = max((t for t in accepted if t < one.until_ms), default=None)
        after = min((t for t in accepted if t >= one.until_ms), default=None)
        if before is None or after is None:
            continue
        low, high = dict(both)[before], dict(both)[after]
        if high >= low:
            at = low + (high - low) * (one.until_ms - before) // (after - before)
            told[row][1] = told[row + 1][0] = at


def _micro(told: float | None) -> int | None:
    return None if told is None else round(Fraction(str(told)) * 1_000_000)


def _device(history: History, hung: Hung, shown: list[Shown], told: list[int | None], *, begins: bool) -> Path:
    """One device's path, from its opening to its closing reading where those were told."""
    opening, closing = told
    polled_then = shown and shown[0].time_ms == hung.since_ms
    if opening is not None and not polled_then and (shown or closing is not None):
        shown = [Shown(hung.since_ms, opening), *shown]
    if closing is not None and shown and hung.until_ms < FOREVER_MS:
        shown = [*shown, Shown(hung.until_ms, closing)]
    return walk(shown, _plate(history, hung), begins=begins, open_end=closing is None)


def _joined(one: Path, other: Path) -> Path:
    """Two devices one after the other: nothing is known of what was counted between them."""
    if not one.times or not other.times:
        return one if one.times else other
    gap = other.times[0] - one.times[-1]
    if gap:
        link = Link(0, Flag.EXCHANGE, gap > SHORT_MS)
        return Path(one.times + other.times, [*one.links, link, *other.links])
    links = [*one.links]
    if links:
        links[-1] = links[-1]._replace(flags=links[-1].flags | Flag.EXCHANGE)
    return Path(one.times + other.times[1:], links + other.links)
