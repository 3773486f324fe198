"""The JSON API: numbers by hand, withheld totals, refusals that say what to do."""

from datetime import date

import pytest
from fastapi.testclient import TestClient

from dashboards.queries.span import midnight, to_ms
from dashboards.web import create_app
from submeter.stores.memory import MemoryStore
from submeter.words import StoreAway

OFFICE_DAY = 10 * 60 + 14 * 20
"""kWh of a working day: ten hours at 60, fourteen at 20"""
REST_DAY = 24 * 20
SO_FAR = 8 * 20 + 6 * 60
"""until 14:00"""


@pytest.fixture(scope="module")
def client(world) -> TestClient:
    return world.client()


def test_today_is_the_sum_of_its_hours_and_normal_within_its_band(client):
    day = client.get("/api/v1/buildings/tower/today").json()
    assert day["day"] == "2026-11-20"
    assert day["actual"][:14] == [20.0] * 8 + [60.0] * 6
    assert day["actual"][14:] == [None] * 10
    assert (day["total"], day["so_far"], day["word"]) == (SO_FAR, SO_FAR, "normal")
    assert day["band_low"] == pytest.approx(0.85 * SO_FAR)
    assert day["band_high"] == pytest.approx(1.15 * SO_FAR)


def test_sub_items_and_what_is_not_metered_add_up_to_the_main_meter(client):
    day = client.get("/api/v1/buildings/tower/today").json()
    at_ten = {s["item"]: s["kwh"][10] for s in day["slices"]}
    assert at_ten == pytest.approx({"01A": 18.0, "01B": 24.0, "01C": 9.0, "01D": 3.0, "": 6.0})


def test_thirty_days_of_energy_money_and_carbon(client):
    month = client.get("/api/v1/buildings/tower/month").json()
    weekdays = 21  # 22 October to 19 November 2026 holds 21 working days of the formula and 8 weekend days
    expected = weekdays * OFFICE_DAY + 8 * REST_DAY + SO_FAR
    assert month["energy"]["value"] == pytest.approx(expected)
    assert month["energy"]["completeness"] == 1.0
    assert month["cost"]["value"] == pytest.approx(0.8 * expected)
    assert month["carbon"]["value"] == pytest.approx(0.5 * expected)
    assert (month["tariff"], month["tariff_source"]) == ("flat", "test")
    assert {s["item"]: round(s["share"], 6) for s in month["shares"]} == {
        "01A": 0.3,
        "01B": 0.4,
        "01C": 0.15,
        "01D": 0.05,
        "": 0.1,
    }


def test_a_building_without_a_main_meter_is_the_sum_of_what_stands_at_the_top(client):
    day = client.get("/api/v1/buildings/school/today").json()
    assert day["total"] == pytest.approx(0.9 * SO_FAR)
    assert "" not in {s["item"] for s in day["slices"]}


def test_base_load_is_the_median_of_the_days_smallest_hours(client):
    base = client.get("/api/v1/buildings/tower/base").json()
    assert (base["kw"], base["before"], base["change"]) == (20.0, 20.0, 0.0)
    assert dict(base["months"])["2026-07-01"] == 22.0


def test_the_heat_map_holds_a_year_of_hours_and_knows_holidays(client):
    heat = client.get("/api/v1/buildings/tower/heat").json()
    assert len(heat["days"]) == 365
    assert len(heat["cells"]) == 364 * 24 + 14
    assert heat["cells"][-1] == [364, 13, 60.0]
    named = {d["day"]: d for d in heat["days"]}
    assert named["2026-10-01"]["kind"] == "holiday"
    assert "国庆" in named["2026-10-01"]["name_zh"]
    assert named["2026-10-10"]["kind"] == "work", "a Saturday that is worked in exchange"
    assert named["2026-11-14"]["kind"] == "rest"


def test_the_district_adds_its_buildings_and_ranks_findings(client):
    (district,) = client.get("/api/v1/districts").json()
    months = [client.get(f"/api/v1/buildings/{b}/month").json() for b in ("tower", "hotel", "school")]
    assert district["energy"]["value"] == pytest.approx(sum(m["energy"]["value"] for m in months))
    assert district["yuan_month"] == pytest.approx(1534.5)
    assert [f["kind"] for f in district["findings"]] == ["night_on", "base_step", "stuck"]
    assert [r["intensity"]["unit"] for r in district["rows"]] == ["kWh/m²"] * 3


def test_a_total_below_the_limit_is_withheld_and_says_so(small_world):
    """25 of 30 days are there: 83 %, and the limit is 90 %."""
    client = small_world(25).client()
    energy = client.get("/api/v1/buildings/tower/month").json()["energy"]
    assert energy["value"] is None
    assert energy["withheld"] is True
    assert energy["completeness"] == pytest.approx((24 * 24 + 14) / (29 * 24 + 14))
    (district,) = client.get("/api/v1/districts").json()
    assert district["energy"]["value"] is None
    assert set(district["without"]) == {"tower", "hotel", "school"}


