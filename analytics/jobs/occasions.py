"""When a building is studied: now; and a record that reaches further back than a study looks, year by year before that.

A study looks at two years (:data:`analytics.hours.HISTORY_DAYS`). A record that was brought in whole, of three years or
from ten years ago, would never be looked at. So its study is preceded by one at the end of each year of it that was not
studied yet, as if it had been watched all the time; what those found stays told.
"""

from typing import Final, NamedTuple

from analytics.hours import HISTORY_DAYS
from analytics.ledger.meter import meter_of
from submeter.stores.port import Store
from submeter.words import Portfolio

DAY_MS: Final = 86_400_000
YEAR_MS: Final = 365 * DAY_MS
MARGIN_MS: Final = 30 * DAY_MS
"""a record that is only so much longer than a study looks back is not worth another one"""


class Occasions(NamedTuple):
    """Instants of studies, ascending, the last one now; and how far the record has been studied then."""

    at_ms: list[int]
    newest_ms: int


def occasions(store: Store, portfolio: Portfolio, building: str, now_ms: int, since_ms: int) -> Occasions:
    """``since_ms``: how far the record was studied before, 0 = never. Raises StoreAway."""
    span = recorded(store, portfolio, building)
    horizon_ms = now_ms - HISTORY_DAYS * DAY_MS
    if span is None or span[0] >= horizon_ms - MARGIN_MS:
        return Occasions([now_ms], 0)
    newest_ms = min(now_ms, span[1] + 1)
    latest_ms = newest_ms if newest_ms <= horizon_ms else newest_ms - YEAR_MS
    before = range(latest_ms, max(span[0] + MARGIN_MS, since_ms), -YEAR_MS)
    return Occasions([*reversed(before), now_ms], newest_ms)


def recorded(store: Store, portfolio: Portfolio, building: str) -> tuple[int, int] | None:
    """(oldest, newest) reading of the building's meters in milliseconds."""
    meters = [meter_of(portfolio, point.id) for point in portfolio.points_of(building)]
    series = [segment.series for meter in meters if meter for segment in meter.segments]
    firsts = [found[0] for each in series if (found := store.after(each, -(2**53)))]
    lasts = [found[0] for each in series if (found := store.last_reading(each))]
    return (min(firsts), max(lasts)) if firsts and lasts else None
