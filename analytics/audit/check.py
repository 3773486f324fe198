"""The ledger's invariant over everything that is stored, found a second time and told where it does not hold.

Eight rules, each looked at by itself, so that what one cannot see another does:

- *meaning*: every row begins on a boundary of the building's calendar, and its fields agree with each other;
- *life*: nothing is known before a meter's first reading or after its last, nor while no device hung there;
- *sums*: quarters add up to hours, hours to days, days to months, to the last count;
- *counts*: what rows add up to is what the registers counted (:mod:`analytics.audit.counting`, straight from raw
  readings, corrections and dated meter data, by none of the code that settles);
- *settled*: every row is what settlement makes of all readings today, in everything but the revision;
- *priced*: cost and carbon are energy times the rate of the day;
- *totals*: virtual meters and totals are the sums of their members' rows (:mod:`analytics.audit.totals`);
- *absent*: no column belongs to a meter that the portfolio does not have.

Readings that the ledger has not yet worked off (its cursor is behind the change feed) are no violation: rows that they
may touch are left out and counted as *waiting*. Spans whose raw readings were dropped (:mod:`analytics.ledger.frozen`)
can be held against sums, prices and totals only.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analytics.audit.counting import Ints, blocks, breach, chains, readings_of
from analytics.calendar import DAY_S, edges, local_seconds
from analytics.jobs.feed import JOB
from analytics.ledger.book import corrections_of, settle_span
from analytics.ledger.frozen import frozen_until
from analytics.ledger.meter import Meter, meter_of
from analytics.ledger.settle import GRACE_MS
from analytics.ledger.suspect import REACH_DAYS
from submeter.stores.port import Column, Store
from submeter.words import CarbonFactor, Flag, Intervals, Known, Method, Portfolio, Price, Resolution
from submeter.words.tree import is_total

EVER = np.datetime64("1990-01-01", "s"), np.datetime64("2060-01-01", "s")
MISSING = (Method.NONE, Method.NO_READING, Method.NO_CLOSING, Method.REFUTED)
FEED_A_READ = 10_000
NEAR_DAYS = 5
"""how far before a reading that is not yet settled rows may still change"""


class Rule(StrEnum):
    MEANING = "meaning"
    LIFE = "life"
    SUMS = "sums"
    COUNTS = "counts"
    SETTLED = "settled"
    PRICED = "priced"
    TOTALS = "totals"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Violation:
    """Rows of ``column`` from ``start`` to ``end`` (UTC) break ``rule``: what is ``stored``, what it ``should`` be, and
    what to ``do``, in words. The first two are numbers in the quantity's unit where there is one number."""

    rule: Rule
    column: Column
    start: np.datetime64
    end: np.datetime64
    stored: str
    should: str
    do: str


@dataclass(slots=True)
class Checked:
    """What one meter's check came to. ``rows`` were looked at, ``bracketed`` of them by the registers themselves;
    ``waiting``: differing rows that a reading not yet settled may still change."""

    point: str
    rows: int = 0
    bracketed: int = 0
    waiting: int = 0
    violations: list[Violation] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class _Stored:
    """One column as it is stored, with the end of each row (epoch s) and its position on the calendar's grid."""

    column: Column
    rows: Intervals
    starts: Ints
    ends: Ints
    on_grid: NDArray[np.bool_]

    def after(self, frozen_s: int) -> "_Stored":
        """Without what is frozen, and the first row after it: at the seam the count is held, not read."""
        keep = slice(int(np.searchsorted(self.starts, frozen_s, "right")) if frozen_s else 0, None)
        return _Stored(self.column, self.rows.take(keep), self.starts[keep], self.ends[keep], self.on_grid[keep])


def unsettled(store: Store) -> dict[str, int]:
    """For each point with readings that the ledger has not worked off: the time (epoch ms) of the oldest of them."""
    found: dict[str, int] = {}
    seq = store.cursor(JOB)
    while changes := store.changes(seq, FEED_A_READ):
        for change in changes:
            found[change.point] = min(change.start_ms, found.get(change.point, change.start_ms))
        seq = changes[-1].seq
    return found


