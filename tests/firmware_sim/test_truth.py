from pathlib import Path

import pytest

from firmware_sim.truth import Episode, Retrofitted, Truth, read_truth, write_truth
from submeter.words import ConfigError


def test_what_was_written_is_read_back_the_same(tmp_path: Path) -> None:
    truth = Truth(
        seed=1, start_ms=0, now_ms=9,
        faults=[Episode(kind="phase_loss", point="B/x", start_ms=1, end_ms=None, kwh=-1.5, flow_kwh=9, size=2 / 3,
                        spells=[(1, 2)])],
        retrofits=[Retrofitted(measure="m", points=["B/x"], start_ms=3, share=0.2, kwh=4, months={"2026-01": 4})],
        annual={"B/x": 12.5},
    )  # fmt: skip
    write_truth(tmp_path / "truth.json", truth)
    assert read_truth(tmp_path / "truth.json") == truth


def test_no_truth_is_said_with_the_files_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"truth\.json"):
        read_truth(tmp_path / "truth.json")
    (tmp_path / "truth.json").write_text("{}")
    with pytest.raises(ConfigError, match="not a truth file"):
        read_truth(tmp_path / "truth.json")
