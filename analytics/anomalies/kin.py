"""What a meter's relatives say of its verdicts: whether it can be, whose it is, and what has one cause.

Strategy: a meter that lies leaves its parent's balance off by what it lies, and by nothing else; so a verdict of the
bank that a *meter* is at fault stands where the balance bears out a good part of what the verdict says (where the
balance is too restless to tell, a little will do), and falls where the energy has truly flowed. In pretend worlds,
where balances are sharp, 22 of 23 chillers whose clock the bank holds to be off fall so; of real mains with restless
balances nothing right does. A verdict on a *load* is told at the lowest meter that tells it: a parent's falls that lies
in one of a meter below, or that is not in what nobody meters; and what several children of one parent show together is
told once, of the parent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from analytics.anomalies.episode import Episode
from analytics.anomalies.gains import join
from analytics.anomalies.levels import TIMED
from analytics.tree import blame
from submeter.words import Point

TOGETHER_H: Final = 72
"""Episodes of one kind in several children that begin this close have one cause."""
INSIDE: Final = 0.9
HALF: Final = 0.5
BORNE_OUT: Final = 0.3
"""of what the balance would say, were the verdict true, it must say …"""
LEAST: Final = 1.0
"""… and at least this (logarithm of the odds)"""


@dataclass(frozen=True, slots=True, eq=False)
class Home:
    """A family of meters, the parent last, with what is usual in it."""

    members: tuple[str, ...]
    family: blame.Family
    of: blame.Usual

    def denies(self, episode: Episode) -> bool:
        """Whether the balance does not bear out a verdict that one of its meters is at fault, or that its parent's load
        has changed: what no child has told must be in what nobody meters."""
        if episode.point not in self.members or (episode.is_load and episode.point != self.members[-1]):
            return False
        told = blame.suspicion(self.of, self.family, slice(episode.begin, episode.end))
        at = self.members.index(episode.point)
        return bool(told.tree[at] < max(BORNE_OUT * told.most[at], LEAST))


def home_of(members: Sequence[str], family: blame.Family) -> Home:
    """Learn what is usual in a family; ``members`` in the order of its columns."""
    return Home(tuple(members), family, blame.usual(family))


def named_for(item: str, episode: Episode) -> Episode:
    """HVAC runs by a timetable: what is left on there at night is a broken one."""
    if episode.kind != "night_on" or not item.startswith(TIMED):
        return episode
    facts = {k: v for k, v in episode.evidence.items() if k != "nights"}
    return replace(episode, kind="schedule", evidence=facts | {"hours": float(episode.end - episode.begin)})


def is_piece(one: Episode, other: Episode) -> bool:
    """Whether most of the shorter of two lies in the other."""
    return overlap(one, other) > HALF * min(one.end - one.begin, other.end - other.begin)


def one_at_a_time(found: list[Episode]) -> list[Episode]:
    """Of one family's verdicts: what lies inside a larger one of a sibling is a piece of that, not a second fault."""
    out: list[Episode] = []
    for episode in sorted(found, key=lambda e: -abs(e.amount or 0.0)):
        if not any(
            o.point != episode.point and overlap(o, episode) >= INSIDE * (episode.end - episode.begin) for o in out
        ):
            out.append(episode)
    return out


def blamed_once(found: list[Episode]) -> list[Episode]:
    """A meter is a child of one family and the parent of another: of two verdicts on one time keep the surer."""
    out: list[Episode] = []
    for episode in sorted(found, key=lambda e: -e.confidence):
        if not any(o.point == episode.point and o.begin < episode.end and episode.begin < o.end for o in out):
            out.append(episode)
    return out


def common(loads: list[Episode], points: Mapping[str, Point]) -> list[Episode]:
    """Episodes that siblings share become one of their parent, and take in what the parent alone showed meanwhile."""
    out: list[Episode] = []
    left = sorted(loads, key=lambda e: (e.begin, -(e.end - e.begin), e.point))
    while left:
        first = left.pop(0)
        twins = [e for e in left if _one_cause(first, e, points)]
        if {e.point for e in twins} - {points[first.point].parent}:
            whole = first
            for twin in twins:
                whole = join(whole, replace(twin, point=first.point))
            parent = points[first.point].parent
            inside = [e for e in left if e.point == parent and overlap(whole, e) > HALF * (e.end - e.begin)]
            left = [e for e in left if e not in twins and e not in inside]
            first = replace(whole, point=parent)
        out.append(first)
    return out


def _one_cause(one: Episode, other: Episode, points: Mapping[str, Point]) -> bool:
    """Same kind, same parent, and begun together, or most of the shorter lies within the longer."""
    parent = points[one.point].parent
    if one.kind != other.kind or not parent or parent != points[other.point].parent:
        return False
    if one.point == other.point:
        return overlap(one, other) > 0 or abs(other.begin - one.end) <= TOGETHER_H
    return abs(one.begin - other.begin) <= TOGETHER_H


def overlap(one: Episode, other: Episode) -> int:
    return max(min(one.end, other.end) - max(one.begin, other.begin), 0)