def check_point(store: Store, portfolio: Portfolio, point: str, waits_ms: int | None = None) -> Checked:
    """Every rule over everything stored of one meter. ``waits_ms``: the oldest reading not yet settled, None = none.

    Raises :class:`KeyError` for a point that is not a meter of the portfolio.
    """
    meter = meter_of(portfolio, point)
    if meter is None:
        raise KeyError(f"{point} is no meter of the portfolio; `submeter config check` lists them")
    kept = _kept(store, meter)
    checked = Checked(point, sum(len(each.rows) for each in kept.values()))
    found = [
        *(one for each in kept.values() for one in _meaning(each)),
        *_life(store, meter, kept),
        *_settled(store, meter, kept),
        *_sums(kept),
        *_counts(store, meter, kept, checked),
        *_priced(store, portfolio, meter, kept[Resolution.DAY]),
    ]
    from_s = _moving_from(meter, waits_ms)
    checked.violations = [each for each in found if _epoch(each.end) <= from_s]
    checked.waiting = len(found) - len(checked.violations)
    return checked


def absent(store: Store, portfolio: Portfolio) -> list[Violation]:
    """Columns of meters that the portfolio does not have (or no longer)."""
    lost = [c for c in store.columns() if c.point not in portfolio.points and not is_total(c.point)]
    return [
        Violation(
            Rule.ABSENT, column, *EVER, "a column of intervals", "no such meter",
            f"give {column.point} its rows in meters.csv back: a meter that is gone has a date in `until`",
        )
        for column in lost
    ]  # fmt: skip


def _kept(store: Store, meter: Meter) -> dict[Resolution, _Stored]:
    columns = [Column(meter.point.id, meter.point.quantity, each) for each in Resolution]
    found = store.read_intervals(columns, *EVER)
    return {column.resolution: _placed(column, rows, meter.zone) for column, rows in zip(columns, found, strict=True)}


def _placed(column: Column, rows: Intervals, zone: str) -> _Stored:
    starts = rows.start.astype("datetime64[s]").astype(np.int64)
    if not len(rows):
        return _Stored(column, rows, starts, starts, np.empty(0, bool))
    grid = edges(zone, column.resolution, int(starts[0]), int(starts[-1]) + 1)
    at = np.clip(np.searchsorted(grid, starts, "right") - 1, 0, len(grid) - 2)
    return _Stored(column, rows, starts, grid[at + 1], grid[at] == starts)


def _moving_from(meter: Meter, waits_ms: int | None) -> int:
    """From when on (epoch s) rows may still change."""
    days = NEAR_DAYS if meter.rated else REACH_DAYS + NEAR_DAYS
    return 2**53 if waits_ms is None else waits_ms // 1000 - days * DAY_S


# rules


def _meaning(kept: _Stored) -> Iterator[Violation]:
    """Rows between boundaries, fields that no row can have, and numbers beside 'missing'."""
    rows = kept.rows
    names = np.isin(rows.known, [k.value for k in Known]) & np.isin(rows.method, [m.value for m in Method])
    missing = rows.known == Known.MISSING
    for wrong, should in (
        (~kept.on_grid, "a row that begins where an interval of the building's local day begins"),
        (~names, "a known and a method that are in the glossary"),
        (names & missing & (rows.micro != 0), "0 beside 'missing': zero and missing are never the same"),
        (names & (missing != np.isin(rows.method, MISSING)), "a method that fits how the number is known"),
        (rows.micro < 0, "no negative energy of a register"),
    ):
        for row in np.flatnonzero(wrong).tolist():
            yield _violation(Rule.MEANING, kept, row, row, _told(rows, row), should)


def _life(store: Store, meter: Meter, kept: Mapping[Resolution, _Stored]) -> Iterator[Violation]:
    """Known rows outside of the time in which the meter was read."""
    first, last = _read_from_to(store, meter)
    frozen_ms = frozen_until(store, meter.point.id)
    for each in kept.values():
        out = (each.rows.known > 0) & ((each.starts * 1000 < first - GRACE_MS) | (each.ends * 1000 > last))
        for row in np.flatnonzero(out & (each.ends * 1000 > frozen_ms)).tolist():
            should = "missing: nothing was read of this meter then"
            yield _violation(Rule.LIFE, each, row, row, _told(each.rows, row), should)


