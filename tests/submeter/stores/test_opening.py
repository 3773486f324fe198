"""Addresses of stores, good and bad."""

import socket
from pathlib import Path

import pytest

from submeter.stores import open_store
from submeter.stores.embedded import EmbeddedStore
from submeter.stores.memory import MemoryStore
from submeter.words import ConfigError, StoreAway


def test_the_scheme_chooses_the_store(tmp_path: Path) -> None:
    assert isinstance(open_store("memory:"), MemoryStore)
    assert isinstance(open_store(f"embedded:{tmp_path}/s.db"), EmbeddedStore)


@pytest.mark.parametrize(
    "url",
    ["", "embedded:", "memory:x", "duckdb:x", "influx1://host", "influx1://host/a/b", "influx2://host:8086/org",
     "influx1://host:port/db", "influx1:///db"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_with_the_forms_that_are(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is (not )?one of embedded:PATH, memory:"):
        open_store(url, state=str(tmp_path / "state.db"))


def test_an_influx_without_a_state_file_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"\[store\] state"):
        open_store("influx1://127.0.0.1:1/db")


@pytest.mark.parametrize("url", ["influx1://127.0.0.1:{port}/db", "influx2://127.0.0.1:{port}/org/bucket"])
def test_a_server_that_does_not_answer_is_a_store_that_is_away(url: str, tmp_path: Path) -> None:
    with socket.socket() as silent:  # bound but not listening
        silent.bind(("127.0.0.1", 0))
        with pytest.raises(StoreAway, match="check that the server runs"):
            open_store(url.format(port=silent.getsockname()[1]), state=str(tmp_path / "state.db"))
