"""Proofs that nothing peeks, on real buildings and by the commands that answer; and that each proof can fail.

A site is answered about as it is, and again when what must not be looked at has been taken away in three ways (not
read, no rows at all, something wild); live, when all that came after an hour has been cut off. What answers must say
the same to the last bit. Answerers that do look (the *peeping* ones below, which use what anybody finds in the folder)
are caught by the same proofs.
"""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import anomalies, live, savings
from benchmarks.peers.beside import cut
from benchmarks.peers.folder import read_folder
from benchmarks.site import HOUR, read_hours, read_site, write_hours

METERS: Final = ["6397.ElImp", "6398.ElImp", "6415.ElImp", "6422.ElImp"]
WAYS: Final = ("not read", "no rows", "wild")
Answerer = Callable[[Path, Path], object]
"""site and answers folder"""


@pytest.fixture(scope="module")
def real(sites: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four of Drammen's buildings with what they hold of the two years, small enough to be copied often."""
    made = cut(read_folder(sites / "drammen"), METERS, tmp_path_factory.mktemp("real") / "site")
    stations = [read_folder(made).meters[m]["station"] for m in METERS]
    weather = pq.read_table(sites / "drammen" / "weather.parquet", columns=["time", "station", "outdoor_c"])
    here = np.isin(np.array(weather["station"].cast(pa.string()).to_pylist()), stations) & in_years(weather)
    (made / "weather.parquet").unlink()
    pq.write_table(weather.filter(pa.array(here)), made / "weather.parquet")
    energy = pq.read_table(made / "energy.parquet")
    pq.write_table(energy.filter(pa.array(in_years(energy))), made / "energy.parquet")
    return made


def in_years(table: pa.Table) -> np.ndarray:
    """Rows of 2018 and 2019."""
    time = table["time"].cast(pa.timestamp("s", tz="UTC")).to_numpy().astype("datetime64[s]")
    return (time >= np.datetime64("2017-12-31T23")) & (time < np.datetime64("2019-12-31T23"))


def without(site: Path, to: Path, way: str) -> Path:
    """The site whose own energy of the test year and later is gone in a ``way``; faults stay."""
    folder = read_folder(site)
    assert folder.test is not None
    made = cut(folder, list(folder.energy), to)
    later = folder.start >= folder.start[folder.year(folder.test)][0]
    rng = np.random.default_rng(3)
    gone = {"not read": np.nan, "wild": rng.uniform(0, 9e3, later.sum())}.get(way, np.nan)
    energy = {m: e.copy() for m, e in folder.energy.items()}
    for values in energy.values():
        values[later] = gone
    keep = ~later if way == "no rows" else np.ones(len(later), bool)
    write_hours(made / "energy.parquet", folder.start[keep], {m: e[keep] for m, e in energy.items()})
    return made


def said(answers: Path, name: str) -> object:
    """An answers file: bytes of text, or times and values of hours."""
    if name.endswith(".csv"):
        return (answers / name).read_bytes()
    start, values = read_hours(answers / name)
    return str(start[[0, -1]]), {m: v.tobytes() for m, v in values.items()}


def peeps(answerer: Answerer, site: Path, way: str, names: tuple[str, ...], scratch: Path) -> bool:
    """Whether what is said changes when the test year's own energy is gone."""
    answerer(site, scratch / "as it is")
    answerer(without(site, scratch / "gone", way), scratch / "without")
    return any(said(scratch / "as it is", name) != said(scratch / "without", name) for name in names)


def foretell(site: Path, out: Path) -> None:
    savings.run(str(site), "--out", str(out))


def look_back(site: Path, out: Path) -> None:
    anomalies.run(str(site), "--out", str(out))


def look_live(site: Path, out: Path) -> None:
    live.run(str(site), "--out", str(out))


def peeping_forecaster(site: Path, out: Path) -> None:
    """Knows the test year's mean."""
    foretell(site, out)
    of_site = read_site(site)
    rows = of_site.of_year(of_site.test or 0)
    start, told = read_hours(out / "predictions.parquet")
    level = {m: np.nan_to_num(np.nanmean(np.nan_to_num(of_site.energy[m][rows]))) for m in told}
    write_hours(out / "predictions.parquet", start, {m: v * level[m] / np.nanmean(v) for m, v in told.items()})


def peeping_detector(site: Path, out: Path) -> None:
    """Takes the difference between the faulty year and the site's own."""
    out.mkdir()
    own = read_site(site)
    start, shown = read_hours(site / "faults" / "energy.parquet")
    row = int((start[0] - own.start[0]) // HOUR)
    score = {m: np.abs(e - np.nan_to_num(own.energy[m][row : row + len(e)])) for m, e in shown.items()}
    write_hours(out / "scores.parquet", start, score)
    with (out / "episodes.csv").open("w", newline="") as file:
        csv.writer(file).writerows([m, str(np.argmax(s)), str(np.max(s))] for m, s in score.items())


@pytest.mark.parametrize("way", WAYS)
def test_predictions_are_unchanged_when_the_test_years_energy_is_removed(real: Path, tmp_path: Path, way: str) -> None:
    assert not peeps(foretell, real, way, ("predictions.parquet",), tmp_path)


@pytest.mark.parametrize("way", ["not read"])
def test_a_forecaster_that_peeps_is_caught(real: Path, tmp_path: Path, way: str) -> None:
    assert peeps(peeping_forecaster, real, way, ("predictions.parquet",), tmp_path)


@pytest.mark.parametrize("way", WAYS)
def test_what_looks_back_is_unchanged_when_the_sites_own_test_year_is_removed(
    real: Path, tmp_path: Path, way: str
) -> None:
    assert not peeps(look_back, real, way, ("scores.parquet", "episodes.csv"), tmp_path)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["scores.parquet", "episodes.csv"])
def test_a_detector_that_peeps_is_caught(real: Path, tmp_path: Path, way: str, name: str) -> None:
    assert peeps(peeping_detector, real, way, (name,), tmp_path)


# live: what came after an hour is cut off


@pytest.fixture(scope="module")
def short(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of them, with the faulty year's first ten weeks: live takes its time."""
    folder = read_folder(real)
    made = cut(folder, list(folder.energy)[:2], tmp_path_factory.mktemp("short") / "site")
    return until(made, made.parent / "weeks", 10 * 7 * 24)


def until(site: Path, to: Path, hours: int) -> Path:
    """The site whose faulty year ends after so many hours; its own energy and its weather go on."""
    folder = read_folder(site)
    made = cut(folder, list(folder.energy), to)
    start, shown = read_hours(site / "faults" / "energy.parquet")
    write_hours(made / "faults" / "energy.parquet", start[:hours], {m: e[:hours] for m, e in shown.items()})
    return made


def tellings(answers: Path) -> list[tuple[str, ...]]:
    with (answers / "tellings.csv").open(encoding="utf-8", newline="") as file:
        return [tuple(row) for row in list(csv.reader(file))[1:]]


def looks_ahead(answerer: Answerer, site: Path, hours: int, scratch: Path) -> bool:
    """Whether what was told in the first ``hours`` is another thing when nothing came after them."""
    start, _ = read_hours(site / "faults" / "energy.parquet")
    seen = f"{start[0] + hours * HOUR}Z"
    answerer(site, scratch / "whole")
    answerer(until(site, scratch / "cut", hours), scratch / "short")
    whole = [row for row in tellings(scratch / "whole") if row[0] <= seen]
    return whole != tellings(scratch / "short")


def peeping_watch(site: Path, out: Path) -> None:
    """Tells at noon of the first day of the hour in which each meter's highest reading is still to come."""
    out.mkdir(exist_ok=True)
    start, shown = read_hours(site / "faults" / "energy.parquet")
    rows = [(f"{start[12]}Z", m, "spike", f"{start[np.nanargmax(e)]}Z", "") for m, e in shown.items()]
    with (out / "tellings.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("told_at", "meter", "kind", "start", "withdrawn_at"), *rows])


@pytest.mark.parametrize("hours", [7 * 7 * 24 + 5])
def test_no_telling_changes_when_what_came_after_it_is_cut_off(short: Path, tmp_path: Path, hours: int) -> None:
    assert not looks_ahead(look_live, short, hours, tmp_path)
    assert tellings(tmp_path / "short")  # or nothing was proved


def test_a_watch_that_looks_ahead_is_caught(short: Path, tmp_path: Path) -> None:
    assert looks_ahead(peeping_watch, short, 24, tmp_path)


def test_what_is_taken_away_is_gone(real: Path, tmp_path: Path) -> None:
    """The proofs' own premise."""
    rows = {way: pq.read_table(without(real, tmp_path / way, way) / "energy.parquet") for way in WAYS}
    assert str(rows["no rows"]["time"][-1].as_py()) == "2018-12-31 22:00:00+00:00"
    as_it_is = pq.read_table(real / "energy.parquet")
    later = np.asarray(rows["not read"]["time"].to_numpy()) >= np.datetime64("2018-12-31T23", "us")
    for name in METERS:
        assert np.isnan(rows["not read"][name].to_numpy()[later]).all()
        wild, true = (table[name].to_numpy() for table in (rows["wild"], as_it_is))
        assert (np.abs(wild - true)[later] > 0.01).mean() > 0.95
        np.testing.assert_array_equal(wild[~later], true[~later])
