"""An episode: which meter, what kind, from when to when, how sure, how much energy; and the numbers that speak for
it."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]

LOAD_KINDS: Final = ("night_on", "schedule", "base_step", "holiday_on", "heating_cooling", "peak_demand")
"""What the building does: energy truly flowed, more (or at other times) than expected."""
METER_KINDS: Final = (
    "stuck", "missing", "spike", "drift", "phase_loss", "reversed_ct", "lost_submeter", "gross_error",
    "scale10", "gap_catchup", "frozen", "time_shift",
)  # fmt: skip
"""What the meter does: what it counted is not what flowed."""

EVIDENCE: Final[dict[str, dict[str, str]]] = {
    "stuck": {
        "hours": "hours without a count",
        "expected_kwh": "what would be usual meanwhile",
        "caught_up": "1 = the register jumped afterwards to where it should be, 0 = it did not (yet)",
    },
    "missing": {
        "hours": "hours without a reading",
        "expected_kwh": "what would be usual meanwhile (where there is a model)",
        "meters": "how many meters of the building were silent together (only when most were)",
    },
    "lost_submeter": {
        "hours": "hours without a reading, up to now",
        "expected_kwh": "what would be usual meanwhile",
    },
    "spike": {
        "readings": "readings that the register took back",
        "jump_kwh": "how far the worst of them lay off (after the ratio; negative = below)",
    },
    "gross_error": {
        "hours": "hours with an impossible count",
        "actual_kwh": "what the register counted in them",
        "expected_kwh": "what would be usual",
    },
    "scale10": {
        "hours": "hours that show about ten times too much",
        "times": "what was shown by what would be usual",
        "actual_kwh": "what was shown",
        "expected_kwh": "a tenth of it",
    },
    "gap_catchup": {
        "hours": "hours of the gap, and the one that holds all of it",
        "actual_kwh": "what was shown in them together",
        "expected_kwh": "what would be usual",
    },
    "frozen": {
        "hours": "hours that show one and the same value",
        "actual_kwh": "what was shown",
        "expected_kwh": "what would be usual",
    },
    "time_shift": {
        "hours": "hours in which the day comes too early or too late",
        "actual_kwh": "what was shown; none of it is lost",
        "expected_kwh": "what would be usual",
    },
    "drift": {
        "share": "how far the meter is off by now (+0.2 = counts 20 % too much)",
        "share_per_week": "how much of that came each week",
        "actual_kwh": "what it counted",
        "expected_kwh": "what flowed, by its parent's balance",
    },
    "phase_loss": {
        "share": "counted share of what flowed, by the parent's balance (about 2/3 while a phase is lost)",
        "actual_kwh": "what it counted",
        "expected_kwh": "what flowed, by its parent's balance",
    },
    "reversed_ct": {
        "share": "counted share of what flowed (about 1/3; negative = the register runs backwards)",
        "actual_kwh": "what it counted",
        "expected_kwh": "what flowed, by its parent's balance (or what would be usual)",
    },
    "night_on": {
        "nights": "nights and days off with the load on",
        "night_kw": "mean load in the hours that should be quiet",
        "usual_kw": "what is usual in them",
        "actual_kwh": "what was used",
        "expected_kwh": "what would be usual",
    },
    "schedule": {
        "hours": "hours outside of the usual timetable",
        "night_kw": "mean load in the hours that should be quiet",
        "usual_kw": "what is usual in them",
        "shift_h": "hours by which the timetable moved, + = later (only when it did)",
        "actual_kwh": "what was used",
        "expected_kwh": "what would be usual",
    },
    "base_step": {
        "step_kw": "the new load, around the clock",
        "share": "the same as a share of the usual mean load",
        "actual_kwh": "what was used",
        "expected_kwh": "what would be usual",
    },
    "holiday_on": {
        "days": "days off in a row on which the load ran as on working days",
        "share": "of a working day's surplus over a day off (1 = just like a working day)",
        "actual_kwh": "what was used",
        "expected_kwh": "what a plain day off takes in that weather",
    },
    "heating_cooling": {
        "hours": "hours in which both ran, beyond what is usual",
        "actual_kwh": "the smaller of heat and cold in each hour: what the one undid of the other",
        "expected_kwh": "how much of that is usual in that weather",
        "heat_kwh": "heat delivered meanwhile, or what its plant took",
        "cold_kwh": "cold delivered meanwhile, or what its plant took",
    },
    "peak_demand": {
        "peak_kw": "mean power of the highest hour",
        "usual_kw": "what calendar, weather and season let expect of that hour",
        "top_kw": "what the highest other days of the season reach (the third of them)",
        "contract_kw": "the demand that is contracted (only where it is exceeded)",
        "share": "the peak above the usual, as a share of that",
        "hours": "hours above half of the excess, or above the contract",
    },
}
"""The keys of a finding's evidence by kind, with their meaning. A meter of water or gas has ``_m3`` in place of
``_kwh`` and ``_m3h`` in place of ``_kw``. All numbers; a key that does not apply is left out."""


@dataclass(frozen=True, slots=True)
class Episode:
    """Rows [begin, end) of the building's hours.

    ``amount`` is the energy at stake in the meter's unit (kWh, m³), signed. Of a load fault: actual − expected
    (positive = used too much). Of a meter fault: counted − flowed (negative = not counted); 0 where the register
    makes good (missing, spike, stuck with a jump afterwards). None = not known. ``holes`` are the rows that tell
    nothing of the load and are kept out of baselines, () = all of the episode. A ``fact`` follows from the readings by
    an exact rule and is told whatever the alarm budget; all else is a verdict of statistics.
    """

    point: str
    kind: str
    begin: int
    end: int
    confidence: float
    amount: float | None
    evidence: dict[str, float] = field(default_factory=dict)
    holes: tuple[tuple[int, int], ...] = ()
    fact: bool = False

    @property
    def is_load(self) -> bool:
        """Whether it is the load's and not the meter's."""
        return self.kind in LOAD_KINDS

    def covers(self, n: int) -> Bools:
        """Which of n rows it keeps out of baselines."""
        mask = np.zeros(n, bool)
        for begin, end in self.holes or ((self.begin, self.end),):
            mask[begin:end] = True
        return mask


def runs(mask: Bools) -> list[tuple[int, int]]:
    """[begin, end) of each stretch of True."""
    edge = np.diff(np.r_[0, mask.astype(np.int8), 0])
    return list(zip(np.flatnonzero(edge == 1).tolist(), np.flatnonzero(edge == -1).tolist(), strict=True))


def bridged(mask: Bools, gap: int) -> Bools:
    """The mask with gaps of up to ``gap`` rows between stretches closed."""
    out = mask.copy()
    found = runs(mask)
    for (_, end), (begin, _) in pairwise(found):
        if begin - end <= gap:
            out[end:begin] = True
    return out
