"""What flowed while a meter told something else; expected values by hand."""

import numpy as np
import pytest

from analytics.anomalies.episode import Episode
from analytics.anomalies.repair import repaired

EXPECTED = np.array([2.0, 2.0, 4.0, 4.0, 2.0, 2.0])


def fault(kind: str, begin: int = 2, end: int = 4, **evidence: float) -> Episode:
    return Episode("b/m", kind, begin, end, 0.9, None, evidence)


@pytest.mark.parametrize(
    ("episode", "shown", "flowed"),
    [
        (fault("scale10"), [40.0, 50.0], [4.0, 5.0]),
        (fault("phase_loss"), [2.0, 4.0], [3.0, 6.0]),
        (fault("phase_loss", share=0.5), [2.0, 4.0], [4.0, 8.0]),
        (fault("drift", share=0.25), [4.0, 5.0], [4.0, 4.0]),
        (fault("frozen"), [7.0, 7.0], [4.0, 4.0]),
        (fault("gap_catchup"), [0.0, 12.0], [6.0, 6.0]),
        (fault("reversed_ct"), [-1.0, np.nan], [4.0, 4.0]),
    ],
)
def test_each_fault_is_repaired_from_what_it_leaves_intact(episode, shown, flowed):
    series = np.array([2.0, 2.0, *shown, 2.0, 2.0])
    told = repaired([episode], "b/m", series, EXPECTED)
    assert told[2:4].tolist() == flowed
    assert np.isnan(told[[0, 1, 4, 5]]).all()


def test_faults_of_the_load_and_of_other_meters_are_not_repaired():
    other = Episode("b/other", "scale10", 2, 4, 0.9, None)
    for episode in (fault("night_on"), fault("base_step"), fault("spike"), fault("missing"), other):
        assert np.isnan(repaired([episode], "b/m", EXPECTED, EXPECTED)).all()


def test_a_fault_that_reaches_beyond_the_hours_is_cut_there():
    assert repaired([fault("frozen", 4, 99)], "b/m", EXPECTED, EXPECTED)[4:].tolist() == [2.0, 2.0]
