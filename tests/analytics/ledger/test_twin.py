"""The fast ledger against its slow twin: every row of every resolution, whatever happened to the register."""

from itertools import pairwise

import numpy as np
from hypothesis import given

from submeter.words import Flag, Known, Resolution
from tests.analytics.ledger.cases import cases, quantity_of, replayed
from tests.analytics.ledger.histories import History, histories
from tests.analytics.ledger.small_cases import METER, rows
from tests.analytics.ledger.twin import Row, slowly


def differing(history: History) -> list[tuple[Resolution, int, Row | None, tuple[int, ...]]]:
    """Rows that the two do not agree on; what a meter without rating makes suspect is
    :mod:`analytics.ledger.suspect`'s."""
    store, slow = replayed(history), slowly(history)
    unrated = not history.where.points[METER].rating
    found = []
    for resolution in Resolution:
        fast = rows(store, resolution, quantity_of(history))
        expected = slow.rows(resolution)
        for start, *fields in zip(
            *(each.tolist() for each in (fast.start.astype(np.int64), fast.micro, fast.known, fast.flags)), strict=True
        ):
            micro, known, flags = fields
            want = expected.pop(start, None)
            if want is None:
                agrees = known == Known.MISSING
            else:
                judged = ~Flag.SUSPECT if unrated else ~Flag.NONE
                agrees = (known, flags & judged) == (want.known, want.flags & judged)
                agrees = agrees and want.micro in (None, micro)
            if not agrees:
                found.append((resolution, start, want, tuple(fields)))
        found += [(resolution, start, want, ()) for start, want in expected.items()]
    return found


@given(history=histories())
@cases(60)
def test_the_fast_ledger_is_that_of_the_slow_twin(history: History) -> None:
    assert differing(history)[:5] == []


@given(history=histories(frozenset({"gap", "glitch", "told", "exchange"}), ("hour", "day")))
@cases(20)
def test_what_a_profile_spreads_over_a_gap_adds_up_to_what_the_register_counted(history: History) -> None:
    store, slow = replayed(history), slowly(history)
    hours = rows(store, Resolution.HOUR, quantity_of(history))
    starts = hours.start.astype(np.int64) * 1000
    knots = dict(zip(slow.path.times, slow.totals, strict=False))
    whole = sorted(t for t in knots if t in set(starts.tolist()))
    for one, other in pairwise(whole):
        inside = (starts >= one) & (starts < other)
        if hours.known[inside].all():
            assert hours.micro[inside].sum() == knots[other] - knots[one]
