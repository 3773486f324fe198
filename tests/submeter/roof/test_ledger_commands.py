"""`submeter settle` and `submeter ledger`: what changed, how each number is known, what does not add up."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pytest

from analytics.calendar import instant_ms
from analytics.ledger.corrections import CorrectionError
from submeter.roof.ledger_words import FLAGS, METHODS
from submeter.stores import Column, Store
from submeter.words import Block, ConfigError, Flag, Method, Readings, Resolution, Series
from tests.submeter.roof.hand_read import ZONE, opened, run, site

BEGIN = instant_ms("2026-03-01", ZONE)
HOUR_MS = 3_600_000
SILENT = range(30, 36)


def keep(store: Store, series: Series, rows: dict[int, float]) -> None:
    times = sorted(rows)
    store.write_readings([Block(series, Readings.of(times, [round(rows[time] * 1e6) for time in times]))])


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Four days of an hourly meter (80:1) that shows a 0 once and is silent once, then is exchanged; settled."""
    made = site(tmp_path)
    store = opened(made)
    shown = {BEGIN + h * HOUR_MS: 100.0 + h / 4 for h in range(106) if h not in SILENT}
    keep(store, Series("b/m", "s1", "energy_import"), {**shown, BEGIN + 50 * HOUR_MS: 0.0})
    later = {BEGIN + h * HOUR_MS: (h - 106) / 4 for h in range(107, 140)}
    keep(store, Series("b/m", "s2", "energy_import"), later)
    store.close()
    assert run(made, "settle", "b/m").exit_code == 0
    return made


def rows_of(settings: Path, *words: str) -> list[dict[str, object]]:
    told = run(settings, "ledger", "show", "b/m", *words, "--json")
    assert told.exit_code == 0, told.output
    return [json.loads(line) for line in told.stdout.splitlines()]


def test_settling_says_what_changed_and_the_second_time_nothing(settings: Path) -> None:
    assert "1 meter settled: nothing changed" in run(settings, "settle", "b/m").output
    store = opened(settings)
    keep(store, Series("b/m", "s1", "energy_import"), {BEGIN + 33 * HOUR_MS: 108.5})
    store.close()
    told = run(settings, "settle", "b/m", "--json")
    meter, total = (json.loads(line) for line in told.stdout.splitlines())
    assert meter["meter"] == "b/m"
    assert meter["changed"] == {"1h": 7}, "those between the readings at 29 and 36 o'clock; their sum is as it was"
    assert total == {"meters": 1, "changed": meter["changed"]}


def test_settling_a_span_leaves_the_others(settings: Path) -> None:
    store = opened(settings)
    column = Column("b/m", "energy_import", Resolution.DAY)
    (days,) = store.read_intervals([column], np.datetime64("2026-01-01", "s"), np.datetime64("2027-01-01", "s"))
    store.write_intervals(column, replace(days, micro=days.micro + 1))
    store.close()
    told = run(settings, "settle", "b/m", "--from", "2026-03-06", "--json")
    assert json.loads(told.stdout.splitlines()[0])["changed"]["1d"] < len(days)
    assert run(settings, "ledger", "check", "b/m").exit_code == 1
    assert run(settings, "settle").exit_code == 0
    assert run(settings, "ledger", "check").exit_code == 0


def test_a_price_that_was_changed_is_worked_out_anew(settings: Path) -> None:
    prices = settings.parent / "portfolio" / "prices.csv"
    prices.write_text(prices.read_text().replace("0.5", "0.75"))
    told = run(settings, "ledger", "check", "b/m")
    assert told.exit_code == 1
    assert "it should be 360.000000 measured: energy times 0.75 [priced]" in told.output
    assert "cost, carbon" in run(settings, "settle", "b/m").output
    assert run(settings, "ledger", "check", "b/m").exit_code == 0


