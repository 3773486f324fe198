"""A replay's folder belongs to one recording: the same goes on there, another is refused before anything is written."""

from pathlib import Path

import pytest

from submeter.roof.replay_folder import Replay, prepare
from submeter.words import ConfigError

EMBEDDED = {"url": "embedded:store.db"}


def write_csv(path: Path, *kwh: str) -> Path:
    rows = [f"2026-01-01T{hour:02}:00,{value},20" for hour, value in enumerate(kwh)]
    path.write_text("\n".join(["timestamp,main_kwh,temp_c", *rows]) + "\n")
    return path


def replay_of(csv: Path, **other: object) -> Replay:
    facts = {
        "csv": str(csv),
        "building": "b1",
        "name": "B",
        "zone": "UTC",
        "area_m2": 1.0,
        "columns": {"main": "main_kwh"},
    }
    return Replay(**{**facts, **other})  # type: ignore[arg-type]  # facts of several types


def test_the_same_recording_goes_on_also_under_another_name_from_another_place(tmp_path: Path) -> None:
    prepare(tmp_path / "r", replay_of(write_csv(tmp_path / "a.csv", "1", "2")), 1, 2, EMBEDDED, users=False)
    moved = write_csv(tmp_path / "moved.csv", "1", "2")
    prepare(tmp_path / "r", replay_of(moved, name="Office", area_m2=2.0), 3, 4, EMBEDDED, users=False)


@pytest.mark.parametrize("changed", ["digest", "columns", "zone", "store"])
def test_another_recording_in_the_folder_is_refused_and_the_first_one_stays(tmp_path: Path, changed: str) -> None:
    first = write_csv(tmp_path / "a.csv", "1", "2")
    prepare(tmp_path / "r", replay_of(first), 1, 2, EMBEDDED, users=False)
    before = (tmp_path / "r" / "replay.json").read_bytes()
    csv = write_csv(tmp_path / "b.csv", "7", "2") if changed == "digest" else first
    other = {"columns": {"main": "temp_c"}, "zone": "Asia/Shanghai"}
    second = replay_of(csv, **{changed: other[changed]} if changed in other else {})
    store = {"url": "memory:"} if changed == "store" else EMBEDDED

    with pytest.raises(ConfigError, match=rf"a\.csv, which was another \({changed}\); name another folder with --dir"):
        prepare(tmp_path / "r", second, 1, 2, store, users=False)

    assert (tmp_path / "r" / "replay.json").read_bytes() == before
