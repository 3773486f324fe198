"""Studies on a cluster that was started by hand: what counts as the same, and real processes on a small site."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import cluster
from benchmarks.cluster import Held, apart, differing, farthest, others, taken_apart
from benchmarks.site import read_site, write_hours
from benchmarks.stored_site import portfolio_of, store_site, with_faults
from submeter.settings import Watch, load_settings
from submeter.stores.port import Column
from submeter.words import Resolution, TheirsError

START = np.arange("2021-12-31T23", "2023-12-31T23", dtype="datetime64[h]").astype("datetime64[s]")
TEST = np.arange(len(START)) >= 8760
HEAD = "meter,building,medium,role,parent,quantity,station,category,floor_area_m2,notes,changed\n"
METERS = (("A.El", "A", "main", ""), ("A.Hp", "A", "sub", "A.El"), ("B.El", "B", "main", ""))
COLUMN = Column("B/m", "energy_import", Resolution.HOUR)


def small(folder: Path) -> Path:
    """Two buildings; five hours of 2023 are zero in the faulty year."""
    (folder / "faults").mkdir(parents=True)
    years = "train = 2022\ntest = 2023\n"
    (folder / "site.toml").write_text(f'name = "s"\ncountry = "NO"\ntimezone = "Europe/Oslo"\n{years}', "utf-8")
    rows = [f"{name},{building},electricity,{role},{parent},,,,,,0\n" for name, building, role, parent in METERS]
    (folder / "meters.csv").write_text(HEAD + "".join(rows), "utf-8")
    rng, hour = np.random.default_rng(1), np.arange(len(START)) % 24
    day = 10 + 20 * ((hour >= 6) & (hour < 16))
    energy = {name: day * rng.normal(1, 0.05, len(START)) for name, *_ in METERS}
    energy["A.El"] += energy["A.Hp"]
    write_hours(folder / "energy.parquet", START, energy)
    faulty = energy["B.El"][TEST].copy()
    faulty[2000:2005] = 0
    write_hours(folder / "faults" / "energy.parquet", START[TEST], {"B.El": faulty})
    return folder


def rows(*micro: int) -> SimpleNamespace:
    one = np.ones(len(micro), int)

    class Rows(SimpleNamespace):
        def __len__(self) -> int:
            return len(micro)

    return Rows(start=np.arange(len(micro)), known=one, method=one, flags=one, micro=np.array(micro))


def store(avoided_kwh: float = 3.0, micro: int = 7, kind: str = "night_on") -> Held:
    entry = {"id": "m", "avoided_kwh": avoided_kwh, "expected_kwh": 1000.0, "nmbe": 1e-17, "kind": kind, "n": 5}
    return {("Saving", "m"): entry}, {COLUMN: rows(1, micro)}


def test_energies_are_held_against_the_largest_of_their_entry_and_ratios_against_one() -> None:
    assert apart(store()[0]["Saving", "m"], store(3.0 + 1e-7)[0]["Saving", "m"]) == pytest.approx(1e-10)
    assert apart({"nmbe": 1e-17}, {"nmbe": 3e-17}) == pytest.approx(2e-17)
    assert taken_apart({"id": "a", "x_kwh": [1.0, 2.0], "n": 3}) == (
        ["id", "a", "x_kwh", 2, "n", 3],
        {"kwh": [1.0, 2.0]},
    )


def test_zeros_are_as_good_as_each_other_and_hide_no_difference_beside_them() -> None:
    none = {"avoided_kwh": 0.0, "avoided_kg": 0.0}
    assert apart(none, none) == 0
    assert math.isinf(apart(none, {"avoided_kwh": 0.0, "avoided_kg": 1e-12}))
    assert apart(none | {"nmbe": 0.5}, none | {"nmbe": 0.75}) == 0.25


@pytest.mark.parametrize("other", [math.nan, math.inf])
def test_what_is_not_known_to_both_is_infinitely_far_apart(other: float) -> None:
    assert apart({"nmbe": other}, {"nmbe": other}) == 0
    for one, two in ((0.1, other), (other, 0.1)):
        assert math.isinf(apart({"cvrmse": 0.1, "nmbe": one}, {"cvrmse": 0.1, "nmbe": two}))


@pytest.mark.parametrize("other", [store(kind="stuck"), store(micro=9), ({}, store()[1]), (store()[0], {})])
def test_another_word_a_row_further_off_or_one_that_is_missing_is_never_the_same(other: Held) -> None:
    assert math.isinf(farthest(store(), other))
    assert differing(store(), other) == 1


def test_the_last_digit_of_a_row_may_differ_across_machines_but_not_on_one() -> None:
    assert farthest(store(), store(micro=8)) == 0
    assert differing(store(), store(micro=8)) == 1
    assert differing(store(), store(3.0 + 1e-15)) == 1
    assert differing(store(), store()) == 0


def test_a_pretended_machine_is_another_one() -> None:
    first, second = others()
    assert first["OPENBLAS_CORETYPE"] != second["OPENBLAS_CORETYPE"]


def test_a_site_becomes_a_place_with_its_tree_its_works_and_its_faults(tmp_path: Path) -> None:
    site = read_site(small(tmp_path / "site"))
    assert (with_faults(site)["B.El"][TEST][2000:2005] == 0).all()
    assert (site.energy["B.El"][TEST][2000:2005] > 0).all()
    settings, end = store_site(site, 2, tmp_path / "place")
    assert str(end) == "2023-12-31T23:00:00"
    read = Watch(tmp_path / "place" / "portfolio", load_settings(settings).tenant)()
    assert set(read.points) == {"A/El", "A/Hp", "B/El"} == set(portfolio_of(site, list(site.meters.values())).points)
    assert read.points["A/Hp"].parent == "A/El"
    assert read.measures["A/El/works"].start == "2023-01-01"


def test_a_site_that_names_no_years_is_refused(tmp_path: Path) -> None:
    folder = small(tmp_path / "site")
    (folder / "site.toml").write_text('name = "s"\ntimezone = "UTC"\n', "utf-8")
    with pytest.raises(TheirsError, match="names no train and test year"):
        cluster.run(str(folder))


@pytest.mark.service
@pytest.mark.timeout(240)
def test_workers_of_other_machines_started_by_hand_say_the_same_as_one_core(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    told = {f.name: f for f in cluster.run(str(small(tmp_path / "site")), "2", cluster.RUNS[2]).figures}
    assert told["baselines, savings and findings"].value >= 6  # three baselines, two savings, the five hours
    assert told["two Dask workers of other machines: largest difference"].value <= 1e-9
