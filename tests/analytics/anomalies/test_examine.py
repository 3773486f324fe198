"""A small building by hand: a main meter above lights, sockets and HVAC, with each fault in turn."""

from functools import lru_cache

import numpy as np
import pytest

from analytics.anomalies import EVIDENCE, Episode, Examination, examine
from analytics.anomalies.examine import Excursions
from analytics.anomalies.registers import Backwards, Glitch
from analytics.design import Design, design
from analytics.hours import Hours
from submeter.words import Building, Point

START = np.arange("2024-12-31T16", "2025-12-31T16", dtype="datetime64[h]").astype("datetime64[s]")
N = len(START)
AT = np.arange(N)
OUTDOOR = 17 + 11 * np.sin(2 * np.pi * (AT / 8760 - 0.3)) + 4 * np.sin(2 * np.pi * (AT - 8) / 24)
OUTDOOR += 0.45 * np.convolve(np.random.default_rng(9).normal(0, 1, N + 400), np.exp(-np.arange(400) / 60), "valid")[:N]
BUILDING = Building(id="B", name="B", type="office", zone="Asia/Shanghai", country="CN", area_m2=1000)
POINTS = (
    Point(id="B/main", name="main"),
    Point(id="B/light", name="light", item="01A10", parent="B/main"),
    Point(id="B/socket", name="socket", item="01D10", parent="B/main"),
    Point(id="B/hvac", name="hvac", item="01B20", parent="B/main"),
)
BEGIN, END = 5000, 5000 + 24 * 20


@lru_cache
def on() -> Design:
    return design(START, zone=BUILDING.zone, country="CN", outdoor_c=OUTDOOR)


