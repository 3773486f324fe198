"""camber-toolkit: its CalTRACK 2.0 hourly and daily methods and its TOWT, each with its documented defaults.

Strategy: one call of its savings function a meter, as its documentation has it; the model in the result gives the
hourly prediction. The band is its Guideline 14 one at 90 %. A saving that it declines is a refusal.
"""

from typing import Any

import numpy as np
from camber.mandv import caltrack_daily_savings, caltrack_hourly_savings, towt_savings_hourly

from benchmarks.peers.folder import Floats, Hours
from benchmarks.peers.frames import fahrenheit, series
from benchmarks.peers.told import Expected


def expect_hourly(train: Hours, test: Hours, zone: str) -> Expected:
    result = caltrack_hourly_savings(*_asked(train, test, zone), timezone=zone, fuel=train.medium)
    on = series(test, fahrenheit(test.outdoor_c), zone)
    return _told(np.asarray(result.model.predict(on.index, on), float), result.savings)


def expect_towt(train: Hours, test: Hours, zone: str) -> Expected:
    result = towt_savings_hourly(*_asked(train, test, zone), timezone=zone)
    on = series(test, fahrenheit(test.outdoor_c), zone)
    return _told(np.asarray(result.model.predict(on.index, on.to_numpy()), float), result.savings)


def expect_daily(train: Hours, test: Hours, zone: str) -> Expected:
    """Its days, spread evenly over their hours: the hourly error says nothing of it."""
    result = caltrack_daily_savings(*_asked(train, test, zone), timezone=zone, fuel=train.medium)
    on = series(test, fahrenheit(test.outdoor_c), zone)
    day = on.index.normalize()
    mean = on.groupby(day).mean()
    per_day = result.model.usage_per_day(mean.to_numpy())
    return _told(per_day[mean.index.get_indexer(day)] / 24, result.savings)


def _asked(train: Hours, test: Hours, zone: str) -> tuple[Any, ...]:
    pairs = [(h, v) for h in (train, test) for v in (h.kwh, fahrenheit(h.outdoor_c))]
    return tuple(series(h, v, zone) for h, v in pairs)


def _told(kwh: Floats, saving: Any) -> Expected:
    if saving.avoided_energy is None or saving.abs_uncertainty is None:
        return Expected(kwh, refused=saving.declined_reason or "no band")
    avoided, half = saving.avoided_energy, saving.abs_uncertainty
    return Expected(kwh, avoided, avoided - half, avoided + half)
