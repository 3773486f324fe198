"""What a gateway polls: a bus is a source, a simulated meter another, a replayed series a third.

Only the command on the roof joins them, so there is one outbox, one uplink, one way.
"""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from submeter.words import Block, Reading


@runtime_checkable
class Source(Protocol):
    """Something that can be asked for its present. ``id`` is unique within a gateway."""

    id: str
    period_s: float
    """how often it wants to be polled"""

    def poll(self, now_ms: int) -> list[Reading]:
        """What it shows now; times are at most ``now_ms``. Raises :class:`SourceAway` when it does not answer."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class Past(Protocol):
    """A source that also knows its past (simulated and replayed meters, meters with a load profile)."""

    def history(self, start_ms: int, end_ms: int) -> Iterator[list[Block]]:
        """What it showed in [start_ms, end_ms), in slices of rising time; in each slice one block a series.

        Deterministic: asked again for the same span it yields the same readings, so that a killed back-fill resumes.
        """
        ...

    def history_start_ms(self) -> int:
        """Where its past begins. Asked once, at the start; does not raise."""
        ...