def _read_from_to(store: Store, meter: Meter) -> tuple[int, int]:
    """The first and the last time (epoch ms) at which anything is known of the register, entries by people included."""
    told = [c.start_ms for c in corrections_of(store, meter.point.id) if c.kind == "reading"]
    for segment in meter.segments:
        for found, entry, date_ms in (
            (store.after(segment.series, segment.since_ms), segment.opening, segment.since_ms),
            (store.before(segment.series, segment.until_ms), segment.closing, segment.until_ms),
        ):
            if found is not None and segment.since_ms <= found[0] < segment.until_ms:
                told.append(found[0])
                told += [date_ms] if entry is not None else []
    return min(told, default=2**53), max(told, default=-(2**53))


def _settled(store: Store, meter: Meter, kept: Mapping[Resolution, _Stored]) -> Iterator[Violation]:
    """Rows that a settlement of all readings would change."""
    first, last = _read_from_to(store, meter)
    if first > last:
        return
    fresh = settle_span(store, meter, first, last + 1, corrections_of(store, meter.point.id))
    frozen_s = frozen_until(store, meter.point.id) // 1000
    for resolution, rows in fresh.changed.items():
        each, wanted = kept[resolution], _placed(kept[resolution].column, rows, meter.zone)
        for row in np.flatnonzero(wanted.ends > frozen_s).tolist():
            at = int(np.searchsorted(each.starts, wanted.starts[row]))
            there = at < len(each.starts) and each.starts[at] == wanted.starts[row]
            stored = _told(each.rows, at) if there else "no row"
            yield _violation(Rule.SETTLED, wanted, row, row, stored, _told(rows, row))


def _sums(kept: Mapping[Resolution, _Stored]) -> Iterator[Violation]:
    """Rows all of whose parts are known, and that are not their sum."""
    for fine, coarse in pairwise(kept[each] for each in Resolution):
        if not len(fine.rows) or not len(coarse.rows):
            continue
        summed = np.concatenate([[0], np.cumsum(fine.rows.micro)])
        seconds = np.concatenate([[0], np.cumsum(np.where(fine.rows.known > 0, fine.ends - fine.starts, 0))])
        low, high = np.searchsorted(fine.starts, coarse.starts), np.searchsorted(fine.starts, coarse.ends)
        whole = seconds[high] - seconds[low] == coarse.ends - coarse.starts
        wrong = whole & ((summed[high] - summed[low] != coarse.rows.micro) | (coarse.rows.known == Known.MISSING))
        for row in np.flatnonzero(wrong).tolist():
            parts = int(summed[high[row]] - summed[low[row]])
            should = f"{_number(parts)}, the sum of its {high[row] - low[row]} rows of {fine.column.resolution}"
            yield _violation(Rule.SUMS, coarse, row, row, _told(coarse.rows, row), should)


def _counts(store: Store, meter: Meter, kept: Mapping[Resolution, _Stored], checked: Checked) -> Iterator[Violation]:
    """Sums of rows that the register readings before and after them contradict."""
    hours, corrections = kept[Resolution.HOUR], corrections_of(store, meter.point.id)
    frozen_s = frozen_until(store, meter.point.id) // 1000
    quiet = [block for s in meter.segments for block in blocks(s, *readings_of(store, s, corrections))]
    for times, counts in chains(quiet, hours.starts, hours.ends, hours.rows.flags):
        for each in kept.values():
            live = each.after(frozen_s)
            inside = (live.starts * 1000 >= times[0]) & (live.ends * 1000 <= times[-1])
            checked.bracketed += int((inside & (live.rows.known > 0)).sum())
            found = breach(live.rows, live.ends, times, counts)
            if found is None:
                continue
            least, most = _number(found.least), _number(found.most)
            should = f"{least}, which the register counted" if least == most else f"between {least} and {most}"
            yield _violation(Rule.COUNTS, live, found.first, found.last, _number(found.stored), should)


