"""Live answers about a small site made here: what is written, and that the site's own test year is not looked at."""

from pathlib import Path

import numpy as np

from benchmarks.live import run
from benchmarks.site import write_hours

START = np.arange("2022-10-31T23", "2023-01-31T23", dtype="datetime64[h]").astype("datetime64[s]")
N = len(START)
FIRST = 61 * 24
TEST = np.arange(N) >= FIRST
FAULT = slice(FIRST + 201, FIRST + 221)


def energy(seed: int) -> np.ndarray:
    hour = np.arange(N) % 24
    return (20 + 40 * ((hour >= 6) & (hour < 16))) * np.exp(np.random.default_rng(seed).normal(0, 0.1, N))


def site(folder: Path, *, own_test_year: bool = True, years: bool = True) -> Path:
    folder.mkdir()
    (folder / "faults").mkdir()
    named = "train = 2022\ntest = 2023\n" if years else ""
    (folder / "site.toml").write_text(f'name = "made"\ncountry = "NO"\ntimezone = "Europe/Oslo"\n{named}')
    names = {"a": energy(1), "b": energy(2)}
    lines = [f"{name},{name},electricity,main,,,,,," for name in names]
    head = "meter,building,medium,role,parent,quantity,station,category,floor_area_m2,notes"
    (folder / "meters.csv").write_text("\n".join([head, *lines]) + "\n")
    if years:
        kept = {m: e.copy() if own_test_year else np.where(TEST, np.nan, e) for m, e in names.items()}
        write_hours(folder / "energy.parquet", START, kept)
    names["a"][FAULT] = names["a"][FAULT.start]
    if years:
        write_hours(folder / "faults" / "energy.parquet", START[TEST], {m: e[TEST] for m, e in names.items()})
    else:
        write_hours(folder / "energy.parquet", START, names)
    return folder


def rows(folder: Path) -> list[str]:
    return (folder / "tellings.csv").read_text().splitlines()


def test_a_standstill_is_told_within_hours_and_once(tmp_path: Path) -> None:
    result = run(str(site(tmp_path / "site")), "--out", str(tmp_path / "out"))
    head, *told = rows(tmp_path / "out")
    assert head == "told_at,meter,kind,start,withdrawn_at"
    assert len(told) == 1
    told_at, meter, kind, start, withdrawn = told[0].split(",")
    assert (meter, kind, start, withdrawn) == ("a", "stuck", f"{START[FAULT.start]}Z", "")
    assert np.datetime64(told_at[:-1]) - START[FAULT.start] <= np.timedelta64(12, "h")
    assert {"CPU time, a meter and hour, hours one by one", "state, per meter"} <= {f.name for f in result.figures}


def test_tellings_do_not_change_when_the_sites_own_test_year_is_taken_away(tmp_path: Path) -> None:
    for name, whole in (("with", True), ("without", False)):
        run(str(site(tmp_path / name, own_test_year=whole)), "--out", str(tmp_path / name / "out"))
    assert rows(tmp_path / "with" / "out") == rows(tmp_path / "without" / "out")


def test_a_site_that_names_no_years_has_its_first_part_for_a_history(tmp_path: Path) -> None:
    run(str(site(tmp_path / "site", years=False)), "--out", str(tmp_path / "out"))
    assert [r.split(",")[1:3] for r in rows(tmp_path / "out")[1:]] == [["a", "stuck"]]
