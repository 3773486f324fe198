"""A finding: something that somebody should look at, told once, followed, never silently removed.

It stores kind, parameters and evidence as numbers; viewers make the sentences, in each language, from one catalogue.
"""

from enum import StrEnum

import msgspec

from submeter.words.entry import Entry


class FindingState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    """it ended"""
    WITHDRAWN = "withdrawn"
    """what was told turned out not to be so"""


class Finding(Entry, frozen=True, kw_only=True):
    """``id`` is stable over re-computation (point, kind and begin make it).

    kinds: stuck, missing, spike, drift, night_on, schedule, base_step, phase_loss, reversed_ct, lost_submeter,
    gross_error (a register that counted the impossible and kept it), scale10, gap_catchup, frozen, time_shift,
    holiday_on, heating_cooling, peak_demand.
    ``kwh`` is the energy at stake so far and ``yuan_month`` what it costs a month if it goes on; None = not known.
    """

    point: str
    kind: str
    start_ms: int
    end_ms: int
    """end of the episode so far; for an open one the last instant looked at"""
    state: FindingState
    confidence: float
    kwh: float | None = None
    yuan_month: float | None = None
    evidence: dict[str, float | str] = msgspec.field(default_factory=dict)
    first_told_ms: int
    last_seen_ms: int
    withdrawn_ms: int | None = None
    first_kind: str = ""
    """the kind as which it was first told live, '' = not told live; looking back may have found another"""
    confirmed: bool = True
    """False: live said so, and looking back has not yet seen enough of what came after"""
