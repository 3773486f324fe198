"""Numbers and dates as people read them: thousands separated, kWh or MWh by size, local time.

Both languages write numbers alike; dates differ. None is '–'.
"""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

DASH = "–"
MEGA_FROM = 10_000.0
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def number(value: float | None, digits: int = 0) -> str:
    """Thousands separated, minus as a real minus."""
    if value is None:
        return DASH
    text = f"{abs(value):,.{digits}f}"
    return f"−{text}" if value < 0 and text.strip("0.,") else text


def plain(value: float | None) -> str:
    """About three significant digits: 0.123, 1.23, 12.3, 123, 1,234."""
    if value is None:
        return DASH
    size = abs(value)
    return number(value, 0 if size >= 100 or size == 0 else 1 if size >= 10 else 2 if size >= 1 else 3)


def energy(value: float | None, unit: str = "kWh") -> str:
    """kWh below ten thousand, MWh from there on; other units as they are.

    >>> energy(9876.4), energy(123456), energy(8.25, "m³")
    ('9,876 kWh', '123 MWh', '8.25 m³')
    """
    if value is None:
        return DASH
    if unit == "kWh" and abs(value) >= MEGA_FROM:
        return f"{plain(value / 1000)} MWh"
    return f"{plain(value)} {unit}"


def flow(value: float | None, unit: str = "kWh") -> str:
    """What an hour's energy or volume is as a flow.

    >>> flow(12.3), flow(0.5, "m³")
    ('12.3 kW', '0.500 m³/h')
    """
    return f"{plain(value)} {'kW' if unit == 'kWh' else f'{unit}/h'}"


def money(value: float | None) -> str:
    """Yuan without fen.

    >>> money(12345.6)
    '¥12,346'
    """
    return DASH if value is None else f"{'−' if value <= -0.5 else ''}¥{number(abs(value))}"


def carbon(value: float | None) -> str:
    """kgCO2 as kg or t."""
    if value is None:
        return DASH
    return f"{plain(value / 1000)} t" if abs(value) >= 1000 else f"{plain(value)} kg"


def percent(share: float | None, digits: int = 0) -> str:
    """A share as per cent; never rounds what is not whole to 100 %."""
    if share is None:
        return DASH
    if 0.99 < share < 1:
        return f"{int(share * 1000) / 10:.1f} %"
    return f"{number(share * 100, digits)} %"


def signed(share: float | None) -> str:
    if share is None:
        return DASH
    return f"{'+' if share >= 0 else '−'}{number(abs(share) * 100, 0 if abs(share) >= 0.1 else 1)} %"


def day(value: date | str, language: str) -> str:
    """A date: '3 Nov 2026', '2026年11月3日'."""
    when = date.fromisoformat(value[:10]) if isinstance(value, str) else value
    if language == "zh":
        return f"{when.year}年{when.month}月{when.day}日"
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


def local(ms: int, zone: str) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(zone))


def moment(ms: int | None, zone: str, language: str) -> str:
    """A date with its time of day, local."""
    if ms is None:
        return DASH
    when = local(ms, zone)
    return f"{day(when.date(), language)} {when:%H:%M}"


def day_of(ms: int, zone: str, language: str, last: bool = False) -> str:
    """The local date of an instant; of an exclusive end with ``last``."""
    return day(local(ms - (1 if last else 0), zone).date(), language)
