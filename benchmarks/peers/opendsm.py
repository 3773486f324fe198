"""opendsm (formerly OpenEEmeter): its hourly model with its documented defaults.

Strategy: what it disqualifies, at the fit or at the prediction, has failed; it is never told to ignore that. The band
is its own Guideline 14 one (``ReportingMetrics``) at 90 %, over the hours that were read. Its reporting data holds the
test year's energy, as in its documentation: without it, it stumbles over the hours of the clock change (whether the
prediction looks at that energy is tested by the caller). Its daily model is not asked: it takes several times as long.
"""

import logging

import numpy as np
import pandas as pd
from opendsm.common.metrics import ReportingMetrics
from opendsm.eemeter import HourlyBaselineData, HourlyModel, HourlyReportingData

from benchmarks.peers.folder import Hours
from benchmarks.peers.frames import fahrenheit, series
from benchmarks.peers.told import Expected

logging.disable(logging.WARNING)  # each warning of each meter


def expect(train: Hours, test: Hours, zone: str) -> Expected:
    electric = train.medium == "electricity"
    shown, asked = (
        pd.DataFrame({"observed": series(h, h.kwh, zone), "temperature": series(h, fahrenheit(h.outdoor_c), zone)})
        for h in (train, test)
    )
    model = HourlyModel().fit(HourlyBaselineData(shown, is_electricity_data=electric))
    told = model.predict(HourlyReportingData(asked, is_electricity_data=electric))
    predicted = told["predicted"].reindex(asked.index)
    both = pd.DataFrame({"observed": asked["observed"], "predicted": predicted})
    metrics = ReportingMetrics(
        baseline_metrics=model.baseline_metrics, reporting_df=both, data_frequency="hourly", confidence_level=0.9,
        t_tail=2,
    )  # fmt: skip
    kwh, half = predicted.to_numpy(float), metrics.total_savings_uncertainty
    if half is None or not np.isfinite(half):
        return Expected(kwh, refused="no band")
    return Expected(kwh, metrics.savings, metrics.savings - half, metrics.savings + half)
