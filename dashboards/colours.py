"""One colour per sub-item and medium, the same on every page and board, in light and in dark.

Hues are from Okabe & Ito's palette (Color Universal Design, 2008) and Paul Tol's (its pink would be grey to eyes
without green cones, so special loads wear Tol's purple), chosen so that sub-items that
are stacked on each other stay apart for eyes without red or green cones and in grey print. Red means only "act".
"""

from typing import Final

LIGHTING: Final = "#E69F00"
HVAC: Final = "#0072B2"
POWER: Final = "#009E73"
SPECIAL: Final = "#AA3377"
NOT_METERED: Final = "#9AA0A6"
TOTAL: Final = "#5F7285"

ITEMS: Final[dict[str, str]] = {
    "01A": LIGHTING,
    "01B": HVAC,
    "01C": POWER,
    "01D": SPECIAL,
    "": NOT_METERED,
    "01": TOTAL,
    "02": "#56B4E9",
    "03": "#8C6D31",
    "04": "#B5651D",
    "05": "#44AA99",
}
"""By the first letters of the MOHURD code: electricity's sub-items, '' not metered, then whole media."""

MEDIA: Final[dict[str, str]] = {
    "electricity": TOTAL,
    "water": ITEMS["02"],
    "gas": ITEMS["03"],
    "heat": ITEMS["04"],
    "cold": ITEMS["05"],
    "weather": "#7B6FB0",
}

ACT: Final = "#C62828"
ACT_DARK: Final = "#FF8A80"
"""Red: somebody should act. Nothing else is ever red."""

BAND: Final = "#88A9C3"
"""Where load is expected; drawn as an area, never a line alone."""

HEAT: Final[tuple[str, ...]] = ("#00204D", "#31446B", "#666970", "#958F78", "#CAB969", "#FFEA46")
"""Cividis (Nuñez, Anderton & Renslow 2018): ordered in lightness, so it prints in grey and needs no hue."""


def item_of(code: str) -> str:
    """The key in :data:`ITEMS` of a five-character code: '01B1A' → '01B', '01000' → '01', '' → ''.

    >>> item_of("01B1A"), item_of("01000"), item_of("02000")
    ('01B', '01', '02')
    """
    return code[:3] if code[2:3].isalpha() else code[:2]


def colour_of(code: str) -> str:
    """The colour of a sub-item's code; an unknown one gets the grey of what is not metered."""
    return ITEMS.get(item_of(code), NOT_METERED)
