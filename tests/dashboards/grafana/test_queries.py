"""Every query of every board, executed on a real InfluxDB 1.6; the numbers that matter by hand."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboards.grafana import queries as q
from dashboards.grafana.panels import Json
from dashboards.grafana.queries import HERE, Span
from dashboards.grafana.roster import roster

DAY_MS = 86_400_000
ZONE = "Asia/Shanghai"
EMPTY = {
    # right to be empty in this district
    "submeter-savings": ("Uses more", "Not distinguishable", "No number", "withheld"),
}

pytestmark = pytest.mark.service


def values(series: list[dict[str, Any]]) -> list[float]:
    return [row[1] for one in series for row in one["values"] if row[1] is not None]


def test_every_query_answers_with_rows(filled: Any, made: list[Json]) -> None:
    asked = 0
    for board in made:
        for panel in board["panels"]:
            for target in panel["targets"]:
                asked += 1
                found = [one for b in filled.portfolio.buildings for one in filled.ask(target["query"], building=b)]
                if not may_be_empty(board["uid"], target):
                    assert any(v for one in found for v in one["values"]), f"{panel['title']}: {target['query']}"
    assert asked > 80


def may_be_empty(uid: str, target: Json) -> bool:
    return any(word in target["alias"] for word in EMPTY.get(uid, ())) or '"yuan_known" = 0' in target["query"]


def test_every_energy_query_says_how_it_is_known(made: list[Json]) -> None:
    for board in made:
        for panel in board["panels"]:
            for target in panel["targets"]:
                if 'FROM "interval"' in target["query"]:
                    assert re.search(r'"known"( >| =|\))', target["query"]), target["query"]


def test_the_sum_of_a_day_is_that_of_the_buildings_local_day(filled: Any) -> None:
    tops = roster(filled.portfolio).totals
    local = datetime.fromtimestamp(filled.now_ms / 1000, UTC) + timedelta(hours=8)
    yesterday = local.replace(hour=0) - timedelta(days=1)
    span = Span(f"{HERE} AND {tops}", "1d", ZONE)
    start = int((yesterday - timedelta(hours=8)).timestamp() * 1000)

    days = filled.ask(q.by_day(span), start)[0]["values"]

    summer = 1.1 if yesterday.month in (6, 7, 8) else 1.0
    usual = (10 * 60 + 14 * 20 if yesterday.weekday() < 5 else 24 * 20) * summer
    assert days[0] == [start, pytest.approx(usual)]


def test_what_is_not_metered_is_the_tenth_that_no_sub_item_counts(filled: Any) -> None:
    known = roster(filled.portfolio)
    total, unmetered = (Span(f"{HERE} AND {p}", "1h", ZONE) for p in (known.totals, known.rest))

    rest = filled.ask(q.load(unmetered), filled.now_ms - 2 * DAY_MS)
    whole = filled.ask(q.load(total), filled.now_ms - 2 * DAY_MS)

    assert values(rest) == pytest.approx([0.1 * v for v in values(whole)])


def test_an_hour_with_a_missing_sub_meter_has_no_rest_and_is_no_zero(filled: Any) -> None:
    known = roster(filled.portfolio)
    hole = filled.now_ms - 6 * DAY_MS
    points = (known.totals, known.items["01A"], known.rest)
    total, lighting, unmetered = (Span(f"{HERE} AND {p}", "1h", ZONE) for p in points)

    def times(series: list[dict[str, Any]]) -> list[int]:
        return [row[0] for row in series[0]["values"] if row[1] is not None]

    start = hole - 3 * 3_600_000
    assert hole not in times(filled.ask(q.load(unmetered), start))
    assert hole not in times(filled.ask(q.load(lighting), start))
    assert hole in times(filled.ask(q.load(total), start))


def test_an_estimated_hour_is_drawn_as_such_and_not_as_measured(filled: Any) -> None:
    span = Span(f"{HERE} AND {roster(filled.portfolio).totals}", "1h", ZONE)
    hour = filled.now_ms - 6 * DAY_MS + 3_600_000

    estimated = filled.ask(q.load(span, q.ESTIMATED), hour - 3_600_000)[0]["values"]
    measured = filled.ask(q.load(span, q.MEASURED), hour - 3_600_000)[0]["values"]

    assert [hour, 7] in estimated
    assert [hour, None] in measured


@pytest.mark.parametrize("hour", [0, 5, 9, 23])
def test_a_row_of_the_heat_map_holds_that_local_hour_of_each_day(filled: Any, hour: int) -> None:
    span = Span(f"{HERE} AND {roster(filled.portfolio).totals}", "1h", ZONE)
    begin = filled.now_ms - 40 * DAY_MS + 5 * 3_600_000 + 1

    row = filled.ask(q.hour_of_day(span, hour), begin)[0]["values"]
    hours = dict(filled.ask(q.load(span), begin)[0]["values"])

    assert len(row) >= 38
    for midnight, kwh in row:
        assert (midnight + 8 * 3_600_000) % DAY_MS == 0
        assert kwh == hours[midnight + hour * 3_600_000]


def test_completeness_is_the_share_of_known_rows(filled: Any) -> None:
    """Of a total's own hours, those of which nothing is known count nothing; the whole district's days are whole."""
    known = roster(filled.portfolio)
    span = Span(f"{HERE} AND {known.items['01A']}", "1h", ZONE)

    district = values(filled.ask(q.completeness(Span(known.whole, "1d", ZONE)), filled.now_ms - 10 * DAY_MS))
    share = values(filled.ask(q.completeness(span), filled.now_ms - 10 * DAY_MS))

    hours = 240
    assert share == pytest.approx([(hours - 1) / hours])
    assert district == [1.0]


def test_a_year_per_area_is_withheld_when_days_are_missing(filled: Any) -> None:
    tops = f"\"building\" = 'tower' AND {roster(filled.portfolio).totals}"
    year = Span(tops, "1d", ZONE, when="time > now() - 365d")
    almost = Span(tops, "1d", ZONE, when="time > now() - 362d")
    fortnight = Span(tops, "1d", ZONE, when="time > now() - 14d")

    assert len(values(filled.ask(q.intensity(year, 10_000)))) == 1
    assert len(values(filled.ask(q.intensity(almost, 10_000)))) == 1, "a few missing days do not withhold it"
    assert filled.ask(q.intensity(fortnight, 10_000)) == []


def test_only_open_findings_are_listed_and_unknown_money_is_no_zero(filled: Any) -> None:
    priced, unpriced = (filled.ask(q.findings("", money))[0] for money in (True, False))

    assert sorted(row[1:4] for row in priced["values"]) == [
        ["hotel", "main", "base_step"], ["tower", "01b", "night_on"],
    ]  # fmt: skip
    assert "yuan_month" not in unpriced["columns"]
    assert [row[1:4] for row in unpriced["values"]] == [["hotel", "01c", "stuck"]]


def test_the_verdict_is_one_case(filled: Any) -> None:
    this = "\"measure\" = 'led' AND " + q.SAVED

    assert values(filled.ask(q.savings(f'{this} AND "low" > 0'))) == [12_000]
    assert filled.ask(q.savings(f'{this} AND "low" <= 0 AND "high" >= 0')) == []


def test_the_base_load_is_the_lowest_hour_of_a_usual_day(filled: Any) -> None:
    span = Span(f"{HERE} AND {roster(filled.portfolio).totals}", "1h", ZONE)

    for start in (filled.now_ms - 10 * DAY_MS, filled.now_ms - 10 * DAY_MS + 12_345):
        assert values(filled.ask(q.base_load(span), start))[0] in (pytest.approx(20), pytest.approx(22))
