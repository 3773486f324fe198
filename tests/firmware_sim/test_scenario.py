from pathlib import Path

import pytest

from firmware_sim.scenario import KINDS, load_scenario
from submeter.settings import config_folder
from submeter.words import ConfigError

DEMO = config_folder() / "scenarios" / "demo.toml"


def write(folder: Path, text: str) -> Path:
    path = folder / "s.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_shipped_scenario_is_read() -> None:
    for path in DEMO.parent.glob("*.toml"):
        assert load_scenario(path).seed


def test_the_demo_has_every_kind_some_of_them_open() -> None:
    scenario = load_scenario(DEMO)
    assert set(scenario.faults) == set(KINDS) - {"heating_cooling"}, "the demo has no meters of heat and cold"
    assert all(f.count >= 1 for f in scenario.faults.values())
    assert sum(f.open > 0 for f in scenario.faults.values()) >= 5
    assert len(scenario.retrofits) >= 2


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("seed = 'one'", r"seed"),
        ("sede = 1", r"sede"),
        ("[faults.stuk]\ncount = 1", r"stuk.*known are stuck"),
        ("[faults.stuck]\ncount = 1\ndays = [5, 2]", r"stuck: .*rising"),
        ("[faults.stuck]\nopen = 2.0", r"stuck\.open is 2\.0"),
        ("[[retrofits]]\nmeasure = 'm'\npoint = 'p'\nsaving = 35.0", r"saving 35"),
        ("seed = ", r"s\.toml"),
    ],
)
def test_a_wrong_scenario_is_refused_with_file_and_field(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        load_scenario(write(tmp_path, text))
    assert "s.toml" in str(caught.value)


def test_an_absent_scenario_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml"):
        load_scenario(tmp_path / "none.toml")
