"""One catalogue, complete in both languages; sentences hold with and without evidence."""

import re
from pathlib import Path

import pytest

import dashboards.web
from analytics.anomalies.episode import EVIDENCE, LOAD_KINDS, METER_KINDS
from analytics.tree.imbalance import Cause
from dashboards import catalogue
from dashboards.catalogue import LANGUAGES, figures
from dashboards.catalogue.sentence import Told, kinds, sentence

WEB = Path(dashboards.web.__file__).parent
KINDS = [
    "stuck", "missing", "spike", "drift", "night_on", "schedule", "base_step", "phase_loss", "reversed_ct",
    "lost_submeter", "gross_error", "scale10", "gap_catchup", "frozen", "time_shift",
    "holiday_on", "heating_cooling", "peak_demand",
]  # fmt: skip


def told(kind: str, evidence: dict[str, float | str], **more: object) -> Told:
    fields: dict[str, object] = {
        "kind": kind, "place": "HVAC, Tower", "zone": "Asia/Shanghai", "start_ms": 1_760_000_000_000,
        "end_ms": 1_760_600_000_000, "is_open": True, "confidence": 0.97, "kwh": 1234.0, "yuan_month": 500.0,
        "unit": "kWh", "evidence": evidence,
    }  # fmt: skip
    return Told(**{**fields, **more})  # type: ignore[arg-type]  # a table of fields


def test_every_text_is_there_in_both_languages_with_the_same_places():
    for section, rows in catalogue.table("words").items():
        for key, texts in rows.items():
            assert set(texts) == set(LANGUAGES), f"{section}.{key}"
            places = [set(re.findall(r"\{(\w+)\}", texts[language])) for language in LANGUAGES]
            assert places[0] == places[1], f"{section}.{key}"


def test_every_finding_kind_has_title_sentence_and_remedy_in_both_languages():
    assert set(kinds()) == {*KINDS, "other"}
    for kind, row in catalogue.table("findings").items():
        for part in ("title", "what", "do"):
            assert set(row[part]) == set(LANGUAGES), kind
        for detail in row.get("detail", []):
            for language in LANGUAGES:
                assert set(re.findall(r"\{(\w+)\}", detail[language])) <= set(detail["needs"]), kind


def test_every_kind_that_can_be_found_has_its_words_and_every_detail_can_be_said_of_it():
    assert set(kinds()) == {*EVIDENCE, "other"}
    assert {*LOAD_KINDS, *METER_KINDS} == set(EVIDENCE)
    for kind, keys in EVIDENCE.items():
        details = catalogue.table("findings")[kind]["detail"]
        assert any(set(detail["needs"]) <= set(keys) for detail in details), kind


@pytest.mark.parametrize(
    ("kind", "facts", "en", "zh"),
    [
        ("holiday_on", {"days": 1.0, "share": 1.0, "actual_kwh": 1502.0, "expected_kwh": 524.0},
         "1,502 kWh where a day off takes 524 kWh", "用能1,502 kWh，休息日通常为524 kWh"),
        ("holiday_on", {"days": 5.0, "share": 0.97, "actual_kwh": 5392.0, "expected_kwh": 560.0},
         "5 days, 5,392 kWh where days off take 560 kWh", "共5天，用能5,392 kWh，休息日通常为560 kWh"),
        ("heating_cooling",
         {"hours": 84.0, "actual_kwh": 51000.0, "expected_kwh": 200.0, "heat_kwh": 61164.0, "cold_kwh": 90000.0},
         "84 h with both on: 51.0 MWh undone, of 61.2 MWh of heat and 90.0 MWh of cold",
         "同时运行84小时：供热61.2 MWh、供冷90.0 MWh，其中51.0 MWh相互抵消"),
        ("peak_demand", {"peak_kw": 1688.0, "usual_kw": 1065.0, "top_kw": 1128.0, "hours": 2.0, "share": 0.585},
         "1,688 kW where 1,065 kW is usual, 58 % more; other days of the season reach 1,128 kW",
         "达1,688 kW，同期通常为1,065 kW，高出58 %；本季其他日最高1,128 kW"),
        ("peak_demand", {"peak_kw": 940.0, "usual_kw": 700.0, "contract_kw": 900.0, "hours": 3.0},
         "940 kW where 900 kW is contracted, above it for 3 h", "达940 kW，合同需量为900 kW，超出3小时"),
    ],
)  # fmt: skip
def test_faults_of_operation_are_said_with_their_figures(kind, facts, en, zh):
    assert (sentence(told(kind, facts), "en").detail, sentence(told(kind, facts), "zh").detail) == (en, zh)


