"""Holes in real registers, in a short form: estimates add up and are nearer to the truth than a straight line."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import gaps
from benchmarks.gaps import WINDOW_H, Filled, Hole, as_register, errors, hours_of, last_week, place
from benchmarks.site import write_hours
from submeter.words import ConfigError, Known

BEGIN = int(np.datetime64("2025-01-06T00", "s").astype(np.int64))


def register(kwh: list[float]) -> gaps.Meter:
    starts = BEGIN + 3600 * np.arange(len(kwh), dtype=np.int64)
    return as_register("g", "m", "UTC", "", starts, np.array(kwh))


def test_a_register_shows_whole_steps_and_counts_nothing_where_the_file_says_nothing() -> None:
    meter = register([0.25, 1.0, float("nan"), 2.0])
    assert meter.resolution == 0.01
    assert meter.micro.tolist() == [0, 250_000, 1_250_000, 1_250_000, 3_250_000]
    assert meter.read.tolist() == [True, True, False, False, True]


def test_generation_written_as_negative_is_turned_round_and_other_negative_hours_stand_still() -> None:
    assert np.diff(register([-3.0, 1.0, -2.0]).micro).tolist() == [3_000_000, 0, 2_000_000]
    assert np.diff(register([3.0, -1.0, 2.0]).micro).tolist() == [3_000_000, 0, 2_000_000]


def test_holes_stand_where_all_is_known_each_with_its_window_to_itself() -> None:
    good = np.ones(40_000, bool)
    good[10_000:11_000] = False
    energy = np.ones(40_000, np.int64)
    lengths = [3, 168] * 8
    holes = place(good, energy, lengths, np.random.default_rng(1))
    assert len(holes) == 16
    assert not lengths
    assert all(good[h.first : h.first + h.length].all() for h in holes)
    ends = [0, *(h.first + h.length for h in holes)]
    assert all(h.first - end >= WINDOW_H for h, end in zip(holes, ends, strict=False))


def test_the_estimator_never_sees_what_was_counted_in_a_hole() -> None:
    """The same sum, counted in other hours: the ledger of the register with the hole is the same."""
    kwh = [float(1 + h % 24) for h in range(60 * 24)]
    other = [*kwh[:1000], *reversed(kwh[1000:1024]), *kwh[1024:]]
    read = np.ones(len(kwh) + 1, bool)
    read[1001:1024] = False
    one, two = hours_of(register(kwh), read), hours_of(register(other), read)
    assert (one.micro == two.micro).all()
    assert (one.known[1000:1024] == Known.ESTIMATED).all()


def test_last_week_is_the_same_hours_seven_days_before_scaled_to_the_hole() -> None:
    kwh = np.arange(500.0)
    shares = last_week(kwh, Hole(300, 2))
    assert shares.tolist() == pytest.approx([132 / 265, 133 / 265])
    assert last_week(np.full(500, np.nan), Hole(300, 2)).tolist() == [0.5, 0.5]


def test_errors_are_those_of_a_pocket_calculator() -> None:
    rows = [
        Filled("a", 3, 10.0, np.array([10.0, 20.0, 0.1]), {"x": np.array([12.0, 17.0, 1.1])}),
        Filled("b", 3, 10.0, np.array([10.0]), {"x": np.array([15.0])}),
    ]
    wape, mape = errors(rows, "x")
    assert wape == pytest.approx((100 * 6 / 30.1 + 50) / 2)
    assert mape == pytest.approx(((20 + 15) / 2 + 50) / 2), "0.1 kWh is too little for a percentage"


def test_a_site_folder_of_any_name_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "anywhere"
    folder.mkdir()
    (folder / "site.toml").write_text('name = "x"\ntimezone = "Europe/Oslo"\ncountry = "NO"\n', encoding="utf-8")
    hours = np.arange(np.datetime64("2025-01-06", "s"), np.datetime64("2025-04-06", "s"), np.timedelta64(1, "h"))
    write_hours(folder / "energy.parquet", hours, {"m": 5.0 + (np.arange(len(hours)) % 24 > 11)})
    told = {f.name: f for f in gaps.run(str(tmp_path), "1").figures}
    assert told["holes that do not add up to the register"].value == 0
    assert told["anywhere: 24 h, WAPE"].value < 3


def test_a_folder_without_sites_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="site folders"):
        gaps.run(str(tmp_path))


def test_estimates_of_real_meters_are_nearer_than_a_straight_line_at_every_length(sites: Path) -> None:
    result = gaps.run(str(sites), "2", "7", "shanghai_office", "lead")
    told = {f.name: f for f in result.figures}
    assert told["holes that do not add up to the register"].value == 0
    for site in ("shanghai_office", "lead"):
        for length in gaps.LENGTHS_H:
            ratio = told[f"{site}: {length} h, WAPE"].ratio
            assert ratio is not None
            assert ratio < (0.95 if length == 3 else 0.6), (site, length)
