from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs

from analytics.anomalies.episode import Episode
from analytics.anomalies.telling import ENOUGH_MS, GRACE_MS, findings_of, followed
from analytics.hours import Hours
from submeter.words import Building, Finding, FindingState, Medium, Point, Portfolio, Price

START = np.arange("2026-01-01", "2026-02-01", dtype="datetime64[h]").astype("datetime64[s]")
N = len(START)
BUILDING = Building(id="B", name="B", zone="Asia/Shanghai", area_m2=1, type="office", price="p")
POINTS = (
    Point(id="B/light", name="light"),
    Point(id="B/water", name="water", medium=Medium.WATER, quantity="volume"),
)
PORTFOLIO = Portfolio(
    tenant="t", buildings={"B": BUILDING}, points={p.id: p for p in POINTS}, devices={}, stations={}, gateways={},
    measures={}, prices=(Price(name="p", medium="electricity", since="2020-01-01", yuan_per_unit=0.5),),
)  # fmt: skip
HOURS = Hours(BUILDING, POINTS, START, N, {}, {}, {}, {}, {p.id: N for p in POINTS}, None)
NOW = 1_800_000_000_000


def tell(*episodes: Episode) -> list[Finding]:
    return findings_of(episodes, HOURS, PORTFOLIO, NOW)


def test_a_load_fault_costs_money_and_a_meter_fault_does_not() -> None:
    night, stuck = tell(
        Episode("B/light", "night_on", 100, 340, 0.9, 1000.0, {"nights": 10.0}),
        Episode("B/light", "stuck", 400, 410, 0.9, -50.0),
    )
    assert night.yuan_month == pytest.approx(1000 / 10 * 30.44 * 0.5)
    assert (night.kwh, night.evidence, stuck.kwh, stuck.yuan_month) == (1000.0, {"nights": 10.0}, -50.0, None)
    assert night.id == "B/light@night_on@2026-01-05"
    assert (night.start_ms, night.end_ms) == tuple(int(START[i].astype(np.int64)) * 1000 for i in (100, 340))


def test_what_lasts_to_within_two_days_of_the_end_is_open() -> None:
    states = [f.state for f in tell(*(Episode("B/light", "stuck", 10, end, 0.9, 0.0) for end in (N - 49, N - 48, N)))]
    assert states == [FindingState.CLOSED, FindingState.OPEN, FindingState.OPEN]


def test_water_is_told_in_cubic_metres() -> None:
    (leak,) = tell(Episode("B/water", "base_step", 10, 200, 0.9, 12.0, {"step_kw": 0.1, "expected_kwh": 5.0}))
    assert leak.kwh is None
    assert leak.evidence == {"step_m3h": 0.1, "expected_m3": 5.0, "amount_m3": 12.0}


def test_a_finding_told_before_keeps_its_id_and_the_time_it_was_told() -> None:
    before = tell(Episode("B/light", "stuck", 100, 200, 0.9, -5.0))
    later = findings_of([Episode("B/light", "stuck", 60, 220, 0.9, -6.0)], HOURS, PORTFOLIO, NOW + 1)
    (kept,) = followed(later, before, NOW + 1, 0)
    assert (kept.id, kept.first_told_ms, kept.last_seen_ms) == (before[0].id, NOW, NOW + 1)
    assert kept.kwh == -6.0


def test_what_is_found_no_more_is_withdrawn_once_and_stays() -> None:
    before = tell(Episode("B/light", "stuck", 100, 200, 0.9, -5.0))
    (gone,) = followed([], before, NOW + 1, 0)
    assert (gone.state, gone.withdrawn_ms) == (FindingState.WITHDRAWN, NOW + 1)
    assert followed([], [gone], NOW + 2, 0) == []


def test_what_lies_before_the_study_is_left_alone() -> None:
    before = tell(Episode("B/light", "stuck", 100, 200, 0.9, -5.0))
    assert followed([], before, NOW + 1, before[0].end_ms + 1) == []


