"""The analytics table: which sites are asked what, and how verdicts become rows. Verdicts here are written by hand."""

import math
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import tasks
from benchmarks.analytics import DRAWS, busy_with, read_words, write
from benchmarks.analytics_rows import Peered, rows
from benchmarks.asking import Crew, Judge, Verdict, crew
from benchmarks.board import BEGIN, END, Board, Row
from benchmarks.board import HEAD as HEAD_OF_TABLE
from benchmarks.made import Maker
from benchmarks.own import FAULT_SEEDS, SAVINGS_SEEDS, TREE_SEEDS, Own, kinds_of
from benchmarks.peers.kept import ASKED, answered, is_kept
from benchmarks.result import Figure
from benchmarks.rivals import Rivals
from benchmarks.site import read_site, write_hours
from submeter.words import TheirsError

START = np.arange("2017-12-31T23", "2019-12-31T23", dtype="datetime64[h]").astype("datetime64[s]")
HEAD = "meter,building,medium,role,parent,quantity,station,category,floor_area_m2,notes,changed\n"


def site(folder: Path, name: str, *, years: bool = False, role: str = "main", labels: bool = False) -> Path:
    """A folder of one main meter (or of another role) with a sub-meter below it."""
    at = folder / name
    at.mkdir(parents=True)
    named = "train = 2018\ntest = 2019\n" if years else ""
    (at / "site.toml").write_text(f'name = "The {name}"\ncountry = "NO"\ntimezone = "Europe/Oslo"\n{named}', "utf-8")
    below = "m" if role == "main" else ""
    (at / "meters.csv").write_text(
        f"{HEAD}m,B,electricity,{role},,,,,,,0\ns,B,electricity,sub,{below},,,,,,0\n", "utf-8"
    )
    energy = {m: 10 + np.arange(len(START)) % 168 % 7 + k for k, m in enumerate("ms")}
    write_hours(at / "energy.parquet", START, energy)
    if labels:
        write_hours(at / "labels.parquet", START, {m: np.zeros(len(START)) for m in "ms"})
    return at


@pytest.fixture
def small_sites(tmp_path: Path) -> Path:
    folder = tmp_path / "sites"
    site(folder, "years", years=True)
    site(folder, "labelled", role="sub", labels=True)
    site(folder, "no_mains", years=True, role="sub")
    (folder / "other").mkdir()
    (folder / "other" / "site.toml").write_text("", "utf-8")  # of another kind: no energy
    return folder


@pytest.fixture
def own(small_sites: Path, tmp_path: Path) -> Own:
    return Own(kinds_of(small_sites), Maker(tmp_path / "judge.py", "python", tmp_path / "made"), tmp_path / "ours")


def made(own: Own, name: str) -> None:
    """As if the programs beside the judge had made it."""
    (own.maker.out / name).mkdir(parents=True)
    (own.maker.out / name / ".made").write_text(own.maker.mark(own.kinds.yearly[0].folder), "utf-8")


def test_what_a_folder_holds_decides_what_is_asked(own: Own) -> None:
    told = {kind: [s.folder.name for s in getattr(own.kinds, kind)] for kind in ("yearly", "labelled", "trees")}
    assert told == {"yearly": ["years"], "labelled": ["labelled"], "trees": ["years"]}


def test_a_folder_without_sites_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TheirsError, match="holds no site folder"):
        kinds_of(tmp_path)


def test_the_judge_is_asked_by_folder_savings_pooled_and_drawn_for_the_first_faults_alone(own: Own) -> None:
    for name in (*(f"years-savings-{s}" for s in SAVINGS_SEEDS), "years-faults-1", "years-faults-2"):
        made(own, name)
    asked = own.questions()
    assert set(asked) == {("predictions", "years", 0), ("savings", "years", 0), ("labels", "labelled", 0),
                          *(("anomalies", "years", s) for s in FAULT_SEEDS)}  # fmt: skip
    part, pools, spread = asked["savings", "years", 0]
    assert (part, list(pools), spread) == ("savings", [f"{s}:" for s in SAVINGS_SEEDS], True)
    assert pools["3:"] == (own.maker.out / "years-savings-3", own.out / "years-savings-3" / "savings")
    assert [asked["anomalies", "years", s][2] for s in FAULT_SEEDS] == [True, False]


VERDICTS = {
    ("predictions", "years", 0): Verdict({"cvrmse_hourly_median": 0.19, "failed": 0, "meters_asked": 44},
                                         [{"cvrmse_hourly_median": 0.1 + k / 1000} for k in range(101)]),
    ("anomalies", "years", 0): Verdict({"f1_half": 0.81, "delay_hours_median_of_kind": {"stuck": math.inf}}),
    ("anomalies", "years", 2): Verdict({"f1_half": 0.79}),
}  # fmt: skip


def table(own: Own, peered: Peered | None = None) -> dict[tuple[str, str], Row]:
    return {(row.task, row.figure): row for row in rows(own, VERDICTS, peered or Peered())}