def _priced(store: Store, portfolio: Portfolio, meter: Meter, days: _Stored) -> Iterator[Violation]:
    """Cost and carbon of each day against energy times rate, in fractions."""
    building = portfolio.buildings[meter.point.building]
    local = local_seconds(days.rows.start, building.zone) // DAY_S
    for quantity, name, table in (
        ("cost", building.price, portfolio.prices),
        ("carbon", building.carbon, portfolio.carbon),
    ):
        column = Column(meter.point.id, quantity, Resolution.DAY)
        (rows,) = store.read_intervals([column], *EVER)
        worth = _placed(column, rows, meter.zone)
        dated = [row for row in table if row.name == name and row.medium == meter.point.medium]
        none = meter.point.quantity == "energy_export"
        yield from _worth(days, worth, [None if none else _rate(dated, int(day)) for day in local])


def _rate(dated: Sequence[Price | CarbonFactor], day: int) -> Fraction | None:
    """The rate of a local day (since 1970): the newest that began on it or before."""
    held = [row for row in dated if not row.since or int(np.datetime64(row.since, "D").astype(np.int64)) <= day]
    if not held:
        return None
    row = max(held, key=lambda each: each.since)
    return Fraction(str(row.yuan_per_unit if isinstance(row, Price) else row.kg_per_unit))


def _worth(days: _Stored, worth: _Stored, rates: list[Fraction | None]) -> Iterator[Violation]:
    """A micro-yuan off is rounding; a known day has its worth where a rate holds, and none where none does."""
    at = {int(start): row for row, start in enumerate(worth.starts.tolist())}
    for row, rate in enumerate(rates):
        found = at.pop(int(days.starts[row]), None)
        if rate is None:
            if found is not None and worth.rows.known[found]:
                yield _violation(Rule.PRICED, worth, found, found, _told(worth.rows, found), "missing: no rate holds")
            continue
        should = round(int(days.rows.micro[row]) * rate)
        known = int(days.rows.known[row])
        if found is None:
            if known:
                yield _violation(Rule.PRICED, _as(worth.column, days), row, row, "no row", _number(should))
        elif abs(int(worth.rows.micro[found]) - should) > 1 or int(worth.rows.known[found]) != known:
            text = f"{_number(should)} {Known(known).name.lower()}: energy times {float(rate):g}"
            yield _violation(Rule.PRICED, worth, found, found, _told(worth.rows, found), text)
    for found in at.values():
        yield _violation(Rule.PRICED, worth, found, found, _told(worth.rows, found), "no row: the day has no energy")


# words


def _as(column: Column, other: _Stored) -> _Stored:
    return _Stored(column, other.rows, other.starts, other.ends, other.on_grid)


def _violation(rule: Rule, kept: _Stored, first: int, last: int, stored: str, should: str) -> Violation:
    return Violation(
        rule, kept.column, _at(kept.starts[first]), _at(kept.ends[last]), stored, should,
        f"`submeter settle {kept.column.point}` settles it again; if it comes back, report it",
    )  # fmt: skip


def _told(rows: Intervals, row: int) -> str:
    """A row in words: number, known, method, flags."""
    known, method, flags = int(rows.known[row]), int(rows.method[row]), Flag(int(rows.flags[row]))
    names = [_name(Known, known), _name(Method, method), *((flags.name or "").split("|") if flags else ())]
    return " ".join([_number(int(rows.micro[row])), *(name.lower() for name in names)])


def _name(kind: type[Known] | type[Method], value: int) -> str:
    return kind(value).name if value in {each.value for each in kind} else f"{kind.__name__} {value}"


def _number(micro: int) -> str:
    whole, part = divmod(abs(micro), 10**6)
    return f"{'-' if micro < 0 else ''}{whole:,}.{part:06d}"


def _epoch(instant: np.datetime64) -> int:
    return int(instant.astype("datetime64[s]").astype(np.int64))


def _at(epoch_s: int | np.int64) -> np.datetime64:
    return np.datetime64(int(epoch_s), "s")
