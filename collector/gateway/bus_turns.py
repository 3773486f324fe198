"""Whom a bus asks, and when: decisions only, no port and no clock.

Meters that answered last time are asked first and every time. One that missed is asked once more at the end of the
same poll, and then after 1, 2, 4, … periods. All time that is lost on meters that do not answer is paid from an
allowance that grows with a share of the time that goes by, so that dead meters together never take more than that
share of the line for long.
"""

from collections.abc import Iterable
from dataclasses import dataclass

LONGEST_WAIT_S = 900.0
HOPELESS = 0.5
"""a poll in which nobody has answered yet ends when this share of a period is lost: the line is cut"""


@dataclass(slots=True)
class Turn:
    """How one meter has behaved."""

    misses: int = 0
    """failures since the last whole success"""
    again_s: float = 0.0
    """not before this time (monotonic)"""
    suspect: bool = False
    """an answer of its may still be under way: its next one is asked twice"""
    fault: str = ""


class Turns:
    """``period_s`` is the time between polls, ``share`` of all time may be lost on meters that do not answer."""

    def __init__(self, period_s: float, share: float = 0.1) -> None:
        self._period_s = period_s
        self._share = share
        self._turns: dict[int, Turn] = {}
        self._allowance_s = share * period_s
        self._earned_s: float | None = None
        self._lost_s = 0.0

    def keep(self, units: Iterable[int]) -> None:
        """These are the units now; what is known of those that stay is kept."""
        self._turns = {unit: self._turns.get(unit, Turn()) for unit in units}

    def begin(self, now_s: float) -> None:
        """A poll begins: the allowance grows, up to the share of one period."""
        before_s = now_s if self._earned_s is None else self._earned_s
        most_s = self._share * self._period_s
        self._allowance_s = min(most_s, self._allowance_s + self._share * (now_s - before_s))
        self._earned_s = now_s
        self._lost_s = 0.0

    def well(self) -> list[int]:
        """Those that answered last time (or were never asked)."""
        return [unit for unit, turn in self._turns.items() if not turn.misses]

    def lame(self, now_s: float) -> list[int]:
        """Those that did not, whose time has come, the longest waiting first."""
        due = [unit for unit, turn in self._turns.items() if turn.misses and turn.again_s <= now_s]
        return sorted(due, key=lambda unit: self._turns[unit].again_s)

    def may_lose_time(self) -> bool:
        """Whether the allowance allows to ask one that may not answer."""
        return self._allowance_s >= 0

    def hopeless(self) -> bool:
        """Whether so much of this poll is lost that it is to end unless somebody has answered."""
        return self._lost_s > HOPELESS * self._period_s

    def lost(self, seconds: float) -> None:
        """So much time went on faults and on the quiet after them."""
        self._allowance_s -= seconds
        self._lost_s += seconds

    def suspect(self, unit: int) -> bool:
        return self._turns[unit].suspect

    def answered(self, unit: int) -> None:
        self._turns[unit] = Turn()

    def trusted(self, unit: int) -> None:
        """Asked twice, it answered in time: nothing old is under way any more."""
        self._turns[unit].suspect = False

    def missed(self, unit: int, now_s: float, fault: str) -> None:
        turn = self._turns[unit]
        wait_s = min(LONGEST_WAIT_S, self._period_s * 2 ** min(turn.misses - 1, 30)) if turn.misses else 0.0
        self._turns[unit] = Turn(turn.misses + 1, now_s + wait_s, suspect=True, fault=fault)

    def faults(self) -> dict[int, str]:
        """What was last wrong with each unit that does not answer."""
        return {unit: turn.fault for unit, turn in self._turns.items() if turn.misses}
