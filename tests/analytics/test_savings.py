import numpy as np
import pytest
from msgspec import structs

from analytics.savings import Drift, avoided, gate, half_width, whole_year_width
from dashboards.catalogue import LANGUAGES, text
from submeter.words import Baseline, Measure, Saving

MEASURE = Measure(id="B-led", building="B", name="LED", points=("B/light",), start="2026-01-01")
DAY_MS = 86_400_000


def model(scatter: float = 0.05, n: int = 8760, refused: str = "") -> Baseline:
    return Baseline(
        id="B/light@1970-01-01", building="B", point="B/light", model="test", start_ms=0, end_ms=365 * DAY_MS, n=n,
        p=400, cvrmse=0.1, nmbe=0.0, r2=0.9, cvrmse_daily=0.06, refused=refused,
        coefficients={"daily": [scatter, 0.0], "weekly": [scatter / 2]},
    )  # fmt: skip


def saving(actual: np.ndarray, expected: np.ndarray, of: Baseline | None = None, **more: object) -> Saving:
    day = np.arange(len(actual)) // 24
    span = {"start_ms": 365 * DAY_MS, "end_ms": 365 * DAY_MS + len(actual) * 3_600_000}
    return avoided(MEASURE, of or model(), day=day, actual_kwh=actual, expected_kwh=expected, **span, **more)  # type: ignore[arg-type]  # keyword table


def test_avoided_energy_is_expected_minus_actual_and_accumulates() -> None:
    s = saving(np.full(240, 6.0), np.full(240, 10.0))
    assert (s.expected_kwh, s.actual_kwh, s.avoided_kwh) == (2400, 1440, 960)
    assert s.avoided[:2] == [96, 192]
    assert s.days[0] == "1970-01-01"
    assert s.completeness == 1


def test_the_band_by_hand_after_ten_days() -> None:
    # d² + (k w)² + (z s)² (1 / days - 1 / 365.25), one year after the baseline's middle counts as one
    width = (0.08**2 + (0.8 * 0.025) ** 2 + (1.6449 * 0.05) ** 2 * (1 / 10 - 1 / 365.25)) ** 0.5
    s = saving(np.full(240, 6.0), np.full(240, 10.0))
    assert s.low_kwh == pytest.approx(2400 * np.exp(-width) - 1440, rel=1e-4)
    assert s.high_kwh == pytest.approx(2400 * np.exp(width) - 1440, rel=1e-4)
    assert s.distinguishable


def test_a_small_saving_is_not_distinguishable_from_zero() -> None:
    s = saving(np.full(2400, 9.8), np.full(2400, 10.0))
    assert s.low_kwh < 0 < s.high_kwh
    assert not s.distinguishable


def test_the_band_grows_in_kwh_and_never_narrows_below_the_drift() -> None:
    s = saving(np.full(24 * 300, 6.0), np.full(24 * 300, 10.0))
    width = np.array(s.high) - np.array(s.low)
    assert (np.diff(width) > 0).all()
    assert half_width(np.array([1e6]), np.array([1.0]), 0.0, 0.0, 0.0) == pytest.approx(0.08)
    assert half_width(np.array([1e6]), np.array([4.0]), 0.0, 0.0, 0.0) == pytest.approx(0.16)


def test_a_whole_years_noise_is_in_the_drift_already() -> None:
    noisy, calm = (half_width(np.array([365.25, 800.0]), np.array([1.0, 1.0]), s, 0.9, 0.05) for s in (0.5, 0.0))
    assert noisy.tolist() == calm.tolist()
    assert half_width(np.array([100.0]), np.array([1.0]), 0.5, 0.9, 0.05)[0] > calm[0]


def test_weeks_that_scatter_more_than_any_placebo_widen_the_band_no_further() -> None:
    wide, widest, seen = (whole_year_width(structs.replace(model(), coefficients={"daily": [0.1, 0.5], "weekly": [w]}))
                          for w in (0.3, 0.8, 0.29))  # fmt: skip
    assert seen < wide == widest == pytest.approx((0.08**2 + (0.8 * 0.3) ** 2) ** 0.5)


def test_less_confidence_is_a_narrower_band() -> None:
    wide, narrow = (half_width(np.array([30.0]), np.array([1.0]), 0.05, 0.0, 0.02, c) for c in (0.9, 0.68))
    assert narrow[0] == pytest.approx(wide[0] * 0.9945 / 1.6449, rel=1e-3)


