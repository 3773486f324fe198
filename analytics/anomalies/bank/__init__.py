"""A bank of faults that compete for a meter's hours (see :mod:`analytics.anomalies.bank.look`)."""

from analytics.anomalies.bank.look import LookedBack, Told, first_look, look_back
from analytics.anomalies.bank.record import Record, recorded

__all__ = ["LookedBack", "Record", "Told", "first_look", "look_back", "recorded"]