def test_another_kind_at_the_same_time_is_another_finding() -> None:
    before = tell(Episode("B/light", "stuck", 100, 200, 0.9, -5.0))
    new = tell(Episode("B/light", "missing", 100, 200, 0.9, 0.0))
    assert [(f.kind, f.state) for f in followed(new, before, NOW, 0)] == [
        ("missing", FindingState.CLOSED), ("stuck", FindingState.WITHDRAWN),
    ]  # fmt: skip


def test_two_findings_of_one_day_have_ids_of_their_own_study_after_study() -> None:
    episodes = [Episode("B/light", "gross_error", begin, begin + 1, 0.9, 5.0) for begin in (100, 103, 107)]
    first = followed(tell(*episodes), [], NOW, 0)
    assert [f.id.partition("@gross_error@")[2] for f in first] == ["2026-01-05", "2026-01-05~2", "2026-01-05~3"]
    again = followed(tell(*episodes), first, NOW, 0)
    assert again == first
    fewer = followed(tell(*episodes[1:]), first, NOW, 0)
    assert [(f.id[-2:], f.state) for f in fewer] == [
        ("~2", FindingState.CLOSED), ("~3", FindingState.CLOSED), ("05", FindingState.WITHDRAWN),
    ]  # fmt: skip


def test_a_finding_is_dated_and_priced_by_the_local_day() -> None:
    # 1 January 16:00 UTC is midnight in Shanghai; a new price holds from 5 January, 4 January 16:00 UTC
    dear = Price(name="p", medium="electricity", since="2026-01-05", yuan_per_unit=5.0)
    portfolio = replace(PORTFOLIO, prices=(*PORTFOLIO.prices, dear))
    night, later = findings_of(
        [Episode("B/light", "night_on", 16, end, 0.9, 30.0) for end in (88, 90)], HOURS, portfolio, NOW
    )
    assert night.id == "B/light@night_on@2026-01-02"
    assert night.yuan_month == pytest.approx(30 / 3 * 30.44 * 0.5)
    assert later.yuan_month == pytest.approx(30 / (74 / 24) * 30.44 * 5.0)


# ── what was told live ────────────────────────────────────────────────────────────────────────────────────────────────


def live(kind: str, begin: int, told: int) -> Finding:
    """Told live after ``told`` hours about a beginning at row ``begin``."""
    (found,) = tell(Episode("B/light", kind, begin, told, 0.6, 100.0))
    return structs.replace(
        found, first_told_ms=found.end_ms, last_seen_ms=found.end_ms, first_kind=kind, confirmed=False
    )


def test_what_looking_back_finds_of_a_live_telling_keeps_its_id_and_time_and_says_as_what_it_was_told() -> None:
    told = live("base_step", 120, 180)
    (kept,) = followed(tell(Episode("B/light", "night_on", 100, 400, 0.95, 900.0)), [told], NOW, 0)
    assert (kept.id, kept.first_told_ms) == (told.id, told.first_told_ms)
    assert (kept.kind, kept.first_kind, kept.confirmed, kept.kwh) == ("night_on", "base_step", True, 900.0)
    assert kept.start_ms == int(START[100].astype(np.int64)) * 1000


def test_a_kind_that_was_refined_stays_the_same_finding_when_it_is_refined_back() -> None:
    told = live("base_step", 120, 180)
    (once,) = followed(tell(Episode("B/light", "night_on", 100, 400, 0.95, 900.0)), [told], NOW, 0)
    (again,) = followed(tell(Episode("B/light", "base_step", 100, 400, 0.95, 900.0)), [once], NOW + 1, 0)
    assert (again.id, again.kind, again.first_told_ms) == (told.id, "base_step", told.first_told_ms)


