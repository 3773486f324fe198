"""SenML packs there and back, by hand, by property, and against slow obvious twins."""

import contextlib
import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from submeter.wire import senml
from submeter.words import Block, PayloadError, Readings, Series

CASES = sorted(p for p in Path(__file__).with_name("packs").iterdir() if p.is_dir())
MAIN = Series("HQ01/main", "SN1", "energy_import")


def expected(case: Path) -> Any:
    return json.loads((case / "expected.json").read_text(encoding="utf-8"))


def block(times_ms: list[int], micro: list[int], series: Series = MAIN) -> Block:
    return Block(series, Readings.of(times_ms, micro))


def test_a_pack_reads_as_the_documentation_shows_it() -> None:
    pack = senml.encode([block([1_700_000_000_000, 1_700_000_900_000], [317_760_000, 318_010_000])])

    assert pack == (
        b'[{"bver":26,"bn":"main/SN1/energy_import","bt":1700000000,"bu":"kWh","v":317.76},{"t":900,"v":318.01}]'
    )


def test_boot_and_clock_stand_in_the_first_record_only() -> None:
    one, two = block([1000], [1]), block([1000], [2], Series("HQ01/wing", "SN2", "power_active"))

    records = json.loads(senml.encode([one, two], boot="b7", clock="restamped"))

    assert [(r.get("boot"), r.get("clock")) for r in records] == [("b7", "restamped"), (None, None)]


def test_milliseconds_survive() -> None:
    pack = senml.encode([block([1_700_000_000_001, 1_700_000_000_250], [0, 0])])

    assert b'"bt":1700000000.001' in pack
    assert b'"t":0.249' in pack
    assert senml.runs(senml.decode(pack))[0].times_ms.tolist() == [1_700_000_000_001, 1_700_000_000_250]


def test_a_serial_may_be_any_text() -> None:
    (run,) = senml.runs(senml.decode(senml.encode([block([1000], [1], Series("HQ01/main", '表"7', "energy_import"))])))

    assert run.name == 'main/表"7/energy_import'


def test_a_pack_of_nothing_is_an_empty_list() -> None:
    assert senml.encode([block([], [])]) == b"[]"
    assert senml.runs(senml.decode(b"[]")) == []


MICRO = st.integers(-(10**15), 10**15) | st.integers(-9 * 10**18, 9 * 10**18)


@given(st.lists(MICRO, min_size=1, max_size=20))
def test_values_are_written_exactly(micro: list[int]) -> None:
    pack = senml.encode([block(list(range(0, 1000 * len(micro), 1000)), micro)])

    written = [record["v"] for record in json.loads(pack, parse_float=Decimal, parse_int=Decimal)]

    assert written == [Decimal(m) / 1_000_000 for m in micro]


@given(st.dictionaries(st.integers(0, 4_000_000_000_000), st.integers(-(10**15), 10**15), min_size=1, max_size=30))
def test_what_goes_there_comes_back(readings: dict[int, int]) -> None:
    times = sorted(readings)
    micro = [readings[t] for t in times]

    (run,) = senml.runs(senml.decode(senml.encode([block(times, micro)])))

    assert (run.name, run.unit) == ("main/SN1/energy_import", "kWh")
    assert run.times_ms.tolist() == times
    assert senml.to_micros(run.values)[0].tolist() == micro


OPTIONAL_TEXT = st.none() | st.sampled_from(["a", "b/", "c"])
NUMBER = st.none() | st.floats(-1e9, 1e9) | st.sampled_from([float("nan"), float("inf")])
RECORDS = st.lists(
    st.builds(
        lambda **labels: {k: v for k, v in labels.items() if v is not None},
        bn=OPTIONAL_TEXT | st.just(7), n=OPTIONAL_TEXT, bu=OPTIONAL_TEXT, u=OPTIONAL_TEXT,
        bt=NUMBER, t=NUMBER, bv=NUMBER, v=NUMBER | st.just("x"),
    ) | st.just(5),
    max_size=12,
)  # fmt: skip


@given(RECORDS)
def test_runs_say_the_same_as_resolving_record_by_record(items: list[object]) -> None:
    records = senml.decode(json.dumps(items).encode())
    slow = {i: r for i, r in enumerate(senml.resolve(records)) if isinstance(r, senml.Resolved)}

    fast = {
        int(i): (run.name, run.unit, int(ms), float(value))
        for run in senml.runs(records)
        for i, ms, value in zip(run.index, run.times_ms, run.values, strict=True)
    }

    assert fast.keys() == slow.keys()
    for i, r in slow.items():
        ms = r.t * 1000
        value = float("nan") if r.v is None else r.v
        expected = (r.n, r.u, round(ms) if abs(ms) < senml.TIME_LIMIT_MS else 0, value)
        assert fast[i][:3] == expected[:3]
        assert fast[i][3] == value or (np.isnan(value) and np.isnan(fast[i][3]))


@given(RECORDS)
def test_every_record_has_its_place(items: list[object]) -> None:
    records = senml.decode(json.dumps(items).encode())

    assert len(records) == len(items)
    assert all(r.index == i for i, r in enumerate(records) if isinstance(r, senml.BadRecord))


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_payload_raises_anything_but_a_payload_error(payload: bytes) -> None:
    with contextlib.suppress(PayloadError):
        senml.runs(senml.decode(payload))


@pytest.mark.parametrize("case", [c for c in CASES if "error" not in expected(c)], ids=lambda p: p.name)
def test_a_captured_pack_is_read_as_its_folder_says(case: Path) -> None:
    records = senml.decode((case / "payload").read_bytes())

    bad = {str(r.index): r.text for r in records if isinstance(r, senml.BadRecord)}
    assert bad.keys() == expected(case)["bad"].keys()
    assert all(expected(case)["bad"][i] in text for i, text in bad.items())
    assert [
        [run.name, run.unit, run.times_ms.tolist(), [None if math.isnan(v) else v for v in run.values.tolist()]]
        for run in senml.runs(records)
    ] == expected(case)["runs"]


@pytest.mark.parametrize("case", [c for c in CASES if "error" in expected(c)], ids=lambda p: p.name)
def test_a_captured_pack_is_refused_as_its_folder_says(case: Path) -> None:
    with pytest.raises(PayloadError) as fault:
        senml.decode((case / "payload").read_bytes())

    assert expected(case)["error"] in str(fault.value)


def test_a_payload_over_the_limit_is_not_read() -> None:
    with pytest.raises(PayloadError, match="5,000,000 bytes is over the limit of 1,000,000; send smaller packs"):
        senml.decode(b" " * 5_000_000)


def test_a_deep_nest_is_no_end_of_the_service() -> None:
    with pytest.raises(PayloadError, match="not JSON"):
        senml.decode(b"[" * 100_000)


@pytest.mark.parametrize(
    ("value", "micro"),
    [(317.76, 317_760_000), (-0.0000014, -1), (float("nan"), None), (float("inf"), None), (1e13, None)],
)
def test_a_value_becomes_micro_units_or_nothing(value: float, micro: int | None) -> None:
    assert senml.to_micro(value) == micro
    many, fits = senml.to_micros(np.array([value]))
    assert (many.tolist()[0] if fits[0] else None) == micro
