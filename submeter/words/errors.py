"""One root error with two branches: *theirs*, which services catch and report, and *ours*, which nobody catches.

A message says what was wrong, where, and what to do.
"""


class SubmeterError(Exception):
    """Anything this program raises on purpose."""


class TheirsError(SubmeterError):
    """The world misbehaved: a bad frame, a bad payload, a server that is away, a broken file. Services go on."""


class Bug(SubmeterError):  # noqa: N818  (it is named after what it is)
    """We broke a promise of our own. Nobody catches this; the service ends loudly and is started anew."""


class FrameError(TheirsError):
    """A meter's answer is not a whole, checked frame, or it answers another question."""


class PayloadError(TheirsError):
    """A payload that cannot be read at all; what can be read is judged record by record instead."""


class ConfigError(TheirsError):
    """A settings or portfolio file is wrong: the message names file, row and remedy, a line for each fault."""


class StoreAway(TheirsError):  # noqa: N818
    """The store did not answer, or not in time. Nothing was confirmed; try the same again later."""


class SourceAway(TheirsError):  # noqa: N818
    """A source (a bus, a meter) did not answer. The gateway says so and polls the others."""