def test_a_live_telling_stays_until_looking_back_has_seen_enough_and_is_then_withdrawn_with_its_time() -> None:
    for kind, family in (("base_step", "lasting"), ("stuck", "sudden")):
        told = live(kind, 120, 180)
        enough = told.first_told_ms + ENOUGH_MS[family]
        assert followed([], [told], NOW, 0, enough - 1) == []
        (gone,) = followed([], [told], NOW, 0, enough)
        assert (gone.id, gone.state, gone.withdrawn_ms) == (told.id, FindingState.WITHDRAWN, NOW)
        assert (gone.first_kind, gone.start_ms, gone.end_ms) == (kind, told.start_ms, told.end_ms)


def test_what_live_still_sees_is_not_withdrawn_because_looking_back_is_blind_to_it() -> None:
    seen = structs.replace(live("base_step", 120, 180), last_seen_ms=NOW)
    assert followed([], [seen], NOW, 0, NOW + ENOUGH_MS["lasting"] - 1) == []


def test_what_was_once_confirmed_and_is_found_no_more_is_withdrawn_at_once() -> None:
    (confirmed,) = followed(
        tell(Episode("B/light", "base_step", 120, 400, 0.9, 9.0)), [live("base_step", 120, 180)], NOW, 0
    )
    (gone,) = followed([], [confirmed], NOW, 0, confirmed.first_told_ms)
    assert gone.state is FindingState.WITHDRAWN


def test_a_beginning_that_live_has_off_by_a_day_is_the_same_fault_and_one_of_another_family_is_not() -> None:
    told = live("base_step", 120, 130)
    late = Episode("B/light", "base_step", 130 + GRACE_MS // 3_600_000 - 1, 600, 0.9, 9.0)
    assert [f.id for f in followed(tell(late), [told], NOW, 0, told.end_ms)] == [told.id]
    sudden = Episode("B/light", "stuck", 120, 130, 0.9, -9.0)
    assert [f.kind for f in followed(tell(sudden), [told], NOW, 0, told.end_ms)] == ["stuck"]


def test_of_two_that_fit_a_live_telling_the_one_of_its_kind_has_it() -> None:
    told = live("base_step", 120, 180)
    night, step = (
        Episode("B/light", "night_on", 100, 300, 0.9, 9.0),
        Episode("B/light", "base_step", 110, 400, 0.9, 9.0),
    )
    found = {f.kind: f for f in followed(tell(night, step), [told], NOW, 0)}
    assert found["base_step"].id == told.id
    assert (found["night_on"].first_kind, found["night_on"].first_told_ms) == ("", NOW)


def test_a_holiday_costs_what_it_took_and_is_no_habit_of_a_month() -> None:
    (day, week) = tell(
        Episode("B/light", "holiday_on", 100, 110, 0.9, 300.0, {"days": 1.0}),
        Episode("B/light", "night_on", 200, 210, 0.9, 300.0, {"nights": 1.0}),
    )
    assert day.yuan_month == pytest.approx(300 * 0.5)
    assert week.yuan_month == pytest.approx(300 * 0.5 * 30.44)


def test_a_peak_costs_what_it_adds_to_a_months_demand_where_demand_has_a_price() -> None:
    peak = Episode("B/light", "peak_demand", 100, 102, 0.9, 40.0, {"peak_kw": 100.0, "usual_kw": 60.0, "top_kw": 75.0})
    over = replace(peak, begin=200, end=201, evidence={"peak_kw": 90.0, "usual_kw": 60.0, "contract_kw": 80.0})
    assert [f.yuan_month for f in tell(peak, over)] == [None, None]
    demand = Price(name="p", medium="demand", since="2020-01-01", yuan_per_unit=40.0)
    priced = replace(PORTFOLIO, prices=(*PORTFOLIO.prices, demand))
    costs = [f.yuan_month for f in findings_of([peak, over], HOURS, priced, NOW)]
    assert costs == [pytest.approx(25 * 40), pytest.approx(10 * 40)]