def test_every_key_that_a_page_asks_for_is_in_the_catalogue():
    asked = {
        key
        for file in WEB.glob("templates/*")
        for key in re.findall(r"\bt\('([a-z_0-9.]+)'[,)]", file.read_text(encoding="utf-8"))
    }
    drawn = {
        key
        for file in WEB.glob("static/*.js")
        for key in re.findall(r'word\("([a-z_.]+)"\)', file.read_text(encoding="utf-8"))
    }
    assert len(asked) > 100
    assert [key for key in sorted(asked | drawn) if not catalogue.known(key)] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [*KINDS, "never_heard_of"])
def test_a_sentence_needs_no_evidence(kind, language):
    said = sentence(told(kind, {}), language)
    for part in (said.title, said.what, said.do, said.since, said.sure, said.cost):
        assert part
        assert "…" not in part
        assert "{" not in part


def test_evidence_is_written_as_what_it_is():
    said = sentence(told("night_on", {"expected_kwh": 1200.0, "actual_kwh": 15300.0}), "en")
    assert said.detail == "15.3 MWh where 1,200 kWh would be usual"
    assert said.since == "since 9 Oct 2025 16:53"
    assert said.sure == "almost certain, 97 %"
    assert (said.cost, said.at_stake) == ("¥500", "1,234 kWh at stake so far")
    assert sentence(told("phase_loss", {"share": 0.667}), "zh").detail == "仅计得实际电量的67 %"


def test_water_is_told_in_cubic_metres():
    facts = {"night_m3h": 1.5, "usual_m3h": 0.2, "nights": 12.0, "amount_m3": -30.0}
    said = sentence(told("night_on", facts, unit="m³", kwh=None), "en")
    assert said.detail == "1.50 m³/h where 0.200 m³/h is usual, for 12 nights and days off"
    assert said.at_stake == "30.0 m³ at stake so far"


def test_a_detail_may_ask_for_a_value():
    jumped = sentence(told("stuck", {"hours": 30.0, "expected_kwh": 900.0, "caught_up": 1.0}), "en")
    assert jumped.detail == "30 h without a count, made good by one jump afterwards"
    still = sentence(told("stuck", {"hours": 30.0, "expected_kwh": 900.0, "caught_up": 0.0}), "en")
    assert still.detail == "30 h without a count, where 900 kWh would be usual"


def test_an_ended_finding_tells_its_span():
    assert sentence(told("spike", {}, is_open=False), "en").since == "9 Oct 2025 16:53 – 16 Oct 2025 15:33"


def test_a_missing_key_shows_itself_and_breaks_nothing():
    assert catalogue.text("en", "no.such") == "⟦no.such⟧"
    assert catalogue.fill("{a} and {b}", {"a": 1}) == "1 and …"


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (figures.energy(9999.4), "9,999 kWh"),
        (figures.energy(10_000), "10.0 MWh"),
        (figures.energy(1_234_567), "1,235 MWh"),
        (figures.energy(0), "0 kWh"),
        (figures.energy(-12.34), "−12.3 kWh"),
        (figures.energy(None), "–"),
        (figures.percent(0.998), "99.8 %"),
        (figures.percent(0.9999), "99.9 %"),
        (figures.percent(1.0), "100 %"),
        (figures.money(1234567.2), "¥1,234,567"),
        (figures.money(-5.0), "−¥5"),
        (figures.money(-0.3), "¥0"),
        (figures.carbon(1500), "1.50 t"),
        (figures.signed(0.034), "+3.4 %"),
        (figures.day("2026-11-03", "en"), "3 Nov 2026"),
        (figures.day("2026-11-03", "zh"), "2026年11月3日"),
        (figures.number(-0.0001, 2), "0.00"),
    ],
)
def test_figures_are_written_by_size(shown, wanted):
    assert shown == wanted


def test_every_cause_of_an_imbalance_has_its_sentence():
    for cause in Cause:
        assert catalogue.known(f"balance.{cause.value}")
