"""Open detectors, each as its documentation has it for a seasonal series; every one gives a score an hour.

Strategy: fitted on the history, asked about what is shown, with a week of 168 hours for the season where one is asked
for. Hours that were not read are filled by a straight line for those that cannot do without, and get no score. The
libraries are imported where they are asked, so that each stands alone;
"""

from typing import Any, Final

import numpy as np

from benchmarks.peers.folder import Floats, Hours
from benchmarks.peers.hour_of_week import hour_of_week, usual_week

DAY: Final = 24
WEEK: Final = 168


def adtk(history: Hours, shown: Hours, zone: str) -> Floats:
    """The residual that its SeasonalAD decides on: what its classic seasonal decomposition, fitted on the history,
    leaves of the hours shown."""
    from adtk.transformer import ClassicSeasonalDecomposition  # noqa: PLC0415  (see above)

    model = ClassicSeasonalDecomposition(freq=WEEK)
    model.fit(_series(history))
    return _read(shown, np.abs(model.transform(_series(shown)).to_numpy(float)))


def stumpy(history: Hours, shown: Hours, zone: str) -> Floats:
    """Matrix profile of days: how far the nearest day-long stretch of the history is; an hour has the worst of the
    stretches that hold it."""
    from stumpy import stump  # noqa: PLC0415  (see above)

    alone = history is shown
    profile = stump(filled(shown.kwh), DAY, None if alone else filled(history.kwh), ignore_trivial=alone)
    distance = profile[:, 0].astype(float)
    padded = np.pad(distance, DAY - 1, constant_values=-np.inf)
    return _read(shown, np.lib.stride_tricks.sliding_window_view(padded, DAY).max(axis=1))


def stl(history: Hours, shown: Hours, zone: str) -> Floats:
    """Residual of STL, over history and what is shown at once."""
    from statsmodels.tsa.seasonal import STL  # noqa: PLC0415  (see above)

    parts = [shown.kwh] if history is shown else [history.kwh, shown.kwh]
    rest = STL(filled(np.concatenate(parts)), period=WEEK).fit().resid
    return _read(shown, np.abs(rest[-len(shown.kwh) :]))


def pyod(history: Hours, shown: Hours, zone: str) -> Floats:
    """Isolation forest over an hour's energy beside its usual week's, and that of 1, 24 and 168 hours before."""
    from pyod.models.iforest import IForest  # noqa: PLC0415  (see above)

    usual, _ = usual_week(history, zone)
    model = IForest(random_state=0)
    model.fit(_features(history, usual, zone))
    return _read(shown, np.asarray(model.decision_function(_features(shown, usual, zone)), float))


def _features(hours: Hours, usual: Floats, zone: str) -> Floats:
    kwh = filled(hours.kwh)
    before = [kwh - np.r_[np.full(lag, kwh[0]), kwh[:-lag]] for lag in (1, DAY, WEEK)]
    return np.column_stack([kwh, kwh - usual[hour_of_week(hours.start, zone)], *before])


def filled(values: Floats) -> Floats:
    """Hours that were not read, by a straight line between those that were."""
    known = np.flatnonzero(np.isfinite(values))
    return np.interp(np.arange(len(values)), known, values[known])


def _read(shown: Hours, score: Floats) -> Floats:
    return np.where(np.isfinite(shown.kwh), score, np.nan)


def _series(hours: Hours) -> Any:
    import pandas as pd  # noqa: PLC0415  (see above)

    return pd.Series(filled(hours.kwh), pd.DatetimeIndex(hours.start.astype("datetime64[ns]"), freq="h"))
