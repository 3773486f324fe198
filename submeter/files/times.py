"""What a time in a file means: an instant with its offset, or a wall clock of the building's zone; never a guess.

A wall clock that the zone skips, or shows twice (the hour after summer time ends), is refused row by row with the
sentence that says so: which of the two it was stands nowhere in the file.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

SLASHED: Final = ("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d")
"""as spreadsheets write it where dates have slashes and the year comes first"""
_DAY_MS: Final = 86_400_000


class Times(NamedTuple):
    """``ms`` since 1970 UTC, 0 where refused; ``faults``: row → why."""

    ms: NDArray[np.int64]
    faults: dict[int, str]


def parse_times(texts: Sequence[str], zone: str) -> Times:
    """Times as text (ISO 8601, or with slashes) in UTC; without an offset they are local in ``zone`` (IANA)."""
    plain = _plain(texts)
    if plain is not None:
        ms, local = plain
        return to_utc(ms, zone) if local else Times(ms, {})
    found = np.zeros(len(texts), np.int64)
    faults: dict[int, str] = {}
    walls: list[int] = []
    for row, text in enumerate(texts):
        when = _read(text)
        if when is None:
            faults[row] = f"time {text[:40]!r} is not like 2026-03-01T00:15 or 2026-03-01T00:15:00+08:00"
        else:
            found[row] = round(when.replace(tzinfo=when.tzinfo or UTC).timestamp() * 1000)
            if when.tzinfo is None:
                walls.append(row)
    if walls:
        moved = to_utc(found[walls], zone)
        found[walls] = moved.ms
        faults.update({walls[row]: text for row, text in moved.faults.items()})
    return Times(found, faults)


def _plain(texts: Sequence[str]) -> tuple[NDArray[np.int64], bool] | None:
    """All at once, where all are written alike: (ms, whether they are wall clocks); None where they are not."""
    ends = {text[-1:] for text in texts}
    utc = ends == {"Z"}
    if not utc and any(len(text) > 10 and ("+" in text[10:] or "-" in text[10:] or text[-1] == "Z") for text in texts):
        return None
    try:
        ms = np.array([text[:-1] for text in texts] if utc else texts, "datetime64[ms]")
    except ValueError:
        return None
    if np.isnat(ms).any() or any(len(text) < 10 for text in texts):
        return None
    return ms.astype(np.int64), not utc


def _read(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for form in SLASHED:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007  (a wall clock; the zone is the building's)
        except ValueError:
            pass
    return None


def to_utc(wall_ms: NDArray[np.int64], zone: str) -> Times:
    """Wall clocks (ms since 1970 as the clock shows) of a zone as instants."""
    days, inverse = np.unique(wall_ms // _DAY_MS, return_inverse=True)
    shifts = [_day_shift(int(day), zone) for day in days.tolist()]
    shift = np.array([0 if each is None else each for each in shifts], np.int64)[inverse]
    found = wall_ms - shift
    faults: dict[int, str] = {}
    for row in np.flatnonzero(np.array([each is None for each in shifts], bool)[inverse]).tolist():
        try:
            found[row] = int(wall_ms[row]) - _shift(int(wall_ms[row]), zone)
        except ValueError as fault:
            found[row], faults[row] = 0, str(fault)
    return Times(found, faults)


@lru_cache(maxsize=65_536)
def _day_shift(day: int, zone: str) -> int | None:
    """The offset of a whole local day in ms; None on the days around a change, and beyond all calendars."""
    place = ZoneInfo(zone)
    try:
        found = {
            datetime.fromtimestamp((day + at) * 86_400, UTC).replace(tzinfo=place).utcoffset() for at in (-1, 0, 1, 2)
        }
    except (ValueError, OverflowError, OSError):
        return None
    one = found.pop()
    return None if found or one is None else round(one.total_seconds() * 1000)


def _shift(wall_ms: int, zone: str) -> int:
    """The offset at a wall clock. Raises :class:`ValueError` with the sentence where the zone skips or repeats it."""
    place = ZoneInfo(zone)
    try:
        wall = datetime.fromtimestamp(wall_ms / 1000, UTC).replace(tzinfo=place)
    except (ValueError, OverflowError, OSError):
        raise ValueError("time is beyond all calendars") from None
    first, second = wall.utcoffset(), wall.replace(fold=1).utcoffset()
    assert first is not None
    assert second is not None
    shown = wall.strftime("%Y-%m-%d %H:%M")
    if first > second:
        raise ValueError(f"{shown} happened twice in {zone} (the clock went back); write the offset behind the time")
    if first < second:
        raise ValueError(f"{shown} never was in {zone} (the clock went forward); write the offset behind the time")
    return round(first.total_seconds() * 1000)


def show_times(ms: NDArray[np.int64], zone: str) -> list[str]:
    """Instants as ISO text on the zone's wall clock with its offset; milliseconds only where there are some."""
    place = ZoneInfo(zone)
    return [_show(each, place) for each in ms.tolist()]


def _show(ms: int, place: ZoneInfo) -> str:
    whole, part = divmod(ms, 1000)
    text = datetime.fromtimestamp(whole, place).isoformat()
    return f"{text[:19]}.{part:03d}{text[19:]}" if part else text
