"""Hours as the pandas series that peers take."""

from typing import Any

import pandas as pd

from benchmarks.peers.folder import Floats, Hours


def series(hours: Hours, values: Floats, zone: str) -> Any:
    """A series on the local clock of ``zone``, with its UTC offset; nanoseconds, which camber takes for granted."""
    return pd.Series(values, pd.DatetimeIndex(hours.start.astype("datetime64[ns]"), tz="UTC").tz_convert(zone))


def fahrenheit(celsius: Floats) -> Floats:
    """CalTRACK's bins and both peers' plausible range are in °F."""
    return celsius * 1.8 + 32
