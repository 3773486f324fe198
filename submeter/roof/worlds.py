"""Opening a pretend world from its anchor and scenario; the same in every process that opens it."""

from pathlib import Path

import msgspec

from firmware_sim.scenario import load_scenario
from firmware_sim.world import World
from submeter.roof.demo_folder import QUARTER_MS, YEAR_MS, Anchor, read_anchor
from submeter.words import Portfolio


def open_world(anchor_file: Path, portfolio: Portfolio) -> World:
    """The world of an anchor file; its scenario lies beside it or is named by a path of its own."""
    anchor = read_anchor(anchor_file)
    scenario = load_scenario(anchor_file.parent / anchor.scenario)
    return World(portfolio, scenario, anchor.start_ms, anchor.now_ms)


def anchor_world(anchor_file: Path, scenario: Path, now_ms: int) -> None:
    """Pin a new world to now, unless it was pinned before."""
    if anchor_file.is_file():
        return
    now_ms -= now_ms % QUARTER_MS
    anchor = Anchor(scenario=str(scenario.resolve()), start_ms=now_ms - 2 * YEAR_MS, now_ms=now_ms)
    anchor_file.parent.mkdir(parents=True, exist_ok=True)
    anchor_file.write_bytes(msgspec.json.encode(anchor))
