"""Every command helps with an example, and ends with an exit code that a script can use."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from submeter.__main__ import COMMANDS, roof


def every(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Groups as well."""
    yield words, command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), name)
            assert found is not None
            yield from every(found, (*words, name))


EVERY = dict(every(roof))
LEAVES = {words: command for words, command in EVERY.items() if not isinstance(command, click.Group)}


def submeter(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "submeter", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_a_command_helps_with_an_example(words: tuple[str, ...]) -> None:
    told = CliRunner().invoke(roof, [*words, "--help"])
    assert told.exit_code == 0
    assert "Example:" in told.output
    assert f"submeter {' '.join(words)}" in told.output


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_an_example_names_a_command_and_options_that_are_there(words: tuple[str, ...]) -> None:
    told = CliRunner().invoke(roof, [*words, "--help"]).output.partition("Example:")[2].partition("Options:")[0]
    shown = [call.split() for call in told.replace("&&", "\n").splitlines() if call.strip().startswith("submeter ")]
    assert shown
    for _, *rest in shown:
        named = max((known for known in EVERY if tuple(rest[: len(known)]) == known), key=len)
        assert named
        options = {name for each in EVERY[named].params for name in each.opts}
        assert {word for word in rest if word.startswith("-")} <= options


def test_the_list_of_commands_is_complete() -> None:
    told = CliRunner().invoke(roof, ["--help"])
    assert all(name in told.output for name in COMMANDS)


def test_the_shipped_configuration_is_in_order() -> None:
    told = submeter("config", "check", "--json")
    assert told.returncode == 0, told.stderr
    assert '"buildings": 13' in told.stdout


def test_a_broken_configuration_stops_the_start_with_file_and_remedy(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('[broker]\nport = "many"\n')
    for service in ("collector", "analytics", "web", "gateway"):
        told = submeter(service, "--settings", str(tmp_path / "settings.toml"))
        assert told.returncode == 3
        assert f"{tmp_path}/settings.toml" in told.stderr
        assert "$.broker.port" in told.stderr
        assert "Traceback" not in told.stderr


def test_wrong_usage_is_exit_code_2() -> None:
    assert submeter("config", "chekc").returncode == 2
    assert submeter("no-such-command").returncode == 2


def test_a_gateway_without_sources_says_what_to_do() -> None:
    told = submeter("gateway", "--id", "gw1", "--outbox", "/nonexistent/outbox.db")
    assert told.returncode in {1, 3}
    assert "--simulate" in told.stderr
    assert "Traceback" not in told.stderr


def test_secrets_are_random_private_and_never_overwritten(tmp_path: Path) -> None:
    first = submeter("secrets", "create", "--dir", str(tmp_path / "s"))
    files = sorted((tmp_path / "s").iterdir())
    assert first.returncode == 0
    assert files
    assert all(f.stat().st_mode & 0o077 == 0 for f in files)
    texts = [f.read_text() for f in files]
    assert len(set(texts)) == len(texts)
    submeter("secrets", "create", "--dir", str(tmp_path / "s"))
    assert [f.read_text() for f in files] == texts


def test_a_gateway_imports_no_scipy_no_store_library_and_no_web_server() -> None:
    code = (
        "import sys, submeter.roof.gateway\n"
        "heavy = {'scipy', 'influxdb_client', 'fastapi', 'starlette', 'uvicorn', 'nicegui', 'grafana_client'}\n"
        "print(sorted(heavy & {name.split('.')[0] for name in sys.modules}))\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "[]"


def test_what_cannot_be_read_or_written_is_said_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "utf16.toml").write_bytes(b"\xff\xfet\x00")
    told = [
        submeter("secrets", "create", "--dir", str(tmp_path / "file")),
        submeter("demo", "--dir", str(tmp_path / "file")),
        submeter("demo", "--dir", str(tmp_path / "d"), "--config", str(tmp_path / "nowhere")),
        submeter("config", "check", "--settings", str(tmp_path / "utf16.toml")),
    ]
    assert [t.returncode for t in told] == [1, 1, 1, 3]
    assert all(str(tmp_path) in t.stderr and "Traceback" not in t.stderr for t in told)


def test_a_secret_is_written_into_its_folder_and_nowhere_else(tmp_path: Path) -> None:
    told = submeter("secrets", "create", "--dir", str(tmp_path / "s"), "../out")
    assert told.returncode == 3
    assert not (tmp_path / "out").exists()


def test_the_score_of_a_demo_that_is_not_there_says_how_to_start_one(tmp_path: Path) -> None:
    told = submeter("demo", "--dir", str(tmp_path / "none"), "score")
    assert told.returncode == 3
    assert "start one with `submeter demo`" in told.stderr
