"""The ledger: from what registers showed to energy that adds up, interval by interval, and how each number is known.

Read in this order: ``meter`` (devices at a point), ``unroll`` (what was counted), ``gaps`` and ``profile`` (where it
went during a gap), ``settle`` (boundaries and intervals), ``months``, ``window`` (what a change depends on),
``suspect``, ``stored`` (rows in the store), ``book`` (what a change does to them). ``corrections`` are people's
words, ``frozen`` and ``freezing`` what stays when raw readings are dropped, ``newest`` the short way of a live poll,
``show`` a day for people, ``explain`` how each number is known.
"""

from analytics.ledger.book import Settled, corrections_of, settle_point, settle_span, write
from analytics.ledger.show import Row, show_day

__all__ = ["Row", "Settled", "corrections_of", "settle_point", "settle_span", "show_day", "write"]
