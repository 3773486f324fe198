"""A building in a store: hourly ledger rows and weather in, baselines, expectation, savings and findings out."""

from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs

from analytics.anomalies.telling import HOUR_MS, looked_back
from analytics.calendar import instant_ms, local_seconds
from analytics.study import Study, shows_expected, study_building
from analytics.weekdays import day_types
from submeter.settings.settings import AnalyticsSettings
from submeter.stores import open_store
from submeter.stores.port import Column, Store
from submeter.words import (
    Baseline,
    Block,
    Building,
    Device,
    Finding,
    FindingState,
    Flag,
    Intervals,
    Known,
    LoadShape,
    Measure,
    Point,
    Portfolio,
    Price,
    Quiet,
    Readings,
    Resolution,
    Saving,
    Series,
    Station,
)  # fmt: skip

NOW = int(np.datetime64("2026-01-10T03:20", "ms").astype(np.int64))
START = np.arange("2024-12-31T16", "2026-01-10T03", dtype="datetime64[h]").astype("datetime64[s]")
N = len(START)
OUTDOOR = 17 + 11 * np.sin(2 * np.pi * (np.arange(N) / 8760 - 0.3))
PORTFOLIO = Portfolio(
    tenant="t",
    buildings={"B": Building(id="B", name="B", zone="Asia/Shanghai", area_m2=1, type="office", station="S", price="p")},
    points={
        "B/main": Point(id="B/main", name="main"),
        "B/light": Point(id="B/light", name="light", item="01A10", parent="B/main"),
        "B/rest": Point(id="B/rest", name="rest", item="01D00", parent="B/main"),
        "B/deep": Point(id="B/deep", name="deep", item="01D10", parent="B/rest"),
    },
    devices={p: (Device(point=p, serial="1"),) for p in ("B/main", "B/light", "B/rest", "B/deep")},
    stations={"S": Station(id="S", name="S", zone="Asia/Shanghai")},
    gateways={},
    measures={"B-led": Measure(id="B-led", building="B", name="LED", points=("B/light",), start="2025-09-01",
                               works_start="2025-08-25")},
    prices=(Price(name="p", medium="electricity", since="2020-01-01", yuan_per_unit=0.8),),
)  # fmt: skip
SETTINGS = AnalyticsSettings()


