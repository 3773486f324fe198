"""Writing lines in batches, so that one bad line never costs its neighbours and never blocks them.

How servers refuse differs: InfluxDB 1.6 answers 400 and keeps the others; 2.7 answers 422 for a wrong type and keeps
the others, but 400 for a malformed line and keeps *nothing*. So a refused batch is halved until the bad line stands
alone; writing the others again changes nothing. A 500 that repeats is the server's own trouble if it also refuses a
line that must be good, and the batch's otherwise.
"""

import gzip
import re
from collections.abc import Callable, Sequence

from submeter.stores.exchange import Answer
from submeter.words import StoreAway

LINES = 5_000
"""a batch; larger ones gain nothing more"""
CANARY = "submeter_probe value=1.0 0"
"""a line that any server takes that takes lines at all"""

Write = Callable[[bytes, str], Answer]
"""gzipped lines and their precision ('ms', 's') → status and text"""
_TOO_LARGE = 413
_DROPPED = re.compile(r"dropped=(\d+)")


def write_lines(write: Write, lines: Sequence[str], precision: str) -> list[tuple[int, str]]:
    """(position, the server's words) of each line it refused. Raises :class:`StoreAway`; the same again is safe."""
    refused = []
    for first in range(0, len(lines), LINES):
        refused += _write(write, lines[first : first + LINES], first, precision)
    return refused


def _write(write: Write, lines: Sequence[str], first: int, precision: str) -> list[tuple[int, str]]:
    answer = _post(write, lines, precision)
    if answer.status == 500:
        answer = _second_opinion(write, lines, precision)
    if answer.status in (200, 204):
        return []
    if answer.status not in (400, 422, 500, _TOO_LARGE):
        raise StoreAway(_sentence(answer))
    if len(lines) == 1 or _all_dropped(answer, len(lines)):
        return [(first + n, answer.text) for n in range(len(lines))]
    half = len(lines) // 2
    return _write(write, lines[:half], first, precision) + _write(write, lines[half:], first + half, precision)


def _post(write: Write, lines: Sequence[str], precision: str) -> Answer:
    return write(gzip.compress("\n".join(lines).encode(), 1), precision)


def _second_opinion(write: Write, lines: Sequence[str], precision: str) -> Answer:
    """The same again, if the server is well otherwise. Raises :class:`StoreAway` if it is not."""
    canary = _post(write, [CANARY], precision)
    if canary.status >= 500:
        raise StoreAway(_sentence(canary))
    return _post(write, lines, precision)


def _all_dropped(answer: Answer, lines: int) -> bool:
    dropped = _DROPPED.search(answer.text)
    return dropped is not None and int(dropped[1]) == lines


_REMEDIES = {
    401: "check user and password, or the token",
    403: "this user or token may not write there; give it that right",
    404: "database or bucket is not there; create it",
    429: "the server limits writes; they are sent again",
    500: "look at the server's log and at its disk",
    503: "the server is busy or starting; the lines are sent again",
}


def _sentence(answer: Answer) -> str:
    remedy = _REMEDIES.get(answer.status, "look at the server's log")
    return f"the server answered {answer.status} to a write ({answer.text}); {remedy}"
