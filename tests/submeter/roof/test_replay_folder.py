"""A replay is refused before anything starts when its file or its options cannot be played."""

from pathlib import Path

import pytest

from submeter.roof.replay_folder import Replay, guess_columns, prepare
from submeter.words import ConfigError


def replay(csv: Path, building: str = "b", weather: dict[str, str] | None = None) -> Replay:
    return Replay(
        csv=str(csv), building=building, name="B", zone="Europe/Berlin", area_m2=100.0, columns={"main": "main_kwh"},
        weather=weather or {},
    )  # fmt: skip


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    rows = "".join(f"2025-01-01 {hour:02d}:00,5.0,1.5\n" for hour in range(24))
    (tmp_path / "b.csv").write_text(f"timestamp,main_kwh,temp_c\n{rows}")
    return tmp_path / "b.csv"


def test_a_file_with_semicolons_is_told_apart_from_one_without_energy(tmp_path: Path) -> None:
    (tmp_path / "de.csv").write_text("timestamp;main_kwh\n01.01.2025 00:00;5,31\n")
    with pytest.raises(ConfigError, match="separated by semicolons"):
        guess_columns(tmp_path / "de.csv")


def test_an_unknown_weather_quantity_is_refused_with_those_there_are(recorded: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--weather wind=temp_c.*outdoor_temperature"):
        prepare(tmp_path / "r", replay(recorded, weather={"wind": "temp_c"}), 1, 2, {}, users=False)


def test_a_building_whose_id_cannot_be_in_a_topic_is_refused(recorded: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="an id holds letters"):
        prepare(tmp_path / "r", replay(recorded, building="a b"), 1, 2, {}, users=False)
    assert prepare(tmp_path / "r", replay(recorded), 1, 2, {}, users=False) == ()
