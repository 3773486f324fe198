"""The score of findings by hand: one day is 86,400,000 ms, now is day 100."""

import json

import msgspec
import pytest
from rich.console import Console

from firmware_sim.score import meet, score, to_table
from firmware_sim.truth import Episode, Retrofitted, Truth
from submeter.words import Finding, FindingState, Point, Saving

DAY = 86_400_000
POINTS = {
    p.id: p
    for p in (
        Point(id="B/main", name=""),
        Point(id="B/light", name="", parent="B/main"),
        Point(id="B/low", name="", parent="B/light"),
        Point(id="B/hvac", name="", parent="B/main"),
    )
}


def episode(kind: str, point: str, first: int, end: int | None, kwh: float = 100.0) -> Episode:
    return Episode(kind=kind, point=point, start_ms=first * DAY, end_ms=None if end is None else end * DAY, kwh=kwh,
                   flow_kwh=1000, size=1)  # fmt: skip


def finding(
    kind: str, point: str, first: int, end: int, kwh: float | None = None, state: FindingState = FindingState.CLOSED
) -> Finding:
    return Finding(id=f"{point}@{kind}@{first}", point=point, kind=kind, start_ms=first * DAY, end_ms=end * DAY,
                   state=state, confidence=1, kwh=kwh, first_told_ms=0, last_seen_ms=0)  # fmt: skip


def truth(*faults: Episode) -> Truth:
    saved = Retrofitted(measure="led", points=["B/light"], start_ms=0, share=0.3, kwh=500, months={})
    return Truth(seed=1, start_ms=0, now_ms=100 * DAY, faults=list(faults), retrofits=[saved], annual={})


@pytest.mark.parametrize(
    ("kind", "point", "first", "end", "meets"),
    [
        ("night_on", "B/low", 12, 13, True),
        ("night_on", "B/main", 12, 13, True),
        ("drift", "B/light", 12, 13, True),
        ("night_on", "B/hvac", 12, 13, False),
        ("night_on", "B/low", 21, 25, True),
        ("night_on", "B/low", 22, 25, False),
        ("night_on", "B/low", 5, 8, False),
    ],
)
def test_a_load_fault_is_met_along_its_chain_within_a_day(
    kind: str, point: str, first: int, end: int, meets: bool
) -> None:
    fault = episode("night_on", "B/low", 10, 20)
    assert meet(finding(kind, point, first, end), fault, 100 * DAY, POINTS) is meets


def test_a_meter_fault_is_met_at_its_own_meter_only() -> None:
    fault = episode("drift", "B/light", 10, None)
    assert meet(finding("drift", "B/light", 90, 99), fault, 100 * DAY, POINTS)
    assert not meet(finding("drift", "B/main", 90, 99), fault, 100 * DAY, POINTS)


def test_right_misnamed_and_false_are_told_apart() -> None:
    told = [
        finding("night_on", "B/low", 11, 19),
        finding("base_step", "B/main", 11, 19),
        finding("spike", "B/hvac", 50, 50),
        finding("stuck", "B/hvac", 60, 61, state=FindingState.WITHDRAWN),
    ]
    result = score(told, truth(episode("night_on", "B/low", 10, 20), episode("drift", "B/hvac", 70, None)), 8, POINTS)
    assert (result.right, result.misnamed, result.false) == (1, 1, 1)
    assert (result.kinds_found, result.kinds_there) == (1, 2)
    assert result.false_per_meter_month == 0.125
    assert [(f.point, f.kind) for f in result.false_alarms] == [("B/hvac", "spike")]


def test_energy_is_compared_at_the_episodes_own_meter() -> None:
    told = [
        finding("night_on", "B/low", 11, 14, 60),
        finding("night_on", "B/low", 15, 19, 30),
        finding("night_on", "B/main", 11, 19, 500),
    ]
    result = score(told, truth(episode("night_on", "B/low", 10, 20, kwh=100)), 1, POINTS)
    assert result.kwh_error == pytest.approx(0.1)


def test_signs_do_not_matter_and_episodes_without_energy_are_left_out() -> None:
    told = [finding("stuck", "B/hvac", 10, 12, 120), finding("missing", "B/light", 10, 12, 7)]
    result = score(told, truth(episode("stuck", "B/hvac", 10, 12, -100), episode("missing", "B/light", 10, 12, 0)), 1)
    assert result.kwh_error == pytest.approx(0.2)


def saving(low: float, high: float, refused: str = "") -> Saving:
    return Saving(id="led", building="B", measure="led", start_ms=0, end_ms=1, actual_kwh=1, expected_kwh=2,
                  avoided_kwh=(low + high) / 2, low_kwh=low, high_kwh=high, confidence=0.9, completeness=1, cvrmse=0.1,
                  nmbe=0.0, refused=refused)  # fmt: skip


@pytest.mark.parametrize(
    ("told", "inside"), [(saving(400, 600), True), (saving(510, 600), False), (saving(400, 600, "no baseline"), False)]
)
def test_a_saving_is_right_when_its_band_holds_the_truth(told: Saving, inside: bool) -> None:
    assert score([], truth(), 1, POINTS, [told]).savings[0].inside is inside


def test_nothing_told_is_nothing_found() -> None:
    result = score([], truth(episode("stuck", "B/hvac", 10, 12)), 0)
    assert (result.kinds_found, result.false_per_meter_month, result.kwh_error) == (0, 0.0, None)


def test_it_prints_as_a_table_and_as_json() -> None:
    result = score(
        [finding("stuck", "B/hvac", 10, 12, 90)], truth(episode("stuck", "B/hvac", 10, 12)), 4, POINTS, [saving(1, 2)]
    )
    console = Console(width=160, record=True, quiet=True)
    console.print(to_table(result))
    assert json.loads(msgspec.json.encode(result))["kinds"][0]["found"] == 1
    assert "1 of 1 kinds found" in str(to_table(result).title)
