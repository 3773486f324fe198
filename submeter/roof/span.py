"""What commands share that speak of meters and times: which meters, and from when to when, as people say it."""

from typing import NamedTuple

from submeter.files.times import parse_times
from submeter.stores import ALWAYS_MS
from submeter.words import ConfigError, Portfolio


class Span(NamedTuple):
    """``--from`` and ``--to`` as they were said; a date is the building's local midnight, ``--to`` is left out."""

    begin: str = ""
    end: str = ""

    def of(self, zone: str) -> tuple[int, int]:
        """Epoch ms [from, to); without bounds where nothing was said. Raises :class:`ConfigError`."""
        begin = instant_of(self.begin, zone) if self.begin else ALWAYS_MS[0]
        end = instant_of(self.end, zone) if self.end else ALWAYS_MS[1]
        if begin >= end:
            raise ConfigError(f"the span from {self.begin} to {self.end} is empty; --to comes after --from")
        return begin, end


def instant_of(text: str, zone: str) -> int:
    """Epoch ms of a time as a person says it. Raises :class:`ConfigError` with the sentence why it is none."""
    found = parse_times([text.strip()], zone)
    if found.faults:
        raise ConfigError(f"{found.faults[0]} (a date alone is its midnight)")
    return int(found.ms[0])


def metered(portfolio: Portfolio) -> tuple[str, ...]:
    """Points that have a meter."""
    return tuple(point for point in portfolio.points if portfolio.devices.get(point))


def check_meters(portfolio: Portfolio, meters: tuple[str, ...]) -> None:
    """Raises :class:`ConfigError` for one that the portfolio does not have, or that has no register."""
    for meter in meters:
        if meter in portfolio.points and not portfolio.devices.get(meter):
            raise ConfigError(f"{meter!r} is a virtual meter (formula) and has no register; name one of its members")
        if not portfolio.devices.get(meter):
            raise ConfigError(
                f"{meter!r} is no meter of the portfolio; ids look like {next(iter(portfolio.points), 'PD01/main')}"
            )


def zone_of(portfolio: Portfolio, point: str) -> str:
    """The time zone of a point's building, or station."""
    place = point.partition("/")[0]
    return portfolio.buildings[place].zone if place in portfolio.buildings else portfolio.stations[place].zone


def meters_of(count: int) -> str:
    """How many, for a sentence."""
    return f"{count:,} meter{'s' * (count != 1)}"
