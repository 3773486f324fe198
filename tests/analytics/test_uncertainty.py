import numpy as np
import pytest
from scipy.stats import t as student

from analytics.uncertainty import Fit, Spacing, Variant, savings_uncertainty, shape

FIT = Fit(n=365, p=5, cvrmse=0.12, rho=0.5)


def a_year(fit: Fit, variant: Variant) -> float:
    return savings_uncertainty(fit, 1000.0, 365, baseline_months=12, reporting_months=12, variant=variant)


def test_the_guidelines_polynomials_for_a_year() -> None:
    assert shape(12, "day") == pytest.approx(1.00286 + 12 * 0.03535 - 144 * 0.00024)
    assert shape(12, "month") == pytest.approx(0.94054 + 12 * 0.03306 - 144 * 0.00022)
    assert shape(12, "hour") == 1.26


def test_the_stated_variant_by_hand() -> None:
    # n' = 365 * 0.5 / 1.5; dE = E t a CV sqrt(n/n' (1 + 2/n') / m)
    independent = 365 / 3
    root = np.sqrt(3 * (1 + 2 / independent) / 365)
    hand = 1000.0 * student.ppf(0.95, 360) * shape(12, "day") * 0.12 * root
    told = savings_uncertainty(FIT, 1000.0, 365, baseline_months=12, reporting_months=12)
    assert told == pytest.approx(hand)


@pytest.mark.parametrize(
    ("fit", "points", "months", "spacing", "told"),
    [
        (FIT, 365, 365 / 30, "day", 25.276140020394568),
        (FIT, 90, 90 / 30, "day", 40.31409845900138),
        (Fit(n=12, p=3, cvrmse=0.12, rho=0.2), 12, 12, "month", 113.52302864305868),
    ],
)
def test_the_stated_variant_agrees_with_the_code_it_is_read_from(
    fit: Fit, points: float, months: float, spacing: Spacing, told: float
) -> None:
    # _compute_fsu_error of eemeter's hourly derivatives (opendsm 1.2.7), called with a total of 1000 at 90 %
    ours = savings_uncertainty(
        fit, 1000.0, points, baseline_months=12, reporting_months=months, spacing=spacing, variant="caltrack"
    )
    assert ours == pytest.approx(told, rel=1e-9)


def test_the_second_variant_corrects_twice_and_the_third_once_by_other_means() -> None:
    stated, twice, other = (a_year(FIT, "caltrack"), a_year(FIT, "opendsm"), a_year(FIT, "nmecr"))
    lost = np.sqrt((365 - 5) / (365 / 3 - 5))  # CV(RMSE) with n' - p in place of n - p
    assert twice == pytest.approx(stated * lost)
    assert other == pytest.approx(stated * lost / np.sqrt(3))


def test_the_third_variant_corrects_nothing_where_days_hardly_follow_each_other() -> None:
    calm = Fit(n=365, p=5, cvrmse=0.12, rho=0.3)
    independent = Fit(n=365, p=5, cvrmse=0.12, rho=0.0)
    assert a_year(calm, "nmecr") == pytest.approx(a_year(independent, "caltrack"))


def test_a_model_without_freedom_says_nothing() -> None:
    tight = Fit(n=10, p=10, cvrmse=0.1, rho=0.0)
    assert np.isnan(savings_uncertainty(tight, 1.0, 10, baseline_months=1, reporting_months=1))
