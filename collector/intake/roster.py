"""The portfolio as intake asks it: who may speak for what, and which device hung where, when.

Dates of the portfolio are turned into instants once, by the building's time zone, and kept as milliseconds.
"""

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from submeter.words import Device, Portfolio

FOREVER_MS: Final = 1 << 60
Stretch = tuple[int, int]
"""[since, until) in milliseconds since 1970"""


def instant_ms(text: str, zone: str) -> int:
    """An ISO date (local midnight) or instant (local unless it says its offset) as milliseconds since 1970.

    >>> instant_ms("1970-01-02", "Asia/Shanghai"), instant_ms("1970-01-01T00:00:01Z", "Asia/Shanghai")
    (57600000, 1000)
    """
    time = datetime.fromisoformat(text)
    aware = time if time.tzinfo else time.replace(tzinfo=ZoneInfo(zone))
    return round(aware.astimezone(UTC).timestamp() * 1000)


def stretch_of(device: Device, zone: str) -> Stretch:
    since = instant_ms(device.since, zone) if device.since else -FOREVER_MS
    return since, instant_ms(device.until, zone) if device.until else FOREVER_MS


class Roster:
    """Built once for each version of the portfolio."""

    def __init__(self, portfolio: Portfolio) -> None:
        self.tenant = portfolio.tenant
        self.remembered: dict[object, object] = {}
        """what the rules have found out about names under this roster"""
        self.points = set(portfolio.points) | {s.point for s in portfolio.stations.values()}
        self._speaks = {g.id: frozenset(g.buildings) for g in portfolio.gateways.values()}
        self._stretches: dict[tuple[str, str], list[Stretch]] = {}
        for station in portfolio.stations.values():
            self._stretches[station.point, station.id] = [(-FOREVER_MS, FOREVER_MS)]
        for point, devices in portfolio.devices.items():
            building = portfolio.buildings.get(point.partition("/")[0])
            zone = building.zone if building else "UTC"
            for device in devices:
                self._stretches.setdefault((point, device.serial), []).append(stretch_of(device, zone))

    def knows_gateway(self, gateway: str) -> bool:
        return gateway in self._speaks

    def may_speak(self, gateway: str, building: str) -> bool:
        return building in self._speaks.get(gateway, ())

    def stretches(self, point: str, device: str) -> list[Stretch]:
        """When the device hung at the point; empty = never."""
        return self._stretches.get((point, device), [])
