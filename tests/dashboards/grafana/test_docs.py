"""docs/grafana.md: its table of boards is that of the code, and each command in it is understood."""

import re
import shlex
from pathlib import Path

import click
import pytest

from dashboards.grafana.boards import boards
from dashboards.grafana.panels import DATA_SOURCE_UID
from dashboards.grafana.queries import COMPLETE
from submeter.__main__ import roof
from submeter.settings import load_portfolio

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "grafana.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^(submeter .+)$|`(submeter [^`]+)`", PAGE, re.MULTILINE)


def test_the_table_lists_the_boards_in_order() -> None:
    listed = re.findall(r"^\| ([^|]+) \| `([\w-]+)` \|", PAGE, re.MULTILINE)

    assert listed == [(b.title, b.uid) for b in boards(load_portfolio(ROOT / "config" / "demo"))]


@pytest.mark.parametrize("line", [first or second for first, second in COMMANDS])
def test_a_command_is_understood(line: str) -> None:
    words = shlex.split(line)[1:]
    found: click.Command | None = roof
    while isinstance(found, click.Group):
        found = found.get_command(click.Context(found), words.pop(0))

    assert found is not None
    found.make_context(line, words)


def test_uid_and_limit_are_those_of_the_code() -> None:
    assert f"`{DATA_SOURCE_UID}`" in PAGE
    assert f"{COMPLETE:.0%}".replace("%", " %") in PAGE


def test_each_make_target_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    for target in re.findall(r"`make ([\w-]+)`", PAGE):
        assert f"\n{target}:" in makefile
