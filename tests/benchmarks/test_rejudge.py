"""A judge's process: pooled sites, drawn buildings under names of their own. The judge here is a small one of ours."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.asking import Judge, Verdict
from benchmarks.site import write_hours
from benchmarks.spread import drawn
from submeter.words import TheirsError

START = np.arange("2022-12-31T00", "2024-01-02T00", dtype="datetime64[h]").astype("datetime64[s]")
METERS = {"A": ("a1", "a2"), "B": ("b",), "C": ("c",), "D": ("d",), "E": ("e",)}
LEVEL = {"a1": 1.0, "a2": 2.0, "b": 3.0, "c": 4.0, "d": 5.0, "e": 6.0, "sub": 100.0}
SMALL_JUDGE = """
import pandas as pd
def judge_predictions(folder, site, answers):
    energy, told = (pd.read_parquet(f) for f in (folder / "energy.parquet", answers / "predictions.parquet"))
    meters = pd.read_csv(folder / "meters.csv").set_index("meter")
    return {"mean": energy.mean().mean(), "off": (told - energy).mean().mean(), "meters": sorted(energy.columns),
            "hours": len(energy), "year": site["test"], "buildings": meters.building.nunique()}
def judge_anomalies(folder, site, answers):
    events = pd.read_csv(folder / "faults" / "events.csv")
    told = pd.read_csv(answers / "episodes.csv")
    return {"events": sorted(events.meter), "told": sorted(told.meter)}
"""


@pytest.fixture(scope="module")
def python() -> str:
    """An interpreter that has pandas, as a judge needs."""
    named = os.environ.get("SUBMETER_JUDGE_PYTHON", sys.executable)
    if subprocess.run([named, "-c", "import pandas, pyarrow"], capture_output=True, check=False).returncode:
        pytest.skip("no pandas for a judge: SUBMETER_JUDGE_PYTHON names an interpreter that has the extra 'judge'")
    return named


@pytest.fixture
def judge(tmp_path: Path, python: str) -> Judge:
    file = tmp_path / "small_judge.py"
    file.write_text(SMALL_JUDGE, "utf-8")
    return Judge(file, python)


def pool(folder: Path, scale: float = 1.0) -> tuple[Path, Path]:
    """A site and answers that are one kilowatt-hour too high; of meter a1 there is an event and an episode."""
    site, answers = folder / "site", folder / "answers"
    (site / "faults").mkdir(parents=True)
    answers.mkdir()
    (site / "site.toml").write_text('name = "s"\ntimezone = "UTC"\ntrain = 2022\ntest = 2023\n', "utf-8")
    rows = [f"{m},{b},electricity,main" for b, meters in METERS.items() for m in meters] + ["sub,A,electricity,sub"]
    (site / "meters.csv").write_text("\n".join(["meter,building,medium,role", *rows]) + "\n", "utf-8")
    energy = {m: np.full(len(START), scale * level) for m, level in LEVEL.items()}
    write_hours(site / "energy.parquet", START, energy)
    write_hours(site / "faults" / "energy.parquet", START, {m: e for m, e in energy.items() if m != "sub"})
    (site / "faults" / "events.csv").write_text("event,meter\n0,a1\n1,b\n", "utf-8")
    write_hours(answers / "predictions.parquet", START, {m: e + 1 for m, e in energy.items()})
    (answers / "episodes.csv").write_text("meter,kind\na1,stuck\n", "utf-8")
    return site, answers


@pytest.mark.service
def test_a_draw_is_scored_as_if_its_buildings_were_the_site(judge: Judge, tmp_path: Path) -> None:
    told = judge.ask("predictions", {"": pool(tmp_path)}, range(3))
    assert told.whole["meters"] == ["a1", "a2", "b", "c", "d", "e"]  # mains alone
    assert told.whole["hours"] == 366 * 24  # train and test year; 2024 is cut off
    assert told.number("mean") == 3.5
    for number, draw in enumerate(told.draws):
        picked = drawn(METERS, number)
        assert draw["meters"] == sorted(f"{turn}:{meter}" for turn, meter in picked)
        assert draw["mean"] == pytest.approx(np.mean([LEVEL[meter] for _, meter in picked]))
        assert draw["off"] == pytest.approx(1)
    assert told.spread("mean") is not None


@pytest.mark.service
def test_several_sites_are_one_and_a_building_is_drawn_in_all_of_them_or_in_none(judge: Judge, tmp_path: Path) -> None:
    pools = {"1:": pool(tmp_path / "one"), "2:": pool(tmp_path / "two", 3.0)}
    told = judge.ask("predictions", pools, range(2))
    assert told.number("mean") == pytest.approx(3.5 * 2)
    for draw in told.draws:
        names = [m.split(":") for m in draw["meters"]]
        assert sorted((t, m) for t, p, m in names if p == "1") == sorted((t, m) for t, p, m in names if p == "2")


@pytest.mark.service
def test_events_and_episodes_follow_their_meter(judge: Judge, tmp_path: Path) -> None:
    told = judge.ask("anomalies", {"": pool(tmp_path)}, [0])
    assert (told.whole["events"], told.whole["told"]) == (["a1", "b"], ["a1"])
    names = [f"{turn}:{meter}" for turn, meter in drawn(METERS, 0)]
    assert told.draws[0]["events"] == sorted(n for n in names if n.endswith((":a1", ":b")))
    assert told.draws[0]["told"] == sorted(n for n in names if n.endswith(":a1"))


@pytest.mark.service
def test_a_judge_that_fails_is_quoted(judge: Judge, tmp_path: Path) -> None:
    with pytest.raises(TheirsError, match="has no attribute 'judge_savings'"):
        judge.ask("savings", {"": pool(tmp_path)})


def test_what_a_verdict_does_not_say_is_no_number() -> None:
    told = Verdict(json.loads('{"a": {"b": 2, "c": null}}'), [{"a": {"b": k}} for k in range(101)])
    assert told.number("a.b") == 2
    assert all(np.isnan(told.number(key)) for key in ("a.c", "a.d", "x.y"))
    assert told.spread("a.b") == (5, 95)
    assert told.spread("x") is None
