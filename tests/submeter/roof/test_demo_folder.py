"""A demo's folder is made once, resumed by the version that made it, refused with a remedy by any other; and when the
past of a demo is over."""

from pathlib import Path

import msgspec
import pytest
from rich.progress import Progress

from submeter import __version__
from submeter.roof.demo import Start, progressed
from submeter.roof.demo_folder import Anchor, DemoFolder, read_anchor
from submeter.stores import open_store
from submeter.words import ConfigError, GatewayStatus

NOW_MS = 1_794_000_000_000


@pytest.fixture
def demo(tmp_path: Path) -> DemoFolder:
    made = DemoFolder(tmp_path / "demo")
    assert made.prepare(NOW_MS, None, 7), "it is new"
    return made


def test_a_demo_is_made_once_and_then_gone_on_with(demo: DemoFolder) -> None:
    before = {path: path.read_bytes() for path in demo.root.rglob("*") if path.is_file()}

    assert not demo.prepare(NOW_MS + 86_400_000, None, 8), "it is gone on with"

    assert {path: path.read_bytes() for path in demo.root.rglob("*") if path.is_file()} == before
    assert read_anchor(demo.world).program == __version__
    assert "seed = 7" in (demo.root / "scenario.toml").read_text()


@pytest.mark.parametrize(
    ("anchor", "said"),
    [
        (Anchor(program="0.0.1", start_ms=0, now_ms=1), "was made by submeter 0.0.1, this is .* remove that folder"),
        (Anchor(version=9, start_ms=0, now_ms=1), "is of version 9, this program writes 1; remove "),
    ],
    ids=["program", "format"],
)
def test_the_demo_of_another_version_is_refused_with_a_remedy(demo: DemoFolder, anchor: Anchor, said: str) -> None:
    demo.world.write_bytes(msgspec.json.encode(anchor))

    with pytest.raises(ConfigError, match=said):
        demo.prepare(NOW_MS, None, None)


def test_a_broken_anchor_is_named_with_its_remedy(demo: DemoFolder) -> None:
    demo.world.write_text("{")

    with pytest.raises(ConfigError, match=r"world\.json: .* remove the folder .*demo to begin anew"):
        demo.prepare(NOW_MS, None, None)


def test_the_past_is_over_when_every_gateway_has_said_so_since_the_start_whatever_their_names() -> None:
    store = open_store("memory:")
    store.touch([("PD01/main", 0, 1)])
    store.set_cursor("ledger", 1)
    start = Start(frozenset({"north", "south"}), 0.0, NOW_MS)
    done = GatewayStatus(id="north", building="PD01", told_ms=NOW_MS, waiting=0, oldest_ms=0, polls=1, errors=0)
    seen = []
    with Progress(disable=True) as progress:
        for status in (
            msgspec.structs.replace(done, id="collector", building=""),
            done,
            msgspec.structs.replace(done, id="south", told_ms=NOW_MS - 1),
            msgspec.structs.replace(done, id="south", backfill=0.5),
            msgspec.structs.replace(done, id="south", waiting=2),
            msgspec.structs.replace(done, id="south"),
        ):
            store.put(status)
            seen.append(progressed(store, progress, {}, start))
    assert seen == [False, False, False, False, False, True]
