"""What the live watch of a building knows, kept so that a kill loses nothing and tells nothing twice.

Both are written in the transaction that tells: :class:`Watch` seldom, for it holds the past that was learnt from;
:class:`Watched` with every hour, for it holds only the hours since. The bytes are the watch's own affair.
"""

from submeter.words.entry import Entry


class Watch(Entry, frozen=True, kw_only=True):
    """``state`` as it was at ``until_s`` (epoch seconds)."""

    until_s: int
    state: bytes


class Watched(Entry, frozen=True, kw_only=True):
    """``hours`` as they were seen since ``since_s``, which is a Watch's ``until_s``."""

    since_s: int
    until_s: int
    hours: bytes
