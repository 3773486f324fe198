"""The balance of a meter tree: a parent against the sum of its children, with the band that the metering allows.

Only hours count in which the parent and all its children are known, so that both sides speak of the same time. The
band is linear, not quadratic, because class errors of one make and installation need not cancel: accuracy class of each
meter and of its current transformers times its energy, and a fifth of what was estimated. Outside the band the hours
that all meters measured are asked for the cause (:mod:`analytics.tree.imbalance`).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.calendar import day_of, hour_type
from analytics.tree.imbalance import NOBODY, PARENT, Cause, Imbalance, explain
from submeter.stores.port import Column, Store
from submeter.words import Balance, Intervals, Known, Portfolio, Resolution

SPAN_S = 30 * 86_400
TRANSFORMER_CLASS = 0.5
"""per cent, of a current or voltage transformer of which nothing else is known"""
UNKNOWN_CLASS = 1.0
"""per cent, of a meter whose class nobody told, or that is computed from others"""
ESTIMATE_ERROR = 0.2
"""of the energy of an estimated hour"""
LEAST_HOURS = 7 * 24
"""measured by all, without which no cause is looked for"""

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


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
    band += ESTIMATE_ERROR * sum(guessed)
    measured = np.all([known == Known.MEASURED for _, known in tables], axis=0)
    zone = portfolio.buildings[portfolio.points[parent].building].zone
    found = _cause(np.array([kwh for kwh, _ in tables]), together, measured, hours.astype(np.int64), zone, band)
    return Balance(
        id=parent,
        building=portfolio.points[parent].building,
        point=parent,
        start_ms=int(start.astype(np.int64)) * 1000,
        end_ms=int(stop.astype(np.int64)) * 1000,
        main_kwh=energy[0],
        children_kwh=sum(energy[1:]),
        band_kwh=band,
        completeness=float(together.mean()),
        **_told(found, family),
    )


def _cause(kwh: Floats, together: Bools, measured: Bools, starts_s: Ints, zone: str, band: float) -> Imbalance | None:
    """Why a family (parent first) disagrees over the hours that all know, from those that all measured."""
    if abs(float((kwh[0] - kwh[1:].sum(axis=0))[together].sum())) <= band:
        return None
    if measured.sum() < LEAST_HOURS:
        return Imbalance(Cause.UNKNOWN)
    starts, share = starts_s[measured], float(measured.sum() / together.sum())
    days, kinds = day_of(zone, starts), hour_type(zone, starts)
    return explain(kwh[0, measured], kwh[1:, measured].T, days, kinds, band * share) or Imbalance(Cause.UNKNOWN)


def _told(found: Imbalance | None, family: list[str]) -> dict[str, Any]:
    """The fields of a balance that tell the cause."""
    if found is None:
        return {}
    blamed = "" if found.blamed == NOBODY else family[0] if found.blamed == PARENT else family[1 + found.blamed]
    return {
        "cause": found.cause.value,
        "blamed": blamed,
        "factor": found.factor if blamed and np.isfinite(found.factor) else None,
        "base_kw": found.base_kw,
        "explained": float(found.explained),
        "either": found.either,
    }


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
    mounted = portfolio.devices.get(point, ())
    if not mounted:
        return UNKNOWN_CLASS / 100
    device = mounted[-1]
    digits = "".join(c for c in device.accuracy_class if c.isdigit() or c == ".")
    percent = float(digits) if digits.strip(".") else UNKNOWN_CLASS
    return (percent + TRANSFORMER_CLASS * (bool(device.ct) + bool(device.pt))) / 100
