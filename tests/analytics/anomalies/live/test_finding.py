"""From live tellings to findings: names, numbers, and what is no news."""

from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs

from analytics.anomalies.episode import EVIDENCE
from analytics.anomalies.live.days import KINDS
from analytics.anomalies.live.finding import LIVE_KIND, as_told, finding_of, seen_again
from analytics.anomalies.live.rules import RUNS
from analytics.anomalies.live.verdicts import Telling
from analytics.anomalies.live.watch import LONG
from analytics.anomalies.telling import ENOUGH_MS
from submeter.words import Building, Finding, FindingState, Measure, Medium, Point, Portfolio, Price, Quiet

BEGIN = np.datetime64("2026-03-02T16:00", "s")  # Tuesday's midnight in Shanghai
TOLD = BEGIN + np.timedelta64(48 * 3600, "s")
TOLD_MS = int(TOLD.astype(np.int64)) * 1000
DAY_MS = 86_400_000
PORTFOLIO = Portfolio(
    tenant="t",
    buildings={"B": Building(id="B", name="B", zone="Asia/Shanghai", area_m2=1, type="office", price="p")},
    points={
        "B/main": Point(id="B/main", name="main"),
        "B/hvac": Point(id="B/hvac", name="hvac", parent="B/main"),
        "B/fan": Point(id="B/fan", name="fan", parent="B/hvac"),
        "B/gas": Point(id="B/gas", name="gas", medium=Medium.GAS, quantity="volume"),
    },
    devices={}, stations={}, gateways={}, measures={},
    prices=(Price(name="p", medium="electricity", since="2020-01-01", yuan_per_unit=0.5),),
)  # fmt: skip


def telling(meter: str = "B/fan", kind: str = "level_up", actual: float = 150.0, usual: float = 100.0) -> Telling:
    return Telling(TOLD, meter, kind, BEGIN, 1.0, 0.73, 48, actual, usual)


def found(meter: str = "B/fan", kind: str = "level_up", newest_ms: int = TOLD_MS) -> Finding:
    return finding_of(telling(meter, kind), PORTFOLIO, newest_ms)


def stored(new: Finding, *told: Finding, portfolio: Portfolio = PORTFOLIO) -> list[Finding]:
    return as_told([new], told, portfolio)


@pytest.mark.parametrize("kind", [*RUNS, *LONG])
def test_every_kind_that_live_tells_has_a_name_and_evidence_that_the_product_knows(kind: str) -> None:
    assert kind in (*RUNS, *KINDS)
    told = found(kind=kind)
    assert told.kind == LIVE_KIND[kind]
    assert set(told.evidence) <= set(EVIDENCE[told.kind])
    assert told.evidence["expected_kwh"] == 100.0


def test_a_step_is_told_in_numbers_and_in_money() -> None:
    told = found()
    assert told.evidence == {
        "step_kw": pytest.approx(50 / 48, rel=1e-4), "share": 0.5, "actual_kwh": 150.0, "expected_kwh": 100.0,
    }  # fmt: skip
    assert (told.id, told.kwh, told.yuan_month) == ("B/fan@base_step@2026-03-03", 50.0, 50 / 2 * 30.44 * 0.5)
    assert (told.first_told_ms, told.last_seen_ms, told.first_kind, told.confirmed) == (
        TOLD_MS, TOLD_MS, "base_step", False,
    )  # fmt: skip


def test_what_studies_have_looked_past_and_not_found_is_not_told_afterwards() -> None:
    new = found()
    enough = TOLD_MS + ENOUGH_MS["lasting"]
    assert as_told([new], [], PORTFOLIO, enough) == []
    assert as_told([new], [], PORTFOLIO, enough - 1) == [new]
    by_study = structs.replace(new, first_told_ms=enough, first_kind="", confirmed=True)
    (one,) = as_told([new], [by_study], PORTFOLIO, enough)
    assert (one.id, one.confirmed, one.first_told_ms) == (new.id, True, TOLD_MS)


def test_gas_is_told_in_cubic_metres() -> None:
    told = found("B/gas")
    assert told.kwh is None
    assert told.evidence["amount_m3"] == 50.0