def test_a_day_is_shown_in_words(settings: Path) -> None:
    told = run(settings, "ledger", "show", "b/m", "--day", "2026-03-02")
    assert max(len(line) for line in told.output.splitlines()) <= 80
    assert "20.000 │ measured" in told.output
    assert "estimated: the" in told.output
    hours = rows_of(settings, "--day", "2026-03-02")
    assert [row["known"] for row in hours[4:13]] == ["measured", *["estimated"] * 7, "measured"]
    assert sum(float(str(row["value"])) for row in hours) == 480


def test_an_explanation_names_readings_events_and_devices(settings: Path) -> None:
    told = run(settings, "ledger", "show", "b/m", "--day", "2026-03-03", "--explain").output
    assert "! left out, as the register took it back: 0 kWh at 2026-03-03 02:00:00" in told
    assert "begins: 112 kWh at 2026-03-03 00:00:00" in told
    assert "meter: s1, until 2026-03-05 10:00, ratio 80, rolls over at 10000" in told
    told = run(settings, "ledger", "show", "b/m", "--day", "2026-03-05", "--explain").output
    assert "the meter was exchanged" in told
    assert "(closing reading)" in told or "(opening reading)" in told
    (hour,) = [row for row in rows_of(settings, "--day", "2026-03-05") if row["start"] == "2026-03-05T02:00:00Z"]
    assert hour["devices"] == ["s2"]


def test_months_and_years_are_shown_by_days_and_months(settings: Path) -> None:
    days = rows_of(settings, "--month", "2026-03")
    assert [(row["resolution"], row["start"]) for row in days[:2]] == [
        ("1d", "2026-02-28T16:00:00Z"), ("1d", "2026-03-01T16:00:00Z"),
    ]  # fmt: skip
    (month,) = rows_of(settings, "--year", "2026")
    assert (month["resolution"], month["known"], month["flags"]) == ("1mo", "missing", ["pending"])


def test_a_total_is_shown_with_what_it_adds_up(settings: Path) -> None:
    told = run(settings, "ledger", "show", "b/=electricity", "--day", "2026-03-02", "--resolution", "1d", "--explain")
    assert "2026-03-02 to 2026-03-03  480.000 kWh: measured: sum of other intervals" in told.output
    assert told.output.endswith("sum of b/m; ask for those\n")


def test_every_method_and_flag_has_words() -> None:
    assert set(METHODS) == set(Method)
    assert set(FLAGS) | {Flag.PENDING} == {flag for flag in Flag if flag.value}


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        (("--day", "2026-02-30"), ConfigError, "is no day; write it like 2026-03-01"),
        (("--month", "2026-3-1"), ConfigError, "is no month; write it like 2026-03"),
        (("--day", "2026-03-01", "--year", "2026"), SystemExit, "say one of --day and --year"),
    ],
)
def test_a_span_that_cannot_be_meant_is_said(
    settings: Path, words: tuple[str, ...], kind: type[BaseException], said: str
) -> None:
    told = run(settings, "ledger", "show", "b/m", *words)
    assert isinstance(told.exception, kind)
    assert said in told.output + str(told.exception)


def test_a_correction_is_kept_with_author_and_reason_settled_listed_and_revoked(settings: Path) -> None:
    before = rows_of(settings, "--day", "2026-03-04")
    said = ["--by", "Li Wei", "--why", "clamp was open"]
    told = run(settings, "ledger", "correct", "b/m", "--reject", "2026-03-04 06:00", "2026-03-04 18:00", *said)
    assert told.exit_code == 0, told.output
    name = told.output.partition(": ")[0]
    assert run(settings, "settle", "b/m").exit_code == 0
    changed = rows_of(settings, "--day", "2026-03-04")
    assert [row["known"] for row in changed].count("estimated") > [row["known"] for row in before].count("estimated")
    assert changed[8]["corrections"] == [name]
    listed = run(settings, "ledger", "corrections", "b/m").output
    assert "Li Wei" in listed
    assert "clamp was open" in listed
    assert run(settings, "ledger", "revoke", name, "--by", "Wang", "--why", "it was not").exit_code == 0
    assert f"{name}  (revoked)" in run(settings, "ledger", "corrections").output
    assert run(settings, "settle", "b/m").exit_code == 0
    after = rows_of(settings, "--day", "2026-03-04")
    assert [(row["value"], row["known"]) for row in after] == [(row["value"], row["known"]) for row in before]
    assert run(settings, "ledger", "check", "b/m").exit_code == 0