def loads() -> dict[str, np.ndarray]:
    """Lights use 30 % less from the works on; nothing else happens."""
    local = local_seconds(START, "Asia/Shanghai")
    day = day_types(local // 86_400, "CN").working & (local % 86_400 // 3600 >= 8) & (local % 86_400 // 3600 < 19)
    rng = np.random.default_rng(0)
    done = START.astype(np.int64) * 1000 >= instant_ms("2025-08-25", "Asia/Shanghai")
    light = (5 + 40 * day) * np.where(done, 0.7, 1.0) * rng.normal(1, 0.03, N)
    deep = 20 * rng.normal(1, 0.03, N)
    rest = deep * 1.01
    return {"B/main": (light + rest) * 1.01, "B/light": light, "B/rest": rest, "B/deep": deep}


def filled(energy: dict[str, np.ndarray], flags: dict[str, np.ndarray] | None = None) -> Store:
    store = open_store("memory:")
    for point, values in energy.items():
        known = np.where(np.isnan(values), Known.MISSING, Known.MEASURED)
        micro = np.round(np.nan_to_num(values) * 1e6).astype(np.int64)
        marks = (flags or {}).get(point, np.zeros(N))
        rows = Intervals.of(START, micro, known=known, flags=marks)
        store.write_intervals(Column(point, "energy_import", Resolution.HOUR), rows)
    temperature = Readings.of(START.astype(np.int64) * 1000, np.round(OUTDOOR * 1e6).astype(np.int64))
    store.write_readings([Block(Series("S/weather", "S", "outdoor_temperature"), temperature)])
    return store


@pytest.fixture(scope="module")
def studied() -> tuple[Store, Study]:
    store = filled(loads())
    return store, study_building(store, PORTFOLIO, "B", NOW, SETTINGS)


def test_every_meter_has_a_baseline_in_the_store(studied: tuple[Store, Study]) -> None:
    store, _ = studied
    assert {b.point: b.refused for b in store.entries(Baseline, "B")} == dict.fromkeys(PORTFOLIO.points, "")


def test_a_main_meter_is_also_judged_out_of_sample(studied: tuple[Store, Study]) -> None:
    store, _ = studied
    told = {b.point: b.oos_cvrmse for b in store.entries(Baseline, "B")}
    assert told["B/light"] is None
    assert told["B/main"] is not None
    assert 0 < told["B/main"] < 0.2


def test_a_saving_has_the_guidelines_uncertainty_beside_its_band(studied: tuple[Store, Study]) -> None:
    (saving,) = studied[0].entries(Saving, "B")
    assert saving.guideline_kwh is not None
    assert 0 < saving.guideline_kwh < saving.high_kwh - saving.avoided_kwh
    assert (saving.gate, saving.events, saving.drift_years, saving.normalised_kwh) == ([], [], 0, None)


def test_the_retrofits_saving_is_in_its_band_and_paid_for(studied: tuple[Store, Study]) -> None:
    store, _ = studied
    (saving,) = store.entries(Saving, "B")
    true = loads()["B/light"][START.astype(np.int64) * 1000 >= saving.start_ms].sum() * 0.3 / 0.7
    assert saving.avoided_kwh == pytest.approx(true, rel=0.05)
    assert saving.low_kwh < true < saving.high_kwh
    assert saving.distinguishable
    assert saving.avoided_yuan == pytest.approx(0.8 * saving.avoided_kwh)
    assert saving.days[0] == "2025-09-01"


def test_a_retrofit_is_no_finding(studied: tuple[Store, Study]) -> None:
    store, _ = studied
    assert store.entries(Finding, "B") == []


def test_what_is_left_on_during_quiet_days_is_counted_and_not_told() -> None:
    energy = loads()
    fair = (np.datetime64("2025-03-03", "s") <= START) & (np.datetime64("2025-03-19", "s") > START)
    more = np.where(fair, np.maximum(45 - energy["B/light"], 0), 0)
    store = filled({p: e + more if p in ("B/light", "B/main") else e for p, e in energy.items()})
    where = replace(PORTFOLIO, quiet=(Quiet(building="B", first="2025-03-01", last="2025-03-20", reason="a fair"),))
    study = study_building(store, where, "B", NOW, SETTINGS)
    assert (study.findings, study.untold) == ((), {"quiet": 1})
    told = study_building(store, PORTFOLIO, "B", NOW, SETTINGS)
    assert (len(told.findings), told.untold) == (1, {})


def test_the_store_says_how_far_studies_have_looked_and_a_look_at_the_past_takes_none_of_it_back() -> None:
    store = filled(loads())  # its own: a look at the past writes what it sees
    study_building(store, PORTFOLIO, "B", NOW, SETTINGS)
    looked_ms = store.cursor(looked_back("B"))
    assert NOW - 2 * HOUR_MS < looked_ms <= NOW
    study_building(store, PORTFOLIO, "B", NOW - 90 * 24 * HOUR_MS, SETTINGS)
    assert store.cursor(looked_back("B")) == looked_ms


def test_expectation_is_written_for_mains_and_first_level_to_the_end_of_today(studied: tuple[Store, Study]) -> None:
    store, _ = studied
    written = {c.point for c in store.columns() if c.quantity == "expected"}
    assert written == {"B/main", "B/light", "B/rest"}
    names = ("expected_low", "expected", "expected_high")
    columns = [Column("B/main", name, Resolution.HOUR) for name in names]
    low, middle, high = store.read_intervals(columns, START[0], START[-1] + np.timedelta64(30, "h"))
    assert str(middle.start[-1]) == "2026-01-10T15:00:00"  # the hour before local midnight
    assert (low.micro <= middle.micro).all()
    assert (middle.micro <= high.micro).all()
    assert set(middle.known.tolist()) == {int(Known.ESTIMATED)}


def test_mains_and_first_level_have_the_shape_of_their_load(studied: tuple[Store, Study]) -> None:
    store, _ = studied
    shapes = {shape.point: shape for shape in store.entries(LoadShape, "B")}
    assert set(shapes) == {"B/main", "B/light", "B/rest"}
    main = shapes["B/main"]
    assert main.days >= 300
    assert main.base_kw is not None
    assert main.peak_kw is not None
    assert main.base_kw < main.peak_kw
    assert sum(kind.share for kind in main.typical) == pytest.approx(1.0, abs=1e-3)
    assert all(len(kind.kwh) == 24 for kind in main.typical)


def test_the_same_study_again_writes_the_same(studied: tuple[Store, Study]) -> None:
    store, first = studied
    again = study_building(store, PORTFOLIO, "B", NOW, SETTINGS)
    assert again == first


def test_a_sub_meter_that_falls_silent_is_no_saving_and_its_finding_is_withdrawn_when_data_come() -> None:
    whole, holed = loads(), loads()
    holed["B/light"] = np.where(np.arange(N) >= N - 240, np.nan, holed["B/light"])
    store = filled(holed)
    study = study_building(store, PORTFOLIO, "B", NOW, SETTINGS)
    assert [(f.kind, f.point, f.state) for f in study.findings] == [("missing", "B/light", FindingState.OPEN)]
    assert study.savings[0].completeness < 0.95
    assert study.savings[0].avoided_kwh < filled_saving(whole).avoided_kwh
    micro = np.round(whole["B/light"] * 1e6).astype(np.int64)
    store.write_intervals(Column("B/light", "energy_import", Resolution.HOUR), Intervals.of(START, micro))
    (later,) = study_building(store, PORTFOLIO, "B", NOW, SETTINGS).findings
    assert (later.state, later.withdrawn_ms) == (FindingState.WITHDRAWN, NOW)


def filled_saving(energy: dict[str, np.ndarray]) -> Saving:
    return study_building(filled(energy), PORTFOLIO, "B", NOW, SETTINGS).savings[0]


def test_suspect_energy_is_named_and_kept_out_of_saving_and_baseline() -> None:
    energy = loads()
    calm = filled_saving(energy)
    rows = slice(N - 500, N - 490)
    energy["B/light"][rows] = 5000.0
    marks = np.zeros(N, np.uint16)
    marks[rows] = int(Flag.SUSPECT)
    study = study_building(filled(energy, {"B/light": marks}), PORTFOLIO, "B", NOW, SETTINGS)
    assert [(f.kind, f.point, f.evidence["hours"]) for f in study.findings] == [("gross_error", "B/light", 10.0)]
    assert study.savings[0].avoided_kwh == pytest.approx(calm.avoided_kwh, rel=0.02)


def test_what_a_meter_at_fault_hid_is_told_beside_the_ledger_and_gone_when_the_fault_is() -> None:
    energy, rows = loads(), slice(N - 500, N - 490)
    true = energy["B/light"][rows].copy()
    energy["B/light"][rows] = 5000.0
    marks = np.zeros(N, np.uint16)
    marks[rows] = int(Flag.SUSPECT)
    store = filled(energy, {"B/light": marks})
    study_building(store, PORTFOLIO, "B", NOW, SETTINGS)
    column, end = Column("B/light", "repaired", Resolution.HOUR), START[-1] + np.timedelta64(1, "h")
    (told,) = store.read_intervals([column], START[0], end)
    assert told.start.tolist() == START[rows].tolist()
    assert set(told.known.tolist()) == {int(Known.ESTIMATED)}
    assert told.micro.sum() / 1e6 == pytest.approx(true.sum(), rel=0.1)
    store.write_intervals(
        Column("B/light", "energy_import", Resolution.HOUR),
        Intervals.of(START[rows], np.round(true * 1e6).astype(np.int64)),
    )
    study_building(store, PORTFOLIO, "B", NOW, SETTINGS)
    (later,) = store.read_intervals([column], START[0], end)
    assert set(later.known.tolist()) == {int(Known.MISSING)}


def test_a_building_without_a_ledger_has_no_study() -> None:
    assert study_building(open_store("memory:"), PORTFOLIO, "B", NOW, SETTINGS) == Study((), (), ())


def test_a_new_meter_has_a_simpler_model_after_eight_days_and_nothing_is_judged_by_it_before_three_weeks() -> None:
    store = filled({p: np.where(np.arange(N) >= N - 400, e, np.nan) for p, e in loads().items()})
    study = study_building(store, PORTFOLIO, "B", NOW, SETTINGS)
    shown = {p for p in PORTFOLIO.points if shows_expected(PORTFOLIO, PORTFOLIO.points[p])}
    assert {(b.point, b.refused, b.simpler, b.facts["hours"]) for b in study.baselines} == {
        (p, "", "few_hours", 400) if p in shown else (p, "few_hours", "", 400) for p in PORTFOLIO.points
    }
    assert (study.savings[0].refused, study.findings) == ("few_hours", ())
    assert {c.point for c in store.columns() if c.quantity == "expected"} == shown


def test_a_main_meter_that_dies_after_the_works_is_no_saving() -> None:
    of_main = structs.replace(PORTFOLIO.measures["B-led"], points=("B/main",))
    died = START.astype(np.int64) * 1000 >= instant_ms("2025-09-08", "Asia/Shanghai")
    energy = loads()
    store = filled(energy | {"B/main": np.where(died, 0.0, energy["B/main"])})
    study = study_building(store, replace(PORTFOLIO, measures={"B-led": of_main}), "B", NOW, SETTINGS)
    (saving,) = study.savings
    assert saving.completeness < 0.1
    assert saving.avoided_kwh is None or saving.avoided_kwh < 0.1 * energy["B/main"][died].sum()
    assert [(f.kind, f.point) for f in study.findings] == [("stuck", "B/main")]


def test_less_than_eight_days_are_refused() -> None:
    store = filled({p: np.where(np.arange(N) >= N - 190, e, np.nan) for p, e in loads().items()})
    assert {b.refused for b in study_building(store, PORTFOLIO, "B", NOW, SETTINGS).baselines} == {"few_hours"}