def test_rows_hold_the_verdicts_their_spread_and_every_seed(own: Own) -> None:
    own.told["anomalies", "years", 0] = {"speed, everything": Figure("speed, everything", 71.0, "meter-years/s")}
    told = table(own)
    hourly = told["years, 2019 from 2018", "CV(RMSE) hourly, median"]
    assert hourly.cells()[2:6] == ("0.190", "0.105 … 0.195", "≤ 0.205", "yes")
    assert told["years, 2019 from 2018", "meters failed"].cells()[2] == "0 of 44"
    assert told["years, faults, looking back", "f1, half of the time in common"].cells()[2] == "0.810; seed 2 0.790"
    assert told["years, faults, looking back", "f1, half of the time in common"].met is False
    assert told["years, faults, live", "median delay, stuck"].cells()[2].startswith("∞")
    assert told["years, detection", "meter-years/s a core, everything"].ours == 71
    assert told["years, detection", "meter-years/s a core, everything"].met


def test_what_nobody_told_is_a_dash_and_meets_nothing(own: Own) -> None:
    row = table(own)["labelled, labels not used", "AUC"]
    assert (row.cells()[2], row.met) == ("–", False)


def test_a_tree_is_told_as_the_mean_of_its_seeds_beside_the_plain_one(own: Own) -> None:
    for seed, share in zip(TREE_SEEDS, (0.9, 0.95, 1.0), strict=True):
        own.told["tree", "years", seed] = {"faulty child named, all": Figure("faulty child named, all", share, "share",
                                                                            ratio=share / 0.5)}  # fmt: skip
    (row,) = [row for row in table(own).values() if row.task == "years, tree"]
    assert row.ours == pytest.approx(0.95)
    assert "(0.900 … 1.000 by seed)" in row.cells()[2]
    assert row.best() == "0.500 furthest from its expectation"


def test_peers_stand_beside_the_same_figure_of_the_same_question(own: Own) -> None:
    question = ("predictions", "years", 0)
    beside = Peered({question: {"camber": (Verdict({"cvrmse_hourly_median": 0.266}), "(7 of 44 raised an error)"),
                                "opendsm": (Verdict({"cvrmse_hourly_median": 0.293}), "")}},
                    {("savings", "years"): {"camber": 5.0}})  # fmt: skip
    told = table(own, beside)
    assert told["years, 2019 from 2018", "CV(RMSE) hourly, median"].best() == "0.266 camber (7 of 44 raised an error)"
    assert told["years, fit, prediction and band", "meters/s a core, one station"].best() == "5 camber"
    assert told["years, 2019 from 2018", "CV(RMSE) daily, median"].best() == "–"


def test_what_no_peer_says_is_shown_of_none(own: Own) -> None:
    """A detector names no kind; the judge then counts none as right, which says nothing of it."""
    told = table(
        own, Peered({("anomalies", "years", 0): {"adtk": (Verdict({"kind_named_of_matched": 0.0, "auc": 0.7}), "")}})
    )
    assert told["years, faults, looking back", "kind named, of those matched"].best() == "–"
    assert told["years, faults, looking back", "AUC"].best() == "0.700 adtk"


def test_every_wanted_figure_has_a_name_and_a_key_of_its_own() -> None:
    for wanted in (tasks.PREDICTIONS, tasks.SAVINGS, tasks.FAULTS, tasks.LIVE, tasks.LABELS):
        assert len({w.key for w in wanted}) == len({w.figure for w in wanted}) == len(wanted)


@pytest.mark.parametrize("words", [(), ("sites",), ("--judge", "x"), ("sites", "--judge", __file__, "--colour")])
def test_what_was_not_understood_is_said_with_the_right_words(words: tuple[str, ...]) -> None:
    with pytest.raises(TheirsError, match="say: analytics SITES --judge FILE"):
        read_words(words)


def test_a_judge_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(TheirsError, match="names the program that scores answers"):
        read_words((str(tmp_path), "--judge", str(tmp_path / "none.py")))


def test_the_table_goes_beside_the_answers(tmp_path: Path) -> None:
    asked = read_words((str(tmp_path), "--judge", __file__, "--out", str(tmp_path / "out")))
    assert asked.draws == DRAWS
    write(Board([Row("t", "f", 1.0)], ["note"]), asked)
    assert (tmp_path / "out" / "table.md").read_text("utf-8").endswith("\n\nnote\n")
    assert '"ours": 1.0' in (tmp_path / "out" / "table.json").read_text("utf-8")


def test_speeds_of_a_busy_machine_are_said_to_be_of_one() -> None:
    assert busy_with(0.4, 2) == []
    assert busy_with(8.2, 2)[0].startswith("The machine was busy (8 at work on 2 cores)")


def test_jobs_run_side_by_side_and_the_first_that_fails_ends_them() -> None:
    def refuse() -> None:
        raise TheirsError("no")

    with crew(2) as hands:
        assert hands.do("double", {k: (lambda k=k: 2 * k) for k in range(5)}) == {k: 2 * k for k in range(5)}
        with pytest.raises(TheirsError, match="no"):
            hands.do("refuse", {0: refuse})


