"""Anomaly answers about a small site made here: what is written, and that the site's own test year is not looked at."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks.anomalies import run
from benchmarks.site import write_hours

START = np.arange("2021-12-31T23", "2023-12-31T23", dtype="datetime64[h]").astype("datetime64[s]")
N = len(START)
TEST = np.arange(N) >= N // 2
FAULT = slice(N // 2 + 2400, N // 2 + 2400 + 20)


def energy(seed: int) -> np.ndarray:
    hour = np.arange(N) % 24
    return (20 + 40 * ((hour >= 6) & (hour < 16))) * np.exp(np.random.default_rng(seed).normal(0, 0.1, N))


def site(folder: Path, *, own_test_year: bool = True) -> Path:
    folder.mkdir()
    (folder / "faults").mkdir()
    (folder / "site.toml").write_text(
        'name = "made"\ncountry = "NO"\ntimezone = "Europe/Oslo"\ntrain = 2022\ntest = 2023\n'
    )
    names = {"a": energy(1), "b": energy(2)}
    lines = [f"{name},{name},electricity,main,,,,,," for name in names]
    head = "meter,building,medium,role,parent,quantity,station,category,floor_area_m2,notes"
    (folder / "meters.csv").write_text("\n".join([head, *lines]) + "\n")
    kept = {m: e if own_test_year else np.where(TEST, np.nan, e) for m, e in names.items()}
    write_hours(folder / "energy.parquet", START, kept)
    names["a"][FAULT] = names["a"][FAULT.start]
    write_hours(folder / "faults" / "energy.parquet", START[TEST], {m: e[TEST] for m, e in names.items()})
    return folder


def test_answers_hold_every_hour_of_the_test_year_and_the_fault(tmp_path: Path) -> None:
    result = run(str(site(tmp_path / "site")), "--out", str(tmp_path / "out"))
    scores = pq.read_table(tmp_path / "out" / "scores.parquet")
    assert scores.num_rows == TEST.sum()
    assert all(np.isfinite(scores[m].to_numpy()).all() for m in "ab")
    rows = (tmp_path / "out" / "episodes.csv").read_text().splitlines()
    assert [r.split(",")[:4] for r in rows[1:]] == [
        ["a", f"{START[FAULT.start]}Z", f"{START[FAULT.stop - 1]}Z", "stuck"]
    ]
    assert {f.name for f in result.figures} >= {"CPU time per meter", "speed, everything"}


def test_answers_do_not_change_when_the_sites_own_test_year_is_taken_away(tmp_path: Path) -> None:
    for name, whole in (("with", True), ("without", False)):
        run(str(site(tmp_path / name, own_test_year=whole)), "--out", str(tmp_path / name / "out"))
    for file in ("episodes.csv", "scores.parquet"):
        one, other = ((tmp_path / name / "out" / file).read_bytes() for name in ("with", "without"))
        assert one == other


@pytest.mark.parametrize("name", ["rsf", "shanghai_office"])
def test_a_site_without_weather_labels_or_faults_is_examined_as_it_is(sites: Path, tmp_path: Path, name: str) -> None:
    run(str(sites / name), "--out", str(tmp_path))
    assert pq.read_table(tmp_path / "scores.parquet").num_rows > 8700
