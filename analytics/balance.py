"""The balance of a meter tree: a parent against the sum of its children, with the band that the metering allows.

Only hours count in which the parent and all its children are known, so that both sides speak of the same time. The
band is linear, not quadratic, because class errors of one make and installation need not cancel: accuracy class of each
meter and of its current transformers times its energy, and a fifth of what was estimated.
"""

import numpy as np

from submeter.stores.port import Column, Store
from submeter.words import Balance, Intervals, Known, Portfolio, Resolution

SPAN_S = 30 * 86_400
TRANSFORMER_CLASS = 0.5
"""per cent, of a current or voltage transformer of which nothing else is known"""
ESTIMATE_ERROR = 0.2
"""of the energy of an estimated hour"""


def balances(store: Store, portfolio: Portfolio, building: str, now_ms: int) -> list[Balance]:
    """One for each meter of the building that has children and a common known hour in the last 30 days."""
    parents = [point.id for point in portfolio.points_of(building) if portfolio.children_of(point.id)]
    found = [balance(store, portfolio, parent, now_ms) for parent in parents]
    return [each for each in found if each is not None]


def balance(store: Store, portfolio: Portfolio, parent: str, now_ms: int) -> Balance | None:
    """The 30 days before the parent's last known hour (none after ``now_ms``); None where nothing can be compared.

    Children of another medium are left out. ``completeness`` is the share of those hours that both sides know.
    """
    medium = portfolio.points[parent].medium
    family = [parent, *(c for c in portfolio.children_of(parent) if portfolio.points[c].medium == medium)]
    columns = [Column(each, portfolio.points[each].quantity, Resolution.HOUR) for each in family]
    end = np.datetime64(now_ms // 3_600_000 * 3600, "s")
    last = _last_known(store, columns[0], end)
    if last is None or len(family) < 2:
        return None
    start, stop = last + np.timedelta64(3600 - SPAN_S, "s"), last + np.timedelta64(3600, "s")
    hours = np.arange(start, stop, np.timedelta64(3600, "s"))
    tables = [_aligned(rows, hours) for rows in store.read_intervals(columns, start, stop)]
    together = np.all([known > 0 for _, known in tables], axis=0)
    if not together.any():
        return None
    energy = [float(kwh[together].sum()) for kwh, _ in tables]
    guessed = [float(kwh[together & (known == Known.ESTIMATED)].sum()) for kwh, known in tables]
    band = sum(_class_error(portfolio, each) * kwh for each, kwh in zip(family, energy, strict=True))
    return Balance(
        id=parent,
        building=portfolio.points[parent].building,
        point=parent,
        start_ms=int(start.astype(np.int64)) * 1000,
        end_ms=int(stop.astype(np.int64)) * 1000,
        main_kwh=energy[0],
        children_kwh=sum(energy[1:]),
        band_kwh=band + ESTIMATE_ERROR * sum(guessed),
        completeness=float(together.mean()),
    )


def _last_known(store: Store, column: Column, end: np.datetime64) -> np.datetime64 | None:
    """Start of the newest known hour before ``end``; the last year is looked at."""
    (rows,) = store.read_intervals([column], end - np.timedelta64(366 * 86_400, "s"), end)
    known = rows.start[rows.known > 0]
    return known[-1].astype("datetime64[s]") if len(known) else None


def _aligned(rows: Intervals, hours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Energy (kWh) and how it is known on a grid of hours, missing where nothing is stored."""
    kwh, known = np.zeros(len(hours)), np.zeros(len(hours), np.uint8)
    row = np.searchsorted(hours, rows.start)
    there = (row < len(hours)) & (hours[np.minimum(row, len(hours) - 1)] == rows.start)
    kwh[row[there]], known[row[there]] = rows.micro[there] / 1e6, rows.known[there]
    return kwh, known


def _class_error(portfolio: Portfolio, point: str) -> float:
    """Relative error that the newest device and its transformers may have; a class like '0.5S' is half a per cent."""
    device = portfolio.devices[point][-1]
    digits = "".join(c for c in device.accuracy_class if c.isdigit() or c == ".")
    percent = float(digits) if digits.strip(".") else 1.0
    return (percent + TRANSFORMER_CLASS * (bool(device.ct) + bool(device.pt))) / 100