def test_a_hand_reading_is_a_correction_with_a_value(settings: Path) -> None:
    words = ["ledger", "correct", "b/m", "--reading", "2026-03-02 09:00", "108.25", "--by", "Li", "--why", "on site"]
    assert "the register showed 108.25 kWh at 2026-03-02 09:00" in run(settings, *words).output
    assert run(settings, "settle", "b/m").exit_code == 0
    assert "108.25 kWh at 2026-03-02 09:00:00 (Li)" in run(
        settings, "ledger", "show", "b/m", "--day", "2026-03-02", "--explain"
    ).output  # fmt: skip


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        ((), click.UsageError, "say either --reject FROM TO or --reading TIME VALUE"),
        (("--reading", "2026-03-01", "much"), ConfigError, "value 'much' is no number"),
        (("--reading", "2099-01-01", "5"), CorrectionError, "lies in the future"),
        (("--reject", "2026-03-02", "2026-03-01"), CorrectionError, "ends before it begins"),
    ],
)
def test_a_correction_that_cannot_be_is_said(
    settings: Path, words: tuple[str, ...], kind: type[Exception], said: str
) -> None:
    told = run(settings, "ledger", "correct", "b/m", *words, "--by", "Li", "--why", "x")
    assert told.exit_code != 0
    assert said in told.output + str(told.exception)
    assert isinstance(told.exception, kind | SystemExit)


def submeter(settings: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "submeter", *words, "--settings", str(settings)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


@pytest.mark.service
def test_a_wrong_number_ends_the_check_with_code_1_and_a_sentence(settings: Path) -> None:
    sound = submeter(settings, "ledger", "check", "b/m")
    assert (sound.returncode, "everything adds up" in sound.stdout) == (0, True), sound.stderr
    store = opened(settings)
    column = Column("b/m", "energy_import", Resolution.DAY)
    start = np.datetime64("2026-03-01T16:00", "s")
    (day,) = store.read_intervals([column], start, start + np.timedelta64(1, "s"))
    store.write_intervals(column, replace(day, micro=day.micro + 1_000_000))
    store.close()
    told = submeter(settings, "ledger", "check")
    assert told.returncode == 1
    assert told.stdout.splitlines() == [
        "b/m, energy_import (kWh), 1d, 2026-03-02 00:00 to 2026-03-03 00:00 (Asia/Shanghai): stored is 481.000000 "
        "measured register; it should be 480.000000 measured register [settled]. `submeter settle b/m` settles it "
        "again; if it comes back, report it."
    ]
    every = submeter(settings, "ledger", "check", "--all", "--json")
    rules = [json.loads(line).get("rule") for line in every.stdout.splitlines()]
    assert rules[-1] is None
    assert {"settled", "sums", "counts", "priced"} <= set(rules)


def test_a_total_that_is_no_sum_is_found_even_while_newer_readings_wait(settings: Path) -> None:
    assert run(settings, "settle").exit_code == 0
    store = opened(settings)
    column = Column("b/=electricity", "energy_import", Resolution.DAY)
    start = np.datetime64("2026-03-01T16:00", "s")
    (day,) = store.read_intervals([column], start, start + np.timedelta64(1, "s"))
    store.write_intervals(column, replace(day, micro=day.micro + 1))
    store.touch([("b/m", BEGIN + 100 * 24 * HOUR_MS, BEGIN + 100 * 24 * HOUR_MS + 1)])
    store.close()
    told = run(settings, "ledger", "check")
    assert told.exit_code == 1
    assert "stored is 480.000001; it should be 480.000000, the sum of its members [totals]" in told.output
    store = opened(settings)
    store.touch([("b/m", BEGIN, BEGIN + 1)])
    store.close()
    assert run(settings, "ledger", "check").exit_code == 0, "what waits may change it"
