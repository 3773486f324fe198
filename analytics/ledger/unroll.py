"""From what a register showed to what was counted: which readings are accepted, and the energy between them.

A register is the truth, so what it keeps is energy and what it takes back is not. Every decision looks at most
:data:`HOLD_MS` around itself, or at the two readings beside it where those are further, so that a window of readings
gives the same answer as the whole history:

- *dip*: the register falls and is back at its old height within the hold time, by a jump or after standing still
  (a 0, a frozen low value) → the low readings are dropped;
- *spike*: the register falls back to where it was before an implausible rise, or before a step that is most of
  the rise → the high readings are dropped;
- *rollover*: the register falls, and counting on through its modulus is plausible → energy, at most one in a gap;
- *reset*: the register falls and stays → the segment ends; what the new count shows is the energy since, if plausible;
- *backwards*: the register falls again and again, each time by less than half of what it shows, and does not come back
  between → it counts down (transformers the wrong way round), and what flowed meanwhile is not known;
- a fall or an implausible rise at the open end is *held* until later readings confirm or refute it;
- an implausible rise that stays is energy, and *suspect*; out of a 0 (a dip longer than the hold time) it is a
  *reset* again: a register that was not there comes back.

*Plausible* is a rate: the circuit's rating with margin. Where no rating is known everything that rises is plausible
here (:mod:`analytics.ledger.suspect` judges it by the meter's own history), and a rollover must come from the last
tenth of the register into the first. Only where a bad reading has no neighbour to refute it the other rates of the day
judge: a rise at the open end ten times as fast as any of them is held; one so fast out of a 0, of more than a
thousandth of the register, is no energy.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from submeter.words import Flag, Method

Ints = NDArray[np.int64]

HOLD_MS = 24 * 3600 * 1000
"""how long a fall may wait to be taken back"""
SHORT_MS = 2 * 3600 * 1000
"""a break of the register shorter than this loses no interval; a longer one leaves its intervals missing"""
SLACK_MS = 60_000
"""how wrong a reading's time may be, for the plausibility of what was counted between two"""
CONFIRM = 3
"""readings that must rise from a low value before a fall at the open end is believed, or fall on before a register is
believed to count down"""
FASTER = 10
"""a rise without a rating is doubted at the ends when it is this much faster than all of the day beside it"""