@pytest.mark.parametrize("meter", ["B/fan", "B/gas"])
def test_a_load_that_was_left_on_and_took_less_than_usual_is_no_news(meter: str) -> None:
    less, more = (finding_of(telling(meter, "night_on", actual), PORTFOLIO, TOLD_MS) for actual in (99.0, 130.0))
    assert stored(less) == []
    assert stored(more) == [more]


def test_what_is_told_of_a_past_that_looking_back_has_seen_is_no_open_matter() -> None:
    assert found().state is FindingState.OPEN
    assert found(newest_ms=TOLD_MS + 9 * DAY_MS).state is FindingState.OPEN
    assert found(newest_ms=TOLD_MS + 10 * DAY_MS).state is FindingState.CLOSED


def test_what_somebody_was_told_before_is_no_news_but_that_it_would_have_been_told_sooner_is() -> None:
    before = structs.replace(found(), id="x", first_told_ms=TOLD_MS - 1, first_kind="", confirmed=True)
    assert stored(found(), before) == []
    later = structs.replace(before, first_told_ms=TOLD_MS + 5 * DAY_MS)
    (sooner,) = stored(found(), later)
    assert sooner == structs.replace(later, first_told_ms=TOLD_MS, first_kind="base_step")


def test_what_was_withdrawn_is_not_told_again() -> None:
    gone = structs.replace(found(), state=FindingState.WITHDRAWN, withdrawn_ms=TOLD_MS + 1)
    assert stored(found(), gone) == []


def test_a_fault_of_hours_and_one_of_days_on_one_meter_are_two() -> None:
    assert len(stored(found(), found(kind="dropout"))) == 1


def test_of_meters_above_each_other_the_first_that_tells_speaks_for_all() -> None:
    assert stored(found("B/main"), found("B/fan")) == []
    long_ago = structs.replace(found("B/fan"), start_ms=found().start_ms - 4 * DAY_MS)
    assert len(stored(found("B/main"), long_ago)) == 1
    assert len(stored(found("B/main", "dropout"), found("B/fan", "dropout"))) == 1


def test_a_clock_that_is_off_is_told_of_a_meter_without_relatives_only() -> None:
    alone = replace(PORTFOLIO, points={"B/fan": Point(id="B/fan", name="fan")})
    assert stored(found(kind="time_shift")) == []
    assert len(stored(found(kind="time_shift"), portfolio=alone)) == 1


def test_nothing_of_operation_is_told_on_quiet_days_and_a_fault_of_the_meter_is() -> None:
    quiet = replace(PORTFOLIO, quiet=(Quiet(building="B", first="2026-03-03", last="2026-03-10"),))
    assert stored(found(), portfolio=quiet) == []
    assert len(stored(found(kind="phase_loss"), portfolio=quiet)) == 1


def test_a_level_is_expected_to_change_with_works_on_the_meter_or_below_it() -> None:
    works = Measure(id="m", building="B", name="fan", points=("B/fan",), start="2026-03-01")
    changed = replace(PORTFOLIO, measures={"m": works})
    assert stored(found("B/main"), portfolio=changed) == []
    assert len(stored(found("B/gas"), portfolio=changed)) == 1
    assert len(stored(found("B/fan", "dropout"), portfolio=changed)) == 1


def test_two_of_one_meter_kind_and_day_have_names_of_their_own() -> None:
    gone = structs.replace(found(), start_ms=0, end_ms=1)
    assert [f.id for f in stored(found(), gone)] == ["B/fan@base_step@2026-03-03~2"]


def test_what_goes_on_is_seen_again_once_a_day() -> None:
    told, day = found(), TOLD_MS + DAY_MS
    assert seen_again([told], ["B/fan"], day - 1) == []
    (again,) = seen_again([told], ["B/fan"], day)
    assert (again.last_seen_ms, again.end_ms, again.first_told_ms) == (day, day, TOLD_MS)
    confirmed = structs.replace(told, confirmed=True)
    assert seen_again([confirmed, found(kind="dropout")], ["B/fan"], day) == []
    assert seen_again([told], [], day) == []
