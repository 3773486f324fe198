"""Corrections: what people say about readings, and that the ledger hears of it.

A correction is an entry of its own with an author and a reason. It is never edited: it is revoked by another entry, so
that who said what, when and why stays. Entry and touch of the feed are one transaction: a correction that is kept
re-settles by itself, also after a kill, and one that was not kept never does.
"""

from collections.abc import Iterable

import msgspec
import numpy as np

from analytics.ledger.frozen import frozen_until
from analytics.ledger.meter import Meter, meter_of
from submeter.stores.port import Store
from submeter.words import Correction, Portfolio, TheirsError

DAY_MS = 86_400_000
AHEAD_MS = DAY_MS
"""how far a rejected span may reach beyond now: to the end of today, wherever that is"""


class CorrectionError(TheirsError):
    """A correction that cannot be kept as it is: the message says which, why, and what to write instead."""


def correct(store: Store, portfolio: Portfolio, correction: Correction) -> Correction:
    """Keep a rejection or a hand reading, and touch the feed; returns it as kept, with an id where it had ''.

    The same correction twice keeps one. Raises :class:`CorrectionError`, and then nothing was kept.
    """
    _check(portfolio, correction)
    with store.writing():
        _check_frozen(store, correction)
        kept = {each.id: each for each in store.entries(Correction)}
        named = correction if correction.id else _named(correction, kept)
        if named.id in kept:
            if kept[named.id] != named:
                raise CorrectionError(f"{named.id}: is another correction, and those are not edited; revoke it first")
            return named
        _keep(store, named)
    return named


def revoke(store: Store, revoked: str, *, author: str, reason: str, told_ms: int) -> Correction:
    """Take a correction back by its id, and touch the feed; returns the entry that says so.

    Raises :class:`CorrectionError` for an unknown id, for one that was revoked before and for a revocation itself.
    """
    with store.writing():
        kept = {each.id: each for each in store.entries(Correction)}
        old = kept.get(revoked)
        if old is None:
            raise CorrectionError(f"{revoked}: there is no such correction; `submeter ledger corrections` lists them")
        if old.kind == "revoke":
            raise CorrectionError(f"{revoked}: is a revocation itself; tell the correction anew instead")
        if any(each.revokes == revoked for each in kept.values()):
            raise CorrectionError(f"{revoked}: was revoked before; nothing is left to do")
        entry = Correction(
            id=f"{revoked}!", building=old.building, point=old.point, kind="revoke", revokes=revoked,
            start_ms=old.start_ms, end_ms=old.end_ms, author=author, reason=reason, told_ms=told_ms,
        )  # fmt: skip
        _check_person(entry)
        _check_frozen(store, entry)
        _keep(store, entry)
    return entry


def standing(corrections: Iterable[Correction]) -> tuple[Correction, ...]:
    """Those that hold: not revoked, in the order in which they were told."""
    every = sorted(corrections, key=lambda each: (each.told_ms, each.id))
    revoked = {each.revokes for each in every if each.kind == "revoke"}
    return tuple(each for each in every if each.kind != "revoke" and each.id not in revoked)


def _keep(store: Store, correction: Correction) -> None:
    store.put(correction)
    store.touch([(correction.point, correction.start_ms, correction.end_ms)])


def _named(correction: Correction, kept: dict[str, Correction]) -> Correction:
    """With an id of its own, unless the very same was kept before."""
    number = 0
    while True:
        number += 1
        named = msgspec.structs.replace(correction, id=f"{correction.point}@{correction.told_ms}.{number}")
        if named.id not in kept or kept[named.id] == named:
            return named


def _check(portfolio: Portfolio, correction: Correction) -> None:
    meter = meter_of(portfolio, correction.point)
    if meter is None:
        raise CorrectionError(f"{correction.point!r} is no meter of the portfolio; `submeter config check` lists them")
    if correction.building != meter.point.building:
        raise CorrectionError(f"{correction.point}: belongs to {meter.point.building!r}, not {correction.building!r}")
    _check_person(correction)
    if correction.kind == "reject":
        _check_rejection(correction)
    elif correction.kind == "reading":
        _check_reading(meter, correction)
    else:
        raise CorrectionError(f"{correction.point}: kind {correction.kind!r} is not 'reject' or 'reading'")


def _check_person(correction: Correction) -> None:
    for name in ("author", "reason"):
        if not getattr(correction, name).strip():
            raise CorrectionError(f"{correction.point}: a correction has no {name}; say who corrects, and why")


def _check_frozen(store: Store, correction: Correction) -> None:
    until_ms = frozen_until(store, correction.point)
    if correction.start_ms < until_ms:
        raise CorrectionError(
            f"{correction.point}: its intervals before {np.datetime64(until_ms, 'ms')}Z are frozen, for their raw"
            " readings were dropped (store.raw_days); correct what lies after it"
        )


def _check_rejection(correction: Correction) -> None:
    if correction.micro is not None:
        raise CorrectionError(f"{correction.point}: a rejection has no value; tell a reading of its own for that")
    if correction.start_ms >= correction.end_ms:
        raise CorrectionError(f"{correction.point}: the rejected span ends before it begins; give it a later end")
    if correction.end_ms > correction.told_ms + AHEAD_MS:
        raise CorrectionError(f"{correction.point}: the rejected span lies in the future; end it at today's end")


def _check_reading(meter: Meter, correction: Correction) -> None:
    if correction.micro is None:
        raise CorrectionError(f"{correction.point}: a reading has no value; give what the register showed")
    if correction.end_ms != correction.start_ms + 1:
        raise CorrectionError(f"{correction.point}: a reading has one time; end_ms is start_ms + 1")
    if correction.start_ms > correction.told_ms:
        raise CorrectionError(f"{correction.point}: the reading lies in the future; give the time it was read at")
    alive = [each for each in meter.segments if each.since_ms <= correction.start_ms < each.until_ms]
    if not alive:
        raise CorrectionError(f"{correction.point}: no device hung there then; see its dates in meters.csv")
    if not 0 <= correction.micro < alive[0].register.modulus:
        raise CorrectionError(f"{correction.point}: its register cannot show that; see digits and resolution")