@dataclass(frozen=True, slots=True)
class Register:
    """What unrolling needs to know of a meter: ``modulus`` in micro-units of the register, the ratio to primary
    energy, and the highest plausible rate in primary micro-units per millisecond (inf = not known)."""

    modulus: int
    ratio: Fraction
    resolution: int = 0
    rate: float = np.inf

    def primary(self, register: Ints) -> Ints:
        """Primary counts, floor(register × ratio), exact."""
        num, den = self.ratio.numerator, self.ratio.denominator
        if den == 1:
            whole: Ints = register * num
            return whole
        whole, rest = np.divmod(register, den)
        return np.asarray(whole * num + rest * num // den, np.int64)

    def ceiling(self, span_ms: Ints) -> NDArray[np.float64]:
        """The most that can plausibly be counted over spans of time."""
        return np.asarray(self.rate * (span_ms + SLACK_MS) + 2.0 * self.resolution * float(self.ratio), np.float64)

    def plausible(self, counted: int, span_ms: int) -> bool:
        return counted <= self.rate * (span_ms + SLACK_MS) + 2.0 * self.resolution * float(self.ratio)

    @property
    def rated(self) -> bool:
        return bool(np.isfinite(self.rate))


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Accepted counts of a point through all its devices: knots (time, cumulative primary count) and links between.

    ``times`` epoch ms and ``counts`` int64 micro-units have n knots; ``flags`` (:class:`Flag`) and ``lost`` have
    n − 1 links. What was counted in a ``lost`` link is not known, and the :class:`Method` there says why; 0 = it is
    known. ``held_ms`` is the time of the first reading that
    waits to be confirmed, None = none does. Counts start anywhere; only differences mean anything.
    """

    times: Ints
    counts: Ints
    flags: NDArray[np.uint16]
    lost: NDArray[np.uint8]
    held_ms: int | None = None

    def __len__(self) -> int:
        return len(self.times)

    @staticmethod
    def empty() -> "Track":
        none = np.empty(0, np.int64)
        return Track(none, none, np.empty(0, np.uint16), np.empty(0, np.uint8))


def unroll(times_ms: Ints, micro: Ints, register: Register, *, begins: bool = False, open_end: bool = True) -> Track:
    """Unroll one device's readings (epoch ms ascending, register micro-units), without a reading lost from the sum.

    ``begins``: the first reading is the device's first ever. ``open_end``: readings may follow the last.
    """
    if not len(times_ms):
        return Track.empty()
    scan = _Scan(times_ms, micro, register, open_end)
    scan.run()
    if begins:
        scan.doubt_first()
    if open_end:
        scan.doubt_last()
    return scan.track()


class _Scan:
    """Walks over the falls of a register, from the oldest to the newest; everything between falls is accepted."""

    def __init__(self, times: Ints, micro: Ints, register: Register, open_end: bool) -> None:
        self.times, self.micro, self.register = times, micro, register
        self.open_end = open_end
        self.keep = np.ones(len(times), bool)
        self.breaks: dict[int, Flag] = {}
        self.held_ms: int | None = None
        self.last = 0

    def run(self) -> None:
        falls = np.flatnonzero(np.diff(self.micro) < 0) + 1
        done = 0
        for fall in falls.tolist():
            if fall < done:
                continue
            before = self._kept_before(fall)
            if before is None or self.micro[fall] >= self.micro[before]:
                continue
            done = self._judge(before, fall)

    def _kept_before(self, row: int) -> int | None:
        row -= 1
        while row >= 0 and not self.keep[row]:
            row -= 1
        return row if row >= 0 else None

    def _judge(self, before: int, fall: int) -> int:
        """Decide what the fall from ``before`` to ``fall`` is; returns the first row that is not yet judged."""
        back = self._back(before, fall)
        spike = self._spike(before, fall)
        if back is not None and (spike is None or back - fall <= before + 1 - spike):
            self.keep[fall:back] = False
            return back + 1
        if spike is not None:
            self.keep[spike : before + 1] = False
            return fall + 1
        if self._rolls(before, fall):
            self.breaks[fall] = Flag.ROLLOVER
        elif self._waits(fall):
            self.keep[fall:] = False
            self.held_ms = int(self.times[fall])
            return len(self.times)
        else:
            self.breaks[fall] = Flag.RESET
        return fall + 1

    def _until(self, row: int) -> int:
        """The first row after the hold time of ``row``, but for the next one, which always counts."""
        return max(int(np.searchsorted(self.times, self.times[row] + HOLD_MS, "right")), row + 2)

    def _since(self, row: int) -> int:
        """The first row of the hold time before ``row``; the two before it always count."""
        return max(min(int(np.searchsorted(self.times, self.times[row] - HOLD_MS, "left")), row - 2), 0)

    def _back(self, before: int, fall: int) -> int | None:
        """The row at which a dip is over, None where the register does not come back as from a dip."""
        back = self._higher(before, fall)
        if back is None:
            return None
        low = self.micro[fall:back]
        jumped = not self._plausible(back - 1, back)
        if not self._plausible(before, back):
            return back if jumped else None  # of two implausible rises the smaller one is counted
        if (low == low[0]).all() or jumped:
            return back
        return back if 2 * (int(self.micro[back]) - int(low[-1])) > int(self.micro[back]) - int(low[0]) else None

    def _higher(self, before: int, fall: int) -> int | None:
        """The first row after the fall that shows at least what ``before`` did; mostly the very next."""
        if fall + 1 < len(self.micro) and self.micro[fall + 1] >= self.micro[before]:
            return fall + 1
        higher = np.flatnonzero(self.micro[fall : self._until(fall)] >= self.micro[before])
        return fall + int(higher[0]) if len(higher) else None

    def _spike(self, before: int, fall: int) -> int | None:
        """The first row of a spike that ends at ``before``, None where there is none."""
        first = self._since(fall)
        row = before
        while row > first and (not self.keep[row - 1] or self.micro[row - 1] > self.micro[fall]):
            if row - 1 in self.breaks or row in self.breaks:
                return None
            row -= 1
        while not self.keep[row]:  # a dip that was dropped is no part of the spike after it
            row += 1
        base = self._kept_before(row)
        if base is None or base < first or row in self.breaks or self.micro[base] > self.micro[fall]:
            return None
        rise, height = int(self.micro[row] - self.micro[base]), int(self.micro[before] - self.micro[base])
        return row if 2 * rise > height or not self._plausible(base, row) else None

    def _rolls(self, before: int, fall: int) -> bool:
        counted = int(self.micro[fall]) - int(self.micro[before]) + self.register.modulus
        if counted < 0:
            return False
        tenth = self.register.modulus // 10
        near = int(self.micro[before]) >= self.register.modulus - tenth and int(self.micro[fall]) < tenth
        if not self.register.rated:
            return near
        primary = counted * self.register.ratio.numerator // self.register.ratio.denominator
        return self.register.plausible(primary, int(self.times[fall] - self.times[before]))

    def _waits(self, fall: int) -> bool:
        """Whether a fall at the open end is still to be confirmed: later readings may take it back."""
        if not self.open_end or self._until(fall) < len(self.times):
            return False
        after = self.micro[fall:]
        return not (len(after) > CONFIRM and after[-1] > after[0])

    def _plausible(self, one: int, other: int) -> bool:
        num, den = self.register.ratio.numerator, self.register.ratio.denominator
        counted = int(self.micro[other]) * num // den - int(self.micro[one]) * num // den
        return self.register.plausible(counted, int(self.times[other] - self.times[one]))

    def doubt_first(self) -> None:
        """A series that begins with an implausible rise began with a bad reading (zeros before the first answer)."""
        kept = np.flatnonzero(self.keep)
        day = kept[self.times[kept] <= self.times[kept[0]] + HOLD_MS]
        zeros = int(np.argmax(np.append(self.micro[day] > 0, True)))
        up = max(zeros, 1)
        if up >= len(kept) or not self.breaks.keys().isdisjoint(kept[: up + 1].tolist()):
            return
        doubted = not self._plausible(int(kept[up - 1]), int(kept[up]))
        if doubted or (zeros and self._appears(kept[up - 1 : up + 1], day[up:])):
            self.keep[kept[:up]] = False

    def doubt_last(self) -> None:
        """An implausible rise that nothing has confirmed yet is held."""
        kept = np.flatnonzero(self.keep)
        if self.held_ms is not None or len(kept) < 2 or kept[-1] in self.breaks:
            return
        day = kept[self.times[kept] >= self.times[kept[-2]] - HOLD_MS][:-1]
        if not self._plausible(int(kept[-2]), int(kept[-1])) or self._faster(kept[-2:], day):
            self.keep[kept[-1]] = False
            self.held_ms = int(self.times[kept[-1]])

    def _appears(self, rise: NDArray[np.intp], after: NDArray[np.intp]) -> bool:
        """Whether a rise out of a 0, without rating, is a register that comes back and not its count."""
        return 1000 * int(self.micro[rise[1]]) > self.register.modulus and self._faster(rise, after)

    def _come_back(self, kept: NDArray[np.intp]) -> None:
        """Rises out of a 0 that no count explains are breaks."""
        for row in np.flatnonzero((self.micro[kept[:-1]] == 0) & (self.micro[kept[1:]] > 0)).tolist():
            day = kept[(kept >= kept[row + 1]) & (self.times[kept] <= self.times[kept[row + 1]] + HOLD_MS)]
            pair = kept[row : row + 2]
            if not self._plausible(int(pair[0]), int(pair[1])) or self._appears(pair, day):
                self.breaks[int(pair[1])] = Flag.RESET

    def _faster(self, rise: NDArray[np.intp], beside: NDArray[np.intp]) -> bool:
        """Whether a meter without rating rose so much faster than ever in the readings beside that it is doubted."""
        if self.register.rated or len(beside) <= CONFIRM:
            return False
        rate = np.diff(self.micro[rise]) / np.diff(self.times[rise])
        rates = np.diff(self.micro[beside]) / np.diff(self.times[beside])
        return bool(rate[0] > FASTER * rates.max())

    def track(self) -> Track:
        kept = np.flatnonzero(self.keep)
        self._come_back(kept)
        times, shown = self.times[kept], self.register.primary(self.micro[kept])
        counted, spans = np.diff(shown), np.diff(times)
        flags = np.zeros(len(counted), np.uint16)
        lost = np.zeros(len(counted), np.uint8)
        for row, flag in self.breaks.items():
            link = int(np.searchsorted(kept, row)) - 1
            if link >= 0:
                self._break(link, flag, counted, spans, shown, lost)
                flags[link] |= np.uint16(flag)
        down = self._backwards(kept)
        counted[down], lost[down] = 0, Method.REFUTED
        flags[down] |= np.uint16(Flag.RESET)
        flags[(counted > self.register.ceiling(spans)) & (lost == 0)] |= np.uint16(Flag.SUSPECT)
        counts = np.concatenate([[0], np.cumsum(counted)]).astype(np.int64)
        return Track(times, counts, flags, lost, self.held_ms)

    def _break(self, link: int, flag: Flag, counted: Ints, spans: Ints, shown: Ints, lost: NDArray[np.uint8]) -> None:
        if flag is Flag.ROLLOVER:
            counted[link] += int(self.register.primary(np.array([self.register.modulus]))[0])
            return
        since = int(shown[link + 1])
        counted[link] = since if self.register.rated and self.register.plausible(since, int(spans[link])) else 0
        lost[link] = Method.NO_CLOSING if spans[link] > SHORT_MS else 0

    def _backwards(self, kept: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Links in which the register counts down: from a fall to the next within the hold time, where the register has
        not come back between; those whose left out readings fall on, the heights that it fell from taken for a
        spike, or the depths that it rose from for a dip; and those with left out readings beside any of these.

        A fall to less than half is a register that begins anew, however often.
        """
        down = np.zeros(max(len(kept) - 1, 0), bool)
        if not self.breaks and len(kept) == len(self.times):
            return down
        for link in np.flatnonzero(np.diff(kept) > CONFIRM).tolist():
            down[link] = _falls_on(self.micro[kept[link] : kept[link + 1] + 1])
        resets = sorted(row for row, flag in self.breaks.items() if flag is Flag.RESET)
        links = np.searchsorted(kept, np.array(resets, np.int64)) - 1
        links = links[links >= 0]
        high, low = self.micro[kept[links]], self.micro[kept[links + 1]]
        falls = links[(low < high) & (2 * low >= high)]
        one, other = falls[:-1], falls[1:]
        near = self.times[kept[other + 1]] - self.times[kept[one + 1]] <= HOLD_MS
        on = near & (self.micro[kept[other]] < self.micro[kept[one]])
        for begin, end in zip(one[on].tolist(), other[on].tolist(), strict=True):
            down[begin : end + 1] = True
        beside = np.append(down[1:], False) | np.append(False, down[:-1])
        return np.asarray(down | (beside[: len(down)] & (np.diff(kept) > 1)))


def _falls_on(shown: Ints) -> bool:
    """Whether a register falls so often without a rise between that no single bad reading explains it."""
    moved = np.diff(shown) != 0
    falls = ((np.diff(shown) < 0) & (2 * shown[1:] >= shown[:-1]))[moved]
    return any(all(falls[row : row + CONFIRM]) for row in range(len(falls) - CONFIRM + 1))


def join(parts: list[Track]) -> Track:
    """One track through all devices of a point, in order; what was counted between two devices is not known.

    Where the old device's last knot and the new one's first stand at the same time (closing and opening reading at the
    exchange), nothing is lost. A break of up to two hours loses no interval either: it counts nothing and is estimated.
    """
    parts = [part for part in parts if len(part)]
    if not parts:
        return Track.empty()
    whole = parts[0]
    for part in parts[1:]:
        whole = _joined(whole, part)
    return whole


def _joined(one: Track, other: Track) -> Track:
    gap = int(other.times[0] - one.times[-1])
    counts = other.counts - other.counts[0] + one.counts[-1]
    if gap == 0:
        flags = np.concatenate([one.flags, other.flags])
        if len(one.flags):
            flags[len(one.flags) - 1] |= np.uint16(Flag.EXCHANGE)
        return Track(
            np.concatenate([one.times, other.times[1:]]),
            np.concatenate([one.counts, counts[1:]]),
            flags,
            np.concatenate([one.lost, other.lost]),
            other.held_ms,
        )
    link = np.array([Flag.EXCHANGE], np.uint16)
    lost = np.array([Method.NO_CLOSING if gap > SHORT_MS else 0], np.uint8)
    return Track(
        np.concatenate([one.times, other.times]),
        np.concatenate([one.counts, counts]),
        np.concatenate([one.flags, link, other.flags]),
        np.concatenate([one.lost, lost, other.lost]),
        other.held_ms,
    )
