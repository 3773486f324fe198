"""Virtual meters and totals against the plain sum of what is stored of their members, start by start.

It does not weigh: whether a total may be shown is the limit's matter (:mod:`analytics.tree.sums`). What is shown must
be the sum of the members that are known then; of a virtual meter all that hang then must be.
"""

from collections.abc import Iterator
from itertools import chain

import numpy as np

from analytics.audit.check import EVER, Rule, Violation
from analytics.calendar import DAY_S, edges, local_seconds
from analytics.tree.columns import epoch
from analytics.tree.plan import Planned, plan_of
from submeter.stores.port import Column, Store
from submeter.words import Intervals, Portfolio, Resolution

Row = tuple[int, int]
"""known, micro"""


def sums_of(portfolio: Portfolio) -> list[Planned]:
    """Every sum that the portfolio asks for."""
    plan = plan_of(portfolio)
    return [*plan.virtuals, *chain.from_iterable(plan.buildings.values()), *plan.portfolio]


def check_sum(store: Store, of: Planned) -> list[Violation]:
    """Rows of one sum, at all its resolutions, that are not the sum of its members' rows."""
    return [found for resolution in of.resolutions for found in _check(store, of, resolution)]


def _check(store: Store, of: Planned, resolution: Resolution) -> Iterator[Violation]:
    column = Column(of.sum.point, of.sum.quantity, resolution)
    (rows, *members) = store.read_intervals(
        [column, *(Column(term.point, of.sum.quantity, resolution) for term in of.sum.terms)], *EVER
    )
    if not len(rows):
        return
    tables = [_by_local(each, zone) for each, zone in zip(members, of.zones, strict=True)]
    starts = epoch(rows)
    grid = edges(of.zone, resolution, int(starts[0]), int(starts[-1]) + 1)
    ends = grid[np.minimum(np.searchsorted(grid, starts, "right"), len(grid) - 1)]
    for i, local in enumerate(_local(rows, of.zone)):
        start_s, end_s = int(starts[i]), int(ends[i])
        alive = [start_s < until and since < end_s for since, until in of.lives]
        found = [table.get(local, (0, 0)) if there else None for table, there in zip(tables, alive, strict=True)]
        should = _summed(of, found)
        if rows.known[i] and should != int(rows.micro[i]):
            yield Violation(
                Rule.TOTALS, column, rows.start[i], np.datetime64(end_s, "s"), _number(int(rows.micro[i])),
                "missing: a member is" if should is None else f"{_number(should)}, the sum of its members",
                "`submeter settle` sums everything anew; if it comes back, report it",
            )  # fmt: skip


def _summed(of: Planned, members: list[Row | None]) -> int | None:
    """The signed sum of the known members; None where a virtual meter lacks one, or none is known."""
    known = [(term.sign, row[1]) for term, row in zip(of.sum.terms, members, strict=True) if row and row[0]]
    lacking = any(row is not None and not row[0] for row in members)
    if not known or (lacking and not of.shares):
        return None
    return sum(sign * micro for sign, micro in known)


def _local(rows: Intervals, zone: str) -> list[int]:
    """A key that rows of one interval share wherever they stand: local midnights by what the clock shows (days of
    several zones are one calendar day), all others by their instant."""
    local, instants = local_seconds(rows.start, zone), epoch(rows)
    return [int(key) for key in np.where(local % DAY_S == 0, local, instants + (1 << 40))]


def _by_local(rows: Intervals, zone: str) -> dict[int, Row]:
    return dict(zip(_local(rows, zone), zip(rows.known.tolist(), rows.micro.tolist(), strict=True), strict=True))


def _number(micro: int) -> str:
    whole, part = divmod(abs(micro), 10**6)
    return f"{'-' if micro < 0 else ''}{whole:,}.{part:06d}"
