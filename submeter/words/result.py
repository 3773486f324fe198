"""Results of analytics that are not columns: frozen baselines, savings, the balance of a meter tree."""

import msgspec

from submeter.words.entry import Entry


class Baseline(Entry, frozen=True, kw_only=True):
    """A frozen model of a point's energy from weather and calendar. ``id`` = point + '@' + start of its period.

    cvrmse, nmbe and r2 are fractions with n − p degrees of freedom (ASHRAE Guideline 14). ``coefficients`` belong to
    ``model`` (name and version) alone.
    """

    point: str
    model: str
    start_ms: int
    end_ms: int
    n: int
    p: int
    cvrmse: float
    nmbe: float
    r2: float
    cvrmse_daily: float
    refused: str = ""
    """code of why there is no model ([refusals] of the catalogue), '' = there is one"""
    simpler: str = ""
    """code of why it is a simpler model than the hourly regression: few_hours, no_pattern; '' = it is that"""
    facts: dict[str, float] = msgspec.field(default_factory=dict)
    """the numbers of that reason, of either"""
    oos_cvrmse: float | None = None
    oos_nmbe: float | None = None
    """the same out of sample: each stretch foretold from what lay before it (rolling origin); None = too little"""
    coefficients: dict[str, list[float]] = msgspec.field(default_factory=dict)


class NonRoutine(msgspec.Struct, frozen=True, kw_only=True):
    """From ``since`` (local date) on the level of the reporting period is higher by ``kwh_a_day`` (``share`` of what is
    expected). ``explained``: a measure began then. Shown, never taken out of the sums."""

    since: str
    share: float
    kwh_a_day: float
    explained: bool = False


class Saving(Entry, frozen=True, kw_only=True):
    """Avoided energy use of a measure over its reporting period so far (id = measure id). Band at ``confidence``.

    The curve is daily and cumulative: ``days`` are local dates (ISO), the three lists are kWh since the start.
    ``completeness`` is the share of the reporting period's hours that were measured or estimated.
    """

    measure: str
    start_ms: int
    end_ms: int
    actual_kwh: float
    expected_kwh: float
    avoided_kwh: float
    low_kwh: float
    high_kwh: float
    confidence: float
    completeness: float
    avoided_yuan: float | None = None
    avoided_kg: float | None = None
    low_yuan: float | None = None
    high_yuan: float | None = None
    low_kg: float | None = None
    high_kg: float | None = None
    """the same band in money and carbon; None where a price, or factor, of some hour is not known"""
    cvrmse: float
    nmbe: float
    refused: str = ""
    """code of why there is no number ([refusals] of the catalogue), '' = there is one"""
    simpler: str = ""
    """that of its baseline: why that is a simpler model than the hourly regression, '' = it is that"""
    facts: dict[str, float] = msgspec.field(default_factory=dict)
    """the numbers of that reason, of either"""
    guideline_kwh: float | None = None
    """half-width by ASHRAE Guideline 14's fractional savings uncertainty at the same confidence; knows no drift"""
    gate: list[str] = msgspec.field(default_factory=list)
    """in what the baseline fails Guideline 14 (cvrmse, nmbe), [] = it passes"""
    drift_years: int = 0
    """unchanged meter-years that the band's drift was learned from, 0 = the stated prior"""
    lesson: str = ""
    """id of the lesson that its baseline was lent (:class:`~submeter.words.Lesson`), '' = none"""
    normalised_kwh: float | None = None
    normalised_low_kwh: float | None = None
    normalised_high_kwh: float | None = None
    """a year's saving in the weather of a typical year, with its band; None = the reporting period is too short"""
    events: list[NonRoutine] = msgspec.field(default_factory=list)
    days: list[str] = msgspec.field(default_factory=list)
    avoided: list[float] = msgspec.field(default_factory=list)
    low: list[float] = msgspec.field(default_factory=list)
    high: list[float] = msgspec.field(default_factory=list)
    actual_daily: list[float] = msgspec.field(default_factory=list)
    expected_daily: list[float] = msgspec.field(default_factory=list)

    @property
    def distinguishable(self) -> bool:
        """Whether the band leaves out zero."""
        return self.low_kwh > 0 or self.high_kwh < 0


class Balance(Entry, frozen=True, kw_only=True):
    """Main (or parent) against the sum of its children over a span (id = point). Energies in kWh.

    Outside the band the likeliest cause is named: missing_child, base_load, double_count, reversed_phase, lost_phase,
    wrong_ratio, unknown ('' = within the band).
    """

    point: str
    start_ms: int
    end_ms: int
    main_kwh: float
    children_kwh: float
    band_kwh: float
    """half-width that accuracy classes and estimated intervals allow"""
    completeness: float
    cause: str = ""
    blamed: str = ""
    """the meter that the cause names: a child or the parent; '' = none"""
    factor: float | None = None
    """what the blamed meter shows ÷ what flows (1 = right)"""
    base_kw: float = 0.0
    """constant load that no child counts"""
    explained: float = 0.0
    """share of the difference's variance, hour to hour and day to day, that the cause accounts for"""
    either: bool = False
    """there is one child, and the fault may be the parent's as well"""


class TypicalDay(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of day: its share of all days, how many of its days were working days (share), and kWh by clock hour."""

    share: float
    working: float
    kwh: list[float]


class LoadShape(Entry, frozen=True, kw_only=True):
    """The shape of a point's load over up to a year (id = point); None where too little is known.

    kW for base and peak; shares of the energy at night (22 to 6) and on weekends and holidays; ``heating`` and
    ``cooling`` in kWh a day and °C beyond ``heats_below`` and ``cools_above`` (°C) of the change-point model ``model``.
    """

    point: str
    start_ms: int
    end_ms: int
    days: int
    base_kw: float | None = None
    peak_kw: float | None = None
    load_factor: float | None = None
    night_share: float | None = None
    off_share: float | None = None
    model: str = ""
    heating: float | None = None
    cooling: float | None = None
    heats_below: float | None = None
    cools_above: float | None = None
    typical: list[TypicalDay] = msgspec.field(default_factory=list)
