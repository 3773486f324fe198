"""What is exported comes back: the same readings, and from them the same ledger."""

import csv
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.calendar import instant_ms
from submeter.stores import ALWAYS_MS, Store
from submeter.words import Block, ConfigError, Readings, Series
from tests.analytics.ledger.small_cases import content
from tests.submeter.roof.hand_read import ZONE, opened, run, site

BEGIN = instant_ms("2026-03-01", ZONE)
HOUR_MS = 3_600_000
MAIN, NEXT, WATER = (
    Series("b/m", "s1", "energy_import"),
    Series("b/m", "s2", "energy_import"),
    Series("b/w", "w1", "volume"),
)
VOLTS = Series("b/m", "s2", "voltage_a")


def keep(store: Store, series: Series, rows: dict[int, int]) -> None:
    times = sorted(rows)
    store.write_readings([Block(series, Readings.of(times, [rows[time] for time in times]))])
    store.touch([(series.point, times[0], times[-1] + 1)])


def readings(store: Store) -> dict[Series, list[tuple[int, int]]]:
    found = {}
    for series in store.series():
        rows = store.read_readings(series, *ALWAYS_MS)
        found[series] = list(zip(rows.times.astype("int64").tolist(), rows.micro.tolist(), strict=True))
    return found


@pytest.fixture
def site_settings(tmp_path: Path) -> Path:
    """A few days of the meter and of water, settled."""
    made = site(tmp_path)
    store = opened(made)
    keep(store, MAIN, {BEGIN + h * HOUR_MS: (100 + h // 4) * 1_000_000 for h in range(96)})
    keep(store, NEXT, {BEGIN + h * HOUR_MS: (h - 96) * 250_001 for h in range(107, 140) if h != 120})
    keep(store, WATER, {BEGIN + h * HOUR_MS: h * 100_000 for h in range(0, 72, 24)})
    keep(store, VOLTS, {BEGIN + 110 * HOUR_MS + 250: 229_870_000})
    store.close()
    assert run(made, "settle").exit_code == 0
    return made


@pytest.mark.parametrize("name", ["all.csv", "all.parquet"])
def test_readings_come_back_and_make_the_same_ledger(site_settings: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    told = run(site_settings, "export", "readings", "-o", str(file))
    assert (told.exit_code, "132 readings of 2 meters" in told.output) == (0, True), told.output
    (tmp_path / "other").mkdir()
    other = site(tmp_path / "other")
    assert run(other, "import", "readings", str(file)).exit_code == 0
    assert run(other, "settle").exit_code == 0
    one, two = opened(site_settings), opened(other)
    assert readings(one) == readings(two)
    assert content(one) == content(two)
    one.close()
    two.close()


ROWS = st.dictionaries(
    st.integers(BEGIN, BEGIN + 200 * HOUR_MS), st.integers(0, 999_999_999_999), min_size=1, max_size=30
)


@settings(max_examples=12, deadline=None)
@given(ROWS, st.sampled_from(["r.csv", "r.parquet"]), st.sampled_from(["Europe/Berlin", "Asia/Kathmandu"]))
def test_any_readings_come_back_to_the_last_micro_unit_and_millisecond(
    rows: dict[int, int], name: str, zone: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "two").mkdir()
        here, there = site(root, zone), site(root / "two", zone)
        store = opened(here)
        keep(store, WATER, rows)
        first = readings(store)
        store.close()
        assert run(here, "export", "readings", "-o", str(root / name)).exit_code == 0
        assert run(there, "import", "readings", str(root / name)).exit_code == 0
        store = opened(there)
        assert readings(store) == first
        store.close()


def test_intervals_say_how_each_is_known(site_settings: Path, tmp_path: Path) -> None:
    file = tmp_path / "days.csv"
    told = run(
        site_settings, "export", "intervals", "b/m", "--from", "2026-03-02", "--to", "2026-03-06", "-o", str(file)
    )
    assert told.exit_code == 0, told.output
    rows = list(csv.DictReader(file.open(encoding="utf-8")))
    assert [row["start"] for row in rows] == [f"2026-03-0{day}T00:00:00+08:00" for day in range(2, 6)]
    assert rows[0] == {
        "point": "b/m", "quantity": "energy_import", "resolution": "1d", "start": "2026-03-02T00:00:00+08:00",
        "end": "2026-03-03T00:00:00+08:00", "value": "480", "unit": "kWh", "known": "measured", "method": "register",
        "flags": "", "revision": "0", "zone": ZONE,
    }  # fmt: skip
    assert rows[3]["flags"] == "exchange"


def test_a_missing_interval_has_no_value_in_both_formats(site_settings: Path, tmp_path: Path) -> None:
    from pyarrow import parquet  # noqa: PLC0415  (of the test alone)

    for name in ("h.csv", "h.parquet"):
        assert (
            run(site_settings, "export", "intervals", "--resolution", "1mo", "-o", str(tmp_path / name)).exit_code == 0
        )
    rows = parquet.read_table(tmp_path / "h.parquet").to_pylist()
    texts = list(csv.DictReader((tmp_path / "h.csv").open(encoding="utf-8")))
    assert [(row["value"], row["known"]) for row in rows] == [(None, "missing"), (None, "missing")]
    assert [(row["value"], row["known"]) for row in texts] == [("", "missing"), ("", "missing")]


def test_a_span_that_is_empty_or_no_time_is_said_and_no_file_is_left(site_settings: Path, tmp_path: Path) -> None:
    for words, said in (
        (("--from", "2026-03-02", "--to", "2026-03-01"), "is empty; --to comes after --from"),
        (("--from", "soon"), "'soon' is not like"),
    ):
        told = run(site_settings, "export", "readings", *words, "-o", str(tmp_path / "x.csv"))
        assert isinstance(told.exception, ConfigError)
        assert said in str(told.exception)
    assert list(tmp_path.glob("x*")) == []
