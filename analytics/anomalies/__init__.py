"""Episodes in which a meter, or the load behind it, was not itself: found, named and measured in energy.

What needs no model (silence, repeated readings, what a register takes back) comes first; then what a register kept
though it cannot be; then the meter tree (a fault of a meter moves its parent's balance, a fault of a load does
not); last the levels of loads. :func:`~analytics.anomalies.examine.examine` runs them in this order, each on what
the ones before left.
"""

from analytics.anomalies.episode import EVIDENCE, LOAD_KINDS, METER_KINDS, Episode
from analytics.anomalies.examine import Examination, examine

__all__ = ["EVIDENCE", "LOAD_KINDS", "METER_KINDS", "Episode", "Examination", "examine"]
