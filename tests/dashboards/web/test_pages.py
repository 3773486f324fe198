"""Pages as a reader without a browser sees them: both languages, every state, nothing unescaped."""

import dataclasses
import re

import msgspec
import pytest
from fastapi.testclient import TestClient

from dashboards.catalogue import LANGUAGES
from dashboards.web import create_app
from submeter.words import GatewayStatus

PAGES = [
    "/", "/buildings/tower", "/buildings/hotel", "/buildings/school", "/findings", "/savings", "/meters",
    "/meters?building=hotel", "/meters/tower/main", "/meters/tower/main?day=2026-01-01", "/operations",
]  # fmt: skip


@pytest.fixture(scope="module")
def client(world) -> TestClient:
    return world.client()


@pytest.fixture(scope="module")
def empty(empty_world) -> TestClient:
    return empty_world.client()


def text_of(page: str) -> str:
    """A page's words without markup, white space as single blanks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_every_page_renders_in_both_languages_without_a_missing_text(client, path, language):
    answer = client.get(
        path, params={"lang": language} if "?" not in path else None, cookies={"submeter_lang": language}
    )
    assert answer.status_code == 200
    assert "⟦" not in answer.text
    assert "…" not in text_of(answer.text)
    assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in answer.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_every_page_renders_when_nothing_has_been_read(empty, path, language):
    answer = empty.get(path, cookies={"submeter_lang": language})
    assert answer.status_code == 200
    assert "⟦" not in answer.text


def test_nothing_is_shown_per_square_metre_where_the_area_is_not_known(world):
    tower = msgspec.structs.replace(world.portfolio.buildings["tower"], area_m2=0.0)
    portfolio = dataclasses.replace(world.portfolio, buildings={**world.portfolio.buildings, "tower": tower})
    words = text_of(dataclasses.replace(world, portfolio=portfolio).client().get("/buildings/tower?lang=en").text)
    assert "floor area not known" in words
    assert "0 m²" not in words
    assert "kWh/m²" not in words


def test_the_first_screen_says_what_is_wrong_and_what_it_costs(client):
    words = text_of(client.get("/?lang=en").text)
    assert "3 things need a look, about ¥1,534 a month." in words
    assert words.index("¥1,234") < words.index("¥300") < words.index("¥336 counted wrongly")
    assert "HVAC, Tower &lt;A&gt; runs on through the night: 540 kWh where 120 kWh would be usual." in words
    assert "set the time switch" in words


def test_what_costs_nothing_or_nobody_knows_is_said_in_words(small_world, make_finding):
    world = small_world(20)
    world.store.put(
        make_finding("1", "tower/01b", "stuck", None, kwh=0.0), make_finding("2", "tower/01a", "drift", None, kwh=None),
        make_finding("3", "tower/01c", "drift", None, kwh=-100.0),
        make_finding("4", "hotel/01c", "drift", None, kwh=1000.0),
    )  # fmt: skip
    words = text_of(world.client().get("/findings?lang=en").text)
    assert words.index("¥800 counted wrongly") < words.index("¥80 counted wrongly") < words.index("no energy at stake")
    assert words.count("cost not known") == 1


def test_names_from_the_portfolio_and_the_quarantine_never_become_markup(client):
    assert "<A>" not in client.get("/?lang=en").text
    operations = client.get("/operations").text
    assert "<b>tower/attic" not in operations
    assert "&lt;b&gt;tower/attic" in operations


def test_the_language_sticks_once_it_is_chosen(world):
    client = world.client()
    assert "总览" in client.get("/?lang=zh").text
    assert "总览" in client.get("/findings").text
    assert "Overview" in client.get("/findings?lang=en").text
    assert "Overview" in client.get("/").text


def test_an_unknown_language_falls_back_to_the_setting(world):
    assert "Overview" in world.client().get("/?lang=xx").text


def test_an_empty_building_says_why_and_what_would_fill_it(empty):
    words = text_of(empty.get("/?lang=en").text)
    assert "Nothing has been read yet" in words
    assert "Electricity not known" in words
    assert "0 of 3 buildings normal" in words


def test_a_back_fill_is_told_with_its_share(small_world):
    world = small_world(20)
    world.store.put(GatewayStatus(id="gw1", told_ms=1, waiting=0, oldest_ms=0, polls=1, errors=0, backfill=0.42))
    words = text_of(world.client().get("/?lang=en").text)
    assert "The past is being read: 42 %" in words
    assert "20 days are there; the page fills by itself." in words
    assert "正在补读历史数据：42 %" in text_of(world.client().get("/?lang=zh").text)


def test_a_saving_that_may_be_none_says_so_in_words(client):
    words = text_of(client.get("/savings?lang=en").text)
    assert "Saved 12.0 MWh (12 %)" in words
    assert "between 9,000 kWh and 15.0 MWh at 90 % confidence" in words
    assert "Not distinguishable from zero" in words
    assert "the band from −4,000 kWh to 6,000 kWh holds zero" in words
    assert "Not computed yet It needs a baseline from the time before 1 Oct 2026" in words
    assert "与零无法区分" in client.get("/savings?lang=zh").text


def test_a_saving_tells_money_carbon_and_what_its_band_knows(client):
    words = text_of(client.get("/savings?lang=en").text)
    assert "Money ¥9,600 ¥7,200 to ¥12,000" in words
    assert "CO₂ 6.00 t 4.50 t to 7.50 t" in words
    assert "from 12 meter-years of this portfolio in which nothing changed" in words
    assert "How far use drifts is a stated prior" in words
    assert "From 3 Aug 2026 on use is 11 % higher (55.0 kWh a day) for no reason that is known here." in words
    assert "From 20 Sep 2026 on use is 20 % lower (100 kWh a day); another measure of these meters began then." in words
    assert "In the weather of a typical year the saving is 21.0 MWh a year (between 15.0 MWh and 27.0 MWh)." in words
    assert "ASHRAE Guideline 14 alone would say ± 900 kWh" in words
    assert "fails ASHRAE Guideline 14 in CV(RMSE)." in words
    assert "取自本组合12个未改造的表计年" in client.get("/savings?lang=zh").text


def test_a_saving_on_a_simpler_model_says_so_and_why(client):
    words = text_of(client.get("/savings?lang=en").text)
    told = "The baseline is a simpler model, since the meter follows neither clock nor calendar nor weather."
    assert words.count(told) == 1
    assert "基准采用较简单的模型：该表计的用能与时刻、日历和天气均无明显关系。" in client.get("/savings?lang=zh").text
    assert {s["simpler"] for s in client.get("/api/v1/savings").json()} == {"", "no_pattern"}


def test_a_refused_saving_says_why_with_its_numbers(client):
    words = text_of(client.get("/savings?lang=en").text)
    assert "No number is given Why: the reporting period holds 2 usable days; at least 7 are needed" in words


def test_a_finding_says_when_it_was_told_and_a_withdrawn_one_when_it_was_taken_back(client):
    page = client.get("/findings?lang=en").text
    current, withdrawn = (text_of(part) for part in page.split('id="withdrawn"'))
    assert "first told 12 Nov 2026 14:00" in current
    assert "withdrawn 20 Nov 2026 13:00" in withdrawn
    assert "first told 12 Nov 2026 14:00 told live as “Left on at night”" in current
    assert current.count("told live; looking back has yet to confirm it") == 1
    assert "¥70" not in page, "what was taken back costs nothing"
    assert "a month while it lasted" in current
    assert "2026年11月20日 13:00撤回" in client.get("/findings?lang=zh").text
    assert "withdrawn" not in text_of(client.get("/?lang=en").text)


def test_the_tree_names_the_node_whose_children_count_too_much(client):
    words = text_of(client.get("/meters?building=hotel&lang=en").text)
    assert "1,000 kWh 1,100 kWh −100 kWh children count too much 15.0 kWh 97 %" in words
    assert "children count too much" not in client.get("/meters?building=tower").text


def test_the_tree_names_the_likeliest_cause_of_a_difference(client):
    hotel = text_of(client.get("/meters?building=hotel&lang=en").text)
    assert "the transformer ratio of HVAC is wrong; it shows 1.25 times what flows" in hotel
    assert "This accounts for 98 % of how the difference varies." in hotel
    assert "a constant load of 0.140 kW that no meter below counts" in text_of(
        client.get("/meters?building=tower").text
    )
    assert "空调的互感器变比设置有误" in client.get("/meters?building=hotel&lang=zh").text


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/buildings/nope",
        "/meters/tower/nope",
        "/meters?building=nope",
        "/meters/tower/main?day=soon",
        "/meters/tower/main?day=0001-01-01",
    ],
)
def test_what_does_not_exist_gets_a_page_that_helps(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert "buildings.csv" in answer.text


def test_an_unchanged_page_is_answered_by_304(client):
    first = client.get("/findings?lang=en")
    again = client.get("/findings?lang=en", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_renamed_building_shows_at_once(small_world):
    world = small_world(3)
    shown = [world.portfolio]
    client = TestClient(
        create_app(world.store, lambda: shown[0], world.clock, world.settings), base_url="http://localhost"
    )
    assert "School" in client.get("/").text
    renamed = {
        **world.portfolio.buildings,
        "school": msgspec.structs.replace(world.portfolio.buildings["school"], name="Academy"),
    }
    shown[0] = dataclasses.replace(world.portfolio, buildings=renamed, version="2")
    assert "Academy" in client.get("/").text


def test_meters_of_one_building_are_counted_alone_and_without_a_parent_it_says_that_nothing_is_compared(client):
    words = text_of(client.get("/meters?building=school&lang=en").text)
    assert "of 4 meters reported within two hours" in words
    assert "No meter here has another one above it" in words


def test_a_building_without_a_price_says_so_and_does_not_promise_one(small_world):
    world = small_world(3)
    bare = msgspec.structs.replace(world.portfolio.buildings["school"], price="", carbon="")
    portfolio = dataclasses.replace(world.portfolio, buildings={**world.portfolio.buildings, "school": bare})
    words = text_of(dataclasses.replace(world, portfolio=portfolio).client().get("/buildings/school?lang=en").text)
    assert "Cost no price" in words
    assert "CO₂ no factor" in words


def test_the_shape_of_the_load_is_told_in_figures_and_kinds_of_day(client):
    words = text_of(client.get("/buildings/tower?lang=en").text)
    assert "Kinds of day of the last year (361 known days)" in words
    assert "Base load 20.0 kW Peak 60.0 kW Load factor 53 %" in words
    assert "Above 21.5 °C +42.0 kWh a day per °C" in words
    kinds = client.get("/api/v1/buildings/tower/shape").json()["kinds"]
    assert [(kind["name"], kind["share"]) for kind in kinds] == [("working", 0.69), ("free", 0.31)]
    assert client.get("/api/v1/buildings/school/shape").json()["kinds"] == []
    assert "典型日" in client.get("/buildings/tower?lang=zh").text


def test_what_is_expected_says_what_it_rests_on(client):
    words = text_of(client.get("/buildings/tower?lang=en").text)
    assert "It rests on 600 hours; off by 12 % of the mean hour in them (CV(RMSE)), by 17 % in hours foretold" in words
    assert "; a simpler model, since the meter has 600 usable hours; the hourly one needs 720." in words
    assert "滚动预测误差17 %；采用较简单的模型" in text_of(client.get("/buildings/tower?lang=zh").text)
    assert client.get("/api/v1/buildings/tower/baseline").json()["oos_cvrmse"] == 0.17
    assert client.get("/api/v1/buildings/hotel/baseline").json() is None


def test_what_came_too_late_for_frozen_months_is_told(client):
    words = text_of(client.get("/operations?lang=en").text)
    assert "Came too late 1" in words
    assert "meters with frozen months: 1" in words
    assert "hotel/main readings" in words
    assert client.get("/api/v1/operations").json()["late"][0]["what"] == "readings"