def test_findings_come_with_their_sentence_in_the_language_asked_for(client):
    found = client.get("/api/v1/findings", params={"lang": "zh", "building": "tower"}).json()
    assert [f["finding"]["id"] for f in found] == ["1"]
    assert found[0]["sentence"]["what"] == "甲楼空调夜间持续运行"
    assert len(client.get("/api/v1/findings", params={"state": "all"}).json()) == 5
    (withdrawn,) = client.get("/api/v1/findings", params={"state": "withdrawn"}).json()
    assert withdrawn["sentence"]["withdrawn"] == "withdrawn 20 Nov 2026 13:00"
    assert [f["finding"]["id"] for f in client.get("/api/v1/findings", params={"state": "closed"}).json()] == ["4"]


def test_savings_tell_verdict_and_share(client):
    by_id = {s["measure"]: s for s in client.get("/api/v1/savings").json()}
    verdicts = {"led": "saved", "chiller": "unclear", "pumps": "refused", "blinds": "waiting"}
    assert {m: s["verdict"] for m, s in by_id.items()} == verdicts
    assert by_id["led"]["share"] == pytest.approx(0.12)
    assert by_id["blinds"]["avoided_kwh"] is None


def test_meters_tell_last_seen_and_register(client):
    meter = {m["point"]: m for m in client.get("/api/v1/meters?building=tower").json()}["tower/main"]
    assert meter["last_seen_ms"] == to_ms(midnight(date(2026, 11, 20), "Asia/Shanghai")) + 14 * 3_600_000
    assert (meter["state"], meter["completeness"], meter["gaps"]) == ("ok", 1.0, 0)
    two_days = (4 * 60 + 6 * 20) + OFFICE_DAY + SO_FAR  # the rest of the 18th from 14:00, the 19th, the 20th so far
    assert meter["register"] == pytest.approx(1000 + two_days)


def test_a_meter_day_shows_each_interval_and_the_register_under_it(client):
    day = client.get("/api/v1/meters/tower/main?day=2026-11-20").json()
    assert day["resolution"] == "15m"
    assert day["counts"] == {"measured": 56, "estimated": 0, "missing": 0}
    assert day["total"] == pytest.approx(SO_FAR)
    assert day["intervals"][0] == {
        "start_ms": day["readings"][0]["time_ms"], "clock": "00:00", "value": 5.0, "known": "measured",
        "method": "register", "flags": [], "revision": 0,
    }  # fmt: skip
    steps = [b["value"] - a["value"] for a, b in zip(day["readings"], day["readings"][1:], strict=False)]
    assert steps == pytest.approx([i["value"] for i in day["intervals"]])


def test_intervals_are_half_open_columns(client):
    start = to_ms(midnight(date(2026, 11, 19), "Asia/Shanghai"))
    rows = client.get(
        "/api/v1/intervals", params={"point": "tower/main", "start_ms": start, "end_ms": start + 3 * 3_600_000}
    ).json()
    assert rows["start_ms"] == [start, start + 3_600_000, start + 7_200_000]
    assert rows["value"] == [20.0, 20.0, 20.0]
    assert rows["known"] == [rows["legend"]["known"]["measured"]] * 3


def test_operations_count_quarantine_by_reason(client):
    view = client.get("/api/v1/operations").json()
    assert [(r["reason"], r["count"], len(r["examples"])) for r in view["quarantine"]] == [("unknown_meter", 5, 3)]
    assert (view["waiting"], view["held"]["count"]) == (3, 1)
    assert view["gateways"][0]["state"] == "online"


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/v1/buildings/nope/today", 404, "GET /api/v1/buildings lists them"),
        ("/api/v1/points/tower/nope", 404, "GET /api/v1/points lists them"),
        ("/api/v1/intervals?point=tower/main&start_ms=5&end_ms=5", 422, "start_ms must lie before end_ms"),
        ("/api/v1/intervals?point=tower/main&start_ms=0&end_ms=4000000000000&resolution=15m", 422, "at most"),
        ("/api/v1/findings?state=lost", 422, "state"),
        ("/api/v1/nope", 404, "Not Found"),
        ("/api/v1/buildings/tower/today?day=0001-01-01", 422, "lies before 1970"),
        ("/api/v1/meters/tower/main?day=9999-12-31", 422, "after 2200"),
        ("/api/v1/intervals?point=tower/main&start_ms=0&end_ms=99999999999999999999", 422, "end_ms"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_remedy(client, path, status, said):
    answer = client.get(path)
    assert answer.status_code == status
    assert said in answer.json()["detail"]


def test_a_store_that_is_away_is_told_to_people_and_programs(world):
    class AwayStore(MemoryStore):
        """Answers nothing."""

        def read_intervals(self, *_: object) -> list:
            raise StoreAway("connection refused")

        entries = read_intervals  # type: ignore[assignment]  # it answers nothing

    app = create_app(AwayStore(), lambda: world.portfolio, world.clock, world.settings)
    client = TestClient(app, base_url="http://127.0.0.1")
    page = client.get("/?lang=en")
    assert page.status_code == 503
    assert "Nothing is lost" in page.text
    call = client.get("/api/v1/districts")
    assert call.status_code == 503
    assert "connection refused" in call.json()["detail"]


def test_every_call_is_described_and_swagger_can_read_the_version(client):
    description = client.get("/api/openapi.json").json()
    assert description["openapi"].startswith("3.0")
    assert {"/api/v1/districts", "/api/v1/buildings/{building}/heat", "/api/v1/intervals"} <= set(description["paths"])
    assert all(set(methods) == {"get"} for methods in description["paths"].values())