def flows(seed: int = 1) -> dict[str, np.ndarray]:
    """True hourly energy of the three circuits."""
    rng, day = np.random.default_rng(seed), on().working & (on().hour >= 8) & (on().hour < 19)
    out = {
        "B/light": 4 + 40 * day,
        "B/socket": 20.0 + 5 * day,
        "B/hvac": 2 + day * (15 + 2.0 * np.maximum(OUTDOOR - 20, 0) + 1.0 * np.maximum(10 - OUTDOOR, 0)),
    }
    daily = {p: rng.normal(1, 0.02, N // 24 + 1)[AT // 24] for p in out}
    return {p: load * daily[p] * rng.normal(1, 0.04, N) for p, load in out.items()}


def look(
    true: dict[str, np.ndarray], counted: dict[str, np.ndarray] | None = None, **excursions: Excursions
) -> Examination:
    """Examine: ``true`` energy makes the main meter, ``counted`` is what faulty meters show instead (NaN = unread)."""
    measured = {"B/main": 1.01 * np.sum(list(true.values()), axis=0)} | true | (counted or {})
    hours = Hours(
        BUILDING, POINTS, START, N, measured, measured, {p: np.full(N, np.nan) for p in measured},
        {p: np.isnan(e) for p, e in measured.items()}, dict.fromkeys(measured, N), OUTDOOR,
    )  # fmt: skip
    return examine(hours, lambda _: on(), {f"B/{p}": e for p, e in excursions.items()})


def only(examined: Examination) -> Episode:
    assert len(examined.episodes) == 1, [(e.kind, e.point) for e in examined.episodes]
    return examined.episodes[0]


def inside(factor: float) -> np.ndarray:
    return np.where((AT >= BEGIN) & (AT < END), factor, 1.0)


@pytest.mark.parametrize("seed", range(3))
def test_a_building_without_faults_has_no_findings(seed: int) -> None:
    examined = look(flows(seed))
    assert examined.episodes == ()
    assert all(m.cvrmse < 0.12 for m in examined.models.values())


@pytest.mark.parametrize(("gain", "kind"), [(2 / 3, "phase_loss"), (1 / 3, "reversed_ct")])
@pytest.mark.parametrize("point", ["B/light", "B/socket", "B/hvac"])
def test_a_meter_that_counts_a_share_is_told_by_its_parents_balance(gain: float, kind: str, point: str) -> None:
    true = flows()
    found = only(look(true, {point: true[point] * inside(gain)}))
    assert (found.kind, found.point) == (kind, point)
    assert abs(found.begin - BEGIN) <= 24
    assert abs(found.end - END) <= 24
    assert found.amount == pytest.approx((gain - 1) * true[point][BEGIN:END].sum(), rel=0.15)
    assert found.evidence["share"] == pytest.approx(gain, abs=0.06)


@pytest.mark.parametrize("first", [0, BEGIN])
def test_a_main_at_zero_above_circuits_that_count_is_told_even_if_it_never_counted(first: int) -> None:
    true = flows()
    below = np.sum(list(true.values()), axis=0)
    examined = look(true, {"B/main": np.where(first <= AT, 0.0, 1.01 * below)})
    (found,) = (e for e in examined.episodes if e.point == "B/main")
    assert (found.kind, found.begin, found.end, found.fact) == ("stuck", first, N, True)
    assert found.amount == pytest.approx(-below[first:].sum())
    assert [e.kind for e in examined.episodes] == ["stuck"]
    assert examined.spoilt["B/main"][first:].all()


def test_a_load_that_falls_to_two_thirds_is_no_lost_phase() -> None:
    true = flows()
    true["B/light"] = true["B/light"] * inside(2 / 3)
    assert [e.kind for e in look(true).episodes] == []


def test_a_gain_that_creeps_away_is_drift() -> None:
    true = flows()
    ramp = 1 + 0.3 * np.clip((AT - 4800) / (24 * 120), 0, 1)
    found = only(look(true, {"B/light": true["B/light"] * ramp}))
    assert (found.kind, found.point, found.end) == ("drift", "B/light", pytest.approx(N, abs=48))
    assert found.evidence["share"] == pytest.approx(0.3, abs=0.08)


def test_lights_left_on_are_told_of_the_circuit_and_not_of_the_main() -> None:
    true = flows()
    normal = true["B/light"].copy()
    true["B/light"] = np.where((AT >= BEGIN) & (AT < END), np.maximum(normal, 30), normal)
    found = only(look(true))
    assert (found.kind, found.point) == ("night_on", "B/light")
    assert found.amount == pytest.approx((true["B/light"] - normal).sum(), rel=0.1)
    assert found.evidence["night_kw"] == pytest.approx(30, rel=0.1)


def test_hvac_that_never_stops_is_a_broken_schedule() -> None:
    true = flows()
    normal = true["B/hvac"].copy()
    true["B/hvac"] = np.where((AT >= BEGIN) & (AT < END), np.maximum(normal, 25), normal)
    found = only(look(true))
    assert (found.kind, found.point) == ("schedule", "B/hvac")


def test_a_timetable_five_hours_late_is_a_broken_schedule() -> None:
    true = flows()
    late = np.roll(true["B/hvac"], 5)
    true["B/hvac"] = np.where((AT >= BEGIN) & (AT < END), late, true["B/hvac"])
    found = only(look(true))
    assert (found.kind, found.point) == ("schedule", "B/hvac")
    assert 4 <= found.evidence["shift_h"] <= 6


def test_a_new_load_around_the_clock_is_a_step() -> None:
    true = flows()
    true["B/socket"] = true["B/socket"] + np.where(AT >= 6500, 10.0, 0.0)
    found = only(look(true))
    assert (found.kind, found.point) == ("base_step", "B/socket")
    assert abs(found.begin - 6500) <= 24
    assert found.evidence["step_kw"] == pytest.approx(10, rel=0.15)


def test_a_main_meter_that_shows_one_value_for_two_days_is_frozen_though_its_children_go_on() -> None:
    true = flows()
    main = 1.01 * np.sum(list(true.values()), axis=0)
    main[BEGIN : BEGIN + 48] = main[BEGIN]
    found = only(look(true, {"B/main": main}))
    assert (found.kind, found.point, found.begin, found.end) == ("frozen", "B/main", BEGIN, BEGIN + 48)


def test_a_stuck_meter_is_told_and_its_hours_kept_out_of_the_model() -> None:
    true = flows()
    examined = look(true, {"B/light": true["B/light"] * inside(0.0)})
    found = only(examined)
    assert (found.kind, found.point, found.begin, found.end) == ("stuck", "B/light", BEGIN, END)
    assert np.isnan(examined.clean["B/light"][BEGIN:END]).all()
    assert examined.spoilt["B/light"][BEGIN:END].all()


def test_a_circuit_that_is_switched_off_is_not_stuck() -> None:
    true = flows()
    true["B/light"] = true["B/light"] * np.where((AT >= BEGIN) & (AT < BEGIN + 60), 0.0, 1.0)
    assert "stuck" not in [e.kind for e in look(true).episodes]


def test_a_sub_meter_that_is_gone_is_lost_and_no_saving() -> None:
    true = flows()
    gone = np.where(AT >= N - 24 * 20, np.nan, true["B/socket"])
    found = only(look(true, {"B/socket": gone}))
    assert (found.kind, found.point) == ("lost_submeter", "B/socket")
    assert found.amount == pytest.approx(-true["B/socket"][N - 480 :].sum(), rel=0.03)


def test_what_a_register_takes_back_and_a_register_that_runs_backwards() -> None:
    true = flows()
    ms = START.astype(np.int64) * 1000
    glitch = Glitch(int(ms[100]), int(ms[100]), 1, 5_000_000)
    down = Backwards(int(ms[BEGIN]), int(ms[END]), 1_000_000_000)
    unread = np.where((AT >= BEGIN) & (AT < END), np.nan, true["B/light"])
    examined = look(true, {"B/light": unread}, light=Excursions((glitch,), (down,), 2.0))
    spike, reverse = examined.episodes
    assert (spike.kind, spike.begin, spike.evidence["jump_kwh"], spike.amount) == ("spike", 100, 10.0, 0.0)
    assert (reverse.kind, reverse.begin, reverse.end) == ("reversed_ct", BEGIN, END)
    assert reverse.amount == pytest.approx(-2000 - true["B/light"][BEGIN:END].sum(), rel=0.05)


def test_evidence_has_no_key_that_is_not_written_down() -> None:
    true = flows()
    true["B/socket"] = true["B/socket"] + np.where(AT >= 6500, 10.0, 0.0)
    for episode in look(true, {"B/light": true["B/light"] * inside(1 / 3)}).episodes:
        assert set(episode.evidence) <= set(EVIDENCE[episode.kind])


def look_briefly(counted: dict[str, np.ndarray], begin: int, days: int) -> Examination:
    """Examine a record that is only some days long."""
    rows = slice(begin, begin + 24 * days)
    measured = {p: e[rows] for p, e in ({"B/main": 1.01 * np.sum(list(flows().values()), axis=0)} | counted).items()}
    n = 24 * days
    hours = Hours(
        BUILDING, POINTS, START[rows], n, measured, measured, {p: np.full(n, np.nan) for p in measured},
        {p: np.isnan(e) for p, e in measured.items()}, dict.fromkeys(measured, n), OUTDOOR[rows],
    )  # fmt: skip
    short = on().rows((begin <= AT) & (begin + n > AT))
    return examine(hours, lambda _: short, {})


@pytest.mark.parametrize("days", [26, 29])
def test_a_meter_that_stood_still_for_much_of_a_short_record_is_told_and_has_no_model(days: int) -> None:
    true = flows()
    still = np.where((AT >= 4120) & (AT < 4360), 0.0, true["B/light"])
    examined = look_briefly(true | {"B/light": still}, 4000, days)
    assert [(e.kind, e.point) for e in examined.episodes] == [("stuck", "B/light")]
    assert examined.models["B/light"].refused == "few_hours"
    assert not examined.models["B/main"].refused


@pytest.mark.parametrize("days", [25, 26])
def test_nothing_is_said_of_a_load_when_too_little_is_left_to_compare_with(days: int) -> None:
    true = flows()
    on_at_night = true["B/light"] + np.where(2500 + 24 * (days - 6) <= AT, 40.0, 0.0)
    examined = look_briefly(true | {"B/light": on_at_night}, 2500, days)
    assert not [e for e in examined.episodes if e.point == "B/light"]
    assert not examined.models["B/light"].refused


@pytest.mark.parametrize("silent", ["B/light", "B/main"])
def test_the_share_that_is_counted_does_not_depend_on_hours_that_nobody_knows(silent: str) -> None:
    true = flows()
    shown = {"B/main": 1.01 * np.sum(list(true.values()), axis=0)} | {"B/light": true["B/light"] * inside(2 / 3)}
    shown[silent] = np.where((BEGIN + 24 * 9 <= AT) & (BEGIN + 24 * 14 > AT), np.nan, shown[silent])
    (found,) = (e for e in look(true, shown).episodes if e.kind == "phase_loss")
    assert found.evidence["share"] == pytest.approx(2 / 3, abs=0.02)
    assert found.amount == pytest.approx(-true["B/light"][BEGIN:END].sum() / 3, rel=0.12)
