"""Colours stay apart from each other, for eyes without red or green cones too, and red stays free for "act"."""

from itertools import combinations

import numpy as np
import pytest

from dashboards.colours import ACT, ACT_DARK, HEAT, ITEMS, MEDIA, NOT_METERED, colour_of

STACKED = ["01A", "01B", "01C", "01D", ""]
SIMULATED = {
    # Machado, Oliveira & Fernandes 2009, severity 1.0, linear RGB
    "normal": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = XYZ.sum(axis=1)


def linear(colour: str) -> np.ndarray:
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE 1976 L*a*b* of linear RGB."""
    t = XYZ @ np.clip(rgb, 0, 1) / WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_every_colour_is_distinct():
    assert len(set(ITEMS.values())) == len(ITEMS)
    assert len(set(MEDIA.values())) == len(MEDIA)


@pytest.mark.parametrize("eyes", SIMULATED)
def test_stacked_sub_items_stay_apart_for_all_eyes(eyes):
    seen = {item: lab(SIMULATED[eyes] @ linear(ITEMS[item])) for item in STACKED}
    for a, b in combinations(STACKED, 2):
        assert np.linalg.norm(seen[a] - seen[b]) > 10, f"{a or 'not metered'} against {b or 'not metered'}"


def test_every_colour_can_be_seen_on_white_and_on_the_dark_ground():
    for colour in ITEMS.values():
        light = float(np.array([0.2126, 0.7152, 0.0722]) @ linear(colour))
        dark = float(np.array([0.2126, 0.7152, 0.0722]) @ linear("#182029"))
        assert 1.05 / (light + 0.05) > 2, colour
        assert (light + 0.05) / (dark + 0.05) > 2, colour


def test_nothing_but_act_is_red():
    for colour in [*ITEMS.values(), *MEDIA.values()]:
        assert np.linalg.norm(lab(linear(colour)) - lab(linear(ACT))) > 25, colour
        assert np.linalg.norm(lab(linear(colour)) - lab(linear(ACT_DARK))) > 15, colour


def test_the_heat_scale_grows_lighter_all_the_way():
    lightness = [lab(linear(c))[0] for c in HEAT]
    assert lightness == sorted(lightness)


def test_deep_codes_take_their_sub_items_colour_and_unknown_ones_grey():
    assert colour_of("01B1A") == colour_of("01B00") == ITEMS["01B"]
    assert colour_of("99X00") == NOT_METERED
