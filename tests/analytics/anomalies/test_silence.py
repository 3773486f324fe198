import numpy as np

from analytics.anomalies.silence import overruled_meters, silent_meters, stuck_meters

N = 24 * 60
LOAD = np.where((np.arange(N) % 24 >= 8) & (np.arange(N) % 24 < 18), 10.0, 2.0)
NONE = np.full(N, np.nan)


def unread(*spans: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(N, bool)
    for a, b in spans:
        mask[a:b] = True
    return mask


def test_ten_hours_of_silence_are_missing_and_three_are_not() -> None:
    found = silent_meters({"B/a": unread((100, 110), (200, 203)), "B/b": unread()}, N, {"B/a": LOAD}, "B/main")
    assert [(e.point, e.kind, e.begin, e.end, e.amount) for e in found] == [("B/a", "missing", 100, 110, 0.0)]
    assert found[0].evidence == {"hours": 10.0, "expected_kwh": float(LOAD[100:110].sum())}


def test_a_meter_silent_to_the_end_for_a_fortnight_is_lost() -> None:
    found = silent_meters({"B/a": unread((N - 400, N)), "B/b": unread()}, N, {"B/a": LOAD}, "B/main")
    assert [(e.kind, e.amount) for e in found] == [("lost_submeter", -float(LOAD[N - 400 :].sum()))]


def test_silence_to_the_end_of_a_few_days_is_only_missing() -> None:
    found = silent_meters({"B/a": unread((N - 100, N)), "B/b": unread()}, N, {}, "B/main")
    assert [(e.kind, e.evidence) for e in found] == [("missing", {"hours": 100.0})]


def test_a_building_that_falls_silent_is_told_once() -> None:
    gone = unread((100, 150))
    found = silent_meters({f"B/{i}": gone for i in range(5)}, N, {}, "B/main")
    assert [(e.point, e.evidence["meters"]) for e in found] == [("B/main", 5.0)]


def test_a_stuck_register_loses_what_would_be_usual() -> None:
    energy = LOAD.copy()
    energy[500:560] = 0
    (found,) = stuck_meters("B/a", energy, NONE, LOAD, None)
    assert (found.begin, found.end, found.amount) == (500, 560, -float(LOAD[500:560].sum()))
    assert found.evidence["caught_up"] == 0


def test_a_jump_afterwards_makes_good() -> None:
    energy, suspect = LOAD.copy(), NONE.copy()
    energy[500:560] = 0
    energy[560], suspect[560] = np.nan, LOAD[500:561].sum()
    (found,) = stuck_meters("B/a", energy, suspect, LOAD, None)
    assert (found.amount, found.evidence["caught_up"]) == (0.0, 1.0)
    assert found.covers(N)[560]


def test_a_load_that_is_really_off_leaves_the_balance_alone() -> None:
    energy = LOAD.copy()
    energy[500:560] = 0
    assert stuck_meters("B/a", energy, NONE, LOAD, np.zeros(N)) == []
    flowed = np.zeros(N)
    flowed[500:560] = LOAD[500:560]
    assert len(stuck_meters("B/a", energy, NONE, LOAD, flowed)) == 1


def test_zeros_at_night_are_normal_where_nights_are_zero() -> None:
    dark = np.where(LOAD > 5, LOAD, 0.0)
    assert stuck_meters("B/a", dark, NONE, np.maximum(dark, 0.1), None) == []


def test_heat_that_is_out_of_season_does_not_stand_still() -> None:
    heat = np.where(np.arange(N) < N // 2, LOAD, 0.0)
    expected = np.where(np.arange(N) < N // 2, LOAD, np.where(LOAD > 5, 1.2, 0.0))  # a model that keeps a little
    assert stuck_meters("B/heat", heat, NONE, expected, None) == []
    assert len(stuck_meters("B/heat", heat, NONE, LOAD, None)) == 1


def test_a_load_that_is_often_off_for_days_does_not_stand_still() -> None:
    pool = LOAD.copy()
    for begin in (200, 500, 800, 1100):
        pool[begin : begin + 60] = 0.0
    assert stuck_meters("B/pool", pool, NONE, LOAD, None) == []
    assert len(stuck_meters("B/pool", pool, NONE, LOAD, np.where(pool == 0, LOAD, 0.0))) == 4


def boiler() -> np.ndarray:
    """In reserve: off for two days in every six."""
    return np.where(np.arange(N) // 24 % 6 < 2, 0.0, LOAD)


def test_a_load_that_goes_on_and_off_does_not_stand_still_while_its_parent_is_as_restless_as_ever() -> None:
    energy = boiler()
    energy[432 : 432 + 96] = 0.0  # twice as long as usual
    restless = np.where(np.arange(N) // 96 % 2, 20.0, -20.0)
    restless[432 : 432 + 96] = LOAD[432 : 432 + 96]
    assert stuck_meters("B/boiler", energy, NONE, LOAD, None) == []
    assert stuck_meters("B/boiler", energy, NONE, LOAD, restless) == []


def test_a_load_that_goes_on_and_off_stands_still_where_the_balance_is_clear_and_that_is_no_fact() -> None:
    energy, flowed = boiler(), np.zeros(N)
    energy[432 : 432 + 96], flowed[432 : 432 + 96] = 0.0, LOAD[432 : 432 + 96]
    (found,) = stuck_meters("B/boiler", energy, NONE, LOAD, flowed)
    assert (found.begin, found.end, found.fact, found.confidence) == (432, 528, False, 0.8)
    (steady,) = stuck_meters("B/light", np.where(flowed > 0, 0.0, LOAD), NONE, LOAD, flowed)
    assert (steady.fact, steady.confidence) == (True, 0.95)


def test_a_load_that_goes_on_and_off_and_is_off_far_longer_than_ever_is_told_without_a_balance() -> None:
    energy = boiler()
    energy[N - 24 * 7 :] = 0.0
    (found,) = stuck_meters("B/boiler", energy, NONE, LOAD, None)
    assert (found.end, found.fact) == (N, False)


def test_a_meter_at_zero_above_meters_that_count_stands_still_whatever_it_has_shown_before() -> None:
    below = np.full(200, 3.0)
    for energy in (np.where(np.arange(200) >= 100, 0.0, 3.1), np.where(np.arange(200) >= 100, 0.0, np.nan)):
        (found,) = overruled_meters("main", energy, below)
        assert (found.kind, found.begin, found.end, found.amount, found.fact) == ("stuck", 100, 200, -300.0, True)
        assert found.evidence == {"hours": 100.0, "expected_kwh": 300.0, "caught_up": 0.0}


def test_a_register_that_jumps_to_where_it_should_be_has_lost_nothing() -> None:
    energy = np.full(200, 3.1)
    energy[100:150], energy[150] = 0.0, 158.1
    (found,) = overruled_meters("main", energy, np.full(200, 3.0))
    assert (found.amount, found.evidence["caught_up"]) == (0.0, 1.0)


def test_zeros_of_a_roofs_noon_and_of_coarse_registers_are_no_standstill() -> None:
    hour = np.arange(240)
    noon = np.where((hour % 24 >= 9) & (hour % 24 < 16), 0.0, 3.0)
    coarse = np.where(hour % 100 == 99, 100.0, 0.0)
    for energy in (noon, coarse):
        assert overruled_meters("main", energy, np.full(240, 1.0)) == []