def test_the_table_in_the_documentation_has_the_rows_and_targets_of_the_command(sites: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md").read_text("utf-8")
    lines = [line.strip("| ").split(" | ") for line in page.partition(BEGIN)[2].partition(END)[0].splitlines()]
    shown = [(cells[0], cells[1], cells[4]) for cells in lines if len(cells) == len(HEAD_OF_TABLE)]
    own = Own(kinds_of(sites), Maker(Path(), "", Path()), Path())
    known = [(row.task, row.figure, row.wanted()) for row in rows(own, {}, Peered())]
    assert [tuple(part.strip() for part in each) for each in shown[2:]] == known


# sites that are made

SMALL_INJECTOR = """
import shutil, sys
from pathlib import Path
site, out = map(Path, sys.argv[1:3])
shutil.copytree(site, out)
(out / "seed").write_text(sys.argv[4])
"""


def test_a_site_is_made_once_and_again_when_it_or_the_program_has_changed(tmp_path: Path) -> None:
    at, judge = site(tmp_path, "s", years=True), tmp_path / "judge.py"
    maker = Maker(judge, sys.executable, tmp_path / "made")
    with pytest.raises(TheirsError, match="stands beside the judge"):
        maker.with_savings(at, 1)
    program = tmp_path / "inject_savings.py"
    program.write_text(SMALL_INJECTOR, "utf-8")
    out = maker.with_savings(at, 3)
    assert (out.name, (out / "seed").read_text()) == ("s-savings-3", "3")
    (out / "seed").write_text("as it was")
    assert (maker.with_savings(at, 3) / "seed").read_text() == "as it was"
    (at / "site.toml").write_text((at / "site.toml").read_text() + "# changed\n")
    assert (maker.with_savings(at, 3) / "seed").read_text() == "3"
    (out / "seed").write_text("as it was")
    program.write_text(SMALL_INJECTOR + "# changed\n", "utf-8")
    assert (maker.with_savings(at, 3) / "seed").read_text() == "3"


def test_main_meters_get_a_weather_each_or_one_for_all(tmp_path: Path) -> None:
    at = site(tmp_path, "s", years=True)
    rows = "".join(f"{m},{m},electricity,main,,,{w},,,,0\n" for m, w in (("m", "A"), ("s", "B")))
    (at / "meters.csv").write_text(HEAD + rows, "utf-8")
    stations = {"time": list(START[:3]) * 2, "station": ["A"] * 3 + ["B"] * 3, "outdoor_c": [1.0, 2, 3, 1, 2, 3]}
    pq.write_table(pa.table(stations), at / "weather.parquet")
    maker = Maker(tmp_path / "judge.py", "python", tmp_path / "made")
    own_weather, one = (read_site(maker.mains(at, one_station=each)) for each in (False, True))
    apart = own_weather.outdoor_c["W1"][:3] - own_weather.outdoor_c["W0"][:3]
    np.testing.assert_allclose(apart, 1e-6, rtol=1e-3)
    assert {m.station for m in own_weather.meters.values()} == {"W0", "W1"}
    assert {m.station for m in one.meters.values()} == set(one.outdoor_c) == {"W0"}


# peers' answers are kept


@pytest.mark.service
def test_a_peer_is_asked_once_and_again_when_the_site_has_changed(tmp_path: Path) -> None:
    at, out = site(tmp_path, "s", years=True), tmp_path / "out"
    assert not is_kept("hour-of-week", at, out)
    kept = answered("hour-of-week", at, out, sys.executable, budget=0.1)
    assert (kept.meters, kept.failed, kept.why) == (2, 0, "")
    written = (out / "scores.parquet").stat().st_mtime_ns
    answered("hour-of-week", at, out, "/no/such/python", budget=5.0)
    assert (out / "scores.parquet").stat().st_mtime_ns == written
    (at / "meters.csv").write_text((at / "meters.csv").read_text() + "\n")
    assert not is_kept("hour-of-week", at, out)
    again = answered("hour-of-week", at, out, "/no/such/python")
    assert "/no/such/python" in again.why
    assert not (out / ASKED).exists()


def test_without_being_asked_only_peers_that_are_kept_are_shown(own: Own, tmp_path: Path) -> None:
    for name in (*(f"years-savings-{s}" for s in SAVINGS_SEEDS), "years-faults-1"):
        made(own, name)
        for file in ("site.toml", "meters.csv", "energy.parquet"):
            (own.maker.out / name / file).symlink_to(own.kinds.yearly[0].folder / file)
    rivals = Rivals(own, tmp_path / "peers", "/no/such/python", Judge(tmp_path / "judge.py", "python"), ask=False)
    with crew(1) as hands:
        assert isinstance(hands, Crew)
        told = rivals.beside(hands)
    assert (told.verdicts, told.notes) == ({}, ())
