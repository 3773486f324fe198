"""The slow twin of unrolling: one reading at a time, in whole numbers, from the rules as they are written.

A register is the truth: what it keeps is energy, what it takes back is not. What looks wrong is judged by the readings
within a day of it, and by the two beside it where those are further.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from submeter.words import Flag
from tests.analytics.ledger.small_cases import DAY_MS, HOUR_MS

SHORT_MS = 2 * HOUR_MS


class Shown(NamedTuple):
    time_ms: int
    micro: int


@dataclass(frozen=True)
class Plate:
    """What is known of a device: modulus and resolution in register micro-units, ratio, rating in kW (0 = none)."""

    modulus: int
    resolution: int
    ratio: Fraction
    rating: Fraction

    def primary(self, micro: int) -> int:
        return micro * self.ratio.numerator // self.ratio.denominator

    def plausible(self, counted: int, span_ms: int) -> bool:
        """Half as much again as the rating, over a span that may be a minute longer, and two steps of the register."""
        if not self.rating:
            return True
        rate = self.rating * Fraction(3, 2) * 1_000_000 / 3_600_000
        return counted <= rate * (span_ms + 60_000) + 2 * self.resolution * self.ratio

    def rises_plausibly(self, one: Shown, other: Shown) -> bool:
        return self.plausible(self.primary(other.micro) - self.primary(one.micro), other.time_ms - one.time_ms)


class Link(NamedTuple):
    """From one accepted reading to the next: what was counted, and what is to be said of it."""

    counted: int
    flags: Flag
    lost: bool


@dataclass
class Path:
    """Accepted readings (their times) and the links between them."""

    times: list[int] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)


def walk(shown: list[Shown], plate: Plate, *, begins: bool, open_end: bool) -> Path:
    """All readings of one device, oldest first."""
    return _Walk(shown, plate, begins=begins, open_end=open_end).path()


class _Walk:
    def __init__(self, shown: list[Shown], plate: Plate, *, begins: bool, open_end: bool) -> None:
        self.shown, self.plate, self.open_end = shown, plate, open_end
        self.kept: list[int] = []
        self.breaks: dict[int, Flag] = {}
        row = 0
        while row < len(shown):
            row = self._take(row)
        if begins and shown:
            self._doubt_first()
        if open_end and shown:
            self._doubt_last()

    def _take(self, row: int) -> int:
        """Accept a reading or judge a fall; returns the next row to look at."""
        if not self.kept or self.shown[row].micro >= self.shown[self.kept[-1]].micro:
            self.kept.append(row)
            return row + 1
        back, spike = self._back(row), self._spike(row)
        if back is not None and (spike is None or back - row <= self.kept[-1] + 1 - spike):
            return back
        if spike is not None:
            self.kept = [k for k in self.kept if k < spike]
        elif self._rolls(row):
            self.breaks[row] = Flag.ROLLOVER
        elif self._waits(row):
            return len(self.shown)
        else:
            self.breaks[row] = Flag.RESET
        self.kept.append(row)
        return row + 1

    def _back(self, fall: int) -> int | None:
        """Where a dip is over."""
        before = self.shown[self.kept[-1]]
        for row in range(fall + 1, len(self.shown)):
            if row > fall + 1 and self.shown[row].time_ms > self.shown[fall].time_ms + DAY_MS:
                return None
            if self.shown[row].micro >= before.micro:
                break
        else:
            return None
        low = self.shown[fall:row]
        jumped = not self.plate.rises_plausibly(self.shown[row - 1], self.shown[row])
        if not self.plate.rises_plausibly(before, self.shown[row]):
            return row if jumped else None
        stood = len({each.micro for each in low}) == 1
        mostly = 2 * (self.shown[row].micro - low[-1].micro) > self.shown[row].micro - low[0].micro
        return row if stood or jumped or mostly else None

    def _spike(self, fall: int) -> int | None:
        """Where a spike began that ends with the last kept reading."""
        first = next(r for r, each in enumerate(self.shown) if each.time_ms >= self.shown[fall].time_ms - DAY_MS)
        first = max(min(first, fall - 2), 0)
        high = [k for k in self.kept if k >= first and self.shown[k].micro > self.shown[fall].micro]
        high = high[len(high) - _run(high, self.kept) :]
        base = max((k for k in self.kept if k < high[0]), default=None)
        if base is None or base < first or any(k in self.breaks for k in high):
            return None
        if self.shown[base].micro > self.shown[fall].micro:
            return None
        low, step, top = (self.shown[k] for k in (base, high[0], self.kept[-1]))
        most = 2 * (step.micro - low.micro) > top.micro - low.micro
        return high[0] if most or not self.plate.rises_plausibly(low, step) else None

    def _rolls(self, fall: int) -> bool:
        before, after = self.shown[self.kept[-1]], self.shown[fall]
        counted = after.micro - before.micro + self.plate.modulus
        tenth = self.plate.modulus // 10
        if not self.plate.rating:
            return before.micro >= self.plate.modulus - tenth and after.micro < tenth
        return self.plate.plausible(self.plate.primary(counted), after.time_ms - before.time_ms)

    def _waits(self, fall: int) -> bool:
        """A fall at the open end is believed after a day, or when three more readings rose from it."""
        later = [
            r for r in range(fall + 2, len(self.shown)) if self.shown[r].time_ms > self.shown[fall].time_ms + DAY_MS
        ]
        after = self.shown[fall:]
        return self.open_end and not later and not (len(after) > 3 and after[-1].micro > after[0].micro)

    def _doubt_first(self) -> None:
        kept = [self.shown[k] for k in self.kept]
        day = [each for each in kept if each.time_ms <= kept[0].time_ms + DAY_MS]
        zeros = next((n for n, each in enumerate(day) if each.micro > 0), len(day))
        up = max(zeros, 1)
        if up >= len(kept) or any(k in self.breaks for k in self.kept[: up + 1]):
            return
        low, high = kept[up - 1], kept[up]
        if not self.plate.rises_plausibly(low, high) or (zeros and self._appears(low, high, day[up:])):
            self.kept = self.kept[up:]

    def _doubt_last(self) -> None:
        if len(self.kept) < 2 or self.kept[-1] in self.breaks or self._held_before():
            return
        low, high = self.shown[self.kept[-2]], self.shown[self.kept[-1]]
        day = [self.shown[k] for k in self.kept[:-1] if self.shown[k].time_ms >= low.time_ms - DAY_MS]
        if not self.plate.rises_plausibly(low, high) or self._faster(low, high, day):
            self.kept.pop()

    def _held_before(self) -> bool:
        """Whether a fall at the open end waits already."""
        return self.kept[-1] != len(self.shown) - 1

    def _appears(self, low: Shown, high: Shown, after: list[Shown]) -> bool:
        """A register that comes back from 0: without rating, by its height and the pace of the day after."""
        return 1000 * high.micro > self.plate.modulus and self._faster(low, high, after)

    def _come_back(self) -> None:
        """What rises out of a 0 as no count can was not counted."""
        for one, other in pairwise(self.kept):
            low, high = self.shown[one], self.shown[other]
            if low.micro or not high.micro:
                continue
            day = [self.shown[k] for k in self.kept if k >= other and self.shown[k].time_ms <= high.time_ms + DAY_MS]
            if not self.plate.rises_plausibly(low, high) or self._appears(low, high, day):
                self.breaks[other] = Flag.RESET

    def _faster(self, low: Shown, high: Shown, beside: list[Shown]) -> bool:
        """Ten times as fast as anything beside; only where there is no rating, and more than three readings beside."""
        if self.plate.rating or len(beside) <= 3:
            return False
        rates = [_rate(*pair) for pair in pairwise(beside)]
        return _rate(low, high) > 10 * max(rates)

    def path(self) -> Path:
        self._come_back()
        down = self._counts_down()
        links = [
            Link(0, self.breaks.get(other, Flag.NONE) | Flag.RESET, lost=True)
            if other in down
            else self._link(one, other)
            for one, other in pairwise(self.kept)
        ]
        return Path([self.shown[k].time_ms for k in self.kept], links)

    def _counts_down(self) -> set[int]:
        """The later readings of links in which the register counts down: it falls to no less than half, and within a
        day again without having come back; or what was left out falls on; and what was left out beside these."""
        found = {other for one, other in pairwise(self.kept) if self._falls_on(one, other)}
        before = {other: one for one, other in pairwise(self.kept)}
        falls = [
            k
            for k, flag in sorted(self.breaks.items())
            if flag is Flag.RESET and k in before and 2 * self.shown[k].micro >= self.shown[before[k]].micro
        ]
        falls = [k for k in falls if self.shown[k].micro < self.shown[before[k]].micro]
        for one, other in pairwise(falls):
            if self.shown[other].time_ms - self.shown[one].time_ms > DAY_MS:
                continue
            if self.shown[before[other]].micro >= self.shown[before[one]].micro:
                continue
            found |= {k for k in self.kept if one <= k <= other}
        left_out = {later for later, earlier in before.items() if later - earlier > 1}
        beside = {before[k] for k in found} | {k for k, earlier in before.items() if earlier in found}
        return found | (beside & left_out)

    def _falls_on(self, one: int, other: int) -> bool:
        """Whether three readings or more were left out, and the register fell three times without a rise."""
        falls = 0
        for low, high in pairwise(self.shown[one : other + 1] if other - one > 3 else []):
            if high.micro < low.micro <= 2 * high.micro:
                falls += 1
            elif high.micro != low.micro:
                falls = 0
            if falls == 3:
                return True
        return False

    def _link(self, one: int, other: int) -> Link:
        low, high = self.shown[one], self.shown[other]
        counted, span = self.plate.primary(high.micro) - self.plate.primary(low.micro), high.time_ms - low.time_ms
        flag, lost = self.breaks.get(other, Flag.NONE), False
        if flag is Flag.ROLLOVER:
            counted += self.plate.primary(self.plate.modulus)
        elif flag is Flag.RESET:
            since = self.plate.primary(high.micro)
            counted = since if self.plate.rating and self.plate.plausible(since, span) else 0
            lost = span > SHORT_MS
        suspect = Flag.NONE if lost or self.plate.plausible(counted, span) else Flag.SUSPECT
        return Link(counted, flag | suspect, lost)


def _run(high: list[int], kept: list[int]) -> int:
    """How many of ``high`` are the last ones of ``kept`` without a lower one between."""
    n = 0
    while n < len(high) and high[-1 - n] == kept[-1 - n]:
        n += 1
    return n


def _rate(one: Shown, other: Shown) -> Fraction:
    return Fraction(other.micro - one.micro, other.time_ms - one.time_ms)
