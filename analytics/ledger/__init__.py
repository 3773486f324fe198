"""The ledger: from what registers showed to energy that adds up, interval by interval, and how each number is known.

Read in this order: ``meter`` (devices at a point), ``unroll`` (what was counted), ``gaps`` and ``profile`` (where it
went during a gap), ``settle`` (boundaries and intervals), ``months``, ``window`` (what a change depends on),
``suspect``, ``book`` (what a change does to the stored rows). ``corrections`` are people's words, ``frozen`` and
``freezing`` what stays when raw readings are dropped, ``newest`` the short way of a live poll, ``explain`` how each
number is known.
"""

from analytics.ledger.book import Row, Settled, corrections_of, settle_point, settle_span, show_day, write

__all__ = ["Row", "Settled", "corrections_of", "settle_point", "settle_span", "show_day", "write"]
