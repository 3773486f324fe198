"""Line protocol as it goes over the wire, by hand."""

import numpy as np
import pytest

from submeter.stores import Column, line
from submeter.words import (
    Finding,
    FindingState,
    Flag,
    GatewayStatus,
    Intervals,
    Quarantined,
    Readings,
    Resolution,
    Series,
)


def test_a_reading_is_one_float_with_four_tags() -> None:
    lines = line.reading_lines(
        Series("b1/l 1,a=b", "SN 7", "energy_import"), Readings.of([1000, 2000], [1_234_567, -1])
    )

    assert lines == [
        r"reading,building=b1,device=SN\ 7,point=l\ 1\,a\=b,quantity=energy_import value=1.234567 1000",
        r"reading,building=b1,device=SN\ 7,point=l\ 1\,a\=b,quantity=energy_import value=-1e-06 2000",
    ]


def test_an_interval_carries_every_field_and_missing_is_known_0_with_value_0() -> None:
    start = np.array(["2025-01-01", "2025-01-02"], "datetime64[s]")
    rows = Intervals.of(start, np.array([2_500_000, 9]), [2, 0], [1, 16], [Flag.SUSPECT, 0], [0, 3])
    tags = "interval,building=b1,point=m,quantity=cost,resolution=1d"

    assert line.interval_lines(Column("b1/m", "cost", Resolution.DAY), rows) == [
        f"{tags} value=2.5,known=2,method=1,flags=1,revision=0 1735689600",
        f"{tags} value=0.0,known=0,method=16,flags=0,revision=3 1735776000",
    ]


def test_a_finding_has_numbers_only_and_says_which_are_known() -> None:
    finding = Finding(id="b1/m@drift@1", building="b1", point="b1/m", kind="drift", start_ms=5, end_ms=9,
                      state=FindingState.WITHDRAWN, confidence=0.5, kwh=3, first_told_ms=6, last_seen_ms=7)  # fmt: skip

    assert line.finding_line(finding) == (
        "finding,building=b1,id=b1/m@drift@1,kind=drift,point=m open=2.0,kwh=3.0,kwh_known=1.0,yuan_month=0.0,"
        "yuan_known=0.0,confidence=0.5,end=9.0,first_told=6.0,last_seen=7.0,told_live=0.0,confirmed=1.0 5"
    )


def test_a_finding_that_live_alone_tells_says_so() -> None:
    finding = Finding(id="b1/m@stuck@1", building="b1", point="b1/m", kind="frozen", start_ms=5, end_ms=9,
                      state=FindingState.OPEN, confidence=0.5, first_told_ms=6, last_seen_ms=7, first_kind="stuck",
                      confirmed=False)  # fmt: skip

    assert line.finding_line(finding).endswith("last_seen=7.0,told_live=1.0,confirmed=0.0 5")


def test_a_gateway_tells_its_numbers() -> None:
    status = GatewayStatus(id="gw1", told_ms=5, waiting=3, oldest_ms=2, polls=9, errors=1)

    assert line.gateway_line(status) == (
        "gateway,gateway=gw1 waiting=3.0,oldest=2.0,polls=9.0,errors=1.0,online=1.0,synced=1.0,backfill=-1.0 5"
    )


def test_quarantined_records_are_counted_by_building_gateway_and_reason() -> None:
    def record(n: int, reason: str, building: str = "b1") -> Quarantined:
        return Quarantined(id=str(n), building=building, gateway="g", reason=reason, text="", record="", arrived_ms=n)

    assert line.quarantine_lines([record(1, "nan"), record(4, "nan"), record(2, "unit"), record(3, "nan", "")]) == [
        "quarantine,building=b1,gateway=g,reason=nan count=2.0 4",
        "quarantine,building=b1,gateway=g,reason=unit count=1.0 2",
        "quarantine,gateway=g,reason=nan count=1.0 3",
    ]


def test_a_strangers_name_is_listed_as_far_as_it_can_be() -> None:
    record = Quarantined(id="1", building="a\nb\\", gateway="g", reason="nan", text="", record="", arrived_ms=5)

    assert line.quarantine_lines([record]) == ["quarantine,building=a?b?,gateway=g,reason=nan count=1.0 5"]


@pytest.mark.parametrize("name", ["a\nb", "ends with \\", "a\\,b", "a\\ b", "a\\=b"])
def test_a_name_that_has_no_escape_is_refused(name: str) -> None:
    with pytest.raises(line.UnsayableError):
        line.tag_value(name)