def test_unknown_hours_are_left_out_of_both_sides() -> None:
    actual = np.full(480, 6.0)
    actual[:120] = np.nan
    s = saving(actual, np.full(480, 10.0))
    assert (s.expected_kwh, s.avoided_kwh, s.completeness) == (3600, 1440, 0.75)


def test_money_and_carbon_use_the_rate_of_each_hour() -> None:
    yuan = np.r_[np.full(120, 1.0), np.full(120, 2.0)]
    s = saving(np.full(240, 6.0), np.full(240, 10.0), yuan_per_kwh=yuan, kg_per_kwh=0.5)
    assert (s.avoided_yuan, s.avoided_kg) == (4 * 120 + 8 * 120, 480)
    priced = saving(np.full(240, 6.0), np.full(240, 10.0), yuan_per_kwh=2.0)
    assert (priced.low_yuan, priced.high_yuan) == (
        pytest.approx(2 * priced.low_kwh),
        pytest.approx(2 * priced.high_kwh),
    )
    assert s.low_yuan == pytest.approx(3600 * (2400 + s.low_kwh - 960) / 2400 - 2160), "each hour at its own price"
    assert saving(np.full(240, 6.0), np.full(240, 10.0)).avoided_yuan is None


@pytest.mark.parametrize(
    ("of", "hours", "code", "facts"),
    [
        (model(refused="few_hours"), 240, "few_hours", {}),
        (model(n=50 * 24), 240, "few_baseline_days", {"days": 50, "least": 90}),
        (model(), 48, "few_reporting_days", {"days": 2, "least": 7}),
    ],
)
def test_what_cannot_be_said_is_refused_with_the_reason(
    of: Baseline, hours: int, code: str, facts: dict[str, float]
) -> None:
    s = saving(np.full(hours, 6.0), np.full(hours, 10.0), of)
    assert (s.refused, s.facts) == (code, facts)
    assert (s.avoided_kwh, s.distinguishable) == (0, False)


def test_a_saving_says_that_its_baseline_is_a_simpler_model_and_why() -> None:
    plain = structs.replace(model(), simpler="no_pattern")
    assert saving(np.full(240, 6.0), np.full(240, 10.0), plain).simpler == "no_pattern"
    assert saving(np.full(240, 6.0), np.full(240, 10.0)).simpler == ""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", ["few_hours", "no_energy", "not_made", "few_baseline_days", "few_reporting_days"])
def test_every_reason_is_said_in_both_languages(code: str, language: str) -> None:
    said = text(language, f"refusals.{code}", hours=3.0, days=3.0, least=5.0)
    assert "⟦" not in said
    assert "…" not in said


def test_the_curve_never_looks_ahead() -> None:
    long, short = (saving(np.full(24 * n, 6.0), np.full(24 * n, 10.0)) for n in (100, 40))
    assert long.low[:40] == short.low
    assert long.high[:40] == short.high


def test_a_learned_drift_takes_the_place_of_the_stated_one_and_is_said() -> None:
    wide = saving(np.full(240, 9.0), np.full(240, 10.0), drift=Drift(0.3, 0.0, 12))
    assert wide.drift_years == 12
    assert wide.high_kwh > saving(np.full(240, 9.0), np.full(240, 10.0)).high_kwh


def test_a_baseline_that_fails_the_guideline_is_named() -> None:
    assert gate(model()) == []
    assert gate(structs.replace(model(), cvrmse=0.31, nmbe=-0.11)) == ["cvrmse", "nmbe"]


def test_a_level_that_breaks_is_dated_and_left_in_the_sums() -> None:
    actual = np.r_[np.full(24 * 60, 6.0), np.full(24 * 60, 8.0)]
    s = saving(actual, np.full(24 * 120, 10.0))
    (event,) = s.events
    assert (event.since, event.explained) == ("1970-03-02", False)
    assert event.share == pytest.approx(0.2)
    assert event.kwh_a_day == pytest.approx(48)
    assert s.avoided_kwh == 24 * (60 * 4 + 60 * 2)
    assert saving(actual, np.full(24 * 120, 10.0), began=[58]).events[0].explained


def test_the_drift_goes_on_while_nothing_is_known() -> None:
    # from the end of the baseline to the end of the reporting period are 1000 days, whatever was read of them
    actual = np.full(24 * 1000, 6.0)
    actual[24 * 10 : 24 * 990] = np.nan
    s = saving(actual, np.full(24 * 1000, 10.0), model(scatter=0.0))
    assert s.high_kwh == pytest.approx(4800 * np.exp(0.08 * np.sqrt(1000 / 365.25)) - 2880, rel=1e-6)
