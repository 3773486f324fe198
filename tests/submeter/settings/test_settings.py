"""Settings: strict, with every default; secrets only by file."""

from pathlib import Path

import pytest

from submeter.settings import load_settings
from submeter.settings.settings import broker_of, secret
from submeter.words import ConfigError


def test_an_empty_file_is_all_defaults(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("")
    settings = load_settings(tmp_path / "settings.toml")
    assert settings.web.host == "127.0.0.1", "nothing listens to the world by default"
    assert settings.store.url.startswith("embedded:")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[broker\nport = 1", "settings.toml"),
        ("[broker]\nport = 'many'", "Expected `int`, got `str` - at `$.broker.port`"),
        (
            "[analytics.alarms]\nper_meter_month = -1",
            "Expected `float` >= 0.0 - at `$.analytics.alarms.per_meter_month`",
        ),
        ("[broker]\nprot = 1", "unknown field `prot` - at `$.broker`"),
    ],
)
def test_a_fault_names_file_place_and_remedy(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as told:
        load_settings(file)
    assert says in str(told.value)
    assert "docs/settings.md" in str(told.value)


def test_a_missing_settings_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name a settings file with --settings"):
        load_settings(tmp_path / "none.toml")


def test_a_secret_is_read_from_its_file_and_a_missing_one_says_how_to_make_it(tmp_path: Path) -> None:
    (tmp_path / "mqtt").write_text("s3cret\n")
    (tmp_path / "settings.toml").write_text('[broker]\nuser = "gw1"\npassword_file = "mqtt"\n')
    settings = load_settings(tmp_path / "settings.toml")
    assert broker_of(settings.broker, tmp_path).password == "s3cret"
    with pytest.raises(ConfigError, match="submeter secrets"):
        secret("none", tmp_path)
