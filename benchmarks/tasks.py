"""The rows of the analytics table: which verdict each figure is read from, its target, and how it is written.

Strategy: one line a figure, in the order in which the targets were set. Names of verdicts are the judge's own; what it
does not say has no row's number, never a guessed one.
"""

from collections.abc import Mapping
from math import nan
from typing import Any, Final, NamedTuple

from benchmarks.board import Target

SHARE, PART, WHOLE, HOURS, RATE = "{:.1%}", "{:.3f}", "{:.0f}", "{:.0f} h", "{:.0f}"


class Wanted(NamedTuple):
    """``key`` in a verdict (with a dot: within a table of it)."""

    figure: str
    key: str
    target: Target
    shape: str = PART
    alone: bool = False
    """no peer says it; what a judge reckons for them means nothing"""


def most(value: float) -> Target:
    return Target(high=value)


def least(value: float) -> Target:
    return Target(low=value)


PREDICTIONS: Final = (
    Wanted("CV(RMSE) hourly, median", "cvrmse_hourly_median", most(0.205)),
    Wanted("CV(RMSE) daily, median", "cvrmse_daily_median", most(0.142)),
    Wanted("CV(RMSE) monthly, median", "cvrmse_monthly_median", most(0.098)),
    Wanted("absolute annual bias, median", "abs_bias_median", most(0.040), SHARE),
    Wanted("absolute annual bias, 90th percentile", "abs_bias_p90", most(0.105), SHARE),
    Wanted("meters failed", "failed", most(0), WHOLE),
)
# "85–97 %, 34 meters decide it": 97 % are 33 of them
SAVINGS: Final = (
    Wanted("coverage of the nominal 90 % band", "coverage_of_nominal_90", Target(0.85, 33 / 34), SHARE),
    Wanted("interval score ÷ last year's level", "interval_score_vs_last_year", most(0.70)),
    Wanted("refused", "refused_or_unusable", most(2), WHOLE),
    Wanted("a saving of 10 % called significant", "saving_10%_called_significant", least(0.5), "{:.2f}"),
    Wanted("a saving of 20 % called significant", "saving_20%_called_significant", least(0.85), "{:.2f}"),
    Wanted("none, called significant", "false_savings_called_significant", most(0.12), "{:.2f}"),
)
FAULTS: Final = (
    Wanted("episodes a meter-month", "episodes_per_meter_month", most(0.7), "{:.2f}"),
    Wanted("f1, half of the time in common", "f1_half", least(0.80)),
    Wanted("told hours that are right", "told_hours_right", least(0.75)),
    Wanted("AUC", "auc", least(0.92)),
    Wanted("AUC, mean of the kinds", "auc_mean_of_kinds", least(0.95)),
    Wanted("kind named, of those matched", "kind_named_of_matched", least(0.95), alone=True),
    *(
        Wanted(
            f"error of the kWh at stake, {kind}", f"excess_error_of_energy_used_median.{kind}", most(0.06), alone=True
        )
        for kind in ("night_on", "level_up", "phase_loss", "drift")
    ),
)
LIVE: Final = (
    Wanted("tellings a meter-month", "tellings_per_meter_month", most(0.7), "{:.2f}"),
    *(
        Wanted(f"median delay, {kind}", f"delay_hours_median_of_kind.{kind}", most(hours), HOURS)
        for kind, hours in (
            ("level_up", 120), ("phase_loss", 120), ("night_on", 120), ("stuck", 12), ("dropout", 12), ("spike", 3),
            ("scale10", 3),
        )
    ),
)  # fmt: skip
LABELS: Final = (
    Wanted("AUC", "auc", least(0.97)),
    Wanted("AUC without readings of 1.0", "auc_without_ones", least(0.90)),
    Wanted("f1, half of the time in common", "f1_half", least(0.55)),
    Wanted("episodes a meter-month", "episodes_per_meter_month", Target(), "{:.2f}"),
)
TREE: Final = Target(low=0.9)
OWN_WEATHER, ONE_STATION = least(120), least(400)
FIRST_LOOK, EVERYTHING = least(200), least(60)


def value(verdict: Mapping[str, Any], key: str) -> float:
    """A number of a verdict, NaN where it does not say it."""
    told: Any = verdict
    for part in key.split("."):
        told = told.get(part) if isinstance(told, Mapping) else None
    return nan if told is None else float(told)
